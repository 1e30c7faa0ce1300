"""Sliders that reshape one next-token distribution (lesson 05)."""

from __future__ import annotations

from collections.abc import Callable

import ipywidgets as widgets
import numpy as np

from helpers import checks, sentences
from helpers.sampling import (
    FILTERS,
    SamplingSettings,
    apply_temperature,
    entropy,
    largest_ids,
    next_token_probabilities,
)
from helpers.window.charts import Charts, bars
from helpers.window.controls import filter_slider
from helpers.window.views import display_widget

SHOWN = 12
KEY = "grey: the model · blue: what the sliders leave"


class DistributionSliders:
    """A slider for each filter over the next-token distribution of one context.

    logits: (V,). piece: the name of an id. `probabilities` is the distribution as the sliders have it now.
    """

    def __init__(self, logits: np.ndarray, piece: Callable[[int], str]) -> None:
        self._model = apply_temperature(logits, 1.0)
        self._logits = np.array(logits, dtype=np.float64)
        self._piece = checks.function_of("piece", piece, "tokenizer.piece")
        self._shown = largest_ids(self._model, SHOWN)
        self._filters = {name: filter_slider(entry, entry.off, "distribution") for name, entry in FILTERS.items()}
        for slider in self._filters.values():
            slider.layout.width, slider.style.description_width = "480px", "90px"
            slider.observe(lambda _: self._redraw(), names="value")
        self._view = Charts()
        off = ", ".join(f"{entry.label} {entry.off:g}" for name, entry in FILTERS.items() if name != "temperature")
        hint = widgets.HTML(f"<small>{off}: off. The arrow keys move a slider, too.</small>")
        self.widget = widgets.VBox([*self._filters.values(), hint, self._view])
        self._redraw()

    @property
    def settings(self) -> SamplingSettings:
        """What the sliders say."""
        return SamplingSettings(**{name: slider.value for name, slider in self._filters.items()})

    def _redraw(self) -> None:
        self.probabilities = next_token_probabilities(self._logits, self.settings)
        left, leader = int(np.count_nonzero(self.probabilities)), self._piece(int(self.probabilities.argmax()))
        highest, bits, before = float(self.probabilities.max()), entropy(self.probabilities), entropy(self._model)
        self.sentence = sentences.of_distribution(left, leader, highest, bits, before)
        largest = max(float(self._model.max()), highest)
        rows = [
            self._row(self._piece(i), float(self._model[i]), float(self.probabilities[i]), largest) for i in self._shown
        ]
        self._view.charts = [bars(KEY, rows, self.sentence)]

    def _row(self, piece: str, model: float, left: float, largest: float) -> tuple:
        outcome = f"{model:.3f} → {f'{left:.3f}' if left > 0 else 'cut off'}"
        return piece, outcome, [(model / largest, "model"), (left / largest, "left")]

    def _ipython_display_(self) -> None:
        """Show the sliders as a widget view and nothing else: stored notebooks leave widget views out."""
        display_widget(self.widget)
