"""The questions at the end of a lesson, read from its text: the bank that stands once, in the notebooks."""

from __future__ import annotations

import re
from dataclasses import dataclass
from os import PathLike

import nbformat


@dataclass(frozen=True)
class Option:
    """One answer to choose, whether it is right, and what is said to it."""

    text: str
    right: bool
    says: str


@dataclass(frozen=True)
class Question:
    """A question with its options; goal: the number of the lesson's goal that it tests."""

    number: int
    goal: int
    text: str
    options: tuple[Option, ...]


def read_questions(path: str | PathLike) -> tuple[Question, ...]:
    """The questions in the section "Questions" of a notebook; ValueError names one that is not written as all are.

    **1 · goal 2.** The question?

    - **a** an option
    - **b** another one

    <details><summary>Answer 1</summary>

    - **a** No: what it misses.
    - **b** Yes: why.

    </details>
    """
    cells = nbformat.read(path, as_version=4).cells
    text = "\n\n".join(cell.source for cell in cells if cell.cell_type == "markdown")
    [section] = re.findall(r"^## Questions\n(.*?)(?=^## )", text, re.M | re.S) or [""]
    parts = re.findall(r"^\*\*(\d) · goal (\d)\.\*\* (.*?)(?=^\*\*\d · |\Z)", section, re.M | re.S)
    return tuple(_question(int(number), int(goal), body) for number, goal, body in parts)


def _question(number: int, goal: int, body: str) -> Question:
    pattern = rf"(.*?)\n\n(.*)<details><summary>Answer {number}</summary>\n\n(.*)\n\n</details>"
    written = re.match(pattern, body, re.S)
    if not written:
        raise ValueError(f"question {number} is not written as the others are: see read_questions")
    options, answers = _listed(written[2]), _listed(written[3])
    if list(options) != list(answers) or not all(says.startswith(("Yes: ", "No: ")) for says in answers.values()):
        raise ValueError(f"question {number}: each option needs an answer that begins with Yes: or No:")
    made = tuple(
        Option(text, answers[letter].startswith("Yes"), answers[letter].split(": ", 1)[1])
        for letter, text in options.items()
    )
    if sum(option.right for option in made) != 1 or not 3 <= len(made) <= 5:
        raise ValueError(f"question {number}: three to five options are wanted, and one of them right")
    return Question(number, goal, _line(written[1]), made)


def _listed(text: str) -> dict[str, str]:
    return {
        letter: _line(says) for letter, says in re.findall(r"^- \*\*([a-e])\*\* (.*?)(?=^- |\Z)", text, re.M | re.S)
    }


def _line(text: str) -> str:
    return " ".join(text.split())
