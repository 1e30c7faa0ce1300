"""What a training run needs to go on after a kill: weights, Adam's means, and how far it was, in one file."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
import safetensors.torch
import torch
from safetensors import SafetensorError
from torch import Tensor, nn

from helpers import checks
from helpers.models.checkpoint import CheckpointError, clear_leftovers, digest_of, write_whole
from helpers.training.config import TrainingConfig

FORMAT = "token-journey-run-1"
HEADER = "token-journey-run"


@dataclass(frozen=True)
class ResumeFile:
    """The file in which a run keeps its state, so that the same call goes on from it after a kill.

    It is written every `every` updates (1 and up) and after the last, and replaced at one stroke: a kill at any moment
    costs the updates since. A finished run's file brings its weights back. The number of processes may change. torch's
    random numbers are not kept: a model with dropout would draw others after a kill.
    """

    path: Path
    every: int = 500

    def __post_init__(self) -> None:
        object.__setattr__(self, "path", checks.path_of("path", self.path))
        object.__setattr__(self, "every", checks.whole_number("every", self.every, 1))
        if self.path.is_dir():
            raise ValueError(f"path is {self.path}, a folder: name a file in it, such as {self.path / 'run'}")

    def content(self) -> bytes | None:
        """What the file holds; None where there is none."""
        try:
            return self.path.read_bytes()
        except FileNotFoundError:
            return None

    def is_due(self, step: int, updates: int) -> bool:
        """Whether the state is written after this update."""
        return step % self.every == 0 or step == updates


@dataclass(frozen=True)
class Progress:
    """How far a run is: updates made, tokens seen."""

    step: int = 0
    tokens_seen: int = 0


def description_of(model: nn.Module, config: TrainingConfig, encoded: Sequence[np.ndarray]) -> str:
    """SHA-256 over all that decides where a run ends: sizes of the model, settings, texts and their order."""
    shapes = [(name, str(each.dtype), tuple(each.shape)) for name, each in _tensors_of(model)]
    digest = hashlib.sha256(json.dumps([shapes, asdict(config), [len(ids) for ids in encoded]]).encode())
    for ids in encoded:
        digest.update(np.asarray(ids, np.int32).tobytes())
    return digest.hexdigest()


def save_run(path: Path, run: str, progress: Progress, model: nn.Module, optimizer: torch.optim.Optimizer) -> None:
    """Write the state of the run that `run` describes; OSError says why it cannot be written."""
    tensors = {name: tensor.detach().cpu().contiguous() for name, tensor in _state_of(model, optimizer).items()}
    header = {"format": FORMAT, "run": run, **asdict(progress)}
    header["sha256"] = digest_of(header, tensors)
    content = safetensors.torch.save(tensors, metadata={HEADER: json.dumps(header)})
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        clear_leftovers(path.parent)
        write_whole(path, content)
    except OSError as error:
        raise OSError(f"cannot write {path}: {error.strerror or error}. Choose a file you may write to.") from error


def load_run(
    path: Path, content: bytes | None, run: str, model: nn.Module, optimizer: torch.optim.Optimizer
) -> Progress:
    """Bring model and optimizer to the state that `content` holds, if any: how far the run was then.

    CheckpointError, before anything is changed, if it is damaged or of another run.
    """
    if content is None:
        return Progress()
    header, tensors = _unpacked(path, content)
    if header["run"] != run:
        raise CheckpointError(
            f"{path} is of another run (another model, other texts or settings): delete it to begin anew, or name "
            "another file"
        )
    _bring_back(tensors, model, optimizer)
    return Progress(header["step"], header["tokens_seen"])


def _tensors_of(model: nn.Module) -> list[tuple[str, Tensor]]:
    return [*model.named_parameters(), *model.named_buffers()]


def _state_of(model: nn.Module, optimizer: torch.optim.Optimizer) -> dict[str, Tensor]:
    """Every tensor that changes in a run: weights by their names, and what Adam keeps of each as "adam NAME KEY"."""
    state = dict(_tensors_of(model))
    for name, parameter in model.named_parameters():
        state |= {f"adam {name} {key}": value for key, value in optimizer.state.get(parameter, {}).items()}
    return state


@torch.no_grad()
def _bring_back(tensors: dict[str, Tensor], model: nn.Module, optimizer: torch.optim.Optimizer) -> None:
    for name, tensor in _tensors_of(model):
        tensor.copy_(tensors[name])
    for name, parameter in model.named_parameters():
        start = f"adam {name} "
        kept = {key.removeprefix(start): value for key, value in tensors.items() if key.startswith(start)}
        if kept:
            optimizer.state[parameter] = {key: value.to(parameter.device) for key, value in kept.items()}


def _unpacked(path: Path, content: bytes) -> tuple[dict, dict[str, Tensor]]:
    """Header and tensors of a file, checked."""
    try:
        size = int.from_bytes(content[:8], "little")
        header = json.loads(json.loads(content[8 : 8 + size])["__metadata__"][HEADER])
        tensors = safetensors.torch.load(content)
        whole = header["format"] == FORMAT and digest_of(header, tensors) == header["sha256"]
    except (SafetensorError, ValueError, KeyError, TypeError):
        whole = False
    if not whole:
        raise CheckpointError(f"{path} is damaged, or not of a run of this series: delete it to begin anew")
    return header, tensors
