"""A training run as HTML strings for live pages: held-out bits per byte, loss, and the words' map as it forms."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from html import escape

import numpy as np

from helpers.figures.geometry import label_spots
from helpers.sentences import shortened, visible
from helpers.window.svg import (
    ACCENT,
    FAINT,
    LINE,
    PALETTE,
    TEXT,
    Scale,
    apart,
    figure,
    polyline,
    thinned,
    x_labels,
    y_axis,
)

DIVERGED = "no number any more (diverged: lower the learning rate)"
WIDTH, HEIGHT = 520, 230
LEFT, RIGHT, TOP, BOTTOM = 44, 390, 10, 206


def held_out_chart(held_out: Mapping[int, float], lines: Mapping[str, float], updates: int) -> str:
    """Held-out bits per byte over the updates so far, {update: bits}, on a scale of logarithms, beside named lines."""
    measured, last = list(held_out.items())[-1]
    sentence = f"Held out: {last:.3f} bits per byte after {measured:,} of {updates:,} updates" + _beaten(lines, last)
    if not math.isfinite(last):
        sentence = f"Held out: {DIVERGED} after {measured:,} of {updates:,} updates."
    held_out, lines = _finite(held_out), _finite(lines)
    values = [*held_out.values(), *lines.values()] or [1.0]
    x = Scale(0, updates, LEFT, RIGHT)
    y = Scale(min(values) * 0.9, max(values) * 1.1, BOTTOM, TOP, log=True)
    named = {**lines, "this run": last} if math.isfinite(last) else lines
    places = apart([y(value) + 4 for value in named.values()], 13, BOTTOM + 4)
    body = (
        y_axis(y, LEFT, RIGHT)
        + "".join(
            f'<path d="M{LEFT} {y(v):.1f}H{RIGHT}" stroke="{ACCENT}" stroke-dasharray="5 4"/>' for v in lines.values()
        )
        + "".join(
            f'<text x="{RIGHT + 6}" y="{place:.1f}" fill="{LINE if name == "this run" else FAINT}">'
            f"{escape(name)} {value:.3f}</text>"
            for (name, value), place in zip(named.items(), places, strict=True)
        )
        + polyline([(x(update), y(bits)) for update, bits in held_out.items()], width=2)
        + "".join(f'<circle cx="{x(u):.1f}" cy="{y(b):.1f}" r="3" fill="{LINE}"/>' for u, b in held_out.items())
        + x_labels([(x(t), f"{t:,.0f}") for t in x.ticks()], HEIGHT - 8, LEFT, RIGHT)
    )
    return _with_sentence(figure(body, WIDTH, HEIGHT, sentence, fixed=True), sentence)


def _finite(values: Mapping) -> dict:
    """Those that a scale can hold: no NaN, nothing infinite."""
    return {key: value for key, value in values.items() if math.isfinite(value)}


def _beaten(lines: Mapping[str, float], last: float) -> str:
    """The best of the lines that is beaten, in words."""
    below = {value: name for name, value in lines.items() if last < value}
    return f"; better than {below[min(below)]}." if below else "; better than none of the lines yet." if lines else "."


def loss_chart(losses: Sequence[float], updates: int, latest: int) -> str:
    """The loss of each update that was seen (smoothed values, nats per token); `latest` is the number of the last."""
    highest = max(filter(math.isfinite, losses), default=1.0)
    x, y = Scale(0, updates, LEFT, RIGHT), Scale(0, highest * 1.05, 82, 8)
    numbered = _finite(dict(thinned(list(enumerate(losses, latest - len(losses) + 1))))).items()
    said = f"{losses[-1]:.2f} nats per token" if math.isfinite(losses[-1]) else DIVERGED
    began = f"; at the beginning {losses[0]:.2f}" if math.isfinite(losses[0]) else ""
    sentence = f"Loss, mean of the last updates: {said}{began}."
    body = y_axis(y, LEFT, RIGHT) + polyline([(x(update), y(loss)) for update, loss in numbered])
    return _with_sentence(figure(body, WIDTH, 92, sentence, fixed=True), sentence)


def word_map(points: np.ndarray, words: Sequence[str], classes: Sequence[str], share: float) -> str:
    """Words on a plane (N, 2), coloured by class; `share` of the vectors' variance lies in the plane."""
    distinct = list(dict.fromkeys(classes))
    reach = float(np.abs(points).max()) * 1.1 or 1.0
    x, y = Scale(-reach, reach, 10, 390), Scale(-reach, reach, 300, 10)
    colour = {name: PALETTE[number % len(PALETTE)] for number, name in enumerate(distinct)}
    dots = [(x(point[0]), y(point[1])) for point in points.tolist()]
    # in pixels: 5.5 a letter of 9 px, 10 a line, 8 a dot; the box ends where the legend begins
    spots = label_spots(np.array(dots), [5.5 * len(word) for word in words], 10, 8, (2, 418, 8, 304))
    drawn = "".join(
        f'<circle cx="{px:.1f}" cy="{py:.1f}" r="4" fill="{colour[kind]}"/>'
        for (px, py), kind in zip(dots, classes, strict=True)
    ) + "".join(_word(dot, spot, word) for dot, spot, word in zip(dots, spots, words, strict=True) if spot)
    legend = "".join(
        f'<text x="{12 + 78 * (n % 5)}" y="{320 + 14 * (n // 5)}" fill="{colour[name]}">● {escape(name)}</text>'
        for n, name in enumerate(distinct)
    )
    sentence = f"Map of {len(words)} words in {len(distinct)} classes; {share:.0%} of the variance lies in this plane."
    return _with_sentence(figure(drawn + legend, 420, 336, sentence, fixed=True), sentence)


def _word(dot: tuple[float, float], spot: tuple[float, float, str], word: str) -> str:
    """A word beside its dot, or further away with a thin line to it."""
    (px, py), (x, y, side) = dot, spot
    line = f'<path d="M{px:.1f} {py:.1f}L{x:.1f} {y:.1f}" stroke="{FAINT}" stroke-width=".5"/>'
    anchor = "" if side == "left" else ' text-anchor="end"'
    return (
        f"{line if abs(py - y) > 5 else ''}"
        f'<text x="{x:.1f}" y="{y + 3:.1f}" fill="{TEXT}" font-size="9"{anchor}>{escape(word)}</text>'
    )


def sample_text(text: str, update: int) -> str:
    """What the model wrote after some update, at a fixed height."""
    said = escape(shortened(visible(text), 400))
    return f'<div class="tj-sample"><b>after {update:,} updates it writes:</b> {said}</div>'


def page(held_out: str, losses: str, words: str, sample: str) -> str:
    """All parts of the monitor, at heights that stay."""
    style = "display:flex;flex-wrap:wrap;gap:8px 24px;font-size:12px"
    return (
        f'<div style="{style}"><div style="width:{WIDTH}px">{held_out}{losses}</div>'
        f'<div style="width:420px">{words}</div></div>'
        f'<div style="height:54px;line-height:18px;overflow:hidden;max-width:960px">{sample}</div>'
    )


def _with_sentence(svg: str, sentence: str) -> str:
    style = f"margin:0;color:{FAINT};font-size:11px;height:15px;line-height:15px;overflow:hidden;white-space:nowrap"
    return f'{svg}<p class="tj-sentence" style="{style}">{escape(sentence)}</p>'
