"""What the page is told of a text: its records as messages, one for each token or frame; journey.js draws them.

A message is JSON and buffers. It holds what is new since the one before; a page that opens later, or is loaded anew,
asks for the whole.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import anywidget
import numpy as np
import traitlets

from helpers import sentences
from helpers.records import Candidate, Inside, Stage, Token, TokenStep
from helpers.sampling import FILTERS
from helpers.streaming import Generation

ESM, CSS = (Path(__file__).parent / name for name in ("journey.js", "journey.css"))
LATEST, AHEAD = 200, 12  # tokens in a plot at most; those shown behind the one that is looked at. As in journey.js
STAGES = 8  # stages that are shown at most
Message = dict[str, Any]
Part = tuple[Message, list[bytes]]


@dataclass(frozen=True)
class Frame:
    """How the window stands, beside the records of its text.

    position: how many steps are looked at. status: what goes on, how far it is, what happened. trouble: an error, or
    "". inside: whether that part is open. said: whether the sentences of the plots, and the tree, are told anew.
    tree: as `forks.tree_part` gives it, None where it is folded.
    """

    position: int
    playing: bool = False
    status: tuple[str, str, str] = ("", "", "")
    trouble: str = ""
    inside: bool = False
    said: bool = True
    tree: Message | None = None


class JourneyView(anywidget.AnyWidget):
    """The part of the live window that the page draws. receive: what is done with a message that the page sends."""

    _esm, _css = ESM, CSS
    filters = traitlets.List([entry.short for entry in FILTERS.values()]).tag(sync=True)
    runs: traitlets.List = traitlets.List().tag(sync=True)  # [name, what it has of its own], where there are two

    def __init__(self, receive: Callable[[Message], None], runs: Sequence[Sequence[str]] = ()) -> None:
        super().__init__(runs=list(runs))
        self._teller = Teller()
        self.on_msg(lambda _widget, content, _buffers: receive(content))

    def show(self, generation: Generation, frame: Frame, parts: Sequence[Part] = ()) -> None:
        """Tell the page what is new; parts: of the place looked at alone, such as `inside_part` gives."""
        self.send(*self._teller.tell(generation, frame, parts))

    def fail(self, trouble: str) -> None:
        """Tell the page of an error, where nothing else can be told."""
        self.send({"trouble": trouble})

    def forget(self) -> None:
        """The next message tells the whole."""
        self._teller.forget()


class Teller:
    """Turns a text into messages, each with what is new since the one before."""

    def __init__(self) -> None:
        self._run = 0
        self._generation: Generation | None = None
        self._told: tuple[Token, ...] = ()

    def forget(self) -> None:
        """The next message tells the whole."""
        self._told = ()

    def tell(self, generation: Generation, frame: Frame, parts: Sequence[Part] = ()) -> Part:
        """(message, buffers); the first buffer holds the new tokens' rows, float32."""
        if generation is not self._generation:
            self._run, self._generation, self._told = self._run + 1, generation, ()
        tokens, steps = generation.tokens, generation.steps
        prompt, begin = len(tokens) - len(steps), self._first_untold(tokens)
        self._told = tokens
        new = tokens[begin:]
        message: Message = {
            "run": self._run,
            "begin": begin,
            "prompt": prompt,
            "tokens": [
                token_record(token, steps[n - prompt] if n >= prompt else None) for n, token in enumerate(new, begin)
            ],
            "position": frame.position,
            "playing": frame.playing,
            "status": [*frame.status, frame.trouble],
            "open": frame.inside,
        }
        if frame.said:
            message["said"] = plot_sentences(tokens, steps, prompt - 1 + frame.position)
            message["tree"] = frame.tree
        buffers = [np.array([token.embedding for token in new], np.float32).tobytes()]
        for record, more in parts:
            message |= record
            buffers += more
        return message, buffers

    def _first_untold(self, tokens: Sequence[Token]) -> int:
        """Place of the first token that the page does not have, or has another one of."""
        told = self._told
        if not told or (len(told) <= len(tokens) and tokens[len(told) - 1] is told[-1]):
            return len(told)
        pairs = enumerate(zip(told, tokens, strict=False))
        return next((n for n, (old, new) in pairs if old is not new), min(len(told), len(tokens)))


def token_record(token: Token, step: TokenStep | None) -> Message:
    """A token as the page gets it, and how it came about; its row goes into a buffer."""
    cosine = token.cosine_to_previous
    return {
        "id": token.token_id,
        "piece": sentences.shortened(sentences.visible(token.piece), 40),
        "norm": round(token.norm, 5),
        "cosine": None if cosine is None else round(cosine, 5),
        "said": sentences.of_row(token),
        "step": None if step is None else step_record(step),
    }


def step_record(step: TokenStep) -> Message:
    """How a token came about: the candidates, the settings, who took it."""
    return {
        "candidates": [
            [*_named(row), _digits(row.model_probability), _digits(row.sampling_probability)] for row in step.candidates
        ],
        "by": step.chosen_by,
        "settings": [getattr(step.settings, name) for name in FILTERS],
        "entropy": round(step.entropy, 3),
        "said": sentences.of_choice(step),
    }


def plot_sentences(tokens: Sequence[Token], steps: Sequence[TokenStep], place: int) -> dict[str, str]:
    """The sentences of the text and of the plots, which show the tokens around `place`."""
    count, prompt = len(tokens), len(tokens) - len(steps)
    last = count if place >= count - LATEST + AHEAD else min(count, max(place + AHEAD, LATEST))
    first = max(0, last - LATEST)
    return {
        "text": sentences.of_text(tokens),
        "norms": sentences.of_norms(tokens[first:last], count),
        "cosines": sentences.of_cosines(tokens[first:last]),
        "surprise": sentences.of_surprise(steps[max(0, first - prompt) : max(0, last - prompt)]),
    }


def read_part(step: TokenStep) -> Part:
    """What the model expected at a token of the prompt."""
    return {"read": {"place": step.input.position, "step": step_record(step)}}, []


def closed_part(place: int, why: str) -> Part:
    """Why there is nothing to show of what is inside at a place."""
    return {"inside": {"place": place, "why": why}}, []


def inside_part(place: int, inside: Inside) -> Part:
    """What was inside at a place: stages, who looked where (in 255ths), and a memory with its gates."""
    stages = spread(inside.stages, STAGES)
    buffers = [np.concatenate([stage.vector for stage in stages]).astype(np.float32).tobytes()]
    record: Message = {
        "place": place,
        "stages": [
            [stage.name, round(stage.norm, 3), stage.rank, len(stage.vector), *map(_guess, stage.candidates)]
            for stage in stages
        ],
        "said": sentences.of_stages(stages, len(inside.stages)),
    }
    if inside.attention is not None:
        record["heads"] = inside.attention.shape[:2]
        buffers.append(np.round(inside.attention * 255).astype(np.uint8).tobytes())
    if inside.memory is not None:
        memory = inside.memory
        record["units"] = len(memory.cell)
        parts = [memory.cell, memory.input_gate, memory.forget_gate, memory.output_gate]
        buffers.append(np.concatenate(parts).astype(np.float32).tobytes())
    return {"inside": record}, buffers


def spread(stages: Sequence[Stage], most: int) -> Sequence[Stage]:
    """At most `most` of the stages, evenly spread, the first and the last always among them."""
    if len(stages) <= most:
        return stages
    return [stages[round(place * (len(stages) - 1) / (most - 1))] for place in range(most)]


def _named(candidate: Candidate) -> tuple[int, str]:
    return candidate.token_id, sentences.shortened(sentences.visible(candidate.piece), 40)


def _guess(candidate: Candidate) -> list[Any]:
    return [*_named(candidate), _digits(candidate.model_probability)]


def _digits(probability: float) -> float:
    """Four digits that count: a probability that is not 0 does not become 0."""
    return float(f"{probability:.4g}")
