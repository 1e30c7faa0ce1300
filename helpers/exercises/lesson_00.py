"""Lesson 00, Start here: what its exercises and predictions ask, and what is wrong about wrong answers."""

from __future__ import annotations

from functools import lru_cache
from typing import Any

from helpers import checks
from helpers.exercises import answers
from helpers.exercises.answers import NotYet
from helpers.exercises.course import Exercise, Pick
from helpers.exercises.material import shipped
from helpers.records import TokenStep
from helpers.sampling import SamplingSettings
from helpers.streaming import stream

STATIONS = ["text", "ids", "rows", "layers", "logits", "probabilities", "next id"]
WHY_ORDER = {
    ("ids", "rows"): "a row is looked up by its number, so the id comes first",
    ("rows", "layers"): "the layers compute with rows, so the rows must be there before them",
    ("logits", "probabilities"): "probabilities are made of logits, the scores",
    ("layers", "logits"): "the scores are what the layers arrive at",
    ("probabilities", "next id"): "an id is drawn by its probability",
}
SEEDS = (1, 2, 3)


@lru_cache
def story(prompt: str, seed: int, settings: SamplingSettings, most: int) -> tuple[TokenStep, ...]:
    """The steps of one text by the shipped model."""
    return tuple(stream(*shipped(), prompt, settings, seed=seed, max_new_tokens=most))


def stations_in_order(answer: Any) -> None:
    given = [name.strip().lower() for name in answers.items(answer, str, "a list of the seven names")]
    if sorted(given) != sorted(STATIONS):
        odd = sorted(set(given) ^ set(STATIONS)) or ["one of them twice"]
        raise NotYet(f"each of the seven names is wanted once; look at {odd[0]!r}")
    if given == STATIONS[::-1]:
        raise NotYet("all seven are in line, but from the end to the beginning")
    for (first, second), why in WHY_ORDER.items():
        if given.index(first) > given.index(second):
            raise NotYet(f"you have {second!r} before {first!r}: {why}")
    if given != STATIONS:
        place = next(n for n, name in enumerate(given) if name != STATIONS[n])
        raise NotYet(f"{given[place]!r} cannot be in place {place + 1}")


def surprises(answer: Any) -> None:
    for prompt, seed in [("One day, Mia", 7), ("Long ago,", 3), ("One day, Mia", 9)]:
        _surprise(answers.run(answer, list(story(prompt, seed, SamplingSettings(), 60))), prompt, seed)


def _surprise(given: Any, prompt: str, seed: int) -> None:
    steps = story(prompt, seed, SamplingSettings(), 60)
    if not isinstance(given, TokenStep):
        raise NotYet(f"a step is wanted, one of the list that goes in; yours is {checks.shown(given)}")
    lowest = min(step.probability for step in steps)
    if given.probability <= lowest:
        return
    case = f"in the story with seed {seed} your step had the probability {given.probability:.3f}"
    if given.probability == max(step.probability for step in steps):
        raise NotYet(f"{case}, the highest of all: that was the least surprise")
    if given.index == 0:
        raise NotYet(f"{case}. It is the first step; another had {lowest:.3f}")
    if given.index == len(steps) - 1:
        raise NotYet(f"{case}. It is the last step; another had {lowest:.3f}")
    raise NotYet(f"{case}, and another had {lowest:.3f}")


def no_chance(answer: Any) -> None:
    value, letter = answers.pair(answer, "a temperature and a letter")
    temperature = answers.number(value)
    try:
        settings = SamplingSettings(temperature)
    except (TypeError, ValueError) as error:
        raise NotYet(str(error)) from None
    told = {"".join(step.output.text for step in story("Once upon a time,", seed, settings, 60)) for seed in SEEDS}
    if len(told) > 1:
        way = "warmer, and they differ more" if temperature > 1 else "still warm enough for chance"
        raise NotYet(f"at {temperature:g} the three seeds tell {len(told)} different stories. That is {way}")
    answers.letter(
        letter,
        {
            "a": "the temperature is right. But nothing was learned: the model's own probabilities are what they were",
            "b": "the temperature is right. But the seed is used as before; look at what it chooses between",
            "d": "the temperature is right. But the model knows many stories: at 1 it told three others",
        },
        "c",
    )


EXERCISES = {
    "00.1": Exercise("recall", (2,), stations_in_order),
    "00.2": Exercise("code", (1, 2), surprises, "Where the model was surprised, the story took a turn."),
    "00.3": Exercise("break", (3,), no_chance, "With one token left to choose, a seed has nothing to decide."),
}

PREDICTIONS = {
    "00.1": Pick(
        "Who decided that the story is over?",
        {
            "the program": "It has a limit, 200 tokens, but this story is shorter.",
            "the last full stop": "A full stop ends a sentence. Five stood before this one, and the story went on.",
            "the model": "Right: the end is a token that it can choose, as any other.",
        },
        "the model",
    ),
    "00.2": Pick(
        "Will the norm be the same for every token?",
        {
            "the same for all": "Tempting, since all rows have 64 numbers. But some rows hold larger numbers.",
            "each id has a norm of its own": "Right: the norm belongs to the row, and the row belongs to the id.",
            "it grows along the text": "The text gets longer. But a row is looked up, and knows nothing of its place.",
        },
        "each id has a norm of its own",
    ),
    "00.3": Pick(
        "What will a high temperature do?",
        {
            "the model writes more carefully": "That is what a low one does: the likeliest token wins more often.",
            "unlikely tokens are chosen more often": "Right: and where many of them are, sense gets lost.",
            "the model writes longer texts": "The end token gets another chance, too. But temperature sets no length.",
        },
        "unlikely tokens are chosen more often",
    ),
}
