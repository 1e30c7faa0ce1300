"""The checks of arguments that all modules share: each error is one sentence with the value, the range and a remedy.

What is checked is typed Any: a check is where a value of any kind may arrive.
"""

from __future__ import annotations

import math
import operator
import os
from collections.abc import Callable, Iterable, Mapping
from numbers import Integral
from pathlib import Path
from typing import Any

import numpy as np


def is_whole(value: object) -> bool:
    """Is this an int or a NumPy integer? True and False are not numbers here."""
    if type(value) is int:  # nearly always, and ten times cheaper than to ask an abstract class
        return True
    return isinstance(value, Integral) and not isinstance(value, bool)


def is_number(value: object) -> bool:
    """Is this a real number that a float can hold, NaN and infinity included? True and False are not numbers here."""
    if isinstance(value, bool) or not isinstance(value, int | float | np.integer | np.floating):
        return False
    try:
        return float(value) is not None
    except OverflowError:  # an int of more than 308 digits
        return False


def whole_number(name: str, value: Any, lowest: int = 0, highest: int | None = None, remedy: str = "") -> int:
    """`value` as an int from `lowest` to `highest`, ends included; ValueError names it, its value and the range."""
    if is_whole(value) and lowest <= value and (highest is None or value <= highest):
        return int(value)
    end = "up" if highest is None else f"to {highest:,}"
    raise ValueError(f"{name} is {shown(value)}: give a whole number from {lowest} {end}{remedy}")


def number_above_0(name: str, value: Any, example: str = "") -> float:
    """`value` as a finite float above 0; ValueError names it and its value."""
    if is_number(value) and 0 < value < math.inf:
        return float(value)
    raise ValueError(f"{name} is {shown(value)}: give a number above 0{example}")


def number(name: str, value: Any) -> float:
    """`value` as a float, NaN and infinity included; TypeError names it and its value."""
    if not is_number(value):
        raise TypeError(f"{name} is {shown(value)}: give a number")
    return float(value)


def true_or_false(name: str, value: object) -> bool:
    """`value` as a bool; ValueError for anything that is not True or False itself."""
    if not isinstance(value, bool | np.bool_):
        raise ValueError(f"{name} is {shown(value)}: give True or False")
    return bool(value)


def token_id(value: Any, vocab_size: int, what: str = "the rows of the embedding table", name: str = "id") -> int:
    """`value` as an id from 0 to V - 1; TypeError if it is not a whole number, ValueError if it is out of range."""
    if not is_whole(value):
        value = _whole_scalar(
            value, f"{name} {shown(value)} is not a whole number: give one from 0 to {vocab_size - 1}"
        )
    if not 0 <= value < vocab_size:
        raise ValueError(f"{name} {value} is outside 0 … {vocab_size - 1}, {what}")
    return int(value)


def _whole_scalar(value: Any, sentence: str) -> int:
    """The whole number in a tensor or array that holds no other; TypeError with the sentence for anything else."""
    try:
        if isinstance(value, bool | np.bool_ | str) or "bool" in str(getattr(value, "dtype", "")):
            raise TypeError
        return operator.index(value)
    except TypeError:
        raise TypeError(sentence) from None


def token_ids(ids: Iterable[object], vocab_size: int) -> list[int]:
    """At least one id, each from 0 to V - 1, as a list; TypeError or ValueError says which one is wrong."""
    given = listed("ids", ids)
    if not given:
        raise ValueError("ids is empty: give at least one token, such as bos")
    return [token_id(each, vocab_size) for each in given]


def rewind_length(length: Any, read: int) -> int:
    """A number of tokens from 0 to `read` to go back to; ValueError says how many the state has read."""
    if not is_whole(length) or not 0 <= length <= read:
        raise ValueError(f"cannot rewind to {shown(length)} tokens: the state has read {read}")
    return int(length)


def path_of(name: str, value: object) -> Path:
    """`value` as a Path; TypeError or ValueError for anything that cannot name a file."""
    if not isinstance(value, str | os.PathLike):
        raise TypeError(f"{name} is {shown(value)}: give a path, such as 'my_model'")
    text = os.fspath(value)
    try:
        if isinstance(text, str) and text:
            os.stat(text)
            return Path(text)
    except (FileNotFoundError, NotADirectoryError, PermissionError):
        return Path(text)
    except (OSError, ValueError):  # a name that is too long, or that holds a zero byte or half a character
        pass
    raise ValueError(f"{name} is {shown(value)}: give a path, such as 'my_model'")


def text_of(name: str, value: object) -> str:
    """`value` as a str that UTF-8 can hold; TypeError or ValueError says what is wrong with it."""
    if not isinstance(value, str):
        raise TypeError(f"{name} is a str, not {type(value).__name__}: {shown(value)}")
    try:
        value.encode("utf-8")
    except UnicodeEncodeError as error:
        half = value[error.start]
        raise ValueError(
            f"character {error.start} is a lone surrogate ({half!r}), half of a character that UTF-8 cannot hold: "
            "remove it, or read the text with errors='replace'"
        ) from None
    return value


def texts_of(texts: object) -> list[str]:
    """Texts as a list; TypeError for one str, whose letters would pass for texts, ValueError if there are none."""
    if isinstance(texts, str):
        raise TypeError("texts is one str: give a list of texts, such as [text]")
    found = [text_of("a text", text) for text in listed("texts", texts)]
    if not found:
        raise ValueError("texts is empty: give one text or more")
    return found


def finite(name: str, values: np.ndarray, remedy: str) -> np.ndarray:
    """The array itself; ValueError if it holds NaN or infinity. A sum tells in one pass and without a copy."""
    if not math.isfinite(float(np.add.reduce(values, axis=None, dtype=np.float64))) and not np.isfinite(values).all():
        found = "NaN" if np.isnan(values).any() else "infinity"
        raise ValueError(f"{name} holds {found}: {remedy}")
    return values


def real_numbers(name: str, values: object, example: str, dimensions: int = 1) -> np.ndarray:
    """Real numbers as an array of any numeric type, no side of it 0; TypeError or ValueError says what was given."""
    try:
        array = np.asarray(values)
        kind = array.dtype.kind
    except Exception as error:  # a torch tensor in bfloat16, a ragged list: each library has its own kind
        raise TypeError(f"{name} cannot be read as numbers ({type(error).__name__}): {example}") from None
    if kind not in "fiu":
        raise TypeError(f"{name} holds {array.dtype} values: {example}")
    if array.ndim != dimensions or array.size == 0:
        raise ValueError(f"{name} has the shape {array.shape}: {example}")
    return array


def float64_vector(name: str, values: object, example: str) -> np.ndarray:
    """Real numbers as one row (V,) in float64, V at least 1; TypeError or ValueError says what was given instead."""
    return real_numbers(name, values, example).astype(np.float64, copy=False)


def finite_matrix(
    name: str, values: object, example: str = "give vectors (N, D), such as model.embed(ids)"
) -> np.ndarray:
    """Finite numbers as rows (N, D) in float64, N and D at least 1; TypeError or ValueError says what was given."""
    return finite(name, real_numbers(name, values, example, 2).astype(np.float64, copy=False), example)


def of_kind(name: str, value: object, kind: type, example: str = "") -> None:
    """TypeError unless `value` is an instance of `kind`."""
    if not isinstance(value, kind):
        article = "an" if kind.__name__[0] in "AEIOU" else "a"
        raise TypeError(f"{name} is {shown(value)}: give {article} {kind.__name__}{example}")


def function_of(name: str, value: Any, example: str) -> Callable:
    """`value` itself; TypeError if it cannot be called."""
    if not callable(value):
        raise TypeError(f"{name} is {shown(value)}: give a function, such as {example}")
    return value


def mapping_of(name: str, value: Any, example: str, empty: bool = False) -> dict:
    """`value` as a dict; TypeError for anything else, ValueError for an empty one unless `empty` allows it."""
    if not isinstance(value, Mapping):
        raise TypeError(f"{name} is {shown(value)}: give a dict, such as {example}")
    if not value and not empty:
        raise ValueError(f"{name} is empty: give at least one, such as {example}")
    return dict(value)


def language_model(model: object) -> None:
    """TypeError unless this has what protocols.LanguageModel asks for."""
    if not all(hasattr(model, name) for name in ("advance", "embed", "rewind", "vocab_size")):
        raise TypeError(f"model is {shown(model)}: give a language model, such as load_shipped()[0]")


def tokenizer_with(method: str, tokenizer: object) -> None:
    """TypeError unless this has the method that is needed of protocols.TokenizerProtocol, and a size."""
    if not hasattr(tokenizer, method) or not hasattr(tokenizer, "vocab_size"):
        raise TypeError(f"tokenizer is {shown(tokenizer)}: give a tokenizer, such as load_shipped()[1]")


def shown(value: object) -> str:
    """A value as a sentence names it: its repr in one line, cut where it is long."""
    try:
        text = " ".join(repr(value)[:1000].split("\n"))
    except ValueError:  # Python writes no whole number of more than 4,300 digits
        text = f"a {type(value).__name__} too long to be shown"
    return text if len(text) <= 60 else text[:59] + "…"


def listed(name: str, values: object) -> list[Any]:
    """`values` as a list; TypeError for what has no parts, and for a str."""
    if isinstance(values, str | bytes) or not isinstance(values, Iterable):
        raise TypeError(f"{name} is {shown(values)}: give a list")
    return list(values)
