"""What a forward pass gives, and what it asks of its ids and sizes: shared by the models that are trained here."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

import numpy as np
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


MOST = 10**6  # ids, and numbers in a vector: with more, torch's own error would be the first sign
NUMPY_TYPES = (torch.float64, torch.float32, torch.float16)


def numpy_weights(parameters: Mapping[str, Tensor]) -> dict[str, np.ndarray]:
    """Weights as NumPy views, copied only from a GPU; TypeError for a type in which NumPy does not compute."""
    for tensor in parameters.values():
        if tensor.dtype not in NUMPY_TYPES:
            raise TypeError(f"the weights are {tensor.dtype}: use float32 or float64, such as model.float()")
    return {name: tensor.detach().cpu().numpy() for name, tensor in parameters.items()}


def checked_device(device: str | torch.device) -> torch.device:
    """The device of that name; ValueError for a name that torch does not know, or a GPU that it does not find here."""
    try:
        found = torch.device(device)
    except (RuntimeError, TypeError):
        raise ValueError(f"device is {checks.shown(device)}: give 'cpu' or 'cuda'") from None
    if found.type == "cuda" and (found.index or 0) >= torch.cuda.device_count():
        raise ValueError(f"device is {str(found)!r}, but torch finds {torch.cuda.device_count()} GPUs here: give 'cpu'")
    return found


def table_for_lens(weights: dict[str, np.ndarray], name: str) -> np.ndarray:
    """The output table (V, D) of these weights, laid out column by column, and kept among them as "lens".

    A logit lens multiplies several vectors by it at once, which takes a third of the time in this layout.
    """
    if "lens" not in weights:
        weights["lens"] = np.asfortranarray(weights[name])
    return weights["lens"]


class SizesOfConfig:
    """V, D and the context length of a model, as its `config` says them."""

    config: Any

    @property
    def vocab_size(self) -> int:
        """V."""
        return self.config.vocab_size

    @property
    def embedding_dim(self) -> int:
        """D."""
        return self.config.embedding_dim

    @property
    def context_length(self) -> int | None:
        """The most tokens that it can read; None for an LSTM, which reads texts of any length."""
        return getattr(self.config, "context_length", None)


def check_batch(ids: Tensor, vocab_size: int) -> None:
    """TypeError or ValueError unless ids are whole numbers (B, T) from 0 to V - 1, with B and T at least 1."""
    if not isinstance(ids, Tensor) or ids.dtype not in (torch.int64, torch.int32):
        kind = ids.dtype if isinstance(ids, Tensor) else type(ids).__name__
        raise TypeError(f"ids are {kind}: give whole numbers in a tensor (B, T), such as torch.tensor([[2, 5]])")
    check_batch_shape(tuple(ids.shape))
    if ids.device.type == "cpu":  # a look at ids on a GPU would make each update wait for it
        checks.token_ids([int(ids.min()), int(ids.max())], vocab_size)


def check_batch_shape(shape: tuple[int, ...]) -> None:
    """ValueError unless the shape is (B, T), with B and T at least 1."""
    if len(shape) != 2 or 0 in shape:
        raise ValueError(f"ids have the shape {shape}: give (B, T) with at least one text and one token")


def check_length(length: int, most: int | None) -> None:
    """ValueError if a text has more tokens than a model reads; None: it reads any number."""
    if most is not None and length > most:
        raise ValueError(
            f"{length} tokens are more than the {most} that this model reads: "
            "shorten the text, or use a model with a longer context"
        )
