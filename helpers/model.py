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
        ids = list(ids)
        if not ids:
            raise ValueError("ids is empty: give at least one token, such as bos")
        self._check_range(min(ids), max(ids))
        return self.embedding.weight.detach().numpy()[ids]

    @torch.no_grad()
    def advance(self, ids: Sequence[int], state: list | None = None) -> tuple[np.ndarray, list]:
        """Read one or more ids after `state`: (logits (V,) for the next id, the new state).

        The state is the list of (h, c) after every token so far, which makes `rewind` exact. It calls the LSTM's cell
        directly: nn.LSTM prepares its weights anew at every call, which costs more than the arithmetic of one token.
        """
        rows = torch.from_numpy(self.embed(ids))
        state = [] if state is None else state
        weights = (self.lstm.weight_ih_l0, self.lstm.weight_hh_l0, self.lstm.bias_ih_l0, self.lstm.bias_hh_l0)
        h, c = state[-1] if state else rows.new_zeros(2, 1, self.config.hidden_size)
        for vector in rows.split(1):  # (1, D)
            h, c = torch.lstm_cell(vector, (h, c), *weights)
            state.append((h, c))
        return self._logits(h)[0].numpy(), state

    def rewind(self, state: list, length: int) -> list:
        """The state as it was after the first `length` tokens."""
        if not 0 <= length <= len(state):
            raise ValueError(f"cannot rewind to {length} tokens: the state has read {len(state)}")
        del state[length:]
        return state
