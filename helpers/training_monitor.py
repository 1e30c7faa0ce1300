"""Watch a training run from its cell: progress, loss, time left, and held-out bits per byte every so often."""

from __future__ import annotations

import time
from collections.abc import Callable

import ipywidgets as widgets

from helpers.views import display_widget

REFRESH_SECONDS = 0.2


class TrainingMonitor:
    """Fed by the loop: `for step in train(...): monitor.show(step)`. Keeps what it was shown.

    steps: every record. held_out: {update: bits per byte}, measured by `evaluate()` at the first update, then every
    `every` updates and at the last.
    """

    def __init__(self, evaluate: Callable[[], float], every: int = 500) -> None:
        self.steps: list = []
        self.held_out: dict[int, float] = {}
        self._evaluate, self._every = evaluate, every
        self._bar = widgets.FloatProgress(min=0, max=1, layout={"width": "60%"})
        self._label = widgets.HTML("waiting for the first update")
        self.widget = widgets.VBox([self._bar, self._label])
        self._started = self._drawn = time.monotonic()

    def show(self, step) -> None:
        """Take one record; redraw at most five times a second, and always for the last one."""
        self.steps.append(step)
        last = step.step == step.updates
        if step.step == 1 or step.step % self._every == 0 or last:
            self.held_out[step.step] = self._evaluate()
        now = time.monotonic()
        if last or now - self._drawn >= REFRESH_SECONDS:
            self._drawn = now
            self._bar.value = step.step / step.updates
            self._label.value = self._sentence(step, now - self._started)

    def _sentence(self, step, seconds: float) -> str:
        left = seconds / step.step * (step.updates - step.step)
        bits = list(self.held_out.values())[-1]
        return (
            f"update {step.step:,} of {step.updates:,} (pass {step.epoch} over the texts) · loss {step.loss:.2f} · "
            f"held out {bits:.3f} bits per byte · {seconds:.0f} s gone, about {left:.0f} s left"
        )

    def _ipython_display_(self) -> None:
        """Show the bar as a widget view and nothing else: stored notebooks leave widget views out."""
        display_widget(self.widget)
