"""What a figure shows, in one sentence computed from its records: the same sentence in the page and on paper."""

from __future__ import annotations

from collections.abc import Sequence

from helpers.records import Stage


def of_stages(stages: Sequence[Stage], total: int | None = None) -> str:
    """The number of stages, what the logit lens reads first where it can, and the norms at both ends.

    total: how many stages there are, where not all of them are shown.
    """
    read = [stage for stage in stages if stage.candidates]
    guesses = ", ".join(f"{stage.candidates[0].piece!r} at {stage.name}" for stage in read)
    norms = f"norm {stages[0].norm:.2f} at {stages[0].name}, {stages[-1].norm:.2f} at {stages[-1].name}"
    counted = f"{len(stages)} of {total}" if total and total > len(stages) else f"{len(stages)}"
    return f"{counted} stages of one token; the lens reads first: {guesses}; {norms}."
