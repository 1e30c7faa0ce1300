"""What is inside a model at one step, as an HTML string for the live window: one row for each stage."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape

from helpers import sentences
from helpers.records import Candidate, Inside, Stage
from helpers.window.svg import label_of
from helpers.window.views import heat_strip

ROWS = 8  # stages that are shown at most; the part keeps their height, so that the page stands still
CLOSED_MODEL = "This model does not say what is inside it."
NO_STEP = "Nothing has passed through the model yet: press Step or Play."


def stages(inside: Inside) -> str:
    """The stages of one step as rows: name, values as a strip of colour, norm, and the lens' first three candidates.

    Of more than 8 stages the first, the last and some between them are shown, evenly spread.
    """
    chosen = spread(inside.stages, ROWS)
    rows = "".join(map(_row, chosen))
    sentence = escape(sentences.of_stages(chosen, len(inside.stages)))
    return (
        f'<div class="explorer-stages"><h4>inside: from the row to the prediction</h4>'
        f'<div class="tj-rows" role="img" aria-label="{sentence}">{rows}</div>'
        f'<p class="tj-sentence" title="{sentence}">{sentence}</p></div>'
    )


def nothing_inside(sentence: str) -> str:
    """The same part, at the same height, where there is nothing to show: the sentence says why."""
    return f'<div class="explorer-stages"><h4>inside</h4><p class="tj-sentence">{escape(sentence)}</p></div>'


def spread(stages: Sequence[Stage], most: int) -> Sequence[Stage]:
    """At most `most` of the stages, evenly spread, the first and the last always among them."""
    if len(stages) <= most:
        return stages
    return [stages[round(place * (len(stages) - 1) / (most - 1))] for place in range(most)]


def _row(stage: Stage) -> str:
    read = "".join(map(_candidate, stage.candidates)) or "<i>the output layer cannot read it</i>"
    return (
        f'<div class="tj-stage"><span>{escape(stage.name)}</span><img alt="" src="{heat_strip(stage.vector)}">'
        f"<b>{stage.norm:.2f}</b><span>{read}</span></div>"
    )


def _candidate(candidate: Candidate) -> str:
    share = candidate.model_probability
    named = f"<bdi>{label_of(candidate.piece, 11)}</bdi> {share:.2f}"
    return f'<span class="tj-guess" style="--share:{share:.2f}">{named}</span>'
