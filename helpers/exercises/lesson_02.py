"""Lesson 02, Embedding lookup: what its exercises and predictions ask, and what is wrong about wrong answers."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import Any

import numpy as np

from helpers import checks
from helpers.exercises import answers
from helpers.exercises.answers import NotYet
from helpers.exercises.course import Estimate, Exercise, Pick
from helpers.exercises.material import counts, shipped

V, D, T = 50_000, 300, 10  # of the model in exercise 1
SHAPES = {"table": (V, D), "one row": (D,), "ten rows": (T, D), "one-hot": (T, V)}
A, B = np.array([1.0, 2.0, 2.0]), np.array([2.0, 2.0, 1.0])
ODD = {
    "hammer rake red needle": "red",
    "Tom Nora Mia happy": "happy",
    "rain bread snow wind": "bread",
    "omelette pie soup bucket": "bucket",  # by products that are not divided by the norms it would be soup
}
LESSON_WORDS = """
cat dog rabbit fox bear owl red blue white yellow pink green hammer broom brush needle bucket rake
Monday Tuesday Wednesday Thursday Friday Saturday quantum atomic magnetic electric nuclear optical
"""
ALIKE = 0.9


def directions(ids: Sequence[int]) -> np.ndarray:
    """The rows of ids, each divided by its norm: (T, D)."""
    rows = shipped()[0].embed(ids)
    return rows / np.linalg.norm(rows, axis=1, keepdims=True)


def ids_of(words: Sequence[str]) -> list[int]:
    """The id of each word; NotYet names a word that is no single piece."""
    tokenizer = shipped()[1]
    found = {word: tokenizer.encode(word) for word in words}
    for word, ids in found.items():
        if len(ids) != 1:
            pieces = " ".join(tokenizer.piece(i) for i in ids)
            raise NotYet(f"{word!r} is {len(ids)} pieces ({pieces}), so it has no row of its own")
    return [found[word][0] for word in words]


def shapes(answer: Any) -> None:
    if not isinstance(answer, dict) or set(answer) != set(SHAPES):
        raise NotYet(f"a dictionary with {', '.join(SHAPES)} is wanted, as in the stub")
    for name, wanted in SHAPES.items():
        given = answer[name]
        given = (int(given),) if checks.is_whole(given) else given
        if not isinstance(given, tuple | list) or not all(checks.is_whole(size) for size in given):
            raise NotYet(f"{name}: a shape is wanted, such as (3, 5) or (7,); yours is {checks.shown(given)}")
        if tuple(given) != wanted:
            raise NotYet(f"{name} is not {tuple(given)}: {_about_shape(name, tuple(given))}")


def _about_shape(name: str, given: tuple[int, ...]) -> str:
    if given == SHAPES[name][::-1] and len(given) > 1:
        return "you have rows and columns the wrong way round"
    if len(given) != len(SHAPES[name]):
        return f"that is {len(given)} dimension(s), and it has {len(SHAPES[name])}"
    told = {
        "table": "it has a row for each id, and D numbers in each",
        "one row": "how many numbers stand for one id?",
        "ten rows": "one row for each token, D numbers in each",
        "one-hot": "one row for each token, and a column for each id that there is",
    }
    return told[name]


def true_of_rows(answer: Any) -> None:
    answers.true_ones(
        answer,
        true={
            "a": "What does the table know, apart from the id?",
            "d": "Think of the days: nobody told the model what a Monday is",
        },
        false={
            "b": "0 is a right angle. Opposite directions have −1",
            "c": "Before training cat~dog was −0.164 and cat~quantum −0.053: chance, both of them",
            "e": "The two sentences with dog and cat exchanged had the same average",
            "f": "Each update moved them, too. In the end they all pointed the same way",
        },
    )


def norm_and_cosine(answer: Any) -> None:
    first, second = answers.pair(answer, "a norm and a cosine")
    norm, cosine = answers.number(first), answers.number(second)
    answers.close(
        norm,
        float(np.linalg.norm(A)),
        [(float(A @ A), "9 is the sum of the squares: take its root"), (float(A.sum()), "5 is the sum: square first")],
        f"the norm of (1, 2, 2) is not {norm:g}: square each number, add, take the root",
    )
    dot = float(A @ B)
    known = [
        (dot, "8 is the sum of the products. Divide it by both norms: a cosine is never above 1"),
        (dot / 3, "you divided by one of the norms; there are two"),
        (dot / 6, "you divided by the sum of the norms. Divide by their product"),
        (dot / 81, "you divided by the squares. Divide by the two norms"),
    ]
    if not -1.001 <= cosine <= 1.001 and cosine not in [value for value, _ in known]:
        known.append((cosine, f"{cosine:g} is no cosine: it lies between −1 and +1"))
    answers.close(cosine, dot / 9, known, f"the norm is right, the cosine is not {cosine:g}", within=0.006)


def finds_the_odd_one(answer: Any) -> None:
    for question, odd in ODD.items():
        words = question.split()
        given = answers.run(answer, words)
        case = f"of the words {question!r}"
        if checks.is_whole(given):
            raise NotYet(f"{case} you give back {given}: a word is wanted, not its place")
        if given not in words:
            raise NotYet(f"{case} you give back {checks.shown(given)}, which is none of them")
        if given != odd:
            raise NotYet(f"{case} you chose {given!r}{_why_this_word(given, words)}")


def _why_this_word(given: str, words: list[str]) -> str:
    ids = ids_of(words)
    rows, likeness = shipped()[0].embed(ids), directions(ids) @ directions(ids).T
    norms, place = np.linalg.norm(rows, axis=1), words.index(given)
    products = rows @ rows.T - np.diag(norms**2)
    if place == products.sum(axis=1).argmin():
        return ". By products alone it is that one: divide each product by both norms"
    if place == likeness.sum(axis=1).argmax():
        return ". It is the one that is most like the others: the least is wanted"
    if place in (norms.argmin(), norms.argmax()):
        return ", which has the shortest or the longest row. The length says nothing of direction"
    return f". Its average cosine to the others is {(likeness[place].sum() - 1) / 3:+.2f}, and one has a lower one"


def the_same_by_accident(answer: Any) -> None:
    two, letter = answers.pair(answer, "two ids and a letter")
    ids = answers.items(two, int, "a pair of ids")
    size = shipped()[1].vocab_size
    if len(ids) != 2 or ids[0] == ids[1] or not all(4 <= i < size for i in ids):
        raise NotYet(f"two different ids from 4 to {size - 1} are wanted; yours are {checks.shown(two)}")
    pieces = [shipped()[1].piece(i) for i in ids]
    for token_id, piece in zip(ids, pieces, strict=True):
        if counts()[token_id]:
            raise NotYet(f"{piece!r} occurs {counts()[token_id]} times in the training texts: stories did teach it")
    cosine = float(directions(ids)[0] @ directions(ids)[1])
    if cosine <= ALIKE:
        raise NotYet(
            f"{pieces[0]!r} and {pieces[1]!r} have a cosine of {cosine:.2f} only. Most pairs of this kind have more"
        )
    wrong = {
        "a": "the ids are right. But letters are no part of the rows: each row began at random",
        "c": "the ids are right. But two random rows have a cosine near 0, in 64 dimensions",
        "d": "the ids are right. But they stand beside nothing: they stand in no text at all",
    }
    answers.letter(letter, wrong, "b")


def groups_of_your_own(answer: Any) -> None:
    first, second = (
        answers.items(group, str, "a list of words") for group in answers.pair(answer, "two lists of words")
    )
    words = [word.strip() for word in (*first, *second)]
    if min(len(first), len(second)) < 4:
        raise NotYet(f"four words or more are wanted in each group; yours have {len(first)} and {len(second)}")
    if twice := [word for word, times in Counter(words).items() if times > 1]:
        raise NotYet(f"{twice[0]!r} stands there twice")
    if shown := [word for word in words if word in LESSON_WORDS.split()]:
        raise NotYet(f"{shown[0]!r} is on the lesson's map: take words of your own")
    ids = ids_of(words)
    for word, token_id in zip(words, ids, strict=True):
        if not counts()[token_id]:
            raise NotYet(f"{word!r} never occurs in the training texts, so its row means nothing")
    likeness = directions(ids) @ directions(ids).T - 9 * np.eye(len(ids))
    for place, nearest in enumerate(likeness.argmax(axis=1)):
        if (place < len(first)) != (nearest < len(first)):
            raise NotYet(f"nearest to {words[place]!r} is {words[nearest]!r}, which is in your other group")


EXERCISES = {
    "02.1": Exercise("recall", (1, 2), shapes),
    "02.2": Exercise("recall", (1, 4, 5), true_of_rows),
    "02.3": Exercise("by hand", (3,), norm_and_cosine, "Both norms are 3, and 8 / 9 is 0.889."),
    "02.4": Exercise("code", (3,), finds_the_odd_one),
    "02.5": Exercise(
        "break", (4,), the_same_by_accident, "Before you read a vector, ask how often its token was seen."
    ),
    "02.6": Exercise("transfer", (4,), groups_of_your_own, "Stories use the words of each group in the same places."),
}

PREDICTIONS = {
    "02.1": Pick(
        "Five tokens, looked up in this table: which shape?",
        {
            "(5,)": "Five ids go in. But each of them becomes three numbers.",
            "(4, 3)": "That is the whole table. A row is taken as often as its id stands in the text.",
            "(5, 3)": "Right: a row for each token, three numbers in each.",
            "(3, 5)": "The same fifteen numbers, but here tokens are rows and not columns.",
        },
        "(5, 3)",
    ),
    "02.2": Pick(
        "Are the two vectors of “the” different?",
        {
            "different": "Beside other words a word can mean something else. But the table sees no others.",
            "the same": "Right: one id, one row.",
        },
        "the same",
    ),
    "02.3": Pick(
        "1,000 tokens: how many multiplications?",
        {
            "one-hot 64,000, look-up none": "64,000 numbers come out, but each is a sum over all V rows.",
            "one-hot 115 million, look-up none": "Right: 1,000 × 1,800 × 64, nearly all of them by zero.",
            "both the same": "The results are the same; the ways are not.",
        },
        "one-hot 115 million, look-up none",
    ),
    "02.4": Pick(
        "Is “cat” closer to “dog”, or to “quantum”?",
        {
            "to dog": "Right: stories treat the two alike.",
            "to quantum": "Their rows could lie anywhere. But it is training that put them where they are.",
            "to both the same": "That holds for one-hot lists: each is as far from any other.",
        },
        "to dog",
    ),
    "02.5": Estimate(
        "Two random directions in 64 dimensions: which cosine?",
        truth=0,
        within=0.3,
        yes="Two of three lie within 0.125 of it.",
        low="Opposite directions would be −1. To hit that by chance, all 64 numbers would have to differ in sign.",
        high="On paper, two arrows often point the same way. In 64 dimensions they almost never do.",
    ),
}
