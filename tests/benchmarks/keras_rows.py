"""The Keras twin beside torch and beside a plain eager Keras loop: one token, and one training step."""

from __future__ import annotations

import numpy as np
import torch
from timing import cpu_microseconds

from helpers.corpus import load_corpus
from helpers.models.lstm import LSTMConfig, LSTMLanguageModel
from helpers.sampling import SamplingSettings
from helpers.streaming import stream
from helpers.tokenizer import Tokenizer
from helpers.training import TrainingConfig, train

TOKENS, UPDATES, ROUNDS = 100, 20, 4
WAY = SamplingSettings(0.8, top_p=0.9)


class Endless:
    """A tokenizer whose texts run on."""

    def __init__(self, tokenizer: Tokenizer) -> None:
        self._tokenizer = tokenizer
        self.eos_ids, self.suppressed_ids = frozenset(), tokenizer.suppressed_ids | tokenizer.eos_ids

    def __getattr__(self, name):
        return getattr(self._tokenizer, name)


def eager_loop(vocab_size: int, embedding_dim: int, hidden_size: int):
    """What many tutorials show: a Keras model as its layers are by default, called once for each token."""
    from helpers.models.keras_twin import keras, layers

    token, h, c = keras.Input([1], dtype="int32"), keras.Input([hidden_size]), keras.Input([hidden_size])
    hidden, *state = layers.LSTM(hidden_size, return_state=True)(
        layers.Embedding(vocab_size, embedding_dim)(token), initial_state=[h, c]
    )
    model = keras.Model([token, h, c], [layers.Dense(vocab_size)(hidden), *state])
    rng = np.random.default_rng(0)

    def run() -> None:
        token_id, state = 2, [keras.ops.zeros((1, hidden_size))] * 2
        for _ in range(TOKENS):
            logits, *state = model([keras.ops.array([[token_id]]), *state])  # all tensors: Keras refuses a mixture
            values = logits.numpy()[0].astype(float) / WAY.temperature
            probabilities = np.exp(values - values.max())
            probabilities /= probabilities.sum()
            order = np.argsort(-probabilities)
            kept = np.cumsum(probabilities[order]) - probabilities[order] < WAY.top_p
            token_id = int(rng.choice(order[kept], p=probabilities[order[kept]] / probabilities[order[kept]].sum()))

    return run


def milliseconds(runs: dict, count: int) -> dict[str, float]:
    """CPU milliseconds for one of a run's `count` units; the first of the rounds traces."""
    return {name: spent / 1e3 for name, spent in cpu_microseconds(runs, count, ROUNDS).items()}


def token_milliseconds(model, twin, tokenizer) -> dict[str, float]:
    def streamed(m):
        return lambda: list(stream(m, Endless(tokenizer), "One day", WAY, max_new_tokens=TOKENS))

    sizes = model.vocab_size, model.embedding_dim, model.config.hidden_size
    runs = {"torch": streamed(model), "twin": streamed(twin), "eager": eager_loop(*sizes)}
    return milliseconds(runs, TOKENS)


def step_milliseconds(model, twin, tokenizer, texts) -> dict[str, float]:
    from helpers.models.keras_twin import train_twin

    def updates(run, m):
        endless = run(m, tokenizer, texts, TrainingConfig(updates=ROUNDS * UPDATES))  # one graph for all rounds
        return lambda: [next(endless) for _ in range(UPDATES)]

    return milliseconds({"torch": updates(train, model), "twin": updates(train_twin, twin)}, UPDATES)


def keras_rows() -> list[str]:
    """Ours in torch and in Keras, both with the full record of each token, and the eager loop without any."""
    from helpers.models.keras_twin import from_torch, tf

    tf.config.threading.set_intra_op_parallelism_threads(1)  # as torch here; TensorFlow takes this at its start alone
    tf.config.threading.set_inter_op_parallelism_threads(1)
    corpus = load_corpus()
    tokenizer = Tokenizer.train(corpus.train, 1800)
    model = LSTMLanguageModel(LSTMConfig(tokenizer.vocab_size, tied=True), seed=0)
    with torch.no_grad():
        model.embedding.weight.mul_(30)  # as peaked as a trained model, so that top-p has a usual nucleus
    # first, since after training in the same process every token, compiled or not, costs more
    token = token_milliseconds(model, from_torch(model), tokenizer)
    model = LSTMLanguageModel(model.config, seed=0)
    step = step_milliseconds(model, from_torch(model), tokenizer, corpus.train)
    return [
        "| LSTM, D 64, H 128, tied, V 1,800, float32: CPU ms | one token | one training step of 8 texts |",
        "|---|---|---|",
        f"| torch, with the full record of each token | {token['torch']:.2f} | {step['torch']:.0f} |",
        f"| Keras twin, compiled, with the full record of each token | {token['twin']:.2f} | {step['twin']:.0f} |",
        f"| plain eager Keras loop; no record | {token['eager']:.2f} | |",
        f"| the twin is faster than the eager loop | {token['eager'] / token['twin']:.1f} times | |",
    ]
