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

from grammar import Choice, Grammar, Row, Sequence_, Slot, Story

GRAMMAR_FILE = Path(__file__).with_name("stories.grammar")


class GrammarError(ValueError):
    """The grammar file says something this reader does not understand."""


# ------------------------------------------------------------------------------------------ reading the grammar file


def load_grammar(path: Path = GRAMMAR_FILE) -> Grammar:
    """Read a grammar file; GrammarError names the section that is wrong."""
    sections = _Sections({}, {}, {}, {})
    for header, lines in _split(path.read_text(encoding="utf-8-sig")):
        sections.add(header, lines)
    if not sections.texts:
        raise GrammarError(f"{path} has no text section: write one, such as [text picnic 5]")
    return sections.grammar()


def _split(source: str) -> Iterator[tuple[str, list[str]]]:
    header, lines = "", []
    for line in itertools.chain(source.splitlines(), ["[end]"]):
        line = line.strip()
        if line.startswith("[") and line.endswith("]"):
            if header:
                yield header, lines
            header, lines = line[1:-1], []
        elif line and not line.startswith("#"):
            if not header:
                raise GrammarError(f"{line!r} stands before the first section: put it below one, or # in front of it")
            lines.append(line)


@dataclass(frozen=True)
class _Sections:
    """What the sections of a grammar file say, each checked as it is added."""

    tables: dict[str, tuple[Row, ...]]
    differs_from: dict[str, str]
    phrases: dict[str, str]
    texts: dict[str, tuple[float, str]]

    def add(self, header: str, lines: Sequence[str]) -> None:
        for form, add, known in (
            (r"words (\w+) = (\w+) but not (\w+)", self._add_same, self.tables),
            (r"words (\w+): *(\w+(?: *, *\w+)*)", self._add_words, self.tables),
            (r"phrase (\w+)", self._add_phrase, self.phrases),
            (r"text (\w+) +(\d+(?:\.\d+)?)", self._add_text, self.texts),
        ):
            if found := re.fullmatch(form, header):
                if found[1] in known:
                    raise GrammarError(f"[{header}]: a section named {found[1]} comes before it: choose another name")
                if not lines and add != self._add_same:
                    raise GrammarError(f"[{header}]: it has no lines: write one or more below it")
                return add(header, lines, *found.groups())
        examples = "[words animal: it, said], [phrase soon] or [text picnic 5]"
        raise GrammarError(f"[{header}]: a section starts with words, phrase or text: write it like {examples}")

    def _add_same(self, header: str, lines: Sequence[str], name: str, table: str, other: str) -> None:
        for wanted in (table, other):
            if wanted not in self.tables:
                raise GrammarError(f"[{header}]: no [words {wanted}: …] comes before it: write that section first")
        if lines:
            raise GrammarError(f"[{header}]: it has the rows of {table}: take its own away, such as {lines[0]!r}")
        if len(self.tables[table]) < 2:
            raise GrammarError(f"[{header}]: {table} has 1 row, which would leave none: give it 2 or more")
        self.tables[name], self.differs_from[name] = self.tables[table], other

    def _add_words(self, header: str, lines: Sequence[str], name: str, columns: str) -> None:
        names = re.split(r" *, *", columns)
        if len(set(names)) < len(names):
            raise GrammarError(f"[{header}]: two columns have one name: choose another for one of them")
        self.tables[name] = tuple(_row(name, names, line) for line in lines)

    def _add_phrase(self, header: str, lines: Sequence[str], name: str) -> None:
        if optional := [line for line in lines if line[0] == "?"]:
            raise GrammarError(f"[{header}]: {optional[0]!r}: only a line of a text takes '?': write {{…|}} instead")
        self.phrases[name] = " ".join(lines)

    def _add_text(self, header: str, lines: Sequence[str], name: str, share: str) -> None:
        if float(share) == 0:
            raise GrammarError(f"[{header}]: its share is {share}: give a number above 0, such as 5")
        if lines[0][0] == "?":
            raise GrammarError(f"[{header}]: {lines[0]!r}: the first sentence is always told: take its '?' away")
        self.texts[name] = float(share), _join(lines)

    def grammar(self) -> Grammar:
        reader = _Reader(self.tables, self.phrases)
        total = sum(share for share, _ in self.texts.values())
        root = Choice(
            tuple(reader.read(source, f"text {name}") for name, (_, source) in self.texts.items()),
            tuple(-math.log2(share / total) for share, _ in self.texts.values()),
        )
        return Grammar(self.tables, self.differs_from, tuple(self.texts), root)


def _row(table: str, names: Sequence[str], line: str) -> Row:
    cells = [cell.strip() for cell in line.split(",")]
    if len(cells) != len(names):
        raise GrammarError(f"[words {table}]: {line!r} has {len(cells)} cells for the columns {', '.join(names)}")
    return dict(zip(names, cells, strict=True))


def _join(lines: Sequence[str]) -> str:
    """Sentences of one text, a space between them; '?' in front makes a sentence optional."""
    return lines[0] + "".join("{ " + line[1:].strip() + "|}" if line[0] == "?" else " " + line for line in lines[1:])


class _Reader:
    """Turns template text into a sequence of strings, slots and choices."""

    TOKEN = re.compile(r"[{}|]|<\w+(?:\.\w+)?>|@\w+|[^{}|<@]+")
    WEIGHT = re.compile(r"([\d.,-]+)\*")

    def __init__(self, tables: dict[str, tuple[Row, ...]], phrases: dict[str, str]) -> None:
        self.tables, self.phrases = tables, phrases
        self.inside: list[str] = []  # the phrases that are being read, outermost first

    def read(self, source: str, where: str) -> Sequence_:
        tokens = self.TOKEN.findall(source)
        if "".join(tokens) != source or source.count("{") != source.count("}"):
            raise GrammarError(f"[{where}]: unbalanced or stray bracket in {source!r}")
        tokens = iter([*tokens, "}"])
        nodes, end = self._sequence(tokens, where)
        if end == "|":
            raise GrammarError(f"[{where}]: a | outside of {{ }} in {source!r}: write {{a|b}}")
        if any(tokens):
            raise GrammarError(f"[{where}]: a }} before its {{ in {source!r}: write {{a|b}}")
        return nodes

    def _sequence(self, tokens: Iterator[str], where: str) -> tuple[Sequence_, str]:
        """Nodes up to the next | or }, and which of the two it was."""
        nodes: list = []
        for token in tokens:
            if token in "|}":
                return tuple(nodes), token
            if token == "{":
                nodes.append(self._choice(tokens, where))
            elif token[0] == "<":
                nodes.append(self._slot(token, where))
            elif token[0] == "@":
                nodes.extend(self._phrase(token[1:], where))
            else:
                nodes.append(token)
        raise GrammarError(f"[{where}]: a choice is not closed")

    def _phrase(self, name: str, where: str) -> Sequence_:
        if name not in self.phrases:
            raise GrammarError(f"[{where}]: no [phrase {name}]")
        if name in self.inside:
            raise GrammarError(f"[{where}]: @{name} would be inside itself, without end: take it away")
        self.inside.append(name)
        nodes = self.read(self.phrases[name], f"phrase {name}")
        self.inside.pop()
        return nodes

    def _choice(self, tokens: Iterator[str], where: str) -> Choice:
        options, weights, end = [], [], "|"
        while end == "|":
            nodes, end = self._sequence(tokens, where)
            weight = self.WEIGHT.match(nodes[0]) if nodes and isinstance(nodes[0], str) else None
            weights.append(self._weight(weight[1], where) if weight else 1)
            if weight:
                nodes = (nodes[0][weight.end() :], *nodes[1:])
            options.append(tuple(node for node in nodes if node != ""))
        return Choice(tuple(options), tuple(-math.log2(weight / sum(weights)) for weight in weights))

    def _weight(self, number: str, where: str) -> int:
        if not number.isdecimal() or not int(number):
            raise GrammarError(
                f"[{where}]: the weight {number}* in a choice: give a whole number from 1 up, such as 3*"
            )
        return int(number)

    def _slot(self, token: str, where: str) -> Slot:
        name, _, column = token[1:-1].partition(".")
        if name not in self.tables:
            raise GrammarError(f"[{where}]: {token} has no [words {name}]")
        column = column or "it"
        if column not in self.tables[name][0]:
            raise GrammarError(f"[{where}]: {token}: [words {name}] has no column {column!r}")
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
