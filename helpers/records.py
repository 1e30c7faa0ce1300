"""The records of a journey: plain frozen data that generators yield and views draw. NumPy alone is needed."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:  # a name for the type checker; no code of sampling runs here
    from helpers.sampling import SamplingSettings

SPACE = "\u2581"  # how a piece writes a space, so that pieces can be printed and joined


@dataclass(frozen=True, eq=False)
class Token:
    """One token of the text: its place, its id, its embedding row and what it adds to the text.

    embedding: (D,), read-only. norm: its length √(Σ x²). cosine_to_previous: of its embedding with that of the token
    before, from -1 to 1; None for the first token and where a vector of length 0 leaves it undefined.
    """

    position: int
    token_id: int
    piece: str
    text: str
    embedding: np.ndarray = field(repr=False)
    norm: float
    cosine_to_previous: float | None
    from_prompt: bool

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Token):
            return NotImplemented
        mine, theirs = dict(vars(self)), dict(vars(other))
        return np.array_equal(mine.pop("embedding"), theirs.pop("embedding")) and mine == theirs

    def __hash__(self) -> int:
        return hash((self.position, self.token_id))

    def __repr__(self) -> str:
        cosine = "none" if self.cosine_to_previous is None else f"{self.cosine_to_previous:+.3f}"
        return f"Token({self.position}: id {self.token_id} {self.piece!r}, norm {self.norm:.3f}, cosine {cosine})"


@dataclass(frozen=True)
class Candidate:
    """An id that might have come next.

    model_probability: what the model gives it, among the ids that may be sampled, at temperature 1.
    sampling_probability: what the settings leave of it; 0 if they cut it.
    """

    token_id: int
    piece: str
    model_probability: float
    sampling_probability: float


@dataclass(frozen=True)
class TokenStep:
    """One step: `input` went in, `output` came out, and `output` is the `input` of the next step.

    candidates: the 8 likeliest by the model and the chosen one, likeliest first. probability: the sampling probability
    of `output`. chosen_by: "sampler" or "learner". finish_reason: None, or why the text ends here ("eos", "length",
    "context").
    """

    index: int
    input: Token
    output: Token
    candidates: tuple[Candidate, ...]
    probability: float
    settings: SamplingSettings
    chosen_by: str
    finish_reason: str | None

    def __repr__(self) -> str:
        end = f", ends: {self.finish_reason}" if self.finish_reason else ""
        return (
            f"TokenStep({self.index}: {self.input.piece!r} -> {self.output.piece!r}, p {self.probability:.3f} "
            f"by {self.chosen_by}{end})"
        )


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
