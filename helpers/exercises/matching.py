"""Answers that give each of some names one of some letters: a dictionary, as the stub of such an exercise has it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from helpers.exercises.answers import NotYet


def matched(
    answer: Any,
    right: Mapping[str, str],
    mixed_up: Sequence[tuple[Mapping[str, str], str]],
    letters: str = "abcd",
) -> None:
    """Each name has its letter.

    mixed_up: what learners confuse, as names with wrong letters, and what is said where the answer holds all of them.
    """
    if not isinstance(answer, dict):
        raise NotYet(f"a dictionary is wanted, as in the stub: each of the {len(right)} names with a letter")
    if missing := [name for name in right if name not in answer]:
        raise NotYet(f"{missing[0]} is missing")
    given = {name: str(answer[name]).strip().lower() for name in right}
    if strange := [name for name, letter in given.items() if letter not in set(letters)]:
        raise NotYet(f"{strange[0]} has {given[strange[0]]!r}: give one of the letters {', '.join(letters)}")
    for wrong, says in mixed_up:
        if all(given[name] == letter for name, letter in wrong.items()):
            raise NotYet(says)
    if off := [name for name in right if given[name] != right[name]]:
        raise NotYet(f"{len(off)} of the {len(right)} have another letter, {off[0]} among them")
