"""A learner's progress: a small file beside the notebooks that git ignores.

A file that is damaged, of another version or read-only stays as it is. What comes goes into a new one beside it:
my_progress-2.json, and so on.
"""

from __future__ import annotations

import json
import os
import stat
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any

from helpers.exercises.course import TITLES, exercises_in

VERSION = 1
MOST_FILES = 99
BAR = 12  # characters


@dataclass(frozen=True)
class Vote:
    """What was guessed before the cell was run, and whether it was right."""

    guess: str
    right: bool


@dataclass(frozen=True)
class Progress:
    """solved: names of exercises, in the order in which they were solved. votes: the first guess at each prediction."""

    solved: tuple[str, ...] = ()
    votes: dict[str, Vote] = field(default_factory=dict)


@dataclass(frozen=True)
class ProgressReport:
    """What has been solved, a bar a lesson, and what there is to say about the file."""

    progress: Progress
    note: str

    def __repr__(self) -> str:
        lines = [self._line(lesson) for lesson in TITLES]
        return "\n".join([*lines, self.note] if self.note else lines)

    def _line(self, lesson: str) -> str:
        solved, wanted = (sum(name[:2] == lesson for name in self.progress.solved), exercises_in(lesson))
        guesses = sum(name[:2] == lesson for name in self.progress.votes)
        filled = round(BAR * min(1.0, solved / wanted))
        bar = "█" * filled + "░" * (BAR - filled)
        return f"{lesson} {TITLES[lesson]:20} {bar}  {solved} of {wanted}" + f", {guesses} guessed" * (guesses > 0)


def progress_file() -> Path:
    """Where the progress lies: my_progress.json beside the lessons.

    The environment variable TOKEN_JOURNEY_PROGRESS names another file (the tests use it to leave yours alone).
    """
    beside = Path(__file__).resolve().parents[2] / "notebooks" / "my_progress.json"
    return Path(os.environ.get("TOKEN_JOURNEY_PROGRESS") or beside)


def my_progress() -> ProgressReport:
    """What has been solved so far in each lesson."""
    _, progress, note = _found()
    return ProgressReport(progress, note)


def reset_progress() -> ProgressReport:
    """Begin anew: nothing is solved, nothing guessed."""
    path, _, note = _found()
    note = _written(path, Progress()) or note
    return ProgressReport(_found()[1], note)


def solve(name: str) -> tuple[tuple[str, ...], str]:
    """Note that an exercise is solved: (all that are, what there is to say about the file, often '')."""
    path, progress, note = _found()
    if name not in progress.solved:
        progress = replace(progress, solved=(*progress.solved, name))
        note = _written(path, progress) or note
    return progress.solved, note


def vote(name: str, guess: str, right: bool) -> str:
    """Note a guess, unless one is there: the first is what counts. What there is to say about the file, often ''."""
    path, progress, note = _found()
    if name in progress.votes:
        return note
    return _written(path, replace(progress, votes={**progress.votes, name: Vote(guess, right)})) or note


def _found() -> tuple[Path, Progress, str]:
    """(the file in use, what is in it, why it is not the first one): the first file that can be used, or a new one."""
    first, said, kept = progress_file(), "", Progress()
    for number in range(1, MOST_FILES + 1):
        path = first if number == 1 else first.with_name(f"{first.stem}-{number}{first.suffix}")
        if not os.path.lexists(path):
            return path, kept, said
        progress, fault = _read(path)
        if not fault:
            return path, progress, said
        kept = progress
        said = f"({path.name} {fault}. It stays as it is; your progress goes into a new file beside it.)"
    return first, kept, said


def _read(path: Path) -> tuple[Progress, str]:
    """What a file holds, and why it cannot be used ('' if it can)."""
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
        version = content["version"]
        progress = _progress_of(content) if version == VERSION else Progress()
    except OSError as error:
        return Progress(), f"cannot be read: {error.strerror or error}"
    except (ValueError, KeyError, TypeError, RecursionError):
        return Progress(), "is damaged"
    if version != VERSION:
        return Progress(), f"is of another version ({version!r}, not {VERSION})"
    if not path.stat().st_mode & stat.S_IWUSR:
        return progress, "is read-only"
    return progress, ""


def _progress_of(content: dict[str, Any]) -> Progress:
    solved, votes = content["solved"], content["votes"]
    if not isinstance(solved, list) or not all(isinstance(name, str) for name in solved):
        raise TypeError
    made = {name: Vote(**vote) for name, vote in votes.items()}
    if not all(isinstance(vote.guess, str) and isinstance(vote.right, bool) for vote in made.values()):
        raise TypeError
    return Progress(tuple(solved), made)


def _written(path: Path, progress: Progress) -> str:
    """Write all of it or nothing; why it cannot be, or ''."""
    content = json.dumps({"version": VERSION, **asdict(progress)}, ensure_ascii=False, indent=1)
    beside = path.with_name(f"{path.name}.{os.getpid()}.tmp")
    try:
        beside.write_text(content + "\n", encoding="utf-8")
        os.replace(beside, path)
    except OSError as error:
        beside.unlink(missing_ok=True)
        return f"(Your progress could not be saved in {path.name}: {error.strerror or error}.)"
    return ""
