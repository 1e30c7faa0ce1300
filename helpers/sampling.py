"""From logits to one id: temperature, top-k, top-p, min-p, then a draw. NumPy float64, nothing changed in place.

`SamplingSettings` is the table of filters: each of its fields brings the function that applies it, its range, the value
that means "off", and the name under which sliders and plots show it. A new filter is one entry there.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, field, fields, replace
from typing import Any

import numpy as np

from helpers.checks import float64_vector, is_number, is_whole, of_kind, shown, whole_number

ROUNDING = 1e-12  # a tolerance: 0.1 added eight times must count as 0.8


# ------------------------------------------------------------------------------------------------------- the filters


def apply_temperature(logits: np.ndarray, temperature: float) -> np.ndarray:
    """softmax(logits / temperature), (V,); at temperature 0 everything goes to the largest logit (ties: lowest id)."""
    return _temperature(_checked_logits(logits), FILTERS["temperature"].checked(temperature))


def keep_top_k(probabilities: np.ndarray, top_k: int) -> np.ndarray:
    """The k largest probabilities (ties: lower ids first), renormalised, the rest 0; 0 or k >= V changes nothing."""
    return _top_k(_checked_probabilities(probabilities), FILTERS["top_k"].checked(top_k))


def keep_top_p(probabilities: np.ndarray, top_p: float) -> np.ndarray:
    """The fewest probabilities whose sum reaches p (ties: lower ids first), renormalised, the rest 0; 1 keeps all."""
    return _top_p(_checked_probabilities(probabilities), FILTERS["top_p"].checked(top_p))


def keep_min_p(probabilities: np.ndarray, min_p: float) -> np.ndarray:
    """The probabilities of at least min_p times the largest one, renormalised, the rest 0; 0 changes nothing."""
    return _min_p(_checked_probabilities(probabilities), FILTERS["min_p"].checked(min_p))


def _temperature(logits: np.ndarray, temperature: float) -> np.ndarray:
    if temperature == 0:
        return _one_hot(int(logits.argmax()), len(logits))
    with np.errstate(over="ignore"):  # a tiny temperature may push a difference to -inf: probability 0, as it should be
        weights = np.exp((logits - logits.max()) / temperature)
    return weights / weights.sum()


def _top_k(probabilities: np.ndarray, top_k: int) -> np.ndarray:
    if top_k == 0 or top_k >= len(probabilities):
        return probabilities
    return _only(probabilities, _largest(probabilities, top_k))


def _top_p(probabilities: np.ndarray, top_p: float) -> np.ndarray:
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


def _min_p(probabilities: np.ndarray, min_p: float) -> np.ndarray:
    if min_p == 0:
        return probabilities
    return _only(probabilities, np.flatnonzero(probabilities >= min_p * probabilities.max()))


# ---------------------------------------------------------------------------------------------- the table of filters


@dataclass(frozen=True)
class Filter:
    """One way to reshape the next-token distribution: its function, its range and how it is shown.

    apply: (values (V,), setting) -> probabilities (V,); the first filter takes logits, the others probabilities. It
    trusts its arguments. off: the setting that changes nothing. accepts, allowed: which settings can be, as a test and
    in words. whole: settings are whole numbers. slider: lowest, highest and step. label, short: its name at a slider,
    and beside a mark in a plot.
    """

    apply: Callable[[np.ndarray, Any], np.ndarray]
    off: float
    accepts: Callable[[Any], bool]
    allowed: str
    example: float
    slider: tuple[float, float, float]
    label: str
    short: str
    whole: bool = False
    name: str = ""  # of the field in SamplingSettings, filled in from there

    def checked(self, value: Any) -> Any:
        """The setting itself; ValueError names it, its value, the range and an example."""
        kind = is_whole if self.whole else is_number
        if kind(value) and self.accepts(value):
            return value
        raise ValueError(
            f"{self.name} is {shown(value)}: it must be {self.allowed}, for example {self.name}={self.example}"
        )


def _filtered_by(entry: Filter) -> Any:
    """A field of SamplingSettings with its filter; it is off by default."""
    return field(default=entry.off, metadata={"filter": entry})


@dataclass(frozen=True)
class SamplingSettings:
    """How the next token is chosen: one field for each filter, applied in this order, each on what the one before left.

    temperature: 0 and up; 0 is greedy (always the likeliest), 1 leaves the model's probabilities as they are.
    top_k: keep the k likeliest ids; 0 keeps all.
    top_p: keep the fewest ids that together reach this probability, above 0 and up to 1; 1 keeps all
    (nucleus sampling: Holtzman et al. 2020, "The Curious Case of Neural Text Degeneration").
    min_p: keep the ids that have at least this share of the largest probability, 0 to 1; 0 keeps all
    (Nguyen et al. 2024, "Turning Up the Heat: Min-p Sampling").
    """

    temperature: float = _filtered_by(
        Filter(
            _temperature,
            off=1.0,
            accepts=lambda value: 0 <= value < math.inf,
            allowed="a number from 0 up, finite (0 = greedy)",
            example=1.0,
            slider=(0.0, 2.0, 0.05),
            label="temperature",
            short="T",
        )
    )
    top_k: int = _filtered_by(
        Filter(
            _top_k,
            off=0,
            accepts=lambda value: value >= 0,
            allowed="a whole number from 0 up (0 = off)",
            example=40,
            slider=(0, 200, 1),
            label="top-k",
            short="top-k",
            whole=True,
        )
    )
    top_p: float = _filtered_by(
        Filter(
            _top_p,
            off=1.0,
            accepts=lambda value: 0 < value <= 1,
            allowed="a number above 0 and up to 1 (1 = off)",
            example=0.9,
            slider=(0.05, 1.0, 0.05),
            label="top-p",
            short="top-p",
        )
    )
    min_p: float = _filtered_by(
        Filter(
            _min_p,
            off=0.0,
            accepts=lambda value: 0 <= value <= 1,
            allowed="a number from 0 to 1 (0 = off)",
            example=0.1,
            slider=(0.0, 1.0, 0.05),
            label="min-p",
            short="min-p",
        )
    )

    def __post_init__(self) -> None:
        for name, entry in FILTERS.items():
            entry.checked(getattr(self, name))


FILTERS: dict[str, Filter] = {
    each.name: replace(each.metadata["filter"], name=each.name) for each in fields(SamplingSettings)
}


def changed(before: SamplingSettings, after: SamplingSettings) -> list[str]:
    """What differs between two settings, a few words for each filter, such as "T 0.8→1.2"."""
    values = ((entry.short, getattr(before, name), getattr(after, name)) for name, entry in FILTERS.items())
    return [f"{short} {old:g}→{new:g}" for short, old, new in values if old != new]


# ------------------------------------------------------------------------------------------------ from logits to one id


def next_token_probabilities(logits: np.ndarray, settings: SamplingSettings) -> np.ndarray:
    """logits (V,) -> probabilities (V,) that sum to 1: every filter of the settings, in their order.

    Each step works on what the one before left, renormalised. A logit of -inf means "never". At temperature 0 one id
    is left, and no other filter has anything to do.
    """
    check_settings(settings)
    values = _checked_logits(logits)
    for name, entry in FILTERS.items():
        values = entry.apply(values, getattr(settings, name))
    return values


def check_settings(settings: object) -> None:
    """TypeError for anything but SamplingSettings."""
    of_kind("settings", settings, SamplingSettings, ", such as SamplingSettings(temperature=0.8)")


def draw(probabilities: np.ndarray, rng: np.random.Generator) -> int:
    """One id, each as often as its probability says: where a uniform number falls in the running sum."""
    if not callable(getattr(rng, "random", None)):
        raise TypeError(f"rng is {shown(rng)}: give a NumPy generator, such as np.random.default_rng(0)")
    values = _probabilities_row(probabilities)
    running_sum = values.cumsum()
    _check_mass(running_sum[-1], values.min())
    chosen = int(np.searchsorted(running_sum, rng.random() * running_sum[-1], side="right"))
    if chosen == len(running_sum):  # the product was rounded up to the sum itself
        chosen = int(np.flatnonzero(probabilities)[-1])
    return chosen


def largest_ids(probabilities: np.ndarray, count: int) -> list[int]:
    """The ids of the `count` largest probabilities, largest first (ties: lower ids first); all if there are fewer."""
    count = whole_number("count", count, remedy=", for example count=8")
    values = _probabilities_row(probabilities)
    if count == 0:
        return []
    ids = _largest_first(values, count)
    if not len(ids) or not math.isfinite(values[ids[0]] + values[ids[-1]]):  # NaN counts as the largest of all
        raise ValueError("probabilities hold NaN or infinity: check the logits that they were computed from")
    return ids.tolist()


def entropy(probabilities: np.ndarray) -> float:
    """Shannon's entropy in bits: 0 when one id is certain, log2 V when all are alike."""
    probabilities = _checked_probabilities(probabilities)
    positive = probabilities[probabilities > 0] / probabilities.sum()
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
    logits = float64_vector("logits", logits, "give one row of numbers (V,), such as logits[0, -1]")
    highest = logits.max()  # NaN if any is NaN
    if not math.isfinite(highest):
        found = "NaN" if np.isnan(highest) else "+inf" if highest > 0 else "only -inf"
        raise ValueError(f"logits hold {found}: they must be numbers, -inf for ids that are never to be chosen")
    return logits


def _checked_probabilities(probabilities: np.ndarray) -> np.ndarray:
    values = _probabilities_row(probabilities)
    _check_mass(values.sum(), values.min())
    return values


def _probabilities_row(probabilities: np.ndarray) -> np.ndarray:
    return float64_vector("probabilities", probabilities, "give one row of numbers (V,), such as softmax(logits)")


def _check_mass(total: float, lowest: float) -> None:
    if lowest >= 0 and 0 < total < math.inf:
        return
    found = "NaN" if math.isnan(total) else f"{lowest:g}" if lowest < 0 else f"a sum of {total:g}"
    raise ValueError(f"probabilities hold {found}: each must be from 0 up, and their sum above 0, such as [0.7, 0.3]")
