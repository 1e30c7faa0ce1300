"""What streaming, training and checkpoints ask of a model and of a tokenizer: anything that fits can be used.

V vocabulary, D embedding dimension, T tokens. Ids are Python ints, vectors NumPy arrays.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Protocol, runtime_checkable

import numpy as np

from helpers.records import Opened


class LanguageModel(Protocol):
    """A model that reads ids and scores the next one."""

    @property
    def vocab_size(self) -> int:
        """V, the number of ids."""

    @property
    def embedding_dim(self) -> int:
        """D, the length of an embedding row."""

    @property
    def context_length(self) -> int | None:
        """The most tokens it can read; None if there is no limit."""

    def embed(self, ids: Sequence[int]) -> np.ndarray:
        """The embedding rows of ids, (T, D)."""

    def advance(self, ids: Sequence[int], state: Any = None) -> tuple[np.ndarray, Any]:
        """Read ids (one or more) after `state`: logits (V,) for the next id, and the new state."""

    def rewind(self, state: Any, length: int) -> Any:
        """The state as it was after the first `length` tokens; `state` itself may be modified in place."""


@runtime_checkable
class OpenModel(Protocol):
    """A language model that also says what happened inside it."""

    def opened(self, state: Any, position: int, token_id: int) -> Opened:
        """What happened when `token_id` was read as token number `position`, 0 for the first that `state` has read."""


class TextStreamProtocol(Protocol):
    """Turns ids into text one at a time."""

    def feed(self, token_id: int) -> str:
        """The text that this id completes; "" while a character is unfinished."""

    def finish(self) -> str:
        """What is left of an unfinished character."""


class TokenizerProtocol(Protocol):
    """A tokenizer: text to ids and back. `eos_ids` end a text, `suppressed_ids` are never sampled."""

    @property
    def kind(self) -> str:
        """What a checkpoint calls tokenizers of this class."""

    @property
    def vocab_size(self) -> int:
        """V, the number of ids."""

    @property
    def pad_id(self) -> int:
        """The id that fills short texts in a batch."""

    @property
    def bos_id(self) -> int:
        """The id that begins a text."""

    @property
    def eos_id(self) -> int:
        """The id that ends a text in training."""

    @property
    def eos_ids(self) -> frozenset[int]:
        """Every id that ends a text when it is drawn."""

    @property
    def suppressed_ids(self) -> frozenset[int]:
        """Ids that are never drawn."""

    @property
    def fingerprint(self) -> str:
        """Equal for two tokenizers exactly when their ids mean the same pieces."""

    def encode(self, text: str) -> list[int]:
        """The ids of a text, without special ids."""

    def encode_prompt(self, text: str) -> list[int]:
        """The ids that a model reads before it goes on with a text; never empty."""

    def decode(self, ids: Sequence[int]) -> str:
        """The text of ids taken together."""

    def piece(self, token_id: int) -> str:
        """The piece of an id, with '▁' for a space."""

    def text_stream(self) -> TextStreamProtocol:
        """A fresh stream that turns ids into text one by one."""

    def to_bytes(self) -> bytes:
        """All that is needed to make the tokenizer again."""
