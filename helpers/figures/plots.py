"""Matplotlib figures of the records that streaming and training yield, each with a sentence computed from its data.

The sentence is the figure's text alternative: JupyterLab shows stored pictures without an `alt`, GitHub and screen
readers need words, and the regression tests compare words, not pixels.
"""

from __future__ import annotations

import io
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from textwrap import fill

import numpy as np
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.colors import LinearSegmentedColormap, to_rgb
from matplotlib.figure import Figure
from matplotlib.font_manager import FontProperties, findfont, get_font
from matplotlib.ticker import LogLocator, MaxNLocator, NullLocator, StrMethodFormatter

from helpers import checks, sentences
from helpers.figures.geometry import apartness, label_spots, principal_plane
from helpers.records import SPACE, Token, TokenStep, TrainingStep
from helpers.sampling import FILTERS

# Okabe and Ito's palette, which colour-blind readers can tell apart
BLUE, ORANGE, GREEN, GREY, PURPLE = "#0072B2", "#D55E00", "#009E73", "#6B7280", "#CC79A7"
SIGNS = LinearSegmentedColormap.from_list("signs", [BLUE, "white", ORANGE])  # below zero, zero, above: as in the window
CLASS_COLOURS = (BLUE, ORANGE, GREEN, PURPLE, "#56B4E9", "#E69F00", "#444444", "#A6761D")
SYMBOLS = 0x2500  # from here on mostly boxes, pictographs and CJK: escaped, though the font draws a few of them
LATEST = 200  # tokens shown at most
ATTENTION_FITS = 60  # tokens whose attention is shown: 256 of them would take ten seconds and two gigabytes
LABELS_FIT = 42  # more words than this under one axis would overlap
LETTERS_FIT = 104  # letters of a fixed width, 9 points high, in one line of chips


@dataclass(frozen=True)
class Picture:
    """A figure and the sentence that says what it shows. A notebook displays both."""

    figure: Figure = field(repr=False)
    sentence: str

    def png(self) -> bytes:
        """The figure as PNG bytes."""
        buffer = io.BytesIO()
        self.figure.savefig(buffer, format="png", dpi=100)
        return buffer.getvalue()

    def _ipython_display_(self) -> None:
        from IPython.display import display

        display({"image/png": self.png(), "text/plain": "<figure>"}, raw=True)
        display({"text/plain": fill(self.sentence, 95)}, raw=True)


def _figure(width: float = 9.0, height: float = 2.8, columns: int = 1) -> tuple[Figure, list[Axes]]:
    figure = Figure(figsize=(width, height), layout="constrained", facecolor="white")
    FigureCanvasAgg(figure)
    axes = list(figure.subplots(1, columns, squeeze=False)[0])
    for ax in axes:
        ax.spines[["top", "right"]].set_visible(False)
    return figure, axes


def shown(piece: str) -> str:
    """A piece as it is printed under a plot: '·' for the space, and never a character the font lacks."""
    if not isinstance(piece, str):
        raise TypeError(f"a name is a str, not {type(piece).__name__}: {checks.shown(piece)}")
    font = get_font(findfont(FontProperties()))
    text = "".join(
        c if c.isprintable() and ord(c) < SYMBOLS and font.get_char_index(ord(c)) else _escaped(c)
        for c in piece.replace(SPACE, "·")
    )
    return text.replace("$", r"\$")


def _escaped(character: str) -> str:
    return character.encode("unicode_escape").decode()


# --------------------------------------------------------------------------------------------- the journey of a text


def plot_norms(tokens: Sequence[Token]) -> Picture:
    """The embedding norm of each token along the text."""
    tokens = _latest(tokens)
    norms = np.array([token.norm for token in tokens])
    figure, (ax,) = _figure()
    _along_text(ax, tokens, norms, f"norm (mean {norms.mean():.2f})")
    ax.axhline(norms.mean(), color=ORANGE, linestyle="--", linewidth=1)
    return Picture(figure, sentences.of_norms(tokens))


def plot_cosines(tokens: Sequence[Token]) -> Picture:
    """The cosine of each token's embedding with that of the token before it."""
    tokens = [token for token in _latest(tokens) if token.cosine_to_previous is not None]
    if not tokens:
        raise ValueError("no token here has a cosine to the one before: give two tokens or more")
    cosines = np.array([token.cosine_to_previous for token in tokens])
    figure, (ax,) = _figure()
    _along_text(ax, tokens, cosines, "cosine to the token before", stems=True)
    ax.set_ylim(min(-0.5, cosines.min() - 0.05), 1.05)
    return Picture(figure, sentences.of_cosines(tokens))


def plot_along(tokens: Sequence[Token], values: Sequence[float], name: str) -> Picture:
    """Any one number for each token, drawn along the text."""
    numbers = _finite("values", values, "give one number for each token")
    if len(checks.listed("tokens", tokens)) != len(numbers):
        raise ValueError(f"{len(tokens)} tokens and {len(numbers)} values: give one value for each token")
    tokens, numbers = _latest(tokens), numbers[-LATEST:]
    figure, (ax,) = _figure()
    _along_text(ax, tokens, numbers, name)
    return Picture(
        figure,
        f"{name} along {len(tokens)} tokens: from {numbers.min():.3f} at {tokens[int(numbers.argmin())].piece!r} "
        f"to {numbers.max():.3f} at {tokens[int(numbers.argmax())].piece!r}.",
    )


def plot_chips(pieces: Sequence[str], roles: Sequence[str]) -> Picture:
    """The tokens of a text as chips, coloured by the role of each, such as who speaks there.

    pieces, roles: (T,), a role for each piece. Of a long text the last 200 tokens are drawn.
    """
    names = [shown(piece) for piece in checks.listed("pieces", pieces)]
    roles = _as_many("roles", roles, "pieces", len(names))
    if not names:
        raise ValueError("no pieces to draw: give one or more, such as [token.piece for token in generation.tokens]")
    counts = {role: roles.count(role) for role in dict.fromkeys(roles)}
    colours = {role: CLASS_COLOURS[number % len(CLASS_COLOURS)] for number, role in enumerate(counts)}
    spots = _chip_spots(names[-LATEST:])
    figure = Figure(figsize=(9.0, 0.65 + 0.3 * spots[-1][1]), facecolor="white")
    ax = FigureCanvasAgg(figure).figure.add_axes((0.01, 0.0, 0.98, 1.0))
    ax.set(xlim=(0, LETTERS_FIT + 12), ylim=(spots[-1][1] + 0.8, -1.4))
    ax.axis("off")
    for name, role, (across, line) in zip(names[-LATEST:], roles[-LATEST:], spots, strict=True):
        _chip(ax, across, line, name, colours[role])
    for number, (role, colour) in enumerate(colours.items()):
        ax.text(1 + 18 * number, -0.9, shown(role), va="center", fontsize=10, weight="bold", color=colour)
    said = ", ".join(f"{role} {count}" for role, count in counts.items())
    return Picture(figure, f"A text of {len(names)} tokens as chips, coloured by role: {said}.")


def _chip_spots(names: Sequence[str]) -> list[tuple[float, int]]:
    """Where each chip begins: (letters from the left, line)."""
    spots, across, line = [], 1.0, 0
    for name in names:
        if across > 1 and across + len(name) > LETTERS_FIT:
            across, line = 1.0, line + 1
        spots.append((across, line))
        across += len(name) + 1.8
    return spots


def _chip(ax: Axes, across: float, line: int, name: str, colour: str) -> None:
    box = {"boxstyle": "round,pad=0.22", "facecolor": (*to_rgb(colour), 0.25), "edgecolor": "none"}
    ax.text(across, line, name, va="center", fontsize=9, family="DejaVu Sans Mono", bbox=box)


def _latest(tokens: Sequence[Token]) -> list[Token]:
    found = checks.listed("tokens", tokens)
    if not found:
        raise ValueError("no tokens to draw: give one or more, such as generation.tokens")
    for token in found:
        checks.of_kind("a token", token, Token, ", such as those of generation.tokens")
    return found[-LATEST:]


def _finite(name: str, values: Sequence[float], example: str) -> np.ndarray:
    """Numbers that can be drawn, (N,)."""
    return checks.finite(name, checks.float64_vector(name, values, example), example)


def _as_many(what: str, values: Sequence[str], others: str, count: int) -> list[str]:
    """`values` as a list; ValueError unless there is one for each of `count` others."""
    found = checks.listed(what, values)
    if len(found) != count:
        raise ValueError(f"{len(found)} {what} for {count} {others}: give one for each")
    return found


def _along_text(ax: Axes, tokens: Sequence[Token], values: np.ndarray, name: str, stems: bool = False) -> None:
    places = np.array([token.position for token in tokens])
    if stems:
        ax.vlines(places, 0, values, color=BLUE, linewidth=1.5)
        ax.axhline(0, color=GREY, linewidth=0.8)
        ax.plot(places, values, "o", color=BLUE, markersize=4)
    else:
        ax.plot(places, values, "o-", color=BLUE, markersize=4, linewidth=1.2)
    prompt = [token.position for token in tokens if token.from_prompt]
    if prompt:
        ax.axvspan(prompt[0] - 0.5, prompt[-1] + 0.5, color=GREY, alpha=0.12, linewidth=0)
        ax.text(prompt[0] - 0.4, 1.0, "prompt", transform=ax.get_xaxis_transform(), color=GREY, fontsize=8, va="bottom")
    ax.set_ylabel(name, fontsize=9)
    if len(tokens) <= LABELS_FIT:
        ax.set_xticks(places, [shown(token.piece) for token in tokens], rotation=60, ha="right", fontsize=8)
    else:
        ax.set_xlabel("position")
        ax.xaxis.set_major_locator(MaxNLocator(integer=True))
    ax.margins(x=0.01)


# ------------------------------------------------------------------------------------------------ vectors and choices


def plot_vectors(vectors: np.ndarray, names: Sequence[str]) -> Picture:
    """Vectors (N, D) as rows of colour: blue below zero, white at zero, red above."""
    one = all(map(checks.is_number, checks.listed("vectors", vectors)))
    vectors = checks.finite_matrix("vectors", [vectors] if one else vectors)
    names = _as_many("names", names, "vectors", len(vectors))
    limit = float(np.abs(vectors).max()) or 1.0
    figure, (ax,) = _figure(height=0.9 + 0.32 * len(vectors))
    image = ax.imshow(vectors, cmap=SIGNS, vmin=-limit, vmax=limit, aspect="auto", interpolation="nearest")
    ax.set_yticks(range(len(vectors)), [shown(name) for name in names], fontsize=9)
    ax.set_xlabel("dimension")
    figure.colorbar(image, ax=ax, shrink=0.9)
    norms = ", ".join(f"{name} {np.linalg.norm(v):.3f}" for name, v in zip(names, vectors, strict=True))
    return Picture(
        figure, f"{len(vectors)} vectors of {vectors.shape[1]} numbers between ±{limit:.3f}; norms: {norms}."
    )


def plot_moves(before: np.ndarray, after: np.ndarray, names: Sequence[str], vector: Sequence[float]) -> Picture:
    """Rows (N, 2) before and after a step, each move an arrow, beside the vector (2,) that moved them."""
    before, after = checks.finite_matrix("before", before), checks.finite_matrix("after", after)
    names = _as_many("names", names, "rows", len(before))
    pull = _finite("vector", vector, "give 2 numbers")
    for what, given, wanted in (
        ("before", before, (len(names), 2)),
        ("after", after, before.shape),
        ("vector", pull, (2,)),
    ):
        if given.shape != wanted:
            raise ValueError(f"{what} has the shape {given.shape}, not {wanted}: give 2 numbers for each row")
    figure, (ax,) = _figure(width=5.6, height=3.6)
    tip = (float(pull[0]), float(pull[1]))
    ax.annotate("", tip, (0, 0), arrowprops={"arrowstyle": "-|>", "color": GREY, "linewidth": 1.5})
    ax.text(tip[0], tip[1], "  vector", color=GREY, fontsize=9, va="center")
    for number, (name, old, new) in enumerate(zip(names, before.tolist(), after.tolist(), strict=True)):
        colour = CLASS_COLOURS[number % len(CLASS_COLOURS)]
        ax.plot(*old, "o", color=colour, alpha=0.35)
        ax.annotate("", new, old, arrowprops={"arrowstyle": "-|>", "color": colour, "linewidth": 2})
        behind = 9 if new[1] < old[1] else -9  # in points: the label stands where the arrow does not go
        ax.annotate(shown(name), old, (0, behind), textcoords="offset points", color=colour, ha="center", va="center")
    everything = np.vstack([before, after, pull[None], np.zeros((1, 2))])
    ax.update_datalim(everything)
    ax.margins(0.2)
    ax.axhline(0, color=GREY, linewidth=0.5)
    ax.axvline(0, color=GREY, linewidth=0.5)
    ax.set_aspect("equal", adjustable="datalim")
    nearer = [name for name, along in zip(names, (after - before) @ pull, strict=True) if along > 0]
    return Picture(figure, f"Of {len(names)} rows the step moves towards the vector: {', '.join(nearer) or 'none'}.")


def plot_attention(weights: np.ndarray, pieces: Sequence[str]) -> Picture:
    """One head's attention (T, T) over the pieces of a text: row by row, how much each token takes from which.

    Of a long text the last 60 tokens are drawn.
    """
    count, example = len(checks.listed("pieces", pieces)), "give one head's weights (T, T), a row for each piece"
    weights = checks.finite_matrix("weights", weights, example)
    if weights.shape != (count, count):
        raise ValueError(f"weights has the shape {weights.shape} for {count} pieces: {example}")
    target, latest = int(np.argmax(weights[-1])), f"the last {ATTENTION_FITS} of " if count > ATTENTION_FITS else ""
    said = (
        f"Attention among {latest}{count} tokens: the last one, {pieces[-1]!r}, looks most at {pieces[target]!r} "
        f"(place {target}), with weight {weights[-1, target]:.3f}."
    )
    pieces, weights = pieces[-ATTENTION_FITS:], weights[-ATTENTION_FITS:, -ATTENTION_FITS:]
    size = len(pieces)
    figure = Figure(figsize=(0.9 + 0.27 * size, 0.9 + 0.27 * size), layout="constrained", facecolor="white")
    ax = FigureCanvasAgg(figure).figure.subplots()
    ax.imshow(np.where(np.tri(size, dtype=bool), weights, np.nan), cmap="Blues", vmin=0, vmax=1)
    names = [shown(piece) for piece in pieces]
    ax.set_xticks(range(size), names, rotation=90, fontsize=8)
    ax.set_yticks(range(size), names, fontsize=8)
    ax.set(xlabel="looked at", ylabel="looks")
    return Picture(figure, said)


def plot_candidates(step: TokenStep) -> Picture:
    """The likeliest next tokens of one step: the model's probability, and what the settings left of it."""
    checks.of_kind("step", step, TokenStep, ", such as generation.step()")
    settings = ", ".join(entry.label for entry in FILTERS.values())
    return plot_distributions(
        [c.piece.replace(SPACE, "·") for c in step.candidates],
        {
            "model": [c.model_probability for c in step.candidates],
            f"after {settings}": [c.sampling_probability for c in step.candidates],
        },
    )


def plot_journey(step: TokenStep) -> Picture:
    """One step in one picture: the token that went in, its embedding row, and the likeliest next tokens."""
    checks.of_kind("step", step, TokenStep, ", such as generation.step()")
    figure = Figure(figsize=(9.0, 3.0), layout="constrained", facecolor="white")
    FigureCanvasAgg(figure)
    left, middle, right = figure.subplots(1, 3, width_ratios=[1.1, 3.2, 2.6])
    token = step.input
    left.axis("off")
    left.set_title("token id", fontsize=10, color=GREY)
    left.text(0.5, 0.62, str(token.token_id), ha="center", fontsize=20)
    left.text(0.5, 0.42, shown(token.piece), ha="center", fontsize=13)
    left.annotate("", (1.12, 0.55), (0.92, 0.55), arrowprops={"arrowstyle": "->"}, annotation_clip=False)
    limit = float(np.abs(token.embedding).max()) or 1.0
    middle.imshow(token.embedding[None], cmap=SIGNS, vmin=-limit, vmax=limit, aspect="auto")
    middle.set_title(f"embedding row, shape {token.embedding.shape}, norm {token.norm:.2f}", fontsize=10, color=GREY)
    middle.set_yticks([])
    middle.set_xlabel("dimension")
    candidates = step.candidates[::-1]
    drawn = [candidate.token_id == step.output.token_id for candidate in candidates]
    right.barh(
        [shown(candidate.piece) for candidate in candidates],
        [candidate.sampling_probability for candidate in candidates],
        color=[ORANGE if yes else BLUE for yes in drawn],
    )
    how = "chosen by you" if step.chosen_by == "learner" else "drawn"
    right.set_title(f"next token ({how}: orange)", fontsize=10, color=GREY)
    right.set_xlabel("probability after the settings")
    right.spines[["top", "right"]].set_visible(False)
    return Picture(
        figure,
        f"{token.piece!r} (id {token.token_id}) has an embedding row of {len(token.embedding)} numbers with norm "
        f"{token.norm:.3f}; of the next tokens {step.output.piece!r} was {how}, which had probability "
        f"{step.probability:.3f}.",
    )


def plot_distributions(names: Sequence[str], distributions: Mapping[str, Sequence[float]]) -> Picture:
    """Probabilities of a few named tokens under one or more settings, as groups of bars."""
    names, example = checks.listed("names", names), '{"model": probabilities}'
    given, heights = checks.mapping_of("distributions", distributions, example), {}
    for label, row in given.items():
        name = f"distributions[{label!r}]"
        heights[label] = _finite(name, row, "give probabilities")
        if len(heights[label]) != len(names):
            raise ValueError(f"{name} has {len(heights[label])} values for {len(names)} names: give one for each")
    figure, (ax,) = _figure(height=3.0)
    width = 0.8 / len(heights)
    palette = (GREY, BLUE) if "model" in heights else CLASS_COLOURS  # as in the live views
    for i, (label, values) in enumerate(heights.items()):
        places = np.arange(len(names)) - 0.4 + width * (i + 0.5)
        ax.bar(places, values, width, label=label, color=palette[i % len(palette)])
    ax.set_xticks(range(len(names)), [shown(name) for name in names], rotation=30, ha="right", fontsize=9)
    ax.set_ylabel("probability")
    figure.legend(loc="outside upper right", ncols=len(heights), frameon=False, fontsize=9)
    tops = (f"{label}: {names[int(np.argmax(v))]!r} first with {max(v):.3f}" for label, v in heights.items())
    return Picture(figure, "Next-token probabilities. " + "; ".join(tops) + ".")


def plot_map(
    panels: Mapping[str, np.ndarray], words: Sequence[str], classes: Sequence[str], *, in_words: bool = False
) -> Picture:
    """Two-dimensional maps (PCA) of the same words' vectors (N, D), one panel each, coloured by class.

    `in_words`: the sentence compares and gives no figures, for a training run that ends a little different each time.
    """
    panels, words = _checked_panels(panels, words), checks.listed("words", words)
    classes = _as_many("classes", classes, "words", len(words))
    if checks.true_or_false("in_words", in_words) and len(panels) < 2:
        raise ValueError("in_words compares the first map with the last: give two panels or more")
    figure, axes = _figure(height=4.6, columns=len(panels))
    distinct = list(dict.fromkeys(classes))
    shares = []
    for ax, (title, vectors) in zip(axes, panels.items(), strict=True):
        points, explained = principal_plane(vectors)
        shares.append(f"{title} {explained:.0%}")
        for number, name in enumerate(distinct):
            chosen = [i for i, c in enumerate(classes) if c == name]
            ax.plot(*points[chosen].T, "o", color=CLASS_COLOURS[number % len(CLASS_COLOURS)], markersize=5, label=name)
        ax.set_title(f"{title} ({explained:.0%} of the variance)", fontsize=10)
        ax.set(xticks=[], yticks=[])
        _label_points(ax, points, words)
    figure.legend(*axes[0].get_legend_handles_labels(), loc="outside lower center", ncols=len(distinct), frameon=False)
    said = f"share of variance in the plane: {', '.join(shares)}."
    if in_words:
        before, *_, after = (apartness(vectors, classes) for vectors in panels.values())
        said = f"from the first to the last map the classes moved {'apart' if after > before else 'together'}."
    return Picture(figure, f"{len(panels)} maps of {len(words)} words in {len(distinct)} classes; {said}")


def _checked_panels(panels: Mapping[str, np.ndarray], words: Sequence[str]) -> dict[str, np.ndarray]:
    """The vectors of each panel, (N, D), one for each word."""
    given = checks.mapping_of("panels", panels, '{"trained": vectors}')
    found = {title: checks.finite_matrix(f"panels[{title!r}]", vectors) for title, vectors in given.items()}
    for title, vectors in found.items():
        if len(vectors) != len(words):
            raise ValueError(f"panels[{title!r}] has {len(vectors)} vectors for {len(words)} words: give one for each")
    return found


def _label_points(ax: Axes, points: np.ndarray, words: Sequence[str]) -> None:
    """A label beside each point; one that would cover another moves, with a thin line back to its point."""
    words, low, high = [shown(word) for word in words], points.min(axis=0), points.max(axis=0)
    margin = 0.16 * np.where(high > low, high - low, 1.0)
    low, high = low - margin, high + margin * [1.6, 1.0]
    ax.set(xlim=(low[0], high[0]), ylim=(low[1], high[1]))
    line, letter = 0.034 * (high - low)[1], 0.019 * (high - low)[0]  # the room that one line, one letter takes
    box = (-np.inf, np.inf, low[1] + line, high[1])
    spots = label_spots(points, [letter * len(word) for word in words], line, letter, box)
    for point, word, spot in zip(points, words, spots, strict=True):
        if spot is None:  # more words than fit: the rest are dots alone
            continue
        x, y, side = spot
        if abs(point[1] - y) > line / 2:
            ax.plot([point[0], x], [point[1], y], color="#BBBBBB", linewidth=0.6, zorder=0)
        ax.text(x, y, word, fontsize=7, color="#333333", va="center", ha=side)


def plot_curve(x: Sequence[float], y: Sequence[float], x_name: str, y_name: str) -> Picture:
    """One quantity against another, point by point."""
    across, up = _finite("x", x, "give numbers (N,)"), _finite("y", y, "give numbers (N,)")
    if len(across) != len(up):
        raise ValueError(f"x has {len(across)} values, y {len(up)}: give as many of both")
    figure, (ax,) = _figure(width=6.0, height=3.0)
    ax.plot(across, up, "o-", color=BLUE, markersize=5)
    ax.set(xlabel=x_name, ylabel=y_name)
    return Picture(figure, f"{y_name} against {x_name}: {up[0]:.1f} at {across[0]:g}, {up[-1]:.1f} at {across[-1]:g}.")


# ----------------------------------------------------------------------------------------------------------- training


def plot_training(steps: Sequence[TrainingStep], held_out: Mapping[int, float], lines: Mapping[str, float]) -> Picture:
    """The loss of each update (smoothed), and held-out bits per byte beside named horizontal lines."""
    if not (steps := checks.listed("steps", steps)):
        raise ValueError("no steps to draw: give what train(...) yields, one or more")
    for step in steps:
        checks.of_kind("a step", step, TrainingStep, ", such as train(...) yields")
    held_out = checks.mapping_of("held_out", held_out, "{500: 1.93}")
    given = checks.mapping_of("lines", lines, '{"floor": 1.5}', empty=True)
    lines = {name: checks.number(f"lines[{name!r}]", value) for name, value in given.items()}
    figure, (left, right) = _figure(height=3.2, columns=2)
    updates = [step.step for step in steps]
    left.plot(updates, smoothed([step.loss for step in steps]), color=BLUE)
    left.set(xlabel="update", ylabel="loss (nats per token)", yscale="log")
    right.plot(list(held_out), list(held_out.values()), "o-", color=BLUE, label="this run")
    for number, (name, value) in enumerate(lines.items(), 1):
        colour = CLASS_COLOURS[number % len(CLASS_COLOURS)]
        right.axhline(value, color=colour, linestyle="--", linewidth=1.2, label=name)
    right.set(xlabel="update", ylabel="held-out bits per byte", yscale="log")
    right.legend(frameon=False, fontsize=8)
    for ax in (left, right):  # 0.2, 0.5, 1, 2, 5 in place of powers of ten
        ax.yaxis.set_major_locator(LogLocator(subs=(1, 2, 5)))
        ax.yaxis.set_major_formatter(StrMethodFormatter("{x:g}"))
        ax.yaxis.set_minor_locator(NullLocator())
    last = list(held_out.values())[-1]
    above = [name for name, value in lines.items() if last > value]
    below = [name for name, value in lines.items() if last <= value]
    said = f"the held-out bits per byte are below: {', '.join(below) or 'none'}; above: {', '.join(above) or 'none'}"
    if not np.isfinite(last + steps[-1].loss):
        said = f"loss or held-out bits are {sentences.DIVERGED}"
    return Picture(figure, f"After {updates[-1]} updates {said}.")


def smoothed(values: Sequence[float], window: int = 50) -> np.ndarray:
    """Running mean over the last `window` values (fewer at the start); NaN from the first one that is not finite."""
    window = checks.whole_number("window", window, 1)
    losses = checks.float64_vector("values", values, "give one number for each update")
    sums = np.concatenate([[0.0], np.cumsum(np.where(np.isfinite(losses), losses, np.nan))])
    ends = np.arange(1, len(sums))
    starts = np.maximum(ends - window, 0)
    return (sums[ends] - sums[starts]) / (ends - starts)
