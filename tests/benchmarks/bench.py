"""Measure beside the plain loop that most tutorials use, and write the tables into README.md beside it (make bench).

Training: held-out bits per byte after equal CPU seconds. Streaming: microseconds for one token. Ratios matter; the
absolute figures belong to the machine and the day.
"""

from __future__ import annotations

import argparse
import datetime
import itertools
import math
import platform
import re
import time
from pathlib import Path

import numpy as np
import torch
from inside_rows import inside_rows
from keras_rows import keras_rows
from many_rows import many_rows
from real_models import real_model_rows
from timing import cpu_microseconds
from torch import nn
from window import window_rows

from helpers.corpus import load_corpus
from helpers.models.lstm import LSTMConfig, LSTMLanguageModel
from helpers.models.output import LanguageModelOutput
from helpers.models.transformer import TransformerConfig, TransformerLanguageModel
from helpers.sampling import SamplingSettings
from helpers.streaming import stream
from helpers.tokenizer import Tokenizer
from helpers.training import TrainingConfig, batch_loss, evaluate, make_batch, train
from helpers.training.baselines import KneserNey

README = Path(__file__).with_name("README.md")
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


class SmallGPT(nn.Module):
    """The design and the CPU size of nanoGPT (github.com/karpathy/nanoGPT): 4 pre-norm layers, 4 heads, D 128, tied."""

    def __init__(self, vocab_size: int, dim: int = 128, layers: int = 4, heads: int = 4, context: int = 256) -> None:
        super().__init__()
        self.embedding, self.positions = nn.Embedding(vocab_size, dim), nn.Embedding(context, dim)
        block = nn.TransformerEncoderLayer(dim, heads, 4 * dim, 0.0, "gelu", batch_first=True, norm_first=True)
        self.blocks = nn.TransformerEncoder(block, layers, nn.LayerNorm(dim), enable_nested_tensor=False)
        for name, weights in self.named_parameters():
            if weights.dim() > 1:
                nn.init.normal_(
                    weights, std=0.02 / (2 * layers) ** 0.5 if "out_proj" in name or "linear2" in name else 0.02
                )

    def forward(self, ids):
        embeddings = self.embedding(ids)
        mask = nn.Transformer.generate_square_subsequent_mask(ids.shape[1])
        hidden = self.blocks(embeddings + self.positions.weight[: ids.shape[1]], mask, is_causal=True)
        return LanguageModelOutput(hidden @ self.embedding.weight.T, None, embeddings)


# ----------------------------------------------------------------------------------------------------------- training


def gpt_updates(model, tokenizer, texts, updates):
    """nanoGPT's schedule: AdamW, warm-up to 1e-3, cosine down to a tenth, clip 1."""
    rng = np.random.default_rng(0)
    encoded = [tokenizer.encode(text) for text in texts]
    optimizer = torch.optim.AdamW(model.parameters(), lr=1e-3, betas=(0.9, 0.99), weight_decay=0.1)
    for step in range(updates):
        cosine = 0.5 * (1 + math.cos(math.pi * min(1, step / updates)))
        optimizer.param_groups[0]["lr"] = 1e-3 * min((step + 1) / 100, 0.1 + 0.9 * cosine)
        loss = batch_loss(
            model, make_batch([encoded[i] for i in rng.choice(len(encoded), 8, replace=False)], tokenizer)
        )
        optimizer.zero_grad()
        loss.backward()
        nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
        yield loss


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
    """One row a recipe. A schedule must know how many updates the last mark allows, so an update is timed first."""
    texts, size = corpus.train, tokenizer.vocab_size

    def lstm(tied):
        model = LSTMLanguageModel(LSTMConfig(size, tied=tied), seed=0)
        return model, lambda updates: train(
            model, tokenizer, texts, TrainingConfig(updates=updates, peak_learning_rate=2e-2)
        )

    def gpt():
        torch.manual_seed(0)
        model = SmallGPT(size)
        return model, lambda updates: gpt_updates(model, tokenizer, texts, updates)

    def loop(rate):
        torch.manual_seed(0)
        model = PlainModel(size)
        return model, lambda updates: itertools.islice(plain_updates(model, tokenizer, texts, rate), updates)

    recipes = {
        "ours, tied": lambda: lstm(True),
        "ours, own output layer": lambda: lstm(False),
        "GPT of nanoGPT's design": gpt,
        "plain loop, rate 0.001": lambda: loop(1e-3),
        "plain loop, rate 0.005": lambda: loop(5e-3),
    }
    rows = []
    for name, make in recipes.items():
        updates = int(0.95 * MARKS[-1] / seconds_per_update(*make()))
        model, run = make()
        values = curve(model, tokenizer, run(updates), corpus.validation)
        rows.append(row(f"{name} ({updates:,} updates)", values))
    counted = row(
        "5-gram, Kneser-Ney (2 s)", [KneserNey(tokenizer, texts).bits_per_byte(corpus.validation)] * len(MARKS)
    )
    rows += [counted, row("the floor", [corpus.floor_bits_per_byte] * len(MARKS))]
    head = "| held-out bits per byte after | " + " | ".join(f"{mark} CPU s" for mark in MARKS) + " |"
    return [head, "|---" * (len(MARKS) + 1) + "|", *rows]


def seconds_per_update(model, run) -> float:
    updates = run(80)
    for _ in range(20):
        next(updates)
    started = time.process_time()
    return sum(1 for _ in updates) and (time.process_time() - started) / 60


def row(name: str, values: list[float]) -> str:
    return f"| {name} | " + " | ".join(f"{value:.3f}" for value in values) + " |"


# ---------------------------------------------------------------------------------------------------------- streaming


class Ids:
    """A tokenizer of the size that is asked for, which costs nothing: what is measured is the model and the sampler."""

    eos_ids, suppressed_ids = frozenset({3}), frozenset({0, 1, 2, 3})

    def __init__(self, vocab_size: int) -> None:
        self.vocab_size = vocab_size

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


def ours(vocab_size: int):
    model = LSTMLanguageModel(LSTMConfig(vocab_size, tied=True), seed=0)
    with torch.no_grad():
        model.embedding.weight.mul_(30)  # as peaked as a trained model, so that top-p has a usual nucleus
    settings = SamplingSettings(TEMPERATURE, top_p=TOP_P)
    return lambda: list(stream(model, Ids(model.vocab_size), "", settings, max_new_tokens=TOKENS))


def plain(vocab_size: int):
    torch.manual_seed(0)
    model = PlainModel(vocab_size)
    with torch.no_grad():
        model.output.weight.mul_(30)

    @torch.no_grad()
    def run():
        ids, state = torch.tensor([[2, 7, 8, 9]]), None
        for _ in range(TOKENS):
            logits, state, _ = model(ids, state)
            probabilities, order = torch.sort(torch.softmax(logits[0, -1] / TEMPERATURE, dim=-1), descending=True)
            probabilities[probabilities.cumsum(0) - probabilities >= TOP_P] = 0
            ids = order[torch.multinomial(probabilities, 1)][None]

    return run


def library(vocab_size: int):
    """transformers' generate on a GPT-2 of about as many weights, with its cache."""
    from transformers import GPT2Config, GPT2LMHeadModel

    config = GPT2Config(
        vocab_size=vocab_size,
        n_positions=512,
        n_embd=64,
        n_layer=2,
        n_head=2,
        bos_token_id=None,
        eos_token_id=None,
    )
    model = GPT2LMHeadModel(config).eval()
    prompt = torch.tensor([[2, 7, 8, 9]])
    options = {
        "do_sample": True,
        "temperature": TEMPERATURE,
        "top_p": TOP_P,
        "max_new_tokens": TOKENS,
        "pad_token_id": 0,
    }
    return lambda: model.generate(prompt, attention_mask=torch.ones_like(prompt), **options)


def streaming_rows() -> list[str]:
    ways = {
        "ours, with the full record of each token": ours,
        "plain loop: nn.LSTM, softmax, full sort; no record": plain,
        "for orientation: `transformers` generate, GPT-2 of two layers": library,
    }
    sizes = (1_600, 64_000)
    times = [cpu_microseconds({name: way(size) for name, way in ways.items()}, TOKENS) for size in sizes]
    rows = ["| µs for one token (float32) | " + " | ".join(f"V {size:,}" for size in sizes) + " |", "|---|---|---|"]
    rows += [f"| {name} | " + " | ".join(f"{column[name]:,.0f}" for column in times) + " |" for name in ways]
    first, second = list(ways)[:2]
    ratios = " | ".join(f"{column[second] / column[first]:.1f} times" for column in times)
    return [*rows, f"| ours is faster than the plain loop | {ratios} |"]


def transformer_rows() -> list[str]:
    """GPTs of one configuration: ours, with the full record, beside transformers' cached generate; and our cache."""
    from transformers import GPT2Config, GPT2LMHeadModel

    ours = TransformerLanguageModel(TransformerConfig(1_800), seed=0)
    with torch.no_grad():
        ours.embedding.weight.mul_(20)
    c = ours.config
    config = GPT2Config(
        vocab_size=c.vocab_size,
        n_positions=c.context_length,
        n_embd=c.embedding_dim,
        n_layer=c.layers,
        n_head=c.heads,
        bos_token_id=None,
        eos_token_id=None,
    )
    theirs, prompt = GPT2LMHeadModel(config).eval(), torch.tensor([[2, 7, 8, 9]])
    options = {"do_sample": True, "temperature": TEMPERATURE, "top_p": TOP_P, "max_new_tokens": 200, "pad_token_id": 0}
    settings = SamplingSettings(TEMPERATURE, top_p=TOP_P)
    ways = {
        "ours, with the full record": lambda: list(stream(ours, Ids(1_800), "", settings, max_new_tokens=200)),
        "`transformers` generate with its cache": lambda: theirs.generate(
            prompt, attention_mask=torch.ones_like(prompt), **options
        ),
    }
    mine, other = cpu_microseconds(ways, 200).values()
    rows = ["| GPT, 2 layers, D 128, V 1,800: µs for one token | |", "|---|---|"]
    rows += [f"| {name} | {value:,.0f} |" for name, value in zip(ways, (mine, other), strict=True)]
    rows.append(f"| ours is faster | {other / mine:.1f} times |")
    for length in (16, 256):
        ids = list(range(4, 3 + length))
        _, state = ours.advance(ids)
        once = {
            "with": lambda state=state, length=length: ours.advance([3], ours.rewind(state, length - 1)),
            "without": lambda ids=ids: ours.advance([*ids, 3]),
        }
        cached, uncached = (cpu_microseconds({k: repeated(run)}, 50)[k] for k, run in once.items())
        rows.append(f"| token {length}: logits with the cache, without it | {cached:,.0f}, {uncached:,.0f} |")
    return rows


def repeated(run):
    return lambda: [run() for _ in range(50)]


def training_part() -> list[str]:
    corpus = load_corpus()
    return training_rows(corpus, Tokenizer.train(corpus.train, 1800))


PARTS = {
    "streaming": streaming_rows,
    "transformer": transformer_rows,
    "window": window_rows,
    "inside": inside_rows,
    "real": real_model_rows,
    "keras": keras_rows,
    "training": training_part,
    "many": many_rows,
}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--only", choices=PARTS)
    only = parser.parse_args().only
    torch.set_num_threads(1)
    parts = ["\n".join(rows()) for name, rows in PARTS.items() if only in (None, name)]
    day, machine = datetime.date.today(), f"{platform.machine()}, one thread, torch {torch.__version__}"
    table = f"Measured on {day} ({machine}), one seed, one run:\n\n" + "\n\n".join(parts)
    print(table)
    if only is None:
        text = README.read_text(encoding="utf-8")
        text = re.sub(r"(<!-- bench -->\n).*?(<!-- /bench -->)", lambda m: f"{m[1]}{table}\n{m[2]}", text, flags=re.S)
        README.write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
