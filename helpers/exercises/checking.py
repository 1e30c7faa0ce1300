"""check(name, answer): the verdict on an answer to an exercise, in words, whatever the answer is."""

from __future__ import annotations

import textwrap
from dataclasses import dataclass
from typing import Any

from helpers.exercises import course, progress
from helpers.exercises.answers import NotYet, filled_in
from helpers.exercises.limits import OutOfTime, time_limit

WIDTH = 88  # characters: an output cell breaks longer lines anywhere


@dataclass(frozen=True)
class Verdict:
    """right: is the answer right? says: "Yes. …", or "Not yet: …" and what is wrong about this answer."""

    right: bool
    says: str

    def __repr__(self) -> str:
        return "\n".join(textwrap.fill(line, WIDTH) for line in self.says.split("\n"))


def check(name: str, answer: Any) -> Verdict:
    """The verdict on `answer` to the exercise `name`, such as "01.3"; a right one is noted in my_progress.json.

    Errors and endless loops of a learner's code are a verdict, too. Only an interrupt of the kernel ends it otherwise.
    """
    exercise = course.exercise(name)
    if exercise is None:
        return Verdict(False, f"Not yet: there is no exercise {name!r}.")
    if wrong := _what_is_wrong(exercise, answer):
        return Verdict(False, f"Not yet: {wrong}")
    lesson = name[:2]
    solved, note = progress.solve(name)
    count = sum(each.startswith(lesson) for each in solved)
    says = f"Yes. {exercise.why}".rstrip() + f" (Lesson {lesson}: {count} of {course.exercises_in(lesson)}.)"
    return Verdict(True, f"{says}\n{note}" if note else says)


def _what_is_wrong(exercise: course.Exercise, answer: Any) -> str:
    """What is wrong about the answer; '' if nothing is."""
    try:
        with time_limit(exercise.seconds):
            exercise.judge(filled_in(answer))
    except NotYet as wrong:
        return _sentence(str(wrong))
    except OutOfTime:
        return f"your code was still running after {exercise.seconds:g} seconds, so it was stopped: a loop without end?"
    except Exception as error:  # an answer so strange that its exercise cannot read it
        return f"this answer cannot be read ({type(error).__name__}: {error})."
    return ""


def _sentence(text: str) -> str:
    return text if text[-1:] in ".?!:" else f"{text}."
