"""How a training run goes: one frozen record that checks itself."""

from __future__ import annotations

from dataclasses import dataclass

from helpers import checks


@dataclass(frozen=True)
class TrainingConfig:
    """The options of a training run, for torch and for the Keras twin alike; ValueError names one that cannot be.

    updates: 1 and up. batch_size: texts in one update. peak_learning_rate: the highest rate of the one-cycle schedule.
    clip: the norm to which gradients are cut. seed: of the order of the texts.
    """

    updates: int = 1000
    batch_size: int = 8
    peak_learning_rate: float = 1e-2
    clip: float = 1.0
    seed: int = 0

    def __post_init__(self) -> None:
        for name, lowest in (("updates", 1), ("batch_size", 1), ("seed", 0)):
            object.__setattr__(self, name, checks.whole_number(name, getattr(self, name), lowest))
        for name in ("peak_learning_rate", "clip"):
            object.__setattr__(self, name, checks.number_above_0(name, getattr(self, name)))


USUAL = TrainingConfig()
