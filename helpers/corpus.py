"""The texts that models learn from: the bundled stories, or a text file of your own."""

from __future__ import annotations

import json
import os
import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from helpers import checks

DATA = Path(__file__).resolve().parent.parent / "data"
BUNDLED = "stories"
FEWEST_TEXTS = 10
EVERY_TENTH = 10  # of a file of your own, each tenth text is held out


@dataclass(frozen=True)
class Corpus:
    """Texts to train on and texts held out.

    `floor_bits_per_byte` is the entropy of the held-out texts under the grammar that made them, end of text included:
    what a perfect model would need. It is known for the bundled corpus alone.
    """

    name: str
    train: tuple[str, ...] = field(repr=False)
    validation: tuple[str, ...] = field(repr=False)
    floor_bits_per_byte: float | None = None


def load_corpus(name_or_path: str | os.PathLike = BUNDLED) -> Corpus:
    """The bundled corpus by its name, "stories", or any UTF-8 .txt file by its path (blank lines separate texts).

    ValueError or FileNotFoundError says what is wrong with a file, and what to do.
    """
    if isinstance(name_or_path, str) and name_or_path == BUNDLED:
        return _bundled()
    path = checks.path_of("name_or_path", name_or_path)
    texts = _paragraphs(_read(path))
    if len(texts) < FEWEST_TEXTS:
        raise ValueError(
            f"{path} holds {len(texts)} text(s), too few to train on and to hold some out: "
            f"give {FEWEST_TEXTS} or more, with a blank line between one text and the next"
        )
    train = tuple(text for i, text in enumerate(texts, 1) if i % EVERY_TENTH)
    return Corpus(path.stem, train, tuple(texts[EVERY_TENTH - 1 :: EVERY_TENTH]))


def text_bytes(texts: Sequence[str]) -> int:
    """UTF-8 bytes of texts, counting one for the end of each, as in a file with a text a line."""
    texts = checks.texts_of(texts)
    return sum(len(text.encode()) + 1 for text in texts)


def _bundled() -> Corpus:
    train, _ = _read_stories("train")
    validation, bits = _read_stories("validation")
    return Corpus(BUNDLED, train, validation, bits / text_bytes(validation))


def _read_stories(part: str) -> tuple[tuple[str, ...], float]:
    with (DATA / f"stories-{part}.jsonl").open(encoding="utf-8") as file:
        records = [json.loads(line) for line in file]
    return tuple(record["text"] for record in records), sum(record["bits"] for record in records)


def _read(path: Path) -> str:
    if not path.is_file():
        problem = "is a folder" if path.is_dir() else "does not exist"
        raise FileNotFoundError(f"{path} {problem}: give {BUNDLED!r} for the bundled corpus or the path of a .txt file")
    content = path.read_bytes()
    if not content.strip():
        raise ValueError(f"{path} is empty: put texts into it, with a blank line between one and the next")
    if b"\0" in content:
        raise ValueError(f"{path} is not a text file (it holds zero bytes): save it as plain text in UTF-8")
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise ValueError(
            f"{path} is not UTF-8 (byte {error.start} is 0x{content[error.start]:02X}): save it again as UTF-8"
        ) from None


def _paragraphs(content: str) -> list[str]:
    return [" ".join(part.split()) for part in re.split(r"\n[ \t\r]*\n", content) if part.strip()]
