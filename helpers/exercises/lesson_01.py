"""Lesson 01, Tokenization: what its exercises and predictions ask, and what is wrong about wrong answers."""

from __future__ import annotations

import re
import unicodedata
from collections import Counter
from typing import Any

from helpers.exercises import answers
from helpers.exercises.answers import NotYet
from helpers.exercises.course import Exercise, Pick
from helpers.exercises.material import shipped
from helpers.tokenizer import Tokenizer

BY_HAND = "▁pan▁span▁pan▁spa"
NAMES = {"<pad>": "b", "<unk>": "d", "<s>": "a", "</s>": "c"}


def jobs(answer: Any) -> None:
    turned = "you have begin and end the wrong way round. As in HTML, the one with the slash closes"
    filling = "filling up is the job of <pad> (padding); <unk> is short for unknown"
    mixed_up = {("<s>", "c"): turned, ("</s>", "a"): turned, ("<unk>", "b"): filling, ("<pad>", "d"): filling}
    answers.matched(answer, NAMES, mixed_up)


def true_of_ids(answer: Any) -> None:
    answers.true_ones(
        answer,
        true={
            "a": "Think of what the tokenizer printed for The and the",
            "e": "Think of the bytes: which word could have no ids at all?",
        },
        false={
            "b": "An id is a row number. Renumber the vocabulary, and 600 is another word",
            "c": "<unk> is for what no piece can spell. But an emoji is four bytes, and each byte is a piece",
            "d": "Many are. But What occurs 321 times in the training texts, and written alone it takes three pieces",
        },
    )


def merges(text: str, times: int) -> list[str]:
    """The pieces of `text` after byte-pair encoding has merged so many times."""
    pieces = list(text)
    for _ in range(times):
        pair = Counter(zip(pieces, pieces[1:], strict=False)).most_common(1)[0][0]
        pieces = merged(pieces, pair)
    return pieces


def merged(pieces: list[str], pair: tuple[str, str], most: int = 100) -> list[str]:
    """The pieces with the first `most` places of `pair` made one."""
    result: list[str] = []
    for piece in pieces:
        if most and result and (result[-1], piece) == pair:
            result[-1] += piece
            most -= 1
        else:
            result.append(piece)
    return result


def two_merges(answer: Any) -> None:
    given = [piece.replace("_", "▁") for piece in answers.items(answer, str, "a list of pieces")]
    if "".join(given) != BY_HAND:
        raise NotYet(f"joined, your pieces are {''.join(given)!r}: no letter may be lost, and each space is a ▁")
    one = merges(BY_HAND, 1)
    known = [
        (list(BY_HAND), "these are the letters. Which two stand side by side most often? Make them one, everywhere"),
        (one, "that is one merge. Now count the pairs of neighbours again, with `pa` as one piece"),
        (merges(BY_HAND, 3), "that is one merge too many"),
        (merged(list(BY_HAND), ("a", "n")), "`a n` stands together three times. One pair does so more often"),
        (merged(one, ("pa", "n"), 1), "a merge is made everywhere in the text, and you made the second in one place"),
        (merged(one, ("n", "▁")), "`n ▁` stands together three times, as another pair does that is met earlier"),
        (merged(one, ("▁", "pa")), "`▁ pa` stands together twice; another pair does so three times"),
        (re.findall("▁[^▁]+", BY_HAND), "whole words are where merging may end. You have two merges"),
    ]
    answers.same(given, merges(BY_HAND, 2), known, "count the pairs of neighbours, merge the most frequent, count anew")


def fits(answer: Any) -> None:
    for text in ["Hi 日本", "naïve 😉", "The end"]:
        whole = shipped()[1].encode(text)
        for room in range(len(whole) + 1):
            _fit(answer, text, whole, room)


def _fit(answer: Any, text: str, whole: list[int], room: int) -> None:
    given = answers.items(answers.run(answer, whole, room), int, "a list of ids")
    case = f"with room for {room} of the {len(whole)} ids of {text!r}"
    if len(given) > room:
        raise NotYet(f"{case} you keep {len(given)}")
    if given != whole[: len(given)]:
        raise NotYet(f"{case} you change ids or their order: keep those at the beginning")
    if "\ufffd" in shipped()[1].decode(given):
        raise NotYet(f"{case} what you keep ends in the middle of a character: {shipped()[1].decode(given)!r}")
    best = _longest(whole[:room])
    if len(given) < best:
        raise NotYet(f"{case} you keep {len(given)}, and {best} would fit: {shipped()[1].decode(whole[:best])!r}")


def _longest(ids: list[int]) -> int:
    """How many of the ids can be kept so that the text ends with a whole character."""
    return max(n for n in range(len(ids) + 1) if "\ufffd" not in shipped()[1].decode(ids[:n]))


def comes_back_changed(answer: Any) -> None:
    text, letter = answers.pair(answer, "a text and a letter")
    text = answers.text(text)
    back = shipped()[1].decode(shipped()[1].encode(text))
    if back == text:
        raise NotYet(
            f"{text!r} comes back as it was. Rare characters do: they are spelled in bytes. Look at 'Where this breaks'"
        )
    reason = _reason(text)
    why_not = {
        "a": "no character is unknown: 256 bytes spell every one of them, and bytes come back as they went in",
        "b": f"{text!r} holds no look-alike character. What else is different in {back!r}?",
        "c": f"it is not the spaces that {back!r} has lost",
        "d": f"{text!r} holds no ▁",
    }
    answers.letter(letter, {each: says for each, says in why_not.items() if each != reason}, reason)


def _reason(text: str) -> str:
    """Why this text does not come back as it was, as a letter of the exercise."""
    if "▁" in text:
        return "d"
    return "c" if re.search("  |^ | $", text) and unicodedata.normalize("NFKC", text) == text else "b"


def a_piece_of_your_own(answer: Any) -> None:
    if not isinstance(answer, tuple | list) or len(answer) != 3:
        raise NotYet("three values are wanted: your texts, the size of the vocabulary, your word")
    texts, size, word = answers.items(answer[0], str, "a list of texts"), answer[1], answers.text(answer[2]).strip()
    if len(word.split()) > 1:
        raise NotYet(f"{word!r} is more than one word, and no piece reaches across a space")
    before = [shipped()[1].piece(i) for i in shipped()[1].encode(word)]
    if len(before) == 1:
        raise NotYet(f"{word!r} is one piece in the shipped vocabulary already: take a word that it cuts")
    if not any(word in text for text in texts):
        raise NotYet(f"{word!r} stands in none of your texts, so no pair of its letters is ever counted")
    try:
        trained = Tokenizer.train(texts, vocab_size=size)
    except (TypeError, ValueError) as error:
        raise NotYet(str(error)) from None
    after = [trained.piece(i) for i in trained.encode(word)]
    if len(after) > 1:
        times = sum(text.count(word) for text in texts)
        raise NotYet(
            f"your vocabulary cuts it into {after}. The word stands in your texts {times} times; pairs that are "
            "more frequent were merged before, and then the vocabulary was full"
        )


EXERCISES = {
    "01.1": Exercise("recall", (4,), jobs),
    "01.2": Exercise("recall", (3, 5), true_of_ids),
    "01.3": Exercise("by hand", (1,), two_merges, "The last `pa` stays as it is: no n follows it."),
    "01.4": Exercise("code", (1, 3), fits, "Programs that show a text while it grows do the same."),
    "01.5": Exercise("break", (3,), comes_back_changed, "Bytes keep everything; what was replaced before is gone."),
    "01.6": Exercise("transfer", (2,), a_piece_of_your_own, "What a vocabulary counts often, it writes short."),
}

PREDICTIONS = {
    "01.1": Pick(
        "What does the table say about “kittens”?",
        {
            "the number of “cat”": "That would be sensible, but a table finds what is in it and nothing like it.",
            "a new number": "Tempting: a program could add one. But a model has learned nothing about a new number.",
            "nothing": "Right: it knows five words.",
        },
        "nothing",
    ),
    "01.2": Pick(
        "Which pair is merged next?",
        {
            "a + t, to at": "Before the first merge it was as frequent. Now each of these letters a is inside “ha”.",
            "ha + t, to hat": "Right: four times, and “ha” counts as one symbol.",
            "▁ + ha, to ▁ha": "It stands there three times: in “that” a t comes before “ha”.",
        },
        "ha + t, to hat",
    ),
    "01.3": Pick(
        "With a larger vocabulary, how many ids?",
        {
            "more": "More pieces to choose from, but each is longer: a text needs fewer of them.",
            "fewer, by the same each time": "Fewer, yes. But the most frequent pairs were merged first.",
            "fewer, and less and less so": "Right: the first merges save the most.",
        },
        "fewer, and less and less so",
    ),
    "01.4": Pick(
        "What becomes of 日本?",
        {
            "<unk>": "Older tokenizers did that. Then the model cannot know which character it was.",
            "an error": "A tokenizer that fails on a character is of little use with texts of real people.",
            "pieces for its bytes": "Right: every character is bytes, and each of the 256 bytes has an id.",
        },
        "pieces for its bytes",
    ),
    "01.5": Pick(
        "Can a reader type the end token?",
        {
            "yes": "It looks the same on the screen. But the id of the end comes from the program alone.",
            "no": "Right: what is typed is text, and becomes pieces for four characters.",
        },
        "no",
    ),
    "01.6": Pick(
        "Decoded id by id and joined, what is printed?",
        {
            "This is Café": "One would think so: the parts of a text make the text. Not all ids stand for whole parts.",
            "words with no spaces, é broken": "Right: a space at the start is dropped, and half a character is none.",
            "pieces with ▁": "Decoding turns each ▁ into a space; but what becomes of a space at the start?",
        },
        "words with no spaces, é broken",
    ),
}
