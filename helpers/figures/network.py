"""Figures of what a recurrent network does: the same step drawn for token after token, and what its state keeps."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.patches import FancyBboxPatch
from matplotlib.ticker import MaxNLocator

from helpers import checks
from helpers.figures.plots import BLUE, CLASS_COLOURS, GREEN, GREY, ORANGE, Picture, shown

MOST_STEPS = 8  # more boxes than this beside each other could not be read
HALF, TALL = 0.3, 0.2  # half of a box's width and height, where one token takes 1 × 1


def plot_unrolled(pieces: Sequence[str], predictions: Sequence[str]) -> Picture:
    """A recurrent network along a text, from left to right: one column a token, 1 to 8 of them.

    pieces: the tokens read. predictions: for each, the likeliest next token after it was read.
    """
    read, ahead = _names("pieces", pieces), _names("predictions", predictions)
    if len(read) != len(ahead) or not 1 <= len(read) <= MOST_STEPS:
        raise ValueError(
            f"{len(read)} pieces and {len(ahead)} predictions: give one prediction for each of 1 to {MOST_STEPS} pieces"
        )
    figure = Figure(figsize=(9.0, 3.4), layout="constrained", facecolor="white")
    ax = FigureCanvasAgg(figure).figure.subplots()
    ax.set(xlim=(-1.35, len(read) - 0.45), ylim=(-0.35, 3.4))
    ax.axis("off")
    _box(ax, -1, 1.6, "zeros", GREY)
    for column, (piece, prediction) in enumerate(zip(read, ahead, strict=True)):
        _column(ax, column, piece, prediction)
    path = " → ".join(f"{piece!r} ({prediction!r})" for piece, prediction in zip(read, ahead, strict=True))
    return Picture(
        figure,
        f"The same f, drawn {len(read)} times: each time it takes the state and the row of one token and makes the "
        f"next state. Read, and in brackets the likeliest next token: {path}.",
    )


def _names(name: str, values: Sequence[str]) -> list[str]:
    found = checks.listed(name, values)
    for value in found:
        shown(value)  # says so if it is no str
    return found


def _column(ax: Axes, column: int, piece: str, prediction: str) -> None:
    """One token: its name, its row, f, and what is predicted; an arrow brings the state from the left."""
    ax.text(column, -0.1, shown(piece), ha="center", va="center", fontsize=10)
    _box(ax, column, 0.6, "row", BLUE)
    _box(ax, column, 1.6, "f", GREEN)
    _box(ax, column, 2.6, "scores", ORANGE)
    ax.text(column, 3.15, shown(prediction), ha="center", va="center", fontsize=10, color=GREY)
    for low, high in ((0.05, 0.6 - TALL), (0.6 + TALL, 1.6 - TALL), (1.6 + TALL, 2.6 - TALL)):
        _arrow(ax, (column, low), (column, high))
    _arrow(ax, (column - 1 + HALF, 1.6), (column - HALF, 1.6))
    ax.text(column - 0.5, 1.72, "state", ha="center", va="bottom", fontsize=8, color=GREY)


def _box(ax: Axes, x: float, y: float, name: str, colour: str) -> None:
    corner = (x - HALF, y - TALL)
    style = "round,pad=0,rounding_size=0.08"
    ax.add_patch(FancyBboxPatch(corner, 2 * HALF, 2 * TALL, style, facecolor="white", edgecolor=colour, linewidth=1.6))
    ax.text(x, y, name, ha="center", va="center", fontsize=10)


def _arrow(ax: Axes, start: tuple[float, float], end: tuple[float, float]) -> None:
    ax.annotate("", xy=end, xytext=start, arrowprops={"arrowstyle": "->", "color": GREY, "linewidth": 1.2})


def plot_kept(traces: Mapping[str, Sequence[float]], name: str = "state") -> Picture:
    """Numbers along the steps of a network, one line for each trace; the first value is that at step 0.

    traces: name -> finite values, one a step. name: of what is drawn, beside the axis.
    """
    traces = checks.mapping_of("traces", traces, '{"gate 0.9": [1.0, 0.9, 0.81]}')
    example = "give one number for each step"
    lines = {
        key: checks.finite(f"traces[{key!r}]", checks.float64_vector(f"traces[{key!r}]", values, example), example)
        for key, values in traces.items()
    }
    figure = Figure(figsize=(9.0, 2.8), layout="constrained", facecolor="white")
    ax = FigureCanvasAgg(figure).figure.subplots()
    for number, (key, values) in enumerate(lines.items()):
        ax.plot(values, "o-", color=CLASS_COLOURS[number % len(CLASS_COLOURS)], label=shown(key), markersize=3)
    ax.axhline(0, color=GREY, linewidth=0.6)
    ax.set(xlabel="step", ylabel=name)
    ax.xaxis.set_major_locator(MaxNLocator(integer=True))
    ax.spines[["top", "right"]].set_visible(False)
    figure.legend(loc="outside upper right", ncols=4, frameon=False, fontsize=9)
    return Picture(figure, f"{name} along the steps. {'; '.join(_told(key, each) for key, each in lines.items())}.")


def _told(key: str, values: np.ndarray) -> str:
    return f"{key}: {values[0]:.3f} at step 0, {values[-1]:.3f} at step {len(values) - 1}"
