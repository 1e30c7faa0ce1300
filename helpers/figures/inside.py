"""Figures of what happens inside a model: its stages, ranks along them, an LSTM's memory, and two of its units."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.ticker import NullLocator, StrMethodFormatter

from helpers import checks, sentences
from helpers.figures.plots import BLUE, CLASS_COLOURS, GREEN, GREY, LATEST, ORANGE, SIGNS, Picture, shown
from helpers.records import Inside, Memory, Stage

MOST_POINTS = 400  # of one cloud; more would hide each other
MOST_UNITS = 40  # rows of a memory's picture; more could not be read
STAGES_FIT = 16  # names of stages side by side; of more, each third is named


def plot_stages(inside: Inside) -> Picture:
    """Each stage of one token as a strip of colour, with its norm and what the logit lens reads of it."""
    checks.of_kind("inside", inside, Inside, ", such as generation.inside(0)")
    stages = inside.stages
    figure = Figure(figsize=(9.0, 0.5 + 0.42 * len(stages)), layout="constrained", facecolor="white")
    FigureCanvasAgg(figure)
    axes = figure.subplots(len(stages), 2, squeeze=False, width_ratios=[3.0, 2.6])
    for (strip, words), stage in zip(axes, stages, strict=True):
        _strip(strip, words, stage)
    return Picture(figure, sentences.of_stages(stages))


def _strip(strip: Axes, words: Axes, stage: Stage) -> None:
    """One stage: its vector as colours on the left; norm and the lens' first three in words on the right."""
    limit = float(np.abs(stage.vector).max()) or 1.0
    strip.imshow(stage.vector[None], cmap=SIGNS, vmin=-limit, vmax=limit, aspect="auto", interpolation="nearest")
    strip.set(xticks=[])
    strip.set_yticks([0], [stage.name], fontsize=9)
    strip.spines[:].set_visible(False)
    words.set(xlim=(0, 1), ylim=(0, 1))
    words.axis("off")
    words.text(0.0, 0.5, f"norm {stage.norm:.2f}", va="center", fontsize=9, color=GREY)
    for number, candidate in enumerate(stage.candidates):
        said = f"{shown(candidate.piece)} {candidate.model_probability:.2f}"
        words.text(0.25 + 0.26 * number, 0.5, said, va="center", fontsize=9)


def plot_ranks(insides: Mapping[str, Inside]) -> Picture:
    """The rank of the token that was then chosen under the lens of each stage, one line for each name; 1 is first."""
    insides = checks.mapping_of("insides", insides, '{"after said": generation.inside(3)}')
    figure = Figure(figsize=(9.0, 3.0), layout="constrained", facecolor="white")
    ax = FigureCanvasAgg(figure).figure.subplots()
    said: list[str] = []
    stations: dict[str, None] = {}  # as a set that keeps the order, which is the order along the axis
    for number, (name, inside) in enumerate(insides.items()):
        checks.of_kind(f"insides[{name!r}]", inside, Inside, ", such as generation.inside(0)")
        ranks = [(stage.name, stage.rank) for stage in inside.stages if stage.rank is not None]
        names, places = zip(*ranks, strict=True)
        stations |= dict.fromkeys(names)
        ax.plot(names, places, "o-", color=CLASS_COLOURS[number % len(CLASS_COLOURS)], label=shown(name))
        said.append(f"{name}: {places[0]:,} at {names[0]}, {places[-1]:,} at {names[-1]}")
    ax.set(yscale="log", ylabel="rank of the chosen token")
    ax.yaxis.set_major_formatter(StrMethodFormatter("{x:g}"))
    ax.yaxis.set_minor_locator(NullLocator())
    ax.invert_yaxis()
    each = 1 if len(stations) <= STAGES_FIT else 3
    ax.set_xticks(range(0, len(stations), each), list(stations)[::each], rotation=30, ha="right", fontsize=8)
    ax.spines[["top", "right"]].set_visible(False)
    figure.legend(loc="outside upper right", ncols=4, frameon=False, fontsize=9)
    return Picture(figure, f"Rank of the chosen token along the stages, 1 is first. {'; '.join(said)}.")


def plot_clouds(groups: Mapping[str, np.ndarray], across: str, up: str) -> Picture:
    """Two quantities of several groups, (N, 2) each: a cloud of points a group, at most 400 of them, evenly picked."""
    groups = checks.mapping_of("groups", groups, '{"Mia": [[1.5, -0.2], [1.4, 0.1]]}')
    points = {name: _points(name, given) for name, given in groups.items()}
    figure = Figure(figsize=(6.6, 4.0), layout="constrained", facecolor="white")
    ax = FigureCanvasAgg(figure).figure.subplots()
    for number, (name, found) in enumerate(points.items()):
        few = found[:: math.ceil(len(found) / MOST_POINTS)]
        ax.plot(few[:, 0], few[:, 1], "o", color=CLASS_COLOURS[number % len(CLASS_COLOURS)], markersize=3, label=name)
    ax.set(xlabel=across, ylabel=up)
    ax.spines[["top", "right"]].set_visible(False)
    figure.legend(loc="outside upper right", ncols=8, frameon=False, fontsize=9, markerscale=2)
    medians = "; ".join(f"{name} {x:+.2f}, {y:+.2f}" for name, (x, y) in _medians(points).items())
    return Picture(figure, f"{across} and {up} in {len(points)} groups, medians: {medians}.")


def _points(name: str, given: np.ndarray) -> np.ndarray:
    found, example = checks.finite_matrix(f"groups[{name!r}]", given), "give 2 numbers for each point"
    if found.shape[1] != 2:
        raise ValueError(f"groups[{name!r}] has the shape {found.shape}: {example}")
    return found


def _medians(points: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
    return {name: np.median(found, axis=0).round(2) + 0.0 for name, found in points.items()}  # no "-0.00"


def plot_memory(memories: Sequence[Memory], pieces: Sequence[str], units: Sequence[int]) -> Picture:
    """The cell of an LSTM along a text, some units × tokens; below, the gates of the first of these units.

    memories, pieces: of the tokens read, in order. units: which of the H to draw, at most 40.
    """
    cells, chosen = _cells(memories, pieces, units)
    figure = Figure(figsize=(9.0, 2.8 + 0.22 * len(chosen)), layout="constrained", facecolor="white")
    FigureCanvasAgg(figure)
    upper, lower = figure.subplots(2, 1, sharex=True, height_ratios=[0.4 + 0.22 * len(chosen), 1.4])
    limit = float(np.abs(cells).max()) or 1.0
    upper.imshow(cells.T, cmap=SIGNS, vmin=-limit, vmax=limit, aspect="auto", interpolation="nearest")
    upper.set_yticks(range(len(chosen)), [f"unit {unit}" for unit in chosen], fontsize=8)
    for name, colour in (("input", GREEN), ("forget", BLUE), ("output", ORANGE)):
        gate = [getattr(memory, f"{name}_gate")[chosen[0]] for memory in memories[-LATEST:]]
        lower.plot(gate, color=colour, label=f"{name} gate", linewidth=1.4)
    lower.set(ylim=(-0.05, 1.05), ylabel=f"unit {chosen[0]}")
    lower.set_xticks(range(len(cells)), [shown(piece) for piece in pieces[-LATEST:]], rotation=90, fontsize=8)
    figure.legend(loc="outside upper right", ncols=3, frameon=False, fontsize=9)
    first = cells[:, 0]
    return Picture(
        figure,
        f"{len(chosen)} units of the cell along {len(cells)} tokens, between ±{limit:.2f}; unit {chosen[0]} goes from "
        f"{first.min():+.2f} at {pieces[-len(cells) :][int(first.argmin())]!r} to {first.max():+.2f} at "
        f"{pieces[-len(cells) :][int(first.argmax())]!r}.",
    )


def _cells(memories: Sequence[Memory], pieces: Sequence[str], units: Sequence[int]) -> tuple[np.ndarray, list[int]]:
    """The cell's chosen units, (T, units), of the latest tokens; errors name what does not fit."""
    if not checks.listed("memories", memories) or len(memories) != len(checks.listed("pieces", pieces)):
        raise ValueError(
            f"{len(memories)} memories and {len(pieces)} pieces: give one piece for each memory, one or more"
        )
    for memory in memories:
        checks.of_kind("a memory", memory, Memory, ", such as generation.inside(0).memory")
    cells = np.array([memory.cell for memory in memories[-LATEST:]])
    size = cells.shape[1]
    chosen = [checks.whole_number("unit", unit, 0, size - 1) for unit in checks.listed("units", units)]
    if not 1 <= len(chosen) <= MOST_UNITS:
        raise ValueError(f"units are {len(chosen)}: give from 1 to {MOST_UNITS} of them")
    return cells[:, chosen], chosen
