"""Draw texts from a story grammar, each with the exact number of bits it is worth.

    python data/make_stories.py --seed 1 --documents 5000 --out my_stories.jsonl

Every choice goes through one place that adds -log2 of its probability, so a text arrives together with
-log2 P(text). The mean of that number over many texts is the entropy of the source: no language model, however
large, needs fewer bits on average. The grammar is `stories.grammar`, a plain text file; its first lines say how it is
written. Only the standard library is used.
"""

from __future__ import annotations

import argparse
import itertools
import json
import math
import random
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

from grammar import Choice, Grammar, Row, Sequence_, Slot, Story, bits_of_weights

GRAMMAR_FILE = Path(__file__).with_name("stories.grammar")


class GrammarError(ValueError):
    """The grammar file says something this reader does not understand."""


# ------------------------------------------------------------------------------------------ reading the grammar file


class Line(NamedTuple):
    """A line of the grammar file: its section and number, for messages, and what it says."""

    section: str
    number: int
    text: str

    def wrong(self, problem: str) -> GrammarError:
        return GrammarError(f"line {self.number}, [{self.section}]: {problem}")


def load_grammar(path: Path = GRAMMAR_FILE) -> Grammar:
    """Read a grammar file; GrammarError names the section and the line that are wrong."""
    sections = _Sections({}, {}, {}, {})
    for header, lines in _split(path.read_text(encoding="utf-8-sig")):
        sections.add(header, lines)
    if not sections.texts:
        raise GrammarError(f"{path} has no text section: write one, such as [text picnic 5]")
    return sections.grammar()


def _split(source: str) -> Iterator[tuple[Line, list[Line]]]:
    """Each section: its header, and its lines without blank ones and comments."""
    header, lines = None, []
    for number, text in enumerate(map(str.strip, source.splitlines()), 1):
        if text.startswith("[") and text.endswith("]"):
            if header:
                yield header, lines
            header, lines = Line(text[1:-1], number, text), []
        elif text and not text.startswith("#"):
            if not header:
                raise GrammarError(
                    f"line {number}: {text!r} stands before the first section: put it below one, or # in front of it"
                )
            lines.append(Line(header.section, number, text))
    if header:
        yield header, lines


@dataclass(frozen=True)
class _Sections:
    """What the sections of a grammar file say, each checked as it is added."""

    tables: dict[str, tuple[Row, ...]]
    differs_from: dict[str, str]
    phrases: dict[str, list[Line]]
    texts: dict[str, tuple[float, list[Line]]]

    def add(self, header: Line, lines: list[Line]) -> None:
        for form, add, known in (
            (r"words (\w+) = (\w+) but not (\w+)", self._add_same, self.tables),
            (r"words (\w+): *(~?) *(\w+(?: *, *\w+)*)", self._add_words, self.tables),
            (r"phrase (\w+)", self._add_phrase, self.phrases),
            (r"text (\w+) +(\d+(?:\.\d+)?)", self._add_text, self.texts),
        ):
            if found := re.fullmatch(form, header.section):
                if found[1] in known:
                    raise header.wrong(f"a section named {found[1]} comes before it: choose another name")
                if not lines and add != self._add_same:
                    raise header.wrong("it has no lines: write one or more below it")
                return add(header, lines, *found.groups())
        examples = "[words animal: it, said], [phrase soon] or [text picnic 5]"
        raise header.wrong(f"a section starts with words, phrase or text: write it like {examples}")

    def _add_same(self, header: Line, lines: list[Line], name: str, table: str, other: str) -> None:
        for wanted in (table, other):
            if wanted not in self.tables:
                raise header.wrong(f"no [words {wanted}: …] comes before it: write that section first")
        if lines:
            raise lines[0].wrong(f"it has the rows of {table}: take its own away, such as {lines[0].text!r}")
        if len(self.tables[table]) < 2:
            raise header.wrong(f"{table} has 1 row, which would leave none: give it 2 or more")
        self.tables[name], self.differs_from[name] = self.tables[table], other

    def _add_words(self, header: Line, lines: list[Line], name: str, zipf: str, columns: str) -> None:
        names = re.split(r" *, *", columns)
        if len(set(names)) < len(names):
            raise header.wrong("two columns have one name: choose another for one of them")
        weights, texts = _weights(lines, [line.text for line in lines], bool(zipf))
        self.tables[name] = tuple(map(_row, lines, texts, itertools.repeat(names), weights))

    def _add_phrase(self, header: Line, lines: list[Line], name: str) -> None:
        _check_first(lines[0])
        self.phrases[name] = lines

    def _add_text(self, header: Line, lines: list[Line], name: str, share: str) -> None:
        if not 0 < float(share) < math.inf:
            raise header.wrong(f"its share is {share}: give a number above 0, such as 5")
        _check_first(lines[0])
        self.texts[name] = float(share), lines

    def grammar(self) -> Grammar:
        reader = _Reader(self.tables, self.phrases)
        root = Choice(
            tuple(reader.read(lines) for _, lines in self.texts.values()),
            bits_of_weights([share for share, _ in self.texts.values()]),
        )
        return Grammar(self.tables, self.differs_from, tuple(self.texts), root)


def _check_first(line: Line) -> None:
    if line.text[0] == "?":
        raise line.wrong(f"{line.text!r}: the first sentence is always told: take its '?' away")


WEIGHT = re.compile(r"([^\s*{}|<>@\"]*)\*")
A_WEIGHT = re.compile(r"\d+(\.\d+)?")


def _weights(lines: Sequence[Line], options: Sequence[str], zipf: bool) -> tuple[list[float], list[str]]:
    """The weights of alternatives, 1, 1/2, 1/3, … or those written in front of them, and the alternatives without."""
    weights, rest = [], []
    for line, option in zip(lines, options, strict=True):
        written = WEIGHT.match(option)
        if written and zipf:
            raise line.wrong(f"{written[0]} and ~ both weigh {option!r}: take one of the two away")
        weights.append(_weight(line, written[1]) if written else 1.0)
        rest.append(option[written.end() :] if written else option)
    return [1 / rank for rank in range(1, len(rest) + 1)] if zipf else weights, rest


def _weight(line: Line, number: str) -> float:
    if not A_WEIGHT.fullmatch(number) or not 0 < float(number) < math.inf:
        raise line.wrong(f"the weight {number}* in {line.text!r}: give a number above 0, such as 3* or 2.5*")
    return float(number)


def _row(line: Line, text: str, names: Sequence[str], weight: float) -> Row:
    cells = [cell.strip() for cell in text.split(",")]
    if len(cells) != len(names):
        wanted = f"{len(cells)} cells for the columns {', '.join(names)}: give it {len(names)}, a comma between two"
        raise line.wrong(f"{line.text!r} has {wanted}")
    return Row(dict(zip(names, cells, strict=True)), weight)


def _optional(line: Line) -> tuple[float | None, str]:
    """How often a line with '?' in front is told, in percent, and what it says; None if it is always told."""
    if line.text[0] != "?":
        return None, line.text
    found = re.match(r"\?(?:([^\s%]*)%)? *", line.text)
    percent = found[1] if found[1] is not None else "50"
    if not A_WEIGHT.fullmatch(percent) or not 0 < float(percent) < 100:
        raise line.wrong(f"{line.text!r} is told {percent} % of the time: give a number from 0 to 100, such as ?30%")
    return float(percent), line.text[found.end() :]


class _Reader:
    """Turns lines of template text into a sequence of strings, slots and choices."""

    TOKEN = re.compile(r"\{~?|[}|]|<\w+(?:\.\w+)?>|@\w+|[^{}|<@]+")

    def __init__(self, tables: dict[str, tuple[Row, ...]], phrases: dict[str, list[Line]]) -> None:
        self.tables, self.phrases = tables, phrases
        self.inside: list[str] = []  # the phrases that are being read, outermost first

    def read(self, lines: Sequence[Line]) -> Sequence_:
        """Lines with a space between two; '?' or '?30%' in front makes a line optional."""
        nodes = list(self._line(lines[0], lines[0].text))
        for line in lines[1:]:
            percent, text = _optional(line)
            told = (" ", *self._line(line, text))
            nodes += [Choice((told, ()), bits_of_weights([percent, 100 - percent]))] if percent else told
        return tuple(nodes)

    def _line(self, line: Line, source: str) -> Sequence_:
        tokens = self.TOKEN.findall(source)
        if "".join(tokens) != source or source.count("{") != source.count("}"):
            raise line.wrong(f"unbalanced or stray bracket in {source!r}: close what you open, in the same line")
        tokens = iter([*tokens, "}"])
        nodes, end = self._sequence(tokens, line)
        if end == "|":
            raise line.wrong(f"a | outside of {{ }} in {source!r}: write {{a|b}}")
        if any(tokens):
            raise line.wrong(f"a }} before its {{ in {source!r}: write {{a|b}}")
        return nodes

    def _sequence(self, tokens: Iterator[str], line: Line) -> tuple[Sequence_, str]:
        """Nodes up to the next | or }, and which of the two it was."""
        nodes: list = []
        for token in tokens:
            if token in "|}":
                return tuple(nodes), token
            if token[0] == "{":
                nodes.append(self._choice(tokens, line, zipf=token == "{~"))
            elif token[0] == "<":
                nodes.append(self._slot(token, line))
            elif token[0] == "@":
                nodes.extend(self._phrase(token[1:], line))
            else:
                nodes.append(token)
        raise line.wrong("a choice is not closed: write } behind its last option")

    def _phrase(self, name: str, line: Line) -> Sequence_:
        if name not in self.phrases:
            raise line.wrong(f"no [phrase {name}]: write that section, or another name than @{name}")
        if name in self.inside:
            raise line.wrong(f"@{name} would be inside itself, without end: take it away")
        self.inside.append(name)
        nodes = self.read(self.phrases[name])
        self.inside.pop()
        return nodes

    def _choice(self, tokens: Iterator[str], line: Line, zipf: bool) -> Choice:
        options, end = [], "|"
        while end == "|":
            nodes, end = self._sequence(tokens, line)
            options.append(nodes if nodes and isinstance(nodes[0], str) else ("", *nodes))
        weights, starts = _weights([line] * len(options), [nodes[0] for nodes in options], zipf)
        options = [(start, *nodes[1:]) if start else nodes[1:] for start, nodes in zip(starts, options, strict=True)]
        return Choice(tuple(options), bits_of_weights(weights))

    def _slot(self, token: str, line: Line) -> Slot:
        name, _, column = token[1:-1].partition(".")
        if name not in self.tables:
            raise line.wrong(f"{token} has no [words {name}]: write that section, or another name")
        column = column or "it"
        if column not in self.tables[name][0].cells:
            columns = ", ".join(self.tables[name][0].cells)
            raise line.wrong(f"{token}: [words {name}] has no column {column!r}: choose one of {columns}")
        return Slot(name, column)


# ---------------------------------------------------------------------------------------------------------- the corpus


def make_stories(seed: int, documents: int, grammar: Grammar | None = None) -> Iterator[Story]:
    """`documents` texts, independent of each other; the same seed gives the same texts on any machine."""
    grammar = grammar or load_grammar()
    rng = random.Random(seed)
    return (grammar.sample(rng) for _ in range(documents))


def main(arguments: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seed", type=int, required=True)
    parser.add_argument("--documents", type=int, required=True)
    parser.add_argument("--out", type=Path, required=True)
    options = parser.parse_args(arguments)
    if options.documents < 1:
        parser.error(f"--documents {options.documents}: ask for 1 or more")
    stories = make_stories(options.seed, options.documents)  # a mistake in the grammar must not empty the file
    with options.out.open("w", encoding="utf-8", newline="\n") as file:
        for story in stories:
            file.write(json.dumps({"text": story.text, "bits": round(story.bits, 6)}) + "\n")


if __name__ == "__main__":
    main()
