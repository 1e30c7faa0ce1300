"""Sliders that reshape one next-token distribution (lesson 04)."""

from __future__ import annotations

from collections.abc import Callable

import ipywidgets as widgets
import numpy as np

from helpers import views
from helpers.sampling import SamplingSettings, apply_temperature, entropy, largest_ids, next_token_probabilities

SHOWN = 12


class DistributionSliders:
    """Temperature, top-k and top-p sliders over the next-token distribution of one context.

    logits: (V,). piece: the name of an id. `probabilities` is the distribution as the sliders have it now.
    """

    def __init__(self, logits: np.ndarray, piece: Callable[[int], str]) -> None:
        self._logits = np.array(logits, dtype=np.float64)
        self._piece = piece
        self._model = apply_temperature(self._logits, 1.0)
        self._shown = largest_ids(self._model, SHOWN)
        self._temperature = _slider(widgets.FloatSlider, "temperature", 1.0, 0.0, 2.0, 0.05, readout_format=".2f")
        self._top_k = _slider(widgets.IntSlider, "top-k", 0, 0, 200, 1)
        self._top_p = _slider(widgets.FloatSlider, "top-p", 1.0, 0.05, 1.0, 0.05, readout_format=".2f")
        self._view = widgets.HTML()
        for slider in (self._temperature, self._top_k, self._top_p):
            slider.observe(lambda _: self._redraw(), names="value")
        hint = widgets.HTML("<small>top-k 0 and top-p 1.00 mean: off. Move a slider with the arrow keys, too.</small>")
        self.widget = widgets.VBox([self._temperature, self._top_k, self._top_p, hint, self._view])
        self._redraw()

    @property
    def settings(self) -> SamplingSettings:
        """What the sliders say."""
        return SamplingSettings(self._temperature.value, self._top_k.value, self._top_p.value)

    def _redraw(self) -> None:
        self.probabilities = next_token_probabilities(self._logits, self.settings)
        rows = [(self._piece(i), float(self._model[i]), float(self.probabilities[i])) for i in self._shown]
        left = int(np.count_nonzero(self.probabilities))
        leader = views.visible(self._piece(int(self.probabilities.argmax())))
        self.sentence = (
            f"{left} id{'s' * (left > 1)} can be drawn; {leader} leads with {self.probabilities.max():.3f}; "
            f"entropy {entropy(self.probabilities):.2f} bits (the model: {entropy(self._model):.2f})."
        )
        self._view.value = views.distribution(rows, self.sentence)

    def _ipython_display_(self) -> None:
        """Show the sliders as a widget view and nothing else: stored notebooks leave widget views out."""
        views.display_widget(self.widget)


def _slider(kind: type, name: str, value: float, low: float, high: float, step: float, **options) -> widgets.Widget:
    slider = kind(
        value=value,
        min=low,
        max=high,
        step=step,
        description=name,
        layout={"width": "480px"},
        style={"description_width": "90px"},
        **options,
    )
    slider.add_class(f"distribution-{name}")
    return slider
