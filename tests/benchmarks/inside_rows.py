"""What a look inside each step costs: on the models that come with the lessons, on SmolLM2, beside TransformerLens."""

from __future__ import annotations

import importlib.util
import time

import numpy as np
import torch
from keras_rows import Endless
from timing import cpu_microseconds

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


def peer_rows(model, tokenizer) -> list[str]:
    """TransformerLens, which keeps every activation of every layer, on a GPT-2 of the same sizes as ours."""
    from transformer_lens import HookedTransformer, HookedTransformerConfig

    c = model.config
    peer = HookedTransformer(
        HookedTransformerConfig(
            n_layers=c.layers,
            n_heads=c.heads,
            d_model=c.embedding_dim,
            d_head=c.embedding_dim // c.heads,
            n_ctx=c.context_length,
            d_vocab=c.vocab_size,
            act_fn="gelu_new",
            seed=0,
        )
    )
    ids = torch.randint(4, c.vocab_size, (1, 60), generator=torch.Generator().manual_seed(0))
    with torch.no_grad():
        spent = cpu_microseconds({"plain": lambda: peer(ids), "cached": lambda: peer.run_with_cache(ids)}, 1, rounds=20)
    plain, cached = spent.values()
    return [
        "| TransformerLens, the same sizes, a text of 60 tokens at once "
        f"| {plain:,.0f} | {cached:,.0f} | {cached / plain:.2f} |"
    ]


def inside_rows() -> list[str]:
    rows = [
        "| CPU µs for one step | not asked | `inside` of each step | ratio (median of seven pairs) |",
        "|---|---|---|---|",
    ]
    for name, load in {"LSTM": load_shipped, "Transformer": load_shipped_transformer}.items():
        model, tokenizer = load()
        rows.append(row(f"{name}, float32", model.float(), tokenizer, 150, "vocabulary"))
    if importlib.util.find_spec("transformer_lens"):
        rows += peer_rows(*load_shipped_transformer())
    if (models_folder() / SMOLLM).is_dir():
        from helpers.models.pretrained import load_pretrained

        model, tokenizer = load_pretrained(SMOLLM)
        rows.append(row("SmolLM2-135M", model, tokenizer, 12, "candidates"))
    return rows
