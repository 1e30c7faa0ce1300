"""`make demo`: the window alone and large, in Voilà, for a class."""

from __future__ import annotations

import os
import re
import shutil
from pathlib import Path

import pytest
from server import PATIENCE, free_port, running

PROJECT = Path(__file__).resolve().parents[2]


@pytest.fixture(scope="module")
def demo():
    if shutil.which("make") is None:
        pytest.skip("make is not installed")
    port = free_port()
    command = ["make", "demo", f"DEMO_ARGS=--no-browser --port {port}"]
    with running(command, port, cwd=PROJECT) as server:
        yield server


def test_a_class_sees_the_window_alone_and_the_sliders_act(demo, chromium, tmp_path):
    page = chromium.new_page(viewport={"width": 1280, "height": 720})
    page.set_default_timeout(PATIENCE * 1000)
    errors = []
    page.on("pageerror", lambda error: errors.append(str(error)))
    page.goto(demo.address)
    page.locator(".explorer-play").click()
    status = page.locator(".explorer-status")
    status.filter(has_text="running").wait_for()
    handle = page.locator(".explorer-temperature [role=slider]")
    handle.focus()
    for _ in range(8):
        page.keyboard.press("ArrowLeft")
    page.locator(".explorer-norms").get_by_text(re.compile("T 0.8→")).wait_for()
    assert page.locator(".jp-InputArea-editor, .highlight").count() == 0  # the source is hidden
    whole = page.locator(".explorer").bounding_box()
    assert whole["x"] >= 0
    assert whole["x"] + whole["width"] <= 1280
    assert whole["y"] + whole["height"] <= 720
    page.screenshot(path=Path(os.environ.get("TOKEN_JOURNEY_SCREENSHOTS") or tmp_path) / "demo.png")
    page.locator(".explorer-pause").click()
    status.filter(has_text="paused").wait_for()
    size = page.locator(".tj-chip bdi").first.evaluate("e => parseFloat(getComputedStyle(e).fontSize)")
    assert size * page.locator(".explorer").evaluate("e => parseFloat(getComputedStyle(e).zoom)") >= 16
    assert errors == []
    page.close()
