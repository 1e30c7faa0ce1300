"""The lessons' questions as GIFT and as Moodle XML, the two formats that learning platforms import."""

from __future__ import annotations

import re
from collections.abc import Sequence
from xml.etree import ElementTree as tree

from helpers.exercises.questions import Question

SPECIAL = re.compile(r"([~=#{}:\\])")  # what GIFT gives a meaning of its own


def gift(lesson: str, questions: Sequence[Question]) -> str:
    """Questions with one right answer each, and what is said to every answer, as GIFT."""
    return f"$CATEGORY: Token Journey/{lesson}\n\n" + "\n".join(_gift_of(lesson, question) for question in questions)


def _gift_of(lesson: str, question: Question) -> str:
    options = "\n".join(
        f"  {'=' if option.right else '~'}{_escaped(option.text)}#{_escaped(_sentence(option.says))}"
        for option in question.options
    )
    name = f"{lesson} {question.number} (goal {question.goal})"
    return f"::{_escaped(name)}::[markdown]{_escaped(question.text)}{{\n{options}\n}}\n"


def _sentence(says: str) -> str:
    """What is said to an answer, without the Yes or No before it."""
    return says[:1].upper() + says[1:]


def _escaped(text: str) -> str:
    return SPECIAL.sub(r"\\\1", text)


def moodle_xml(lesson: str, questions: Sequence[Question]) -> bytes:
    """The same as Moodle XML, in UTF-8."""
    quiz = tree.Element("quiz")
    category = tree.SubElement(tree.SubElement(quiz, "question", type="category"), "category")
    _text(category, f"$course$/Token Journey/{lesson}")
    for question in questions:
        _add(quiz, lesson, question)
    tree.indent(quiz)
    return tree.tostring(quiz, encoding="utf-8", xml_declaration=True)


def _add(quiz: tree.Element, lesson: str, question: Question) -> None:
    element = tree.SubElement(quiz, "question", type="multichoice")
    _text(tree.SubElement(element, "name"), f"{lesson} {question.number} (goal {question.goal})")
    _text(tree.SubElement(element, "questiontext", format="markdown"), question.text)
    tree.SubElement(element, "single").text = "true"
    tree.SubElement(element, "shuffleanswers").text = "true"
    for option in question.options:
        answer = tree.SubElement(element, "answer", fraction="100" if option.right else "0", format="markdown")
        tree.SubElement(answer, "text").text = option.text
        _text(tree.SubElement(answer, "feedback", format="markdown"), _sentence(option.says))


def _text(parent: tree.Element, text: str) -> None:
    tree.SubElement(parent, "text").text = text
