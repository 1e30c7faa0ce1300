"""Save and load a trained model with its tokenizer: one file, written whole or not at all, without pickle."""

from __future__ import annotations

import hashlib
import json
import os
import tempfile
import time
import warnings
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import asdict
from pathlib import Path
from typing import Any

import safetensors.torch
import torch
from safetensors import SafetensorError
from torch import Tensor

from helpers import checks
from helpers.models.lstm import LSTMConfig, LSTMLanguageModel
from helpers.models.output import NUMPY_TYPES, checked_device, numpy_weights
from helpers.models.transformer import TransformerConfig, TransformerLanguageModel
from helpers.protocols import TokenizerProtocol
from helpers.tokenizer import Tokenizer

PROJECT = Path(__file__).resolve().parents[2]
SHIPPED = PROJECT / "data" / "checkpoint"
SHIPPED_TRANSFORMER = PROJECT / "data" / "checkpoint-transformer"
FILE = "token-journey.safetensors"
FORMAT = "token-journey-2"
HEADER = "token-journey"  # one entry: safetensors writes several in an order that changes from run to run
TOKENIZER = "tokenizer"  # the tensor that holds the tokenizer's bytes
LEFTOVER = ".saving-"
DAY = 24 * 60 * 60

TrainedModel = LSTMLanguageModel | TransformerLanguageModel
MODELS: dict[str, tuple[type[TrainedModel], type[LSTMConfig | TransformerConfig]]] = {
    "lstm": (LSTMLanguageModel, LSTMConfig),
    "transformer": (TransformerLanguageModel, TransformerConfig),
}


class CheckpointError(ValueError):
    """A folder that is not a whole checkpoint of ours; the message says what was found and what was expected."""


# ------------------------------------------------------------------------------------------------------- save and load


def save_checkpoint(folder: str | os.PathLike, model: TrainedModel, tokenizer: TokenizerProtocol) -> None:
    """Write model and tokenizer into `folder` as one file, which replaces the one there at one stroke.

    ValueError for weights that are not finite and for a tokenizer of another size, before anything is written. Other
    files in the folder stay as they are.
    """
    folder, content = checks.path_of("folder", folder), _packed(model, tokenizer)
    try:
        folder.mkdir(parents=True, exist_ok=True)
        clear_leftovers(folder)
        write_whole(folder / FILE, content)
    except OSError as error:
        raise OSError(
            f"cannot save into {folder}: {error.strerror or error}. Choose a folder you may write to."
        ) from error


def load_checkpoint(
    folder: str | os.PathLike, device: str | torch.device = "cpu"
) -> tuple[TrainedModel, TokenizerProtocol]:
    """The (model, tokenizer) in `folder`, in float32; CheckpointError if it is missing, damaged or of another kind.

    `device` is where the weights go; ValueError for one that torch does not find here.
    """
    device = checked_device(device)
    path = checks.path_of("folder", folder) / FILE
    if not path.is_file():
        raise CheckpointError(f"{path.parent} holds no checkpoint (no {FILE}): save one with save_checkpoint")
    try:
        content = path.read_bytes()
    except OSError as error:
        raise CheckpointError(f"{path} cannot be read ({error.strerror or error}): check who may read it") from error
    header, tensors = _header(path, content), _tensors(path, content)
    if digest_of(header, tensors) != header["sha256"]:
        raise CheckpointError(f"{path} is damaged: it changed after it was saved. Save the checkpoint again")
    tokenizer = _tokenizer(path, header, tensors.pop(TOKENIZER))
    return _model(path, header, tensors, tokenizer.vocab_size).to(device), tokenizer


def load_shipped() -> tuple[LSTMLanguageModel, Tokenizer]:
    """The trained LSTM that comes with the lessons, in float64: its printed figures are the same on every CPU."""
    model, tokenizer = load_checkpoint(SHIPPED)
    assert isinstance(model, LSTMLanguageModel)
    assert isinstance(tokenizer, Tokenizer)
    return model.double(), tokenizer


def load_shipped_transformer() -> tuple[TransformerLanguageModel, Tokenizer]:
    """The trained Transformer that comes with the lessons, in float64."""
    model, tokenizer = load_checkpoint(SHIPPED_TRANSFORMER)
    assert isinstance(model, TransformerLanguageModel)
    assert isinstance(tokenizer, Tokenizer)
    return model.double(), tokenizer


def my_model_folder() -> Path:
    """Where the lesson on training saves your model: `my_model/` beside the lessons, which git ignores.

    The environment variable TOKEN_JOURNEY_MY_MODEL names another folder (the tests use it to leave yours alone).
    """
    return Path(os.environ.get("TOKEN_JOURNEY_MY_MODEL") or PROJECT / "my_model")


def load_mine() -> tuple[TrainedModel, TokenizerProtocol]:
    """The model that you trained and saved, in float64."""
    try:
        model, tokenizer = load_checkpoint(my_model_folder())
    except CheckpointError as error:
        raise CheckpointError(f"{error} (the lesson on training trains and saves a model of your own)") from None
    return model.double(), tokenizer


def load_all() -> dict[str, tuple[TrainedModel, TokenizerProtocol]]:
    """Every model at hand, {name: (model, tokenizer)}: the shipped, an untrained one, and yours if you saved one.

    Your own is left out, with a warning, where its file cannot be read.
    """
    shipped, tokenizer = load_shipped()
    untrained = LSTMLanguageModel(shipped.config, seed=0).double()
    models: dict[str, tuple[TrainedModel, TokenizerProtocol]] = {
        "shipped": (shipped, tokenizer),
        "untrained": (untrained, tokenizer),
    }
    if (my_model_folder() / FILE).exists():
        try:
            models["your own"] = load_mine()
        except CheckpointError as error:
            warnings.warn(f"your own model is left out: {error}", stacklevel=2)
    return models


# ------------------------------------------------------------------------------------------------------- into one file


def _packed(model: TrainedModel, tokenizer: TokenizerProtocol) -> bytes:
    """Weights, tokenizer and all that is needed to make both again, as the bytes of one safetensors file."""
    architecture = _architecture_of(model)
    checks.tokenizer_with("to_bytes", tokenizer)
    if tokenizer.vocab_size != model.vocab_size:
        raise ValueError(
            f"the tokenizer has {tokenizer.vocab_size} ids, the model {model.vocab_size}: "
            "save a model with the tokenizer that it was trained with"
        )
    tensors = {name: tensor.contiguous() for name, tensor in model.state_dict().items()}
    for name, weight in numpy_weights(tensors).items():
        checks.finite(f"the weight {name}", weight, "the model diverged, so nothing was saved; train it anew")
    tensors[TOKENIZER] = torch.frombuffer(bytearray(tokenizer.to_bytes()), dtype=torch.uint8)
    header: dict[str, Any] = {
        "format": FORMAT,
        "architecture": architecture,
        "model": asdict(model.config),
        "tokenizer": tokenizer.kind,
    }
    header["sha256"] = digest_of(header, tensors)
    return safetensors.torch.save(tensors, metadata={HEADER: json.dumps(header)})


def _architecture_of(model: object) -> str:
    for name, (model_class, _) in MODELS.items():
        if isinstance(model, model_class):
            return name
    raise TypeError(f"cannot save a {type(model).__name__}: known are {', '.join(MODELS)}")


def digest_of(header: Mapping[str, Any], tensors: Mapping[str, Tensor]) -> str:
    """SHA-256 over what the header says and over names, types, shapes and bytes of all tensors, in order of names."""
    said = {key: value for key, value in header.items() if key != "sha256"}
    digest = hashlib.sha256(json.dumps(said, sort_keys=True).encode())
    for name, tensor in sorted(tensors.items()):
        digest.update(f"{name} {tensor.dtype} {tuple(tensor.shape)}\n".encode())
        digest.update(tensor.numpy(force=True).data)
    return digest.hexdigest()


def write_whole(path: Path, content: bytes) -> None:
    """Write beside the target and move into place: readers see the old file or the new one, never half of one."""
    handle, temporary = tempfile.mkstemp(dir=path.parent, prefix=LEFTOVER)
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        os.chmod(temporary, 0o644)  # mkstemp makes files that only their owner can read
        os.replace(temporary, path)
    except BaseException:
        Path(temporary).unlink(missing_ok=True)
        raise


def clear_leftovers(folder: Path) -> None:
    """Delete what a killed save left behind, a day old or more: a younger file may be somebody's who is saving now."""
    for path in folder.glob(f"{LEFTOVER}*"):
        with suppress(FileNotFoundError):  # its own saver was quicker
            if path.is_file() and time.time() - path.stat().st_mtime > DAY:
                path.unlink()


# -------------------------------------------------------------------------------------------------------- and out of it


def _header(path: Path, content: bytes) -> dict[str, Any]:
    """What the file says of itself, checked."""
    try:
        size = int.from_bytes(content[:8], "little")
        header = json.loads(json.loads(content[8 : 8 + size])["__metadata__"][HEADER])
        found = header["format"]
    except (ValueError, KeyError, TypeError):
        raise CheckpointError(
            f"{path} is damaged, or no checkpoint of this series: save the checkpoint again"
        ) from None
    if found != FORMAT:
        raise CheckpointError(f"{path}: the format is {found!r}, expected {FORMAT!r}: save the checkpoint again")
    if missing := {"architecture", "model", "tokenizer", "sha256"} - header.keys():
        raise CheckpointError(f"{path} lacks {', '.join(sorted(missing))}: save the checkpoint again")
    if str(header["architecture"]) not in MODELS:
        known = ", ".join(map(repr, MODELS))
        raise CheckpointError(f"{path}: the architecture is {header['architecture']!r}, known are {known}")
    return header


def _tensors(path: Path, content: bytes) -> dict[str, Tensor]:
    try:
        tensors = safetensors.torch.load(content)
    except (SafetensorError, ValueError, KeyError) as error:
        raise CheckpointError(f"{path} is damaged ({error}): save the checkpoint again") from None
    if TOKENIZER not in tensors:
        raise CheckpointError(f"{path} lacks {TOKENIZER}: save the checkpoint again")
    for name, tensor in tensors.items():
        if tensor.dtype not in ([torch.uint8] if name == TOKENIZER else NUMPY_TYPES):
            raise CheckpointError(f"{path}: {name} holds {tensor.dtype} values: save the checkpoint again")
    return tensors


def _tokenizer(path: Path, header: Mapping[str, Any], content: Tensor) -> TokenizerProtocol:
    kind = header["tokenizer"]
    try:
        if kind == Tokenizer.kind:
            return Tokenizer(content.numpy().tobytes())
        from helpers.models.pretrained_tokenizer import (
            PretrainedTokenizer,  # needs `transformers`, which most lessons do not
        )

        if kind == PretrainedTokenizer.kind:
            return PretrainedTokenizer.from_bytes(content.numpy().tobytes())
    except ValueError as error:
        raise CheckpointError(f"{path}: its tokenizer cannot be read ({error}): save the checkpoint again") from error
    raise CheckpointError(f"{path}: the tokenizer is {kind!r}, which this version does not know: save it again")


def _model(path: Path, header: Mapping[str, Any], tensors: dict[str, Tensor], vocab_size: int) -> TrainedModel:
    model_class, config_class = MODELS[header["architecture"]]
    try:
        model: Any = model_class(config_class(**header["model"]))  # type: ignore[arg-type]
        model.load_state_dict(tensors)
    except (RuntimeError, TypeError, ValueError) as error:
        raise CheckpointError(f"{path}: the weights do not fit {header['model']}: {error}") from error
    if model.vocab_size != vocab_size:
        raise CheckpointError(f"{path}: the model has {model.vocab_size} ids, the tokenizer {vocab_size}")
    for name, tensor in tensors.items():
        try:
            checks.finite(f"the weight {name}", tensor.numpy(), "train the model again, with a lower learning rate")
        except ValueError as error:
            raise CheckpointError(f"{path}: {error}") from None
    return model.eval()
