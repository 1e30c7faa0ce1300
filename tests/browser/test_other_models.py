"""The same window over other models: our Transformer, and a real LLaMA that takes its time for a token."""

from __future__ import annotations

import pytest
from extras import models_folder, what_is_missing

TRANSFORMER = """
from helpers.models.checkpoint import load_shipped_transformer
explorer = Explorer({"LSTM": load_shipped(), "Transformer": load_shipped_transformer()}, seed=1, speed="10/s")
explorer"""
SMOLLM = """
import os
os.environ["TOKEN_JOURNEY_MODELS"] = {folder!r}
import torch
from helpers.models.pretrained import load_pretrained
torch.set_num_threads(1)
explorer = Explorer({{"SmolLM2": load_pretrained("smollm2-135m-instruct")}}, prompt="Here is a list of animals: cat,",
                    seed=1, speed="full", max_new_tokens=1000)
explorer"""
STEPS = "len(explorer.generation.steps)"


def test_the_transformer_plays_to_its_end_and_looks_back(open_window):
    window = open_window(TRANSFORMER)
    window.part("model").locator("select").select_option("Transformer")
    window.wait_for_status("Started afresh")
    window.move("speed", "ArrowRight", 2)
    window.press("play")
    window.wait_for_status("end token", seconds=60)
    text = window.ask("explorer.generation.text")
    assert text.startswith("One day, Mia")
    assert text.endswith(".")
    window.press("back")
    window.wait_for_status("looking at step")
    assert "128 numbers" in window.part("embedding").locator(".tj-sentence").inner_text()
    assert window.errors == []


def test_smollm_streams_and_a_slider_moved_meanwhile_acts(open_window):
    if missing := what_is_missing("07"):
        pytest.skip(missing)
    window = open_window(SMOLLM.format(folder=str(models_folder())))
    window.press("play")
    window.wait_for_status("running")
    window.wait_until(f"{STEPS} >= 3", seconds=60)
    assert window.move("temperature", "ArrowLeft", 16) == "0.0"
    window.wait_until("explorer.settings.temperature == 0")
    moved = int(window.ask(STEPS))
    window.wait_until(f"{STEPS} >= {moved + 3}", seconds=60)
    window.press("pause")
    window.wait_for_status("paused")
    assert window.ask("explorer.generation.steps[0].settings.temperature") == "0.8"
    assert window.ask("explorer.generation.steps[-1].settings.temperature") == "0.0"
    assert window.ask("explorer.generation.steps[-1].probability") == "1.0"
    assert "576 numbers" in window.part("embedding").locator(".tj-sentence").inner_text()
    assert window.page.locator(".jp-RenderedText[data-mime-type='application/vnd.jupyter.stderr']").count() == 0
    assert window.errors == []
