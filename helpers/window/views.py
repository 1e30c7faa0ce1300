"""How a cell shows what lives: a widget as a view alone, a text that breaks its lines between words."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from ipywidgets import Widget

from helpers import checks
from helpers.records import TokenStep


def wrapped(steps: Iterable[TokenStep], width: int = 88) -> Iterator[tuple[TokenStep, str]]:
    """Each step with its text, a line break in place of a space where a line would grow beyond `width` characters.

    The output of a cell breaks long lines anywhere, even within a word.
    """
    width = checks.whole_number("width", width, 1)
    if not isinstance(steps, Iterable):
        raise TypeError(f"steps is {checks.shown(steps)}: give a list of steps, or what stream(...) returns")
    return _wrapped(steps, width)


def _wrapped(steps: Iterable[TokenStep], width: int) -> Iterator[tuple[TokenStep, str]]:
    filled = 0
    for step in steps:
        if not hasattr(step, "output"):
            raise TypeError(f"a step is {checks.shown(step)}: give a TokenStep, such as stream(...) yields")
        text = step.output.text
        if filled + len(text) > width and text[:1] == " ":
            text = "\n" + text[1:]
        filled = len(text.rpartition("\n")[2]) + (0 if "\n" in text else filled)
        yield step, text


def display_widget(widget: Widget) -> None:
    """Show a widget as a view alone, without the text that Jupyter stores beside it.

    Stored notebooks leave widget views out (reopened, they show "model not found"), so nothing of it may remain.
    """
    from IPython.display import display

    view = {"version_major": 2, "version_minor": 0, "model_id": widget.model_id}
    display({"application/vnd.jupyter.widget-view+json": view}, raw=True)
