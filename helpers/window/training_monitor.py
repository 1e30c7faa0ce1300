"""Watch a training run from its cell: progress, loss, held-out bits per byte beside baselines, samples, a map."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import ipywidgets as widgets
import numpy as np

from helpers import checks, sentences
from helpers.figures.geometry import principal_plane, turned_towards
from helpers.records import TrainingStep
from helpers.window.charts import Chart, Charts, lines, word_map, written
from helpers.window.views import display_widget

REFRESH_SECONDS = 0.25
FIGURE, LOSS, MARGIN = (520, 230), (520, 92), 130  # pixels
SMOOTHING = 0.98  # of the loss: a mean in which each update counts 2 % more than the one before


class TrainingMonitor:
    """Fed by the loop: `for step in train(...): monitor.show(step)`. Keeps what it was shown.

    evaluate() gives bits per byte and sample() a text: both are called at the first update shown, then every `every`
    updates and at the last. lines: {name: bits per byte} to compare with. words: {class: words}; vectors() their rows
    (N, D). steps: every record. held_out: {update: bits per byte}. maps: {update: vectors}, of the same updates.
    """

    def __init__(
        self,
        evaluate: Callable[[], float],
        every: int = 500,
        *,
        lines: Mapping[str, float] | None = None,
        sample: Callable[[], str] | None = None,
        words: Mapping[str, Sequence[str]] | None = None,
        vectors: Callable[[], np.ndarray] | None = None,
    ) -> None:
        self.steps: list[TrainingStep] = []
        self.held_out: dict[int, float] = {}
        self.maps: dict[int, np.ndarray] = {}
        every = checks.whole_number("every", every, 1)
        self._evaluate = checks.function_of("evaluate", evaluate, "lambda: evaluate(model, tokenizer, texts)")
        self._every, self._sample, self._vectors = every, sample, vectors
        for name, given in (("sample", sample), ("vectors", vectors)):
            if given is not None:
                checks.function_of(name, given, f"lambda: {name}_now()")
        named = checks.mapping_of("lines", lines or {}, '{"floor": 1.5}', empty=True)
        self._lines = {name: checks.number(f"lines[{name!r}]", value) for name, value in named.items()}
        groups = checks.mapping_of("words", words or {}, '{"animals": ["cat", "dog"]}', empty=True)
        self._words = [
            (word, name) for name, group in groups.items() for word in checks.listed(f"words[{name!r}]", group)
        ]
        if vectors is not None and not self._words:
            raise ValueError("vectors without words: give both, the words by their classes")
        self._text = written("", "")
        self._losses: list[float] = []
        self._points: np.ndarray | None = None
        self._last_map: list[Chart] = []
        self._bar = widgets.FloatProgress(min=0, max=1, layout={"width": "60%"})
        self._label = widgets.HTML("waiting for the first update")
        self._view = Charts()
        self.widget = widgets.VBox([self._bar, self._label, self._view])
        self.widget.add_class("training-monitor")
        self._started = self._drawn = time.monotonic()

    def show(self, step: TrainingStep) -> None:
        """Take one record; redraw at most four times a second, and always for the last one."""
        checks.of_kind("step", step, TrainingStep, ", such as train(...) yields")
        self.steps.append(step)
        before = self._losses[-1] if self._losses else step.loss
        self._losses.append(SMOOTHING * before + (1 - SMOOTHING) * step.loss)  # NaN once and for all if it diverges
        last = step.step == step.updates
        if step.step == 1 or not self.held_out or step.step % self._every == 0 or last:
            self._measure(step)
        now = time.monotonic()
        if last or now - self._drawn >= REFRESH_SECONDS:
            self._draw(step, now - self._started)
            self._drawn = time.monotonic()

    def _measure(self, step: TrainingStep) -> None:
        self.held_out[step.step] = bits = checks.number("evaluate()", self._evaluate())
        if not math.isfinite(bits):
            return  # no text can be drawn from such a model, and its vectors have no map
        if self._sample:
            text = checks.text_of("sample()", self._sample())
            self._text = written(f"after {step.step:,} updates it writes:", text)
        if self._vectors is not None:
            self.maps[step.step] = np.array(self._vectors())

    def _draw(self, step: TrainingStep, seconds: float) -> None:
        self._bar.value = step.step / step.updates
        self._label.value = self._sentence(step, seconds)
        words = [] if self._vectors is None else self._map(self._vectors())
        self._view.charts = [[self._held_out_chart(step.updates), self._loss_chart(step)], *words, self._text]

    def _held_out_chart(self, updates: int) -> Chart:
        """Held-out bits per byte over the updates so far, on a scale of logarithms, beside the named lines."""
        measured, levels = _finite(self.held_out), _finite(self._lines)
        values = [*measured.values(), *levels.values()] or [1.0]
        said = sentences.of_held_out(self.held_out, self._lines, updates)
        last = list(self.held_out.values())[-1]
        named = {"this run": last} if math.isfinite(last) else {}
        across, up = (0, updates, "update"), (min(values) * 0.9, max(values) * 1.1)
        drawn = [(list(measured.items()), "dots")]
        return lines(FIGURE, across, up, drawn, said, log=True, levels=levels, named=named, margin=MARGIN)

    def _loss_chart(self, step: TrainingStep) -> Chart:
        """The loss of each update that was seen, smoothed."""
        seen = _finite(dict(enumerate(self._losses, step.step - len(self._losses) + 1)))
        up = (0, max(seen.values(), default=1.0) * 1.05)
        drawn = [(list(seen.items()), "")]
        return lines(LOSS, (0, step.updates, ""), up, drawn, sentences.of_loss(self._losses), margin=MARGIN)

    def _map(self, vectors: np.ndarray) -> list[Chart]:
        if not np.isfinite(vectors).all():
            return self._last_map
        points, share = principal_plane(vectors)
        if len(points) != len(self._words):
            raise ValueError(f"vectors() gives {len(points)} vectors for {len(self._words)} words: give one for each")
        if self._points is not None:
            points = turned_towards(points, self._points)  # the plane's own axes may flip or spin between two looks
        self._points = points
        words, classes = zip(*self._words, strict=True)
        self._last_map = [word_map(points, words, classes, share)]
        return self._last_map

    def _sentence(self, step: TrainingStep, seconds: float) -> str:
        left = seconds / len(self.steps) * (step.updates - step.step)
        measured, bits = list(self.held_out.items())[-1]
        found = f"loss {step.loss:.2f} · held out {bits:.3f} bits per byte at update {measured:,}"
        if not math.isfinite(step.loss + bits):
            found = f"{'held-out bits' if math.isfinite(step.loss) else 'loss'}: {sentences.DIVERGED}"
        return (
            f"update {step.step:,} of {step.updates:,} (pass {step.epoch} over the texts) · {found} · "
            f"{seconds:.0f} s gone, about {left:.0f} s left"
        )

    def _ipython_display_(self) -> None:
        """Show the monitor as a widget view and nothing else: stored notebooks leave widget views out."""
        display_widget(self.widget)


def _finite(values: Mapping[Any, float]) -> dict[Any, float]:
    """Those that a scale can hold: no NaN, nothing infinite."""
    return {key: value for key, value in values.items() if math.isfinite(value)}
