"""Lesson 03, Network: what its exercises and predictions ask, and what is wrong about wrong answers."""

from __future__ import annotations

from typing import Any

import numpy as np

from helpers.exercises import answers
from helpers.exercises.answers import NotYet
from helpers.exercises.course import Estimate, Exercise, Pick

TERMS = {"distribution": "b", "logit": "c", "gradient": "d", "state": "e", "gate": "a"}
TARGET = np.array([0.75, 0.25])
STEPS = 100
TEXTS = ["xxx", "abx", "xx.x", "y.xx.yx", "x.", "", "..x.xxxx"]


def softmax(logits: np.ndarray) -> np.ndarray:
    powers = np.exp(logits - logits.max())
    return powers / powers.sum()


def terms(answer: Any) -> None:
    answers.matched(
        answer,
        TERMS,
        {
            ("logit", "b"): "logits are what softmax starts from: they may be below zero and add up to anything",
            ("distribution", "c"): "a distribution has no numbers below zero, and its sum is 1",
            ("logit", "a"): "a logit may be 17 or −3. What lies between 0 and 1 here is a gate",
            ("state", "a"): "a state is a vector that is carried on; what multiplies it is a gate",
            ("gate", "e"): "a gate does not hold anything: it lets through or keeps back what the state holds",
            ("gradient", "c"): "a score is a logit. The gradient says how the loss changes with it",
        },
    )


def true_of_networks(answer: Any) -> None:
    answers.true_ones(
        answer,
        true={
            "a": "Divide 3 and 1 by their sum, and add",
            "c": "Think of Monday and Friday, and of the table that all words share",
        },
        false={
            "b": "With a rate of 30 the loss jumped to and fro and came no nearer",
            "d": "A forget gate of 0 multiplies the cell by 0",
            "e": "It is the other way round: c is what is kept, h is what the output gate lets be seen",
            "f": "A power of e is above 0, however small. It was the counted table that had a 0",
        },
    )


def one_step_by_hand(answer: Any) -> None:
    first, second = answers.pair(answer, "a gradient and the new logits, two numbers each")
    gradient, logits = answers.numbers(first, (2,), "two numbers"), answers.numbers(second, (2,), "two numbers")
    _match(gradient, np.array([0.75, -0.75]), GRADIENTS, "the gradient")
    _match(logits, np.array([0.35, 0.75]), LOGITS, "the gradient is right. The new logits")


GRADIENTS = [
    ([-0.75, 0.75], "the sign is turned round: it is probabilities minus one-hot"),
    ([0.75, 0.25], "these are the probabilities. Subtract the one-hot list"),
    ([-0.25, 0.25], "that would be right if the first word had come next; the second did"),
    ([0.25, -0.25], "the probabilities are 3/4 and 1/4, in that order: e to the power of 1.1 is 3, and of 0 it is 1"),
]
LOGITS = [
    ([1.85, -0.75], "the gradient is right. But you added it: a step goes down, so subtract"),
    ([0.75, -0.75], "the gradient is right. Now subtract it from the old logits"),
    ([-0.75, 0.75], "the gradient is right, and you took it off from zeros. The old logits were 1.1 and 0"),
]


def _match(given: np.ndarray, wanted: np.ndarray, known: list[tuple[list[float], str]], name: str) -> None:
    for values, says in [(wanted.tolist(), ""), *known]:
        if np.allclose(given, values, atol=0.011):
            if says:
                raise NotYet(says)
            return
    raise NotYet(f"{name} cannot be ({given[0]:g}, {given[1]:g}): compute the two probabilities first")


def gradient_of_a_row(answer: Any) -> None:
    rng = np.random.default_rng(5)
    for size, words in [(2, 3), (4, 6)]:
        row, output, right = rng.normal(0, 1, size), rng.normal(0, 1, (size, words)), words - 2
        given = answers.numbers(answers.run(answer, row, output, right), (size,), "as many numbers as the row has")
        for_logits = softmax(row @ output) - np.eye(words)[right]
        if not np.allclose(given, output @ for_logits, atol=1e-4):
            raise NotYet(_about_gradient(given, row, output, right))


def _about_gradient(given: np.ndarray, row: np.ndarray, output: np.ndarray, right: int) -> str:
    probabilities = softmax(row @ output)
    wanted = output @ (probabilities - np.eye(len(probabilities))[right])
    nudged = f"Nudged, the loss changes by {answers.written(wanted)}; yours is {answers.written(given)}"
    if np.allclose(given, 0):
        return "all zeros would mean that no nudge changes the loss. " + nudged
    if np.allclose(given, -wanted):
        return "the sizes are right and the sign is turned round. " + nudged
    if np.allclose(given, output @ probabilities):
        return "the one-hot part is missing: the gradient for the logits is probabilities minus one-hot. " + nudged
    if np.allclose(given, -output[:, right]):
        return "you have the right word's part alone; the other words' logits move, too. " + nudged
    return nudged + ". Each logit v changes by output[d, v]: add up what all of them do"


def too_long_a_step(answer: Any) -> None:
    value, letter = answers.pair(answer, "a learning rate and a letter")
    rate = answers.number(value)
    if rate < 0:
        raise NotYet("a rate below zero climbs where it should go down. Break it with a rate above zero")
    losses = _losses(rate)
    if not np.isfinite(losses).all():
        raise NotYet(f"at {rate:g} the numbers overflow. A far smaller rate will do")
    if rate == 0 or max(losses[-10:]) <= losses[0]:
        rest = "nothing moves" if rate == 0 else f"the loss comes down to {losses[-1]:.3f}"
        raise NotYet(f"at {rate:g} {rest}; in the last ten steps it should rise above {losses[0]:.3f} again")
    answers.letter(
        letter,
        {
            "a": "the rate is right. But the gradient is exact where you stand, at each rate",
            "c": "the rate is right. But all numbers were finite",
            "d": "the rate is right. But there is a best place, the shares 3/4 and 1/4; a small rate finds it",
        },
        "b",
    )


def _losses(rate: float) -> list[float]:
    """The loss along the steps from zeros towards TARGET."""
    logits, losses = np.zeros(2), []
    with np.errstate(all="ignore"):
        for _ in range(STEPS):
            losses.append(float(-TARGET @ np.log(softmax(logits))))
            logits = logits - rate * (softmax(logits) - TARGET)
    return losses


def counts_letters(answer: Any) -> None:
    if _gates(answer, "x")[1] < 0.1 and _gates(answer, ".")[1] > 0.9:
        raise NotYet("your forget gate is turned round. Its name misleads: 1 keeps what is there, 0 drops it")
    for text in TEXTS:
        cell = 0.0
        for letter in text:
            input_gate, forget_gate = _gates(answer, letter)
            cell = forget_gate * cell + input_gate
        wanted = text.split(".")[-1].count("x")
        if abs(cell - wanted) > 0.1:
            raise NotYet(
                f"after {text!r} your cell holds {cell:g}, and it should hold {wanted}{_why_wrong(text, cell)}"
            )


def _gates(answer: Any, letter: str) -> tuple[float, float]:
    """The input gate and the forget gate that the learner's function sets at a letter."""
    first, second = answers.pair(answers.run(answer, letter), "an input gate and a forget gate")
    gates = answers.number(first), answers.number(second)
    for name, gate in zip(("input gate", "forget gate"), gates, strict=True):
        if not 0 <= gate <= 1:
            raise NotYet(f"at {letter!r} your {name} is {gate:g}: a gate lies between 0 and 1")
    return gates


def _why_wrong(text: str, cell: float) -> str:
    if cell == len(text):
        return ". It counts every letter: which gate lets them in?"
    if cell == text.count("x"):
        return ". It counts each x, before the full stop, too: which gate drops what is kept?"
    if cell <= 1 and text.endswith("xx"):
        return ". It drops what it has at each letter: a forget gate of 1 keeps, one of 0 drops"
    return ""


EXERCISES = {
    "03.1": Exercise("recall", (1, 2, 4), terms),
    "03.2": Exercise("recall", (1, 3, 5), true_of_networks),
    "03.3": Exercise("by hand", (2,), one_step_by_hand, "The logits have changed places: now the second word leads."),
    "03.4": Exercise("code", (2, 3), gradient_of_a_row, "That is one more link of the chain; torch does them all."),
    "03.5": Exercise(
        "break", (2,), too_long_a_step, "A rate is too large where a step leaves the place it was meant for."
    ),
    "03.6": Exercise("transfer", (5,), counts_letters, "A real LSTM learns such gates, for each unit its own."),
}

PREDICTIONS = {
    "03.1": Pick(
        "After “the”: cat and dog? After “dog”: slept?",
        {
            "½ and ½; slept ½": "Both animals can follow. But the table counts how often they did.",
            "¾ and ¼; slept 0": "Right: three of four, one of four, none of one.",
            "¾ and ¼; slept ½": "Sensible: cats sleep, so dogs might. But this table knows no likeness.",
        },
        "¾ and ¼; slept 0",
    ),
    "03.2": Pick(
        "What follows “said” most often, and how surely?",
        {
            "“the”, about half": "It is the most frequent word of all. But after “said” it never comes.",
            "a name, about a quarter": "Right: the stories have four heroes.",
            "a name, nearly always the same": "A story has one hero, but the table has read all of them.",
        },
        "a name, about a quarter",
    ),
    "03.3": Pick(
        "Logits 2, 1, 0: which of them get more than half?",
        {
            "cat alone": "Right: 7.4 of 11.1.",
            "cat and dog": "Two of them cannot: together they have 1.",
            "none": "If the logits were shares, cat would have 2 of 3 already; powers make the gap wider or narrower.",
        },
        "cat alone",
    ),
    "03.4": Pick(
        "Which of the three results are above zero?",
        {
            "cat": "A larger logit of cat makes the right word likelier, and the loss smaller.",
            "dog and sun": "Right: what they gain is taken from cat.",
            "all three": "Each nudge makes one power larger. But for cat the loss gains from it.",
        },
        "dog and sun",
    ),
    "03.5": Pick(
        "Will the formula and torch agree with the nudges?",
        {
            "exactly": "A nudge of 0.01 is small, but a derivative is what comes out for ever smaller ones.",
            "to about a thousandth": "Right: and they agree with each other exactly.",
            "only in the sign": "The chain rule gives sizes, too.",
        },
        "to about a thousandth",
    ),
    "03.6": Pick(
        "Where will the steps come to rest?",
        {
            "at equal chances": "That is where they begin: all logits are 0.",
            "at the shares of the counts": "Right: there probabilities minus shares is 0.",
            "with cat at 1": "After “the” a dog came once. A step at that place takes cat down.",
        },
        "at the shares of the counts",
    ),
    "03.7": Pick(
        "How many entries, how many of them touched?",
        {
            "3 million, most of them": "There are 385,000 places. But the same pairs come again and again.",
            "3 million, some 5,000": "Right: one entry in some 660.",
            "1,800, all of them": "That is the number of rows; each row has 1,800 entries.",
        },
        "3 million, some 5,000",
    ),
    "03.8": Pick(
        "Which predicts best, overall and after rare words?",
        {
            "V × V, the largest": "More numbers can hold more. But each has to be learned from its own row's places.",
            "the small network": "Right: what it learns from one word helps the others.",
            "the counts": "They are exact for frequent words. After rare words they have little to count.",
        },
        "the small network",
    ),
    "03.9": Pick(
        "Which two rows point the same way?",
        {
            "Monday and Friday": "Right: the same words follow them.",
            "Monday and Tom": "Both are written with a capital, but no letter ever reaches the table.",
            "no two": "Random rows would be like that. These have been trained.",
        },
        "Monday and Friday",
    ),
    "03.10": Pick(
        "Who comes after “said”, if one word is read, or all of it?",
        {
            "both expect Tom": "You know it from the first sentence. A table that has read “said” alone does not.",
            "one word: four names; all of it: Tom": "Right: 2.5 bits against 0.008.",
            "both expect four names": "Whoever has read the text knows that Tom is the one who speaks.",
        },
        "one word: four names; all of it: Tom",
    ),
    "03.11": Pick(
        "Do the two sentences end in the same state?",
        {
            "the same": "Their averages were the same. But here each word meets the state that earlier words made.",
            "different": "Right: f is applied in the order of the words.",
        },
        "different",
    ),
    "03.12": Pick(
        "Of 1,000 signals, how many come out right?",
        {
            "small 500, large 500, gates all": "Right: both plain networks might as well toss a coin.",
            "small 500, large all, gates all": "A large weight does keep a bit well. But it keeps the first one.",
            "all three nearly all": "A plain sum cannot tell a marked value from the others.",
        },
        "small 500, large 500, gates all",
    ),
    "03.13": Estimate(
        "Forget gate 0.9: how much of 1 is left after 20 steps?",
        truth=0.12,
        within=0.03,
        yes="It is 0.9 to the power of 20.",
        low="It never reaches 0: each step takes a tenth of what is left, not of what was there.",
        high="0.9 sounds like nearly all. But it is multiplied twenty times.",
    ),
    "03.14": Pick(
        "D = 64, H = 256: which shapes do the weights have?",
        {
            "(256, 64) and (256, 256)": "One layer reads the row, one the hidden state. But there are four of each.",
            "(1024, 64) and (1024, 256)": "Right: four blocks of 256 rows.",
            "(1024, 320)": "A table for both at once would do. Here each has its own.",
        },
        "(1024, 64) and (1024, 256)",
    ),
    "03.15": Pick(
        "30 tokens later: what has a typical unit kept, the best one?",
        {
            "nothing, nearly all": "Right: most units change with each word; a few are there to remember.",
            "half, nearly all": "With a gate of 0.977 at each token it would be so. Most gates are far lower.",
            "nothing, nothing": "Then the model could not know the hero's name at the end. And it does.",
        },
        "nothing, nearly all",
    ),
}
