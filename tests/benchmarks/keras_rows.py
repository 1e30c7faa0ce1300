"""The Keras twin beside torch and beside a plain eager Keras loop: one token, and one training step."""

from __future__ import annotations

import time

import numpy as np

from helpers.corpus import load_corpus
from helpers.model import LSTMConfig, LSTMLanguageModel
from helpers.sampling import SamplingSettings
from helpers.streaming import stream
from helpers.tokenizer import Tokenizer
from helpers.training import train

TOKENS, UPDATES, ROUNDS = 100, 20, 4
WAY = SamplingSettings(0.8, top_p=0.9)


class Endless:
    """A tokenizer whose texts run on."""

    def __init__(self, tokenizer: Tokenizer) -> None:
        self._tokenizer = tokenizer
        self.eos_ids, self.suppressed_ids = frozenset(), tokenizer.suppressed_ids | tokenizer.eos_ids

    def __getattr__(self, name):
        return getattr(self._tokenizer, name)


def eager_loop(twin):
    """What many tutorials show: Keras's layers called once for each token, with softmax and full sort behind them."""
    layers = twin.embedding, twin.lstm, twin.head, twin.embedding
    rng = np.random.default_rng(0)

    def run() -> None:
        look_up, lstm, project, table = layers
        token_id, state = 2, None
        for _ in range(TOKENS):
            hidden, *state = lstm(look_up(np.array([[token_id]])), initial_state=state)
            logits = table(project(hidden), reverse=True) + twin.output_bias
            values = logits.numpy()[0, -1].astype(float) / WAY.temperature
            probabilities = np.exp(values - values.max())
            probabilities /= probabilities.sum()
            order = np.argsort(-probabilities)
            kept = np.cumsum(probabilities[order]) - probabilities[order] < WAY.top_p
            token_id = int(rng.choice(order[kept], p=probabilities[order[kept]] / probabilities[order[kept]].sum()))

    return run


def milliseconds(runs: dict, count: int) -> dict[str, float]:
    """CPU milliseconds for one of a run's `count` units: run in turn, best of all rounds (the first one traces)."""
    best = dict.fromkeys(runs, float("inf"))
    for _ in range(ROUNDS):
        for name, run in runs.items():
            started = time.process_time()
            run()
            best[name] = min(best[name], (time.process_time() - started) / count * 1e3)
    return best


def token_milliseconds(model, twin, tokenizer) -> dict[str, float]:
    def streamed(m):
        return lambda: list(stream(m, Endless(tokenizer), "One day", WAY, max_new_tokens=TOKENS))

    runs = {"torch": streamed(model), "twin": streamed(twin), "eager": eager_loop(twin)}
    return milliseconds(runs, TOKENS)


def step_milliseconds(model, twin, tokenizer, texts) -> dict[str, float]:
    from helpers.keras_twin import train_twin

    def updates(run, m):
        endless = run(m, tokenizer, texts, updates=ROUNDS * UPDATES)  # one graph for all rounds
        return lambda: [next(endless) for _ in range(UPDATES)]

    return milliseconds({"torch": updates(train, model), "twin": updates(train_twin, twin)}, UPDATES)


def keras_rows() -> list[str]:
    """Ours in torch and in Keras, both with the full record of each token, and the eager loop without any."""
    from helpers.keras_twin import twin_of

    corpus = load_corpus()
    tokenizer = Tokenizer.train(corpus.train, 1800)
    model = LSTMLanguageModel(LSTMConfig(tokenizer.vocab_size, tied=True), seed=0)
    twin = twin_of(model)
    token = token_milliseconds(model, twin, tokenizer)
    step = step_milliseconds(model, twin, tokenizer, corpus.train)
    return [
        "| LSTM, D 64, H 128, tied, V 1,800, float32: CPU ms | one token | one training step of 8 texts |",
        "|---|---|---|",
        f"| torch, with the full record of each token | {token['torch']:.2f} | {step['torch']:.0f} |",
        f"| Keras twin, compiled, with the full record of each token | {token['twin']:.2f} | {step['twin']:.0f} |",
        f"| plain eager Keras loop; no record | {token['eager']:.2f} | |",
        f"| the twin is faster than the eager loop | {token['eager'] / token['twin']:.1f} times | |",
    ]
