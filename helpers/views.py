"""Records as HTML strings for live pages: pure functions, and every piece of model text is escaped.

The live window's views take all tokens and steps of a text, and `position`: how many steps of it are looked at.
Their heights do not depend on what they show, so that the page stands still while a text grows.
"""

from __future__ import annotations

import base64
import struct
import zlib
from collections.abc import Sequence
from functools import lru_cache
from html import escape

import numpy as np

from helpers.svg import (
    ACCENT,
    BLUE,
    FAINT,
    GREY,
    LINE,
    MONO,
    TEXT,
    Scale,
    figure,
    label_of,
    shortened,
    visible,
    x_labels,
    y_axis,
)

WIDTH, ROW = 640, 26
LATEST = 200  # tokens in a plot at most
CHIPS = 120  # tokens in the text at most: more than the lines that are shown can hold
WORDS_FIT = 60  # tokens in a plot that are named by their pieces; more are counted
AHEAD = 12  # tokens shown behind the one that is looked at
CHOICES, CHOICE_ROW = 9, 18  # the eight likeliest and the chosen one; pixels for each
CHOICES_WIDTH, BAR = 350, 100  # pixels: of the whole station, of its longest bar


# ------------------------------------------------------------------------------------------------ the live window


def text_chips(tokens: Sequence, prompt_length: int, position: int) -> str:
    """The text, a chip for each token (piece and id), tinted by norm; the two of the step looked at are marked."""
    arrived = prompt_length + position - 1  # the token that came out; the one before went in
    first, last = _window(len(tokens), arrived, CHIPS, AHEAD)
    norms = [token.norm for token in tokens[first:last]]
    chips = "".join(_chip(token, arrived, position) for token in tokens[first:last])
    before, after = "…" if first else "", "…" if last < len(tokens) else ""
    return (
        f'<div class="explorer-text" role="img" aria-label="{escape(_text_sentence(tokens, prompt_length))}"><div '
        f'style="--low:{min(norms):.3f};--span:{max(norms) - min(norms) or 1:.3f}">{before}{chips}{after}</div></div>'
    )


def _chip(token, arrived: int, position: int) -> str:
    marks = " tj-prompt" if token.from_prompt else ""
    if token.position == arrived - (position > 0):
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


def _text_sentence(tokens: Sequence, prompt_length: int) -> str:
    new = len(tokens) - prompt_length
    return f"{prompt_length} tokens of the prompt and {new} new ones; the newest is {visible(tokens[-1].piece)}."


@lru_cache(4096)
def _tooltip(position: int, token_id: int, piece: str, norm: float) -> str:
    return f"token {position}, {label_of(piece, 40)}, id {token_id}, norm {norm:.3f}"


def token_and_row(tokens: Sequence, prompt_length: int, position: int) -> str:
    """The first two stations of the step looked at: the id that went in, and its embedding row."""
    place = prompt_length + position - 1 - (position > 0)
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
        f"<b><bdi>{piece}</bdi></b><span>token {token.position}{' of the prompt' if token.from_prompt else ''}, "
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
    strength = np.abs(row) / (np.abs(row).max() or 1.0)
    colours = np.where(np.asarray(row)[:, None] < 0, [0, 114, 178], [213, 94, 0])
    pixels = np.column_stack([colours, 255 * strength]).astype(np.uint8)
    header = struct.pack(">IIBBBBB", len(row), 1, 8, 6, 0, 0, 0)  # width, height, 8 bits, RGBA
    parts = [(b"IHDR", header), (b"IDAT", zlib.compress(b"\0" + pixels.tobytes(), 1)), (b"IEND", b"")]
    png = b"\x89PNG\r\n\x1a\n" + b"".join(_png_chunk(*part) for part in parts)
    return "data:image/png;base64," + base64.b64encode(png).decode()


def _png_chunk(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def candidates(step, names: bool = True) -> str:
    """The third station: paired bars of the model's probability and of what the settings left; the chosen one marked.

    step: a TokenStep, or None before the first. `names`: False where buttons with the names stand in front.
    """
    rows = step.candidates if step else ()
    sentence = _choice_sentence(step)
    largest = max((max(row.model_probability, row.sampling_probability) for row in rows), default=1.0)
    bars = "".join(
        _candidate(n, row, row.token_id == step.output.token_id, largest, names) for n, row in enumerate(rows)
    )
    return (
        f'<div class="explorer-candidates"><h4>predicted next token <small>grey: model · coloured: after sliders'
        f"</small></h4>{figure(bars, CHOICES_WIDTH, CHOICES * CHOICE_ROW, sentence, fixed=True)}"
        f'<p class="tj-sentence">{escape(sentence)}</p></div>'
    )


def _candidate(number: int, row, chosen: bool, largest: float, names: bool) -> str:
    top, scale = number * CHOICE_ROW, BAR / largest
    model, left = row.model_probability, row.sampling_probability
    outcome = f"{model:.2f} → {f'{left:.2f}' if left > 0 else 'cut off'}{' ✓' if chosen else ''}"
    weight = ' font-weight="bold"' if chosen else ""
    name = f'<text x="112" y="{top + 13}" text-anchor="end" fill="{TEXT}"{weight}>{label_of(row.piece, 15)}</text>'
    return (
        f"<g><title>{label_of(row.piece, 40)}, id {row.token_id}: model {model:.4f}, after sliders {left:.4f}</title>"
        f'{name if names else ""}<rect x="120" y="{top + 2}" width="{model * scale:.1f}" height="6" fill="{GREY}"/>'
        f'<rect x="120" y="{top + 8}" width="{left * scale:.1f}" height="7" fill="{ACCENT if chosen else LINE}"/>'
        f'<text x="{128 + max(model, left) * scale:.1f}" y="{top + 13}" fill="{FAINT}">{outcome}</text></g>'
    )


def _choice_sentence(step) -> str:
    if step is None:
        return "Nothing is predicted yet: press Step or Play."
    by = "You chose" if step.chosen_by == "learner" else "Drawn:"
    cut = sum(row.sampling_probability == 0 for row in step.candidates)
    return (
        f"{by} {shortened(visible(step.output.piece))}, with probability {step.probability:.2f}; "
        f"{cut or 'none'} of the {len(step.candidates)} shown {'was' if cut == 1 else 'were'} cut off."
    )


def norms_and_cosines(tokens: Sequence, steps: Sequence, prompt_length: int, position: int) -> str:
    """Two plots along the text: each token's norm, and the cosine of its embedding to the one before."""
    arrived = prompt_length + position - 1
    first, last = _window(len(tokens), arrived, LATEST, AHEAD)
    shown, entered = tokens[first:last], arrived - (position > 0)
    marks = _moved_sliders(steps[max(0, first - prompt_length - 1) : max(0, last - prompt_length)])
    cosines = [(token, token.cosine_to_previous) for token in shown if token.cosine_to_previous is not None]
    norms = [(token, token.norm) for token in shown]
    upper = _along(norms, shown, entered, marks, "Embedding norm of each token", False)
    lower = _along(cosines, shown, entered, marks, "Cosine to the token before", True)
    return f'<div class="explorer-norms">{upper}</div><div class="explorer-cosines">{lower}</div>'


def _along(pairs: Sequence, shown: Sequence, entered: int, marks: Sequence, name: str, stems: bool) -> str:
    """One plot: (token, value) pairs over the places of all tokens shown."""
    values = [value for _, value in pairs] or [0.0]
    sentence = _along_sentence(name, pairs, values)
    width, left, right, top, bottom = 1000, 46, 900, 12, 78
    x = Scale(shown[0].position, max(shown[-1].position, shown[0].position + 20), left + 12, right - 12)
    y = Scale(min(0.0 if not stems else -0.5, *values), max(1.0, *values) * (1.0 if stems else 1.3), bottom, top)
    spots = [(token, f"{x(token.position):.1f}", f"{y(value):.1f}") for token, value in pairs]
    if stems:
        zero = f"{y(0.0):.1f}"
        line = f'<path d="{"".join(f"M{px} {zero}V{py}" for _, px, py in spots)}" stroke="{LINE}"/>'
    else:
        line = f'<path d="M{"L".join(f"{px} {py}" for _, px, py in spots)}" fill="none" stroke="{LINE}"/>'
    mean = sum(values) / len(values)
    body = (
        f"{_prompt_zone(shown, x, top, bottom)}{y_axis(y, left, right)}{line}"
        f'<path d="M{left} {y(mean):.1f}H{right}" stroke="{ACCENT}" stroke-dasharray="5 4"/>'
        f'<text x="{right + 6}" y="{y(mean) + 4:.1f}" fill="{FAINT}">mean {mean:.2f}</text>'
        f'<g fill="{LINE}">{"".join([_dot(token, px, py, token.position == entered) for token, px, py in spots])}</g>'
        f"{_mark_lines(marks, x, top, bottom)}{x_labels(_names(pairs, x, entered), bottom + 14, left, right)}"
    )
    return f'<p class="tj-sentence">{escape(sentence)}</p>{figure(body, width, 96, sentence)}'


def _names(pairs: Sequence, x: Scale, entered: int) -> list[tuple[float, str]]:
    """Places and labels under a plot, the most important first: the token that went in, then the latest."""
    tokens = [token for token, _ in pairs]
    if len(tokens) <= WORDS_FIT:
        named = [(token, shortened(visible(token.piece), 12)) for token in reversed(tokens)]
    else:
        named = [(token, str(token.position)) for token in tokens if token.position % 20 == 0]
    first = [(token, shortened(visible(token.piece), 12)) for token in tokens if token.position == entered]
    return [(x(token.position), name) for token, name in first + named]


def _along_sentence(name: str, pairs: Sequence, values: Sequence[float]) -> str:
    if not pairs:
        return f"{name}: nothing to show yet."
    low, high = min(pairs, key=lambda pair: pair[1]), max(pairs, key=lambda pair: pair[1])
    return (
        f"{name}: {len(pairs)} tokens, mean {sum(values) / len(values):.2f}, lowest {low[1]:.2f} at "
        f"{shortened(visible(low[0].piece))}, highest {high[1]:.2f} at {shortened(visible(high[0].piece))}."
    )


def _prompt_zone(shown: Sequence, x: Scale, top: float, bottom: float) -> str:
    prompt = [token.position for token in shown if token.from_prompt]
    if not prompt:
        return ""
    left, width = x(prompt[0] - 0.5), x(prompt[-1] + 0.5) - x(prompt[0] - 0.5)
    return f'<rect x="{left:.1f}" y="{top}" width="{width:.1f}" height="{bottom - top}" fill="{GREY}" opacity=".3"/>'


def _dot(token, x: str, y: str, large: bool) -> str:
    said = _tooltip(token.position, token.token_id, token.piece, token.norm)
    look = f'r="5" fill="{ACCENT}"' if large else 'r="2.5"'
    return f'<circle cx="{x}" cy="{y}" {look}><title>{said}</title></circle>'


def _moved_sliders(steps: Sequence) -> list[tuple[int, str]]:
    """(position of the first token drawn so, what was moved) for each change of the settings."""
    marks = []
    for before, after in zip(steps, steps[1:], strict=False):
        if after.settings is not before.settings and after.settings != before.settings:
            marks.append((after.output.position, _change(before.settings, after.settings)))
    return marks


def _change(before, after) -> str:
    names = {"temperature": "T", "top_k": "top-k", "top_p": "top-p"}
    moved = [(short, getattr(before, name), getattr(after, name)) for name, short in names.items()]
    return ", ".join(f"{short} {old:g}→{new:g}" for short, old, new in moved if old != new)


def _mark_lines(marks: Sequence[tuple[int, str]], x: Scale, top: float, bottom: float) -> str:
    """A dotted line where a slider was moved; said in words where there is room, the latest first."""
    lines = "".join(
        f'<path d="M{x(place):.1f} {top}V{bottom}" stroke="{FAINT}" stroke-dasharray="2 3"/>' for place, _ in marks
    )
    words = [(x(place) + 3.35 * len(said) + 4, said) for place, said in reversed(marks)]
    return lines + x_labels(words, top + 8, 46, 990)


def _window(count: int, arrived: int, most: int, ahead: int) -> tuple[int, int]:
    """The tokens to show, [first, last): the latest, or those around an older one that is looked at."""
    last = count if arrived >= count - most + ahead else min(count, max(arrived + ahead, most))
    return max(0, last - most), last


# --------------------------------------------------------------------------------------- lesson 04's distribution


def distribution(rows: Sequence[tuple[str, float, float]], sentence: str) -> str:
    """Paired bars, one row a token: (piece, the model's probability, what the settings left of it), and a sentence."""
    largest = max((max(model, left) for _, model, left in rows), default=1.0) or 1.0
    height = ROW * len(rows) + 22
    bars = "".join(_row(i, *row, largest) for i, row in enumerate(rows))
    return (
        f'<div class="distribution"><svg viewBox="0 0 {WIDTH} {height}" width="{WIDTH}" height="{height}" role="img" '
        f'aria-label="{escape(sentence)}" style="max-width:100%;font-family:{MONO};font-size:12px">'
        f'<text x="150" y="12" fill="{FAINT}">grey: the model · blue: what the sliders leave</text>{bars}</svg>'
        f'<p style="margin:4px 0;color:{TEXT}">{escape(sentence)}</p></div>'
    )


def _row(number: int, piece: str, model: float, left: float, largest: float) -> str:
    top = 20 + number * ROW
    scale = (WIDTH - 300) / largest
    outcome = f"{model:.3f} → {left:.3f}" if left > 0 else f"{model:.3f} → cut off"
    return (
        f"<g><title>{escape(visible(piece))}: {outcome}</title>"
        f'<text x="142" y="{top + 15}" text-anchor="end" fill="{TEXT}">{label_of(piece)}</text>'
        f'<rect x="150" y="{top + 2}" width="{model * scale:.1f}" height="8" fill="{GREY}"/>'
        f'<rect x="150" y="{top + 11}" width="{left * scale:.1f}" height="9" fill="{BLUE}"/>'
        f'<text x="{158 + max(model, left) * scale:.1f}" y="{top + 15}" fill="{FAINT}">{outcome}</text></g>'
    )


def display_widget(widget) -> None:
    """Show a widget as a view alone, without the text that Jupyter stores beside it.

    Stored notebooks leave widget views out (reopened, they show "model not found"), so nothing of it may remain.
    """
    from IPython.display import display

    view = {"version_major": 2, "version_minor": 0, "model_id": widget.model_id}
    display({"application/vnd.jupyter.widget-view+json": view}, raw=True)
