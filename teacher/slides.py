"""Slides of a lesson: its headings, its predictions with their options, its figures; the text between is the notes."""

from __future__ import annotations

import re
from pathlib import Path

from nbconvert import SlidesExporter
from nbformat import NotebookNode, v4

from helpers.exercises import course

TEMPLATE = Path(__file__).parent / "slides"


def slides_html(lesson: NotebookNode, name: str) -> str:
    """The deck as HTML; it expects reveal.js in a folder `reveal` beside it and asks no other host for anything."""
    exporter = SlidesExporter(
        template_name="slides",
        extra_template_basedirs=[str(TEMPLATE.parent)],
        reveal_url_prefix="reveal",
        reveal_theme="white",
        reveal_number="c/t",
        exclude_input=True,
        exclude_input_prompt=True,
        exclude_output_prompt=True,
    )
    return exporter.from_notebook_node(deck(lesson), resources={"metadata": {"name": name}})[0]


def deck(lesson: NotebookNode) -> NotebookNode:
    """A notebook with a cell for each slide, up to the exercises."""
    cells: list[NotebookNode] = []
    for cell in lesson.cells:
        if re.search(r"^## Exercises", cell.source, re.M):
            break
        cells += _slides_of_text(cell.source) if cell.cell_type == "markdown" else _slides_of_code(cell)
    return v4.new_notebook(cells=cells, metadata=lesson.metadata)


def _slides_of_text(text: str) -> list[NotebookNode]:
    """A slide for each heading; what stands below it is for the speaker. A prediction comes with its options, below."""
    cells = []
    for heading in re.findall(r"^##? .*$", text, re.M):
        cells.append(_slide("slide", heading))
    rest = re.sub(r"^#+ .*$", "", text, flags=re.M).strip()
    return [*cells, _slide("notes", rest)] if rest else cells


def _slides_of_code(cell: NotebookNode) -> list[NotebookNode]:
    if guessed := re.search(r'^predict\("(.+?)"\)', cell.source, re.M):
        return [_slide("subslide", prediction_in_words(guessed[1]))]
    figures = [output for output in cell.outputs if "data" in output]  # each comes with its sentence
    if not any("image/png" in figure.data for figure in figures):
        return []
    return [v4.new_code_cell(outputs=figures, metadata={"slideshow": {"slide_type": "subslide"}})]


def prediction_in_words(name: str) -> str:
    """A prediction's question, with its options as a list; the right one is not marked."""
    asked = course.prediction(name)
    options = asked.options if isinstance(asked, course.Pick) else ["a number"]
    return "\n".join([f"### {asked.question}", "", *(f"- {option}" for option in options)])


def _slide(kind: str, text: str) -> NotebookNode:
    return v4.new_markdown_cell(text, metadata={"slideshow": {"slide_type": kind}})
