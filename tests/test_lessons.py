"""Every lesson keeps the promises that a reader relies on: one clean run, the same anatomy, fair exercises."""

from __future__ import annotations

import ast
import itertools
import math
import os
import re
import shutil
import statistics
import subprocess
import sys
from pathlib import Path

import nbformat
import pytest
from extras import what_is_missing
from nbclient import NotebookClient

from helpers.exercises.course import MINUTES, exercises_in, lesson_of
from helpers.models.checkpoint import load_mine, load_shipped, save_checkpoint

PROJECT = Path(__file__).resolve().parent.parent
LESSONS = sorted((PROJECT / "notebooks").glob("[0-9]*.ipynb"))
NAMES = [path.stem for path in LESSONS]


@pytest.fixture(params=LESSONS, ids=NAMES)
def lesson(request):
    return nbformat.read(request.param, as_version=4)


def code_cells(notebook):
    return [cell for cell in notebook.cells if cell.cell_type == "code"]


def prose(notebook):
    return "\n\n".join(cell.source for cell in notebook.cells if cell.cell_type == "markdown")


def tagged(notebook, tag):
    return [cell for cell in code_cells(notebook) if tag in cell.metadata.get("tags", [])]


def number_of(notebook):
    """The lesson's number, "01", from its title."""
    return re.match(r"# (\d\d) ", notebook.cells[0].source)[1]


def course_of(notebook):
    """The module with the lesson's exercises and predictions; None for a lesson that still keeps them in its cells."""
    return lesson_of(number_of(notebook))


def body(notebook):
    """The lesson without its exercises and questions, and without the cells that take a guess."""
    cells = []
    for cell in notebook.cells:
        before, exercises, _ = cell.source.partition("## Exercises\n")
        if exercises:
            return nbformat.v4.new_notebook(cells=[*cells, nbformat.v4.new_markdown_cell(before)])
        if "predict" not in cell.metadata.get("tags", []):
            cells.append(cell)
    raise AssertionError("no section Exercises")


def words(text):
    """How many words a reader reads: the map and the targets of links are none."""
    return len(re.findall(r"[\w’']+", re.sub(r"\]\([^)\s]*\)", "]", text.replace(MAP, ""))))


def lines(cell):
    return [line for line in cell.source.splitlines() if line.strip()]


# ------------------------------------------------------------------------------------------------------------- stored


def test_the_stored_outputs_come_from_one_clean_run(lesson):
    assert [cell.execution_count for cell in code_cells(lesson)] == list(range(1, len(code_cells(lesson)) + 1))


def test_nothing_is_stored_that_reopens_broken_or_differs_by_machine(lesson):
    assert set(lesson.metadata) <= {"kernelspec", "language_info"}
    for cell in code_cells(lesson):
        assert set(cell.metadata) <= {"tags"}
        for output in cell.outputs:
            assert output.output_type != "error", cell.source
            assert output.get("name") != "stderr", cell.source
            assert "application/vnd.jupyter.widget-view+json" not in output.get("data", {})


def test_no_cell_compares_floats_bit_for_bit(lesson):
    """Right on one processor, red on the next: rounding depends on instructions, and on where in memory weights lie."""
    for cell in code_cells(lesson):
        assert not bit_for_bit(cell.source), cell.source


def bit_for_bit(source):
    return re.findall(r"array_equal\(|torch\.equal\(|\.tobytes\(\) ==|==[^\n]*\)\.all\(\)|\ball\([^\n]*==", source)


def test_a_comparison_bit_for_bit_would_be_found():
    assert bit_for_bit("same = np.array_equal(a.advance([1])[0], b.advance([1])[0])")
    assert bit_for_bit("assert (again.advance([2])[0] == learner.advance([2])[0]).all()")
    assert not bit_for_bit("assert np.allclose(a, b)\nassert [step.output.token_id for step in steps] == ids")


def test_a_lesson_is_small_enough_to_share():
    assert all(path.stat().st_size < 500_000 for path in LESSONS)


def test_only_the_live_run_is_exempt_from_comparison(lesson):
    exempt = tagged(lesson, "nbval-ignore-output")
    assert all("live-run" in cell.metadata.tags for cell in exempt)
    assert len(exempt) <= 2  # a story, and the learner's own figures beside a compared cell that holds the band
    assert not any("NBVAL" in cell.source for cell in code_cells(lesson))


def test_every_figure_is_followed_by_its_sentence(lesson):
    for cell in code_cells(lesson):
        for number, output in enumerate(cell.outputs):
            if "image/png" in output.get("data", {}):
                sentence = cell.outputs[number + 1].data["text/plain"]
                assert len(sentence.split()) >= 8


# ------------------------------------------------------------------------------------------------------------ anatomy


def test_anatomy(lesson):
    text = prose(lesson)
    assert len(re.findall(r"^# ", text, re.M)) == 1
    headings = re.findall(r"^## (.+)$", text, re.M)
    numbered = [heading for heading in headings if re.match(r"\d", heading)]
    goals = re.findall(r"^\d\. ", lesson.cells[0].source, re.M)
    assert 3 <= len(goals) <= 5
    assert len(numbered) == len(goals)
    closing = ["Where this breaks", "Exercises", "Questions", "Summary"]
    assert headings[-4:] == closing if course_of(lesson) else headings[-3:] == [closing[0], closing[1], closing[3]]
    assert len(re.findall(r"^\d\. ", lesson.cells[-1].source, re.M)) == len(goals)
    assert "50-minute class" in text
    assert "**Predict:**" in text


MAP = """\
1 text → 2 ids → 3 rows → 4 layers → 5 logits → 6 probabilities → 7 next id
         (T,)    (T, D)   (T, H)     (V,)       (V,)              one number, appended to 2
"""


def test_every_lesson_shows_the_same_map_and_where_it_is(lesson):
    [marked] = re.findall(rf"^```\n{re.escape(MAP)}(.*)\n```$", lesson.cells[0].source, re.M)
    here = re.fullmatch(r" *(\^+) .+", marked)
    assert here, marked
    begins = {match.start() for match in re.finditer(r"\d \w", MAP.splitlines()[0])}
    assert here.start(1) in begins  # the mark stands below stations, not between them


def test_sizes_suit_a_tired_reader(lesson):
    lesson = body(lesson) if course_of(lesson) else lesson
    sizes = [len(lines(cell)) for cell in code_cells(lesson)]
    assert (16 if course_of(lesson) else 20) <= len(sizes) <= 42
    assert statistics.median(sizes) <= 4
    assert max(sizes) <= 20
    assert (1000 if course_of(lesson) else 1200) <= words(prose(lesson)) <= 2500


def minutes(text):
    """What a lesson's head states: (minutes to read, minutes for exercises)."""
    found = re.search(r"Reading: (\d+) minutes\. Exercises: (\d+) minutes\.", text)
    return int(found[1]), int(found[2])


def rounded_up(minutes):
    return 5 * math.ceil(minutes / 5)


def test_the_minutes_are_those_that_reading_takes(lesson):
    """A minute for 150 words, for two code cells, for a formula, a guess or a question; an exercise by its kind."""
    if not course_of(lesson):
        return
    text, cells = prose(body(lesson)), code_cells(body(lesson))
    reading = words(text) / 150 + len(cells) / 2 + text.count("$$") / 2 + len(tagged(lesson, "predict"))
    practice = sum(MINUTES[each.kind] for each in course_of(lesson).EXERCISES.values()) + 5
    assert minutes(lesson.cells[0].source) == (rounded_up(reading), rounded_up(practice))


def test_the_tables_state_the_same_minutes():
    tables = (PROJECT / "README.md").read_text(encoding="utf-8"), prose(nbformat.read(LESSONS[0], as_version=4))
    rows = [row for table in tables for row in table.splitlines() if row.startswith("|")]
    for path in LESSONS:
        notebook = nbformat.read(path, as_version=4)
        if course_of(notebook):
            read, practice = minutes(notebook.cells[0].source)
            found = [row for row in rows if path.name in row]
            assert len(found) == (1 if path == LESSONS[0] else 2)
            assert all(row.endswith(f"| {read} + {practice} |") for row in found), found


def test_one_import_cell_and_no_installs_downloads_or_path_tricks(lesson):
    cells = code_cells(lesson)
    for cell in cells[1:]:
        assert not re.search(r"^(import|from) ", cell.source, re.M), cell.source
    everything = "\n".join(cell.source for cell in cells)
    assert not re.search(r"pip install|^[!%]|sys\.path|urllib|requests\.", everything, re.M)


def test_no_word_belittles_the_reader(lesson):
    assert not re.search(r"\b(simply|just|obviously|of course|trivial(ly)?)\b", prose(lesson), re.I)


def test_links_between_lessons_lead_somewhere(lesson):
    for target in re.findall(r"\]\(([^)#:]+\.ipynb)\)", prose(lesson)):
        assert (PROJECT / "notebooks" / target).is_file(), target


# ---------------------------------------------------------------------------------------------------------- exercises


def solutions(notebook):
    return re.findall(r"<details><summary>Solution.*?```python\n(.*?)```", prose(notebook), re.S)


def test_each_exercise_says_not_yet_until_it_is_solved(lesson):
    if course_of(lesson):
        stubs = tagged(lesson, "exercise")
        assert [check_in(stub) for stub in stubs] == list(course_of(lesson).EXERCISES)
        assert len(solutions(lesson)) == len(stubs) == exercises_in(number_of(lesson))
        assert all(stub.outputs[0].data["text/plain"].startswith("Not yet: ") for stub in stubs)
        return
    checks = tagged(lesson, "check")
    assert len(tagged(lesson, "exercise")) == len(checks) == len(solutions(lesson)) == 2
    assert all(check.outputs[0].text.startswith("not yet") for check in checks)


def check_in(stub):
    """The name of the exercise whose check is the stub's last line."""
    return re.fullmatch(r'check\("(\d\d\.\d)", .+\)', lines(stub)[-1])[1]


def test_each_prediction_is_followed_by_its_guess(lesson):
    if not course_of(lesson):
        return
    names = []
    for cell, following in itertools.pairwise(lesson.cells):
        if cell.cell_type == "markdown" and "**Predict:**" in cell.source:
            assert "predict" in following.metadata.get("tags", []), cell.source
            assert following.outputs == []
            names.append(re.fullmatch(r'predict\("(\d\d\.\d+)"\)', following.source)[1])
    assert names == list(course_of(lesson).PREDICTIONS)
    assert len(names) == len(tagged(lesson, "predict"))


def test_a_solution_stands_nowhere_but_in_its_fold(lesson):
    if not course_of(lesson):
        return
    text = "\n".join(cell.source for cell in code_cells(lesson))
    text += re.sub(r"<details>.*?</details>", "", prose(lesson), flags=re.S)
    for solution in solutions(lesson):
        for expression in distinctive(solution):
            assert squeezed(expression) not in squeezed(text), expression


def distinctive(solution):
    """What a solution gives back or assigns, where it is long enough to give it away; names alone are not."""
    values = [node.value for node in ast.walk(ast.parse(solution)) if isinstance(node, ast.Return | ast.Assign)]
    plain = ast.Name | ast.Tuple | ast.Load
    values = [value for value in values if not all(isinstance(part, plain) for part in ast.walk(value or ast.Load()))]
    return [text for value in values if len(squeezed(text := ast.unparse(value))) >= 12]


def squeezed(code):
    return re.sub(r"[\s'\"()]", "", code)


def needed(cells, by):
    """The cells in `by`, and of those before them what they need: each exercise stands on a few cells of its lesson."""
    kept, wanted = [], set()
    for cell in reversed(cells):
        reads, changes = names_in(cell.source)
        if cell in by or changes & wanted:
            kept.insert(0, cell)
            wanted |= reads
    return kept


def names_in(source):
    """(names that code reads, names that it binds or whose methods it calls for their effect); loops bind none."""
    nodes = list(ast.walk(ast.parse(source)))
    reads = {node.id for node in nodes if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Load)}
    binds = {node.name for node in nodes if isinstance(node, ast.FunctionDef)}
    for node in nodes:
        if isinstance(node, ast.Assign | ast.AugAssign | ast.NamedExpr):
            parts = [part for child in getattr(node, "targets", None) or [node.target] for part in ast.walk(child)]
        elif isinstance(node, ast.Expr) and isinstance(node.value, ast.Call):
            function = node.value.func
            parts = list(ast.walk(function)) if isinstance(function, ast.Attribute) else []
        elif isinstance(node, ast.Import | ast.ImportFrom):
            binds |= {alias.asname or alias.name for alias in node.names}
            continue
        else:
            continue
        binds |= {part.id for part in parts if isinstance(part, ast.Name)}
    return reads, binds


@pytest.mark.parametrize("path", LESSONS, ids=NAMES)
def test_each_solution_put_in_its_stubs_place_passes_the_check(path, tmp_path, monkeypatch):
    if missing := what_is_missing(path.stem):
        pytest.skip(missing)
    notebook = nbformat.read(path, as_version=4)
    monkeypatch.setenv("TOKEN_JOURNEY_PROGRESS", str(tmp_path / "my_progress.json"))
    for stub, solution in zip(tagged(notebook, "exercise"), solutions(notebook), strict=True):
        stub.source = f"{solution}\n{lines(stub)[-1]}" if course_of(notebook) else solution
    course = course_of(notebook)
    offline = [cell for cell in code_cells(notebook) if "live-run" not in cell.metadata.get("tags", [])]
    notebook.cells = needed(offline, by=tagged(notebook, "exercise") + tagged(notebook, "check"))
    NotebookClient(notebook, timeout=1200, resources={"metadata": {"path": path.parent}}).execute()
    if course:
        verdicts = [stub.outputs[-1].data["text/plain"] for stub in tagged(notebook, "exercise")]
        assert [verdict.split(".")[0] for verdict in verdicts] == ["Yes"] * len(verdicts), verdicts
        return
    assert [check.outputs[0].text.split()[0] for check in tagged(notebook, "check")] == ["yes", "yes"]


def test_the_way_to_a_model_of_your_own_in_lesson_00_works(tmp_path, monkeypatch):
    [path] = [path for path in LESSONS if path.stem.startswith("00")]
    text = prose(nbformat.read(path, as_version=4))
    code = re.search(r"```python\n([^`]*your_file[^`]*)```", text)[1]
    paragraphs = [f"{n} boats came home to the harbour, and {n} lamps were lit on deck." for n in range(300)]
    (tmp_path / "mine.txt").write_text("\n\n".join(paragraphs), encoding="utf-8")
    code = code.replace("your_file.txt", str(tmp_path / "mine.txt")).replace("updates=2_000", "updates=20")
    code = code.replace("vocab_size=2_000", "vocab_size=400")
    monkeypatch.setenv("TOKEN_JOURNEY_MY_MODEL", str(tmp_path / "model"))
    exec(code, {})
    assert "boats" in load_mine()[1].decode(load_mine()[1].encode("boats"))


def test_without_real_weights_lesson_09_says_so_and_goes_on(tmp_path, monkeypatch):
    pytest.importorskip("transformers", reason="transformers is not installed: make models")
    monkeypatch.setenv("TOKEN_JOURNEY_MODELS", str(tmp_path))
    [path] = [path for path in LESSONS if path.stem.startswith("09")]
    notebook = nbformat.read(path, as_version=4)
    NotebookClient(notebook, timeout=1200, resources={"metadata": {"path": path.parent}}).execute()
    said = "".join(output.get("text", "") for cell in code_cells(notebook) for output in cell.outputs)
    assert "smollm2-135m-instruct is not there: run `make models`" in said
    assert "all-minilm-l6-v2 is not there: run `make models`" in said


# ------------------------------------------------------------------------------------------- the lessons catch faults


def change_one_weight(project):
    model, tokenizer = load_shipped()
    [cat] = tokenizer.encode("cat")
    model = model.float()
    model.embedding.weight.data[cat, 0] += 0.5
    save_checkpoint(project / "data" / "checkpoint", model, tokenizer)


# Each fault replaces one function as Python starts, so that no test depends on how the source is written.
NOT_RENORMALISED = """
import numpy as np
from helpers import sampling

def only(probabilities, ids):
    kept = np.zeros_like(probabilities)
    kept[ids] = probabilities[ids]
    return kept

sampling._only = only
"""

COSINE_TO_THE_FIRST = """
from dataclasses import replace
from helpers import streaming

right = streaming.Generation._token

def token(self, *arguments, **options):
    made, before = right(self, *arguments, **options), self.tokens[:1]
    return replace(made, cosine_to_previous=streaming._dot(made.embedding, before[0].embedding)) if before else made

streaming.Generation._token = token
"""

LAST_TOKEN_ALONE = """
from helpers.models.lstm import LSTMLanguageModel

right = LSTMLanguageModel.advance
LSTMLanguageModel.advance = lambda self, ids, state=None: right(self, ids[-1:], state)
"""

A_LOOK_AHEAD = """
import math
import numpy as np
from helpers.models import transformer

def attention(queries, keys, values):
    scores = queries @ keys.transpose(0, 2, 1) / math.sqrt(queries.shape[-1])
    new, read = scores.shape[-2:]
    scores = np.where(np.tri(new, read, read - new + 1, dtype=bool), scores, -np.inf)
    weights = np.exp(scores - scores.max(axis=-1, keepdims=True))
    weights /= weights.sum(axis=-1, keepdims=True)
    return weights @ values, weights

transformer.attention = attention
"""

ONE_BIAS_LOST = """
from helpers.models import keras_twin

right = keras_twin.from_torch

def from_torch(lstm):
    twin = right(lstm)
    twin.lstm.cell.bias.assign(lstm.lstm.bias_ih_l0.numpy(force=True))
    return twin

keras_twin.from_torch = from_torch
"""


GATES_IN_KERAS_ORDER = """
from helpers.models import lstm

right = lstm.lstm_gates

def lstm_gates(x, h, weights):
    i, f, g, o = right(x, h, weights)
    return f, i, g, o

lstm.lstm_gates = lstm_gates
"""

THE_NEXT_HEAD_MUTED = """
from helpers.models.transformer import TransformerLanguageModel

right = TransformerLanguageModel.without_heads
TransformerLanguageModel.without_heads = lambda self, muted: right(self, [(b, (h + 1) % 4) for b, h in muted])
"""


def at_start(code):
    return lambda project: (project / "sitecustomize.py").write_text(code, encoding="utf-8")


FAULTS = {
    "one weight changed": ("02", change_one_weight),
    "two gates exchanged": ("03", at_start(GATES_IN_KERAS_ORDER)),
    "renormalisation dropped": ("05", at_start(NOT_RENORMALISED)),
    "cosine to the wrong neighbour": ("06", at_start(COSINE_TO_THE_FIRST)),
    "the prompt's last token alone": ("06", at_start(LAST_TOKEN_ALONE)),
    "attention to the token that comes next": ("07", at_start(A_LOOK_AHEAD)),
    "another head muted": ("08", at_start(THE_NEXT_HEAD_MUTED)),
    "one of torch's two biases lost": ("10", at_start(ONE_BIAS_LOST)),
    "nothing": ("02", at_start("import helpers.streaming")),
}


@pytest.mark.parametrize("fault", FAULTS)
def test_a_fault_in_the_code_fails_a_lesson(fault, tmp_path):
    number, change = FAULTS[fault]
    if missing := what_is_missing(number):
        pytest.skip(missing)
    [name] = [path.name for path in LESSONS if path.name.startswith(number)]
    for folder in ("helpers", "data"):
        shutil.copytree(PROJECT / folder, tmp_path / folder, ignore=shutil.ignore_patterns("__pycache__"))
    (tmp_path / "tests").mkdir()
    for path in (Path("conftest.py"), Path("tests/extras.py"), Path("tests/journey_coverage.py")):
        shutil.copy(PROJECT / path, tmp_path / path)
    shutil.copy(PROJECT / "notebooks" / name, tmp_path)
    change(tmp_path)
    run = subprocess.run(
        [sys.executable, "-m", "pytest", "--nbval", "-qx", "-p", "no:cacheprovider", "--rootdir", tmp_path, name],
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": str(tmp_path), "REQUIRE_ALL": ""},
        capture_output=True,
        text=True,
    )
    assert run.returncode == (0 if fault == "nothing" else 1), run.stdout[-3000:]
