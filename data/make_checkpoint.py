"""Train a model that comes with the lessons, the same bytes each time (make checkpoint, make checkpoint-transformer).

It takes half an hour at most, on one core. It reads fresh documents from the story grammar, none twice, so it
cannot learn any of them by heart. The tokenizer is learned from the bundled corpus. The old checkpoint stays in place
until the new one is complete. Several processes share each update where torchrun starts them (data/README.md).
"""

from __future__ import annotations

import argparse
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import torch
from make_stories import make_stories
from torch import nn

from helpers.corpus import load_corpus
from helpers.models.checkpoint import SHIPPED, SHIPPED_TRANSFORMER, save_checkpoint
from helpers.models.lstm import LSTMConfig, LSTMLanguageModel
from helpers.models.transformer import TransformerConfig, TransformerLanguageModel
from helpers.tokenizer import Tokenizer
from helpers.training import Processes, ResumeFile, TrainingConfig, TrainingStep, evaluate, together, train

VOCAB_SIZE = 1800  # the first size at which every word of the stories is one piece
STORY_SEED = 20_000  # far from the seeds of the bundled corpus (1, 2) and of the tests (from 1,000)
BATCH_SIZE = 8
REPORT_EVERY = 500


@dataclass(frozen=True)
class Recipe:
    """How one of the models is made: one or more cycles of the learning rate, each (updates, peak rate)."""

    model: Callable[[], nn.Module]
    cycles: tuple[tuple[int, float], ...]
    folder: Path


RECIPES = {
    "lstm": Recipe(
        lambda: LSTMLanguageModel(LSTMConfig(VOCAB_SIZE, embedding_dim=64, hidden_size=256, tied=True), seed=0),
        cycles=((40_000, 1e-2), (20_000, 5e-3)),
        folder=SHIPPED,
    ),
    "transformer": Recipe(
        lambda: TransformerLanguageModel(TransformerConfig(VOCAB_SIZE, embedding_dim=128, layers=2, heads=4), seed=0),
        cycles=((14_000, 2e-3),),
        folder=SHIPPED_TRANSFORMER,
    ),
}


def read_options(arguments: Sequence[str] | None = None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--model", choices=RECIPES, default="lstm")
    parser.add_argument("--updates", type=int, help="for a trial run; needs --out")
    parser.add_argument("--batch-size", type=int, help=f"texts in an update ({BATCH_SIZE}); needs --out")
    parser.add_argument("--device", default="cpu", help="cpu, or cuda for a GPU, which needs --out")
    parser.add_argument("--out", type=Path, help="another folder than that of the lessons' model")
    parser.add_argument(
        "--resume",
        type=int,
        nargs="?",
        const=REPORT_EVERY,
        metavar="UPDATES",
        help=f"keep the run's state in --out every UPDATES ({REPORT_EVERY}), and go on from it after a kill",
    )
    options = parser.parse_args(arguments)
    for name in ("updates", "batch_size", "resume"):
        value, option = getattr(options, name), f"--{name.replace('_', '-')}"
        if value is not None and value < 1:
            parser.error(f"{option} {value}: ask for 1 or more")
        if value is not None and options.out is None and name != "resume":
            parser.error(
                f"{option} without --out would replace the model of the lessons: name another folder with --out"
            )
    options.batch_size = options.batch_size or BATCH_SIZE
    options.own_folder, options.out = options.out is not None, options.out or RECIPES[options.model].folder
    try:  # now, not after half an hour of training
        options.out.mkdir(parents=True, exist_ok=True)
        tempfile.TemporaryFile(dir=options.out).close()
    except OSError as error:
        parser.error(f"--out {options.out}: {error.strerror}; name a folder that you may write to")
    return options


def main() -> None:
    options = read_options()
    torch.set_num_threads(1)  # for a model this small a second thread costs more than it brings
    torch.set_flush_denormal(True)  # numbers near zero, plentiful late in training, would double the time of an update
    try:
        with together(options.device) as processes:
            if not options.own_folder and (processes.world > 1 or processes.device.type != "cpu"):
                raise ValueError("only one process on a CPU makes the lessons' bytes: name another folder with --out")
            make(options, processes)
    except (ValueError, OSError) as error:
        sys.exit(str(error))


def make(options: argparse.Namespace, processes: Processes) -> None:
    """Train one of the models; the first process evaluates it and saves it."""
    recipe = RECIPES[options.model]
    cycles = ((options.updates, recipe.cycles[0][1]),) if options.updates else recipe.cycles
    corpus = load_corpus()
    tokenizer = Tokenizer.train(corpus.train, VOCAB_SIZE)
    model = recipe.model().to(processes.device)
    states = [options.out / f"run-{number}.safetensors" for number in range(1, len(cycles) + 1)]
    for number, (updates, rate) in enumerate(cycles):
        texts = [story.text for story in make_stories(STORY_SEED + number, updates * options.batch_size)]
        config = TrainingConfig(updates=updates, batch_size=options.batch_size, peak_learning_rate=rate)
        resume = ResumeFile(states[number], options.resume) if options.resume else None
        run_cycle(model, tokenizer, texts, config, resume, silent=not processes.first)
    if not processes.first:
        return
    bits = evaluate(model, tokenizer, corpus.validation)
    save_checkpoint(options.out, model, tokenizer)
    if options.resume:
        for path in states:
            path.unlink(missing_ok=True)
    print(f"\n{bits:.4f} bits per byte on held-out texts, {bits / corpus.floor_bits_per_byte:.3f} times the floor")


def run_cycle(
    model: nn.Module,
    tokenizer: Tokenizer,
    texts: Sequence[str],
    config: TrainingConfig,
    resume: ResumeFile | None,
    silent: bool,
) -> None:
    """Train on texts of which none is seen twice, and say how far it is, unless `silent`."""
    started, before = time.process_time(), None
    for step in train(model, tokenizer, texts, config, resume=resume):
        begins, before = before is None, step.step - 1 if before is None else before
        if not silent and (begins or step.step % REPORT_EVERY == 0 or step.step == step.updates):
            made = step.step - before  # what was done before a kill took no time of this process
            report(step, time.process_time() - started, made)


def report(step: TrainingStep, seconds: float, made: int) -> None:
    left = seconds / made * (step.updates - step.step)
    line = f"update {step.step:,} of {step.updates:,} · loss {step.loss:.3f} · {seconds:.0f} CPU s · {left:.0f} s left"
    print(f"\r{line}   " if sys.stdout.isatty() else line, end="" if sys.stdout.isatty() else "\n", flush=True)


if __name__ == "__main__":
    main()
