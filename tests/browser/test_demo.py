"""`make demo`: the window alone and large, in Voilà, for a class."""

from __future__ import annotations

import http.client
import os
import re
import shutil
import time
from pathlib import Path

import psutil
import pytest
from server import PATIENCE, free_port, running

PROJECT = Path(__file__).resolve().parents[2]


@pytest.fixture(scope="module")
def demo():
    if shutil.which("make") is None:
        pytest.skip("make is not installed")
    port = free_port()
    command = ["make", "demo", "DEMO_IDLE=15", f"DEMO_ARGS=--no-browser --port {port}"]
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


def test_a_page_that_was_closed_leaves_no_kernel(demo, chromium):
    page = chromium.new_page()
    page.set_default_timeout(PATIENCE * 1000)
    page.goto(demo.address)
    page.locator(".explorer-play").wait_for()
    assert kernels_of(demo)
    page.close()
    deadline = time.monotonic() + PATIENCE
    while kernels_of(demo):
        assert time.monotonic() < deadline
        time.sleep(1)


def kernels_of(server) -> list[int]:
    """Process ids of the kernels that this server started."""
    children = psutil.Process(server.process_id).children(recursive=True)
    return [child.pid for child in children if _is_kernel(child)]


def _is_kernel(process: psutil.Process) -> bool:
    try:
        return "ipykernel_launcher" in process.cmdline()
    except psutil.NoSuchProcess:  # it ended meanwhile, or nobody has taken note of its end yet
        return False


@pytest.mark.parametrize(("host", "refused"), [("localhost", False), ("evil.example", True)])
def test_only_this_machines_names_are_answered(demo, host, refused):
    connection = http.client.HTTPConnection("127.0.0.1", demo.port, timeout=PATIENCE)
    connection.request("GET", "/api/kernels", headers={"Host": f"{host}:{demo.port}"})
    assert (connection.getresponse().status == 403) == refused
    connection.close()
