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
from helpers.interventions import AS_IT_IS, Change
from helpers.records import Candidate, Inside, Memory, Stage, Token, TokenStep
from helpers.sampling import FILTERS
from helpers.streaming import Generation

ESM, CSS = (Path(__file__).parent / name for name in ("journey.js", "journey.css"))
LATEST, AHEAD = 200, 12  # tokens in a plot at most; those shown behind the one that is looked at. As in journey.js
STAGES = 8  # stages that are shown at most
Message = dict[str, Any]
Part = tuple[Message, list[np.ndarray]]


@dataclass(frozen=True)
class Frame:
    """How the window stands, beside the records of its text.

    position: how many steps are looked at. status: what goes on, how far it is, what happened. trouble: an error, or
    "". inside: whether that part is open. said: whether the sentences of the plots, and the tree, are told anew. can:
    what can be changed in the model, as `can_change` says it; change: what is. tree: as `forks.tree_part` gives it,
    None where it is folded.
    """

    position: int
    playing: bool = False
    status: tuple[str, str, str] = ("", "", "")
    trouble: str = ""
    inside: bool = False
    said: bool = True
    can: str = ""
    change: Change = AS_IT_IS
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
        self._named: set[int] = set()  # ids whose pieces the page knows
        self._remembered = range(0)  # the places whose memory the page has
        self._change = AS_IT_IS

    def forget(self) -> None:
        """The next message tells the whole."""
        self._told, self._named = (), set()

    def tell(self, generation: Generation, frame: Frame, parts: Sequence[Part] = ()) -> Part:
        """(message, buffers); the first buffer holds the new tokens' rows, float32."""
        if generation is not self._generation:
            self._run, self._generation = self._run + 1, generation
            self.forget()
        tokens, steps = generation.tokens, generation.steps
        prompt, begin = len(tokens) - len(steps), self._first_untold(tokens)
        self._told, new = tokens, tokens[begin:]
        message: Message = {
            "run": self._run,
            "begin": begin,
            "prompt": prompt,
            "tokens": [
                token_record(token, steps[n - prompt] if n >= prompt else None, self._named)
                for n, token in enumerate(new, begin)
            ],
            "position": frame.position,
            "playing": frame.playing,
            "status": [*frame.status, frame.trouble],
            "open": frame.inside,
        }
        if frame.said:
            message["said"] = plot_sentences(tokens, steps, prompt - 1 + frame.position)
            message["tree"] = frame.tree
        buffers: list[np.ndarray] = [np.array([token.embedding for token in new], np.float32).ravel()]
        for record, more in parts:
            message |= record
            buffers += more
        if begin == 0 or frame.change != self._change:
            muted, flipped = ([list(pair) for pair in pairs] for pairs in (frame.change.muted, frame.change.flipped))
            message["model"] = {"can": frame.can, "muted": muted, "flipped": flipped}
        self._forget_memories(begin, frame.change)
        if message.get("inside", {}).get("units"):
            record, more = self._memories(generation, shown_places(len(tokens), message["inside"]["place"] + 1))
            message |= record
            buffers += more
        return message, buffers

    def _forget_memories(self, begin: int, change: Change) -> None:
        """What the page has of the memory holds up to the newest token that it had, and under the same change."""
        have = self._remembered
        self._remembered = range(have.start, min(have.stop, max(have.start, begin - 1)))
        if change != self._change:
            self._change, self._remembered = change, range(0)

    def _memories(self, generation: Generation, shown: range) -> Part:
        """The memory along the shown tokens, as far as the page does not have it."""
        have, last = self._remembered, min(shown.stop, len(generation.tokens) - 1)
        follows = have.start <= shown.start <= have.stop
        begin = min(have.stop, last) if follows else shown.start
        self._remembered = range(have.start if follows else begin, max(last, have.stop if follows else 0))
        return memory_part(begin, generation.memories(begin, last))

    def _first_untold(self, tokens: Sequence[Token]) -> int:
        """Place of the first token that the page does not have, or has another one of."""
        told = self._told
        if not told or (len(told) <= len(tokens) and tokens[len(told) - 1] is told[-1]):
            return len(told)
        pairs = enumerate(zip(told, tokens, strict=False))
        return next((n for n, (old, new) in pairs if old is not new), min(len(told), len(tokens)))


def token_record(token: Token, step: TokenStep | None, named: set[int]) -> Message:
    """A token as the page gets it, and how it came about; its row goes into a buffer.

    named: ids whose pieces the page knows; those that are told here are added.
    """
    cosine = token.cosine_to_previous
    record = {
        "id": token.token_id,
        "step": None if step is None else step_record(step, named),
        "norm": round(token.norm, 5),
        "cosine": None if cosine is None else round(cosine, 5),
        "said": sentences.of_row(token),
    }
    if piece := _new_piece(token, named):
        record["piece"] = piece[0]
    return record


def step_record(step: TokenStep, named: set[int]) -> Message:
    """How a token came about: the candidates, the settings, who took it."""
    return {
        "candidates": [
            [row.token_id, _digits(row.model_probability), _digits(row.sampling_probability), *_new_piece(row, named)]
            for row in step.candidates
        ],
        "by": step.chosen_by,
        "settings": [getattr(step.settings, name) for name in FILTERS],
        "entropy": round(step.entropy, 3),
        "said": sentences.of_choice(step),
        **({"changed": step.changed} if step.changed else {}),
    }


def _new_piece(shown: Token | Candidate, named: set[int]) -> list[str]:
    """The piece, or nothing where the page knows it."""
    if shown.token_id in named:
        return []
    named.add(shown.token_id)
    return [_piece(shown)]


def plot_sentences(tokens: Sequence[Token], steps: Sequence[TokenStep], place: int) -> dict[str, str]:
    """The sentences of the text and of the plots, which show the tokens around `place`."""
    count, prompt, shown = len(tokens), len(tokens) - len(steps), shown_places(len(tokens), place)
    first, last = shown.start, shown.stop
    return {
        "text": sentences.of_text(tokens),
        "norms": sentences.of_norms(tokens[first:last], count),
        "cosines": sentences.of_cosines(tokens[first:last]),
        "surprise": sentences.of_surprise(steps[max(0, first - prompt) : max(0, last - prompt)]),
    }


def shown_places(count: int, place: int) -> range:
    """The places that a plot shows: the latest, or those around `place`."""
    last = count if place >= count - LATEST + AHEAD else min(count, max(place + AHEAD, LATEST))
    return range(max(0, last - LATEST), last)


def read_part(step: TokenStep) -> Part:
    """What the model expected at a token of the prompt."""
    return {"read": {"place": step.input.position, "step": step_record(step, set())}}, []


def closed_part(place: int, why: str) -> Part:
    """Why there is nothing to show of what is inside at a place."""
    return {"inside": {"place": place, "why": why}}, []


def inside_part(place: int, inside: Inside) -> Part:
    """What was inside at a place: stages, and who looked where (in 255ths), or how many units a memory has."""
    stages = spread(inside.stages, STAGES)
    buffers: list[np.ndarray] = [np.concatenate([stage.vector for stage in stages]).astype(np.float32)]
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
        buffers.append(np.round(inside.attention * 255).astype(np.uint8).ravel())
    if inside.memory is not None:
        record["units"] = len(inside.memory.cell)
    return {"inside": record}, buffers


def memory_part(begin: int, memories: Sequence[Memory]) -> Part:
    """The memory along the text from a place on: cells in 32,767ths of the largest, gates in 255ths; 5 bytes a unit."""
    if not memories:
        return {}, []
    cells = np.array([memory.cell for memory in memories])
    gates = np.array([[each.input_gate, each.forget_gate, each.output_gate] for each in memories])
    largest = float(np.abs(cells).max()) or 1.0
    parts = np.round(cells / largest * 32767).astype(np.int16), np.round(gates * 255).astype(np.uint8)
    record = {"begin": begin, "count": len(memories), "largest": largest}
    return {"memory": record}, [part.ravel() for part in parts]


def spread(stages: Sequence[Stage], most: int) -> Sequence[Stage]:
    """At most `most` of the stages, evenly spread, the first and the last always among them."""
    if len(stages) <= most:
        return stages
    return [stages[round(place * (len(stages) - 1) / (most - 1))] for place in range(most)]


def _piece(shown: Token | Candidate) -> str:
    return sentences.shortened(sentences.visible(shown.piece), 40)


def _guess(candidate: Candidate) -> list[Any]:
    return [candidate.token_id, _piece(candidate), _digits(candidate.model_probability)]


def _digits(probability: float) -> float:
    """Four digits that count: a probability that is not 0 does not become 0."""
    return float(f"{probability:.4g}") if probability else 0
