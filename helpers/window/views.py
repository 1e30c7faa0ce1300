"""Records as HTML strings for live pages: pure functions, and every piece of model text is escaped.

The live window's views take all tokens and steps of a text, and `position`: how many steps of it are looked at.
Their heights do not depend on what they show, so that the page stands still while a text grows.
"""

from __future__ import annotations

import base64
import math
import struct
import zlib
from collections.abc import Iterable, Iterator, Sequence
from functools import lru_cache
from html import escape

import numpy as np
from ipywidgets import Widget

from helpers import checks
from helpers.records import Candidate, Token, TokenStep
from helpers.sampling import SamplingSettings, changed
from helpers.window.svg import (
    ACCENT,
    FAINT,
    GREY,
    LINE,
    TEXT,
    Scale,
    figure,
    label_of,
    shortened,
    visible,
    x_labels,
    y_axis,
)

LATEST = 200  # tokens in a plot at most
CHIPS = 90  # tokens in the text at most: more than the lines that are shown can hold
WORDS_FIT = 60  # tokens in a plot that are named by their pieces; more are counted
AHEAD = 12  # tokens shown behind the one that is looked at
ONE_SWEEP = 8  # changes of the settings at most so many tokens apart are one move
STRIP_COLOURS = np.array([[0, 114, 178, 0], [213, 94, 0, 0]], dtype=np.uint8)  # below zero, above
CHOICES, CHOICE_ROW = 9, 18  # the eight likeliest and the chosen one; pixels for each
LEFT, RIGHT, TOP, BOTTOM = 46, 900, 12, 78  # a plot's corners in its own 1,000 units
CHOICES_WIDTH, BAR = 350, 100  # pixels: of the whole station, of its longest bar
SMALL = 0.05  # where no token reaches this probability, no bar is long


def wrapped(steps: Iterable[TokenStep], width: int = 88) -> Iterator[tuple[TokenStep, str]]:
    """Each step with its text, a line break in place of a space where a line would grow beyond `width` characters.

    The output of a cell breaks long lines anywhere, even within a word.
    """
    width = checks.whole_number("width", width, 1)
    if not isinstance(steps, Iterable):
        raise TypeError(f"steps is {checks.shown(steps)}: give a list of steps, or what stream(...) returns")
    return _wrapped(steps, width)


def _wrapped(steps: Iterable[TokenStep], width: int) -> Iterator[tuple[TokenStep, str]]:
    filled = 0
    for step in steps:
        if not hasattr(step, "output"):
            raise TypeError(f"a step is {checks.shown(step)}: give a TokenStep, such as stream(...) yields")
        text = step.output.text
        if filled + len(text) > width and text[:1] == " ":
            text = "\n" + text[1:]
        filled = len(text.rpartition("\n")[2]) + (0 if "\n" in text else filled)
        yield step, text


# ------------------------------------------------------------------------------------------------ the live window


def journey(tokens: Sequence[Token], steps: Sequence[TokenStep], position: int, status: str, names: bool) -> str:
    """What stands between the controls and the plots, in one string: messages to the page are what costs the kernel.

    `status` is HTML. `names`: False where buttons with the candidates' names stand in front.
    """
    start = len(tokens) - len(steps)
    return (
        f'<div class="explorer-status">{status}</div>{text_chips(tokens, start, position)}'
        f'<div class="explorer-stations">'
        f"{token_and_row(tokens, start, position)}{candidates(steps[position - 1] if position else None, names)}</div>"
    )


def input_at(position: int, prompt_length: int) -> int:
    """Place of the token that went in at step `position`; before the first step, of the prompt's last one."""
    return prompt_length - 1 + max(0, position - 1)


def output_at(position: int, prompt_length: int) -> int:
    """Place of the token that came out at step `position`; before the first step, of the prompt's last one."""
    return prompt_length - 1 + position


def text_chips(tokens: Sequence[Token], prompt_length: int, position: int) -> str:
    """The text, a chip for each token (piece and id), tinted by norm; the two of the step looked at are marked."""
    entered, arrived = input_at(position, prompt_length), output_at(position, prompt_length)
    first, last = _window(len(tokens), arrived, CHIPS, AHEAD)
    norms = [token.norm for token in tokens[first:last]]
    chips = "".join(_chip(token, entered, arrived) for token in tokens[first:last])
    before, after = "…" if first else "", "…" if last < len(tokens) else ""
    return (
        f'<div class="explorer-text" role="img" aria-label="{escape(_text_sentence(tokens, prompt_length))}"><div '
        f'style="--low:{min(norms):.3f};--span:{max(norms) - min(norms) or 1:.3f}">{before}{chips}{after}</div></div>'
    )


def _chip(token: Token, entered: int, arrived: int) -> str:
    marks = " tj-prompt" if token.from_prompt else ""
    if token.position == entered:
        marks += " tj-in"
    elif token.position == arrived:
        marks += " tj-out"
    return (
        f'<span class="tj-chip{marks}" {_chip_content(token.position, token.token_id, token.piece, token.norm)}</span>'
    )


@lru_cache(4096)  # a frame shows hundreds of tokens, of which one is new
def _chip_content(position: int, token_id: int, piece: str, norm: float) -> str:
    return (
        f'style="--norm:{norm:.3f}" title="{_tooltip(position, token_id, piece, norm)}">'
        f"<bdi>{label_of(piece, 24)}</bdi><i>{token_id}</i>"
    )


def _text_sentence(tokens: Sequence[Token], prompt_length: int) -> str:
    new = len(tokens) - prompt_length
    return f"{prompt_length} tokens of the prompt and {new} new ones; the newest is {visible(tokens[-1].piece)}."


@lru_cache(4096)
def _tooltip(position: int, token_id: int, piece: str, norm: float) -> str:
    return f"{label_of(piece, 40)}, id {token_id}, position {position}, norm {norm:.3f}"


def token_and_row(tokens: Sequence[Token], prompt_length: int, position: int) -> str:
    """The first two stations of the step looked at: the id that went in, and its embedding row."""
    place = input_at(position, prompt_length)
    token = tokens[place]
    row, piece = token.embedding, label_of(token.piece)
    low, high = float(row.min()), float(row.max())
    sentence = f"Row {token.token_id}: {len(row)} numbers from {low:+.2f} to {high:+.2f}, norm {token.norm:.3f}."
    values = ", ".join(f"{value:+.2f}" for value in row[:6].tolist())
    cosine = ""
    if token.cosine_to_previous is not None:
        cosine = f" · cosine to {label_of(tokens[place - 1].piece, 10)} <b>{token.cosine_to_previous:+.3f}</b>"
    return (
        f'<div class="tj-journey"><div class="tj-id"><h4>token id</h4><b class="tj-big">{token.token_id}</b>'
        f"<b><bdi>{piece}</bdi></b><span>at position {token.position}{', prompt' if token.from_prompt else ''}: "
        f'went in</span></div><div class="tj-arrow">→</div><div class="explorer-embedding"><h4>embedding row</h4>'
        f'<img alt="{escape(sentence)}" src="{heat_strip(row)}">'
        f"<div>shape <b>({len(row)},)</b> · norm <b>{token.norm:.3f}</b>{cosine}</div><div>[{values}, …]</div>"
        f'<div>min {low:+.2f} · max {high:+.2f}</div><p class="tj-sentence">{escape(sentence)}</p></div>'
        f'<div class="tj-arrow">→</div></div>'
    )


def heat_strip(row: np.ndarray) -> str:
    """A vector (D,) as an image of D × 1 pixels, a data URI: blue below zero, orange above, clear at zero.

    One image costs the page the same for 64 values as for 4,096.
    """
    pixels = STRIP_COLOURS[(row >= 0).astype(np.intp)]
    pixels[:, 3] = np.abs(row) * (255 / (np.abs(row).max() or 1.0))
    header = struct.pack(">IIBBBBB", len(row), 1, 8, 6, 0, 0, 0)  # width, height, 8 bits, RGBA
    parts = [(b"IHDR", header), (b"IDAT", zlib.compress(b"\0" + pixels.tobytes(), 1)), (b"IEND", b"")]
    png = b"\x89PNG\r\n\x1a\n" + b"".join(_png_chunk(*part) for part in parts)
    return "data:image/png;base64," + base64.b64encode(png).decode()


def _png_chunk(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def candidates(step: TokenStep | None, names: bool = True) -> str:
    """The third station: paired bars of the model's probability and of what the settings left; the chosen one marked.

    step: a TokenStep, or None before the first. `names`: False where buttons with the names stand in front.
    """
    rows, chosen = (step.candidates, step.output.token_id) if step else ((), None)
    sentence = _choice_sentence(step)
    largest = max([SMALL, *(max(row.model_probability, row.sampling_probability) for row in rows)])
    bars = "".join(_candidate(n, row, row.token_id == chosen, largest, names) for n, row in enumerate(rows))
    return (
        f'<div class="explorer-candidates"><h4>predicted next token <small>grey: model · coloured: after sliders'
        f"</small></h4>{figure(bars, CHOICES_WIDTH, CHOICES * CHOICE_ROW, sentence, fixed=True)}"
        f'<p class="tj-sentence">{escape(sentence)}</p></div>'
    )


def _candidate(number: int, row: Candidate, chosen: bool, largest: float, names: bool) -> str:
    top, scale = number * CHOICE_ROW, BAR / largest
    model, left = row.model_probability, row.sampling_probability
    outcome = f"{_share(model)} → {_share(left) if left > 0 else 'cut off'}{' ✓' if chosen else ''}"
    weight = ' font-weight="bold"' if chosen else ""
    name = f'<text x="112" y="{top + 13}" text-anchor="end" fill="{TEXT}"{weight}>{label_of(row.piece, 15)}</text>'
    return (
        f"<g><title>{label_of(row.piece, 40)}, id {row.token_id}: model {model:.4f}, after sliders {left:.4f}</title>"
        f'{name if names else ""}<rect x="120" y="{top + 2}" width="{model * scale:.1f}" height="6" fill="{GREY}"/>'
        f'<rect x="120" y="{top + 8}" width="{left * scale:.1f}" height="7" fill="{ACCENT if chosen else LINE}"/>'
        f'<text x="{128 + max(model, left) * scale:.1f}" y="{top + 13}" fill="{FAINT}">{escape(outcome)}</text></g>'
    )


def _share(probability: float) -> str:
    if probability >= 0.01:
        return f"{probability:.2f}"
    return f"{probability:.4f}" if probability >= 0.0001 else "<0.0001"


def _choice_sentence(step: TokenStep | None) -> str:
    if step is None:
        return "Nothing is predicted yet: press Step or Play."
    by = "You chose" if step.chosen_by == "learner" else "Drawn:"
    cut = sum(row.sampling_probability == 0 for row in step.candidates)
    said = f"{by} {_quoted(step.output.piece)}, probability {_share(step.probability)}"
    return f"{said}; {cut or 'none'} of {len(step.candidates)} cut off."


def norms_and_cosines(tokens: Sequence[Token], steps: Sequence[TokenStep], prompt_length: int, position: int) -> str:
    """Two plots along the text: each token's norm, and the cosine of its embedding to the one before."""
    first, last = _window(len(tokens), output_at(position, prompt_length), LATEST, AHEAD)
    shown, entered = tokens[first:last], input_at(position, prompt_length)
    marks = _moved_sliders(steps[max(0, first - prompt_length - 1) : max(0, last - prompt_length)])
    cosines = [(token, token.cosine_to_previous) for token in shown if token.cosine_to_previous is not None]
    norms = [(token, token.norm) for token in shown]
    upper = _along(norms, shown, len(tokens), entered, marks, "Embedding norm of each token", False)
    lower = _along(cosines, shown, len(tokens) - 1, entered, marks, "Cosine to the token before", True)
    return f'<div class="explorer-norms">{upper}</div><div class="explorer-cosines">{lower}</div>'


def _along(
    pairs: Sequence[tuple[Token, float]],
    shown: Sequence[Token],
    total: int,
    entered: int,
    marks: Sequence[tuple[int, str]],
    name: str,
    stems: bool,
) -> str:
    """One plot: (token, value) pairs over the places of the tokens shown, of `total` that there are."""
    values = [value for _, value in pairs] or [0.0]
    sentence = _along_sentence(name, pairs, values, total)
    first, count = shown[0].position, math.ceil(len(shown) / 20) * 20  # it grows in jumps, not with each token
    x = Scale(first, first + count, LEFT + 12, RIGHT - 12)
    ends = (min(-0.5, *values), 1.0) if stems else (0.0, max(1.0, *values) * 1.3)
    y, step = Scale(*ends, BOTTOM, TOP), (RIGHT - LEFT - 24) / count
    spots = [_spot(t.position, t.token_id, t.piece, t.norm, value, step, ends) for t, value in pairs]
    if stems:
        zero = f"{y(0.0):.1f}"
        line = "".join([f"M{px} {zero}V{py}" for px, py, _ in spots])
    else:
        line = "M" + "L".join([f"{px} {py}" for px, py, _ in spots])
    large = [f'<circle cx="{x(t.position):.1f}" cy="{y(v):.1f}" r="5"/>' for t, v in pairs if t.position == entered]
    mean = sum(values) / len(values)
    body = (
        f"{_prompt_zone(shown, x)}{_grid(ends)}"
        f'<g transform="translate({LEFT + 12 - first * step:.2f})" fill="{LINE}">'
        f'<path d="{line}" fill="none" stroke="{LINE}"/>{"".join([dot for _, _, dot in spots])}</g>'
        f'<path d="M{LEFT} {y(mean):.1f}H{RIGHT}" stroke="{ACCENT}" stroke-dasharray="5 4"/>'
        f'<text x="{RIGHT + 6}" y="{y(mean) + 4:.1f}" fill="{FAINT}">mean {mean:.2f}</text>'
        f'<g fill="{ACCENT}" pointer-events="none">{"".join(large)}</g>'
        f"{_mark_lines(marks, x)}{x_labels(_names(pairs, x, entered), BOTTOM + 14, LEFT, RIGHT)}"
    )
    return f'<p class="tj-sentence">{escape(sentence)}</p>{figure(body, 1000, 96, sentence)}'


@lru_cache(64)
def _grid(ends: tuple[float, float]) -> str:
    return y_axis(Scale(*ends, BOTTOM, TOP), LEFT, RIGHT)


@lru_cache(4096)
def _spot(
    position: int, token_id: int, piece: str, norm: float, value: float, step: float, ends: tuple[float, float]
) -> tuple[str, str, str]:
    """A token's point, (x, y, dot): x counts from position 0, so that in a full plot old points stay what they are."""
    x, y = f"{position * step:.1f}", f"{Scale(*ends, BOTTOM, TOP)(value):.1f}"
    return (
        x,
        y,
        f'<circle cx="{x}" cy="{y}" r="2.5"><title>{_tooltip(position, token_id, piece, norm)}</title></circle>',
    )


def _along_sentence(name: str, pairs: Sequence[tuple[Token, float]], values: Sequence[float], total: int) -> str:
    if not pairs:
        return f"{name}: nothing to show yet."
    low, high = pairs[values.index(min(values))], pairs[values.index(max(values))]
    count = f"{len(pairs)} tokens" if total <= LATEST else f"{len(pairs)} of {total} tokens"
    return (
        f"{name}: {count}, mean {sum(values) / len(values):.2f}, lowest {low[1]:.2f} at {_quoted(low[0].piece)}, "
        f"highest {high[1]:.2f} at {_quoted(high[0].piece)}."
    )


def _quoted(piece: str) -> str:
    """A piece within a sentence: without quotes a comma would look like the sentence's own."""
    return f"‘{shortened(visible(piece))}’"


def _names(pairs: Sequence[tuple[Token, float]], x: Scale, entered: int) -> list[tuple[float, str]]:
    """Places and labels under a plot, the most important first: the token that went in, then the latest."""
    tokens = [token for token, _ in pairs]
    if len(tokens) <= WORDS_FIT:
        named = [(token, shortened(visible(token.piece), 12)) for token in reversed(tokens)]
    else:
        named = [(token, str(token.position)) for token in tokens if token.position % 20 == 0]
    first = [(token, shortened(visible(token.piece), 12)) for token in tokens if token.position == entered]
    return [(x(token.position), name) for token, name in first + named]


def _prompt_zone(shown: Sequence[Token], x: Scale) -> str:
    prompt = [token.position for token in shown if token.from_prompt]
    if not prompt:
        return ""
    left, width = x(prompt[0] - 0.5), x(prompt[-1] + 0.5) - x(prompt[0] - 0.5)
    return f'<rect x="{left:.1f}" y="{TOP}" width="{width:.1f}" height="{BOTTOM - TOP}" fill="{GREY}" opacity=".3"/>'


def _moved_sliders(steps: Sequence[TokenStep]) -> list[tuple[int, str]]:
    """(position of the first token drawn so, what was moved) for each move of a slider: a sweep is one move."""
    moves: list[
        tuple[int, int, SamplingSettings, SamplingSettings]
    ] = []  # [first position, last position, settings before, settings after]
    for before, after in zip(steps, steps[1:], strict=False):
        if after.settings is not before.settings and after.settings != before.settings:
            place = after.output.position
            if moves and place - moves[-1][1] <= ONE_SWEEP:
                moves[-1] = (moves[-1][0], place, moves[-1][2], after.settings)
            else:
                moves.append((place, place, before.settings, after.settings))
    return [(place, ", ".join(changed(before, after))) for place, _, before, after in moves if before != after]


def _mark_lines(marks: Sequence[tuple[int, str]], x: Scale) -> str:
    """A dotted line where a slider was moved; said in words where there is room, the latest first."""
    lines = "".join(
        f'<path d="M{x(place):.1f} {TOP}V{BOTTOM}" stroke="{FAINT}" stroke-dasharray="2 3"/>' for place, _ in marks
    )
    words = [(x(place) + 3.35 * len(said) + 4, said) for place, said in reversed(marks)]
    return lines + x_labels(words, TOP + 8, LEFT, 990)


def _window(count: int, arrived: int, most: int, ahead: int) -> tuple[int, int]:
    """The tokens to show, [first, last): the latest, or those around an older one that is looked at."""
    last = count if arrived >= count - most + ahead else min(count, max(arrived + ahead, most))
    return max(0, last - most), last


def display_widget(widget: Widget) -> None:
    """Show a widget as a view alone, without the text that Jupyter stores beside it.

    Stored notebooks leave widget views out (reopened, they show "model not found"), so nothing of it may remain.
    """
    from IPython.display import display

    view = {"version_major": 2, "version_minor": 0, "model_id": widget.model_id}
    display({"application/vnd.jupyter.widget-view+json": view}, raw=True)
