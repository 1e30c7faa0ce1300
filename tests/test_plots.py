from __future__ import annotations

import json
from dataclasses import replace

import numpy as np
import pytest
from fakes import FakeModel
from matplotlib.colors import to_hex

from helpers.figures import plots
from helpers.streaming import Generation
from helpers.training import TrainingStep
from helpers.window.distribution import DistributionSliders
from helpers.window.training_monitor import TrainingMonitor


@pytest.fixture
def generation(tokenizer):
    generation = Generation(FakeModel(tokenizer.vocab_size), tokenizer, "the cat")
    while len(generation.steps) < 10:
        generation.step()
        if generation.finish_reason:
            generation.rewind(len(generation.steps) - 1)
            generation.choose(300)
    return generation


def drawn_line(picture):
    return picture.figure.axes[0].lines[0].get_ydata()


def test_norm_plot_draws_the_norms_and_says_them(generation):
    picture = plots.plot_norms(generation.tokens)
    norms = [token.norm for token in generation.tokens]
    np.testing.assert_allclose(drawn_line(picture), norms)
    assert f"mean {np.mean(norms):.3f}" in picture.sentence
    assert f"highest {max(norms):.3f}" in picture.sentence


def test_cosine_plot_leaves_out_the_first_token(generation):
    picture = plots.plot_cosines(generation.tokens)
    assert f"Cosines of {len(generation.tokens) - 1} tokens" in picture.sentence


def test_long_texts_show_the_last_tokens_and_no_labels_that_overlap(generation):
    many = generation.tokens * 30
    picture = plots.plot_norms(many)
    assert len(drawn_line(picture)) == plots.LATEST
    assert picture.figure.axes[0].get_xlabel() == "position"


def test_candidates_plot_shows_both_probabilities(generation):
    step = generation.steps[0]
    heights = [patch.get_height() for patch in plots.plot_candidates(step).figure.axes[0].patches]
    count = len(step.candidates)
    np.testing.assert_allclose(heights[:count], [c.model_probability for c in step.candidates])
    np.testing.assert_allclose(heights[count:], [c.sampling_probability for c in step.candidates])


@pytest.mark.parametrize(
    ("piece", "label", "said"), [("$", r"\$", "'$'"), ("\\", "\\", r"'\\'"), ("\n", r"\n", r"'\n'")]
)
def test_a_candidate_is_escaped_once(generation, piece, label, said):
    step = generation.steps[0]
    first, *others = step.candidates
    picture = plots.plot_candidates(replace(step, candidates=(replace(first, piece=piece), *others)))
    assert picture.figure.axes[0].get_xticklabels()[0].get_text() == label
    assert f"model: {said} first" in picture.sentence


def test_journey_names_what_went_in_and_what_came_out(generation):
    step = generation.steps[3]
    sentence = plots.plot_journey(step).sentence
    assert repr(step.input.piece) in sentence
    assert f"{step.output.piece!r} was drawn" in sentence


def test_journey_says_whose_choice_it_was(generation):
    step = generation.choose(300)
    picture = plots.plot_journey(step)
    assert f"{step.output.piece!r} was chosen by you, which had probability" in picture.sentence
    assert picture.figure.axes[2].get_title() == "next token (chosen by you: orange)"


def test_plane_keeps_the_largest_variance_and_does_not_flip():
    points = np.random.default_rng(0).normal(size=(30, 8)) * np.array([9, 5, 1, 1, 1, 1, 1, 1])
    plane, share = plots.principal_plane(points)
    again, _ = plots.principal_plane(points.copy())
    np.testing.assert_allclose(plane, again)
    assert share > 0.8
    assert (plane.max(axis=0) >= -plane.min(axis=0)).all()


@pytest.mark.parametrize("shape", [(1, 8), (1, 1), (5, 1)])
def test_one_word_or_one_dimension_has_a_plane_too(shape):
    vectors = np.arange(float(np.prod(shape))).reshape(shape)
    plane, share = plots.principal_plane(vectors)
    assert plane.shape == (shape[0], 2)
    assert share == 1.0
    np.testing.assert_allclose(np.ptp(plane[:, 0]), np.ptp(vectors[:, 0]) if shape[1] == 1 else 0)


def test_training_plot_says_what_lies_below_and_above():
    steps = [TrainingStep(n, 3, 1, 5.0 / n, 0.1, 1.0, 10) for n in (1, 2, 3)]
    picture = plots.plot_training(steps, {1: 4.0, 3: 0.5}, {"uniform": 2.0, "floor": 0.2})
    assert picture.sentence == "After 3 updates the held-out bits per byte are below: uniform; above: floor."


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize("no_number", [float("nan"), float("inf")])
def test_the_training_plot_of_a_run_that_diverged_says_so(no_number):
    steps = [TrainingStep(n, 100, 1, 5.0 if n < 20 else no_number, 0.1, 1.0, 10) for n in range(1, 101)]
    picture = plots.plot_training(steps, {1: 4.0, 100: no_number}, {"uniform": 2.0})
    assert "no number any more (diverged: lower the learning rate)" in picture.sentence
    assert np.isfinite(drawn_line(picture)).sum() == 19
    assert picture.png().startswith(b"\x89PNG")
    assert "no number" in plots.plot_training(steps, {1: 4.0}, {}).sentence


def test_smoothing_is_a_running_mean():
    np.testing.assert_allclose(plots.smoothed([1, 2, 3, 4], window=2), [1, 1.5, 2.5, 3.5])


def test_a_picture_shows_itself_and_its_sentence(generation, monkeypatch):
    shown = []
    monkeypatch.setattr("IPython.display.display", lambda data, raw: shown.append(data))
    picture = plots.plot_norms(generation.tokens)
    picture._ipython_display_()
    assert shown[0]["image/png"].startswith(b"\x89PNG")
    assert shown[1]["text/plain"] == picture.sentence


@pytest.mark.parametrize("draw", [plots.plot_norms, plots.plot_cosines])
def test_nothing_to_draw_is_said(draw):
    with pytest.raises(ValueError, match="token"):
        draw([])


def test_values_and_tokens_must_match(generation):
    with pytest.raises(ValueError, match="one value for each token"):
        plots.plot_along(generation.tokens, [1.0], "x")


def test_pieces_are_shown_without_surprises():
    assert plots.shown("▁cat") == "·cat"
    assert plots.shown("$x$") == r"\$x\$"
    assert plots.shown("日") == r"\u65e5"
    assert plots.shown("😀") == r"\U0001f600"
    assert plots.shown("é\n") == r"é\n"


@pytest.mark.filterwarnings("error:Glyph")
def test_what_the_font_cannot_draw_is_escaped():
    assert plots.shown("अ") == r"\u0905"
    assert plots.shown("ก") == r"\u0e01"
    assert plots.shown("1₿") == r"1\u20bf"
    assert plots.shown("naïve Жук €") == "naïve Жук €"
    plots.plot_map({"a": np.eye(3)}, ["अ", "₿", "日"], ["x"] * 3).png()


# ---------------------------------------------------------------------------------------------------- views, sliders


def test_sliders_reshape_the_distribution():
    sliders = DistributionSliders(np.array([3.0, 2.0, 1.0, -np.inf]), "abcd".__getitem__)
    assert sliders.settings.temperature == 1.0
    before = sliders.sentence
    sliders._filters["top_k"].value = 1
    assert sliders.probabilities.tolist() == [1.0, 0, 0, 0]
    assert sliders.sentence != before
    assert sliders.sentence.startswith("1 id can be drawn; a leads with 1.000")
    [chart] = sliders._view.charts
    assert chart["said"] == sliders.sentence
    assert [row[1] for row in chart["rows"][:2]] == ["0.665 → 1.000", "0.245 → cut off"]
    sliders._filters["temperature"].value = 0
    assert sliders.probabilities.tolist() == [1.0, 0, 0, 0]


def test_monitor_keeps_records_and_measures_now_and_then():
    measured = []
    monitor = TrainingMonitor(lambda: measured.append(1) or 0.5, every=2)
    for n in range(1, 6):
        monitor.show(TrainingStep(n, 5, 1, 1.0, 0.1, 1.0, 10))
    assert [step.step for step in monitor.steps] == [1, 2, 3, 4, 5]
    assert list(monitor.held_out) == [1, 2, 4, 5]
    assert monitor._bar.value == 1.0
    assert "update 5 of 5" in monitor._label.value


def test_a_monitor_may_join_a_run_that_has_begun(monkeypatch):
    now = iter(range(0, 100, 10))
    monkeypatch.setattr("time.monotonic", lambda: next(now))
    monitor = TrainingMonitor(lambda: 0.5, every=100)
    monitor.show(TrainingStep(41, 50, 1, 1.0, 0.1, 1.0, 10))
    assert monitor.held_out == {41: 0.5}
    assert "held out 0.500 bits per byte at update 41 · 10 s gone, about 90 s left" in monitor._label.value
    monitor.show(TrainingStep(42, 50, 1, 1.0, 0.1, 1.0, 10))
    loss = monitor._view.charts[0][1]
    assert [update for update, _ in loss["lines"][0][0]] == [41, 42]
    assert loss["x"][:2] == [0, 50]


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize("no_number", [float("nan"), float("inf")])
@pytest.mark.parametrize("first", [1.0, None])
def test_a_run_that_diverges_is_shown_to_its_end(no_number, first):
    losses = [first or no_number, no_number, no_number, no_number]
    found = iter(losses)
    vectors = iter([np.eye(2) * first] * 2 if first else [])
    monitor = TrainingMonitor(
        lambda: next(found),
        every=1,
        lines={"floor": 0.3, "untold": float("inf")},
        sample=lambda: "a text",
        words={"animals": ["cat", "dog"]},
        vectors=lambda: next(vectors, np.full((2, 2), no_number)),
    )
    for n, loss in enumerate(losses, 1):
        monitor._drawn = 0  # each record is drawn
        monitor.show(TrainingStep(n, 4, 1, loss, 0.1, 1.0, 10))
    charts = monitor._view.charts
    for text in (monitor._label.value, *(chart["said"] for chart in charts[0])):
        assert "no number any more (diverged: lower the learning rate)" in text
    json.dumps(charts, allow_nan=False)
    assert list(monitor.maps) == ([1] if first else [])


def test_held_out_bits_alone_may_be_no_number():
    monitor = TrainingMonitor(lambda: float("inf"))
    monitor.show(TrainingStep(1, 1, 1, 2.0, 0.1, 1.0, 10))
    assert "held-out bits: no number any more" in monitor._label.value


def test_the_attention_sentence_names_whom_the_last_token_looks_at():
    weights = np.array([[1.0, 0.0, 0.0], [0.4, 0.6, 0.0], [0.7, 0.1, 0.2]])
    picture = plots.plot_attention(weights, ["▁Mia", "▁saw", "▁her"])
    assert "the last one, '▁her', looks most at '▁Mia' (place 0), with weight 0.700" in picture.sentence
    assert picture.png().startswith(b"\x89PNG")


def test_a_map_can_be_told_in_words_without_figures():
    rng = np.random.default_rng(0)
    mixed, apart = rng.normal(size=(6, 8)), np.repeat(np.eye(8)[:2] * 9, 3, axis=0) + rng.normal(size=(6, 8))
    words, classes = list("abcdef"), ["x"] * 3 + ["y"] * 3
    told = plots.plot_map({"before": mixed, "after": apart}, words, classes, in_words=True).sentence
    assert told == "2 maps of 6 words in 2 classes; from the first to the last map the classes moved apart."
    assert "together" in plots.plot_map({"a": apart, "b": mixed}, words, classes, in_words=True).sentence


def test_a_map_of_more_words_than_fit_leaves_labels_out():
    rng = np.random.default_rng(0)
    words = [f"word{i}" for i in range(100)]
    axes = plots.plot_map({"a": rng.normal(size=(100, 8))}, words, ["x"] * 100).figure.axes[0]
    assert 40 < len(axes.texts) < 100
    assert {text.get_text() for text in axes.texts} <= set(words)
    low, high = axes.get_ylim()
    assert all(low < text.get_position()[1] <= high for text in axes.texts)


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize("dimensions", [1, 8])
def test_a_map_of_one_word_is_drawn(dimensions):
    picture = plots.plot_map({"a": np.ones((1, dimensions)), "b": np.ones((1, dimensions))}, ["cat"], ["x"])
    assert [text.get_text() for text in picture.figure.axes[0].texts] == ["cat"]
    assert plots.apartness(np.ones((1, dimensions)), ["x"]) == 0


def test_the_models_bars_are_grey_and_those_left_blue_as_in_the_live_views():
    picture = plots.plot_distributions(["a", "b"], {"model": [0.6, 0.4], "after": [1.0, 0.0]})
    colours = [to_hex(bars[0].get_facecolor()) for bars in picture.figure.axes[0].containers]
    assert colours == [plots.GREY.lower(), plots.BLUE.lower()]


def test_a_step_of_rows_says_which_of_them_move_towards_the_vector():
    before, vector = np.array([[1.0, 0.0], [0.0, 1.0], [-1.0, 0.0]]), np.array([1.0, 0.5])
    picture = plots.plot_moves(before, before + np.outer([0.5, -0.2, 0.1], vector), ["cat", "dog", "owl"], vector)
    assert picture.sentence == "Of 3 rows the step moves towards the vector: cat, owl."
    assert picture.png().startswith(b"\x89PNG")


@pytest.mark.parametrize(
    ("before", "after", "vector", "match"),
    [
        (
            [[1.0, 2.0, 3.0]],
            [[1.0, 2.0, 3.0]],
            [1.0, 2.0],
            r"before has the shape \(1, 3\), not \(1, 2\): give 2 numbers",
        ),
        ([[1.0, 2.0]], [[1.0, 2.0], [0.0, 0.0]], [1.0, 2.0], r"after has the shape \(2, 2\)"),
        ([[1.0, 2.0]], [[1.0, 2.0]], [1.0], r"vector has the shape \(1,\), not \(2,\)"),
        ([[1.0, 2.0]], [[1.0, float("nan")]], [1.0, 2.0], "after holds NaN"),
    ],
)
def test_moves_that_cannot_be_drawn_are_named(before, after, vector, match):
    with pytest.raises(ValueError, match=match):
        plots.plot_moves(before, after, ["cat"], vector)


def chips(picture):
    return [text.get_text() for text in picture.figure.axes[0].texts if text.get_bbox_patch()]


def test_chips_are_coloured_by_role_and_counted():
    pieces, roles = ["<|im_start|>", "system", "\n", "▁Hi", "?"], ["system"] * 3 + ["user"] * 2
    picture = plots.plot_chips(pieces, roles)
    assert picture.sentence == "A text of 5 tokens as chips, coloured by role: system 3, user 2."
    assert chips(picture) == ["<|im_start|>", "system", r"\n", "·Hi", "?"]
    colours = [text.get_bbox_patch().get_facecolor() for text in picture.figure.axes[0].texts[:5]]
    assert [colours.index(colour) for colour in colours] == [0, 0, 0, 3, 3]


def test_chips_of_a_long_text_stay_within_the_figure_and_apart():
    picture = plots.plot_chips(["▁wonderful"] * 300, ["user"] * 300)
    ax = picture.figure.axes[0]
    picture.figure.canvas.draw()
    boxes = [text.get_bbox_patch().get_window_extent() for text in ax.texts if text.get_bbox_patch()]
    assert len(boxes) == plots.LATEST
    assert max(box.x1 for box in boxes) < picture.figure.bbox.x1
    assert min(box.y0 for box in boxes) > 0
    assert not any(a.overlaps(b) for a, b in zip(boxes, boxes[1:], strict=False))


@pytest.mark.parametrize(
    ("pieces", "roles", "match"),
    [([], [], "no pieces to draw"), (["a"], [], "0 roles for 1 pieces"), ([3], ["user"], "a name is a str, not int")],
)
def test_chips_that_cannot_be_drawn_are_named(pieces, roles, match):
    with pytest.raises((TypeError, ValueError), match=match):
        plots.plot_chips(pieces, roles)
