"""Two runs of one prompt side by side: two models, settings or seeds, or a model and its changed self."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from itertools import accumulate
from pathlib import Path
from typing import NamedTuple, cast

from helpers import checks, sentences
from helpers.protocols import LanguageModel, TokenizerProtocol
from helpers.records import Token, TokenStep
from helpers.sampling import FILTERS, SamplingSettings, check_settings
from helpers.streaming import Generation
from helpers.window.explorer import BEGIN, Explorer
from helpers.window.journey import Frame, JourneyView, Message, Part, Teller, read_part

EXAMPLE = '{"calm": (model, tokenizer, SamplingSettings(temperature=0.2)), "wild": (model, tokenizer)}'

CHANGED = "two runs are compared as they are: give a changed model as one of them, such as mute_heads(model, [(0, 1)])"


class Run(NamedTuple):
    """What one of the two texts is made with; None: what the window's sliders, or its seed, say."""

    model: LanguageModel
    tokenizer: TokenizerProtocol
    settings: SamplingSettings | None = None
    seed: int | None = None


class Comparison(Explorer):
    """A window over two runs, which grow in step; `generations` are their texts, by name."""

    def __init__(
        self,
        runs: Mapping[str, Run | tuple],
        prompt: str = "One day, Mia",
        seed: int = 0,
        settings: SamplingSettings = BEGIN,
        *,
        speed: str = "5/s",
        max_new_tokens: int = 200,
        large: bool = False,
    ) -> None:
        self._runs = _checked_runs(runs)
        models = {name: (run.model, run.tokenizer) for name, run in self._runs.items()}
        super().__init__(models, prompt, seed, settings, speed=speed, max_new_tokens=max_new_tokens, large=large)
        moved = any(run.settings is None for run in self._runs.values())
        for widget in (
            self._controls.model,
            self._controls.inside,
            self._controls.tree,
            *(() if moved else self._controls.filters.values()),
        ):
            widget.layout.display = "none"

    @property
    def generations(self) -> dict[str, Generation]:
        """The two texts by the names of their runs."""
        return dict(zip(self._runs, self._both.each, strict=True))

    @property
    def _both(self) -> Both:
        return cast(Both, self.generation)

    def _new_view(self) -> JourneyView:
        return PairView(self._receive, self._runs)

    def _new_generation(self) -> Generation:
        self._begun_with = self._controls.beginning
        _, prompt, seed = self._begun_with
        return cast(Generation, Both(list(self._runs.values()), prompt, seed))  # all of it that a window asks for

    def mute(self, heads: Iterable[tuple[int, int]]) -> None:
        """ValueError: a changed model is one of the runs."""
        raise ValueError(CHANGED)

    def flip(self, position: int, unit: int) -> None:
        """ValueError: a changed model is one of the runs."""
        raise ValueError(CHANGED)

    def save_page(self, path: str | os.PathLike, *, overwrite: bool = False) -> Path:
        """ValueError: a page holds one text."""
        raise ValueError("a page holds one text: save it from a window of one model")

    def _keep(self, steps: tuple[TokenStep, ...]) -> str:
        return ""  # two texts have no tree

    def _receive(self, message: Message) -> None:
        if message.get("kind") == "read":  # counted from the prompt's end, for both
            message["place"] -= self._both.prompts[message["of"]]
        super()._receive(message)

    async def _choose_candidate(self, position: int, token_id: int) -> None:
        """A press on a candidate of either text: both take it."""
        steps = [text.steps[position - 1] for text in self._both.each if 1 <= position <= len(text.steps)]
        if any(candidate.token_id == token_id for step in steps for candidate in step.candidates):
            self._show(position)
            await self._choose(token_id)

    async def _choose(self, token_id: int) -> None:
        if not self._both.alike:
            raise ValueError(
                f"id {token_id} means something else to each of the two tokenizers: choose in a window of one"
            )
        await super()._choose(token_id)

    def _parts(self) -> list[Part]:
        """What was expected at the place of the prompt that the page looks at, in both texts."""
        both = self._both
        return [_expected(text, begin, self._asked) for text, begin in zip(both.each, both.prompts, strict=True)]


class Both:
    """Two texts that grow in step, as one that has the steps of the longer one."""

    def __init__(self, runs: Sequence[Run], prompt: str, seed: int) -> None:
        self._runs = runs
        self.each = tuple(
            Generation(run.model, run.tokenizer, prompt, seed if run.seed is None else run.seed) for run in runs
        )
        self.prompts = [len(text.tokens) for text in self.each]
        first, second = (run.tokenizer for run in runs)
        self.alike = first is second or first.fingerprint == second.fingerprint  # their ids mean the same

    @property
    def _longer(self) -> Generation:
        return max(self.each, key=lambda text: len(text.steps))

    @property
    def tokens(self) -> tuple[Token, ...]:
        """Every token of the longer text."""
        return self._longer.tokens

    @property
    def steps(self) -> tuple[TokenStep, ...]:
        """Every step of the longer text."""
        return self._longer.steps

    @property
    def finish_reason(self) -> str | None:
        """Why the longer text ended, once both have."""
        return self._longer.finish_reason if all(text.finish_reason for text in self.each) else None

    def step(self, settings: SamplingSettings) -> TokenStep:
        """The next token of each text that has not ended, under its own settings, or these."""
        return self._each(lambda text, own: text.step(own or settings))

    def choose(self, token_id: int, settings: SamplingSettings) -> TokenStep:
        """Take this id in each text that has not ended."""
        return self._each(lambda text, own: text.choose(token_id, own or settings))

    def rewind(self, steps: int) -> None:
        """Keep the first `steps` steps of each and forget the rest."""
        self._before = [text.steps for text in self.each]
        for text in self.each:
            text.rewind(min(steps, len(text.steps)))

    def restore(self, steps: Sequence[TokenStep]) -> None:
        """Undo the latest `rewind`, of both."""
        for text, before in zip(self.each, self._before, strict=True):
            text.restore(before)

    def _each(self, take: Callable[[Generation, SamplingSettings | None], TokenStep]) -> TokenStep:
        """A step of each text, or of none: where one breaks off, the other takes its own back."""
        counts = [len(text.steps) for text in self.each]
        grow = [
            pair for pair in zip(self.each, self._runs, strict=True) if not pair[0].finish_reason or self.finish_reason
        ]
        try:
            return max([take(text, run.settings) for text, run in grow], key=lambda step: step.index)
        except BaseException:
            for text, count in zip(self.each, counts, strict=True):
                text.rewind(count)
            raise


class PairView(JourneyView):
    """The part of the window that the page draws: two texts, each with a store of its own there."""

    def __init__(self, receive: Callable[[Message], None], runs: Mapping[str, Run]) -> None:
        super().__init__(receive, [[name, _described(run)] for name, run in runs.items()])
        self._names, self._tellers = list(runs), (Teller(), Teller())

    def show(self, generation: Generation, frame: Frame, parts: Sequence[Part] = ()) -> None:
        """Tell the page what is new in each of the two, and where they part."""
        both = cast(Both, generation)
        places, said = parting(both, self._names)
        for number, text in enumerate(both.each):
            own = replace(frame, position=min(frame.position, len(text.steps)), can="")
            message, buffers = self._tellers[number].tell(text, own, parts[number : number + 1])
            place = places[number]
            part = [None if place is None else both.prompts[number] + place, said]
            self.send(message | {"of": number, "part": part}, buffers)

    def forget(self) -> None:
        """The next messages tell the whole."""
        for teller in self._tellers:
            teller.forget()


def parting(both: Both, names: Sequence[str]) -> tuple[tuple[int | None, int | None], str]:
    """The step of each text at which the two part, None where it has none there; and a sentence that says so.

    Texts of one vocabulary are compared token by token, others by what they say.
    """
    first, second = (text.steps for text in both.each)
    if both.alike:
        agree = _common(*([step.output.token_id for step in steps] for steps in (first, second)))
        places, unit = (agree, agree), "token"
    else:
        agree = _common(*("".join(step.output.text for step in steps) for steps in (first, second)))
        places, unit = (_beyond(first, agree), _beyond(second, agree)), "character"
    at = [steps[place] if place < len(steps) else None for steps, place in zip((first, second), places, strict=True)]
    apart = any(at) and all(step or text.finish_reason for step, text in zip(at, both.each, strict=True))
    said = [(name, step.output.piece if step else None) for name, step in zip(names, at, strict=True)]
    shown = [place if apart and step else None for place, step in zip(places, at, strict=True)]
    return (shown[0], shown[1]), sentences.of_parting(agree, unit, said if apart else [])


def _common(first: Sequence, second: Sequence) -> int:
    return next(
        (n for n, (a, b) in enumerate(zip(first, second, strict=False)) if a != b), min(len(first), len(second))
    )


def _beyond(steps: Sequence[TokenStep], characters: int) -> int:
    """The first step after which the new text has more than so many characters."""
    lengths = accumulate(len(step.output.text) for step in steps)
    return next((n for n, length in enumerate(lengths) if length > characters), len(steps))


def _expected(text: Generation, prompt: int, asked: int | None) -> Part:
    place = -1 if asked is None else prompt + asked
    return ({}, []) if place < 0 else read_part(text.expected(place))


def _described(run: Run) -> str:
    """What the run has of its own: "temperature 0.2 · seed 3"."""
    own = (
        []
        if run.settings is None
        else [
            f"{entry.label} {getattr(run.settings, name):g}"
            for name, entry in FILTERS.items()
            if name == "temperature" or getattr(run.settings, name) != entry.off
        ]
    )
    return " · ".join(own + ([] if run.seed is None else [f"seed {run.seed}"]))


def _checked_runs(runs: Mapping[str, Run | tuple]) -> dict[str, Run]:
    given = checks.mapping_of("runs", runs, EXAMPLE)
    if len(given) != 2:
        raise ValueError(f"runs has {len(given)} of them: give two, such as {EXAMPLE}")
    return {name: _checked_run(name, run) for name, run in given.items()}


def _checked_run(name: str, given: Run | tuple) -> Run:
    if not isinstance(name, str) or not isinstance(given, tuple) or not 2 <= len(given) <= 4:
        raise TypeError(f"runs[{name!r}] is {checks.shown(given)}: give a name and a tuple, such as in {EXAMPLE}")
    run = Run(*given)
    if run.settings is not None:
        check_settings(run.settings)
    return run if run.seed is None else run._replace(seed=checks.whole_number(f"runs[{name!r}].seed", run.seed))
