"""Do the sliders have something to do? Shares of the steps of a model's stories, before temperature, top-k and top-p.

python tests/sliders.py     prints one table (about half a minute)
"""

from __future__ import annotations

import argparse
from collections.abc import Iterable, Iterator
from pathlib import Path

import numpy as np
import torch

from helpers.models.checkpoint import load_checkpoint, load_shipped, load_shipped_transformer
from helpers.sampling import apply_temperature, draw, keep_top_p, largest_ids

STORIES = 50
LONGEST = 250  # tokens, as in coherence.py
SHOWN = 8  # candidates that the live window shows
LOW, HIGH = 0.8, 1.2  # the temperatures compared
POINT = 0.01
SHARES = {
    "certain": "first probability above .99",
    "graded": "graded: not certain, and the first at least 1.5 times the last candidate above 1 %",
    "moves": "one of the first eight moves by a point or more between T .8 and 1.2",
    "candidates": "the set of candidates with 1 % or more differs between T .8 and 1.2",
    "nucleus": "the nucleus of top-p .9 differs between T .8 and 1.2",
    "cut": "top-p .9 removes a candidate of 1 % or more",
    "draw": "the same random number draws another token at .8 than at 1.2",
}


def what_sliders_do(logits: np.ndarray) -> dict[str, float]:
    """For one step: each of SHARES as 0 or 1, and "draw" as the share of all random numbers. logits: (V,)."""
    model, low, high = (apply_temperature(logits, temperature) for temperature in (1.0, LOW, HIGH))
    shown = largest_ids(model, SHOWN)
    first, last = model[shown[0]], [p for p in model[shown] if p >= POINT][-1]
    certain = first > 0.99
    return {
        "certain": certain,
        "graded": not certain and first >= 1.5 * last,
        "moves": np.abs(low - high)[shown].max() >= POINT,
        "candidates": bool(((low >= POINT) != (high >= POINT)).any()),
        "nucleus": bool(((keep_top_p(low, 0.9) > 0) != (keep_top_p(high, 0.9) > 0)).any()),
        "cut": bool(((keep_top_p(model, 0.9) == 0) & (model >= POINT)).any()),
        "draw": share_of_other_draws(low, high),
    }


def share_of_other_draws(low: np.ndarray, high: np.ndarray) -> float:
    """The share of random numbers from 0 to 1 that draw one token from `low` and another from `high`."""
    ends_low, ends_high = low.cumsum(), high.cumsum()
    starts = np.maximum(ends_low - low, ends_high - high)
    return float(1 - np.maximum(np.minimum(ends_low, ends_high) - starts, 0).sum())


def shares(many_logits: Iterable[np.ndarray]) -> tuple[dict[str, float], int]:
    """The mean of each of SHARES over all steps, and how many steps there were."""
    rows = [what_sliders_do(logits) for logits in many_logits]
    return {name: float(np.mean([row[name] for row in rows])) for name in SHARES}, len(rows)


def logits_of_stories(model, tokenizer, stories: int = STORIES) -> Iterator[np.ndarray]:
    """The logits (V,) of each step of stories at temperature 1, with the seeds 0, 1, 2, …"""
    for seed in range(stories):
        rng, token_ids, state = np.random.default_rng(seed), [tokenizer.bos_id], None
        for _ in range(LONGEST):
            logits, state = model.advance(token_ids, state)
            logits = np.array(logits, dtype=np.float64)
            logits[list(tokenizer.suppressed_ids)] = -np.inf
            yield logits
            token_ids = [draw(apply_temperature(logits, 1.0), rng)]
            if token_ids[0] in tokenizer.eos_ids:
                break


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--model", choices=["lstm", "transformer"], default="lstm")
    parser.add_argument("--folder", type=Path, help="another checkpoint than the one that comes with the lessons")
    options = parser.parse_args()
    torch.set_num_threads(1)
    if options.folder:
        model, tokenizer = load_checkpoint(options.folder)
    else:
        model, tokenizer = load_shipped() if options.model == "lstm" else load_shipped_transformer()
    found, steps = shares(logits_of_stories(model, tokenizer))
    print(f"| share of {steps:,} steps, {STORIES} stories at temperature 1 | |\n|---|---|")
    for name, share in found.items():
        print(f"| {SHARES[name]} | {share:.1%} |")


if __name__ == "__main__":
    main()
