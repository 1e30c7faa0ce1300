from __future__ import annotations

import re
import xml.etree.ElementTree as ElementTree
from types import SimpleNamespace

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from helpers.figures import geometry
from helpers.window import svg, training_views, views

HOSTILE = '<img src=x onerror=1> </svg> \u202e & "quote" \''


def parsed(html):
    """The HTML as a tree, which fails where a tag or a quote is left open."""
    return ElementTree.fromstring("<div>" + re.sub(r"(<img [^>]*)>", r"\1/>", html) + "</div>")


def words(element):
    return "".join(element.itertext())


def test_what_streams_into_a_cell_breaks_between_words():
    texts = ["One", " day", ",", " Mia", " had", "\n", "noth", "ing", " to", " do", "!"]
    steps = [SimpleNamespace(output=SimpleNamespace(text=text)) for text in texts]
    assert [step for step, _ in views.wrapped(steps)] == steps
    lines = "".join(text for _, text in views.wrapped(steps, 10)).split("\n")
    assert lines == ["One day,", "Mia had", "nothing to", "do!"]


def test_a_sample_of_a_text_is_escaped():
    assert "<img" not in training_views.sample_text(HOSTILE, 1)


@given(low=st.floats(-1e6, 1e6), span=st.floats(1e-3, 1e6))
def test_ticks_are_few_and_lie_within(low, span):
    ticks = svg.nice_ticks(low, low + span)
    assert 0 < len(ticks) <= 5
    assert all(low - span * 1e-3 <= tick <= low + span * 1.001 for tick in ticks)


@given(st.lists(st.tuples(st.floats(0, 900), st.text("abc", min_size=1, max_size=8)), max_size=60))
def test_labels_never_touch(labels):
    drawn = re.findall(r'x="([\d.]+)"[^>]*>([abc]+)<', svg.x_labels(labels, 0, 0, 900))
    spans = sorted((float(x) - 3.35 * len(word), float(x) + 3.35 * len(word)) for x, word in drawn)
    assert all(left[1] < right[0] for left, right in zip(spans, spans[1:], strict=False))
    assert bool(drawn) == bool(labels)


@given(st.lists(st.floats(0, 200), min_size=1, max_size=8))
def test_labels_on_top_of_each_other_are_moved_apart(places):
    moved = sorted(svg.apart(places, 13, 210))
    assert all(after - before > 12.9 for before, after in zip(moved, moved[1:], strict=False))
    assert moved[-1] <= 210


def test_a_map_that_spins_is_turned_back():
    points = np.random.default_rng(0).normal(size=(20, 2))
    turn = np.array([[np.cos(2.0), -np.sin(2.0)], [np.sin(2.0), np.cos(2.0)]])
    np.testing.assert_allclose(geometry.turned_towards(points @ turn * [1, -1], points), points, atol=1e-12)


def test_training_charts_name_what_was_beaten():
    html = training_views.held_out_chart({1: 3.0, 500: 0.4}, {"uniform": 2.5, "5-gram": 0.3}, 1000)
    parsed(html)
    assert "0.400 bits per byte after 500 of 1,000 updates; better than uniform." in html
    assert "better than none" in training_views.held_out_chart({1: 3.0}, {"uniform": 2.5}, 10)
    parsed(training_views.loss_chart([5.0, 4.0, 3.0], 10, 3))
    parsed(training_views.word_map(np.eye(2), ["a", "<b>"], ["x", "y"], 0.5))


def labels_and_dots(html):
    """The labels of a map as (left, right, height, word), its dots as (x, y)."""
    tree, labels = parsed(html), []
    for text in tree.iter("text"):
        if text.get("font-size"):
            x, width = float(text.get("x")), 5.4 * len(words(text))
            left = x - width if text.get("text-anchor") == "end" else x
            labels.append((left, left + width, float(text.get("y")) - 3, words(text)))
    return labels, [(float(dot.get("cx")), float(dot.get("cy"))) for dot in tree.iter("circle")]


def test_labels_of_words_at_one_place_are_spread():
    labels, _ = labels_and_dots(training_views.word_map(np.zeros((4, 2)), list("abcd"), ["x"] * 4, 0.5))
    places = {(left < 200, height) for left, _, height, _ in labels}  # right or left of the dot
    assert len(places) == 4


def test_a_label_in_the_map_covers_no_other_and_no_dot():
    rng = np.random.default_rng(0)
    points = np.repeat(rng.normal(size=(5, 2)), 10, axis=0) + 0.15 * rng.normal(size=(50, 2))
    names = [f"word{number}" for number in range(50)]
    labels, dots = labels_and_dots(training_views.word_map(points, names, np.repeat(list("abcde"), 10), 0.5))
    assert len(dots) == 50
    assert len(labels) >= 45  # one for which there is no room is left out
    for number, (left, right, height, _) in enumerate(labels):
        assert not any(left < x < right and abs(y - height) < 5 for x, y in dots)
        assert not any(left < r and le < right and abs(h - height) < 9.8 for le, r, h, _ in labels[:number])
        assert 0 <= left < right <= 420
