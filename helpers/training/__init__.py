"""Learning: the training loop as a generator of records, its configuration, held-out bits per byte, and baselines."""

from helpers.records import TrainingStep
from helpers.training.config import TrainingConfig
from helpers.training.loop import (
    IGNORE_INDEX,
    Batch,
    batch_loss,
    bits_of,
    endless_batches,
    evaluate,
    make_batch,
    one_cycle,
    train,
)

__all__ = [
    "IGNORE_INDEX",
    "Batch",
    "TrainingConfig",
    "TrainingStep",
    "batch_loss",
    "bits_of",
    "endless_batches",
    "evaluate",
    "make_batch",
    "one_cycle",
    "train",
]
