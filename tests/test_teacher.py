"""What make teacher builds from the lessons: every part follows the lessons, and nothing of an answer slips through."""

from __future__ import annotations

import re
from pathlib import Path
from xml.etree import ElementTree

import nbformat
import pytest
from bank import gift, moodle_xml
from nbclient import NotebookClient
from plans import filled_plans, seed_table
from slides import deck, slides_html
from student import student_build

from helpers.exercises.questions import read_questions

PROJECT = Path(__file__).parents[1]
LESSONS = sorted((PROJECT / "notebooks").glob("[0-9][0-9]_*.ipynb"))


@pytest.fixture(params=LESSONS, ids=[path.stem for path in LESSONS])
def path(request):
    return request.param


def read(path):
    return nbformat.read(path, as_version=4)


def test_a_student_gets_stubs_and_checks_and_no_answer(path):
    lesson, built = read(path), student_build(read(path))
    text = "\n".join(cell.source for cell in built.cells)
    assert "<summary>Solution" not in text
    assert not re.search(r"<summary>Answer \d", text)
    assert not any(cell.outputs or cell.execution_count for cell in built.cells if cell.cell_type == "code")
    code = [[cell.source for cell in book.cells if cell.cell_type == "code"] for book in (lesson, built)]
    assert code[0] == code[1]
    assert text.count("**1 · goal") == 1, "the questions stay"


def test_the_students_first_lesson_runs_from_top_to_bottom(tmp_path, monkeypatch):
    monkeypatch.setenv("TOKEN_JOURNEY_PROGRESS", str(tmp_path / "progress.json"))
    built = student_build(read(LESSONS[1]))
    NotebookClient(built, timeout=300, resources={"metadata": {"path": str(tmp_path)}}).execute()
    verdicts = [
        cell.outputs[-1].data["text/plain"] for cell in built.cells if 'check("' in cell.source and cell.outputs
    ]
    assert len(verdicts) >= 6
    assert all(verdict.startswith("Not yet: ") for verdict in verdicts)


def test_a_learning_platform_gets_every_question_with_one_right_answer(path):
    questions = read_questions(path)
    assert len(questions) == 5
    quiz = ElementTree.fromstring(moodle_xml(path.stem, questions))
    asked = quiz.findall("question[@type='multichoice']")
    assert [each.findtext("questiontext/text") for each in asked] == [question.text for question in questions]
    for each in asked:
        answers = each.findall("answer")
        assert sorted(answer.get("fraction") for answer in answers)[-1] == "100"
        assert sum(answer.get("fraction") == "100" for answer in answers) == 1


def test_gift_can_be_read_back(path):
    """Each block: a name, a question, options behind = or ~; what GIFT gives a meaning is escaped."""
    questions = read_questions(path)
    blocks = re.findall(
        r"::((?:\\.|[^\\:])+)::\[markdown\]((?:\\.|[^\\{])+)\{\n(.*?)\n\}\n", gift(path.stem, questions), re.S
    )
    assert [plain(text) for _, text, _ in blocks] == [question.text for question in questions]
    for (_, _, listed), question in zip(blocks, questions, strict=True):
        options = re.findall(r"^  ([=~])((?:\\.|[^\\#])+)#", listed, re.M)
        assert [(mark == "=", plain(text)) for mark, text in options] == [
            (option.right, option.text) for option in question.options
        ]


def plain(escaped):
    return re.sub(r"\\(.)", r"\1", escaped)


def test_slides_show_headings_predictions_and_figures_and_ask_nobody(path):
    lesson = read(path)
    shown = deck(lesson)
    kinds = [cell.metadata.slideshow.slide_type for cell in shown.cells]
    assert kinds.count("slide") >= 4
    guesses = sum('predict("' in cell.source for cell in lesson.cells)
    assert sum(cell.source.startswith("### ") for cell in shown.cells) == guesses
    for cell in shown.cells:
        if cell.cell_type == "code":
            assert [("image/png" in output.data) for output in cell.outputs][:2] == [True, False], "and its sentence"
    page = slides_html(lesson, path.stem)
    asked = re.findall(r'(?:src|href)="(https?:[^"]+|//[^"]+)"', page)
    assert not [address for address in asked if "script" in address or address.endswith((".js", ".css"))]
    assert not re.search(r"<script[^>]+src=\"(?!reveal/)", page)


def test_the_plans_hold_fifty_minutes_and_predictions_that_there_are():
    plans = (PROJECT / "teacher" / "plans.md").read_text(encoding="utf-8")
    sections = re.split(r"^## ", plans, flags=re.M)[1:]
    assert [section[:2] for section in sections] == [path.name[:2] for path in LESSONS]
    for section in sections:
        assert sum(map(int, re.findall(r"^\| (\d+) \|", section, re.M))) == 50, section[:30]
    filled = filled_plans(plans)
    assert not re.search(r"^\{", filled, re.M)
    assert filled.count("Right: ") >= 2 * len(sections)


def test_seeds_are_judged_by_the_grammar():
    rows = seed_table(3).splitlines()[-3:]
    assert [row.split(" | ")[0] for row in rows] == ["| 0", "| 1", "| 2"]
    assert all(row.split(" | ")[2] in ("yes", "**no**") for row in rows)
