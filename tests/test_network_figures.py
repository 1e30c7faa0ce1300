"""Figures and sliders of lesson 03: what they say is what a calculation by hand gives."""

from __future__ import annotations

import numpy as np
import pytest

from helpers.figures.network import plot_kept, plot_unrolled
from helpers.window.gate import ForgetGateSlider
from helpers.window.nudge import LogitSliders

NAMES = ["cat", "dog", "sun"]


def button(sliders, css_class):
    return next(each for each in sliders.widget.children[-2].children if css_class in each._dom_classes)


def test_an_unrolled_network_is_told_token_by_token():
    picture = plot_unrolled(["▁Once", "▁upon"], ["▁upon", "▁a"])
    assert "The same f, drawn 2 times" in picture.sentence
    assert "'▁Once' ('▁upon') → '▁upon' ('▁a')" in picture.sentence
    assert picture.png().startswith(b"\x89PNG")


def test_every_token_of_an_unrolled_network_has_its_column():
    [axes] = plot_unrolled(["▁Once", "▁upon", "▁a"], ["▁upon", "▁a", "▁time"]).figure.axes
    words = [text.get_text() for text in axes.texts]
    assert words.count("f") == words.count("row") == words.count("scores") == words.count("state") == 3
    assert [words.count(name) for name in ("zeros", "·Once", "·upon", "·a", "·time")] == [1, 1, 2, 2, 1]


def test_what_a_trace_keeps_is_told_at_both_ends():
    picture = plot_kept({"gate 0.9": 0.9 ** np.arange(21.0), "gate 1": [1, 1]}, "cell")
    assert picture.sentence == (
        "cell along the steps. gate 0.9: 1.000 at step 0, 0.122 at step 20; gate 1: 1.000 at step 0, 1.000 at step 1."
    )
    first, second, _ = picture.figure.axes[0].lines
    assert first.get_ydata() == pytest.approx(0.9 ** np.arange(21))
    assert list(second.get_ydata()) == [1, 1]


# ------------------------------------------------------------------------------------------------------ logits, nudged


def test_loss_and_gradient_are_what_the_hand_calculates():
    sliders = LogitSliders(NAMES, "cat", [2, 1, 0])
    weights = [np.e**2, np.e, 1]
    assert sliders.probabilities == pytest.approx(np.array(weights) / sum(weights))
    assert sliders.loss == pytest.approx(-np.log(weights[0] / sum(weights)))
    assert sliders.gradient == pytest.approx(sliders.probabilities - [1, 0, 0])
    assert sliders.sentence == "Loss 0.408 nats (0.588 bits): cat came next and has probability 0.665."
    assert sliders._view.charts[0]["rows"][0] == ["cat", "0.665 · -0.335", [[pytest.approx(0.665, abs=1e-3), "right"]]]


def test_a_nudge_changes_the_loss_as_the_gradient_foretold():
    sliders = LogitSliders(NAMES, "dog", [2, 1, 0])
    for index in range(3):
        before, foretold = sliders.loss, sliders.gradient[index]
        sliders._sliders[index].value += 0.001
        assert (sliders.loss - before) / 0.001 == pytest.approx(foretold, abs=1e-3)


def test_the_button_takes_a_step_against_the_gradient_and_reset_takes_it_back():
    sliders = LogitSliders(NAMES, "dog")
    sliders._rate.value = 3.0
    wanted, before = sliders.logits - 3.0 * sliders.gradient, sliders.loss
    button(sliders, "nudge-step").click()
    assert sliders.logits == pytest.approx(wanted)
    assert sliders.loss < before
    button(sliders, "nudge-reset").click()
    assert list(sliders.logits) == [0, 0, 0]
    assert sliders.loss == pytest.approx(np.log(3))


def test_a_step_too_large_stops_at_the_end_of_the_sliders():
    sliders = LogitSliders(NAMES, "dog", [10, -10, 0])
    sliders._rate.value = 20.0
    for _ in range(5):
        sliders.step()
    assert np.abs(sliders.logits).max() <= 10
    assert np.isfinite(sliders.loss)


# --------------------------------------------------------------------------------------------------------- a gate


def test_a_bit_fades_by_the_forget_gate_at_each_step():
    slider = ForgetGateSlider(20, 0.9)
    assert slider.cell == pytest.approx([0.9**n for n in range(21)])
    assert slider.plain[1] == pytest.approx(np.tanh(0.9))
    assert slider.plain[2] == pytest.approx(np.tanh(0.9 * np.tanh(0.9)))
    assert "after 20 steps 0.122 of the bit is left" in slider.sentence
    [chart] = slider._view.charts
    assert chart["said"] == slider.sentence
    assert [point for point, _ in chart["lines"]][1] == [[n, pytest.approx(0.9**n, abs=1e-4)] for n in range(21)]


def test_the_slider_moves_the_gate():
    slider = ForgetGateSlider(20, 0.9)
    slider._slider.value = 1.0
    assert slider.cell == pytest.approx(np.ones(21))
    slider._slider.value = 0.0
    assert slider.cell == pytest.approx([1, *[0] * 20])
    assert "Forget gate 0.00: after 20 steps 0.000" in slider.sentence
