"""What the plans leave out because it stands elsewhere: each prediction's options, and stories by seed."""

from __future__ import annotations

import re
import sys
from pathlib import Path

from helpers.exercises import course
from helpers.models.checkpoint import load_shipped
from helpers.sampling import SamplingSettings
from helpers.streaming import stream

sys.path.insert(0, str(Path(__file__).parents[1] / "data"))
from make_stories import load_grammar

LONGEST = 250  # tokens; the longest of 5,000 true texts has fewer
SETTINGS = SamplingSettings(temperature=0.8, top_p=0.9)

SEEDS = """# Seeds to hand out

The shipped LSTM, no prompt, temperature .8, top-p .9. Where it says **no**, some word does not fit the story: let the
class find it.

"""


def filled_plans(text: str) -> str:
    """The plans with every line `{01.2}` replaced by that prediction: the question, the votes to expect, and why."""
    return re.sub(r"^\{(\d\d\.\d+)\}$", lambda found: votes(found[1]), text, flags=re.M)


def votes(name: str) -> str:
    """A prediction as a teacher needs it: each option with what speaks for it."""
    asked = course.prediction(name)
    if isinstance(asked, course.Pick):
        rows = [f"  - {option}: {says}" for option, says in asked.options.items()]
    else:
        rows = [f"  - {asked.truth:g}: {asked.yes}", f"  - less: {asked.low}", f"  - more: {asked.high}"]
    return "\n".join([f"- **{asked.question}** ({name})", *rows])


def seed_table(count: int) -> str:
    """Stories of the shipped model for the seeds 0, 1, …: how long each is, and whether the grammar knows it."""
    model, tokenizer = load_shipped()
    grammar = load_grammar()
    rows = ["| seed | tokens | a true story? | it begins |", "|---|---|---|---|"]
    for seed in range(count):
        steps = list(stream(model, tokenizer, "", SETTINGS, max_new_tokens=LONGEST, seed=seed))
        text = "".join(step.output.text for step in steps)
        verdict = "yes" if grammar.accepts(text) else "**no**"
        rows.append(f"| {seed} | {len(steps)} | {verdict} | {text[:60]} … |")
    return SEEDS + "\n".join(rows) + "\n"
