"""The records of a journey: plain frozen data that generators yield and views draw. NumPy alone is needed."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from functools import cached_property
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
    of `output`. chosen_by: "sampler" or "learner", and within a prompt "prompt". finish_reason: None, or why the text
    ends here ("eos", "length", "context"). entropy: of the model's probabilities at temperature 1, in bits. changed:
    what was changed inside the model that took this step, such as "muted: layer 0 head 1"; "" for nothing.
    """

    index: int
    input: Token
    output: Token
    candidates: tuple[Candidate, ...]
    probability: float
    settings: SamplingSettings
    chosen_by: str
    finish_reason: str | None
    entropy: float
    changed: str = ""

    @cached_property
    def surprise(self) -> float:
        """How unlikely `output` was for the model, in bits: -log2 of its probability at temperature 1."""
        [given] = [c.model_probability for c in self.candidates if c.token_id == self.output.token_id]
        return -math.log2(given) if given else math.inf

    def __repr__(self) -> str:
        end = f", ends: {self.finish_reason}" if self.finish_reason else ""
        return (
            f"TokenStep({self.index}: {self.input.piece!r} -> {self.output.piece!r}, p {self.probability:.3f} "
            f"by {self.chosen_by}{end})"
        )


@dataclass(frozen=True, eq=False)
class Stage:
    """One station between the embedding row and the logits.

    vector: (D,) or (H,), as it is there, before any final norm. norm: its length. candidates: the 3 likeliest tokens if
    the output layer read this vector, the *logit lens* (nostalgebraist 2020, "interpreting GPT: the logit lens"), empty
    where it cannot; no sampler has touched them, so both of their probabilities are the same. rank: place of the token
    that was then chosen among all under that lens, 1 = first; None where the output layer cannot read the vector.
    """

    name: str
    vector: np.ndarray = field(repr=False)
    norm: float
    candidates: tuple[Candidate, ...]
    rank: int | None


@dataclass(frozen=True, eq=False)
class Memory:
    """What an LSTM held and did when it read one token, (H,) each; the gates are from 0 (shut) to 1 (open).

    cell: what is kept. hidden: what the output layer may see of it. The gates say what was let in, kept and shown.
    """

    cell: np.ndarray
    hidden: np.ndarray
    input_gate: np.ndarray
    forget_gate: np.ndarray
    output_gate: np.ndarray

    def __repr__(self) -> str:
        return f"Memory({len(self.cell)} units, norm of the cell {float(np.linalg.norm(self.cell)):.3f})"


@dataclass(frozen=True, eq=False)
class Inside:
    """What happened in a model when it read one token: the stations of its vector, in order, and what it looked at.

    The last stage's lens is the model's own prediction. attention: (L, S, N), how much each head of each layer takes
    from each of the N tokens read so far, itself included, each row a sum of 1; None without attention. memory: None
    without a recurrence.
    """

    stages: tuple[Stage, ...]
    attention: np.ndarray | None = field(repr=False)
    memory: Memory | None


@dataclass(frozen=True, eq=False)
class Opened:
    """What a model tells of one token that it read, in numbers alone; streaming makes an Inside of it.

    stages: (name, vector, what the output table reads of it or None), in order. table: (V, D) or (V, H), and bias (V,)
    or None: logits are table @ vector + bias.
    """

    stages: tuple[tuple[str, np.ndarray, np.ndarray | None], ...]
    table: np.ndarray
    bias: np.ndarray | None = None
    attention: np.ndarray | None = None
    memory: Memory | None = None


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
