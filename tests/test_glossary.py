"""The glossary and the lessons agree: no term is used before it is defined, and none is defined that no lesson uses.

The report names the lesson, the cell and the words around a finding. A term may be named earlier where the paragraph
says in which lesson it comes. In the lessons of LINKED the first use of each term that they define is a link, written
[the words](glossary.ipynb#term). To hold one more lesson to that, add its number: the report lists what is missing.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

import nbformat
import pytest

NOTEBOOKS = Path(__file__).resolve().parent.parent / "notebooks"
LINKED = ("00", "01", "02", "03", "04", "05", "06", "07", "08", "09", "10")
ENTRY = re.compile(
    r"^### (.+?)\n\n(.+?)\n\n\*Example:\* (.+?)\n\n\[Lesson (\d\d)\]\((\S+)\)(?:; also: (.+?))?\.$", re.M | re.S
)
LINK = re.compile(r"\[([^\]]+)\]\(glossary\.ipynb#([^)]+)\)")


@dataclass(frozen=True)
class Term:
    """An entry of the glossary: its name, what is said, the lesson that defines it, the forms it is written in."""

    name: str
    says: str
    example: str
    lesson: str
    file: str
    forms: tuple[str, ...]

    @property
    def anchor(self) -> str:
        return self.name.replace(" ", "-")

    @property
    def pattern(self) -> re.Pattern[str]:
        """The term in a text: any of its forms, one or many; abbreviations in capitals alone."""
        return re.compile("|".join(map(_form, self.forms)))


def _form(form: str) -> str:
    words = r"\s+".join(map(re.escape, form.split()))
    if form == form.lower():
        words = f"(?i:{words})"
    return rf"(?<![\w-]){words}(?:s|es)?(?![\w-])"


def read_terms(notebook: nbformat.NotebookNode) -> tuple[Term, ...]:
    """The terms of the glossary in the order in which they stand."""
    text = "\n\n".join(cell.source for cell in notebook.cells)
    return tuple(
        Term(name, says, example, lesson, file, (name, *re.split(", ", also or "")) if also else (name,))
        for name, says, example, lesson, file, also in ENTRY.findall(text)
    )


def prose_of(cell: nbformat.NotebookNode) -> str:
    """What a text cell says in sentences: no code, headings, tables, pictures, formulas, or targets of other links."""
    text = re.sub(r"```.*?```|\$\$.*?\$\$|!\[.*?\]\(.*?\)", "", cell.source, flags=re.S)
    text = re.sub(r"`[^`\n]*`|\$[^$\n]+\$|^#.*$|^\|.*$|</?\w+>", " ", text, flags=re.M)
    return re.sub(r"\]\((?!glossary)[^)]*\)", "]", text)


def parts_of(notebook: nbformat.NotebookNode) -> list[tuple[int, str]]:
    """(number of the cell, paragraph) of a lesson in order. Its head, which announces what comes, is left out."""
    return [
        (number, paragraph)
        for number, cell in enumerate(notebook.cells)
        if number and cell.cell_type == "markdown"
        for paragraph in re.split(r"\n\s*\n|\n(?=- )", prose_of(cell))
    ]


def report(terms: tuple[Term, ...], lessons: dict[str, nbformat.NotebookNode], linked: tuple[str, ...]) -> list[str]:
    """What is wrong, a line for each finding: a use too early, a term never used, a link that is missing or strange."""
    parts = {number: parts_of(notebook) for number, notebook in lessons.items()}
    findings = [line for term in terms for line in _about(term, parts, linked)]
    anchors = {term.anchor for term in terms}
    for number, paragraphs in parts.items():
        for cell, text in paragraphs:
            strange = [anchor for _, anchor in LINK.findall(text) if anchor not in anchors]
            findings += [f"lesson {number}, cell {cell}: a link to {anchor!r}, which is no term" for anchor in strange]
    return findings


def _about(term: Term, parts: dict[str, list[tuple[int, str]]], linked: tuple[str, ...]) -> list[str]:
    uses = [(number, cell, text) for number, texts in parts.items() for cell, text in texts if _found(term, text)]
    if not uses:
        return [f"{term.name!r} is in the glossary, and in no lesson"]
    early = [use for use in uses if use[0] < term.lesson and not re.search(rf"\b{term.lesson}\b", use[2])]
    findings = [_finding(term, use, f"{term.name!r} comes in lesson {term.lesson}") for use in early]
    there = [use for use in uses if use[0] == term.lesson]
    if not there:
        findings.append(f"lesson {term.lesson}: defines {term.name!r}, says the glossary, and does not use it")
    elif term.lesson in linked and not _is_linked(term, there[0][2]):
        findings.append(_finding(term, there[0], f"no link at the first {term.name!r}"))
    return findings


def _found(term: Term, text: str) -> re.Match[str] | None:
    return term.pattern.search(_without_links(term, text))


def _without_links(term: Term, text: str) -> str:
    """The text with no links, and without the words that are links to other terms: a vector is no embedding vector."""
    return LINK.sub(lambda link: link[1] if link[2] == term.anchor else "", text)


def _is_linked(term: Term, text: str) -> bool:
    """Is the term's first use in this paragraph a link to it? Links to other terms are passed over."""
    before, link, _ = text.partition(f"](glossary.ipynb#{term.anchor})")
    return bool(link) and not term.pattern.search(LINK.sub("", before[: before.rindex("[")]))


def _finding(term: Term, use: tuple[str, int, str], what: str) -> str:
    """Where, what, and the words around it."""
    number, cell, text = use
    plain = _without_links(term, text)
    [match, *_] = term.pattern.finditer(plain)
    near = " ".join(plain[max(0, match.start() - 30) : match.end() + 30].split())
    return f"lesson {number}, cell {cell}: {what}: …{near}…"


# ------------------------------------------------------------------------------------------------------ what is stored


@pytest.fixture(scope="module")
def terms():
    return read_terms(nbformat.read(NOTEBOOKS / "glossary.ipynb", as_version=4))


@pytest.fixture(scope="module")
def lessons():
    return {path.name[:2]: nbformat.read(path, as_version=4) for path in sorted(NOTEBOOKS.glob("[0-9]*.ipynb"))}


def test_no_term_is_used_before_it_is_defined_and_none_is_never_used(terms, lessons):
    findings = report(terms, lessons, LINKED)
    assert not findings, "\n".join(["", *findings])


def test_every_entry_is_read_and_all_are_in_alphabetical_order(terms):
    text = "\n".join(cell.source for cell in nbformat.read(NOTEBOOKS / "glossary.ipynb", as_version=4).cells)
    assert [term.name for term in terms] == re.findall(r"^### (.+)$", text, re.M)
    assert [term.name for term in terms] == sorted((term.name for term in terms), key=str.casefold)
    assert 55 <= len(terms) <= 80


def test_an_entry_is_short_and_leads_to_its_lesson(terms):
    for term in terms:
        assert (NOTEBOOKS / term.file).is_file(), term.file
        assert term.file.startswith(term.lesson)
        assert 1 <= len(re.findall(r"[.!?](?= |$)", term.says)) <= 2, term
        assert 5 <= len(term.says.split()) <= 45, term
        assert 2 <= len(term.example.split()) <= 40, term


# --------------------------------------------------------------------------------------------- it finds what is wrong


def lesson_with(*texts):
    cells = [nbformat.v4.new_markdown_cell(text) for text in ("# The head may say softmax", *texts)]
    return nbformat.v4.new_notebook(cells=cells)


SOFTMAX = (
    Term("softmax", "Turns logits into chances.", "2, 1", "03", "03_network.ipynb", ("softmax", "soft maximum")),
)
LINKS = "First, [*softmax*](glossary.ipynb#softmax). Then softmax again."


@pytest.mark.parametrize(
    ("before", "there", "finding"),
    [
        ("Nothing of it.", LINKS, ""),
        ("`softmax` in code\n\n| softmax | in a table |\n\n## Softmax in a heading", LINKS, ""),
        ("Softmax, as lesson 03 shows.", LINKS, ""),
        (
            "It takes the\nsoft maximum of it.",
            LINKS,
            "lesson 02, cell 1: 'softmax' comes in lesson 03: …It takes the soft max",
        ),
        ("Softmaxes are many.", LINKS, "lesson 02, cell 1"),
        ("Nothing.", "[The softmax table](glossary.ipynb#table). " + LINKS, "lesson 03, cell 1: a link to 'table'"),
        ("Nothing.", "No word of it.", "'softmax' is in the glossary, and in no lesson"),
        ("Softmax, in lesson 03.", "No word of it.", "lesson 03: defines 'softmax'"),
        ("Nothing.", "Softmax. And then " + LINKS, "lesson 03, cell 1: no link at the first 'softmax'"),
        (
            "Nothing.",
            LINKS + " [x](glossary.ipynb#hardmax)",
            "lesson 03, cell 1: a link to 'hardmax', which is no term",
        ),
    ],
)
def test_the_report_says_what_is_wrong_and_where(before, there, finding):
    findings = report(SOFTMAX, {"02": lesson_with(before), "03": lesson_with(there)}, ("03",))
    assert len(findings) == (1 if finding else 0), findings
    assert finding in "".join(findings)
