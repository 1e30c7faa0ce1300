"""How a training run goes: one frozen record that checks itself."""

from __future__ import annotations

from dataclasses import dataclass

from helpers import checks


@dataclass(frozen=True)
class TrainingConfig:
    """The options of a training run, for torch and for the Keras twin alike; ValueError names one that cannot be.

    updates: 1 and up. batch_size: texts in one update. peak_learning_rate: the highest rate of the one-cycle schedule.
    clip: the norm to which gradients are cut. seed: of the order of the texts. adam_beta2: from 0 to less than 1, the
    share that Adam keeps of its mean of squared gradients at each update (Kingma and Ba 2015, "Adam: A Method for
    Stochastic Optimization"); a short run with small batches learns more with .98.
    """

    updates: int = 1000
    batch_size: int = 8
    peak_learning_rate: float = 1e-2
    clip: float = 1.0
    seed: int = 0
    adam_beta2: float = 0.999

    def __post_init__(self) -> None:
        for name, lowest in (("updates", 1), ("batch_size", 1), ("seed", 0)):
            object.__setattr__(self, name, checks.whole_number(name, getattr(self, name), lowest))
        for name in ("peak_learning_rate", "clip"):
            object.__setattr__(self, name, checks.number_above_0(name, getattr(self, name)))
        beta2 = checks.number("adam_beta2", self.adam_beta2)
        if not 0 <= beta2 < 1:
            raise ValueError(f"adam_beta2 is {beta2:g}: give a number from 0 to less than 1, such as 0.98")
        object.__setattr__(self, "adam_beta2", beta2)


USUAL = TrainingConfig()
