"""Build a teacher's material from the lessons (make teacher): student notebooks, slides, a question bank, plans, seeds.

Everything is read from the notebooks and from helpers/exercises, so nothing is written twice. It goes into
teacher/build/, which git ignores.
"""

from __future__ import annotations

import argparse
import shutil
import sys
from pathlib import Path

import nbformat
from bank import gift, moodle_xml
from plans import filled_plans, seed_table
from slides import slides_html
from student import student_build

from helpers.exercises.questions import read_questions

TEACHER = Path(__file__).parent
LESSONS = TEACHER.parent / "notebooks"
SEEDS = 40


def lesson_paths() -> list[Path]:
    """The numbered lessons, in order."""
    return sorted(LESSONS.glob("[0-9][0-9]_*.ipynb"))


def read(path: Path) -> nbformat.NotebookNode:
    return nbformat.read(path, as_version=4)


def write_students(out: Path) -> None:
    """Each lesson without outputs, solutions and answers, and what else lies beside the lessons."""
    shutil.copytree(LESSONS, out, ignore=shutil.ignore_patterns("[0-9][0-9]_*", "my_*", ".*"), dirs_exist_ok=True)
    for path in lesson_paths():
        nbformat.write(student_build(read(path)), out / path.name)


def write_bank(out: Path) -> None:
    """The questions of each lesson, in the two formats that learning platforms read."""
    for path in lesson_paths():
        if questions := read_questions(path):
            (out / f"{path.stem}.gift").write_text(gift(path.stem, questions), encoding="utf-8")
            (out / f"{path.stem}.xml").write_bytes(moodle_xml(path.stem, questions))


def write_slides(out: Path, reveal: Path) -> None:
    """A deck for each lesson; reveal.js lies beside them, so that they need no network."""
    for part in ("dist/reveal.js", "dist/reveal.css", "dist/theme/white.css", "plugin/notes/notes.js"):
        (out / "reveal" / part).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(reveal / part, out / "reveal" / part)
    for path in lesson_paths():
        (out / f"{path.stem}.html").write_text(slides_html(read(path), path.stem), encoding="utf-8")


def write_plans(out: Path) -> None:
    """The plans with each prediction's question and options filled in, and the table of seeds."""
    (out / "plans.md").write_text(filled_plans((TEACHER / "plans.md").read_text(encoding="utf-8")), encoding="utf-8")
    (out / "seeds.md").write_text(seed_table(SEEDS), encoding="utf-8")
    shutil.copy(TEACHER / "rubric.md", out)


def read_options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--out", type=Path, default=TEACHER / "build", help="where to (teacher/build)")
    parser.add_argument("--reveal", type=Path, default=TEACHER / "node_modules/reveal.js", help="reveal.js from npm")
    return parser.parse_args()


def main() -> None:
    options = read_options()
    for name in ("student", "bank", "slides", "plans"):
        (options.out / name).mkdir(parents=True, exist_ok=True)
    write_students(options.out / "student")
    write_bank(options.out / "bank")
    write_plans(options.out / "plans")
    if options.reveal.is_dir():
        write_slides(options.out / "slides", options.reveal)
    else:
        print(f"no slides: reveal.js is not in {options.reveal}; install Node, then run make teacher again")
    print(f"built in {options.out}")


if __name__ == "__main__":
    sys.exit(main())
