"""predict(name): a guess to make before the next cell is run, and what is said to it."""

from __future__ import annotations

import math
from collections.abc import Callable
from html import escape

import ipywidgets as widgets

from helpers.exercises import course, progress
from helpers.window.views import display_widget


def predict(name: str) -> PredictionWidget:
    """The prediction `name`, such as "01.2", as a few buttons or a number to fill in; ValueError if there is none."""
    return PredictionWidget(name)


class PredictionWidget:
    """Takes one guess, says how it compares and why the wrong answer tempts; the guess is noted in my_progress.json.

    said: what was said, '' before the guess.
    """

    def __init__(self, name: str) -> None:
        self._name, self._prediction, self.said = name, course.prediction(name), ""
        self._view = widgets.HTML()
        self._view.add_class("predict-said")
        entries = self._buttons() if isinstance(self._prediction, course.Pick) else self._number()
        question = widgets.HTML(f"<b>Your guess:</b> {escape(self._prediction.question)}")
        row = widgets.Box(entries, layout=widgets.Layout(flex_flow="row wrap"))
        self._entries = entries
        self.widget = widgets.VBox([question, row, self._view])
        self.widget.add_class("predict")

    def _buttons(self) -> list[widgets.DOMWidget]:
        assert isinstance(self._prediction, course.Pick)
        return [self._button(option, self._pressed) for option in self._prediction.options]

    def _pressed(self, button: widgets.Button) -> None:
        self.guess(button.description)

    def _number(self) -> list[widgets.DOMWidget]:
        field = widgets.Text(description="a number", layout=widgets.Layout(width="180px"))
        field.add_class("predict-number")
        return [field, self._button("Guess", lambda _: self.guess(field.value))]

    def _button(self, label: str, pressed: Callable[[widgets.Button], None]) -> widgets.Button:
        button = widgets.Button(description=label, layout=widgets.Layout(width="auto", height="auto"))
        button.add_class("predict-choice")
        button.on_click(pressed)
        return button

    def guess(self, guess: str | float) -> None:
        """Take a guess: an option's text, or a number. Only the first is taken."""
        if self.said:
            return
        taken = _judged(self._prediction, guess)
        if taken is None:
            self._view.value = "A number is wanted."
            return
        right, words = taken
        note = progress.vote(self._name, str(guess), right)
        self.said = f"{words} Now run the next cell. {note}".rstrip()
        mark = "✓" if right else "✗"
        self._view.value = f'<div role="status" style="line-height:1.5;max-width:48em">{mark} {escape(self.said)}</div>'
        for entry in self._entries:
            entry.disabled = True
            if isinstance(entry, widgets.Button) and entry.description == guess:
                entry.button_style = "success" if right else "warning"

    def _ipython_display_(self) -> None:
        """Show the guess as a widget view and nothing else: stored notebooks leave widget views out."""
        display_widget(self.widget)


def _judged(prediction: course.Pick | course.Estimate, guess: str | float) -> tuple[bool, str] | None:
    """(is it right, what is said to it); None for what is no number where one is wanted."""
    if isinstance(prediction, course.Pick):
        right = guess == prediction.right
        told = "" if right else f" Right would be: {prediction.right}."
        return right, f"You said: {guess}. {prediction.options[str(guess)]}{told}"
    try:
        value = float(guess)
    except (TypeError, ValueError):
        return None
    if not math.isfinite(value):
        return None
    if abs(value - prediction.truth) <= prediction.within:
        return True, f"You said {value:g}, and it is {prediction.truth:g}. {prediction.yes}"
    why = prediction.low if value < prediction.truth else prediction.high
    return False, f"You said {value:g}; it is {prediction.truth:g}. {why}"
