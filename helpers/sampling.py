"""From logits to one id: temperature, then top-k, then top-p, then a draw. NumPy float64, nothing changed in place."""

from __future__ import annotations

import math
from dataclasses import dataclass
from numbers import Real

import numpy as np

ROUNDING = 1e-12  # eight times a tenth is a little less than .8, and has reached it all the same


@dataclass(frozen=True)
class SamplingSettings:
    """How the next token is chosen.

    temperature: 0 and up; 0 is greedy (always the likeliest), 1 leaves the model's probabilities as they are.
    top_k: keep the k likeliest ids; 0 keeps all.
    top_p: keep the fewest ids that together reach this probability, above 0 and up to 1; 1 keeps all
    (nucleus sampling: Holtzman et al. 2020, "The Curious Case of Neural Text Degeneration").
    """

    temperature: float = 1.0
    top_k: int = 0
    top_p: float = 1.0

    def __post_init__(self) -> None:
        _check_temperature(self.temperature)
        _check_top_k(self.top_k)
        _check_top_p(self.top_p)


def next_token_probabilities(logits: np.ndarray, settings: SamplingSettings) -> np.ndarray:
    """logits (V,) -> probabilities (V,) that sum to 1: temperature, top-k and top-p, in that order.

    Each step works on what the one before left, renormalised. A logit of -inf means "never".
    """
    if not isinstance(settings, SamplingSettings):
        raise TypeError(f"settings is {settings!r}: give a SamplingSettings, such as SamplingSettings(temperature=0.8)")
    probabilities = apply_temperature(logits, settings.temperature)
    if settings.temperature > 0:
        probabilities = keep_top_k(probabilities, settings.top_k)
        probabilities = keep_top_p(probabilities, settings.top_p)
    return probabilities


def apply_temperature(logits: np.ndarray, temperature: float) -> np.ndarray:
    """softmax(logits / temperature), (V,); at temperature 0 everything goes to the largest logit (ties: lowest id)."""
    _check_temperature(temperature)
    logits = _checked_logits(logits)
    if temperature == 0:
        return _one_hot(int(logits.argmax()), len(logits))
    with np.errstate(over="ignore"):  # a tiny temperature may push a difference to -inf: probability 0, as it should be
        weights = np.exp((logits - logits.max()) / temperature)
    return weights / weights.sum()


def keep_top_k(probabilities: np.ndarray, top_k: int) -> np.ndarray:
    """The k largest probabilities (ties: lower ids first), renormalised, the rest 0; 0 or k >= V changes nothing."""
    _check_top_k(top_k)
    if top_k == 0 or top_k >= len(probabilities):
        return probabilities
    return _only(probabilities, _largest(probabilities, top_k))


def keep_top_p(probabilities: np.ndarray, top_p: float) -> np.ndarray:
    """The fewest probabilities whose sum reaches p (ties: lower ids first), renormalised, the rest 0; 1 keeps all."""
    _check_top_p(top_p)
    if top_p == 1:
        return probabilities
    size = 64  # sorting a head that grows is cheaper than sorting a large vocabulary
    while True:
        head = _largest_first(probabilities, size)
        mass = probabilities[head].cumsum()
        if mass[-1] >= top_p or len(head) == len(probabilities):
            break
        size *= 8
    count = int(np.searchsorted(mass, top_p - ROUNDING)) + 1
    kept = head[:count]
    return _only(probabilities, kept[probabilities[kept] > 0])


def draw(probabilities: np.ndarray, rng: np.random.Generator) -> int:
    """One id, each as often as its probability says: where a uniform number falls in the running sum."""
    running_sum = probabilities.cumsum()
    chosen = int(np.searchsorted(running_sum, rng.random() * running_sum[-1], side="right"))
    if chosen == len(probabilities):  # the product was rounded up to the sum itself
        chosen = int(np.flatnonzero(probabilities)[-1])
    return chosen


def largest_ids(probabilities: np.ndarray, count: int) -> list[int]:
    """The ids of the `count` largest probabilities, largest first (ties: lower ids first); all if there are fewer."""
    if not _is_whole_from_0(count):
        raise ValueError(_out_of_range("count", count, "a whole number from 0 up", "8"))
    return _largest_first(probabilities, count).tolist() if count else []


def entropy(probabilities: np.ndarray) -> float:
    """Shannon's entropy in bits: 0 when one id is certain, log2 V when all are alike."""
    positive = probabilities[probabilities > 0]
    return float(abs(-(positive * np.log2(positive)).sum()))


def _largest_first(values: np.ndarray, count: int) -> np.ndarray:
    ids = _largest(values, count)
    return ids[np.lexsort((ids, -values[ids]))]


def _largest(values: np.ndarray, count: int) -> np.ndarray:
    """Ids of exactly `count` largest values, ties going to lower ids, in no order."""
    if count >= len(values):
        return np.arange(len(values))
    largest = np.argpartition(values, -count)[-count:]
    threshold = values[largest].min()
    if np.count_nonzero(values >= threshold) == count:
        return largest
    above, ties = np.flatnonzero(values > threshold), np.flatnonzero(values == threshold)
    return np.concatenate([above, ties[: count - len(above)]])


def _only(probabilities: np.ndarray, ids: np.ndarray) -> np.ndarray:
    kept = np.zeros_like(probabilities)
    kept[ids] = probabilities[ids]
    return kept / kept.sum()


def _one_hot(position: int, size: int) -> np.ndarray:
    vector = np.zeros(size)
    vector[position] = 1.0
    return vector


def _checked_logits(logits: np.ndarray) -> np.ndarray:
    logits = np.asarray(logits, dtype=np.float64)
    if logits.ndim != 1 or len(logits) == 0:
        raise ValueError(f"logits have the shape {logits.shape}: give one row (V,), such as logits[0, -1]")
    highest = logits.max()  # NaN if any is NaN
    if not np.isfinite(highest):
        found = "NaN" if np.isnan(highest) else "+inf" if highest > 0 else "only -inf"
        raise ValueError(f"logits hold {found}: they must be numbers, -inf for ids that are never to be chosen")
    return logits


def _check_temperature(value: object) -> None:
    if not _is_number(value) or not 0 <= value < math.inf:
        raise ValueError(_out_of_range("temperature", value, "a number from 0 up, finite (0 = greedy)", "1.0"))


def _check_top_k(value: object) -> None:
    if not _is_whole_from_0(value):
        raise ValueError(_out_of_range("top_k", value, "a whole number from 0 up (0 = off)", "40"))


def _check_top_p(value: object) -> None:
    if not _is_number(value) or not 0 < value <= 1:
        raise ValueError(_out_of_range("top_p", value, "a number above 0 and up to 1 (1 = off)", "0.9"))


def _is_whole_from_0(value: object) -> bool:
    return isinstance(value, int | np.integer) and not isinstance(value, bool) and value >= 0


def _is_number(value: object) -> bool:
    return isinstance(value, Real) and not isinstance(value, bool)


def _out_of_range(name: str, value: object, allowed: str, example: str) -> str:
    return f"{name} is {value!r}: it must be {allowed}, for example {name}={example}"
