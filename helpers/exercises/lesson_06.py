"""Lesson 06, Streaming generation: what its exercises and predictions ask, and what is wrong about wrong answers."""

from __future__ import annotations

import math
import re
from functools import lru_cache
from typing import Any

import numpy as np

from helpers import checks
from helpers.exercises import answers
from helpers.exercises.answers import NotYet
from helpers.exercises.course import Exercise, Pick
from helpers.models.checkpoint import load_shipped
from helpers.records import Candidate, TokenStep
from helpers.sampling import SamplingSettings, apply_temperature
from helpers.streaming import Generation, stream

FAULTS = {"look up": "b", "probabilities": "c", "draw": "d", "append": "a"}
ROWS = {"the": (4, 3), "red": (3, 4), "ball": (-6, -8)}
TEXT = ("the", "red", "ball", "the")
LEAST_READ, SURE = 6, 0.5  # tokens of a text to break, bos among them; how sure both guesses have to be
SETTINGS, MOST = SamplingSettings(temperature=0.8, top_p=0.9), 150  # of a story that is forked
CASES = [("One day,", SamplingSettings(0.5), 3), ("Long ago, Tom", SamplingSettings(1.5, top_k=40), 8)]


def faults(answer: Any) -> None:
    given = answers.jobs(answer, FAULTS, "abcd")
    if (given["draw"], given["append"]) == ("a", "d"):
        raise NotYet("you have draw and append the wrong way round. Which of the two needs a random number?")
    if (given["look up"], given["probabilities"]) == ("c", "b"):
        raise NotYet("you have look up and probabilities the wrong way round. Rows need not add up to anything")
    if given["append"] == "c":
        raise NotYet("append takes one id, and nothing in it adds up. Chances should")
    if wrong := [name for name in FAULTS if given[name] != FAULTS[name]]:
        raise NotYet(f"{len(wrong)} of the four bring about something else, {wrong[0]} among them")


def true_of_records(answer: Any) -> None:
    answers.true_ones(
        answer,
        true={
            "a": "Look at the seven norms of `▁the` in section 4",
            "c": "Follow one token: it comes out of one step, and then?",
        },
        false={
            "b": "The row belongs to the piece. The hidden state was another one at each of its seven places",
            "d": "What the model said is a candidate's `model_probability`; the step's is what the settings made of it",
            "e": "A norm tells which row it is. Unlikely tokens have short rows and long ones",
        },
    )


def norms_and_cosines(answer: Any) -> None:
    first, second = answers.pair(answer, "four norms and three cosines")
    norms, cosines = answers.numbers(first, (4,), "four norms"), answers.numbers(second, (3,), "three cosines")
    rows = np.array([ROWS[word] for word in TEXT], dtype=float)
    lengths, dots = np.sqrt((rows**2).sum(axis=1)), (rows[1:] * rows[:-1]).sum(axis=1)
    _norms(norms, rows, lengths)
    _cosines(cosines, rows, lengths, dots)


def _norms(given: np.ndarray, rows: np.ndarray, lengths: np.ndarray) -> None:
    known = [
        (lengths**2, "your norms are the sums of the squares. The square root is missing"),
        (np.abs(rows).sum(axis=1), "your norms are sums of the numbers. Square them first, then take the square root"),
    ]
    _vector(given, lengths, known, "your norm of {word} is {value:g}. Think of a right-angled triangle")


def _cosines(given: np.ndarray, rows: np.ndarray, lengths: np.ndarray, dots: np.ndarray) -> None:
    to_first = (rows[1:] @ rows[0]) / (lengths[1:] * lengths[0])
    known = [
        (dots, "your cosines are dot products. Divide each by both norms"),
        (dots / lengths[1:], "you divide by one of the two norms. Divide by the other, too"),
        (to_first, "you compare each token with the first one. Compare it with the one before it"),
        (np.abs(dots / (lengths[1:] * lengths[:-1])), "a minus is lost: rows that point apart have a cosine below 0"),
    ]
    says = "your cosine of {word} to the one before is {value:g}. Multiply number by number, add, divide by both norms"
    _vector(given, dots / (lengths[1:] * lengths[:-1]), known, says)


def _vector(given: np.ndarray, wanted: np.ndarray, known: list[tuple[np.ndarray, str]], otherwise: str) -> None:
    for wrong, says in known:
        if np.allclose(given, wrong, atol=0.005):
            raise NotYet(says)
    for word, value, right in zip(TEXT[-len(given) :], given, wanted, strict=True):
        if abs(value - right) > 0.005:
            raise NotYet(otherwise.format(word=word, value=value))


@lru_cache
def told(prompt: str, settings: SamplingSettings, seed: int) -> tuple[TokenStep, ...]:
    """The steps of a text of at most 40 tokens."""
    return tuple(stream(*load_shipped(), prompt, settings, seed=seed, max_new_tokens=40))


def surprise(answer: Any) -> None:
    for prompt, settings, seed in CASES:
        steps = told(prompt, settings, seed)
        _surprise(answers.number(answers.run(answer, list(steps))), steps, f"{len(steps)} steps after {prompt!r}")


def _surprise(given: float, steps: tuple[TokenStep, ...], case: str) -> None:
    drawn = [_drawn(step).model_probability for step in steps]
    bits = sum(-math.log2(p) for p in drawn)
    by_settings = sum(-math.log2(step.probability) for step in steps)
    likeliest = sum(-math.log2(step.candidates[0].model_probability) for step in steps)
    known = [
        (0, f"for the {case} you have 0 bits, and some of the tokens were surprising"),
        (-bits, f"for the {case} your sum is below 0. Logarithms of probabilities are: turn the sign round"),
        (bits * math.log(2), f"for the {case} you have nats. Bits need the logarithm to the base 2"),
        (bits / len(steps), f"for the {case} you have the mean, {given:.2f} bits for a token. The sum is wanted"),
        (by_settings, f"for the {case} you take what the settings left. Take what the model itself said"),
        (likeliest, f"for the {case} you take the likeliest candidate of each step. Take the one that was drawn"),
        (sum(drawn), f"for the {case} you add up the probabilities, not their logarithms"),
    ]
    answers.close(given, bits, known, f"for the {case} you have {given:.3f} bits, which is not the sum")


def _drawn(step: TokenStep) -> Candidate:
    return next(each for each in step.candidates if each.token_id == step.output.token_id)


def guesses_without_memory(answer: Any) -> None:
    prompt, letter = answers.pair(answer, "a text and a letter")
    model, tokenizer = load_shipped()
    ids = tokenizer.encode_prompt(answers.text(prompt))
    if len(ids) < LEAST_READ:
        raise NotYet(f"that text has {len(ids)} tokens, bos among them; take one with {LEAST_READ} or more")
    whole, alone = (apply_temperature(model.advance(read)[0], 1.0) for read in (ids, ids[-1:]))
    pieces = [tokenizer.piece(int(row.argmax())) for row in (whole, alone)]
    if pieces[0] != pieces[1]:
        raise NotYet(
            f"after the whole text comes {pieces[0]!r}, after its last token alone {pieces[1]!r}: it needs both"
        )
    if min(whole.max(), alone.max()) < SURE:
        raise NotYet(f"both say {pieces[0]!r}, but one of them with {min(whole.max(), alone.max()):.2f}: not yet sure")
    answers.letter(
        letter,
        {
            "a": f"both say {pieces[0]!r}. But the second call was given no state, and `advance` keeps none",
            "c": f"both say {pieces[0]!r}. But the text has {len(ids)} tokens, and the second call saw one of them",
            "d": f"both say {pieces[0]!r}. But with more than {SURE} each: that is no accident",
        },
        "b",
    )


def fork(answer: Any) -> None:
    if not isinstance(answer, tuple | list) or len(answer) != 4:
        raise NotYet("four values are wanted: a beginning, a seed, how many steps you keep, a word")
    prompt, seed, keep, word = answers.text(answer[0]), answer[1], answer[2], answers.text(answer[3]).strip()
    if prompt.strip() == "One day, Mia":
        raise NotYet("that is the lesson's beginning: take one of your own")
    if not all(checks.is_whole(value) and value >= 0 for value in (seed, keep)):
        raise NotYet("the seed and the steps that you keep should be whole numbers from 0 up")
    ids = load_shipped()[1].encode(word)
    if len(ids) != 1:
        raise NotYet(f"{word!r} is {len(ids)} tokens, and you choose one: take another word")
    _forked(prompt, int(seed), int(keep), word, ids[0])


def _forked(prompt: str, seed: int, keep: int, word: str, token_id: int) -> None:
    generation = _finished(Generation(*load_shipped(), prompt, seed))
    first = generation.text
    if keep >= len(generation.steps):
        raise NotYet(f"the first story has {len(generation.steps)} steps; keep fewer than that")
    if generation.steps[keep].output.token_id == token_id:
        raise NotYet(f"{word!r} is what was drawn there: that is no fork")
    if word in _words(first):
        raise NotYet(f"{word!r} stands in the first story already, so nobody could tell what your choice has done")
    generation.rewind(keep)
    generation.choose(token_id, SETTINGS)
    after = "".join(step.output.text for step in _finished(generation).steps[keep + 1 :])
    if word not in _words(after):
        raise NotYet(f"the story never says {word!r} again: {generation.text[:90]!r} … Try a word that fits the place")


def _words(text: str) -> list[str]:
    return re.findall(r"\w+", text)


def _finished(generation: Generation) -> Generation:
    while not generation.finish_reason and len(generation.steps) < MOST:
        generation.step(SETTINGS)
    return generation


EXERCISES = {
    "06.1": Exercise("recall", (1,), faults),
    "06.2": Exercise("recall", (3, 4), true_of_records),
    "06.3": Exercise("by hand", (4,), norms_and_cosines, "ball is red turned round and twice as long."),
    "06.4": Exercise("code", (3,), surprise, "The fewer bits, the more the model expected this text."),
    "06.5": Exercise(
        "break", (2,), guesses_without_memory, "So a test of the state needs a text that needs the state."
    ),
    "06.6": Exercise("transfer", (5,), fork, "One token of yours, and the rest of the story followed it."),
}

PREDICTIONS = {
    "06.1": Pick(
        "What follows, from the whole prompt and from *the* alone?",
        {
            "the drum, both times": "It is the same model and the same last token. But who tells it about a drum?",
            "the drum; then only a guess": "Right: the drum was in the tokens that it has not read.",
            "a guess, both times": "The drum stands fifteen tokens back. But the state carries it.",
        },
        "the drum; then only a guess",
    ),
    "06.2": Pick(
        "Can the second probability be larger than the first?",
        {
            "no, settings only take away": "They take away from some. What is left is divided by its sum.",
            "yes": "Right: what some lose, the others gain.",
            "only at temperature 0": "There the leader gets all. But any temperature below 1 helps it.",
        },
        "yes",
    ),
    "06.3": Pick(
        "Seven times ▁the: what are its norms?",
        {
            "all the same": "Right: each time the same row is looked up.",
            "they differ with the sentence": "Its job differs, one feels. But a row knows nothing of its sentence.",
            "they fall along the text": "The plot goes up and down, with the pieces and not with the place.",
        },
        "all the same",
    ),
    "06.4": Pick(
        "The same piece at two places: the norm of h?",
        {
            "the same": "That was true of rows. But h is computed from the row and from what was read before.",
            "another one": "Right: before each *the* another text was read.",
            "the same, but for the first": "Then the text before it would not count. But the state goes on changing.",
        },
        "another one",
    ),
    "06.5": Pick(
        "Which loss hurts more?",
        {
            "h, the hidden state": "The output layer reads h, so it seems to be all. But h is made from c each time.",
            "c, the cell": "Right: what is to be kept for later lies there.",
            "both alike": "They are equally long. But they do not have the same job.",
        },
        "c, the cell",
    ),
    "06.6": Pick(
        "One setting changed on the way: what comes?",
        {
            "the same text": "The seed is the same. But the same number may hit another token.",
            "the same up to there, then perhaps another": "Right: before the change, all is as it was.",
            "another text from the start": "A seed would do that. This change comes later.",
        },
        "the same up to there, then perhaps another",
    ),
    "06.7": Pick(
        "In how many stories is the found thing the lost one?",
        {
            "hardly any": "It was named dozens of tokens ago, and the LSTM cannot look back. But it carries c along.",
            "about half": "That would be guessing. The model need not guess: its state carries the toy.",
            "all or nearly all": "Right: the state carries the toy that far.",
        },
        "all or nearly all",
    ),
}
