"""The live window's controls: which widgets there are, how they are laid out, what they say. They decide nothing."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import ipywidgets as widgets

from helpers.sampling import SamplingSettings
from helpers.views import CHOICES, shortened, visible

SPEEDS = {"1/s": 1, "2/s": 2, "3/s": 3, "5/s": 5, "10/s": 10, "20/s": 20, "full": 0}  # tokens per second; 0: no pause
SEEDS, LENGTH = 10**9, 1000  # the largest
TEMPERATURE, TOP_K, TOP_P = 2.0, 200, 0.05  # where the sliders end: the largest, the largest, the smallest
STYLE = Path(__file__).with_name("explorer.css").read_text(encoding="utf-8")
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
    temperature: widgets.FloatSlider
    top_k: widgets.IntSlider
    top_p: widgets.FloatSlider
    speed: widgets.SelectionSlider
    length: widgets.IntSlider
    position: widgets.IntSlider
    view: widgets.HTML
    plots: widgets.HTML
    choices: tuple[widgets.Button, ...]
    choice_column: widgets.VBox
    whole: widgets.VBox

    @property
    def settings(self) -> SamplingSettings:
        """What the sliders say now."""
        return _settings(round(self.temperature.value, 2), self.top_k.value, round(self.top_p.value, 2))

    @property
    def beginning(self) -> tuple[str, str, int]:
        """(model's name, prompt, seed): what a text begins with."""
        return self.model.value, self.prompt.value, self.seed.value


@lru_cache(64)  # one object as long as no slider moves, which makes it cheap to find where one did
def _settings(temperature: float, top_k: int, top_p: float) -> SamplingSettings:
    return SamplingSettings(temperature, top_k, top_p)


def _check(seed: int, settings: SamplingSettings, speed: str, length: int) -> None:
    if speed not in SPEEDS:
        raise ValueError(f"speed is {speed!r}: give one of {', '.join(SPEEDS)}")
    for name, value, low, high in [("seed", seed, 0, SEEDS), ("max_new_tokens", length, 1, LENGTH)]:
        if isinstance(value, bool) or not isinstance(value, int) or not low <= value <= high:
            raise ValueError(f"{name} is {value!r}: give a whole number from {low} to {high:,}")
    if not isinstance(settings, SamplingSettings):
        raise TypeError(f"settings is {settings!r}: give a SamplingSettings, such as SamplingSettings(temperature=0.8)")
    t, p = settings.temperature, settings.top_p
    if t > TEMPERATURE or settings.top_k > TOP_K or p < TOP_P or (t, p) != (round(t, 2), round(p, 2)):
        raise ValueError(
            f"settings is {settings}: the sliders hold temperatures up to {TEMPERATURE:g} and top-p from {TOP_P} to 1, "
            f"in hundredths, and top-k up to {TOP_K}"
        )


def make_controls(
    models: Sequence[str], prompt: str, seed: int, settings: SamplingSettings, speed: str, length: int
) -> Controls:
    """The widgets with their first values, not yet connected to anything; ValueError for values they cannot show."""
    _check(seed, settings, speed, length)
    buttons = {
        "play": _button("play", "Play", "play", "Let the text grow"),
        "step": _button("step", "Step", "step-forward", "One token more"),
        "back": _button("back", "Back", "step-backward", "Look at the step before; nothing is lost"),
        "reset": _button("reset", "Reset", "refresh", "Back to the prompt; the sliders stay as they are"),
    }
    inputs = {
        "prompt": _named("prompt", widgets.Text(prompt, continuous_update=False), "225px", label="prompt"),
        "seed": _named("seed", widgets.BoundedIntText(seed, min=0, max=SEEDS), "108px", label="seed"),
        "model": _named("model", widgets.Dropdown(options=list(models)), "165px", label="model"),
    }
    sliders = {
        "temperature": _slider("temperature", widgets.FloatSlider, settings.temperature, 0.0, TEMPERATURE, 0.05),
        "top_k": _slider("top-k", widgets.IntSlider, settings.top_k, 0, TOP_K, 1),
        "top_p": _slider("top-p", widgets.FloatSlider, settings.top_p, TOP_P, 1.0, 0.05),
        "speed": _named("speed", widgets.SelectionSlider(options=list(SPEEDS), value=speed), None, label="speed"),
        "length": _slider("length", widgets.IntSlider, length, 1, LENGTH, 1, label="at most"),
    }
    position = _slider("position", widgets.IntSlider, 0, 0, 1, 1)
    choices = tuple(_named("choice", widgets.Button(tooltip="Take this token instead")) for _ in range(CHOICES))
    choice_column = _named("choices", widgets.VBox(choices))
    view, plots = widgets.HTML(), _named("plots", widgets.HTML())
    whole = widgets.VBox(
        [
            widgets.HTML(f"<style>{STYLE}</style>", layout={"display": "none"}),
            _named("controls", widgets.HBox([*buttons.values(), *inputs.values()])),
            _named("sliders", widgets.Box(list(sliders.values()))),
            _named("view", widgets.Box([view, choice_column])),
            plots,
            position,
            widgets.HTML(f'<small class="tj-note">{NOTE}</small>'),
        ]
    )
    whole.add_class("explorer")
    return Controls(
        **buttons,
        **inputs,
        **sliders,
        view=view,
        plots=plots,
        position=position,
        choices=choices,
        choice_column=choice_column,
        whole=whole,
    )


def show_buttons(controls: Controls, step, playing: bool) -> None:
    """Play or Pause, and while paused a button for each candidate of the step looked at (None: no step yet)."""
    play, choices = controls.play, controls.choices
    if (play.description == "Pause") != playing:
        play.description, play.icon = ("Pause", "pause") if playing else ("Play", "play")
        play.remove_class("explorer-play" if playing else "explorer-pause")
        play.add_class("explorer-pause" if playing else "explorer-play")
    controls.choice_column.layout.display = "none" if playing or step is None else "flex"
    if playing or step is None:
        return
    for number, button in enumerate(choices):
        used = number < len(step.candidates)
        button.layout.display = "block" if used else "none"
        button.description = shortened(visible(step.candidates[number].piece), 13) if used else ""


def _button(name: str, label: str, icon: str, tooltip: str) -> widgets.Button:
    return _named(name, widgets.Button(description=label, icon=icon, tooltip=tooltip))


def _slider(name: str, kind: type, value: float, low: float, high: float, step: float, label: str | None = None):
    options = {"readout_format": ".2f"} if kind is widgets.FloatSlider else {}
    return _named(name, kind(value=value, min=low, max=high, step=step, **options), None, label=label or name)


def _named(name: str, widget: widgets.Widget, width: str | None = None, label: str | None = None) -> widgets.Widget:
    """The widget with a CSS class that stays, and a label and a width if given."""
    widget.add_class(f"explorer-{name}")
    if label:
        widget.description = label
        widget.style.description_width = "initial" if width else "84px"
    if width:
        widget.layout.width = width
    return widget


def show_position(controls: Controls, position: int, longest: int) -> None:
    """Put the position slider at `position` of `longest`.

    A slider that gets range and value in one message tells of a value cut to its old end, as if the reader had moved
    it: so the range grows before, and shrinks after.
    """
    slider = controls.position
    slider.max = max(slider.max, longest)
    slider.value = position
    slider.max = longest
