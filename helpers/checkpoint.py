"""Save and load a trained model with its tokenizer, all or nothing, and without pickle."""

from __future__ import annotations

import hashlib
import json
import os
import tempfile
from dataclasses import asdict
from pathlib import Path

import safetensors.torch
from safetensors import SafetensorError
from torch import nn

from helpers.model import LSTMConfig, LSTMLanguageModel
from helpers.tokenizer import Tokenizer
from helpers.transformer import TransformerConfig, TransformerLanguageModel

PROJECT = Path(__file__).resolve().parent.parent
SHIPPED = PROJECT / "data" / "checkpoint"
SHIPPED_TRANSFORMER = PROJECT / "data" / "checkpoint-transformer"
FORMAT = "token-journey-1"
CONFIG = "config.json"
PARTS = ("weights", "tokenizer")  # each a file of its own
ARCHITECTURES = {
    "lstm": (LSTMLanguageModel, LSTMConfig),
    "transformer": (TransformerLanguageModel, TransformerConfig),
}


class CheckpointError(ValueError):
    """A folder that is not a whole checkpoint of ours; the message says what was found and what was expected."""


def save_checkpoint(folder: str | os.PathLike, model: nn.Module, tokenizer: Tokenizer) -> None:
    """Write weights, tokenizer and config.json into `folder`, replacing the checkpoint there at one stroke.

    Weights and tokenizer go into new files named by their content; the checkpoint changes in the moment when
    config.json, which names them, is replaced. Whatever interrupts the writing, the old checkpoint stays whole. Files
    that are not of that checkpoint stay; a folder with another program's config.json is a CheckpointError.
    """
    folder = Path(folder)
    architecture = _architecture_of(model)
    if tokenizer.vocab_size != model.config.vocab_size:
        raise ValueError(
            f"the tokenizer has {tokenizer.vocab_size} ids, the model {model.config.vocab_size}: "
            "save a model with the tokenizer that it was trained with"
        )
    weights = safetensors.torch.save({name: tensor.contiguous() for name, tensor in model.state_dict().items()})
    try:
        before = _files_of(folder)
    except CheckpointError as error:
        raise CheckpointError(f"{error}. Nothing was written: save into another folder, or move that file") from None
    try:
        folder.mkdir(parents=True, exist_ok=True)
        files = {
            "weights": _write_named(folder, "weights", ".safetensors", weights),
            "tokenizer": _write_named(folder, "tokenizer", ".model", tokenizer.to_bytes()),
        }
        config = {
            "format": FORMAT,
            "architecture": architecture,
            "model": asdict(model.config),
            "tokenizer_fingerprint": tokenizer.fingerprint,
            **files,
        }
        _write_whole(folder / CONFIG, (json.dumps(config, indent=2) + "\n").encode())
    except OSError as error:
        raise OSError(
            f"cannot save into {folder}: {error.strerror or error}. Choose a folder you may write to."
        ) from error
    for name in before - _files_of(folder):  # somebody else may have saved here meanwhile
        (folder / name).unlink(missing_ok=True)


def load_checkpoint(folder: str | os.PathLike) -> tuple[nn.Module, Tokenizer]:
    """The (model, tokenizer) in `folder`; CheckpointError if it is missing, damaged, foreign or mixed up."""
    folder = Path(folder)
    config = _read_config(folder)
    try:
        return _load(folder, config)
    except (CheckpointError, FileNotFoundError):
        if _read_config(folder) == config:
            raise
        return load_checkpoint(folder)  # another one was saved here meanwhile


def _load(folder: Path, config: dict) -> tuple[nn.Module, Tokenizer]:
    tokenizer = Tokenizer(_read_checked(folder, config, "tokenizer"))
    if tokenizer.fingerprint != config["tokenizer_fingerprint"]:
        raise CheckpointError(
            f"{folder}: the tokenizer's fingerprint is {tokenizer.fingerprint[:12]}…, the model was trained with "
            f"{config['tokenizer_fingerprint'][:12]}…: put the right tokenizer back, or train again"
        )
    model_class, config_class = ARCHITECTURES[config["architecture"]]
    try:
        model = model_class(config_class(**config["model"]))
        model.load_state_dict(safetensors.torch.load(_read_checked(folder, config, "weights")))
    except (SafetensorError, RuntimeError, TypeError) as error:
        raise CheckpointError(f"{folder}: the weights do not fit {config['model']}: {error}") from error
    if model.config.vocab_size != tokenizer.vocab_size:
        raise CheckpointError(
            f"{folder}: the model has {model.config.vocab_size} ids, the tokenizer {tokenizer.vocab_size}"
        )
    return model.eval(), tokenizer


def load_shipped() -> tuple[LSTMLanguageModel, Tokenizer]:
    """The trained model that comes with the lessons, in float64: its printed figures are the same on every CPU."""
    model, tokenizer = load_checkpoint(SHIPPED)
    return model.double(), tokenizer


def load_shipped_transformer() -> tuple[TransformerLanguageModel, Tokenizer]:
    """The trained Transformer that comes with lesson 06, in float64."""
    model, tokenizer = load_checkpoint(SHIPPED_TRANSFORMER)
    return model.double(), tokenizer


def my_model_folder() -> Path:
    """Where lesson 03 saves the model that you train: `my_model/` beside the lessons, which git ignores.

    The environment variable TOKEN_JOURNEY_MY_MODEL names another folder (the tests use it to leave yours alone).
    """
    return Path(os.environ.get("TOKEN_JOURNEY_MY_MODEL") or PROJECT / "my_model")


def load_mine() -> tuple[nn.Module, Tokenizer]:
    """The model that you trained and saved in lesson 03, in float64."""
    try:
        model, tokenizer = load_checkpoint(my_model_folder())
    except CheckpointError as error:
        raise CheckpointError(f"{error} (lesson 03 trains and saves a model of your own)") from None
    return model.double(), tokenizer


def load_all() -> dict[str, tuple[nn.Module, Tokenizer]]:
    """Every model at hand, {name: (model, tokenizer)}: the shipped, an untrained one, and yours if you saved one."""
    shipped, tokenizer = load_shipped()
    untrained = type(shipped)(shipped.config, seed=0).double()
    models = {"shipped": (shipped, tokenizer), "untrained": (untrained, tokenizer)}
    if (my_model_folder() / CONFIG).exists():
        models["your own"] = load_mine()
    return models


def _architecture_of(model: nn.Module) -> str:
    for name, (model_class, _) in ARCHITECTURES.items():
        if isinstance(model, model_class):
            return name
    raise TypeError(f"cannot save a {type(model).__name__}: known are {', '.join(ARCHITECTURES)}")


def _write_named(folder: Path, stem: str, suffix: str, content: bytes) -> dict[str, str]:
    digest = hashlib.sha256(content).hexdigest()
    name = f"{stem}-{digest[:8]}{suffix}"
    _write_whole(folder / name, content)
    return {"file": name, "sha256": digest}


def _write_whole(path: Path, content: bytes) -> None:
    """Write beside the target and move into place: readers see the old file or the new one, never half of one."""
    handle, temporary = tempfile.mkstemp(dir=path.parent, prefix=".saving-")
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


def _files_of(folder: Path) -> set[str]:
    """The files that config.json in `folder` names; none if there is no config.json."""
    if not (folder / CONFIG).exists():
        return set()
    config = _read_config(folder)
    return {config[part]["file"] for part in PARTS}


def _read_config(folder: Path) -> dict:
    path = folder / CONFIG
    if not path.is_file():
        raise CheckpointError(
            f"{folder} holds no checkpoint (no {CONFIG}): save one with save_checkpoint, or check the path"
        )
    try:
        config = json.loads(path.read_text(encoding="utf-8"))
        found = config["format"]
    except (ValueError, KeyError, TypeError):
        raise CheckpointError(
            f"{path} is not a checkpoint of this series: expected a JSON file with format {FORMAT!r}"
        ) from None
    if found != FORMAT:
        raise CheckpointError(f"{path}: the format is {found!r}, expected {FORMAT!r}")
    if str(config.get("architecture")) not in ARCHITECTURES:
        known = ", ".join(map(repr, ARCHITECTURES))
        raise CheckpointError(f"{path}: the architecture is {config.get('architecture')!r}, known are {known}")
    missing = {"model", "tokenizer_fingerprint", *PARTS} - config.keys()
    missing |= {part for part in PARTS if not _is_file_entry(config.get(part))}
    if missing:
        raise CheckpointError(f"{path} lacks {', '.join(sorted(missing))}: save the checkpoint again")
    return config


def _is_file_entry(entry: object) -> bool:
    """{"file": a name without folders, "sha256": …}, as `_write_named` gives it: nothing outside is read or deleted."""
    if not isinstance(entry, dict) or not all(isinstance(entry.get(key), str) for key in ("file", "sha256")):
        return False
    return Path(entry["file"]).name == entry["file"]


def _read_checked(folder: Path, config: dict, part: str) -> bytes:
    path = folder / config[part]["file"]
    if not path.is_file():
        raise CheckpointError(f"{path} is missing: save the checkpoint again")
    content = path.read_bytes()
    digest = hashlib.sha256(content).hexdigest()
    if digest != config[part]["sha256"]:
        raise CheckpointError(
            f"{path} is damaged: its SHA-256 is {digest[:12]}…, expected {config[part]['sha256'][:12]}… "
            "(cut off, or changed after it was saved)"
        )
    return content
