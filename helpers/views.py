"""Records as HTML strings for live pages. Pure functions; every piece of model text is escaped.

Colours are JupyterLab's own CSS variables, so that the views follow the light and the dark theme, and two colours of
Okabe and Ito's colour-blind-safe palette.
"""

from __future__ import annotations

from collections.abc import Sequence
from html import escape

BAR, MODEL_BAR = "#0072B2", "var(--jp-layout-color3, #bdbdbd)"
TEXT, FAINT = "var(--jp-ui-font-color1, #212121)", "var(--jp-ui-font-color2, #616161)"
MONO = "var(--jp-code-font-family, monospace)"
WIDTH, ROW = 640, 26


def distribution(rows: Sequence[tuple[str, float, float]], sentence: str) -> str:
    """Paired bars, one row a token: (piece, the model's probability, what the settings left of it), and a sentence.

    The height depends on the number of rows alone, so the page does not jump while sliders move.
    """
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
        f'<text x="142" y="{top + 15}" text-anchor="end" fill="{TEXT}">{escape(shortened(visible(piece)))}</text>'
        f'<rect x="150" y="{top + 2}" width="{model * scale:.1f}" height="8" fill="{MODEL_BAR}"/>'
        f'<rect x="150" y="{top + 11}" width="{left * scale:.1f}" height="9" fill="{BAR}"/>'
        f'<text x="{158 + max(model, left) * scale:.1f}" y="{top + 15}" fill="{FAINT}">{outcome}</text></g>'
    )


def visible(piece: str) -> str:
    """A piece as it is shown: '·' for the space, and escapes for characters that cannot be seen."""
    piece = piece.replace("\u2581", "·")
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in piece)


def shortened(text: str, longest: int = 16) -> str:
    """The text, or its beginning and '…' if it is longer than `longest` characters."""
    return text if len(text) <= longest else text[: longest - 1] + "…"


def display_widget(widget) -> None:
    """Show a widget as a view alone, without the text that Jupyter stores beside it.

    Stored notebooks leave widget views out (reopened, they show "model not found"), so nothing of it may remain.
    """
    from IPython.display import display

    view = {"version_major": 2, "version_minor": 0, "model_id": widget.model_id}
    display({"application/vnd.jupyter.widget-view+json": view}, raw=True)
