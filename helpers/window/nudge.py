"""Sliders on the logits of one small prediction: its loss and its gradient as they move (lesson 03)."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import ipywidgets as widgets
import numpy as np

from helpers import checks
from helpers.sampling import apply_temperature
from helpers.sentences import visible
from helpers.window.svg import ACCENT, FAINT, LINE, TEXT, captioned, label_of
from helpers.window.views import display_widget

LARGEST = 10.0  # a logit on the slider lies between -10 and 10
MOST_NAMES = 8
WIDTH, ROW_HEIGHT = 640, 26


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
        self._sliders = [_slider(visible(name), value) for name, value in zip(self._names, self._start, strict=True)]
        self._rate = widgets.FloatSlider(value=1.0, min=0.1, max=20.0, step=0.1, description="learning rate")
        self._rate.add_class("nudge-rate")
        buttons = [_button("One gradient step", "nudge-step", self.step), _button("Reset", "nudge-reset", self.reset)]
        for slider in [*self._sliders, self._rate]:
            slider.layout.width, slider.style.description_width = "480px", "100px"
        for slider in self._sliders:
            slider.observe(self._moved, names="value")
        self._view = widgets.HTML()
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
        self.sentence = (
            f"Loss {self.loss:.3f} nats ({self.loss / np.log(2):.3f} bits): {visible(self._names[self._right])} came "
            f"next and has probability {self.probabilities[self._right]:.3f}."
        )
        rows = zip(self._names, self.probabilities.tolist(), self.gradient.tolist(), strict=True)
        self._view.value = probability_bars(list(rows), self._right, self.sentence)

    def _ipython_display_(self) -> None:
        """Show the sliders as a widget view and nothing else: stored notebooks leave widget views out."""
        display_widget(self.widget)


def probability_bars(rows: Sequence[tuple[str, float, float]], right: int, sentence: str) -> str:
    """One bar a row (name, probability, gradient), the row of number `right` in orange, and a sentence, as HTML."""
    height = ROW_HEIGHT * len(rows) + 22
    bars = "".join(_row(number, *row, ACCENT if number == right else LINE) for number, row in enumerate(rows))
    key = f'<text x="108" y="12" fill="{FAINT}">probability · gradient (orange: what came next)</text>'
    return captioned("nudge", key + bars, WIDTH, height, sentence)


def _row(number: int, name: str, probability: float, gradient: float, colour: str) -> str:
    top, length = 20 + number * ROW_HEIGHT, probability * (WIDTH - 270)
    return (
        f'<text x="100" y="{top + 15}" text-anchor="end" fill="{TEXT}">{label_of(name, 13)}</text>'
        f'<rect x="108" y="{top + 3}" width="{length:.1f}" height="16" fill="{colour}"/>'
        f'<text x="{116 + length:.1f}" y="{top + 15}" fill="{FAINT}">{probability:.3f} · {gradient:+.3f}</text>'
    )


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
