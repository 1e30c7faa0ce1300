"""The training loop as a generator of records, and the measure of what was learned: held-out bits per byte."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional

from helpers.corpus import some_texts, text_bytes

NOT_A_TARGET = -100  # the value that torch's cross-entropy leaves out by default


class TextEncoder(Protocol):
    """What training asks of a tokenizer."""

    bos_id: int
    eos_id: int
    pad_id: int

    def encode(self, text: str) -> list[int]: ...


@dataclass(frozen=True)
class TrainingStep:
    """One update: the loss it started from (nats per token), the rate it used, and how far the run is.

    `gradient_norm` is taken before clipping; `epoch` counts passes over the texts from 1.
    """

    step: int
    updates: int
    epoch: int
    loss: float
    learning_rate: float
    gradient_norm: float
    tokens_seen: int


@dataclass(frozen=True)
class Batch:
    """Token ids shifted by one: `inputs` (B, T) and the `targets` (B, T) that come next, padding marked in each."""

    inputs: Tensor
    targets: Tensor

    @property
    def tokens(self) -> int:
        """Targets that count."""
        return int((self.targets != NOT_A_TARGET).sum())


def make_batch(texts_as_ids: Sequence[Sequence[int]], tokenizer: TextEncoder) -> Batch:
    """bos + ids + eos of each text, cut into inputs and targets and filled up with pad to the longest text."""
    longest = max(len(ids) for ids in texts_as_ids) + 1
    inputs = np.full((len(texts_as_ids), longest), tokenizer.pad_id)
    targets = np.full((len(texts_as_ids), longest), NOT_A_TARGET)
    for row, ids in enumerate(texts_as_ids):
        inputs[row, 0], inputs[row, 1 : len(ids) + 1] = tokenizer.bos_id, ids
        targets[row, : len(ids)], targets[row, len(ids)] = ids, tokenizer.eos_id
    return Batch(torch.from_numpy(inputs), torch.from_numpy(targets))


def train(
    model: nn.Module,
    tokenizer: TextEncoder,
    texts: Sequence[str],
    *,
    updates: int,
    seed: int = 0,
    batch_size: int = 8,
    peak_learning_rate: float = 1e-2,
    clip: float = 1.0,
) -> Iterator[TrainingStep]:
    """Train `model` in place, one Adam update for each record that is taken from the generator.

    The learning rate follows one cycle (Smith and Topin 2018, "Super-Convergence"): up to its peak in the first tenth
    of the updates, then down to nearly nothing. Gradients are clipped to the norm `clip`. Stop whenever you like: the
    model keeps what it has learned.
    """
    check_options(updates, seed, batch_size, peak_learning_rate, clip)
    encoded = encode_texts(model, tokenizer, texts)
    return _updates(model, tokenizer, encoded, updates, seed, batch_size, peak_learning_rate, clip)


def check_options(updates: int, seed: int, batch_size: int, peak_learning_rate: float, clip: float) -> None:
    """ValueError names the first option of a training run that cannot be, its value and its range."""
    for name, value, lowest in (("updates", updates, 1), ("seed", seed, 0), ("batch_size", batch_size, 1)):
        if isinstance(value, bool) or not isinstance(value, int) or value < lowest:
            raise ValueError(f"{name} is {value!r}: give a whole number from {lowest} up")
    for name, value in {"peak_learning_rate": peak_learning_rate, "clip": clip}.items():
        if not 0 < value < math.inf:
            raise ValueError(f"{name} is {value!r}: give a number above 0")


def encode_texts(model: nn.Module, tokenizer: TextEncoder, texts: Sequence[str]) -> list[np.ndarray]:
    """The ids of each text; ValueError names the first text that is too long for the model."""
    texts = some_texts(texts)
    encoded = [np.array(tokenizer.encode(text), dtype=np.int32) for text in texts]  # small: there may be many
    most = getattr(model, "context_length", None)
    for number, ids in enumerate(encoded):
        if most is not None and len(ids) + 1 > most:
            raise ValueError(
                f"texts[{number}], which begins {texts[number][:30]!r}, has {len(ids) + 1} tokens with bos, more than "
                f"the {most} that this model reads: split it, or make a model with a longer context"
            )
    return encoded


def _updates(model, tokenizer, encoded, updates, seed, batch_size, peak_learning_rate, clip) -> Iterator[TrainingStep]:
    optimizer = torch.optim.Adam(model.parameters(), lr=peak_learning_rate, fused=True)
    tokens_seen = 0
    usual_tokens = min(batch_size, len(encoded)) * sum(len(ids) + 1 for ids in encoded) / len(encoded)
    batches = endless_batches(encoded, batch_size, np.random.default_rng(seed))
    for step in range(1, updates + 1):
        epoch, chosen = next(batches)
        batch = make_batch([encoded[i] for i in chosen], tokenizer)
        learning_rate = peak_learning_rate * one_cycle((step - 1) / updates)
        for group in optimizer.param_groups:
            group["lr"] = learning_rate
        loss = batch_loss(model, batch)
        optimizer.zero_grad()
        # Batches hold texts of like length; by their mean alone, tokens of short texts would weigh more than others
        (loss * (batch.tokens / usual_tokens)).backward()
        gradient_norm = nn.utils.clip_grad_norm_(model.parameters(), clip)
        optimizer.step()
        tokens_seen += batch.tokens
        yield TrainingStep(step, updates, epoch, loss.item(), learning_rate, float(gradient_norm), tokens_seen)


def batch_loss(model: nn.Module, batch: Batch) -> Tensor:
    """Mean cross-entropy of the next token in nats, padding left out."""
    logits = model(batch.inputs).logits
    return functional.cross_entropy(logits.flatten(0, 1), batch.targets.flatten(), ignore_index=NOT_A_TARGET)


def one_cycle(progress: float, warm_up: float = 0.1) -> float:
    """Share of the peak learning rate at `progress` (0 to 1): a cosine up during warm-up, a cosine down after it."""
    if progress < warm_up:
        return 0.04 + 0.96 * 0.5 * (1 - math.cos(math.pi * progress / warm_up))
    return max(1e-4, 0.5 * (1 + math.cos(math.pi * (progress - warm_up) / (1 - warm_up))))


def evaluate(model: nn.Module, tokenizer: TextEncoder, texts: Sequence[str]) -> float:
    """Bits per byte that the model needs for texts it was not trained on, the end of each text included.

    A byte, unlike a token, is the same for every tokenizer, so models with different vocabularies can be compared.
    """
    texts = some_texts(texts)
    return bits_of(model, tokenizer, texts).sum() / text_bytes(texts)


@torch.no_grad()
def bits_of(model: nn.Module, tokenizer: TextEncoder, texts: Sequence[str], batch_size: int = 4) -> np.ndarray:
    """-log2 P of each text under the model, its end included, (len(texts),)."""
    encoded = encode_texts(model, tokenizer, texts)
    by_length = sorted(range(len(encoded)), key=lambda i: len(encoded[i]))
    bits = np.zeros(len(encoded))
    for start in range(0, len(encoded), batch_size):
        chosen = by_length[start : start + batch_size]
        batch = make_batch([encoded[i] for i in chosen], tokenizer)
        logits = model(batch.inputs).logits
        nats = functional.cross_entropy(
            logits.flatten(0, 1), batch.targets.flatten(), ignore_index=NOT_A_TARGET, reduction="none"
        ).view_as(batch.targets)
        bits[chosen] = nats.double().sum(dim=1).numpy() / math.log(2)
    return bits


def endless_batches(encoded, batch_size, rng) -> Iterator[tuple[int, list[int]]]:
    """Shuffled batches of texts of similar length (little padding), pass after pass."""
    epoch = 0
    while True:
        epoch += 1
        order = rng.permutation(len(encoded))
        window = 64 * batch_size
        batches = []
        for start in range(0, len(order), window):
            by_length = sorted(order[start : start + window].tolist(), key=lambda i: len(encoded[i]))
            batches += [by_length[i : i + batch_size] for i in range(0, len(by_length), batch_size)]
        for index in rng.permutation(len(batches)):
            yield epoch, batches[index]
