"""What some lessons need beyond requirements.txt."""

from __future__ import annotations

import importlib.util
import os
from pathlib import Path

PROJECT = Path(__file__).resolve().parent.parent


def models_folder() -> Path:
    return Path(os.environ.get("TOKEN_JOURNEY_MODELS") or PROJECT / "models")


def what_is_missing(lesson: str) -> str | None:
    """Why this lesson cannot be compared with its stored outputs here; None if it can, or with REQUIRE_ALL=1."""
    if os.environ.get("REQUIRE_ALL") == "1":
        return None
    if lesson.startswith("09"):
        there = importlib.util.find_spec("transformers") and (models_folder() / "all-minilm-l6-v2").is_dir()
        return None if there else "real models are not there: make models"
    if lesson.startswith("10"):
        return None if importlib.util.find_spec("tensorflow") else "TensorFlow is not installed: make tensorflow"
    return None
