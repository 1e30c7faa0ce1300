"""The twin in the live window: it streams, it obeys a slider, and the page has nothing to complain of."""

from __future__ import annotations

import pytest
from extras import what_is_missing

if missing := what_is_missing("08"):
    pytest.skip(missing, allow_module_level=True)

TWIN = """from helpers.models.keras_twin import from_torch
lstm, tokenizer = load_all()["untrained"]
models = {"torch": (lstm, tokenizer), "Keras twin": (from_torch(lstm), tokenizer)}
explorer = Explorer(models, seed=2, speed="10/s", max_new_tokens=1000)
explorer"""
STEPS = "len(explorer.generation.steps)"
TEXT = "explorer.generation.text"


@pytest.fixture
def window(open_window):
    page = open_window(TWIN)
    yield page
    assert page.errors == []


def test_the_twin_streams_the_text_of_torch_and_obeys_its_slider(window):
    for _ in range(4):
        window.press("step")
    window.wait_until(f"{STEPS} == 4")
    by_torch = window.ask(TEXT)
    window.part("model").locator("select").select_option("Keras twin")
    window.wait_for_status("Started afresh")
    window.press("play")
    window.wait_for_status("running")
    window.wait_until(f"{STEPS} >= 5")
    assert window.ask(TEXT).startswith(by_torch)
    assert window.move("temperature", "ArrowRight", 6) == "1.1"
    window.wait_until("explorer.settings.temperature == 1.1")
    moved = int(window.ask(STEPS))
    window.wait_until(f"{STEPS} >= {moved + 2}")
    window.press("pause")
    window.wait_for_status("paused")
    assert window.ask("explorer.generation.steps[-1].settings.temperature") == "1.1"
    assert window.page.locator(".jp-RenderedText[data-mime-type='application/vnd.jupyter.stderr']").count() == 0
