"""Answers of any kind, read with care: each function gives plain values, or raises NotYet and says what is wrong."""

from __future__ import annotations

import copy
import itertools
import math
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any

import numpy as np

from helpers import checks
from helpers.exercises.limits import OutOfTime

MOST = 100_000  # values that are taken from a generator


class NotYet(Exception):
    """An answer is not right yet; the message says what is wrong about it."""


def run(function: Any, *arguments: Any) -> Any:
    """What a learner's function gives back for fresh copies of `arguments`; a generator's values as a list."""
    if not callable(function):
        raise NotYet(f"give the name of your function, without brackets after it; you gave {checks.shown(function)}")
    given = ", ".join(checks.shown(argument) for argument in arguments)
    try:
        result = function(*copy.deepcopy(arguments))
        if isinstance(result, Iterator):
            result = list(itertools.islice(result, MOST))
    except (OutOfTime, KeyboardInterrupt):
        raise
    except BaseException as error:  # exit() in a cell is none of Exception
        raise NotYet(f"{_place(function, error)} raised {_named(error)}. It was called with ({given}).") from None
    if result is None:
        raise NotYet(f"your function gives back None, as one without `return` does. It was called with ({given}).")
    return filled_in(result)


def _place(function: Any, error: BaseException) -> str:
    """Where in the learner's own code an error arose."""
    own, line, trace = getattr(getattr(function, "__code__", None), "co_filename", None), 0, error.__traceback__
    while trace:
        line = trace.tb_lineno if trace.tb_frame.f_code.co_filename == own else line
        trace = trace.tb_next
    return f"line {line} of your cell" if line else "your function"


def _named(error: BaseException) -> str:
    try:
        message = checks.shown(str(error))[1:-1]
    except Exception:  # an error of the learner's own class that cannot be written
        message = ""
    return f"{type(error).__name__}: {message}" if message else type(error).__name__


def filled_in(answer: Any) -> Any:
    """The answer, once no `...` of the stub is left in it."""
    if _has_dots(answer):
        raise NotYet("put your answer in the place of the three dots")
    if answer is None:
        raise NotYet("the answer is None: there is nothing in it yet")
    return answer


def _has_dots(answer: Any, depth: int = 2) -> bool:
    """Is `...` the answer, or in it, or in what is in it?"""
    parts = answer.values() if isinstance(answer, dict) else answer if isinstance(answer, list | tuple | set) else ()
    return answer is ... or (depth > 0 and any(_has_dots(part, depth - 1) for part in parts))


def written(values: np.ndarray) -> str:
    """A few numbers as a sentence names them: (0.029, −0.118)."""
    return "(" + ", ".join(f"{round(float(value), 3) + 0.0:.3f}".replace("-", "−") for value in values) + ")"


def number(answer: Any) -> float:
    """A finite float. An array with a single number in it will do."""
    value = answer.item() if isinstance(answer, np.ndarray) and answer.size == 1 else answer
    if not checks.is_number(value):
        raise NotYet(f"a number is wanted, and this is {_kind(answer)}: {checks.shown(answer)}")
    if not math.isfinite(value):
        raise NotYet(f"a number is wanted that is not {float(value)}")
    return float(value)


def numbers(answer: Any, shape: tuple[int, ...], wanted: str = "numbers") -> np.ndarray:
    """A float64 array of this shape, each number finite; lists and tensors will do."""
    plain = answer.detach().cpu() if hasattr(answer, "detach") else answer
    try:
        array = np.asarray(plain, dtype=np.float64)
    except (TypeError, ValueError, RuntimeError):
        raise NotYet(f"{wanted} are wanted, and this is {_kind(answer)}: {checks.shown(answer)}") from None
    if array.shape != shape:
        raise NotYet(f"the shape should be {shape}, and yours is {array.shape}")
    if not np.isfinite(array).all():
        raise NotYet(f"{np.count_nonzero(~np.isfinite(array))} of your {array.size} numbers are NaN or infinite")
    return array


def items(answer: Any, kind: type, wanted: str) -> list[Any]:
    """A list whose items are all of `kind`; `wanted` names it, such as "a list of ids"."""
    if isinstance(answer, np.ndarray):
        answer = answer.tolist()
    if isinstance(answer, str | bytes | Mapping) or not isinstance(answer, Iterable):
        raise NotYet(f"{wanted} is wanted, and this is {_kind(answer)}: {checks.shown(answer)}")
    found = list(itertools.islice(answer, MOST))
    fits = checks.is_whole if kind is int else lambda item: isinstance(item, kind)
    for item in found:
        if not fits(item):
            raise NotYet(f"{wanted} is wanted, and one item of yours is {_kind(item)}: {checks.shown(item)}")
    return found


def text(answer: Any) -> str:
    """A text that is not blank."""
    if not isinstance(answer, str):
        raise NotYet(f"a text in quotes is wanted, and this is {_kind(answer)}: {checks.shown(answer)}")
    if not answer.strip():
        raise NotYet("the text is empty")
    return str(answer)


def pair(answer: Any, wanted: str) -> tuple[Any, Any]:
    """Two values; `wanted` names them, such as "a text and a letter"."""
    if not isinstance(answer, tuple | list) or len(answer) != 2:
        raise NotYet(f"{wanted} are wanted, with a comma between them; this is {checks.shown(answer)}")
    return answer[0], answer[1]


def letter(answer: Any, wrong: Mapping[str, str], right: str) -> None:
    """One letter, and it is `right`; `wrong` says of each other letter what it misses."""
    letters = sorted({*wrong, right})
    found = answer.strip().lower() if isinstance(answer, str) else answer
    if not isinstance(found, str) or found not in letters:
        raise NotYet(f"one of the letters {', '.join(letters)} is wanted, in quotes; this is {checks.shown(answer)}")
    if found != right:
        raise NotYet(wrong[found])


def matched(answer: Any, wanted: Mapping[str, str], mixed_up: Mapping[tuple[str, str], str]) -> None:
    """A dictionary that gives each name its letter; mixed_up says what is wrong about a name with a known wrong one."""
    if not isinstance(answer, Mapping):
        raise NotYet(f"a dictionary is wanted, as in the stub, and this is {checks.shown(answer)}")
    if missing := [name for name in wanted if name not in answer]:
        raise NotYet(f"{missing[0]} is missing")
    given = {name: str(answer[name]).strip().lower() for name in wanted}
    for name, letter in given.items():
        if letter not in wanted.values():
            raise NotYet(f"{name} has {letter!r}: give one of the letters {', '.join(sorted(wanted.values()))}")
    for name, letter in given.items():
        if (name, letter) in mixed_up:
            raise NotYet(mixed_up[name, letter])
    wrong = [name for name in wanted if given[name] != wanted[name]]
    if wrong:
        raise NotYet(f"{len(wanted) - len(wrong)} of {len(wanted)} are right; {wrong[0]} is not among them")


def true_ones(answer: Any, true: Mapping[str, str], false: Mapping[str, str]) -> None:
    """A set of letters, and they are those of the true sentences.

    true, false: letter → what is said where it is missing, or where it is in the answer.
    """
    letters = sorted({*true, *false})
    found = {part for item in items(answer, str, "a set of letters") for part in item.lower() if part.isalpha()}
    if strange := sorted(found - set(letters)):
        raise NotYet(f"there is no sentence {strange[0]!r}: the letters are {', '.join(letters)}")
    for each in letters:
        if each in found and each in false:
            raise NotYet(f"look at {each} again. {false[each]}")
        if each not in found and each in true:
            raise NotYet(f"one more is true. {true[each]}")


def jobs(answer: Any, names: Iterable[str], letters: str) -> dict[str, str]:
    """A dictionary that gives each of the names one of the letters, each letter small and without blanks."""
    if not isinstance(answer, dict):
        raise NotYet("a dictionary is wanted, as in the stub: each of the names with a letter")
    if missing := [name for name in names if name not in answer]:
        raise NotYet(f"{missing[0]} is missing")
    given = {name: str(answer[name]).strip().lower() for name in names}
    for name, found in given.items():
        if found not in list(letters):
            raise NotYet(f"{name} has {found!r}: give one of the letters {', '.join(letters)}")
    return given


def same(answer: Any, wanted: Any, known: Sequence[tuple[Any, str]], otherwise: str) -> None:
    """The answer equals `wanted`; where it equals a known wrong one, what is said is what belongs to that."""
    if answer == wanted:
        return
    for wrong, says in known:
        if answer == wrong:
            raise NotYet(says)
    raise NotYet(otherwise)


def close(answer: float, wanted: float, known: Sequence[tuple[float, str]], otherwise: str, within: float = 0) -> None:
    """The same for numbers: within `within`, or within rounding."""
    near: Callable[[float, float], bool] = lambda a, b: math.isclose(a, b, rel_tol=1e-6, abs_tol=within or 1e-9)  # noqa: E731
    if near(answer, wanted):
        return
    for wrong, says in known:
        if near(answer, wrong):
            raise NotYet(says)
    raise NotYet(otherwise)


def _kind(value: Any) -> str:
    return {"NoneType": "None", "str": "a text"}.get(type(value).__name__, f"of type {type(value).__name__}")
