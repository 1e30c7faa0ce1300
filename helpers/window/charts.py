"""Figures that sliders or a training run change as a whole: records in one trait, which journey.js draws."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import anywidget
import numpy as np
import traitlets

from helpers import sentences
from helpers.figures.geometry import label_spots
from helpers.window.journey import CSS, ESM

Chart = dict[str, Any]  # kind, said, and what the kind needs
POINTS = 300  # of a line at most
MAP = (420, 336, 304)  # pixels: width, height, and where the legend begins


class Charts(anywidget.AnyWidget):
    """A row of charts; those of a list within it stand below each other."""

    _esm, _css = ESM, CSS
    charts: traitlets.List = traitlets.List().tag(sync=True)


def bars(key: str, rows: Sequence[tuple[str, str, Sequence[tuple[float, str]]]], said: str) -> Chart:
    """Rows of (name, figures, bars), a bar being (share of the width, 0 to 1; "model", "left" or "right")."""
    shown = [[sentences.visible(name), figures, list(map(list, parts))] for name, figures, parts in rows]
    return {"kind": "bars", "key": key, "rows": shown, "said": said}


def lines(
    size: tuple[int, int],
    x: tuple[float, float, str],
    y: tuple[float, float],
    drawn: Sequence[tuple[Sequence[tuple[float, float]], str]],
    said: str,
    *,
    key: str = "",
    log: bool = False,
    levels: Mapping[str, float] | None = None,
    named: Mapping[str, float] | None = None,
    margin: int = 14,
) -> Chart:
    """Lines of (points, look): look holds "dots" or "grey", or neither.

    size: in pixels. x: first, last, and its unit, "" for no labels. levels: dashed lines across with their names.
    named: the names of places at the right end, which a wide margin has room for.
    """
    shown = [[[[a, round(float(b), 4)] for a, b in thinned(points)], look] for points, look in drawn]
    record = {"kind": "lines", "size": [*size, margin], "x": list(x), "y": list(y), "lines": shown, "said": said}
    return record | {"key": key, "log": log, "levels": [*(levels or {}).items()], "named": [*(named or {}).items()]}


def word_map(points: np.ndarray, words: Sequence[str], classes: Sequence[str], share: float) -> Chart:
    """Words on a plane (N, 2), coloured by class; `share` of the vectors' variance lies in the plane."""
    (width, _, legend), distinct = MAP, list(dict.fromkeys(classes))
    reach = float(np.abs(points).max()) * 1.1 or 1.0
    dots = np.array([200, 155]) + points / reach * [190, -145]
    # in pixels: 5.5 a letter, 10 a line, 8 a dot; the box ends where the legend begins
    spots = label_spots(dots, [5.5 * len(word) for word in words], 10, 8, (2, width - 2, 8, legend))
    named = zip(dots.round(1).tolist(), map(distinct.index, classes), words, spots, strict=True)
    return {
        "kind": "map",
        "size": list(MAP),
        "classes": distinct,
        "words": [[*dot, kind, word, spot] for dot, kind, word, spot in named],
        "said": sentences.of_word_map(len(words), len(distinct), share),
    }


def written(title: str, text: str) -> Chart:
    """A text below its title, at a fixed height."""
    return {"kind": "sample", "title": title, "text": sentences.shortened(sentences.visible(text), 400)}


def thinned(values: Sequence, most: int = POINTS) -> Sequence:
    """At most about `most` of the values, evenly, the last one always among them."""
    step = max(1, -(-len(values) // most))
    return values[(len(values) - 1) % step :: step]
