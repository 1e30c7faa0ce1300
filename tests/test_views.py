from __future__ import annotations

from types import SimpleNamespace

import numpy as np

from helpers import sentences
from helpers.figures import geometry
from helpers.window import charts, views


def test_what_streams_into_a_cell_breaks_between_words():
    texts = ["One", " day", ",", " Mia", " had", "\n", "noth", "ing", " to", " do", "!"]
    steps = [SimpleNamespace(output=SimpleNamespace(text=text)) for text in texts]
    assert [step for step, _ in views.wrapped(steps)] == steps
    lines = "".join(text for _, text in views.wrapped(steps, 10)).split("\n")
    assert lines == ["One day,", "Mia had", "nothing to", "do!"]


def test_a_line_of_many_points_is_thinned_and_keeps_its_end():
    for count in (1, 299, 300, 301, 10_000):
        thin = charts.thinned(list(range(count)))
        assert len(thin) <= 300
        assert thin[-1] == count - 1
        assert set(np.diff(thin)) <= {-(-count // 300)}


def test_a_long_sample_of_a_text_is_made_visible_and_short():
    chart = charts.written("it writes:", "\u202e" + "x" * 10_000)
    assert chart["text"].startswith("\\u202exxx")
    assert len(chart["text"]) == 400


def test_a_map_that_spins_is_turned_back():
    points = np.random.default_rng(0).normal(size=(20, 2))
    turn = np.array([[np.cos(2.0), -np.sin(2.0)], [np.sin(2.0), np.cos(2.0)]])
    np.testing.assert_allclose(geometry.turned_towards(points @ turn * [1, -1], points), points, atol=1e-12)


def test_training_charts_name_what_was_beaten():
    said = sentences.of_held_out({1: 3.0, 500: 0.4}, {"uniform": 2.5, "5-gram": 0.3}, 1000)
    assert said == "Held out: 0.400 bits per byte after 500 of 1,000 updates; better than uniform."
    assert "better than none of the lines yet" in sentences.of_held_out({1: 3.0}, {"uniform": 2.5}, 10)
    assert sentences.of_held_out({1: 3.0}, {}, 10).endswith("after 1 of 10 updates.")


def test_labels_of_words_at_one_place_are_spread():
    words = charts.word_map(np.zeros((4, 2)), list("abcd"), ["x"] * 4, 0.5)["words"]
    assert len({(side, height) for *_, (_, height, side) in words}) == 4  # right or left of the dot


def test_a_label_for_which_there_is_no_room_is_left_out():
    words = charts.word_map(np.zeros((100, 2)), ["word"] * 100, ["x"] * 100, 0.5)["words"]
    assert 10 < sum(word[4] is not None for word in words) < 100
