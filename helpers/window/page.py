"""A journey as one HTML file: journey.js, journey.css and the records, for any browser, without kernel and network."""

from __future__ import annotations

import base64
import gzip
import hashlib
import html
import json
import os
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from helpers import checks
from helpers.records import TokenStep
from helpers.sampling import FILTERS
from helpers.streaming import Generation
from helpers.window.journey import CSS, ESM, Frame, Part, Teller, closed_part, memory_part, plot_sentences, read_part

MARK = '<meta name="generator" content="Token Journey">'
ROOM = 8_000_000  # bytes at most of what is inside, as the live view gets it
NO_ROOM = "What was inside here is not on this page: it has room for the newest {} steps."
BLOCK = 32  # numbers that share a scale

PAGE = """<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
{mark}
<meta name="viewport" content="width=device-width">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; script-src '{script_hash}'; \
style-src '{style_hash}'; base-uri 'none'; form-action 'none'">
<title>{title} · Token Journey</title>
<style>{style}</style>
</head>
<body class="{look}">
<main class="explorer">
<h1>The journey of each token</h1>
{main}
</main>
<script type="text/plain" id="{name}">{packed}</script>
<script type="module">{script}</script>
</body>
</html>
"""
RECORDED = """<p>A recorded text: {beginning}. Press a token to see its id, its embedding row, and what the model \
expected next.</p>
<noscript>This page draws with JavaScript: allow it, and load the page again.</noscript>"""
SCRIPT = """
replay(document.querySelector("main"), document.getElementById("journey").textContent)
  .catch((error) => document.querySelector("main").append(`This browser cannot show the page: ${error}`));
"""


def checked_path(path: object, overwrite: bool) -> Path:
    """The path of a page to be written; an error says in one sentence why none can be, and what helps."""
    target = checks.path_of("path", path)
    if target.suffix.lower() not in (".html", ".htm"):
        raise ValueError(f"{target} does not end in .html: give a name such as {target.stem}.html")
    if target.is_dir():
        raise IsADirectoryError(f"{target} is a folder: give the path of a file, such as {target / 'journey.html'}")
    if not target.parent.is_dir():
        raise FileNotFoundError(f"{target.parent} is no folder: make it first, or give a path in one that is there")
    if target.exists() and not overwrite and not _is_ours(target):
        raise FileExistsError(f"{target} is there, and no saved journey: give another name, or overwrite=True")
    return target


def _is_ours(path: Path) -> bool:
    with path.open("rb") as file:
        return MARK.encode() in file.read(1000)


def write_page(path: Path, page: str) -> None:
    """Write beside the target and move into place, so that nobody finds half a page; OSError says what to do."""
    temporary = None
    try:
        with tempfile.NamedTemporaryFile("wb", dir=path.parent, suffix=".html", delete=False) as file:
            temporary = Path(file.name)
            file.write(page.encode())
        os.chmod(temporary, 0o644)  # a temporary file is for its owner's eyes alone
        os.replace(temporary, path)
    except OSError as error:
        if temporary:
            temporary.unlink(missing_ok=True)
        reason = error.strerror or error
        raise type(error)(f"{path} cannot be written ({reason}): choose a folder that you may write to") from error


def page_of(generation: Generation, position: int, beginning: str, inside_at: Callable[[int], Part]) -> str:
    """The page as text. beginning: of which text, in words. inside_at: what was inside at a place, as the view gets it.

    Embedding rows are kept in float32, what is inside in 8 bits a number: it is seen in shades.
    """
    return one_file(
        html.escape(beginning),
        RECORDED.format(beginning=html.escape(beginning)),
        ("journey", pack(recording(generation, position, inside_at))),
        CSS.read_text(encoding="utf-8"),
        ESM.read_text(encoding="utf-8") + SCRIPT,
    )


def one_file(title: str, main: str, data: tuple[str, str], style: str, script: str, look: str = "tj-saved") -> str:
    """A page of one style and one script, which alone may act, and data in base64: (the id of its element, content)."""
    style, script = _within(style), _within(script)
    return PAGE.format(
        mark=MARK,
        title=title,
        main=main,
        name=data[0],
        packed=data[1],
        look=look,
        style=style,
        script=script,
        style_hash=_hash(style),
        script_hash=_hash(script),
    )


def recording(generation: Generation, position: int, inside_at: Callable[[int], Part]) -> dict[str, Any]:
    """What a page without a kernel has to know: the text, what is told at each step, what each prompt token brings."""
    tokens, steps = generation.tokens, generation.steps
    begin = len(tokens) - len(steps) - 1
    insides = _insides(len(tokens) - 1, inside_at)
    text = Teller().tell(generation, Frame(position, said=False))
    states: list[Part] = [(_state(generation, position), []) for position in range(len(steps) + 1)]
    return {
        "filters": [entry.short for entry in FILTERS.values()],
        "position": position,
        "text": _joined(text, memory_part(0, generation.memories(0, len(tokens) - 1))),
        "steps": [states[0], *map(_joined, states[1:], insides[begin:])],
        "reads": [_joined(read_part(generation.expected(place)), insides[place]) for place in range(begin)],
    }


def _state(generation: Generation, position: int) -> dict[str, Any]:
    """The status line and the plots' sentences where step number `position` is looked at."""
    tokens, steps = generation.tokens, generation.steps
    begin, settings = len(tokens) - len(steps) - 1, _settings(steps[position - 1]) if position else ""
    return {
        "status": [f"step {position} of {len(steps)}", f"{len(tokens)} tokens{settings}", "", ""],
        "said": plot_sentences(tokens, steps, begin + position),
    }


def _settings(step: TokenStep) -> str:
    given = [(entry.name.replace("_", "-"), getattr(step.settings, name), entry.off) for name, entry in FILTERS.items()]
    return "".join(f" · {name} {value:g}" for name, value, off in given if value != off)


def _joined(part: Part, other: Part) -> Part:
    return part[0] | other[0], part[1] + other[1]


def _insides(count: int, inside_at: Callable[[int], Part]) -> list[Part]:
    """What was inside at each of `count` places, the newest first as long as there is room; the others say so."""
    found: list[Part] = []
    room = ROOM
    for place in reversed(range(count)):
        part = inside_at(place)
        room -= sum(buffer.nbytes for buffer in part[1])
        if room < 0:
            break
        found.append(part)
    closed = [closed_part(place, NO_ROOM.format(len(found))) for place in range(count - len(found))]
    return closed + found[::-1]


# ------------------------------------------------------------------------------------------- records as one text


def pack(recording: dict[str, Any]) -> str:
    """Base64 of gzip of: the length of the JSON, the JSON, and the buffers; journey.js unpacks it."""
    buffers: list[bytes] = []

    def listed(part: Part, exact: bool = False) -> list[Any]:
        found = [
            ("as it is", np.asarray(b).tobytes()) if exact or b.dtype != np.float32 else ("blocks", blocks(b))
            for b in part[1]
        ]
        buffers.extend(content for _, content in found)
        return [part[0], [[kind, len(content)] for kind, content in found]]

    text = listed(recording["text"], exact=True)
    parts = {name: list(map(listed, recording[name])) for name in ("steps", "reads")}
    told = json.dumps({**recording, "text": text, **parts}, ensure_ascii=False, separators=(",", ":")).encode()
    whole = b"".join([len(told).to_bytes(4, "little"), told, *buffers])
    return base64.b64encode(gzip.compress(whole, 9, mtime=0)).decode()


def blocks(values: np.ndarray) -> bytes:
    """Numbers in 8 bits: blocks of 32, each a float32 and what to multiply it by, from -127 to 127; zeros fill up."""
    rows = np.zeros((-(-len(values) // BLOCK), BLOCK), "<f4")
    rows.flat[: len(values)] = np.where(np.isfinite(values), values, 0)
    scales = np.abs(rows).max(axis=1, keepdims=True) / 127
    whole = np.round(rows / np.where(scales == 0, 1, scales)).astype(np.int8)
    return np.hstack([scales.view(np.int8), whole]).tobytes()


def _within(code: str) -> str:
    """Code that ends no element of the page before its own end."""
    return code.replace("</", "<\\/").replace("<!--", "<\\!--")


def _hash(code: str) -> str:
    """How a content security policy names the one script, or the one style, that may act."""
    return f"sha256-{base64.b64encode(hashlib.sha256(code.encode()).digest()).decode()}"
