"""Predictions, exercises and progress in a real page: what a learner answers, and what the lesson says to it."""

from __future__ import annotations

import shutil
from pathlib import Path

PROJECT = Path(__file__).resolve().parents[2]


def test_a_prediction_and_an_exercise_right_and_wrong_and_the_progress_in_lesson_00(lesson):
    page = lesson("01")
    assert page.page.locator(".predict").count() == 6
    said = page.guess(0, "a new number")
    assert said.startswith("✗ You said: a new number. Tempting")
    assert "Right would be: nothing." in said
    assert page.page.locator(".predict").nth(0).locator("button:not([disabled])").count() == 0
    assert page.guess(2, "fewer, and less and less so").startswith("✓ You said: fewer, and less and less so. Right:")

    wrong = page.answer('check("01.2"', 'check("01.2", {"a", "c", "e"})', "Not yet")
    assert "look at c again" in wrong
    assert "Lesson 01: 1 of 6." in page.answer('check("01.2"', 'check("01.2", {"a", "e"})', "Yes")
    failing = 'def fit(ids, room):\n    return ids[0] / 0\n\n\ncheck("01.4", fit)'
    assert "line 2 of your cell raised ZeroDivisionError" in page.answer('check("01.4"', failing, "Not yet: line 2")
    endless = 'def fit(ids, room):\n    while True:\n        pass\n\n\ncheck("01.4", fit)'
    assert "still running after 10 seconds" in page.answer('check("01.4"', endless, "Not yet: your code was")
    assert page.errors == []

    first = lesson("00")
    progress = first.cell("my_progress()").locator(".jp-OutputArea").inner_text()
    [line] = [line for line in progress.splitlines() if "01 Tokenization" in line]
    assert line.endswith("1 of 6, 2 guessed")
    assert "██░░" in line


def test_a_term_leads_to_its_place_in_the_glossary(lesson, lab):
    shutil.copy(PROJECT / "notebooks" / "glossary.ipynb", lab.folder)
    page = lesson("02").page
    entry = page.locator(".jp-Notebook h3", has_text="embedding table")
    page.get_by_role("link", name="embedding table").first.click()
    entry.wait_for()  # JupyterLab opens a notebook at its top, whatever the link says; in an open one it leads on
    page.get_by_role("tab", name="02_embedding").first.click()
    page.get_by_role("link", name="embedding table").first.click()
    page.wait_for_function("h => Math.abs(h.getBoundingClientRect().top) < innerHeight / 2", arg=entry.element_handle())
