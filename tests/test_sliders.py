"""The measure of sliders.py on distributions whose answers are known, and what the shipped models leave to sliders."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from sliders import SHARES, logits_of_stories, share_of_other_draws, shares, what_sliders_do

from helpers.models.checkpoint import load_shipped, load_shipped_transformer

AT_LEAST = {"graded": 0.30, "moves": 0.30, "nucleus": 0.20, "cut": 0.15, "draw": 0.06}


def logits(*probabilities: float) -> np.ndarray:
    return np.log(np.array([*probabilities, 1e-12]))


def test_a_certainty_leaves_nothing_to_do():
    assert not any(value for name, value in what_sliders_do(logits(0.9999, 0.0001)).items() if name not in RARELY)
    assert what_sliders_do(logits(0.9999, 0.0001))["certain"]


RARELY = {"certain", "draw"}  # a certain step is certain, and one random number in ten thousand draws another token


def test_a_uniform_choice_is_open_but_temperature_cannot_change_it():
    answers = what_sliders_do(logits(*[0.125] * 8))
    assert not answers["certain"]
    assert not answers["graded"]
    assert not answers["moves"]
    assert not answers["candidates"]
    assert not answers["nucleus"]
    assert answers["draw"] == pytest.approx(0, abs=1e-9)
    assert not answers["cut"]  # .9 needs all eight


def test_top_p_can_cut_a_uniform_choice_of_many():
    assert what_sliders_do(logits(*[0.05] * 20))["cut"]  # .9 needs eighteen of the twenty


def test_a_dominant_option_moves_and_is_all_that_top_p_keeps():
    answers = what_sliders_do(logits(11 / 12, 1 / 12))
    assert answers["graded"]
    assert answers["moves"]
    assert answers["cut"]
    assert answers["nucleus"]  # .952 at T = .8 is enough alone, .881 at 1.2 is not
    assert not answers["candidates"]
    assert not answers["certain"]
    low, high = (11 ** (1 / t) / (11 ** (1 / t) + 1) for t in (0.8, 1.2))
    assert answers["draw"] == pytest.approx(low - high)


def test_candidates_join_where_temperature_lifts_them_over_one_percent():
    assert what_sliders_do(logits(0.99, 0.01))["candidates"]  # .3 % at T = .8, 2.1 % at 1.2


def test_the_share_of_other_draws_is_what_random_numbers_show():
    rng = np.random.default_rng(0)
    low, high = (weights / weights.sum() for weights in rng.random((2, 30)))
    numbers = rng.random(200_000)
    differ = np.mean(np.searchsorted(low.cumsum(), numbers) != np.searchsorted(high.cumsum(), numbers))
    assert share_of_other_draws(low, high) == pytest.approx(differ, abs=0.005)


def test_shares_are_means_over_steps():
    found, steps = shares([logits(0.9999, 0.0001), logits(11 / 12, 1 / 12), logits(0.5, 0.5), logits(0.5, 0.5)])
    assert steps == 4
    assert set(found) == set(SHARES)
    assert found["certain"] == found["graded"] == found["cut"] == 0.25


@pytest.mark.parametrize("load", [load_shipped, load_shipped_transformer])
def test_the_shipped_models_leave_something_to_the_sliders(load):
    torch.set_num_threads(1)
    found, _ = shares(logits_of_stories(*load(), stories=30))
    assert found["certain"] <= 0.60
    assert {name: share for name, share in found.items() if share < AT_LEAST.get(name, 0)} == {}
