"""What test_many_processes.py lets torchrun run: small models train, and each process writes down what it saw."""

from __future__ import annotations

import json
import os
import signal
import sys
from pathlib import Path

import numpy as np
import torch
from fakes import SAMPLE_TEXTS

from helpers.models.lstm import LSTMConfig, LSTMLanguageModel
from helpers.models.transformer import TransformerConfig, TransformerLanguageModel
from helpers.tokenizer import Tokenizer
from helpers.training import Processes, ResumeFile, TrainingConfig, together, train

RATES = {"lstm": 1e-2, "transformer": 1e-3}  # at which rounding does not grow


def small_model(kind: str, vocab_size: int, seed: int = 0):
    if kind == "lstm":
        return LSTMLanguageModel(LSTMConfig(vocab_size, 8, 12, tied=True), seed).double()
    return TransformerLanguageModel(TransformerConfig(vocab_size, 8, layers=2, heads=2), seed).double()


def small_config(kind: str, updates: int = 50, batch_size: int = 8) -> TrainingConfig:
    return TrainingConfig(updates=updates, batch_size=batch_size, peak_learning_rate=RATES[kind])


def trained(job: dict, tokenizer: Tokenizer, rank: int = 0) -> dict[str, np.ndarray]:
    """Do what a job says: {name: array} of the records and of the weights after them, or the sentence of a refusal.

    stop: the update after which it stops. dies: (rank, update) at which that process is killed, the first time.
    """
    texts = SAMPLE_TEXTS[: len(SAMPLE_TEXTS) - (rank if job.get("unlike") else 0)]
    model = small_model(job["kind"], tokenizer.vocab_size, seed=rank)  # the first one's weights must win
    config = small_config(job["kind"], job.get("updates", 50), job.get("batch_size", 8))
    resume = ResumeFile(Path(job["file"]), job.get("every", 10)) if "file" in job else None
    records = []
    try:
        for step in train(model, tokenizer, texts, config, resume=resume):
            values = (step.step, step.epoch, step.loss, step.learning_rate, step.gradient_norm, step.tokens_seen)
            records.append(values)
            if job.get("dies") == [rank, step.step] and os.environ.get("TORCHELASTIC_RESTART_COUNT") == "0":
                os.kill(os.getpid(), signal.SIGKILL)
            if step.step == job.get("stop"):
                break
    except ValueError as error:
        return {"refusal": np.array(str(error))}
    weights = {name: tensor.detach().numpy() for name, tensor in model.named_parameters()}
    return {"records": np.array(records), **weights}


def do_all(jobs: dict[str, dict], tokenizer: Tokenizer, folder: Path, processes: Processes) -> None:
    for name, job in jobs.items():
        np.savez(folder / f"{name}-{processes.rank}.npz", **trained(job, tokenizer, processes.rank))


if __name__ == "__main__":
    torch.set_num_threads(1)
    where = Path(sys.argv[1])
    with together() as here:
        do_all(json.loads(sys.argv[2]), Tokenizer.load(where / "tokenizer"), where, here)
