"""What a forward pass gives, and what it asks of its ids: shared by the models that are trained here."""

from __future__ import annotations

from typing import Any, NamedTuple

import torch
from torch import Tensor

from helpers import checks


class LanguageModelOutput(NamedTuple):
    """What a forward pass gives: logits (B, T, V), the state after the last token, and the embeddings (B, T, D).

    They are tensors of torch, or of TensorFlow in the Keras twin.
    """

    logits: Any
    state: Any
    embeddings: Any


def check_batch(ids: Tensor, vocab_size: int) -> None:
    """TypeError or ValueError unless ids are whole numbers (B, T) from 0 to V - 1, with B and T at least 1."""
    if not isinstance(ids, Tensor) or ids.dtype not in (torch.int64, torch.int32):
        kind = ids.dtype if isinstance(ids, Tensor) else type(ids).__name__
        raise TypeError(f"ids are {kind}: give whole numbers in a tensor (B, T), such as torch.tensor([[2, 5]])")
    check_batch_shape(tuple(ids.shape))
    checks.token_ids([int(ids.min()), int(ids.max())], vocab_size)


def check_batch_shape(shape: tuple[int, ...]) -> None:
    """ValueError unless the shape is (B, T), with B and T at least 1."""
    if len(shape) != 2 or 0 in shape:
        raise ValueError(f"ids have the shape {shape}: give (B, T) with at least one text and one token")
