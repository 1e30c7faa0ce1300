"""Sliders on the logits of one small prediction: its loss and its gradient as they move (lesson 03)."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import ipywidgets as widgets
import numpy as np

from helpers import checks, sentences
from helpers.sampling import apply_temperature
from helpers.window.charts import Charts, bars
from helpers.window.views import display_widget

LARGEST = 10.0  # a logit on the slider lies between -10 and 10
MOST_NAMES = 8
KEY = "probability · gradient (orange: what came next)"


class LogitSliders:
    """One slider for each logit, and a button that takes a gradient step of the chosen learning rate.

    names: what the V logits score, 2 to 8 of them. right: the name that came next. logits: (V,), from -10 to 10, all 0
    if left out. `logits`, `probabilities`, `gradient` (V,) and `loss` (nats) are what the sliders make of them now.
    """

    def __init__(self, names: Sequence[str], right: str, logits: Sequence[float] | None = None) -> None:
        self._names = _checked_names(names)
        if right not in self._names:
            raise ValueError(f"right is {checks.shown(right)}: give one of the names, such as {self._names[0]!r}")
        self._right = self._names.index(right)
        self._start = _checked_logits(logits, len(self._names))
        self._sliders = [
            _slider(sentences.visible(name), value) for name, value in zip(self._names, self._start, strict=True)
        ]
        self._rate = widgets.FloatSlider(value=1.0, min=0.1, max=20.0, step=0.1, description="learning rate")
        self._rate.add_class("nudge-rate")
        buttons = [_button("One gradient step", "nudge-step", self.step), _button("Reset", "nudge-reset", self.reset)]
        for slider in [*self._sliders, self._rate]:
            slider.layout.width, slider.style.description_width = "480px", "100px"
        for slider in self._sliders:
            slider.observe(self._moved, names="value")
        self._view = Charts()
        self.widget = widgets.VBox([*self._sliders, self._rate, widgets.HBox(buttons), self._view])
        self._redraw()

    def step(self) -> None:
        """Move every logit against its gradient, by the learning rate times its size."""
        self._set(self.logits - self._rate.value * self.gradient)

    def reset(self) -> None:
        """The logits of the beginning."""
        self._set(self._start)

    def _set(self, logits: np.ndarray) -> None:
        with_room = np.clip(logits, -LARGEST, LARGEST)
        for slider, value in zip(self._sliders, with_room.tolist(), strict=True):
            slider.unobserve(self._moved, names="value")  # one picture for all of them, not one each
            slider.value = value
            slider.observe(self._moved, names="value")
        self._redraw()

    def _moved(self, _: object) -> None:
        self._redraw()

    def _redraw(self) -> None:
        self.logits = np.array([slider.value for slider in self._sliders])
        self.probabilities = apply_temperature(self.logits, 1.0)
        self.loss = float(-np.log(self.probabilities[self._right]))
        self.gradient = self.probabilities - np.eye(len(self._names))[self._right]
        chance = self.probabilities.tolist()
        self.sentence = sentences.of_logits(self.loss, self._names[self._right], chance[self._right])
        rows = [
            (name, f"{chance[n]:.3f} · {self.gradient[n]:+.3f}", [(chance[n], "right" if n == self._right else "left")])
            for n, name in enumerate(self._names)
        ]
        self._view.charts = [bars(KEY, rows, self.sentence)]

    def _ipython_display_(self) -> None:
        """Show the sliders as a widget view and nothing else: stored notebooks leave widget views out."""
        display_widget(self.widget)


def _checked_names(names: Sequence[str]) -> list[str]:
    found = [checks.text_of("a name", name) for name in checks.listed("names", names)]
    if not 2 <= len(found) <= MOST_NAMES or len(set(found)) < len(found):
        raise ValueError(f"names is {checks.shown(found)}: give 2 to {MOST_NAMES} different names")
    return found


def _checked_logits(logits: Sequence[float] | None, count: int) -> np.ndarray:
    example = f"give {count} numbers from {-LARGEST:g} to {LARGEST:g}, one for each name"
    if logits is None:
        return np.zeros(count)
    values = checks.finite("logits", checks.float64_vector("logits", logits, example), example)
    if len(values) != count or np.abs(values).max() > LARGEST:
        raise ValueError(f"logits is {checks.shown(values.tolist())}: {example}")
    return values


def _slider(name: str, value: float) -> widgets.FloatSlider:
    slider = widgets.FloatSlider(value=value, min=-LARGEST, max=LARGEST, step=0.01, description=name)
    slider.add_class("nudge-logit")
    return slider


def _button(label: str, css_class: str, action: Callable[[], None]) -> widgets.Button:
    button = widgets.Button(description=label, layout=widgets.Layout(width="auto"))
    button.add_class(css_class)
    button.on_click(lambda _: action())
    return button
