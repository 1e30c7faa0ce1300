"""Files of real models: where they lie, and the `transformers` library's many loading errors as one sentence each."""

from __future__ import annotations

import json
import os
import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import torch

try:
    import transformers
    from safetensors import SafetensorError
except ModuleNotFoundError as missing:
    raise ImportError(
        f"{missing.name} is not installed: run `make models` in the project's folder, then restart the kernel"
    ) from None

from helpers import checks

SMOLLM, MINILM = "smollm2-135m-instruct", "all-minilm-l6-v2"  # what `make models` brings


class PretrainedError(ValueError):
    """A model that cannot be loaded; the message says what was found and what to do."""


def models_folder() -> Path:
    """Where `make models` puts models: models/ in the project, or what TOKEN_JOURNEY_MODELS names."""
    return Path(os.environ.get("TOKEN_JOURNEY_MODELS") or Path(__file__).resolve().parents[2] / "models")


def source_of(name_or_folder: str | os.PathLike) -> str:
    """The folder meant, or a name for the hub; PretrainedError if there is no such folder."""
    checks.path_of("name_or_folder", name_or_folder)
    name = os.fspath(name_or_folder)
    for folder in (Path(name), models_folder() / name):
        if folder.is_dir():
            _check_folder(folder)
            return str(folder)
    if name in (SMOLLM, MINILM):
        raise PretrainedError(f"{name} is not there: run `make models` in the project's folder, once, with a network")
    if not re.fullmatch(r"[\w-][\w.-]*(/[\w.-]+)?", name):
        raise PretrainedError(f"there is no folder {name!r}: give one made by save_pretrained")
    return name


def _check_folder(folder: Path) -> None:
    """PretrainedError unless the folder's JSON files can be read and name no file outside of it."""
    if not (folder / "config.json").is_file():
        raise PretrainedError(f"{folder} holds no model (no config.json): give a folder made by save_pretrained")
    for path in sorted(folder.glob("*.json")):
        try:
            content = json.loads(path.read_text(encoding="utf-8"))
        except (ValueError, OSError):
            raise PretrainedError(f"{path} cannot be read as JSON: {_remedy(str(folder))}") from None
        named = content.get("weight_map", {}) if isinstance(content, dict) and path.name.endswith("index.json") else {}
        files = set(map(str, named.values())) if isinstance(named, dict) else {str(named)}
        if outside := sorted(file for file in files if Path(file).name != file or file in ("", ".", "..")):
            raise PretrainedError(
                f"{path} names {outside[0]!r}, which is no file of this folder: {_remedy(str(folder))}"
            )


def explained(source: str, what: str, load: Callable, **options: Any) -> Any:
    """load(source, **options); an error becomes a PretrainedError that says what is wrong and what helps.

    Code that a model brings along is never run, and nobody is asked whether it may be.
    """
    try:
        with quiet():
            return load(source, trust_remote_code=False, **options)
    except SafetensorError as error:
        raise PretrainedError(f"the weights in {source} are damaged ({error}): {_remedy(source)}") from error
    except Exception as error:  # a broken file ends in any kind of them, ZeroDivisionError included
        raise PretrainedError(_sentence(source, what, options.get("local_files_only", True))) from error


def load_model(
    source: str, auto_class: Any, config: transformers.PretrainedConfig, **options: Any
) -> transformers.PreTrainedModel:
    """The model in float32; a weight that its files lack is an error, since it would be filled with random numbers."""
    options |= {"config": config, "dtype": torch.float32, "output_loading_info": True}
    model, found = explained(source, "weights", auto_class.from_pretrained, **options)
    missing = sorted(str(key) for name in ("missing_keys", "mismatched_keys") for key in found.get(name, ()))
    if missing:
        raise PretrainedError(f"{source} lacks {len(missing)} weights, {missing[0]} for one: {_remedy(source)}")
    with torch.no_grad():  # in a file tensors lie at any address; aligned ones are faster, and sum in the usual order
        for tensor in (*model.parameters(), *model.buffers()):
            tensor.data = tensor.data.clone()
    return model.eval()


def _sentence(source: str, what: str, local: bool) -> str:
    if Path(source).is_dir():
        return f"{source}: its {what} cannot be read: {_remedy(source)}"
    if local:
        return (
            f"{source!r} is neither a folder nor a model fetched before: "
            f"load_pretrained({source!r}, download=True) fetches it, with a network"
        )
    return f"{source!r} could not be fetched: check the name and the network, or give a folder made by save_pretrained"


def _remedy(source: str) -> str:
    ours = Path(source).name in (SMOLLM, MINILM)
    return f"delete {source} and run `make models`" if ours else "fetch or save it again, whole"


@contextmanager
def quiet() -> Iterator[None]:
    """The library without its bars and warnings: what matters is said by our errors."""
    logging = transformers.utils.logging
    bars, verbosity = logging.is_progress_bar_enabled(), logging.get_verbosity()
    logging.disable_progress_bar()
    logging.set_verbosity_error()
    try:
        yield
    finally:
        logging.set_verbosity(verbosity)
        if bars:
            logging.enable_progress_bar()
