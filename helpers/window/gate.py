"""A slider for a forget gate: one bit in a cell, and how it fades (lesson 03)."""

from __future__ import annotations

from collections.abc import Sequence

import ipywidgets as widgets
import numpy as np

from helpers import checks
from helpers.window.svg import ACCENT, FAINT, GREY, LINE, Scale, captioned, polyline, y_axis
from helpers.window.views import display_widget

WIDTH, HEIGHT, LEFT, BASE = 640, 190, 46, 150
MOST_STEPS = 200


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
        self._view = widgets.HTML()
        self.widget = widgets.VBox([self._slider, self._view])
        self._redraw()

    def _redraw(self) -> None:
        gate = self._slider.value
        self.cell = gate ** np.arange(self._steps + 1.0)
        self.plain = np.ones(self._steps + 1)
        for step in range(self._steps):
            self.plain[step + 1] = np.tanh(gate * self.plain[step])
        self.sentence = (
            f"Forget gate {gate:.2f}: after {self._steps} steps {self.cell[-1]:.3f} of the bit is left; "
            f"in a plain network with that weight {self.plain[-1]:.3f}."
        )
        self._view.value = fading(self.cell.tolist(), self.plain.tolist(), self.sentence)

    def _ipython_display_(self) -> None:
        """Show the slider as a widget view and nothing else: stored notebooks leave widget views out."""
        display_widget(self.widget)


def fading(cell: Sequence[float], plain: Sequence[float], sentence: str) -> str:
    """Two lines along the steps, both between 0 and 1, and a sentence, as HTML."""
    x = Scale(0, len(cell) - 1, LEFT, WIDTH - 12)
    y = Scale(0.0, 1.0, BASE, 24)
    lines = polyline([(x(i), y(v)) for i, v in enumerate(plain)], GREY, 2.4)
    lines += polyline([(x(i), y(v)) for i, v in enumerate(cell)], LINE, 2.4)
    dots = "".join(f'<circle cx="{x(i):.1f}" cy="{y(v):.1f}" r="2.6" fill="{ACCENT}"/>' for i, v in enumerate(cell))
    body = (
        f'<text x="{LEFT}" y="12" fill="{FAINT}">blue with dots: the cell · grey: a plain network</text>'
        f"{y_axis(y, LEFT, WIDTH - 12)}{lines}{dots}"
        f'<text x="{LEFT}" y="{BASE + 18}" fill="{FAINT}">step 0</text>'
        f'<text x="{WIDTH - 12}" y="{BASE + 18}" text-anchor="end" fill="{FAINT}">step {len(cell) - 1}</text>'
    )
    return captioned("gate", body, WIDTH, HEIGHT, sentence)
