"""Lesson 09, Real models: what its exercises and predictions ask, and what is wrong about wrong answers.

Two exercises need the real models. They are loaded when an answer is judged, and the verdict says so where they are
not there.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import lru_cache
from typing import Any

import numpy as np

from helpers.exercises import answers
from helpers.exercises.answers import NotYet
from helpers.exercises.course import Estimate, Exercise, Pick
from helpers.exercises.matching import matched
from helpers.protocols import LanguageModel, TokenizerProtocol
from helpers.sampling import SamplingSettings, next_token_probabilities

LOADING = 180.0  # seconds: two exercises load a real model first


@lru_cache
def smollm() -> tuple[LanguageModel, TokenizerProtocol]:
    """The model of the lesson and its tokenizer; NotYet says what to do if they are not there."""
    try:
        from helpers.models.pretrained import load_pretrained
        from helpers.models.pretrained_files import SMOLLM

        return load_pretrained(SMOLLM)
    except (ImportError, ValueError, OSError) as error:
        raise NotYet(f"this exercise needs the real model. {error}") from None


@lru_cache
def minilm() -> Callable[[list[str]], np.ndarray]:
    """The embedding model of the lesson; NotYet says what to do if it is not there."""
    try:
        from helpers.models.sentence_embedding import SentenceEmbedding

        return SentenceEmbedding().embed
    except (ImportError, ValueError, OSError) as error:
        raise NotYet(f"this exercise needs the embedding model. {error}") from None


# ------------------------------------------------------------------------------------------------------------- recall


def parts_of_a_block(answer: Any) -> None:
    matched(
        answer,
        {"RMSNorm": "b", "gated MLP": "d", "grouped query heads": "a", "RoPE": "c"},
        [
            ({"RMSNorm": "c", "RoPE": "b"}, "RMSNorm and RoPE have changed places: RoPE *rotates* queries and keys"),
            ({"gated MLP": "a"}, "a gated MLP has three matrices in place of two, so it makes nothing smaller"),
            ({"grouped query heads": "d"}, "the heads are grouped, not gated. Which part did the lesson call *gate*?"),
            ({"grouped query heads": "c"}, "grouped heads share keys and values. They know nothing of places"),
            ({"RoPE": "a"}, "RoPE rotates queries and keys; they have as many numbers afterwards as before"),
        ],
    )


def true_of_real_models(answer: Any) -> None:
    answers.true_ones(
        answer,
        true={
            "a": "What was done to an *Instruct* model after its training on texts?",
            "c": "Think of the chips: what became of your question before the model read it?",
        },
        false={
            "b": "There the output table cannot read the vectors. Something may happen all the same",
            "d": "A look must sum to 1. The first token is where it goes if there is nothing to gather",
            "e": "MiniLM's output is one vector for the whole text. It has no logits, and it cannot stream",
        },
    )


# ------------------------------------------------------------------------------------------------------------ by hand

BLOCKS, QUERY_HEADS, SHARED_BY, WIDTH = 20, 12, 3, 64


def numbers_in_the_cache(answer: Any) -> None:
    given, pairs = answers.number(answer), QUERY_HEADS // SHARED_BY
    right = BLOCKS * 2 * pairs * WIDTH
    known = [
        (BLOCKS * 2 * QUERY_HEADS * WIDTH, "that is with keys and values for each query head; three share one of each"),
        (BLOCKS * pairs * WIDTH, "the cache holds keys *and* values"),
        (2 * pairs * WIDTH, "that is one block; each block has a cache of its own"),
        (BLOCKS * (QUERY_HEADS + 2 * pairs) * WIDTH, "queries are not kept: the next token brings a query of its own"),
        (BLOCKS * 2 * SHARED_BY * WIDTH, "twelve query heads, and three share one: how many groups are there?"),
        (BLOCKS * 2 * WIDTH, "that is one head of keys and one of values in each block; count the groups"),
        (right / BLOCKS / 2, "that is one block, and keys alone"),
    ]
    stuck = f"{given:g} is not it: blocks × (keys and values) × heads of them × numbers in a head"
    answers.close(given, right, known, stuck)


# --------------------------------------------------------------------------------------------------------------- code


def leaning_table(seed: int) -> tuple[np.ndarray, np.ndarray]:
    """table (300, 8) whose rows lean one way and differ in length, pairs (500, 2) of all rows but the first two."""
    rng = np.random.default_rng(seed)
    table = rng.normal(size=(300, 8)) + 0.6
    table[1] = 0.5 * table[0] + rng.normal(size=8) * 0.4
    return table * np.exp(rng.normal(size=(300, 1))), rng.integers(2, 300, (500, 2))


def share_below(answer: Any) -> None:
    for seed in [1, 2, 3]:
        table, pairs = leaning_table(seed)
        _share(answers.number(answers.run(answer, table[0], table[1], table, pairs)), table, pairs)


def _share(given: float, table: np.ndarray, pairs: np.ndarray) -> None:
    one, other = table[0], table[1]
    dots = (table[pairs[:, 0]] * table[pairs[:, 1]]).sum(axis=1)
    lengths = np.linalg.norm(table, axis=1)
    cosines = dots / lengths[pairs[:, 0]] / lengths[pairs[:, 1]]
    cosine = one @ other / lengths[0] / lengths[1]
    right = float(np.mean(cosines < cosine))
    known = [
        (1 - right, "that is the share *above* the two rows' cosine"),
        (100 * right, "that is in percent; a share lies between 0 and 1"),
        (500 * right, "that is how many pairs; divide by the number of all pairs"),
        (float(cosine), "that is the cosine of the two rows. How many of the pairs lie below it?"),
        (float(np.mean(dots < one @ other)), "you compare dot products. Long rows have large ones: divide by lengths"),
        (float(np.mean(cosines)), "that is the mean cosine of the pairs"),
    ]
    stuck = f"for a cosine of {cosine:.3f} you give {given:.3f}, and {right:.3f} of the pairs lie below"
    answers.close(given, right, known, stuck, within=0.001)


# ------------------------------------------------------------------------------------------------- break and transfer

CITIES = ["Sydney", "Canberra"]
SHOWN = ["The capital of Australia is", "What is the capital of Australia? The capital of Australia is"]


def two_wordings(answer: Any) -> None:
    if not isinstance(answer, tuple | list) or len(answer) != 3:
        raise NotYet("three values are wanted: a prompt for Sydney, a prompt for Canberra, and a letter")
    prompts = [_asks_for_the_capital(prompt) for prompt in answer[:2]]
    if prompts[0] == prompts[1]:
        raise NotYet("both prompts are the same, so the model says the same after both")
    for prompt, wanted, other in zip(prompts, CITIES, CITIES[::-1], strict=True):
        _leads(prompt, wanted, other)
    answers.letter(
        answer[2],
        {
            "a": "the prompts are right. But after the second one it says Canberra: it has read of it",
            "b": "the prompts are right. But nothing was drawn: these are the model's own probabilities",
            "d": "the prompts are right. But 'The capital of Australia is called' is longer than 'In Australia, the "
            "capital is', and Sydney leads after the longer one",
        },
        "c",
    )


def _asks_for_the_capital(prompt: Any) -> str:
    text = answers.text(prompt).strip()
    if text in SHOWN:
        raise NotYet(f"{text!r} stands in the lesson; find a wording of your own")
    for word in ["Australia", "capital"]:
        if word not in text:
            raise NotYet(f"{text!r} does not ask for the capital of Australia: {word!r} is missing")
    if named := [city for city in CITIES if city in text]:
        raise NotYet(f"{text!r} names {named[0]}, so the model may copy it")
    return text


def _leads(prompt: str, wanted: str, other: str) -> None:
    model, tokenizer = smollm()
    try:
        logits, _ = model.advance(tokenizer.encode_prompt(prompt))
    except ValueError as error:
        raise NotYet(str(error)) from None
    probabilities = next_token_probabilities(logits, SamplingSettings())
    chance, others = (float(probabilities[tokenizer.encode(f" {city}")[0]]) for city in (wanted, other))
    said = f"after {prompt!r} {wanted} has {chance:.2f} and {other} {others:.2f}"
    if chance + others < 0.1:
        raise NotYet(f"{said}: no city comes next here. End the prompt where the name has to follow")
    if chance < others:
        raise NotYet(f"{said}: the other one leads")
    if chance < 2 * others:
        raise NotYet(f"{said}. That is close to a tie; find a wording after which it is twice as likely")


def words_of(text: str) -> set[str]:
    """The words of four letters or more, in small letters."""
    return {word for word in re.findall(r"[^\W\d_]+", text.lower()) if len(word) > 3}


def mean_of_rows(texts: list[str]) -> np.ndarray:
    """The mean row of each text in the language model's table, with length 1: (N, D)."""
    model, tokenizer = smollm()
    means = np.array([model.embed(tokenizer.encode(text)).mean(axis=0) for text in texts])
    return means / np.linalg.norm(means, axis=1, keepdims=True)


def meaning_against_words(answer: Any) -> None:
    texts = answers.items(answer, str, "a list of three sentences")
    if len(texts) != 3:
        raise NotYet(f"three sentences are wanted, and these are {len(texts)}")
    _, paraphrase, other = (words_of(answers.text(text)) for text in texts)
    if both := words_of(texts[0]) & paraphrase:
        raise NotYet(f"the first and the second sentence share the word {min(both)!r}: say it in other words")
    if len(words_of(texts[0]) & other) < 2:
        raise NotYet("the first and the third sentence should share two words or more, of four letters at least")
    if words_of(texts[0]) == other:
        raise NotYet("the third sentence has the words of the first, so it says the same")
    _ranked(texts)


def _ranked(texts: list[str]) -> None:
    vectors, rows = minilm()(texts), mean_of_rows(texts)
    near, far = float(vectors[0] @ vectors[1]), float(vectors[0] @ vectors[2])
    if near < far + 0.02:
        raise NotYet(f"MiniLM has 1~2 at {near:.2f} and 1~3 at {far:.2f}: for it, too, the shared words count more")
    if near < 0.4:
        raise NotYet(f"MiniLM has 1~2 at {near:.2f}: do the two sentences really say the same?")
    if rows[0] @ rows[1] > rows[0] @ rows[2] - 0.02:
        raise NotYet("the mean of rows gets it right, too. Let the third sentence share more words with the first")


EXERCISES = {
    "09.1": Exercise("recall", (1,), parts_of_a_block),
    "09.2": Exercise("recall", (3, 4, 5), true_of_real_models),
    "09.3": Exercise("by hand", (1,), numbers_in_the_cache, "Without groups it would be three times as many."),
    "09.4": Exercise("code", (2,), share_below, "With such a yardstick a cosine says something."),
    "09.5": Exercise("break", (4,), two_wordings, "So one wording is no test of what a model knows.", LOADING),
    "09.6": Exercise("transfer", (5,), meaning_against_words, "Search by meaning needs such a model.", LOADING),
}

PREDICTIONS = {
    "09.1": Pick(
        "How many times as many numbers as ours has its table?",
        {
            "about 10 times": "Its rows alone are 9 times as long, and there are 27 times as many of them.",
            "about 250 times": "Right: 27 times as many rows, each 9 times as long.",
            "about 10,000 times": "Large models get there. This one is small enough for a laptop.",
        },
        "about 250 times",
    ),
    "09.2": Pick(
        "Both move on by a hundred places. Does their fit change?",
        {
            "yes: the angles are others": "The angles are. But both are turned by the same further angle.",
            "no: the distance is the same": "Right: only the angle between the two counts.",
            "it falls, the further along": "It may fall with the distance between the two. That has not changed.",
        },
        "no: the distance is the same",
    ),
    "09.3": Pick(
        "What lies next to cat?",
        {
            "other animals": "So it was in our small table. A dog is among the first five here, behind something else.",
            "the same word, written otherwise": "Right: with a capital, without its space, as a plural.",
            "words that begin with the same letters": "The model never compares letters: it sees ids.",
        },
        "the same word, written otherwise",
    ),
    "09.4": Pick(
        "With no word left out, what mostly comes first?",
        {
            "queen, aunt, Berlin": "That is what such examples show, because they leave the question's words out.",
            "the word we started from": "Right: in two of the three, since the step is small.",
            "the word that was added": "It is only one of three parts, and the word we started from is another.",
        },
        "the word we started from",
    ),
    "09.5": Estimate(
        "What is the mean cosine of 5,000 random pairs of rows?",
        0.44,
        0.1,
        "So 0.4 is nothing special in this table.",
        "Near 0 would be usual for random directions, and it was so in our toy. These rows lean one way.",
        "Then nearly all rows would point the same way, and no word could be told from another.",
    ),
    "09.6": Pick(
        "Which tokens have the shortest rows?",
        {
            "the most frequent: the, of, and": "They are seen most often. But their rows are not the shortest.",
            "common first names": "Right: John, Michael, David.",
            "the beginnings of long words": "Those are the longest: one or two continuations are all they allow.",
        },
        "common first names",
    ),
    "09.7": Pick(
        "After which of the thirty blocks does the right word come first?",
        {
            "one of the first ten": "Our GPT had the hero's name after one MLP of two. Here it is later.",
            "about the fifteenth": "Half-way seems natural. But there the lens reads signs and spaces.",
            "one of the last": "Right: for two thirds of the way its rank is hundreds or thousands.",
        },
        "one of the last",
    ),
    "09.8": Pick(
        "Where does a head look that finds nothing to gather?",
        {
            "nowhere": "A softmax cannot say nowhere: the look sums to 1.",
            "at all tokens alike": "That would mix everything into the vector.",
            "at the first token": "Right: more than a third of the heads do so here.",
            "at the newest token": "It is always there. So is another token, and many heads look at that one.",
        },
        "at the first token",
    ),
    "09.9": Estimate(
        "By how many bits does the seventh token's surprise grow?",
        5.1,
        2,
        "Each bit halves the probability.",
        "Four heads of 270 seem few. But these do a job that hardly any other does.",
        "With no idea at all it would be 15.6 bits, one of 49,152 ids. Something is still known.",
    ),
    "09.10": Estimate(
        "You type seven tokens. How many does the model read?",
        37,
        6,
        "A system turn, your turn, and the beginning of the answer.",
        "The marks around your question are only a part: a whole system turn stands before it.",
        "There is no hidden conversation. A system turn, your turn, and the beginning of the answer are all.",
    ),
    "09.11": Pick(
        "How many ids does top-p 0.9 keep after each prompt?",
        {
            "about as many each time": "That is what top-k does. Top-p asks how much probability is reached.",
            "few after a fact, hundreds elsewhere": "Right: the same setting, and very different numbers.",
            "the fewer, the longer the prompt": "The last prompt is the longest, and nearly anything may follow it.",
        },
        "few after a fact, hundreds elsewhere",
    ),
    "09.12": Pick(
        "How many of the three controls will be right?",
        {
            "none": "Right: so the first answer was luck.",
            "one": "It answers *once* or *twice* whatever the word is, so that would be a fair guess.",
            "all three": "So it would be if the hidden letters were the whole reason.",
        },
        "none",
    ),
    "09.13": Pick(
        "Which pair is closest?",
        {
            "1 and 2, for both methods": "They mean the same. But the rows of a table know nothing of a sentence.",
            "MiniLM: 1 and 2; mean of rows: 1 and 3": "Tempting: meaning for one, words for the other. But words count "
            "for MiniLM as well.",
            "1 and 3, for both methods": "Right: shared words count for MiniLM as well. But look at 1 and 2.",
        },
        "1 and 3, for both methods",
    ),
}
