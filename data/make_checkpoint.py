"""Train the model that comes with the lessons (make checkpoint), the same bytes each time.

It takes about 20 minutes on one core. It reads fresh documents from the story grammar and never sees one twice, so it
cannot learn any of them by heart. The tokenizer is learned from the bundled corpus. The old checkpoint stays in place
until the new one is complete.
"""

from __future__ import annotations

import argparse
import sys
import time
from pathlib import Path

import torch
from make_stories import make_stories

from helpers.checkpoint import SHIPPED, save_checkpoint
from helpers.corpus import load_corpus
from helpers.model import LSTMConfig, LSTMLanguageModel
from helpers.tokenizer import Tokenizer
from helpers.training import evaluate, train

VOCAB_SIZE = 1800  # the first size at which every word of the stories is one piece
STORY_SEED = 20_000  # far from the seeds of the bundled corpus (1, 2) and of the tests (from 1,000)
BATCH_SIZE = 8
REPORT_EVERY = 500


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--updates", type=int, default=24_000)
    parser.add_argument("--out", type=Path, default=SHIPPED)
    options = parser.parse_args()
    torch.set_num_threads(1)  # for a model this small a second thread costs more than it brings
    torch.set_flush_denormal(True)  # numbers near zero, plentiful late in training, would double the time of an update
    corpus = load_corpus()
    tokenizer = Tokenizer.train(corpus.train, VOCAB_SIZE)
    model = LSTMLanguageModel(LSTMConfig(VOCAB_SIZE, embedding_dim=64, hidden_size=256, tied=True), seed=0)
    texts = [story.text for story in make_stories(STORY_SEED, options.updates * BATCH_SIZE)]
    started = time.process_time()
    for step in train(model, tokenizer, texts, updates=options.updates, batch_size=BATCH_SIZE, peak_learning_rate=1e-2):
        if step.step == 1 or step.step % REPORT_EVERY == 0 or step.step == step.updates:
            report(step, time.process_time() - started)
    bits = evaluate(model, tokenizer, corpus.validation)
    save_checkpoint(options.out, model, tokenizer)
    print(f"\n{bits:.4f} bits per byte on held-out texts, {bits / corpus.floor_bits_per_byte:.3f} times the floor")


def report(step, seconds: float) -> None:
    left = seconds / step.step * (step.updates - step.step)
    line = f"update {step.step:,} of {step.updates:,} · loss {step.loss:.3f} · {seconds:.0f} CPU s · {left:.0f} s left"
    print(f"\r{line}   " if sys.stdout.isatty() else line, end="" if sys.stdout.isatty() else "\n", flush=True)


if __name__ == "__main__":
    main()
