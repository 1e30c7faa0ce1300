"""The primer takes ten minutes: a guess for each of its five ideas, three lines a cell, one clean run."""

from __future__ import annotations

import itertools
import re
from pathlib import Path

import nbformat
import pytest
from test_lessons import bit_for_bit, code_cells, lines, prose, tagged, words

from helpers.exercises import course

PRIMER = Path(__file__).resolve().parent.parent / "notebooks" / "primer.ipynb"


@pytest.fixture(scope="module")
def primer():
    return nbformat.read(PRIMER, as_version=4)


def test_it_takes_ten_minutes(primer):
    """Counted as the lessons' minutes are; the cell of imports is not read."""
    predictions = len(tagged(primer, "predict"))
    cells = len(code_cells(primer)) - predictions - 1
    assert round(words(prose(primer)) / 150 + cells / 2 + predictions) <= 10


def test_each_section_has_an_idea_a_guess_and_three_lines(primer):
    sections = re.findall(r"^## (.+)$", prose(primer), re.M)
    assert sections == ["Vector", "Dot product", "Matrix product", "Logarithm", "Probability"]
    assert prose(primer).count("**Predict:**") == len(sections)
    for name in sections:
        assert f"**{name.lower().removesuffix(' product')}" in prose(primer)
    assert all(len(lines(cell)) <= 3 for cell in code_cells(primer))


def test_each_prediction_is_followed_by_its_guess(primer):
    names = [
        re.fullmatch(r'predict\("(primer\.\d)"\)', after.source)[1]
        for cell, after in itertools.pairwise(primer.cells)
        if "**Predict:**" in cell.source
    ]
    assert names == list(course.lesson_of("primer.1").PREDICTIONS)


def test_its_outputs_come_from_one_clean_run(primer):
    cells = code_cells(primer)
    assert [cell.execution_count for cell in cells] == list(range(1, len(cells) + 1))
    assert not any(output.output_type == "error" for cell in cells for output in cell.outputs)
    assert not any(bit_for_bit(cell.source) for cell in cells)


def test_lesson_00_leads_to_primer_and_glossary():
    text = prose(nbformat.read(PRIMER.with_name("00_start_here.ipynb"), as_version=4))
    assert "](primer.ipynb)" in text
    assert "](glossary.ipynb)" in text
