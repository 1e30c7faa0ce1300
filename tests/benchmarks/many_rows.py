"""What a second process brings: updates a second of one and of two, which torchrun starts, on batches of 8 and of 32.

Run by torchrun, this file is also what each process does.
"""

from __future__ import annotations

import json
import subprocess
import sys
import time
from pathlib import Path

import torch

from helpers.corpus import load_corpus
from helpers.models.lstm import LSTMConfig, LSTMLanguageModel
from helpers.models.transformer import TransformerConfig, TransformerLanguageModel
from helpers.tokenizer import Tokenizer
from helpers.training import TrainingConfig, together, train

VOCAB_SIZE = 1800
SECONDS, ROUNDS, MOST = 5, 3, 2000  # of each measurement; how many, one after the other; updates at most
MODELS = {
    "LSTM, D 64, H 256": lambda: LSTMLanguageModel(LSTMConfig(VOCAB_SIZE, hidden_size=256, tied=True)),
    "Transformer, 2 layers, D 128": lambda: TransformerLanguageModel(TransformerConfig(VOCAB_SIZE)),
}


def updates_a_second(model, tokenizer, texts, batch_size: int) -> float:
    """Wall time, since each process has a core of its own; all stop at the same update, which a first one times."""
    run = train(model, tokenizer, texts, TrainingConfig(updates=MOST, batch_size=batch_size))
    next(run)
    started = time.perf_counter()
    for step in run:
        if step.step == 4:
            break
    seconds = torch.tensor((time.perf_counter() - started) / 3)
    if torch.distributed.is_initialized():
        torch.distributed.broadcast(seconds, src=0)
    count, started = max(3, int(SECONDS / float(seconds))), time.perf_counter()
    for _ in range(count):
        next(run)
    return count / (time.perf_counter() - started)


def measure() -> dict[str, float]:
    corpus = load_corpus()
    tokenizer = Tokenizer.train(corpus.train, VOCAB_SIZE)
    return {
        f"{name}, batch {size}": updates_a_second(make(), tokenizer, corpus.train, size)
        for size in (8, 32)
        for name, make in MODELS.items()
    }


def measured_by(processes: int) -> dict[str, float]:
    command = [sys.executable, "-m", "torch.distributed.run", "--standalone", "--local-addr", "127.0.0.1"]
    command += ["--nproc-per-node", str(processes), str(Path(__file__))]
    run = subprocess.run(command, capture_output=True, text=True, check=True)
    return json.loads(run.stdout.splitlines()[-1])


def many_rows() -> list[str]:
    """One and two processes in turn, the best of each: what else the machine does then costs least."""
    pairs = [(measured_by(1), measured_by(2)) for _ in range(ROUNDS)]
    rows = ["| updates a second (float32, wall time) | one process | two | speed-up |", "|---|---|---|---|"]
    for name in pairs[0][0]:
        one, two = (max(pair[side][name] for pair in pairs) for side in (0, 1))
        rows.append(f"| {name} | {one:.1f} | {two:.1f} | {two / one:.2f} times |")
    return rows


if __name__ == "__main__":
    torch.set_num_threads(1)
    with together() as processes:
        found = measure()
        if processes.first:
            print(json.dumps(found), flush=True)
