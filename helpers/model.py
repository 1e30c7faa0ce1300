"""The language model of lessons 00 to 05: Embedding -> LSTM -> logits.

B batch, T tokens, V vocabulary, D embedding dimension, H hidden size.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional


class LanguageModelOutput(NamedTuple):
    """What a forward pass gives: logits (B, T, V), the state after the last token, and the embeddings (B, T, D)."""

    logits: Tensor
    state: object
    embeddings: Tensor


@dataclass(frozen=True)
class LSTMConfig:
    """Sizes of an LSTMLanguageModel.

    `tied`: the output layer is the embedding table itself, behind a projection from H to D (Press and Wolf 2017,
    "Using the Output Embedding to Improve Language Models"); otherwise it is a Linear layer of its own.
    `embedding_scale`: standard deviation of the embedding rows before training. torch's own start is 1, so large that
    what a short training adds can hardly be seen in the vectors.
    """

    vocab_size: int
    embedding_dim: int = 64
    hidden_size: int = 128
    tied: bool = False
    embedding_scale: float = 0.1

    def __post_init__(self) -> None:
        for name in ("vocab_size", "embedding_dim", "hidden_size"):
            value = getattr(self, name)
            if isinstance(value, bool) or not isinstance(value, int) or value < 1:
                raise ValueError(f"{name} is {value!r}: give a whole number from 1 up")
        if not 0 < self.embedding_scale < float("inf"):
            raise ValueError(f"embedding_scale is {self.embedding_scale!r}: give a number above 0, such as 0.1")


class LSTMLanguageModel(nn.Module):
    """Reads token ids one after the other and scores every id as the next one."""

    context_length = None  # an LSTM reads texts of any length

    def __init__(self, config: LSTMConfig, seed: int = 0) -> None:
        super().__init__()
        self.config = config
        d, h, v = config.embedding_dim, config.hidden_size, config.vocab_size
        self.embedding = nn.Embedding(v, d)
        self.lstm = nn.LSTM(d, h, batch_first=True)
        if config.tied:
            self.project = nn.Linear(h, d)
            self.output_bias = nn.Parameter(torch.zeros(v))
        else:
            self.output = nn.Linear(h, v)
        self._initialise(np.random.default_rng(seed))

    @torch.no_grad()
    def _initialise(self, rng: np.random.Generator) -> None:
        """Draw all weights with NumPy: torch's generator gives other numbers on other CPUs."""
        bound = self.config.hidden_size**-0.5  # as in torch's own LSTM and Linear
        for name, parameter in self.named_parameters():
            shape = tuple(parameter.shape)
            if name == "embedding.weight":
                values = rng.normal(0.0, self.config.embedding_scale, shape)
            elif name == "output_bias":
                values = np.zeros(shape)
            else:
                values = rng.uniform(-bound, bound, shape)
            parameter.copy_(torch.from_numpy(values))

    # ---------------------------------------------------------------------------------------------------- for training

    def forward(self, ids: Tensor, state: tuple[Tensor, Tensor] | None = None) -> LanguageModelOutput:
        """ids (B, T) -> logits (B, T, V): at each position, a score for every id as the next one."""
        self._check_ids(ids)
        embeddings = self.embedding(ids)  # (B, T, D)
        hidden, state = self.lstm(embeddings, state)  # (B, T, H)
        return LanguageModelOutput(self._logits(hidden), state, embeddings)

    def _logits(self, hidden: Tensor) -> Tensor:
        if self.config.tied:
            return functional.linear(self.project(hidden), self.embedding.weight, self.output_bias)
        return self.output(hidden)

    def _check_ids(self, ids: Tensor) -> None:
        if ids.dim() != 2 or 0 in ids.shape:
            raise ValueError(f"ids have the shape {tuple(ids.shape)}: give (B, T) with at least one text and one token")
        self._check_range(int(ids.min()), int(ids.max()))

    def _check_range(self, low: int, high: int) -> None:
        if low < 0 or high >= self.config.vocab_size:
            wrong = low if low < 0 else high
            raise ValueError(f"id {wrong} is outside 0 … {self.config.vocab_size - 1}, the rows of the embedding table")

    # --------------------------------------------------------------------- for generation: streaming.LanguageModel

    vocab_size = property(lambda self: self.config.vocab_size, doc="V.")
    embedding_dim = property(lambda self: self.config.embedding_dim, doc="D.")

    def embed(self, ids: Sequence[int]) -> np.ndarray:
        """The embedding rows of ids, (T, D)."""
        return self.embedding.weight.detach().numpy()[self._checked(ids)]

    def _checked(self, ids: Sequence[int]) -> list[int]:
        ids = list(ids)
        if not ids:
            raise ValueError("ids is empty: give at least one token, such as bos")
        self._check_range(min(ids), max(ids))
        return ids

    def advance(self, ids: Sequence[int], state: LSTMState | None = None) -> tuple[np.ndarray, LSTMState]:
        """Read one or more ids after `state`: (logits (V,) for the next id, the new state)."""
        ids = self._checked(ids)
        if state is None:
            state = LSTMState({name: weight.detach().numpy() for name, weight in self.named_parameters()}, [])
        weights, history = state
        table = weights["embedding.weight"]
        h, c = history[-1] if history else np.zeros((2, self.config.hidden_size), table.dtype)
        for token_id in ids:
            h, c = lstm_cell(table[token_id], h, c, weights)
            history.append((h, c))
        return self._next_logits(h, weights), state

    def _next_logits(self, h: np.ndarray, weights: dict[str, np.ndarray]) -> np.ndarray:
        if self.config.tied:
            projected = weights["project.weight"] @ h + weights["project.bias"]
            return weights["embedding.weight"] @ projected + weights["output_bias"]
        return weights["output.weight"] @ h + weights["output.bias"]

    def rewind(self, state: LSTMState, length: int) -> LSTMState:
        """The state as it was after the first `length` tokens."""
        if not 0 <= length <= len(state.history):
            raise ValueError(f"cannot rewind to {length} tokens: the state has read {len(state.history)}")
        del state.history[length:]
        return state


class LSTMState(NamedTuple):
    """What an LSTM carries along a text: its weights as NumPy views, and (h, c), (H,) each, after every token.

    All of the past is kept, which makes `rewind` exact. One token costs more than twice as much with torch's operators
    as with NumPy's: for vectors this short, calling an operator takes longer than its arithmetic.
    """

    weights: dict[str, np.ndarray]
    history: list[tuple[np.ndarray, np.ndarray]]


def lstm_cell(x: np.ndarray, h: np.ndarray, c: np.ndarray, weights: dict[str, np.ndarray]) -> tuple:
    """One step of torch.nn.LSTM (gates i f g o): x (D,), h and c (H,) -> the new h and c."""
    gates = weights["lstm.weight_ih_l0"] @ x + weights["lstm.bias_ih_l0"]
    gates += weights["lstm.weight_hh_l0"] @ h + weights["lstm.bias_hh_l0"]
    size = len(h)
    i, f, _, o = (0.5 + 0.5 * np.tanh(0.5 * gates)).reshape(4, size)  # the sigmoid, in a form that cannot overflow
    c = f * c + i * np.tanh(gates[2 * size : 3 * size])
    return o * np.tanh(c), c
