"""Small charts as SVG strings for live pages: an f-string costs a thousandth of what a matplotlib figure does.

Colours are JupyterLab's own CSS variables, so that charts follow the light and the dark theme, and colours of Okabe
and Ito's colour-blind-safe palette.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from html import escape

from helpers.sentences import shortened, visible

BLUE, ORANGE, GREEN, PURPLE = "#0072B2", "#D55E00", "#009E73", "#CC79A7"
LINE, ACCENT = "var(--tj-blue, #0072B2)", "var(--tj-orange, #D55E00)"  # lighter on a dark page: see explorer.css
PALETTE = (LINE, ACCENT, GREEN, PURPLE, "#56B4E9", "#E69F00", "#888888", "#A6761D")
TEXT, FAINT = "var(--jp-ui-font-color1, #212121)", "var(--jp-ui-font-color2, #616161)"
GRID, GREY = "var(--jp-border-color2, #e0e0e0)", "var(--jp-layout-color3, #bdbdbd)"
MONO = "var(--jp-code-font-family, monospace)"


def label_of(piece: str, longest: int = 16) -> str:
    """A piece as HTML: visible, shortened, escaped."""
    return escape(shortened(visible(piece), longest))


def figure(body: str, width: int, height: int, sentence: str, fixed: bool = False) -> str:
    """An <svg> with a label for screen readers. It fills the width of the page, unless `fixed`."""
    size = f"width:{width}px;height:{height}px" if fixed else "width:100%;height:auto"
    return (
        f'<svg viewBox="0 0 {width} {height}" role="img" aria-label="{escape(sentence)}" '
        f'style="display:block;{size};font-family:{MONO};font-size:11px">{body}</svg>'
    )


def captioned(css_class: str, body: str, width: int, height: int, sentence: str) -> str:
    """An <svg> of at most this width, and below it the sentence that says what it shows, as HTML."""
    return (
        f'<div class="{css_class}"><svg viewBox="0 0 {width} {height}" width="{width}" height="{height}" role="img" '
        f'aria-label="{escape(sentence)}" style="max-width:100%;font-family:{MONO};font-size:12px">{body}</svg>'
        f'<p style="margin:4px 0;color:{TEXT}">{escape(sentence)}</p></div>'
    )


class Scale:
    """Maps numbers from low … high onto pixels; `log` for a logarithmic axis."""

    def __init__(self, low: float, high: float, first: float, last: float, log: bool = False) -> None:
        self.low, self.high, self._first, self._log = low, high, first, log
        self._from = math.log(low) if log else low
        self._factor = (last - first) / (((math.log(high) if log else high) - self._from) or 1.0)

    def __call__(self, value: float) -> float:
        return self._first + ((math.log(value) if self._log else value) - self._from) * self._factor

    def ticks(self) -> list[float]:
        """Round numbers along the axis."""
        if not self._log:
            return nice_ticks(self.low, self.high)
        decades = range(math.floor(math.log10(self.low)), math.ceil(math.log10(self.high)) + 1)
        return [m * 10.0**d for d in decades for m in (1, 2, 5) if self.low <= m * 10.0**d <= self.high]


def nice_ticks(low: float, high: float, most: int = 5) -> list[float]:
    """At most `most` round numbers between low and high."""
    if not high > low:
        return [low]
    exponent = math.floor(math.log10(high - low)) - 1
    steps = (m * 10.0**e for e in range(exponent, exponent + 3) for m in (1, 2, 2.5, 5))
    step = next(s for s in steps if math.floor(high / s + 1e-9) - math.ceil(low / s - 1e-9) < most)
    return [n * step for n in range(math.ceil(low / step - 1e-9), math.floor(high / step + 1e-9) + 1)]


def y_axis(scale: Scale, left: float, right: float) -> str:
    """Grid lines with their numbers, at most five and to the left of the chart."""
    return "".join(
        f'<line x1="{left}" x2="{right}" y1="{(y := scale(tick)):.1f}" y2="{y:.1f}" stroke="{GRID}"/>'
        f'<text x="{left - 6}" y="{y + 4:.1f}" text-anchor="end" fill="{FAINT}">{_number(tick)}</text>'
        for tick in scale.ticks()
    )


def x_labels(labels: Iterable[tuple[float, str]], y: float, first: float, last: float, letter: float = 6.7) -> str:
    """Words centred under their places, as many as fit without touching; earlier ones in the list go first."""
    taken: list[tuple[float, float]] = []
    drawn = []
    for x, word in labels:
        half = letter * len(word) / 2 + 2
        x = min(max(x, first + half), last - half)
        if all(x + half <= low or x - half >= high for low, high in taken):
            taken.append((x - half, x + half))
            drawn.append(f'<text x="{x:.1f}" y="{y}" text-anchor="middle" fill="{FAINT}">{escape(word)}</text>')
    return "".join(drawn)


def polyline(points: Sequence[tuple[float, float]], colour: str = LINE, width: float = 1.6) -> str:
    """A line through pixel points."""
    path = " ".join(f"{x:.1f},{y:.1f}" for x, y in points)
    return f'<polyline points="{path}" fill="none" stroke="{colour}" stroke-width="{width}"/>'


def thinned(values: Sequence, most: int = 300) -> Sequence:
    """At most about `most` of the values, evenly, the last one always among them."""
    step = max(1, math.ceil(len(values) / most))
    return values[(len(values) - 1) % step :: step]


def apart(places: Sequence[float], least: float, highest: float) -> list[float]:
    """Places for labels, moved so that neighbours are at least `least` apart and none lies beyond `highest`."""
    moved = list(places)
    order = sorted(range(len(places)), key=places.__getitem__)
    lowest = -math.inf
    for index in order:
        moved[index] = max(places[index], lowest)
        lowest = moved[index] + least
    for index in reversed(order):
        moved[index] = min(moved[index], highest)
        highest = moved[index] - least
    return moved


def _number(value: float) -> str:
    return f"{value:.6g}".replace("-", "−")
