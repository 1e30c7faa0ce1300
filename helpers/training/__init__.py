"""Learning: the training loop as a generator of records, its configuration, held-out bits per byte, and baselines.

One process is enough for every lesson; `processes` spreads a run over several, `resuming` lets it go on after a kill.
"""

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
from helpers.training.processes import Processes, together
from helpers.training.resuming import ResumeFile

__all__ = [
    "IGNORE_INDEX",
    "Batch",
    "Processes",
    "ResumeFile",
    "TrainingConfig",
    "TrainingStep",
    "batch_loss",
    "bits_of",
    "endless_batches",
    "evaluate",
    "make_batch",
    "one_cycle",
    "together",
    "train",
]
