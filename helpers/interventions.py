"""Interventions: a model with one thing inside it changed, which is a model again.

It streams, rewinds, forks and is looked into as any other. The model that it was made from stays as it is.
"""

from __future__ import annotations

import itertools
import operator
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Any, NamedTuple, Protocol, TypeVar, runtime_checkable

import numpy as np

from helpers import checks
from helpers.protocols import LanguageModel, OpenModel
from helpers.records import Opened

Edit = float | Callable[[float], float]


@runtime_checkable
class HasHeads(Protocol):
    """A model with attention heads that can be muted."""

    def heads(self) -> tuple[int, int]:
        """How many layers, and how many heads in each."""

    def without_heads(self, muted: Sequence[tuple[int, int]]) -> Any:
        """A copy in which these heads add nothing; what is not changed is shared with the model."""


@runtime_checkable
class HasCell(Protocol):
    """A recurrent model whose cell state can be replaced."""

    def units(self) -> int:
        """H, how many units the cell state has."""

    def with_cell(self, state: Any, cell: np.ndarray) -> Any:
        """The state with another cell state (H,) after the newest token; the hidden state stays."""


Model = TypeVar("Model", bound=HasHeads)


def mute_heads(model: Model, heads: Iterable[tuple[int, int]]) -> Model:
    """The model with some attention heads muted: (layer, head) each, both counted from 0.

    Muted means that the head's output is set to zero before the layer adds it to the residual stream (zero ablation;
    Michel et al. 2019, "Are Sixteen Heads Really Better than One?"). Others put the head's mean output there: on the
    shipped Transformer that changes the cost of a repeated word by a quarter of a bit at most, as a test measures. The
    head still looks: its attention weights are still in the record, and nothing comes of them. TypeError for a model
    without heads, ValueError for a head that does not exist.
    """
    muted = checked_heads(model, heads)
    return model.without_heads(muted)


def checked_heads(model: Any, heads: Iterable[tuple[int, int]]) -> tuple[tuple[int, int], ...]:
    """The heads themselves; TypeError or ValueError as `mute_heads` raises them, at no cost."""
    if not isinstance(model, HasHeads):
        raise TypeError(f"a {type(model).__name__} has no attention heads to mute: give a Transformer or a real model")
    layers, count = model.heads()
    return tuple(_head(pair, layers, count) for pair in checks.listed("heads", heads))


def _head(pair: Any, layers: int, count: int) -> tuple[int, int]:
    if not isinstance(pair, tuple | list) or len(pair) != 2:
        raise TypeError(f"a head is {checks.shown(pair)}: give a pair (layer, head), such as (0, 2)")
    layer = checks.whole_number("layer", pair[0], 0, layers - 1, ", one of the model's layers")
    return layer, checks.whole_number("head", pair[1], 0, count - 1, f", one of the heads of layer {layer}")


def edit_memory(model: LanguageModel, edits: Mapping[int, Mapping[int, Edit]]) -> EditedMemory:
    """The recurrent model with its cell state edited: {position: {unit: new value, or function of the old one}}.

    `position` counts tokens read, 0 = bos. The edit happens after that token was read, so that it first matters when
    the next one is read. TypeError for a model without a cell state; ValueError for a position or unit that cannot be,
    and for a value that is no finite number.
    """
    units_of(model)
    if not isinstance(edits, Mapping):
        raise TypeError(f"edits is {checks.shown(edits)}: give a dict, such as {{12: {{5: 0.0}}}}")
    return EditedMemory(model, {_position(place): _checked_units(units) for place, units in edits.items()})


def units_of(model: Any) -> int:
    """How many units the model's cell state has; TypeError for a model without one."""
    if not isinstance(model, HasCell) or not isinstance(model, OpenModel):
        raise TypeError(f"a {type(model).__name__} has no cell state to edit: give an LSTM or its Keras twin")
    return model.units()


def can_change(model: Any) -> str:
    """What of the model can be changed: "heads", "memory", or "" for nothing."""
    with suppress(TypeError):
        checked_heads(model, ())
        return "heads"
    with suppress(TypeError):
        units_of(model)
        return "memory"
    return ""


@dataclass(frozen=True)
class Change:
    """What is changed inside a model; its str says it in words, and is "" where nothing is.

    muted: heads, (layer, head) each. flipped: units of the memory whose sign is turned after a token, (position, unit)
    each.
    """

    muted: tuple[tuple[int, int], ...] = ()
    flipped: tuple[tuple[int, int], ...] = ()

    def made(self, model: Any) -> Any:
        """The model with this changed in it; the model itself where nothing is."""
        if self.muted:
            model = mute_heads(model, self.muted)
        edits: dict[int, dict[int, Edit]] = {}
        for position, unit in self.flipped:
            edits.setdefault(position, {})[unit] = operator.neg
        return edit_memory(model, edits) if edits else model

    def __str__(self) -> str:
        muted = ", ".join(f"layer {layer} head {head}" for layer, head in self.muted)
        flipped = ", ".join(f"unit {unit} at position {position}" for position, unit in self.flipped)
        said = {"muted": muted, "flipped": flipped}
        return "; ".join(f"{what}: {which}" for what, which in said.items() if which)


AS_IT_IS = Change()


def _position(place: Any) -> int:
    return checks.whole_number("position", place, remedy=", a count of tokens read (0 = bos)")


def _checked_units(units: Any) -> dict[int, Edit]:
    if not isinstance(units, Mapping):
        raise TypeError(f"the edit is {checks.shown(units)}: give a dict {{unit: value}}, such as {{5: 0.0}}")
    for unit, edit in units.items():
        checks.whole_number("unit", unit, remedy=", a unit of the cell state")
        if not callable(edit):
            _finite(unit, edit)
    return {int(unit): edit for unit, edit in units.items()}


def _finite(unit: int, value: Any) -> float:
    if not checks.is_number(value) or not np.isfinite(value):
        raise ValueError(f"unit {unit} would become {checks.shown(value)}: give a finite number, such as 0.0")
    return float(value)


class EditedState(NamedTuple):
    """What an edited model carries along a text: the ids that it has read, and the state of the model beneath."""

    ids: list[int]
    inner: Any


class EditedMemory:
    """A recurrent model whose cell state is edited after certain tokens; all else is the model's own."""

    def __init__(self, model: Any, edits: Mapping[int, Mapping[int, Edit]]) -> None:
        self.model, self.edits = model, dict(edits)
        for units in self.edits.values():
            for unit in units:
                checks.whole_number("unit", unit, 0, self.units() - 1, ", the units of the cell state")

    @property
    def vocab_size(self) -> int:
        """V."""
        return self.model.vocab_size

    @property
    def embedding_dim(self) -> int:
        """D."""
        return self.model.embedding_dim

    @property
    def context_length(self) -> int | None:
        """The most tokens that the model can read; None if there is no limit."""
        return self.model.context_length

    def embed(self, ids: Sequence[int]) -> np.ndarray:
        """The embedding rows of ids, (T, D)."""
        return self.model.embed(ids)

    def advance(self, ids: Sequence[int], state: EditedState | None = None) -> tuple[np.ndarray, EditedState]:
        """Read one or more ids after `state`, with every edit that is due: (logits (V,), the new state)."""
        unread = checks.token_ids(ids, self.vocab_size)
        read, inner = ([], None) if state is None else state
        for start, end in self._parts(len(read), len(read) + len(unread)):
            part = unread[start - len(read) : end - len(read)]
            logits, inner = self.model.advance(part, inner)
            inner = self._edited(EditedState([*read, *unread[: end - len(read)]], inner))
        return logits, EditedState([*read, *unread], inner)

    def rewind(self, state: EditedState, length: int) -> EditedState:
        """The state as it was after the first `length` tokens; edits after them are made again when they are due."""
        length = checks.rewind_length(length, len(state.ids))
        return EditedState(state.ids[:length], self.model.rewind(state.inner, length))

    def opened(self, state: EditedState, position: int, token_id: int) -> Opened:
        """What happened when that token was read; the memory is as the edit left it."""
        return self.model.opened(state.inner, position, token_id)

    def units(self) -> int:
        """H, how many units the cell state has."""
        return self.model.units()

    def with_cell(self, state: EditedState, cell: np.ndarray) -> EditedState:
        """The state with another cell state (H,) after the newest token; the hidden state stays."""
        return EditedState(state.ids, self.model.with_cell(state.inner, cell))

    def _parts(self, begin: int, end: int) -> Iterator[tuple[int, int]]:
        """The places from `begin` to `end` in parts that end where an edit is due."""
        due = sorted(place + 1 for place in self.edits if begin <= place < end - 1)
        yield from itertools.pairwise([begin, *due, end])

    def _edited(self, state: EditedState) -> Any:
        """The inner state after the edit of the newest token, if there is one."""
        units = self.edits.get(len(state.ids) - 1)
        if not units:
            return state.inner
        cell = self._cell(state).copy()
        for unit, edit in units.items():
            cell[unit] = _finite(unit, edit(float(cell[unit])) if callable(edit) else edit)
        return self.model.with_cell(state.inner, cell)

    def _cell(self, state: EditedState) -> np.ndarray:
        memory = self.model.opened(state.inner, len(state.ids) - 1, state.ids[-1]).memory
        if memory is None:
            raise TypeError(f"a {type(self.model).__name__} has no cell state to edit: give an LSTM or its Keras twin")
        return memory.cell
