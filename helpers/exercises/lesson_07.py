"""Lesson 07, Transformer: what its exercises and predictions ask, and what is wrong about wrong answers."""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import lru_cache
from typing import Any

import numpy as np

from helpers.exercises import answers
from helpers.exercises.answers import NotYet
from helpers.exercises.course import Exercise, Pick
from helpers.models.checkpoint import load_shipped_transformer
from helpers.models.transformer import attention

PARTS = {"query": "a", "key": "b", "value": "c", "layer norm": "e", "MLP": "d"}
KEYS, VALUES = np.array([0, 0.693, 1.099, 2]), np.array([[6, 0], [0, 6], [6, 6], [9, 9]], dtype=float)
STORY = 'It was the birthday of Nora, and her grandmother came with a golden box. "What is it?" said'
HEROES = ("Nora", "Mia", "Leo", "Tom")
A_LOOK = 0.3  # of a head's look on a word that was not said: from here on it does look there
LEAST_LOOK, LEAST_TOKENS = 0.3, 8  # of the head that is found in a text of one's own


def parts(answer: Any) -> None:
    given = answers.jobs(answer, PARTS, "abcde")
    if (given["query"], given["key"]) == ("b", "a"):
        raise NotYet("you have query and key the wrong way round. Who asks sends a query")
    if (given["key"], given["value"]) == ("c", "b"):
        raise NotYet("you have key and value the wrong way round. A key is compared, a value is passed on")
    if (given["layer norm"], given["MLP"]) == ("d", "e"):
        raise NotYet("you have layer norm and MLP the wrong way round. Which of them adds to the residual stream?")
    if wrong := [name for name in PARTS if given[name] != PARTS[name]]:
        raise NotYet(f"{len(wrong)} of the five do something else, {wrong[0]} among them")


def true_of_transformers(answer: Any) -> None:
    answers.true_ones(
        answer,
        true={
            "b": "Add up a row of the map by hand, or look at the row of four in section 1",
            "d": "Section 5 computed the logits in both ways",
        },
        false={
            "a": "After the blocks *drum* and *ball* in one sentence were more alike than *drum* in two",
            "c": "A map shows where a head looks. What would happen without that look, it cannot show",
            "e": "Their ratios to the floor are 1.005 and 1.006, after twenty minutes and ten. That decides nothing",
        },
    )


def third_of_four(answer: Any) -> None:
    first, second = answers.pair(answer, "four weights and the two numbers received")
    weights = answers.numbers(first, (4,), "four weights")
    received = answers.numbers(second, (2,), "two numbers")
    seen = np.where(np.arange(4) < 3, KEYS, -np.inf)
    wanted = _softmax(seen)
    known = [
        (_softmax(KEYS), "you let the third token look at the fourth, which comes later"),
        (
            _softmax(np.where(np.arange(4) < 3, KEYS, 0)),
            "the fourth has the score 0, and e to the 0 is 1: a share, too",
        ),
        (_softmax(2 * seen), "your scores are twice too large. They were to be divided by the square root of 4"),
        (np.exp(seen), "these are e to the scores. Divide by their sum"),
        (np.where(np.arange(4) < 3, KEYS, 0), "these are the scores. Now the softmax"),
        (np.array([1, 1, 1, 0]) / 3, "all three alike? That would be so if all scores were equal"),
    ]
    for wrong, says in known:
        if np.allclose(weights, wrong, atol=0.006):
            raise NotYet(says)
    if not np.allclose(weights, wanted, atol=0.006):
        raise NotYet(
            f"your weights add up to {weights.sum():.3f}. Scores first, then e to each, then divide by the sum"
        )
    _received(received, wanted)


def _softmax(scores: np.ndarray) -> np.ndarray:
    return np.exp(scores) / np.exp(scores).sum()


def _received(given: np.ndarray, weights: np.ndarray) -> None:
    known = [
        (VALUES[:3].sum(axis=0), "the weights are right. But the values are added up without them"),
        (VALUES[:3].mean(axis=0), "the weights are right. But the values are averaged without them"),
        (VALUES[2], "the weights are right. But the largest takes only half; the others take their shares"),
    ]
    for wrong, says in known:
        if np.allclose(given, wrong, atol=0.03):
            raise NotYet(says)
    if not np.allclose(given, weights @ VALUES, atol=0.03):
        raise NotYet(f"the weights are right. Received is {given.round(2)}: multiply each value by its weight, and add")


def mean_distances(answer: Any) -> None:
    rng = np.random.default_rng(7)
    for size in (5, 8):
        q, k, v = rng.normal(0, 2, size=(3, 1, size, 4))
        weights = attention(q, k, v)[1][0]
        given = answers.numbers(answers.run(answer, weights), (size,), f"for weights {weights.shape}, {size} distances")
        _distances(given, weights, f"for weights {weights.shape}")


def _distances(given: np.ndarray, weights: np.ndarray, case: str) -> None:
    places = np.arange(len(weights))
    from_start = weights @ places
    wanted = places - from_start
    known = [
        (from_start, "you give the mean place, counted from the beginning. How far is it from the one who looks?"),
        (-wanted, "your distances are below 0: take the token's own place minus the place that it looks at"),
        (places - weights.argmax(axis=1), "you take the place with the largest weight alone. All of them count"),
        (places / 2, "you leave the weights out: each earlier token counts as much as the next one"),
        (places - weights.T @ places, "you go down the columns. A row belongs to the one who looks"),
        (
            len(weights) - 1 - from_start,
            "you measure from the last token for all. Each token measures from its own place",
        ),
    ]
    for wrong, says in known:
        if np.allclose(given, wrong):
            raise NotYet(f"{case} {says}")
    if not np.allclose(given, wanted):
        n = int(np.abs(given - wanted).argmax())
        raise NotYet(f"{case} the token at place {n} looks {wanted[n]:.3f} places back, and you say {given[n]:.3f}")


@lru_cache
def read(text: str) -> tuple[list[int], np.ndarray, np.ndarray]:
    """What the shipped Transformer makes of a text: its ids, the logits after it, and the attention weights."""
    model, tokenizer = load_shipped_transformer()
    ids = tokenizer.encode_prompt(text)
    return ids, model.advance(ids)[0], model.read(ids)[1]


def looks_at(text: str, spans: Sequence[tuple[int, int]]) -> np.ndarray:
    """How much of each head's look, (L, S), goes from the last token to the tokens of these stretches of the text."""
    tokenizer, total = load_shipped_transformer()[1], np.zeros((2, 4))
    for start, stop in spans:
        first, end = (len(tokenizer.encode_prompt(part.rstrip())) for part in (text[:start], text[:stop]))
        total += read(text)[2][:, :, -1, first:end].sum(axis=-1)
    return total


def where(word: str, text: str) -> list[tuple[int, int]]:
    """Every place of a whole word in a text."""
    return [match.span() for match in re.finditer(rf"\b{re.escape(word)}\b", text)]


def likeliest(text: str) -> str:
    """The likeliest next piece, as plain text."""
    return load_shipped_transformer()[1].piece(int(read(text)[1].argmax())).replace("▁", "")


def not_copied(answer: Any) -> None:
    word, letter = answers.pair(answer, "a word and a letter")
    word = answers.text(word).strip()
    if word in HEROES:
        raise NotYet(f"{word} is one of the four heroes, and is copied. Take another word in the place of Nora")
    if not re.fullmatch(r"[^\W\d_]+", word) or len(word) > 20:
        raise NotYet(f"one word is wanted, of letters alone and at most twenty; this is {word!r}")
    text, place = STORY.replace("Nora", word), STORY.index("Nora")
    said = likeliest(text)
    if word.startswith(said):
        raise NotYet(f"the model says {said!r}: it does copy that. Take another word")
    hers = looks_at(STORY, where("Nora", STORY))
    look = float(looks_at(text, [(place, place + len(word))])[np.unravel_index(hers.argmax(), hers.shape)])
    share = f"the model says {said!r}. The head that gave Nora {hers.max():.2f} gives {word} {look:.2f}"
    answers.letter(letter, _why_not(share, look), "a" if look >= A_LOOK else "b")


def _why_not(share: str, look: float) -> dict[str, str]:
    says = {
        "a": f"{share}, which is less than 0.3",
        "b": f"{share}, which is not less than 0.3",
        "c": f"{share}. But the word stands in the context as Nora did, and any head may look at it",
        "d": f"{share}. But each piece of the word has a row, as any piece has",
    }
    del says["a" if look >= A_LOOK else "b"]
    return says


def your_own_map(answer: Any) -> None:
    if not isinstance(answer, tuple | list) or len(answer) != 3:
        raise NotYet("three values are wanted: a text, a word in it, and a head such as (0, 1)")
    text, word = answers.text(answer[0]).strip(), answers.text(answer[1]).strip()
    block, head = answers.pair(answers.items(answer[2], int, "a pair of whole numbers"), "a block and a head")
    if text[:24] == STORY[:24]:
        raise NotYet("that is the lesson's story: write one of your own")
    if not where(word, text):
        raise NotYet(f"{word!r} does not stand in your text")
    if not 0 <= block < 2 or not 0 <= head < 4:
        raise NotYet(f"there is no head {head} in a block {block}: blocks are 0 and 1, heads 0 to 3")
    try:
        ids = read(text)[0]
    except ValueError as error:
        raise NotYet(str(error)) from None
    if len(ids) < LEAST_TOKENS:
        raise NotYet(f"your text has {len(ids)} tokens, bos among them; write {LEAST_TOKENS} or more")
    _found(text, word, block, head)


def _found(text: str, word: str, block: int, head: int) -> None:
    looks = looks_at(text, where(word, text))
    if looks.max() < LEAST_LOOK:
        raise NotYet(
            f"at its end no head looks much at {word!r}, {looks.max():.2f} at most: end where it will be needed"
        )
    if text.endswith(word):
        raise NotYet(f"{word!r} is the last word itself. Let the text go on")
    if looks[block, head] < looks.max() - 1e-6:
        raise NotYet(
            f"head {head} of block {block} gives {word!r} {looks[block, head]:.2f} of its look; another gives more"
        )
    if (said := likeliest(text)) != word:
        raise NotYet(f"the head is right. But the model does not say {word!r} next, it says {said!r}")


EXERCISES = {
    "07.1": Exercise("recall", (1, 2), parts),
    "07.2": Exercise("recall", (3, 4, 5), true_of_transformers),
    "07.3": Exercise("by hand", (1,), third_of_four, "The fourth has the largest key of all, and gets nothing."),
    "07.4": Exercise("code", (3,), mean_distances, "Use it on weights[block, head] to see who looks how far."),
    "07.5": Exercise("break", (3,), not_copied, "The model learned to copy four names, not to copy."),
    "07.6": Exercise("transfer", (3,), your_own_map, "Whether it needs that look is a question for lesson 08."),
}

PREDICTIONS = {
    "07.1": Pick(
        "Which token gets the most attention?",
        {
            "Mia": "Right: her key is large in the number that the query asks for.",
            "kite": "Its key is as large, but in the other number. There the query has a 0.",
            "she, the token itself": "A token may look at itself. But its own key is small here: 1 against Mia's 3.",
        },
        "Mia",
    ),
    "07.2": Pick(
        "One head, two things to look for: how does it look?",
        {
            "all at Mia": "She comes first, but order does not matter here. Mia and kite have the same score.",
            "half at Mia, half at kite": "Right: both scores are equal, and a little goes to the others.",
            "fully at both": "That would need 2 in all. The weights of one head add up to 1.",
        },
        "half at Mia, half at kite",
    ),
    "07.3": Pick(
        "A vector ten times as long: what comes out?",
        {
            "numbers ten times as large": "So most functions of a vector do. But here one divides by the spread.",
            "the same numbers": "Right: mean and spread are ten times as large, too.",
            "numbers a tenth as large": "It is divided by ten times as much. But it was ten times as large before.",
        },
        "the same numbers",
    ),
    "07.4": Pick(
        "Which heads look at her name?",
        {
            "all of them": "If all did the same, one would be enough. Each was free to learn a job of its own.",
            "one of them": "Right: .76 of its look goes there. No other gives her more than .08.",
            "none: she was named too long ago": "Fifteen tokens lie between. For attention no token is far away.",
        },
        "one of them",
    ),
    "07.5": Pick(
        "drum in two sentences: row and vector after the blocks?",
        {
            "both the same": "It is the same word. But the blocks have added what the text says.",
            "the row the same, the vector another": "Right: the table knows the word alone, the blocks read its text.",
            "both different": "A table has one row for each id, whatever the sentence.",
        },
        "the row the same, the vector another",
    ),
    "07.6": Pick(
        "Which two vectors are more alike?",
        {
            "the same word in two sentences": "So it would be if the vector held the meaning. Its task is another one.",
            "two words in the same sentence": "Right: after both, the same words may follow.",
        },
        "two words in the same sentence",
    ),
    "07.7": Pick(
        "After a short time, which one is better, and at what?",
        {
            "the LSTM, at both": "It gets there in twenty minutes. A minute is little time to learn to carry names.",
            "the Transformer at names alone": "Names are where it gains the most. They are part of the whole.",
            "the Transformer, at both": "Right: it learns to look names up, and need not learn to carry them.",
        },
        "the Transformer, at both",
    ),
    "07.8": Pick(
        "A hundred tokens: what is kept, and what is saved?",
        {
            "512 numbers, 99 % saved": "512 is what one token adds. An LSTM's state keeps its size, a cache grows.",
            "51,200 numbers, 99 % saved": "Right: 100 · 512, and one token is computed instead of a hundred.",
            "51,200 numbers, half saved": "The newest token still asks all the others. But that is little work.",
        },
        "51,200 numbers, 99 % saved",
    ),
    "07.9": Pick(
        "The context is full: what happens?",
        {
            "the text ends there": "Right: one more token is drawn, and cannot be read.",
            "the oldest token is dropped": "Some programs do that. Then all that follows rests on a text cut short.",
            "an error": "A longer *prompt* is one. A text that grows to the end has done nothing wrong.",
        },
        "the text ends there",
    ),
}
