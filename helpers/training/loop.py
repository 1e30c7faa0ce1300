"""The training loop as a generator of records, and the measure of what was learned: held-out bits per byte."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import islice

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional

from helpers import checks
from helpers.corpus import text_bytes
from helpers.protocols import TokenizerProtocol
from helpers.records import TrainingStep
from helpers.training.config import USUAL, TrainingConfig
from helpers.training.processes import Processes, joined_processes
from helpers.training.resuming import Progress, ResumeFile, description_of, load_run, save_run

HOPELESS = 1e6  # nats per token: a model that guesses at random needs 8 or so
IGNORE_INDEX = -100  # the target that torch's cross-entropy leaves out by default


@dataclass(frozen=True)
class Batch:
    """Token ids shifted by one: `inputs` (B, T) and the `targets` (B, T) that come next, padding marked in each."""

    inputs: Tensor
    targets: Tensor

    @property
    def tokens(self) -> int:
        """Targets that count."""
        return int((self.targets != IGNORE_INDEX).sum())

    def on_device_of(self, model: nn.Module) -> Batch:
        """The batch where the model's weights are; a model without weights reads it where it is."""
        device = next((weights.device for weights in model.parameters()), self.inputs.device)
        return Batch(self.inputs.to(device), self.targets.to(device))


def make_batch(texts_as_ids: Sequence[Sequence[int] | np.ndarray], tokenizer: TokenizerProtocol) -> Batch:
    """bos + ids + eos of each text, cut into inputs and targets and filled up with pad to the longest text."""
    rows = checked_ids(texts_as_ids)
    longest = max(map(len, rows)) + 1
    inputs = np.full((len(rows), longest), tokenizer.pad_id)
    targets = np.full((len(rows), longest), IGNORE_INDEX)
    for row, ids in enumerate(rows):
        inputs[row, 0], inputs[row, 1 : len(ids) + 1] = tokenizer.bos_id, ids
        targets[row, : len(ids)], targets[row, len(ids)] = ids, tokenizer.eos_id
    return Batch(torch.from_numpy(inputs), torch.from_numpy(targets))


def checked_ids(texts_as_ids: Sequence[Sequence[int] | np.ndarray]) -> list[np.ndarray]:
    """The ids of each text as an array (T,); TypeError or ValueError says which text is none."""
    rows, example = checks.listed("texts_as_ids", texts_as_ids), "give the ids of one text or more, such as"
    if not rows:
        raise ValueError(f"texts_as_ids is empty: {example} [tokenizer.encode(text)]")
    for number, ids in enumerate(rows):
        if np.size(ids):  # a blank text has no ids
            name, remedy = f"texts_as_ids[{number}]", "give the ids of one text, such as tokenizer.encode(text)"
            rows[number] = checks.real_numbers(name, ids, remedy)
            if rows[number].dtype.kind == "f":
                raise TypeError(f"{name} holds {rows[number].dtype} values: {remedy}")
    return rows


def train(
    model: nn.Module,
    tokenizer: TokenizerProtocol,
    texts: Sequence[str],
    config: TrainingConfig = USUAL,
    *,
    resume: ResumeFile | None = None,
) -> Iterator[TrainingStep]:
    """Train `model` in place, one Adam update for each record that is taken from the generator.

    The learning rate follows one cycle (Smith and Topin 2018, "Super-Convergence"): up to its peak in the first tenth
    of the updates, then down to nearly nothing. Gradients are clipped to the norm `config.clip`. Stop whenever you
    like: the model keeps what it has learned. A loss that is not finite, or beyond a million nats, ends the run with an
    ArithmeticError, before it changes the model.

    With `resume` the run goes on from the state in that file, if there is one, and keeps its state there; the first
    record is that of the next update. It computes where the model's weights are. Within `together()`, each of several
    processes reads a share of every batch; all make the same updates, yield the same records and must take equally
    many.
    """
    check_config(config)
    check_model(model)
    if resume is not None:
        checks.of_kind("resume", resume, ResumeFile, "('my_run')")
    return _updates(model, tokenizer, encode_texts(model, tokenizer, texts), config, resume)


def check_config(config: object) -> None:
    """TypeError for anything but a TrainingConfig."""
    checks.of_kind("config", config, TrainingConfig, ", such as TrainingConfig(updates=500)")


def check_model(model: object) -> None:
    """TypeError for anything but a torch model."""
    if not isinstance(model, nn.Module):
        raise TypeError(f"model is {checks.shown(model)}: give a torch model, such as LSTMLanguageModel(config)")


def encode_texts(model: nn.Module, tokenizer: TokenizerProtocol, texts: Sequence[str]) -> list[np.ndarray]:
    """The ids of each text; ValueError names the first text that is too long for the model."""
    checks.tokenizer_with("encode", tokenizer)
    texts = checks.texts_of(texts)
    rows = getattr(model, "vocab_size", None)
    if rows is not None and tokenizer.vocab_size != rows:
        raise ValueError(
            f"the tokenizer has {tokenizer.vocab_size} ids, the model {rows} embedding rows: "
            "make the model with vocab_size=tokenizer.vocab_size"
        )
    encoded = [np.array(tokenizer.encode(text), dtype=np.int32) for text in texts]  # small: there may be many
    most = getattr(model, "context_length", None)
    for number, ids in enumerate(encoded):
        if most is not None and len(ids) + 1 > most:
            raise ValueError(
                f"texts[{number}], which begins {texts[number][:30]!r}, has {len(ids) + 1} tokens with bos, more than "
                f"the {most} that this model reads: split it, or make a model with a longer context"
            )
    return encoded


def _updates(
    model: nn.Module,
    tokenizer: TokenizerProtocol,
    encoded: Sequence[np.ndarray],
    config: TrainingConfig,
    resume: ResumeFile | None,
) -> Iterator[TrainingStep]:
    processes, betas = joined_processes(), (0.9, config.adam_beta2)
    optimizer = torch.optim.Adam(model.parameters(), lr=config.peak_learning_rate, betas=betas, fused=True)
    run = description_of(model, config, encoded) if resume or processes.world > 1 else ""
    progress = _begin(model, optimizer, run, processes, resume)
    tokens_seen = progress.tokens_seen
    usual_tokens = tokens_of_a_usual_batch(encoded, config.batch_size)
    batches = endless_batches(encoded, config.batch_size, np.random.default_rng(config.seed))
    for step, (epoch, chosen) in enumerate(islice(batches, progress.step, config.updates), progress.step + 1):
        learning_rate = config.peak_learning_rate * one_cycle((step - 1) / config.updates)
        for group in optimizer.param_groups:
            group["lr"] = learning_rate
        tokens = sum(len(encoded[i]) + 1 for i in chosen)
        optimizer.zero_grad()
        own_loss, own_tokens = _backward(model, tokenizer, [encoded[i] for i in processes.share(chosen)], usual_tokens)
        loss = processes.add_up(model.parameters(), own_loss * (own_tokens / tokens))
        gradient_norm = float(nn.utils.clip_grad_norm_(model.parameters(), config.clip))
        check_finite(step, loss, gradient_norm, learning_rate)
        optimizer.step()
        tokens_seen += tokens
        if resume and processes.first and resume.is_due(step, config.updates):
            save_run(resume.path, run, Progress(step, tokens_seen), model, optimizer)
        yield TrainingStep(step, config.updates, epoch, loss, learning_rate, gradient_norm, tokens_seen)


def _begin(
    model: nn.Module, optimizer: torch.optim.Optimizer, run: str, processes: Processes, resume: ResumeFile | None
) -> Progress:
    """The same weights in all processes, and the state that the first finds in the file: it alone must reach it."""
    processes.begin_alike(model, run)
    if resume is None:
        return Progress()
    content = processes.from_first(resume.content() if processes.first else None)
    return load_run(resume.path, content, run, model, optimizer)


def _backward(
    model: nn.Module, tokenizer: TokenizerProtocol, rows: Sequence[np.ndarray], usual_tokens: float
) -> tuple[float, int]:
    """Gradients of these texts' share in an update: (their mean loss in nats per token, their tokens); none: (0, 0)."""
    if not rows:
        return 0.0, 0
    batch = make_batch(rows, tokenizer)
    loss = batch_loss(model, batch)
    # Batches hold texts of like length; by their mean alone, tokens of short texts would weigh more than others
    (loss * (batch.tokens / usual_tokens)).backward()
    return loss.item(), batch.tokens


def check_finite(step: int, loss: float, gradient_norm: float, learning_rate: float) -> None:
    """ArithmeticError if the loss or the gradient of an update is beyond all bounds, so that the update is not made."""
    if not (loss < HOPELESS and math.isfinite(gradient_norm)):
        what, value = ("gradient's norm", gradient_norm) if loss < HOPELESS else ("loss", loss)
        raise ArithmeticError(
            f"the {what} is {value:.6g} at update {step}: the run diverged, and the model is of no use; make a new one "
            f"and train it with a lower peak_learning_rate (the rate was {learning_rate:g})"
        )


def tokens_of_a_usual_batch(encoded: Sequence[Sequence[int] | np.ndarray], batch_size: int) -> float:
    """Mean number of targets, the end of each text included, in a batch of that many texts."""
    return min(batch_size, len(encoded)) * sum(len(ids) + 1 for ids in encoded) / len(encoded)


def batch_loss(model: nn.Module, batch: Batch) -> Tensor:
    """Mean cross-entropy of the next token in nats, padding left out."""
    batch = batch.on_device_of(model)
    logits = model(batch.inputs).logits
    return functional.cross_entropy(logits.flatten(0, 1), batch.targets.flatten(), ignore_index=IGNORE_INDEX)


def one_cycle(progress: float, warm_up: float = 0.1) -> float:
    """Share of the peak learning rate at `progress` (0 to 1): a cosine up during warm-up, a cosine down after it."""
    for name, value in {"progress": progress, "warm_up": warm_up}.items():
        if not checks.is_number(value) or not 0 <= value <= 1:
            raise ValueError(f"{name} is {checks.shown(value)}: give a number from 0 to 1, such as 0.1")
    if progress < warm_up:
        return 0.04 + 0.96 * 0.5 * (1 - math.cos(math.pi * progress / warm_up))
    return max(1e-4, 0.5 * (1 + math.cos(math.pi * (progress - warm_up) / ((1 - warm_up) or 1))))


def evaluate(model: nn.Module, tokenizer: TokenizerProtocol, texts: Sequence[str]) -> float:
    """Bits per byte that the model needs for texts it was not trained on, the end of each text included.

    A byte, unlike a token, is the same for every tokenizer, so models with different vocabularies can be compared.
    """
    texts = checks.texts_of(texts)
    return float(bits_of(model, tokenizer, texts).sum() / text_bytes(texts))


@torch.no_grad()
def bits_of(model: nn.Module, tokenizer: TokenizerProtocol, texts: Sequence[str], batch_size: int = 4) -> np.ndarray:
    """-log2 P of each text under the model, its end included, (len(texts),)."""
    batch_size = checks.whole_number("batch_size", batch_size, 1)
    check_model(model)
    encoded = encode_texts(model, tokenizer, texts)
    by_length = sorted(range(len(encoded)), key=lambda i: len(encoded[i]))
    bits = np.zeros(len(encoded))
    for start in range(0, len(encoded), batch_size):
        chosen = by_length[start : start + batch_size]
        batch = make_batch([encoded[i] for i in chosen], tokenizer).on_device_of(model)
        logits = model(batch.inputs).logits
        nats = functional.cross_entropy(
            logits.flatten(0, 1), batch.targets.flatten(), ignore_index=IGNORE_INDEX, reduction="none"
        ).view_as(batch.targets)
        bits[chosen] = nats.double().sum(dim=1).cpu().numpy() / math.log(2)
    return bits


def endless_batches(
    encoded: Sequence[Sequence[int] | np.ndarray], batch_size: int, rng: np.random.Generator
) -> Iterator[tuple[int, list[int]]]:
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
