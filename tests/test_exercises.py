"""Exercises: every wrong answer is told what is wrong about it, whatever it is; progress survives what files suffer."""

from __future__ import annotations

import contextlib
import importlib.util
import json
import os
import sys
import threading
import time
from pathlib import Path

import nbformat
import numpy as np
import pytest
import torch
from extras import what_is_missing

from helpers.exercises import PredictionWidget, check, checking, course, my_progress, predict, progress, reset_progress
from helpers.exercises.answers import NotYet, number, numbers, run
from helpers.exercises.limits import OutOfTime, _Watched, time_limit
from helpers.exercises.questions import read_questions

PROJECT = Path(__file__).resolve().parent.parent
DONE = [name for name in course.TITLES if (PROJECT / "helpers" / "exercises" / f"lesson_{name}.py").is_file()]
EXERCISES = {name: each for lesson in DONE for name, each in course.lesson_of(f"{lesson}.1").EXERCISES.items()}
PREDICTIONS = {
    name: each for part in [*DONE, course.PRIMER] for name, each in course.lesson_of(f"{part}.1").PREDICTIONS.items()
}


@pytest.fixture(autouse=True)
def file(tmp_path, monkeypatch):
    """A progress file of each test's own."""
    path = tmp_path / "my_progress.json"
    monkeypatch.setenv("TOKEN_JOURNEY_PROGRESS", str(path))
    return path


@pytest.fixture
def impatient(monkeypatch):
    """Checks that wait three seconds for endless code; tests need not wait for ten. Those that load a model wait on."""
    monkeypatch.setattr(checking, "time_limit", lambda seconds: time_limit(3 if seconds <= 10 else seconds))


def wrong_answers(lesson):
    path = PROJECT / "tests" / "wrong_answers" / f"lesson_{lesson}.py"
    spec = importlib.util.spec_from_file_location(f"wrong_{lesson}", path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module.WRONG


# ------------------------------------------------------------------------------------------------------- the verdicts


@pytest.mark.parametrize("name", EXERCISES)
def test_wrong_answers_are_refused_with_words_of_their_own(name, impatient):
    if missing := what_is_missing(name[:2]):
        pytest.skip(missing)
    verdicts = [check(name, answer) for answer in wrong_answers(name[:2])[name]]
    assert not any(verdict.right for verdict in verdicts)
    assert all(verdict.says.startswith("Not yet: ") for verdict in verdicts)
    assert not any("cannot be read" in verdict.says for verdict in verdicts), verdicts
    assert len({verdict.says for verdict in verdicts}) == len(verdicts) >= 2, verdicts


class Unwritable:
    def __repr__(self):
        raise RuntimeError("no")


def exits(*_):
    sys.exit(1)


STRANGE = [None, ..., True, float("nan"), 10**400, "", "\ud800", b"x", [], {}, [[]], (1, 2, 3), {"a": ...}, object()]
STRANGE += [Unwritable(), np.full((3, 3), np.nan), np.array([]), torch.zeros(2, requires_grad=True), [None], int, len]
STRANGE += [
    exits,
    lambda: 0,
    lambda *_: None,
    lambda *_: float("nan"),
    lambda *_: "x",
    lambda *_: 1 / 0,
    lambda *_: ...,
]
STRANGE += [lambda *_: {}, lambda *_: [None], lambda *_: np.full((2, 3, 4), np.inf), lambda *_: (x for x in "abc")]


@pytest.mark.parametrize("name", EXERCISES)
def test_strange_answers_are_not_yet_right_and_never_an_error(name):
    for answer in STRANGE:
        verdict = check(name, answer)
        assert not verdict.right, answer
        assert verdict.says.startswith("Not yet: ")


def test_each_lesson_has_its_six_exercises_of_all_kinds():
    for lesson in DONE:
        kinds = [each.kind for name, each in EXERCISES.items() if name[:2] == lesson]
        wanted = ["recall", "recall", "by hand", "code", "break", "transfer"]
        assert kinds == wanted or (lesson == "00" and len(kinds) == 3 and set(kinds) <= {*wanted})
        assert len(kinds) == course.exercises_in(lesson)


def test_an_exercise_that_is_not_there():
    assert "no exercise '01.9'" in repr(check("01.9", 1))
    assert not check("99.1", 1).right
    assert not check(None, 1).right


def test_a_verdict_breaks_its_lines_between_words():
    assert max(len(line) for line in repr(checking.Verdict(False, "Not yet: " + "word " * 99)).splitlines()) <= 88


# ----------------------------------------------------------------------------------------------- a learner's own code


def test_an_error_is_named_with_its_line_and_what_went_in():
    def wrong(x):
        y = x
        return y / 0

    with pytest.raises(NotYet, match=r"line \d+ of your cell raised ZeroDivisionError: .* called with \(3\)"):
        run(wrong, 3)


def test_code_cannot_change_what_is_checked():
    given = [1, 2, 3]
    assert run(lambda values: values.clear() or "done", given) == "done"
    assert given == [1, 2, 3]


def test_numbers_of_other_types_shapes_and_nan():
    assert number(np.float32(2)) == number(np.array([2])) == number(torch.tensor(2.0).item()) == 2
    with pytest.raises(NotYet, match=r"shape should be \(2,\), and yours is \(3,\)"):
        numbers([1, 2, 3], (2,))
    with pytest.raises(NotYet, match="1 of your 2 numbers are NaN"):
        numbers([1, float("nan")], (2,))
    with pytest.raises(NotYet, match="a number is wanted, and this is a text: '2'"):
        number("2")
    assert numbers(torch.ones(2, requires_grad=True), (2,)).tolist() == [1, 1]


# --------------------------------------------------------------------------------------------------------- time limit


def loop():
    while True:
        pass


def deaf_loop():
    while True:
        with contextlib.suppress(Exception):
            time.sleep(0.01)


@pytest.mark.parametrize("endless", [loop, deaf_loop, lambda: time.sleep(60), lambda: [loop() for _ in "ab"]])
def test_endless_code_is_stopped(endless):
    begin = time.monotonic()
    with pytest.raises(OutOfTime), time_limit(0.3):
        endless()
    assert time.monotonic() - begin < 20


@pytest.mark.parametrize("endless", [loop, deaf_loop])
def test_where_there_is_no_alarm_a_watch_stops_it(endless):
    before = sys.gettrace()
    with pytest.raises(OutOfTime), _Watched(0.3):
        endless()
    assert sys.gettrace() is before


def test_the_limit_holds_in_a_thread_too():
    stopped = []

    def work():
        try:
            with time_limit(0.3):
                loop()
        except OutOfTime:
            stopped.append(True)

    thread = threading.Thread(target=work)
    thread.start()
    thread.join(60)
    assert stopped == [True]


def test_the_limit_leaves_no_alarm_behind():
    with time_limit(0.2):
        pass
    time.sleep(0.4)


# ----------------------------------------------------------------------------------------------------------- progress


def solved(*names):
    return json.dumps({"version": 1, "solved": names, "votes": {}})


def test_what_is_solved_is_counted_once(file):
    assert progress.solve("01.1") == (("01.1",), "")
    assert progress.solve("01.1") == (("01.1",), "")
    assert progress.solve("01.2")[0] == ("01.1", "01.2")
    assert "01 Tokenization         ████░░░░░░░░  2 of 6" in repr(my_progress())
    assert [path.name for path in file.parent.iterdir()] == [file.name]


def test_a_right_answer_says_how_far_one_is():
    verdict = check("01.2", {"a", "e"})
    assert verdict.right
    assert verdict.says.startswith("Yes.")
    assert "(Lesson 01: 1 of 6.)" in verdict.says


def test_the_first_guess_counts():
    progress.vote("01.3", "more", False)
    progress.vote("01.3", "fewer", True)
    assert my_progress().progress.votes == {"01.3": progress.Vote("more", False)}
    assert "0 of 6, 1 guessed" in repr(my_progress())


DAMAGED = ["", "{", "[]", "null", "1", '{"version": 1}', '{"version": 1, "solved": [1], "votes": {}}', "\x00"]
DAMAGED += ['{"version": 1, "solved": "01.1", "votes": {}}', '{"version": 1, "solved": [], "votes": {"01.1": 3}}']
DAMAGED += ['{"version": 1, "solved": [], "votes": {"01.1": {"guess": 1, "right": true}}}', "[" * 100_000]


@pytest.mark.parametrize("content", DAMAGED)
def test_a_damaged_file_stays_and_a_new_one_is_begun_beside_it(file, content):
    file.write_text(content, encoding="utf-8")
    _, note = progress.solve("01.1")
    assert note.startswith("(my_progress.json is damaged. It stays as it is")
    assert file.read_text(encoding="utf-8") == content
    assert my_progress().progress.solved == ("01.1",)
    assert json.loads(file.with_name("my_progress-2.json").read_text(encoding="utf-8"))["solved"] == ["01.1"]


def test_bytes_that_are_no_text_and_a_folder_in_its_place(file):
    file.write_bytes(b"\xff\xfe\x00")
    file.with_name("my_progress-2.json").mkdir()
    verdict = check("01.2", {"a", "e"})
    assert verdict.right
    assert "my_progress-2.json cannot be read" in verdict.says
    assert file.with_name("my_progress-3.json").is_file()


def test_a_file_of_another_version_stays(file):
    file.write_text('{"version": 2, "done": []}', encoding="utf-8")
    assert "is of another version (2, not 1)" in progress.solve("01.1")[1]
    assert '"done"' in file.read_text(encoding="utf-8")


def test_what_a_read_only_file_holds_is_taken_along(file):
    file.write_text(solved("01.1"), encoding="utf-8")
    file.chmod(0o444)
    names, note = progress.solve("01.2")
    assert names == ("01.1", "01.2")
    assert "my_progress.json is read-only" in note
    assert file.read_text(encoding="utf-8") == solved("01.1")
    assert my_progress().progress.solved == ("01.1", "01.2")


def test_where_nothing_can_be_written_the_verdict_stands(monkeypatch):
    def refused(*_):
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(os, "replace", refused)
    verdict = check("01.2", {"a", "e"})
    assert verdict.right
    assert "could not be saved in my_progress.json: Permission denied" in verdict.says
    monkeypatch.setenv("TOKEN_JOURNEY_PROGRESS", "/nowhere/at/all.json")
    assert "could not be saved" in check("01.2", {"a", "e"}).says


def test_reset_begins_anew(file):
    progress.solve("01.1")
    progress.vote("01.1", "nothing", True)
    assert " 0 of 6" in repr(reset_progress()).splitlines()[1]
    assert my_progress().progress == progress.Progress()
    assert file.is_file()


# -------------------------------------------------------------------------------------------------------- predictions


@pytest.mark.parametrize("name", PREDICTIONS)
def test_each_guess_is_told_how_it_compares(name, file):
    prediction = PREDICTIONS[name]
    for guess in guesses(prediction):
        widget = predict(name)
        widget.guess(guess)
        assert f"You said{':' if isinstance(prediction, course.Pick) else ''} " in widget.said
        assert len(widget.said.split()) > 12
        assert widget.said.endswith("Now run the next cell.")
        assert all(entry.disabled for entry in widget._entries)
    assert list(my_progress().progress.votes) == [name]


def guesses(prediction):
    if isinstance(prediction, course.Estimate):
        return [prediction.truth, prediction.truth - 2 * prediction.within - 1, prediction.truth + 10]
    assert 2 <= len(prediction.options) <= 4
    assert prediction.right in prediction.options
    assert all(len(option) <= 60 for option in prediction.options)
    assert [says for option, says in prediction.options.items() if says.startswith("Right: ")] == [
        prediction.options[prediction.right]
    ]
    return list(prediction.options)


def test_only_the_first_guess_is_taken():
    widget = predict("01.3")
    widget.guess("more")
    said = widget.said
    widget.guess("fewer, and less and less so")
    assert widget.said == said
    assert my_progress().progress.votes["01.3"].guess == "more"


def test_what_is_no_number_is_asked_again(monkeypatch):
    monkeypatch.setattr(course, "prediction", lambda _: course.Estimate("How many?", 5, 1, "Yes.", "Low.", "High."))
    widget = PredictionWidget("x")
    for guess in ["", "five", "nan", "inf"]:
        widget.guess(guess)
        assert widget.said == ""
    widget.guess("4.5")
    assert widget.said == "You said 4.5, and it is 5. Yes. Now run the next cell."


def test_a_prediction_that_is_not_there():
    with pytest.raises(ValueError, match=r"no prediction '01.99': give one of 01.1, "):
        predict("01.99")


# ---------------------------------------------------------------------------------------------------------- questions


def lesson_path(lesson):
    [path] = (PROJECT / "notebooks").glob(f"{lesson}_*.ipynb")
    return path


@pytest.mark.parametrize("lesson", DONE)
def test_every_goal_has_an_exercise_and_a_question(lesson):
    first = nbformat.read(lesson_path(lesson), as_version=4).cells[0].source
    goals = [line for line in first.splitlines() if line[:1].isdigit() and line[1:3] == ". "]
    questions = read_questions(lesson_path(lesson))
    assert [question.number for question in questions] == [1, 2, 3, 4, 5]
    asked = {question.goal for question in questions}
    assert asked == set(range(1, len(goals) + 1))
    tested = {goal for name, each in EXERCISES.items() if name[:2] == lesson for goal in each.goals}
    assert tested <= asked
    assert len(tested) >= (3 if lesson == "00" else len(goals) - 1)


@pytest.mark.parametrize("lesson", DONE)
def test_the_right_option_has_no_place_of_its_own(lesson):
    places = [
        [option.right for option in question.options].index(True) for question in read_questions(lesson_path(lesson))
    ]
    assert len(set(places)) >= 3
