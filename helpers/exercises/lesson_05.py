"""Lesson 05, Sampling: what its exercises and predictions ask, and what is wrong about wrong answers."""

from __future__ import annotations

from functools import lru_cache
from typing import Any

import numpy as np

from helpers import checks
from helpers.exercises import answers
from helpers.exercises.answers import NotYet
from helpers.exercises.course import Exercise, Pick
from helpers.models.checkpoint import load_shipped
from helpers.sampling import (
    SamplingSettings,
    apply_temperature,
    draw,
    entropy,
    keep_top_k,
    keep_top_p,
    next_token_probabilities,
)

FILTER_JOBS = {"temperature": "c", "top_k": "d", "top_p": "a", "min_p": "b"}
BY_HAND, BY_HAND_K, BY_HAND_P = np.array([0.5, 0.25, 0.15, 0.1]), 3, 0.8
CONTEXT = "One day, Mia"
LEAST_BITS, NEAR_BITS = 2.0, 0.02  # bits: how open a context has to be, and how exactly half of it is to be met
OF_THE_LESSON = (
    "One day, Mia",
    "Long ago, Nora took her old yellow",
    "Once upon a time, Tom ran to the park and met a",
)


@lru_cache
def logits_after(prompt: str) -> np.ndarray:
    """(V,): the shipped model's logits after a prompt."""
    model, tokenizer = load_shipped()
    return model.advance(tokenizer.encode_prompt(prompt))[0]


def true_of_choices(answer: Any) -> None:
    answers.true_ones(
        answer,
        true={
            "a": "Section 1 drew ten times at temperature 0",
            "d": "Think of what top-k leaves of a candidate that it cuts: which stretch of the line could be hit?",
        },
        false={
            "b": "Temperature changes how far apart candidates are, and never which one is ahead",
            "c": "Top-p counts a share of the probability, not of the candidates: after *old yellow* one was enough",
            "e": "If the likeliest guess is wrong, a low temperature repeats it all the more surely",
        },
    )


def filter_jobs(answer: Any) -> None:
    given = answers.jobs(answer, FILTER_JOBS, "abcd")
    if (given["top_p"], given["min_p"]) == ("b", "a"):
        raise NotYet("you have top-p and min-p the wrong way round. Which of the two adds probabilities up?")
    if (given["top_k"], given["top_p"]) == ("a", "d"):
        raise NotYet("you have top-k and top-p the wrong way round. k is a whole number, p a probability")
    if given["temperature"] != "c":
        raise NotYet("temperature cuts nothing: every candidate still has a chance, a larger or a smaller one")
    if wrong := [name for name in FILTER_JOBS if given[name] != FILTER_JOBS[name]]:
        raise NotYet(f"{len(wrong)} of the four have another job, {wrong[0]} among them")


def by_hand(answer: Any) -> None:
    given = answers.numbers(answer, (4,), "four probabilities")
    wanted = keep_top_p(keep_top_k(BY_HAND, BY_HAND_K), BY_HAND_P)
    after_k = np.where(keep_top_k(BY_HAND, BY_HAND_K) > 0, BY_HAND, 0)
    known = [
        (after_k, "that is top-k, not yet renormalised: divide by what is left, then go on to top-p"),
        (after_k / after_k.sum(), "that is top-k alone, renormalised. Now add up from the left until 0.8 is reached"),
        (np.where(wanted > 0, BY_HAND, 0), "the right ones are kept. Their probabilities add up to 0.75, not to 1"),
        (np.where(wanted > 0, after_k / after_k.sum(), 0), "the right ones are kept. One more division is missing"),
        (BY_HAND, "these are the probabilities from which you begin"),
        (np.array([1.0, 0, 0, 0]), "after top-k the first has 0.556. That does not reach 0.8 alone"),
    ]
    for wrong, says in known:
        if np.allclose(given, wrong, atol=0.003):
            raise NotYet(says)
    if not np.allclose(given, wanted, atol=0.003):
        raise NotYet(f"yours add up to {given.sum():.3f}. Do top-k first and divide, then top-p, and divide again")


def temperature_last(answer: Any) -> None:
    rng = np.random.default_rng(11)
    for temperature, top_p in [(0.5, 0.9), (2.0, 0.7), (1.5, 0.8), (1.0, 0.6)]:
        logits = rng.normal(0, 1.5, size=6)
        given = answers.numbers(answers.run(answer, logits, temperature, top_p), (6,), "six probabilities")
        _temperature_last(given, logits, temperature, top_p)


def _temperature_last(given: np.ndarray, logits: np.ndarray, temperature: float, top_p: float) -> None:
    case = f"at temperature {temperature} and top-p {top_p}"
    nucleus = keep_top_p(apply_temperature(logits, 1.0), top_p)
    wanted = apply_temperature(np.where(nucleus > 0, logits, -np.inf), temperature)
    if np.allclose(given, wanted):
        return
    if np.allclose(given, keep_top_p(apply_temperature(logits, temperature), top_p)):
        raise NotYet(f"{case} you have temperature first, and the nucleus cut from what it left")
    if np.allclose(given, nucleus):
        raise NotYet(f"{case} you have the nucleus as it is: temperature has done nothing to it")
    if np.allclose(given, apply_temperature(logits, temperature)):
        raise NotYet(f"{case} nothing is cut")
    if not np.isclose(given.sum(), 1):
        raise NotYet(f"{case} your probabilities add up to {given.sum():.3f}, not to 1")
    if np.array_equal(given > 0, nucleus > 0):
        raise NotYet(f"{case} you keep the right candidates and share out wrongly: {np.round(given, 3)}")
    kept = np.count_nonzero(given), np.count_nonzero(nucleus)
    raise NotYet(f"{case} you keep {kept[0]} candidates; the nucleus at temperature 1 has {kept[1]}")


def same_seed_other_token(answer: Any) -> None:
    if not isinstance(answer, tuple | list) or len(answer) != 4:
        raise NotYet("four values are wanted: a seed, two SamplingSettings, a letter")
    first, second = _drawn_with_one_seed(*answer[:3])
    differ = f"they differ, {first!r} and {second!r}"
    answers.letter(
        answer[3],
        {
            "a": f"{differ}. But the seed gives the same number u both times",
            "c": f"{differ}. But the logits are the model's; settings come after them",
            "d": f"{differ}. But run it again: each of the two comes again",
        },
        "b",
    )


def _drawn_with_one_seed(seed: Any, first: Any, second: Any) -> tuple[str, str]:
    """The two pieces that are drawn, if they differ."""
    if not checks.is_whole(seed) or seed < 0:
        raise NotYet("the seed should be a whole number from 0 up")
    if not isinstance(first, SamplingSettings) or not isinstance(second, SamplingSettings):
        raise NotYet("both settings should look like SamplingSettings(temperature=0.5)")
    if first == second:
        raise NotYet("you give the same settings twice. Your friend is right about those")
    drawn = _drawn(int(seed), first), _drawn(int(seed), second)
    if drawn[0] == drawn[1]:
        raise NotYet(
            f"with seed {seed} both draw {drawn[0]!r}. Take settings that differ more, or another seed: u may fall "
            "on the same stretch although it became longer or shorter"
        )
    return drawn


def _drawn(seed: int, settings: SamplingSettings) -> str:
    """The piece that follows the lesson's context."""
    chosen = draw(next_token_probabilities(logits_after(CONTEXT), settings), np.random.default_rng(seed))
    return load_shipped()[1].piece(chosen)


def half_as_open(answer: Any) -> None:
    prompt, value = answers.pair(answer, "a beginning and a temperature")
    prompt, temperature = answers.text(prompt), answers.number(value)
    if prompt.strip() in OF_THE_LESSON:
        raise NotYet(f"{prompt!r} stands in the lesson: take a beginning of your own")
    try:
        logits = logits_after(prompt)
        given = entropy(apply_temperature(logits, temperature))
    except (TypeError, ValueError) as error:
        raise NotYet(str(error)) from None
    bits = entropy(apply_temperature(logits, 1.0))
    if bits < LEAST_BITS:
        raise NotYet(f"after {prompt!r} the model has {bits:.2f} bits to choose: take a more open place")
    if abs(given - bits / 2) <= NEAR_BITS:
        return
    if abs(given - bits) <= NEAR_BITS:
        raise NotYet(f"at {temperature:g} the entropy is {given:.2f} bits, all of it. Half is wanted")
    if abs(temperature - 0.5) < 1e-9:
        raise NotYet(f"half the temperature does not give half the bits: {given:.2f} of {bits:.2f}")
    way = "a lower" if given > bits / 2 else "a higher"
    raise NotYet(f"at {temperature:g} the entropy is {given:.2f} of {bits:.2f} bits: try {way} temperature")


EXERCISES = {
    "05.1": Exercise("recall", (1, 2, 3), true_of_choices),
    "05.2": Exercise("recall", (2, 3), filter_jobs),
    "05.3": Exercise("by hand", (3, 4), by_hand, "Without the division in between, three would have stayed."),
    "05.4": Exercise("code", (4,), temperature_last, "Some programs do it in this order, so read their manuals."),
    "05.5": Exercise("break", (5,), same_seed_other_token, "To repeat a text you need the seed and the settings."),
    "05.6": Exercise("transfer", (2,), half_as_open, "Each place in a text needs a temperature of its own for that."),
}

PREDICTIONS = {
    "05.1": Pick(
        "Ten draws at temperature 0: how many different tokens?",
        {
            "one": "Right: all the probability goes to the likeliest.",
            "ten": "A draw is chance, one thinks. But where one token has everything, chance decides nothing.",
            "two or three": "The leader has only 0.189 of the model's probability. At temperature 0 it gets all.",
        },
        "one",
    ),
    "05.2": Pick(
        "Greedy takes a, then what is likeliest. Which text is likeliest?",
        {
            "the greedy one": "Each choice is the best at its place. But the second place depends on the first.",
            "one that begins with b": "Right: b has less, and what follows it has much more.",
            "they are equal": "Multiply: 0.6 · 0.4 on one way, 0.4 · 0.9 on the other.",
        },
        "one that begins with b",
    ),
    "05.3": Pick(
        "A temperature below 1: whom does it help?",
        {
            "the leader": "Right: dividing by a number below 1 makes the gaps between logits larger.",
            "the others": "A smaller number, smaller differences, one thinks. But a division by 0.5 doubles them.",
            "nobody": "Divided probabilities would be renormalised to what they were. But logits are divided here.",
        },
        "the leader",
    ),
    "05.4": Pick(
        "Where does the model need few candidates?",
        {
            "the same number everywhere": "That is what a fixed k assumes.",
            "fewer, the longer the text": "More text tells more, often. But after *met a*, the longest, many can come.",
            "few after 'old yellow'": "Right: one toy is yellow. At the two other places many words fit.",
        },
        "few after 'old yellow'",
    ),
    "05.5": Pick(
        "With m = 0.3, how many of the four stay?",
        {
            "one": "Only one has 0.3 or more. But the bar is 0.3 times the leader, and that is lower.",
            "two": "Right: .609 and .224 are above .183.",
            "three": "The third has .136, close to the bar, but below it.",
        },
        "two",
    ),
    "05.6": Pick(
        "Not renormalised: how many does top-p keep?",
        {
            "one, as before": "The order of the candidates is the same. But .5 alone no longer reaches 0.6.",
            "two": "Right: .5 is too little, and .5 + .3 is enough.",
            "none": "All that top-k left adds up to .8, so 0.6 can be reached.",
        },
        "two",
    ),
    "05.7": Pick(
        "Which order keeps more candidates?",
        {
            "temperature first": "Right: flatter first, so more candidates are needed to reach 0.9.",
            "top-p first": "Cut less, flatten later? The cut comes before the flattening, where the leader has more.",
            "no difference": "The candidates stand in the same order. But their shares differ when top-p adds them up.",
        },
        "temperature first",
    ),
    "05.8": Pick(
        "After 10,000 draws, how far off are the counts?",
        {
            "not at all": "If chance were a plan. Each draw is on its own, and a little is left over.",
            "less than 0.01": "Right: chance evens out, slowly. 100 draws would be off by some hundredths.",
            "0.1 or more": "That happens with ten draws. The more there are, the closer they come.",
        },
        "less than 0.01",
    ),
}
