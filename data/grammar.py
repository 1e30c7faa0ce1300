"""A story grammar as Python objects: what draws a text, with its exact probability, and what parses one.

Every choice goes through one place that adds -log2 of its probability. How a grammar is written, and read from its
file, is in make_stories.py.
"""

from __future__ import annotations

import itertools
import math
import random
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass


@dataclass(frozen=True)
class Slot:
    """A row drawn from a table at its first mention and kept after that: <name.column>."""

    name: str
    column: str


@dataclass(frozen=True)
class Choice:
    """One of several sequences: {a|b|3*c}."""

    options: tuple[Sequence_, ...]
    bits: tuple[float, ...]


@dataclass(frozen=True, eq=False)
class Row:
    """A row of a table: its cells by column, and how often it is drawn compared with the others."""

    cells: Mapping[str, str]
    weight: float = 1.0


Sequence_ = tuple["str | Slot | Choice", ...]


def bits_of_weights(weights: Sequence[float]) -> tuple[float, ...]:
    """-log2 of the probability of each of several alternatives."""
    total = sum(weights)
    return tuple(-math.log2(weight / total) for weight in weights)


@dataclass(frozen=True)
class Story:
    """A text, its kind (the plot), and -log2 of its probability under the grammar."""

    text: str
    bits: float
    kind: str


@dataclass(frozen=True)
class Grammar:
    """Word tables and the sequence that every text starts from."""

    tables: dict[str, tuple[Row, ...]]
    differs_from: dict[str, str]
    kinds: tuple[str, ...]
    root: Choice

    def rows(self, name: str, bound: Mapping[str, Row]) -> tuple[Sequence[Row], Sequence[float]]:
        """The rows a slot may take, all of its table but the one another slot already has, and the bits of each."""
        taken = bound.get(self.differs_from.get(name, ""))
        rows = [row for row in self.tables[name] if row is not taken]
        return rows, bits_of_weights([row.weight for row in rows])

    def sample(self, rng: random.Random) -> Story:
        """One text drawn from the grammar."""
        bound: dict[str, Row] = {}
        parts: list[str] = []
        bits = 0.0

        def pick(costs: Sequence[float]) -> int:
            nonlocal bits
            position, index = rng.random(), 0
            while index < len(costs) - 1 and (position := position - 2 ** -costs[index]) >= 0:
                index += 1
            bits += costs[index]
            return index

        def say(sequence: Sequence_) -> None:
            for node in sequence:
                if isinstance(node, str):
                    parts.append(node)
                elif isinstance(node, Choice):
                    say(node.options[pick(node.bits)])
                else:
                    if node.name not in bound:
                        rows, costs = self.rows(node.name, bound)
                        bound[node.name] = rows[pick(costs)]
                    parts.append(bound[node.name].cells[node.column])

        kind = pick(self.root.bits)
        say(self.root.options[kind])
        return Story("".join(parts), bits, self.kinds[kind])

    def derivations(self, text: str) -> list[Story]:
        """Every way in which the grammar can make this text; [] means it cannot."""
        found = []
        for kind, sequence, bits in zip(self.kinds, self.root.options, self.root.bits, strict=True):
            for end, _, cost in self._match(sequence, text, [(0, {}, bits)]):
                if end == len(text):
                    found.append(Story(text, cost, kind))
        return found

    def accepts(self, text: str) -> bool:
        """Could the grammar have made this text, word for word?"""
        return bool(self.derivations(text))

    def _match(self, sequence: Sequence_, text: str, states: list) -> list:
        """Carry every state (position, words bound so far, bits) through the sequence, node by node."""
        for node in sequence:
            if isinstance(node, str):
                states = [(at + len(node), bound, bits) for at, bound, bits in states if text.startswith(node, at)]
            elif isinstance(node, Choice):
                branches = zip(node.options, node.bits, strict=True)
                states = list(itertools.chain.from_iterable(
                    self._match(option, text, [(at, bound, bits + cost) for at, bound, bits in states])
                    for option, cost in branches
                ))  # fmt: skip
            else:
                states = [new for state in states for new in self._match_slot(node, text, *state)]
            if not states:
                return []
        return states

    def _match_slot(self, slot: Slot, text: str, at: int, bound: dict, bits: float) -> Iterator[tuple]:
        if slot.name in bound:
            rows, costs = [bound[slot.name]], [0.0]
        else:
            rows, costs = self.rows(slot.name, bound)
        for row, cost in zip(rows, costs, strict=True):
            word = row.cells[slot.column]
            if text.startswith(word, at):
                yield at + len(word), {**bound, slot.name: row}, bits + cost
