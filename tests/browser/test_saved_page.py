"""The committed page, opened from disk with the network off: every token can be pressed, and no kernel is there."""

from __future__ import annotations

import itertools
import json
import os
import shutil
import subprocess
import time
from pathlib import Path

import pytest
from server import free_port
from websocket import create_connection

SAVED = Path(__file__).resolve().parents[2] / "docs" / "journey.html"
PATIENCE = 60.0


@pytest.fixture
def opened(chromium, request):
    """The page in a browser without a network, in the theme that is asked for; no error, and nothing is fetched."""
    page = chromium.new_page(color_scheme=getattr(request, "param", "light"), viewport={"width": 1280, "height": 720})
    errors, requests = [], []
    page.on("pageerror", lambda error: errors.append(str(error)))
    page.on("console", lambda message: errors.append(message.text) if message.type in ("error", "warning") else None)
    page.on("request", lambda sent: requests.append(sent.url))
    page.context.set_offline(True)
    page.goto(SAVED.as_uri())
    page.locator(".tj-chip").first.wait_for()
    yield page
    assert errors == []
    assert requests == [SAVED.as_uri()]
    page.close()


def status(page, words):
    page.locator(".explorer-status").filter(has_text=words).wait_for()
    return page.locator(".explorer-status").inner_text()


def says(page, part, words):
    page.locator(f".explorer-{part} .tj-sentence").filter(has_text=words).wait_for()


def test_buttons_slider_and_presses_lead_through_the_steps(opened):
    page = opened
    steps = page.locator(".explorer-position input").get_attribute("max")
    status(page, f"step {steps} of {steps}")
    page.locator(".explorer-back").click()
    status(page, f"step {int(steps) - 1} of {steps}")
    page.locator(".explorer-step").click()
    page.locator(".explorer-step").click()  # there is no step after the last one
    status(page, f"step {steps} of {steps}")
    slider = page.locator(".explorer-position input")
    slider.focus()
    page.keyboard.press("Home")
    status(page, f"step 0 of {steps}")
    says(page, "candidates", "Nothing is predicted yet")
    page.keyboard.press("ArrowRight")
    assert "temperature 0.8 · top-p 0.9" in status(page, f"step 1 of {steps}")
    says(page, "candidates", "Drawn: ")
    says(page, "stages", "the lens reads first")
    assert page.locator(".explorer-choice:enabled:visible").count() == 0  # without a kernel nothing can be chosen
    page.locator(".tj-chip[data-position='2']").click()
    says(page, "candidates", "The prompt goes on with")
    page.locator(".tj-in[data-position='2']").wait_for()
    page.locator(".explorer-inside").click()
    page.locator(".explorer-stages").wait_for(state="hidden")


def test_it_plays_by_itself_until_it_is_stopped_or_ends(opened):
    page, slider = opened, opened.locator(".explorer-position input")
    steps = int(slider.get_attribute("max"))
    page.locator(".explorer-play").click()  # at the end: from the beginning
    while not 2 <= int(slider.input_value()) < steps:  # a slow page may never show step 2 itself
        page.wait_for_timeout(20)
    page.locator(".explorer-play").click()
    page.locator(".explorer-play").filter(has_text="Play").wait_for()
    page.wait_for_timeout(300)  # what was shown last is drawn
    stopped = slider.input_value()
    assert 2 <= int(stopped) < steps
    page.wait_for_timeout(900)
    assert slider.input_value() == stopped
    slider.fill(str(steps - 2))
    page.locator(".explorer-play").click()
    status(page, f"step {steps} of {steps}")
    page.locator(".explorer-play").filter(has_text="Play").wait_for()


def test_pointing_tints_and_keyboard_act_as_in_the_live_window(opened):
    page = opened
    page.locator(".tj-chip").nth(20).hover()
    page.locator(".tj-tip").filter(has_text=" · id ").wait_for()
    page.locator(".tj-ring[visibility=visible]").nth(2).wait_for()
    shades = set()
    for tint in ("norm", "surprise", "entropy"):
        page.locator(f"[data-tint={tint}]").click()
        page.locator(f"[data-tint={tint}][aria-pressed=true]").wait_for()
        page.wait_for_timeout(100)
        shades.add(
            page.locator(".tj-chip").evaluate_all("es => es.map(e => e.style.getPropertyValue('--share')).join()")
        )
    assert len(shades) == 3
    page.locator(".explorer-text").focus()
    for key in ("Home", "ArrowRight", "ArrowRight", "Enter"):
        page.keyboard.press(key)
    page.locator(".tj-in[data-position='2']").wait_for()
    page.locator(".explorer-next-open").click()
    status(page, "step 1 of")
    page.locator(".explorer-norms svg").click(position={"x": 300, "y": 40})
    page.locator(".explorer-status").filter(has_not_text="step 1 of").wait_for()


@pytest.mark.parametrize("opened", ["light", "dark"], indirect=True)
def test_it_is_drawn_in_both_themes(opened, request, tmp_path):
    theme = request.node.callspec.params["opened"]
    background, text = opened.evaluate(
        "[getComputedStyle(document.body).backgroundColor, getComputedStyle(document.body).color]"
    )
    assert (brightness(background) > brightness(text)) == (theme == "light")
    picture = Path(os.environ.get("TOKEN_JOURNEY_SCREENSHOTS") or tmp_path) / f"saved-{theme}.png"
    opened.screenshot(path=picture, full_page=True)
    assert picture.stat().st_size > 20_000


def brightness(colour: str) -> float:
    """Mean of red, green and blue of a CSS colour such as rgb(1, 2, 3)."""
    return sum(float(part) for part in colour.partition("(")[2].rstrip(")").split(",")[:3]) / 3


# ------------------------------------------------------------------------------------------------------- in Firefox


class Firefox:
    """A page of Debian's Firefox, spoken with in WebDriver BiDi, which needs no driver in between."""

    def __init__(self, port: int) -> None:
        deadline = time.monotonic() + PATIENCE
        while True:
            try:
                self.connection = create_connection(
                    f"ws://127.0.0.1:{port}/session", timeout=PATIENCE, suppress_origin=True
                )
                break
            except OSError:
                assert time.monotonic() < deadline, "Firefox does not answer"
                time.sleep(0.3)
        self.numbers = itertools.count()
        self.call("session.new", capabilities={})
        self.context = self.call("browsingContext.getTree")["contexts"][0]["context"]

    def call(self, method: str, **parameters):
        number = next(self.numbers)
        self.connection.send(json.dumps({"id": number, "method": method, "params": parameters}))
        while True:
            answer = json.loads(self.connection.recv())
            if answer.get("id") == number:
                assert answer["type"] == "success", answer
                return answer["result"]

    def ask(self, expression: str):
        """What the expression is in the page: text, a number or True."""
        found = self.call("script.evaluate", expression=expression, target={"context": self.context}, awaitPromise=True)
        assert found["type"] == "success", found
        return found["result"].get("value")

    def press(self, selector: str) -> None:
        """A click of the pointer on the middle of an element."""
        found = self.call(
            "browsingContext.locateNodes", context=self.context, locator={"type": "css", "value": selector}
        )
        origin = {"type": "element", "element": {"sharedId": found["nodes"][0]["sharedId"]}}
        moves = [{"type": "pointerMove", "x": 0, "y": 0, "origin": origin}]
        moves += [{"type": kind, "button": 0} for kind in ("pointerDown", "pointerUp")]
        self.call(
            "input.performActions", context=self.context, actions=[{"type": "pointer", "id": "p", "actions": moves}]
        )

    def wait_for(self, selector: str, words: str = "") -> str:
        deadline = time.monotonic() + PATIENCE
        while words not in (text := self.ask(f"document.querySelector({json.dumps(selector)})?.textContent") or ""):
            assert time.monotonic() < deadline, f"{selector} says {text!r}, not {words!r}"
            time.sleep(0.1)
        return text


@pytest.fixture
def firefox(tmp_path):
    path = shutil.which("firefox-esr") or shutil.which("firefox")
    if path is None:
        pytest.skip("no Firefox found: apt-get install firefox-esr")
    port = free_port()
    command = [path, "--headless", "--no-remote", "--profile", str(tmp_path), f"--remote-debugging-port={port}"]
    process = subprocess.Popen(
        command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, env={**os.environ, "HOME": str(tmp_path)}
    )
    try:
        yield Firefox(port)
    finally:
        process.terminate()
        process.wait(PATIENCE)


def test_it_is_the_same_page_in_firefox(firefox):
    firefox.call("browsingContext.navigate", context=firefox.context, url=SAVED.as_uri(), wait="complete")
    steps = int(firefox.wait_for(".explorer-status", "step ").split()[3])
    firefox.press(".explorer-back")
    firefox.press(".explorer-back")
    firefox.wait_for(".explorer-status", f"step {steps - 2} of {steps}")
    firefox.press(".tj-chip[data-position='2']")
    firefox.wait_for(".explorer-candidates .tj-sentence", "The prompt goes on with")
    firefox.press("[data-tint=surprise]")
    firefox.wait_for("[data-tint=surprise][aria-pressed=true]", "surprise")
    strip = "document.querySelector('.explorer-embedding canvas').getContext('2d').getImageData(0, 0, 9, 1)"
    assert firefox.ask(f"{strip}.data.some(Boolean)")
    assert firefox.ask("document.querySelectorAll('.tj-stage').length") == 3
    for key in ("\ue011", "\ue014", "\ue007"):  # Home, arrow right, Enter, in the text
        firefox.ask("document.querySelector('.explorer-text').focus()")
        actions = [{"type": kind, "value": key} for kind in ("keyDown", "keyUp")]
        firefox.call(
            "input.performActions", context=firefox.context, actions=[{"type": "key", "id": "k", "actions": actions}]
        )
    firefox.wait_for(".tj-in[data-position='1'] bdi")
