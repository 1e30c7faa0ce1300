"""What a look inside each step costs, on the models that come with the lessons and on SmolLM2."""

from __future__ import annotations

import time

import numpy as np
from keras_rows import Endless

from helpers.models.checkpoint import load_shipped, load_shipped_transformer
from helpers.models.pretrained_files import SMOLLM, models_folder
from helpers.sampling import SamplingSettings
from helpers.streaming import Generation

SETTINGS, ROUNDS = SamplingSettings(temperature=0.8, top_p=0.9), 7


def step_microseconds(model, tokenizer, tokens: int, lens: str | None) -> float:
    """CPU microseconds of one step, looked into if `lens` says how."""
    generation = Generation(model, Endless(tokenizer), "One day, Mia", seed=1)
    generation.step(SETTINGS)
    began = time.process_time()
    for index in range(1, tokens + 1):
        generation.step(SETTINGS)
        if lens:
            generation.inside(index, lens=lens)
    return (time.process_time() - began) / tokens * 1e6


def row(name: str, model, tokenizer, tokens: int, lens: str) -> str:
    """Steps with and without a look, in turn: the median ratio, beside the best times."""
    pairs = [[step_microseconds(model, tokenizer, tokens, way) for way in (None, lens)] for _ in range(ROUNDS)]
    without, with_look = np.array(pairs).min(axis=0)
    ratio = float(np.median([look / bare for bare, look in pairs]))
    return f"| {name}, lens on the {lens} | {without:,.0f} | {with_look:,.0f} | {ratio:.2f} |"


def inside_rows() -> list[str]:
    rows = [
        "| CPU µs for one step | not asked | `inside` of each step | ratio (median of seven pairs) |",
        "|---|---|---|---|",
    ]
    for name, load in {"LSTM": load_shipped, "Transformer": load_shipped_transformer}.items():
        model, tokenizer = load()
        rows.append(row(f"{name}, float32", model.float(), tokenizer, 150, "vocabulary"))
    if (models_folder() / SMOLLM).is_dir():
        from helpers.models.pretrained import load_pretrained

        model, tokenizer = load_pretrained(SMOLLM)
        rows.append(row("SmolLM2-135M", model, tokenizer, 12, "candidates"))
    return rows
