"""Measure beside the plain loop that most tutorials use, in one run, and write the table into README.md (make bench).

Training: held-out bits per byte after equal CPU seconds. Streaming: microseconds for one token. Ratios matter; the
absolute figures belong to the machine and the day.
"""

from __future__ import annotations

import argparse
import datetime
import platform
import re
import time
from pathlib import Path

import numpy as np
import torch
from torch import nn

from helpers.corpus import load_corpus
from helpers.model import LanguageModelOutput, LSTMConfig, LSTMLanguageModel
from helpers.sampling import SamplingSettings
from helpers.streaming import stream
from helpers.tokenizer import Tokenizer
from helpers.training import batch_loss, evaluate, make_batch, train

README = Path(__file__).resolve().parents[2] / "README.md"
MARKS = (10, 30, 60, 90)  # CPU seconds
TEMPERATURE, TOP_P = 0.8, 0.9
TOKENS = 300


class PlainModel(nn.Module):
    """Embedding, LSTM, Linear, all as torch sets them up."""

    def __init__(self, vocab_size: int, embedding_dim: int = 64, hidden_size: int = 128) -> None:
        super().__init__()
        self.embedding = nn.Embedding(vocab_size, embedding_dim)
        self.lstm = nn.LSTM(embedding_dim, hidden_size, batch_first=True)
        self.output = nn.Linear(hidden_size, vocab_size)

    def forward(self, ids, state=None):
        embeddings = self.embedding(ids)
        hidden, state = self.lstm(embeddings, state)
        return LanguageModelOutput(self.output(hidden), state, embeddings)


# ----------------------------------------------------------------------------------------------------------- training


def plain_updates(model, tokenizer, texts, rate):
    """The minimal loop: a constant rate, batches as they come."""
    rng = np.random.default_rng(0)
    encoded = [tokenizer.encode(text) for text in texts]
    optimizer = torch.optim.Adam(model.parameters(), lr=rate)
    while True:
        batch = make_batch([encoded[i] for i in rng.choice(len(encoded), 8, replace=False)], tokenizer)
        loss = batch_loss(model, batch)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        yield loss


def curve(model, tokenizer, updates, validation) -> list[float]:
    """Held-out bits per byte at each mark, in CPU seconds of this process; the measuring itself does not count."""
    spent, bits = 0.0, []
    for mark in MARKS:
        started = time.process_time()
        for _ in updates:
            if spent + time.process_time() - started >= mark:
                break
        spent += time.process_time() - started
        bits.append(evaluate(model, tokenizer, validation))
    return bits


def training_rows(corpus, tokenizer) -> list[str]:
    rows = []
    seconds_per_update = measured_update(corpus, tokenizer)
    for tied in (True, False):
        # one_cycle must know how many updates the time allows; the last mark is the end of its cycle
        updates = int(MARKS[-1] / seconds_per_update[tied])
        model = LSTMLanguageModel(LSTMConfig(tokenizer.vocab_size, tied=tied), seed=0)
        run = train(model, tokenizer, corpus.train, updates=updates, peak_learning_rate=2e-2)
        rows.append(
            row(f"ours, {'tied' if tied else 'own output layer'}", curve(model, tokenizer, run, corpus.validation))
        )
    for rate in (1e-3, 5e-3):
        torch.manual_seed(0)
        model = PlainModel(tokenizer.vocab_size)
        run = plain_updates(model, tokenizer, corpus.train, rate)
        rows.append(row(f"plain loop, rate {rate:g}", curve(model, tokenizer, run, corpus.validation)))
    floor = f"| the floor | {' | '.join([f'{corpus.floor_bits_per_byte:.3f}'] * len(MARKS))} |"
    head = "| held-out bits per byte after | " + " | ".join(f"{mark} CPU s" for mark in MARKS) + " |"
    return [head, "|---" * (len(MARKS) + 1) + "|", *rows, floor]


def measured_update(corpus, tokenizer) -> dict[bool, float]:
    seconds = {}
    for tied in (True, False):
        model = LSTMLanguageModel(LSTMConfig(tokenizer.vocab_size, tied=tied), seed=0)
        run = train(model, tokenizer, corpus.train, updates=80)
        for _ in range(20):
            next(run)
        started = time.process_time()
        seconds[tied] = sum(1 for _ in run) and (time.process_time() - started) / 60
    return seconds


def row(name: str, values: list[float]) -> str:
    return f"| {name} | " + " | ".join(f"{value:.3f}" for value in values) + " |"


# ---------------------------------------------------------------------------------------------------------- streaming


class Ids:
    """A tokenizer of the size that is asked for, which costs nothing: what is measured is the model and the sampler."""

    eos_ids, suppressed_ids = frozenset({3}), frozenset({0, 1, 2, 3})

    def encode_prompt(self, text):
        return [2, 7, 8, 9]

    def decode(self, ids):
        return ""

    def piece(self, token_id):
        return str(token_id)

    def text_stream(self):
        return self

    def feed(self, token_id):
        return ""

    def finish(self):
        return ""


def ours(vocab_size: int) -> float:
    model = LSTMLanguageModel(LSTMConfig(vocab_size, tied=True), seed=0)
    with torch.no_grad():
        model.embedding.weight.mul_(30)  # as peaked as a trained model, so that top-p has a usual nucleus
    settings = SamplingSettings(TEMPERATURE, top_p=TOP_P)
    return per_token(lambda: list(stream(model, Ids(), "", settings, max_new_tokens=TOKENS)))


@torch.no_grad()
def plain(vocab_size: int) -> float:
    torch.manual_seed(0)
    model = PlainModel(vocab_size)
    model.output.weight.mul_(30)

    def run():
        ids, state = torch.tensor([[2, 7, 8, 9]]), None
        for _ in range(TOKENS):
            logits, state, _ = model(ids, state)
            probabilities, order = torch.sort(torch.softmax(logits[0, -1] / TEMPERATURE, dim=-1), descending=True)
            probabilities[probabilities.cumsum(0) - probabilities >= TOP_P] = 0
            ids = order[torch.multinomial(probabilities, 1)][None]

    return per_token(run)


def library(vocab_size: int) -> float:
    """transformers' generate on a GPT-2 of about as many weights, with its cache."""
    from transformers import GPT2Config, GPT2LMHeadModel

    config = GPT2Config(vocab_size=vocab_size, n_positions=512, n_embd=64, n_layer=2, n_head=2, eos_token_id=None)
    model = GPT2LMHeadModel(config).eval()
    prompt = torch.tensor([[2, 7, 8, 9]])
    options = {
        "do_sample": True,
        "temperature": TEMPERATURE,
        "top_p": TOP_P,
        "max_new_tokens": TOKENS,
        "pad_token_id": 0,
    }
    return per_token(lambda: model.generate(prompt, attention_mask=torch.ones_like(prompt), **options))


def per_token(run) -> float:
    """Microseconds for one token, the best of three runs: the least disturbed one."""
    best = float("inf")
    for _ in range(3):
        started = time.perf_counter()
        run()
        best = min(best, time.perf_counter() - started)
    return best / TOKENS * 1e6


def streaming_rows() -> list[str]:
    ways = {
        "ours, with the full record of each token": ours,
        "plain loop: nn.LSTM, softmax, full sort; no record": plain,
        "for orientation: `transformers` generate, GPT-2 of two layers": library,
    }
    rows = ["| µs for one token (float32) | V 1,500 | V 64,000 |", "|---|---|---|"]
    for name, measure in ways.items():
        rows.append(f"| {name} | {measure(1_500):,.0f} | {measure(64_000):,.0f} |")
    return rows


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--only", choices=["training", "streaming"])
    only = parser.parse_args().only
    torch.set_num_threads(1)
    parts = []
    if only != "training":
        parts.append("\n".join(streaming_rows()))
    if only != "streaming":
        corpus = load_corpus()
        parts.append("\n".join(training_rows(corpus, Tokenizer.train(corpus.train, 1800))))
    day, machine = datetime.date.today(), f"{platform.machine()}, one thread, torch {torch.__version__}"
    table = f"Measured on {day} ({machine}), one seed, one run:\n\n" + "\n\n".join(parts)
    print(table)
    if only is None:
        text = README.read_text(encoding="utf-8")
        text = re.sub(r"(<!-- bench -->\n).*?(<!-- /bench -->)", lambda m: f"{m[1]}{table}\n{m[2]}", text, flags=re.S)
        README.write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
