"""Sliders that reshape one next-token distribution (lesson 05)."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from html import escape

import ipywidgets as widgets
import numpy as np

from helpers import checks
from helpers.sampling import (
    FILTERS,
    SamplingSettings,
    apply_temperature,
    entropy,
    largest_ids,
    next_token_probabilities,
)
from helpers.sentences import visible
from helpers.window.controls import filter_slider
from helpers.window.svg import FAINT, GREY, LINE, TEXT, captioned, label_of
from helpers.window.views import display_widget

SHOWN = 12
WIDTH, ROW_HEIGHT = 640, 26


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
        self._view = widgets.HTML()
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
        rows = [(self._piece(i), float(self._model[i]), float(self.probabilities[i])) for i in self._shown]
        left = int(np.count_nonzero(self.probabilities))
        leader = visible(self._piece(int(self.probabilities.argmax())))
        self.sentence = (
            f"{left} id{'s' * (left > 1)} can be drawn; {leader} leads with {self.probabilities.max():.3f}; "
            f"entropy {entropy(self.probabilities):.2f} bits (the model: {entropy(self._model):.2f})."
        )
        self._view.value = distribution_bars(rows, self.sentence)

    def _ipython_display_(self) -> None:
        """Show the sliders as a widget view and nothing else: stored notebooks leave widget views out."""
        display_widget(self.widget)


def distribution_bars(rows: Sequence[tuple[str, float, float]], sentence: str) -> str:
    """Paired bars, one row a token: (piece, the model's probability, what the settings left of it), and a sentence."""
    largest = max((max(model, left) for _, model, left in rows), default=1.0) or 1.0
    height = ROW_HEIGHT * len(rows) + 22
    bars = "".join(_row(i, *row, largest) for i, row in enumerate(rows))
    key = f'<text x="150" y="12" fill="{FAINT}">grey: the model · blue: what the sliders leave</text>'
    return captioned("distribution", key + bars, WIDTH, height, sentence)


def _row(number: int, piece: str, model: float, left: float, largest: float) -> str:
    top = 20 + number * ROW_HEIGHT
    scale = (WIDTH - 300) / largest
    outcome = f"{model:.3f} → {left:.3f}" if left > 0 else f"{model:.3f} → cut off"
    return (
        f"<g><title>{escape(visible(piece))}: {outcome}</title>"
        f'<text x="142" y="{top + 15}" text-anchor="end" fill="{TEXT}">{label_of(piece)}</text>'
        f'<rect x="150" y="{top + 2}" width="{model * scale:.1f}" height="8" fill="{GREY}"/>'
        f'<rect x="150" y="{top + 11}" width="{left * scale:.1f}" height="9" fill="{LINE}"/>'
        f'<text x="{158 + max(model, left) * scale:.1f}" y="{top + 15}" fill="{FAINT}">{outcome}</text></g>'
    )
