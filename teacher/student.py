"""The student's build of a lesson: outputs, solutions and answers are left out, stubs and checks stay."""

from __future__ import annotations

import copy
import re

from nbformat import NotebookNode

FOLDED = re.compile(r"<details><summary>(?:Solution|Answer \d)</summary>.*?</details>\n*", re.S)


def student_build(lesson: NotebookNode) -> NotebookNode:
    """A copy of the lesson as a student gets it."""
    built = copy.deepcopy(lesson)
    for cell in built.cells:
        if cell.cell_type == "code":
            cell.outputs, cell.execution_count = [], None
        else:
            cell.source = FOLDED.sub("", cell.source).rstrip()
    built.cells = [cell for cell in built.cells if cell.source]
    return built
