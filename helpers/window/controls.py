"""The live window's controls: which widgets there are, how they are laid out, what they say. They decide nothing."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import ipywidgets as widgets

from helpers import checks
from helpers.sampling import FILTERS, Filter, SamplingSettings, check_settings

SPEEDS = {"1/s": 1, "2/s": 2, "3/s": 3, "5/s": 5, "10/s": 10, "20/s": 20, "full": 0}  # tokens per second; 0: no pause
SEEDS, LENGTH = 10**9, 1000  # the largest
LABEL_WIDTH = "84px"
INSIDE = "Show what is inside the model at the step looked at: the stages from the row to the prediction"
TREE = "Show the branches that were left when this text forked; a press brings one back"
NOTE = "If the controls do nothing (after <i>Restart Kernel</i>, say), run this cell again."


@dataclass(frozen=True)
class Controls:
    """Every widget of the live window; `whole` holds them all."""

    play: widgets.Button
    step: widgets.Button
    back: widgets.Button
    reset: widgets.Button
    prompt: widgets.Text
    seed: widgets.BoundedIntText
    model: widgets.Dropdown
    inside: widgets.ToggleButton
    tree: widgets.ToggleButton
    filters: Mapping[str, widgets.FloatSlider | widgets.IntSlider]
    speed: widgets.SelectionSlider
    length: widgets.IntSlider
    whole: widgets.VBox

    @property
    def settings(self) -> SamplingSettings:
        """What the sliders say now."""
        return _settings(tuple(round(slider.value, 2) for slider in self.filters.values()))

    @property
    def beginning(self) -> tuple[str, str, int]:
        """(model's name, prompt, seed): what a text begins with."""
        return self.model.value, self.prompt.value, self.seed.value


@lru_cache(64)  # one object as long as no slider moves, which makes it cheap to find where one did
def _settings(values: tuple[float, ...]) -> SamplingSettings:
    return SamplingSettings(**dict(zip(FILTERS, values, strict=True)))  # type: ignore[arg-type]


def filter_slider(entry: Filter, value: float, prefix: str) -> widgets.FloatSlider | widgets.IntSlider:
    """The slider of one filter, from the table of filters; its CSS class is `prefix` and the filter's name."""
    low, high, step = entry.slider
    kind = widgets.IntSlider if entry.whole else widgets.FloatSlider
    options = {} if entry.whole else {"readout_format": ".2f"}
    slider = kind(value=value, min=low, max=high, step=step, description=entry.label, **options)
    slider.add_class(f"{prefix}-{entry.name.replace('_', '-')}")
    return slider


def _check(seed: int, settings: SamplingSettings, speed: str, length: int) -> None:
    if not isinstance(speed, str) or speed not in SPEEDS:
        raise ValueError(f"speed is {checks.shown(speed)}: give one of {', '.join(SPEEDS)}")
    checks.whole_number("seed", seed, 0, SEEDS)
    checks.whole_number("max_new_tokens", length, 1, LENGTH)
    check_settings(settings)
    for name, entry in FILTERS.items():
        value, (low, high, _) = getattr(settings, name), entry.slider
        if not low <= value <= high or value != round(value, 2):
            unit = "" if entry.whole else ", in hundredths"
            raise ValueError(f"settings.{name} is {value!r}: its slider goes from {low:g} to {high:g}{unit}")


def make_controls(
    view: widgets.Widget,
    models: Sequence[str],
    prompt: str,
    seed: int,
    settings: SamplingSettings,
    speed: str,
    length: int,
) -> Controls:
    """The widgets around `view` with their first values, not yet connected to anything.

    ValueError for values that they cannot show.
    """
    _check(seed, settings, speed, length)
    buttons = {
        "play": _button("play", "Play", "play", "Let the text grow"),
        "step": _button("step", "Step", "step-forward", "One token more"),
        "back": _button("back", "Back", "step-backward", "Look at the step before; nothing is lost"),
        "reset": _button(
            "reset", "Reset", "refresh", "Back to the prompt and to the model as it is; the sliders stay as they are"
        ),
    }
    inputs = {
        "prompt": _named("prompt", widgets.Text(prompt, continuous_update=False), "225px", label="prompt"),
        "seed": _named("seed", widgets.BoundedIntText(int(seed), min=0, max=SEEDS), "108px", label="seed"),
        "model": _named("model", widgets.Dropdown(options=list(models)), "165px", label="model"),
        "inside": _named("inside", widgets.ToggleButton(description="Inside", icon="search", tooltip=INSIDE)),
        "tree": _named("tree", widgets.ToggleButton(description="Tree", icon="code-fork", tooltip=TREE)),
    }
    sliders = {
        "speed": _named("speed", widgets.SelectionSlider(options=list(SPEEDS), value=speed), None, label="speed"),
        "length": _named("length", widgets.IntSlider(int(length), min=1, max=LENGTH), None, label="at most"),
    }
    filters = {name: filter_slider(entry, getattr(settings, name), "explorer") for name, entry in FILTERS.items()}
    for slider in filters.values():
        slider.style.description_width = LABEL_WIDTH
    whole = widgets.VBox(
        [
            _named("controls", widgets.HBox([*buttons.values(), *inputs.values()])),
            _named("sliders", widgets.Box([*filters.values(), *sliders.values()])),
            view,
            widgets.HTML(f'<small class="tj-note">{NOTE}</small>'),
        ]
    )
    whole.add_class("explorer")
    return Controls(**buttons, **inputs, **sliders, filters=filters, whole=whole)


def show_playing(controls: Controls, playing: bool) -> None:
    """The first button: Pause while a text streams, else Play."""
    play = controls.play
    if (play.description == "Pause") != playing:
        play.description, play.icon = ("Pause", "pause") if playing else ("Play", "play")
        play.remove_class("explorer-play" if playing else "explorer-pause")
        play.add_class("explorer-pause" if playing else "explorer-play")


def _button(name: str, label: str, icon: str, tooltip: str) -> widgets.Button:
    return _named(name, widgets.Button(description=label, icon=icon, tooltip=tooltip))


def _named(name: str, widget: Any, width: str | None = None, label: str | None = None) -> Any:
    """The widget with a CSS class that stays, and a label and a width if given."""
    widget.add_class(f"explorer-{name}")
    if label:
        widget.description = label
        widget.style.description_width = "initial" if width else LABEL_WIDTH
    if width:
        widget.layout.width = width
    return widget
