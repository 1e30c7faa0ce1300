"""The charts of lessons, drawn by journey.js in a page without Jupyter: what sliders and the training monitor send."""

from __future__ import annotations

import random

import numpy as np
import pytest

from helpers.records import TrainingStep
from helpers.window.distribution import DistributionSliders
from helpers.window.gate import ForgetGateSlider
from helpers.window.journey import CSS, ESM
from helpers.window.nudge import LogitSliders
from helpers.window.training_monitor import TrainingMonitor

HOSTILE = '<img src=x onerror="document.body.dataset.hit=\'1\'"></svg> \u202e & "quote" \''
# The kernel's end of one widget that only has traits, and its view
SCENE = """async ([source, charts]) => {
  const url = URL.createObjectURL(new Blob([source], { type: "text/javascript" }));
  const widget = (await import(url)).default();
  const told = new Set();
  const [on, off] = [(_, f) => told.add(f), (_, f) => told.delete(f)];
  const set = (charts) => { model.charts = charts; told.forEach((f) => f()); };
  window.model = { charts, get: (name) => model[name], on, off, send() {}, set };
  widget.initialize({ model });
  window.remove = widget.render({ model, el: document.body });
}"""


@pytest.fixture
def draw(chromium):
    """draw(charts): a page that shows them."""
    pages = []

    def drawn(charts):
        page = chromium.new_page()
        pages.append(page)
        page.on("pageerror", lambda error: pytest.fail(str(error)))
        page.set_content(f"<style>{CSS.read_text(encoding='utf-8')}</style><body></body>")
        page.evaluate(SCENE, [ESM.read_text(encoding="utf-8"), charts])
        return page

    yield drawn
    for page in pages:
        page.close()


def monitor(words=("cat", "dog"), classes=("animals", "colours"), **lines) -> TrainingMonitor:
    """A monitor of which two updates were shown."""
    per_class = {name: words[n :: len(classes)] for n, name in enumerate(classes)}
    shown = TrainingMonitor(
        lambda: 0.4,
        every=500,
        lines=lines,
        sample=lambda: HOSTILE,
        words=per_class,
        vectors=lambda: np.random.default_rng(0).normal(size=(len(words), 5)),
    )
    for number in (1, 500, 1000):
        shown.show(TrainingStep(number, 1000, 1, 5.0 / number, 0.1, 1.0, 10))
    return shown


def test_the_sliders_over_a_distribution_draw_bars_that_follow(draw):
    sliders = DistributionSliders(np.array([3.0, 2.0, 1.0, -np.inf]), ["a", HOSTILE, "c", "d"].__getitem__)
    page = draw(sliders._view.charts)
    height = page.locator(".tj-chart").bounding_box()["height"]
    widths = "els => els.map(el => parseFloat(el.style.width))"
    model, left = (page.locator(f".tj-row .tj-{look}").evaluate_all(widths) for look in ("model", "left"))
    assert model == left == pytest.approx([100, 36.8, 13.5, 0], abs=0.1)
    sliders._filters["top_k"].value = 1
    page.evaluate("charts => model.set(charts)", sliders._view.charts)
    assert page.locator(".tj-row .tj-left").evaluate_all(widths) == [100, 0, 0, 0]
    assert page.get_by_text("cut off").count() == 3
    assert page.locator("[role=img]").get_attribute("aria-label") == sliders.sentence
    assert page.locator(".tj-sentence").inner_text() == sliders.sentence
    assert page.locator(".tj-chart").bounding_box()["height"] == height
    assert page.locator("img, .tj-charts script").count() == 0
    assert page.evaluate("document.body.dataset.hit") is None


def test_the_right_logit_is_orange_and_every_gradient_is_said(draw):
    page = draw(LogitSliders(["<b>", "b"], "b", [1, 0])._view.charts)
    assert page.locator(".tj-row:has(.tj-right) bdi").inner_text() == "b"
    assert page.locator(".tj-row:has(.tj-left) small").inner_text() == "0.731 · +0.731"
    assert page.locator(".tj-row bdi").nth(1).inner_text() == "<b>"


def test_a_gate_draws_a_cell_and_a_plain_network_that_fade(draw):
    slider = ForgetGateSlider(20, 0.9)
    page = draw(slider._view.charts)
    dots = page.locator(".tj-dots").get_attribute("d").split("M")[1:]
    assert len(dots) == 21
    heights = [float(dot.split()[1].removesuffix("h0")) for dot in dots]
    assert heights == sorted(heights)
    assert page.get_by_text("step 0").count() == 1
    slider._slider.value = 1.0
    page.evaluate("charts => model.set(charts)", slider._view.charts)
    assert {dot.split()[1] for dot in page.locator(".tj-dots").get_attribute("d").split("M")[1:]} == {"24.0h0"}


def test_the_monitor_shows_its_three_charts_and_the_text_as_text(draw):
    page = draw(monitor(floor=0.3, uniform=2.5)._view.charts)
    assert page.locator("svg[role=img]").count() == 3
    said = page.locator(".tj-sentence").all_inner_texts()
    assert said[0] == "Held out: 0.400 bits per byte after 1,000 of 1,000 updates; better than uniform."
    assert page.locator(".tj-own").text_content() == "this run 0.400"
    assert "after 1,000 updates it writes: <img src=x" in page.locator(".tj-sample").inner_text()
    assert page.locator("img").count() == 0
    assert page.locator(".tj-mean").count() == 2
    page.evaluate("remove()")
    assert page.locator(".tj-charts").count() == 0


def test_names_beside_lines_are_moved_apart_and_stay_within(draw):
    page = draw(monitor(**{f"line {n}": 0.4 + n / 1000 for n in range(7)})._view.charts)
    names = page.locator("svg").first.locator("text[x='396']")
    heights = sorted(float(y) for y in names.evaluate_all("els => els.map(el => el.getAttribute('y'))"))
    assert len(heights) == 8
    assert all(after - before > 12.8 for before, after in zip(heights, heights[1:], strict=False))
    assert heights[-1] <= 230


def test_a_label_in_the_map_covers_no_other_and_no_dot(draw):
    words = [f"word{number}" for number in range(50)]
    page = draw(monitor(words=words, classes=list("abcde"))._view.charts)
    boxes = page.locator(".tj-word").evaluate_all(
        "els => els.map(el => { const b = el.getBBox(); return [b.x, b.y, b.width, b.height]; })"
    )
    dots = page.locator(".tj-map circle").evaluate_all(
        "els => els.map(el => [+el.getAttribute('cx'), +el.getAttribute('cy')])"
    )
    assert len(dots) == 50
    assert len(boxes) >= 45  # one for which there is no room is left out
    for number, (x, y, width, height) in enumerate(boxes):
        assert 0 <= x < x + width <= 420
        assert not any(x < dot_x < x + width and y + 2 < dot_y < y + height - 2 for dot_x, dot_y in dots)
        for other_x, other_y, other_width, _ in boxes[:number]:
            assert not (x < other_x + other_width and other_x < x + width and abs(y - other_y) < 9)


@pytest.mark.parametrize("log", [False, True])
def test_numbers_along_an_axis_are_few_and_lie_within(draw, log):
    rng, charts = random.Random(0), []
    for _ in range(60):
        low = rng.uniform(0.01, 9) if log else rng.uniform(-10, 10)
        high = low * rng.uniform(10, 1000) if log else low + 10 ** rng.uniform(-2, 4)
        charts.append(
            {
                "kind": "lines",
                "size": [300, 100, 14],
                "x": [0, 1, ""],
                "y": [low, high],
                "lines": [[[[0, low], [1, high]], ""]],
            }
            | {"key": "", "log": log, "levels": [], "named": [], "said": "x"}
        )
    page = draw(charts)
    for number, chart in enumerate(charts):
        low, high = chart["y"]
        ticks = page.locator("svg").nth(number).locator("text[text-anchor=end]").all_text_contents()
        assert 0 < len(ticks) <= (10 if log else 5)
        assert all(low - (high - low) * 1e-3 <= float(tick) <= high + (high - low) * 1e-3 for tick in ticks)
