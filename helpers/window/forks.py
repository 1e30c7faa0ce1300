"""The branches that a text has left behind, and the tree that they make with it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from helpers import checks, sentences
from helpers.records import Token, TokenStep

MOST = 12  # branches that are kept; beyond them the oldest goes
WORDS = 60  # letters of a branch that the tree shows


@dataclass(frozen=True)
class Fork:
    """A branch that was left: its number, from 1, and its steps, of which the first `parted` are the text's, too."""

    number: int
    parted: int
    steps: tuple[TokenStep, ...] = field(repr=False)

    @property
    def tokens(self) -> tuple[Token, ...]:
        """Its new tokens, those before the place where it parts as well."""
        return tuple(step.output for step in self.steps)

    @property
    def text(self) -> str:
        """What it says from where it parts on."""
        return "".join(token.text for token in self.tokens[self.parted :])


class Forks:
    """Branches by their numbers, the latest 12; one that another holds whole is none."""

    def __init__(self) -> None:
        self._kept: dict[int, tuple[TokenStep, ...]] = {}
        self._last = 0

    def keep(self, steps: tuple[TokenStep, ...]) -> bool:
        """Keep a branch; whether the oldest one had to go for it."""
        if any(common(steps, other) == len(steps) for other in self._kept.values()):
            return False
        self._kept = {n: other for n, other in self._kept.items() if common(steps, other) < len(other)}
        self._last += 1
        self._kept[self._last] = steps
        if full := len(self._kept) > MOST:
            del self._kept[min(self._kept)]
        return full

    def take(self, number: int) -> tuple[TokenStep, ...]:
        """The steps of a branch, which is one no longer."""
        return self._kept.pop(self.checked(number))

    def checked(self, number: int) -> int:
        """`number`, if there is such a branch."""
        if (number := checks.whole_number("number", number)) not in self._kept:
            there = (
                f"give one of {', '.join(map(str, self._kept))}" if self._kept else "there is none, fork the text first"
            )
            raise ValueError(f"number is {number}, which no branch has: {there}")
        return number

    def beside(self, steps: Sequence[TokenStep]) -> tuple[Fork, ...]:
        """The branches beside a text of these steps, the oldest first."""
        found = (Fork(number, common(steps, other), other) for number, other in self._kept.items())
        return tuple(fork for fork in found if fork.parted < len(fork.steps))


def common(steps: Sequence[TokenStep], others: Sequence[TokenStep]) -> int:
    """How many steps two branches of one text share."""
    pairs = enumerate(zip(steps, others, strict=False))
    differ = (
        n for n, (a, b) in pairs if a is not b and (a.output.token_id, a.changed) != (b.output.token_id, b.changed)
    )
    return next(differ, min(len(steps), len(others)))


def tree_part(steps: Sequence[TokenStep], forks: Sequence[Fork]) -> dict[str, Any]:
    """The tree as the page gets it: [number, where it parts, from which branch (0: the text), steps, words] each."""
    placed: list[tuple[int, Sequence[TokenStep]]] = [(0, steps)]
    rows = []
    for fork in reversed(forks):
        parted, trunk = max((common(fork.steps, other), -place) for place, (_, other) in enumerate(placed))
        words = sentences.visible("".join(token.piece for token in fork.tokens[parted : parted + WORDS]))
        rows.append([fork.number, parted, -trunk, len(fork.steps), sentences.shortened(words, WORDS)])
        placed.append((fork.number, fork.steps))
    return {"rows": rows, "said": sentences.of_forks([len(fork.steps) - fork.parted for fork in forks])}
