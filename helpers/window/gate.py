"""A slider for a forget gate: one bit in a cell, and how it fades (lesson 03)."""

from __future__ import annotations

import ipywidgets as widgets
import numpy as np

from helpers import checks, sentences
from helpers.window.charts import Charts, lines
from helpers.window.views import display_widget

MOST_STEPS = 200
KEY = "blue with dots: the cell · grey: a plain network"


class ForgetGateSlider:
    """A cell that holds 1 at step 0 and is multiplied by the forget gate at each step.

    steps: how many follow, 1 to 200. forget_gate: where the slider begins, 0 to 1. `cell` and `plain` (steps + 1,) are
    the cell along the steps, and the state of a plain network, state = tanh(weight × state), with the same number as
    its weight.
    """

    def __init__(self, steps: int = 20, forget_gate: float = 0.9) -> None:
        self._steps = checks.whole_number("steps", steps, 1, MOST_STEPS)
        if not checks.is_number(forget_gate) or not 0 <= forget_gate <= 1:
            raise ValueError(f"forget_gate is {checks.shown(forget_gate)}: give a number from 0 to 1")
        self._slider = widgets.FloatSlider(
            value=float(forget_gate), min=0.0, max=1.0, step=0.01, description="forget gate"
        )
        self._slider.layout.width, self._slider.style.description_width = "480px", "100px"
        self._slider.add_class("gate-forget")
        self._slider.observe(lambda _: self._redraw(), names="value")
        self._view = Charts()
        self.widget = widgets.VBox([self._slider, self._view])
        self._redraw()

    def _redraw(self) -> None:
        gate = self._slider.value
        self.cell = gate ** np.arange(self._steps + 1.0)
        self.plain = np.ones(self._steps + 1)
        for step in range(self._steps):
            self.plain[step + 1] = np.tanh(gate * self.plain[step])
        self.sentence = sentences.of_gate(gate, self.cell.tolist(), self.plain.tolist())
        drawn = [(list(enumerate(self.plain)), "grey"), (list(enumerate(self.cell)), "dots")]
        axes = (0, self._steps, "step"), (0, 1)
        self._view.charts = [lines((640, 190), *axes, drawn, self.sentence, key=KEY)]

    def _ipython_display_(self) -> None:
        """Show the slider as a widget view and nothing else: stored notebooks leave widget views out."""
        display_widget(self.widget)
