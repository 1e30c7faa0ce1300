"""Pictures of the live window in both themes; `make screenshots` puts them where README and lesson 00 show them."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

SCENE = """
explorer = Explorer({"shipped": load_shipped()}, prompt="One day, Mia", seed=3)
explorer.run(14)
explorer._controls.filters["temperature"].value = 1.2
explorer.run(18)
explorer
"""


@pytest.mark.parametrize("lab", ["light", "dark"], indirect=True)
def test_the_window_is_drawn_in_both_themes(open_window, tmp_path, request):
    theme = request.node.callspec.params["lab"]
    window = open_window(SCENE, size=(1280, 1000))
    window.press("back")
    window.wait_for_status("looking at step 31 of 32")
    whole = window.page.locator(".explorer")
    background = whole.evaluate("e => getComputedStyle(e.closest('.jp-Notebook')).backgroundColor")
    text = window.part("text").locator(".tj-chip").last.evaluate("e => getComputedStyle(e).color")
    assert (brightness(background) > brightness(text)) == (theme == "light")
    assert abs(brightness(background) - brightness(text)) > 120  # of 255: dark on light, or light on dark
    picture = Path(os.environ.get("TOKEN_JOURNEY_SCREENSHOTS") or tmp_path) / f"window-{theme}.png"
    whole.screenshot(path=picture)
    assert picture.stat().st_size > 20_000
    assert window.errors == []


def brightness(colour: str) -> float:
    """Mean of red, green and blue of a CSS colour such as rgb(1, 2, 3)."""
    return sum(float(part) for part in colour.partition("(")[2].rstrip(")").split(",")[:3]) / 3
