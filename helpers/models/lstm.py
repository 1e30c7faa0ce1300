"""Embedding -> LSTM -> logits: the language model of most lessons.

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

from helpers import checks
from helpers.models.output import (
    MOST,
    LanguageModelOutput,
    SizesOfConfig,
    check_batch,
    checked_device,
    numpy_weights,
    table_for_lens,
)
from helpers.records import Memory, Opened


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
            object.__setattr__(self, name, checks.whole_number(name, getattr(self, name), 1, MOST))
        object.__setattr__(self, "tied", checks.true_or_false("tied", self.tied))
        scale = checks.number_above_0("embedding_scale", self.embedding_scale, ", such as 0.1")
        object.__setattr__(self, "embedding_scale", scale)


class LSTMLanguageModel(SizesOfConfig, nn.Module):
    """Reads token ids one after the other and scores every id as the next one."""

    def __init__(self, config: LSTMConfig, seed: int = 0, device: str | torch.device = "cpu") -> None:
        super().__init__()
        checks.of_kind("config", config, LSTMConfig, ", such as LSTMConfig(vocab_size=1800)")
        checks.whole_number("seed", seed)
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
        self.to(checked_device(device))

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
        check_batch(ids, self.config.vocab_size)
        embeddings = self.embedding(ids)  # (B, T, D)
        hidden, state = self.lstm(embeddings, state)  # (B, T, H)
        return LanguageModelOutput(self._logits(hidden), state, embeddings)

    def _logits(self, hidden: Tensor) -> Tensor:
        if self.config.tied:
            return functional.linear(self.project(hidden), self.embedding.weight, self.output_bias)
        return self.output(hidden)

    # --------------------------------------------------------------------- for generation: streaming.LanguageModel

    def embed(self, ids: Sequence[int]) -> np.ndarray:
        """The embedding rows of ids, (T, D)."""
        return numpy_weights({"table": self.embedding.weight})["table"][checks.token_ids(ids, self.vocab_size)]

    def advance(self, ids: Sequence[int], state: LSTMState | None = None) -> tuple[np.ndarray, LSTMState]:
        """Read one or more ids after `state`: (logits (V,) for the next id, the new state)."""
        ids = checks.token_ids(ids, self.vocab_size)
        if state is None:
            state = LSTMState(numpy_weights(dict(self.named_parameters())), [], [])
        weights, history, newest_gates = state
        table = weights["embedding.weight"]
        h, c = history[-1] if history else np.zeros((2, self.config.hidden_size), table.dtype)
        for token_id in ids:
            newest_gates[:] = lstm_gates(table[token_id], h, weights)
            h, c = _after_gates(newest_gates, c)
            history.append((h, c))
        return self._next_logits(h, weights), state

    def _next_logits(self, h: np.ndarray, weights: dict[str, np.ndarray]) -> np.ndarray:
        if self.config.tied:
            projected = weights["project.weight"] @ h + weights["project.bias"]
            return weights["embedding.weight"] @ projected + weights["output_bias"]
        return weights["output.weight"] @ h + weights["output.bias"]

    def opened(self, state: LSTMState, position: int, token_id: int) -> Opened:
        """What happened when that token was read: row, hidden state, projection, and the memory."""
        weights, history, newest_gates = state
        checks.whole_number("position", position, 0, len(history) - 1, ", one of the tokens read")
        row = weights["embedding.weight"][token_id]
        before, _ = history[position - 1] if position else (np.zeros(self.config.hidden_size, row.dtype), None)
        h, c = history[position]
        is_newest = newest_gates and position == len(history) - 1
        i, f, _, o = newest_gates if is_newest else lstm_gates(row, before, weights)
        memory = Memory(c, h, i, f, o)
        if not self.config.tied:
            ends = (("row", row, None), ("hidden state", h, h))
            return Opened(ends, table_for_lens(weights, "output.weight"), weights["output.bias"], memory=memory)
        projected = weights["project.weight"] @ h + weights["project.bias"]
        stages = (("row", row, row), ("hidden state", h, None), ("projection", projected, projected))
        return Opened(stages, table_for_lens(weights, "embedding.weight"), weights["output_bias"], memory=memory)

    def units(self) -> int:
        """H, how many units the cell state has."""
        return self.config.hidden_size

    def with_cell(self, state: LSTMState, cell: np.ndarray) -> LSTMState:
        """The state with another cell state (H,) after the newest token; the hidden state stays."""
        hidden, old = state.history[-1]
        return LSTMState(state.weights, [*state.history[:-1], (hidden, cell.astype(old.dtype))], state.newest_gates)

    def rewind(self, state: LSTMState, length: int) -> LSTMState:
        """The state as it was after the first `length` tokens."""
        del state.history[checks.rewind_length(length, len(state.history)) :]
        state.newest_gates.clear()
        return state


class LSTMState(NamedTuple):
    """What an LSTM carries along a text: its weights as NumPy views, and (h, c), (H,) each, after every token.

    All of the past is kept, which makes `rewind` exact. `newest_gates` holds what `lstm_gates` gave for the newest
    token, or nothing after a rewind. One token costs more than twice as much with torch's operators
    as with NumPy's: for vectors this short, calling an operator takes longer than its arithmetic.
    """

    weights: dict[str, np.ndarray]
    history: list[tuple[np.ndarray, np.ndarray]]
    newest_gates: list[np.ndarray]


def lstm_cell(
    x: np.ndarray, h: np.ndarray, c: np.ndarray, weights: dict[str, np.ndarray]
) -> tuple[np.ndarray, np.ndarray]:
    """One step of torch.nn.LSTM: x (D,), h and c (H,) -> the new h and c."""
    return _after_gates(lstm_gates(x, h, weights), c)


def _after_gates(gates: Sequence[np.ndarray], c: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    i, f, g, o = gates
    c = f * c + i * g
    return o * np.tanh(c), c


def lstm_gates(
    x: np.ndarray, h: np.ndarray, weights: dict[str, np.ndarray]
) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Input, forget and output gate and, third, what is offered to the cell, (H,) each: torch's order i f g o."""
    sums = weights["lstm.weight_ih_l0"] @ x + weights["lstm.bias_ih_l0"]
    sums += weights["lstm.weight_hh_l0"] @ h + weights["lstm.bias_hh_l0"]
    size = len(h)
    i, f, _, o = (0.5 + 0.5 * np.tanh(0.5 * sums)).reshape(4, size)  # the sigmoid, in a form that cannot overflow
    return i, f, np.tanh(sums[2 * size : 3 * size]), o
