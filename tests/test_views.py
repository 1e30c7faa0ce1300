from __future__ import annotations

import base64
import re
import xml.etree.ElementTree as ElementTree
import zlib
from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pytest
from fakes import FakeModel
from hypothesis import given
from hypothesis import strategies as st

from helpers.figures import geometry
from helpers.records import Candidate, Inside, Stage
from helpers.sampling import SamplingSettings
from helpers.streaming import Generation
from helpers.window import stages, svg, training_views, views

HOSTILE = '<img src=x onerror=1> </svg> \u202e & "quote" \''


@pytest.fixture
def generation(endless, model):
    generation = Generation(model, endless, "the cat", seed=1)
    for number in range(12):
        generation.step(SamplingSettings(0.5 if number < 6 else 1.0, top_k=3))
    return generation


def window(generation, position):
    start = len(generation.tokens) - len(generation.steps)
    step = generation.steps[position - 1] if position else None
    return {
        "text": views.text_chips(generation.tokens, start, position),
        "row": views.token_and_row(generation.tokens, start, position),
        "candidates": views.candidates(step),
        "plots": views.norms_and_cosines(generation.tokens, generation.steps, start, position),
    }


def parsed(html):
    """The HTML as a tree, which fails where a tag or a quote is left open."""
    return ElementTree.fromstring("<div>" + re.sub(r"(<img [^>]*)>", r"\1/>", html) + "</div>")


def words(element):
    return "".join(element.itertext())


@pytest.mark.parametrize("position", [0, 1, 6, 12])
def test_every_view_is_well_formed_and_says_what_it_shows(generation, position):
    for name, html in window(generation, position).items():
        tree = parsed(html)
        for picture in tree.iter("svg"):
            assert picture.get("role") == "img"
            assert picture.get("aria-label") in [words(p) for p in tree.iter("p")], name


@pytest.mark.parametrize("position", [1, 6, 12])
def test_the_row_shown_is_that_of_the_token_that_went_in(generation, position):
    step = generation.steps[position - 1]
    tree = parsed(views.token_and_row(generation.tokens, len(generation.tokens) - 12, position))
    assert words(tree.find(".//b[@class='tj-big']")) == str(step.input.token_id)
    assert f"norm {step.input.norm:.3f}" in words(tree)
    assert f"{step.input.cosine_to_previous:+.3f}" in words(tree)
    before = generation.tokens[step.input.position - 1]
    assert f"cosine to {svg.shortened(svg.visible(before.piece), 10)}" in words(tree)
    assert f"at position {step.input.position}" in words(tree)


def test_the_journey_holds_every_part_once(generation):
    html = views.journey(generation.tokens, generation.steps, 3, "<b>status</b>", names=True)
    parsed(f"<div>{html}</div>")
    for part in ("status", "text", "embedding", "candidates"):
        assert html.count(f'class="explorer-{part}"') == 1


def test_before_the_first_step_the_prompts_last_token_waits(generation):
    start = len(generation.tokens) - 12
    assert f">{generation.tokens[start - 1].token_id}</b>" in views.token_and_row(generation.tokens, start, 0)
    assert "press Step or Play" in views.candidates(None)
    assert views.text_chips(generation.tokens, start, 0).count("tj-in") == 1
    assert "tj-out" not in views.text_chips(generation.tokens, start, 0)


def test_in_and_out_are_marked_once_each_and_stand_side_by_side(generation):
    html = views.text_chips(generation.tokens, len(generation.tokens) - 12, 5)
    marks = re.findall(r"tj-chip( tj-in| tj-out)?", html)
    assert marks.count(" tj-in") == marks.count(" tj-out") == 1
    assert marks.index(" tj-out") == marks.index(" tj-in") + 1


def test_candidates_show_both_probabilities_what_is_cut_and_what_was_drawn(generation):
    step = generation.steps[3]
    lines = [words(row) for row in parsed(views.candidates(step)).iter("g")]
    assert len(lines) == len(step.candidates)
    for line, candidate in zip(lines, step.candidates, strict=True):
        assert f"{candidate.model_probability:.2f} →" in line
        assert ("cut off" in line) == (candidate.sampling_probability == 0)
        assert ("✓" in line) == (candidate.token_id == step.output.token_id)
    cut = sum(candidate.sampling_probability == 0 for candidate in step.candidates)
    assert f"{cut} of {len(step.candidates)} cut off." in views.candidates(step)


def test_a_moved_slider_leaves_a_mark_where_it_acted(generation):
    html = window(generation, 12)["plots"]
    assert "T 0.5→1" in html
    assert html.count('stroke-dasharray="2 3"') == 2  # one in each plot


def test_a_sweep_of_a_slider_is_one_mark_from_its_first_value_to_its_last(endless, model):
    generation = Generation(model, endless, "the cat", seed=3)
    for temperature in [1, 1, 0.9, 0.8, 0.8, 0.6, 0.5] + [0.5] * 20 + [0.7]:
        generation.step(SamplingSettings(temperature))
    moves = views._moved_sliders(generation.steps)
    assert [said for _, said in moves] == ["T 1→0.5", "T 0.5→0.7"]
    assert moves[0][0] == generation.steps[2].output.position


def test_probabilities_too_small_for_two_digits_get_four_and_short_bars(endless):
    unsure = FakeModel(400)
    unsure._first, unsure._second = unsure._first * 0.01, unsure._second * 0.01
    step = Generation(unsure, endless, "the cat", seed=3).step()
    html = views.candidates(step)
    assert f"{step.candidates[0].model_probability:.4f} →" in html
    assert max(float(width) for width in re.findall(r'width="([\d.]+)" height="[67]"', html)) < 20
    sure = FakeModel(400)
    sure._first, sure._second = sure._first * 20, sure._second * 20
    last = list(parsed(views.candidates(Generation(sure, endless, "the cat", seed=3).step())).iter("g"))[-1]
    assert words(last).endswith("<0.0001 → <0.0001")


def test_what_streams_into_a_cell_breaks_between_words():
    texts = ["One", " day", ",", " Mia", " had", "\n", "noth", "ing", " to", " do", "!"]
    steps = [SimpleNamespace(output=SimpleNamespace(text=text)) for text in texts]
    assert [step for step, _ in views.wrapped(steps)] == steps
    lines = "".join(text for _, text in views.wrapped(steps, 10)).split("\n")
    assert lines == ["One day,", "Mia had", "nothing to", "do!"]


def test_the_norms_sentence_is_computed_from_the_tokens(generation):
    norms = [token.norm for token in generation.tokens]
    sentence = re.search(r'tj-sentence">(Embedding norm[^<]*)<', window(generation, 12)["plots"])[1]
    assert f"{len(norms)} tokens, mean {np.mean(norms):.2f}, lowest {min(norms):.2f}" in sentence


def test_the_cosines_sentence_counts_those_that_are_drawn(generation):
    tokens = list(generation.tokens)
    for place in (4, 5):  # a row of length 0 has no cosine, and the next one none to it
        tokens[place] = replace(tokens[place], cosine_to_previous=None)
    html = views.norms_and_cosines(tokens, generation.steps, len(tokens) - 12, 12)
    drawn = html.split('class="explorer-cosines"')[1].count('r="2.5"')
    assert drawn == len(tokens) - 3
    assert f"Cosine to the token before: {drawn} tokens, mean" in html
    assert f"Embedding norm of each token: {len(tokens)} tokens, mean" in html


def an_inside(count):
    """Stages with known norms; the output layer cannot read the second, and model text is hostile."""
    lens = tuple(Candidate(number, HOSTILE, share, share) for number, share in ((7, 0.8), (3, 0.15), (9, 0.05)))
    rows = [np.full(4, 1.0 + number) for number in range(count)]
    made = (
        Stage(f"after <{n}>", row, float(np.linalg.norm(row)), () if n == 1 else lens, None if n == 1 else n + 1)
        for n, row in enumerate(rows)
    )
    return Inside(tuple(made), None, None)


def test_the_inside_part_tells_each_stages_name_strip_norm_and_lens():
    html = stages.stages(an_inside(3))
    rows = list(parsed(html).iterfind(".//div[@class='tj-stage']"))
    assert [row.find("span").text for row in rows] == ["after <0>", "after <1>", "after <2>"]
    assert [row.find("b").text for row in rows] == ["2.00", "4.00", "6.00"]
    assert [len(row.findall(".//span[@class='tj-guess']")) for row in rows] == [3, 0, 3]
    assert "cannot read it" in words(rows[1])
    assert words(rows[2].findall(".//span[@class='tj-guess']")[0]).endswith(" 0.80")
    for row in rows:
        assert row.find("img").get("src").startswith("data:image/png")
    assert "<img src=x" not in html
    assert "\u202e" not in html
    sentence = words(parsed(html).find(".//p"))
    assert sentence == parsed(html).find(".//div[@role='img']").get("aria-label")
    assert "3 stages of one token" in sentence
    assert "norm 2.00 at after <0>, 6.00 at after <2>" in sentence


def test_of_many_stages_the_first_the_last_and_some_between_are_shown():
    assert [stage.name for stage in stages.spread(an_inside(8).stages, 8)] == [f"after <{n}>" for n in range(8)]
    names = [stage.name for stage in stages.spread(an_inside(31).stages, 8)]
    assert names == [f"after <{n}>" for n in (0, 4, 9, 13, 17, 21, 26, 30)]
    assert "8 of 31 stages of one token" in words(parsed(stages.stages(an_inside(31))))


def test_model_text_is_escaped_everywhere(tokenizer, model):
    class Hostile:
        eos_ids, suppressed_ids, vocab_size = frozenset(), frozenset({0, 1, 2}), tokenizer.vocab_size
        encode_prompt, text_stream, decode = tokenizer.encode_prompt, tokenizer.text_stream, tokenizer.decode

        def piece(self, token_id):
            return HOSTILE

    generation = Generation(model, Hostile(), "cat", seed=1)
    generation.step(SamplingSettings())
    for html in window(generation, 1).values():
        assert "<img src=x" not in html
        assert "\u202e" not in html
        parsed(html)
    assert "<img" not in training_views.sample_text(HOSTILE, 1)


@pytest.mark.parametrize(("count", "arrived"), [(10, 9), (500, 499), (500, 30), (500, 250), (500, 0)])
def test_the_token_looked_at_is_always_among_those_shown(count, arrived):
    first, last = views._window(count, arrived, 200, 12)
    assert first <= arrived < last
    assert last - first == min(count, 200)


def test_a_long_text_sends_the_page_no_more_than_its_latest_part(endless, model):
    generation, sizes = Generation(model, endless, "the cat", seed=3), {}
    for steps in range(1, 1001):
        generation.step(SamplingSettings())
        if steps in (400, 1000):
            sizes[steps] = sum(map(len, window(generation, steps).values()))
    assert sizes[1000] < 1.1 * sizes[400] < 110_000


@pytest.mark.parametrize("dimensions", [1, 64, 4096])
def test_the_heat_strip_has_one_pixel_for_each_value(dimensions):
    row = np.random.default_rng(0).normal(size=dimensions)
    png = base64.b64decode(views.heat_strip(row).partition(",")[2])
    assert int.from_bytes(png[16:20]) == dimensions
    start = png.index(b"IDAT") + 4
    length = int.from_bytes(png[start - 8 : start - 4])
    pixels = np.frombuffer(zlib.decompress(png[start : start + length])[1:], dtype=np.uint8).reshape(-1, 4)
    np.testing.assert_array_equal(pixels[:, 2] == 178, row < 0)  # blue below zero
    np.testing.assert_allclose(pixels[:, 3], 255 * np.abs(row) / np.abs(row).max(), atol=1)


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
