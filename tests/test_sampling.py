from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from helpers.sampling import (
    FILTERS,
    SamplingSettings,
    apply_temperature,
    changed,
    draw,
    entropy,
    keep_min_p,
    keep_top_k,
    keep_top_p,
    largest_ids,
    next_token_probabilities,
)

# Few distinct values make ties common; -inf stands for suppressed ids.
LOGITS = st.lists(
    st.sampled_from([-math.inf, -30.0, -2.0, -1.0, 0.0, 0.5, 0.5000001, 3.0, 40.0]), min_size=1, max_size=90
)
LOGITS = LOGITS.filter(lambda values: max(values) > -math.inf)
SETTINGS = st.builds(
    SamplingSettings,
    temperature=st.sampled_from([0, 1e-300, 0.2, 0.7, 1, 1.0, 2.0]),
    top_k=st.integers(0, 100),
    top_p=st.sampled_from([1e-9, 0.1, 0.5, 0.9, 0.999999, 1, 1.0]),
    min_p=st.sampled_from([0, 1e-9, 0.11, 0.57, 1]),
)


def restated(logits, settings):
    """The three filters once more, as plainly as possible: sort everything, loop, renormalise after each."""
    if settings.temperature == 0:
        best = max(range(len(logits)), key=lambda i: (logits[i], -i))
        return [1.0 if i == best else 0.0 for i in range(len(logits))]
    top = max(logits)
    kept = {i: math.exp(max(-1e308, (x - top) / settings.temperature)) for i, x in enumerate(logits)}
    kept = scaled(kept)
    order = sorted(kept, key=lambda i: (-kept[i], i))
    if settings.top_k:
        order = order[: settings.top_k]
        kept = scaled({i: kept[i] for i in order})
    if settings.top_p < 1:
        nucleus, mass = [], 0.0
        for i in order:
            nucleus.append(i)
            mass += kept[i]
            if mass >= settings.top_p:
                break
        kept = scaled({i: kept[i] for i in nucleus})
    if settings.min_p:
        largest = max(kept.values())
        kept = scaled({i: value for i, value in kept.items() if value >= settings.min_p * largest})
    return [kept.get(i, 0.0) for i in range(len(logits))]


def scaled(weights):
    total = sum(weights.values())
    return {i: w / total for i, w in weights.items()}


@given(LOGITS, SETTINGS)
def test_equals_a_plain_restatement_of_the_three_filters(logits, settings):
    ours = next_token_probabilities(np.array(logits), settings)
    plain = np.array(restated(logits, settings))
    if np.count_nonzero(ours) == np.count_nonzero(plain):
        np.testing.assert_allclose(ours, plain, atol=1e-12)
    else:  # allowed only where the running sum meets p to the last bits
        before_top_p = next_token_probabilities(np.array(logits), replace(settings, top_p=1))
        running_sum = np.sort(before_top_p)[::-1].cumsum()
        assert np.abs(running_sum - settings.top_p).min() < 1e-12


@given(LOGITS, SETTINGS)
def test_probabilities_sum_to_one_and_suppressed_ids_get_none(logits, settings):
    before = np.array(logits)
    probabilities = next_token_probabilities(before, settings)
    assert probabilities.sum() == pytest.approx(1.0)
    assert (probabilities >= 0).all()
    assert not probabilities[np.isneginf(before)].any()
    np.testing.assert_allclose(before, np.array(logits))  # never in place


@given(LOGITS, st.integers(1, 100))
def test_top_k_keeps_exactly_k(logits, top_k):
    probabilities = apply_temperature(np.array(logits), 1.0)
    kept = keep_top_k(np.full(len(logits), 1 / len(logits)), top_k)
    assert np.count_nonzero(kept) == min(top_k, len(logits))
    assert np.flatnonzero(kept).max() == min(top_k, len(logits)) - 1  # all alike: the lowest ids stay
    assert keep_top_k(probabilities, top_k).argmax() == probabilities.argmax()


@given(LOGITS, st.floats(1e-6, 1.0))
def test_top_p_keeps_the_smallest_set_that_reaches_p(logits, top_p):
    probabilities = apply_temperature(np.array(logits), 1.0)
    kept = keep_top_p(probabilities, top_p) > 0
    assert kept.any()
    mass = probabilities[kept].sum()
    assert mass >= top_p - 1e-9
    if kept.sum() > 1:
        assert mass - probabilities[kept].min() < top_p + 1e-9
    assert probabilities[kept].min() >= (probabilities[~kept].max() if (~kept).any() else 0)


@given(LOGITS, SETTINGS, st.integers(0, 2**32))
def test_draw_never_takes_an_id_of_probability_zero(logits, settings, seed):
    probabilities = next_token_probabilities(np.array(logits), settings)
    assert probabilities[draw(probabilities, np.random.default_rng(seed))] > 0


class AlmostOne:
    """A generator whose uniform number is the largest below 1."""

    def random(self):
        return float(np.nextafter(1.0, 0.0))


def test_draw_stays_inside_at_both_ends_of_the_uniform_number():
    probabilities = np.array([0.0, 0.3, 0.7, 0.0])
    assert draw(probabilities, AlmostOne()) == 2
    low = type("Zero", (), {"random": lambda self: 0.0})()
    assert draw(probabilities, low) == 1


def test_draw_takes_ids_as_often_as_their_probability_says():
    rng = np.random.default_rng(1)
    counts = np.bincount([draw(np.array([0.1, 0.6, 0.3]), rng) for _ in range(20_000)], minlength=3) / 20_000
    np.testing.assert_allclose(counts, [0.1, 0.6, 0.3], atol=0.015)


def test_top_p_works_on_what_top_k_left_renormalised():
    logits = np.log([0.4, 0.2, 0.2, 0.2])
    together = next_token_probabilities(logits, SamplingSettings(top_k=2, top_p=0.6))
    np.testing.assert_allclose(together, [1.0, 0, 0, 0])  # 0.4 of 0.6 is two thirds, which reaches 0.6 alone


def test_large_vocabulary_with_a_flat_nucleus():
    logits = np.random.default_rng(0).normal(size=50_000)
    ours = next_token_probabilities(logits, SamplingSettings(top_p=0.95))
    order = np.argsort(-logits, kind="stable")
    mass = np.cumsum(apply_temperature(logits, 1.0)[order])
    assert np.count_nonzero(ours) == int(np.searchsorted(mass, 0.95)) + 1


def test_largest_ids_are_ordered_and_break_ties_by_id():
    assert largest_ids(np.array([0.1, 0.4, 0.1, 0.4]), 3) == [1, 3, 0]


def test_largest_ids_are_as_many_as_asked_for():
    probabilities = np.array([0.1, 0.4, 0.1, 0.4])
    assert [len(largest_ids(probabilities, count)) for count in (0, 1, 4, 9)] == [0, 1, 4, 4]
    with pytest.raises(ValueError, match="count is -1: give a whole number from 0 up"):
        largest_ids(probabilities, -1)


def test_entropy_of_even_and_certain_distributions():
    assert entropy(np.full(8, 1 / 8)) == pytest.approx(3.0)
    assert entropy(np.array([0.0, 1.0])) == 0.0


@pytest.mark.parametrize(
    ("field", "value", "hint"),
    [
        ("temperature", -1, "from 0 up"),
        ("temperature", "0.5", "a number"),
        ("temperature", math.nan, "from 0 up"),
        ("temperature", math.inf, "finite"),
        ("temperature", None, "a number"),
        ("temperature", True, "a number"),
        ("top_k", -1, "from 0 up"),
        ("top_k", 2.5, "whole number"),
        ("top_k", "3", "whole number"),
        ("min_p", -0.1, "from 0 to 1"),
        ("min_p", 1.5, "from 0 to 1"),
        ("min_p", math.nan, "from 0 to 1"),
        ("top_p", 0, "above 0"),
        ("top_p", 1.5, "up to 1"),
        ("top_p", math.nan, "above 0"),
        ("top_p", "0.9", "a number"),
    ],
)
def test_bad_settings_name_field_value_range_and_remedy(field, value, hint):
    with pytest.raises(ValueError, match=field) as caught:
        SamplingSettings(**{field: value})
    message = str(caught.value)
    assert repr(value) in message
    assert hint in message
    assert f"for example {field}=" in message


def test_top_k_larger_than_the_vocabulary_is_off():
    logits = np.array([1.0, 2.0, 3.0])
    np.testing.assert_allclose(
        next_token_probabilities(logits, SamplingSettings(top_k=99)),
        next_token_probabilities(logits, SamplingSettings()),
    )


@pytest.mark.parametrize(
    ("logits", "hint"),
    [
        ([1.0, math.nan], "NaN"),
        ([1.0, math.inf], r"\+inf"),
        ([-math.inf, -math.inf], "only -inf"),
        ([[1.0, 2.0]], r"\(1, 2\)"),
        ([], r"\(0,\)"),
        (3.0, r"\(\)"),
    ],
)
def test_bad_logits_are_named(logits, hint):
    with pytest.raises(ValueError, match=hint):
        next_token_probabilities(np.array(logits), SamplingSettings())


def test_settings_of_another_kind_are_refused():
    with pytest.raises(TypeError, match="SamplingSettings"):
        next_token_probabilities(np.zeros(3), {"temperature": 1})


@pytest.mark.parametrize(("count", "top_p", "kept"), [(10, 0.8, 8), (10, 0.3, 3), (7, 3 / 7, 3), (10, 0.81, 9)])
def test_equal_probabilities_reach_p_although_their_sum_is_rounded(count, top_p, kept):
    assert np.count_nonzero(keep_top_p(np.full(count, 1 / count), top_p)) == kept


def test_min_p_keeps_what_has_that_share_of_the_largest():
    np.testing.assert_allclose(keep_min_p(np.array([0.05, 0.5, 0.16, 0.29]), 0.3), np.array([0, 50, 16, 29]) / 95)
    np.testing.assert_allclose(keep_min_p(np.array([0.2, 0.4, 0.4]), 1), [0, 0.5, 0.5])
    np.testing.assert_allclose(keep_min_p(np.array([0.2, 0.8]), 0), [0.2, 0.8])


@given(st.integers(0, 2**32 - 1), st.sampled_from([0.02, 0.1, 0.5, 1.0]), st.sampled_from([0.5, 1.0, 1.7]))
def test_min_p_cuts_what_transformers_cuts(seed, min_p, temperature):
    transformers = pytest.importorskip("transformers", reason="transformers is not installed: make models")
    torch = pytest.importorskip("torch")
    logits = np.random.default_rng(seed).normal(0, 2, 60)
    theirs = transformers.MinPLogitsWarper(min_p)(None, torch.from_numpy(logits / temperature)[None])[0]
    ours = next_token_probabilities(logits, SamplingSettings(temperature=temperature, min_p=min_p))
    np.testing.assert_allclose(ours, theirs.softmax(dim=0).numpy(), atol=1e-12)


def test_every_filter_is_one_entry_of_the_table():
    assert list(FILTERS) == list(vars(SamplingSettings()))
    for name, entry in FILTERS.items():
        low, high, step = entry.slider
        assert low <= entry.off <= high, name
        assert step > 0
        assert entry.checked(entry.example) == entry.example
        assert SamplingSettings(**{name: entry.off}) == SamplingSettings()
    assert changed(SamplingSettings(0.8), SamplingSettings(1.2, min_p=0.1)) == ["T 0.8→1.2", "min-p 0→0.1"]
