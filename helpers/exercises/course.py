"""What a lesson's exercises and predictions are made of, and where those of a lesson are found."""

from __future__ import annotations

import importlib
import importlib.util
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import ModuleType
from typing import Any

TITLES = {
    "00": "Start here",
    "01": "Tokenization",
    "02": "Embedding lookup",
    "03": "Network",
    "04": "Training",
    "05": "Sampling",
    "06": "Streaming generation",
    "07": "Transformer",
    "08": "Inside",
    "09": "Real models",
    "10": "The TensorFlow twin",
}
PRIMER = "primer"  # no lesson: it has predictions, and nothing to solve
MINUTES = {"recall": 4, "by hand": 6, "code": 10, "break": 8, "transfer": 10}  # a kind of exercise, and what it takes


def exercises_in(lesson: str) -> int:
    """How many exercises a lesson has: three in 00, six in the others."""
    return 3 if lesson == "00" else 6


@dataclass(frozen=True)
class Exercise:
    """One exercise: what kind, which of the lesson's goals it tests, and who judges an answer.

    judge(answer) returns when the answer is right, and raises NotYet, which says what is wrong about this answer.
    why: a sentence that follows "Yes.". seconds: how long learner's code may run.
    """

    kind: str
    goals: tuple[int, ...]
    judge: Callable[[Any], None]
    why: str = ""
    seconds: float = 10.0


@dataclass(frozen=True)
class Pick:
    """A prediction among two to four options: what is said to each, and which one is right.

    To a wrong option is said why it tempts.
    """

    question: str
    options: Mapping[str, str]
    right: str


@dataclass(frozen=True)
class Estimate:
    """A prediction of a number: within `within` of `truth` is right; `low` and `high` say why less or more tempts."""

    question: str
    truth: float
    within: float
    yes: str
    low: str
    high: str


def lesson_of(name: str) -> ModuleType | None:
    """The module that "01.3" or "primer.2" belongs to; None where there is none."""
    lesson = str(name).split(".")[0]
    module = f"helpers.exercises.{lesson if lesson == PRIMER else f'lesson_{lesson}'}"
    return importlib.import_module(module) if lesson in {*TITLES, PRIMER} and importlib.util.find_spec(module) else None


def exercise(name: str) -> Exercise | None:
    """The exercise of that name; None where there is none."""
    return getattr(lesson_of(name), "EXERCISES", {}).get(name)


def prediction(name: str) -> Pick | Estimate:
    """The prediction of that name; ValueError names those that there are."""
    found = getattr(lesson_of(name), "PREDICTIONS", {})
    if name not in found:
        raise ValueError(f"there is no prediction {name!r}: give one of {', '.join(found) or 'a lesson, such as 01.1'}")
    return found[name]
