"""Lesson 04, Training: what its exercises and predictions ask, and what is wrong about wrong answers."""

from __future__ import annotations

import math
from collections.abc import Mapping
from functools import lru_cache
from typing import Any

from helpers import checks
from helpers.corpus import Corpus, load_corpus
from helpers.exercises import answers
from helpers.exercises.answers import NotYet
from helpers.exercises.course import Estimate, Exercise, Pick
from helpers.models.checkpoint import load_shipped
from helpers.training import IGNORE_INDEX
from helpers.training.baselines import KneserNey

TERMS = {"loss": "c", "perplexity": "e", "learning rate": "a", "epoch": "d", "floor": "b"}
PAD, BOS, EOS = 0, 2, 3
BATCHES = [[[10, 11], [12]], [[20], [21, 22, 23, 24], [25, 26]], [[0, 30, 3]]]  # pad and eos may stand in a text, too
MEASURED = 100  # held-out texts that the leak is measured on
MOST_TEXTS = 8_000
HALVES = 1.75  # bits a text: the floor of ½, ¼, ⅛ and ⅛


@lru_cache
def corpus() -> Corpus:
    return load_corpus()


def terms(answer: Any) -> None:
    answers.matched(
        answer,
        TERMS,
        {
            ("loss", "e"): "the loss is a mean of −ln; e to the power of it counts a die's sides",
            ("perplexity", "c"): "a mean of −ln is the loss. Perplexity is made from it, and begins at 1, not at 0",
            ("floor", "c"): "the loss belongs to a model. The floor belongs to the source of the texts",
            ("loss", "b"): "the least that any model can need is the floor; a loss is what one model needs",
            ("learning rate", "d"): "a learning rate is the size of a step; once through the texts is an epoch",
            ("epoch", "a"): "an epoch is a stretch of training, not the size of a step",
        },
    )


def true_of_training(answer: Any) -> None:
    answers.true_ones(
        answer,
        true={
            "a": "The owl's row was not in the sentence of the cat and the dog. Did it get a gradient?",
            "d": "A text of one grammar may cost less than the average; so may four of them",
            "e": "With one table for both ends, 1,800 of 1,800 rows got a gradient",
        },
        false={
            "b": "You saw a text's loss with filling and without: 7.507 and 7.507",
            "c": "The twenty texts were learned by heart, while the held-out bits rose",
            "f": "`<pad>` fills; the end token is what the model learns to say when a text is done",
        },
    )


def costs_by_hand(answer: Any) -> None:
    if not isinstance(answer, tuple | list) or len(answer) != 3:
        raise NotYet("three numbers are wanted: bits per token, perplexity, bits per byte")
    per_token, perplexity, per_byte = (answers.number(value) for value in answer)
    answers.close(per_token, 2.0, PER_TOKEN, "bits per token: add up the −log₂ of the four probabilities", within=0.006)
    answers.close(perplexity, 4.0, PERPLEXITY, "2 bits per token are right. How many sides need 2 bits?", within=0.006)
    answers.close(per_byte, 0.5, PER_BYTE, "two are right. Divide all bits of the text by all its bytes", within=0.006)


PER_TOKEN = [
    (10 / 6, "you counted the two places of filling. Their targets are −100: they are left out, of the mean as well"),
    (7 / 3, "you left out the end token. It is a target as any other"),
    (8.0, "these are the bits of the whole text. Divide by the number of targets"),
    (math.log(4), "this is the loss in nats, with ln. Bits take log₂"),
    (-math.log2(1.3125 / 4), "you took the mean of the probabilities first. Take −log₂ of each, and the mean of these"),
    (-2.0, "the sign is turned round: log₂ of a probability is below zero, so a minus stands before it"),
    (8 / 6, "the filling adds no bits, and it must not be counted as places either"),
]
PERPLEXITY = [
    (math.exp(2), "2 bits per token are right. e belongs to nats; with bits it is 2 to the power"),
    (2.0, "2 bits per token are right. With 2 sides one bit would do"),
    (1800.0, "2 bits per token are right. V would be the perplexity of a model that has no idea"),
]
PER_BYTE = [
    (8 / 15, "two are right. The end of the text counts as a byte, since the model must predict it"),
    (2 / 16, "two are right. You divided the bits of one token by the bytes of the whole text"),
    (2.0, "two are right. A token is several bytes long, so a byte costs less than a token"),
]


def makes_a_rectangle(answer: Any) -> None:
    for texts in BATCHES:
        longest = max(map(len, texts)) + 1
        given = answers.pair(answers.run(answer, texts), "inputs and targets")
        inputs, targets = (_rows(rows, len(texts), longest, name) for rows, name in zip(given, NAMES, strict=True))
        for ids, row, goal in zip(texts, inputs, targets, strict=True):
            filling = longest - len(ids) - 1
            _same_row("inputs", ids, row, [BOS, *ids] + [PAD] * filling)
            _same_row("targets", ids, goal, [*ids, EOS] + [IGNORE_INDEX] * filling)


NAMES = ("inputs", "targets")


def _rows(rows: Any, count: int, longest: int, name: str) -> list[list[int]]:
    """The rows as lists of ids, once there are as many as texts, each as long as the longest needs."""
    plain = rows.tolist() if hasattr(rows, "tolist") else rows
    found = [answers.items(row, int, "a list of ids for each text") for row in answers.items(plain, object, name)]
    if len(found) != count:
        raise NotYet(f"for {count} texts your {name} have {len(found)} rows")
    if len({len(row) for row in found}) > 1:
        raise NotYet(f"your {name} are no rectangle: their rows have the lengths {[len(row) for row in found]}")
    if len(found[0]) != longest:
        raise NotYet(
            f"where the longest text has {longest - 1} ids, each row of the {name} needs {longest} places, "
            f"and yours have {len(found[0])}"
        )
    return found


def _same_row(name: str, ids: list[int], given: list[int], wanted: list[int]) -> None:
    filling = len(wanted) - len(ids) - 1
    known = [
        (wanted[::-1], ". The row is turned round"),
        (wanted[-filling:] + wanted[:-filling] if filling else [], ". The filling stands in front: it belongs behind"),
        ([*ids, EOS] + [PAD] * filling, ". So the model would learn that pad follows: mark the filling with −100"),
        ([*ids] + [IGNORE_INDEX] * (filling + 1), ". No eos: such a model never learns to stop"),
        ([BOS, *ids] + [IGNORE_INDEX] * filling, ". These are the inputs: the targets come one place earlier"),
        ([*ids, EOS] + [PAD] * filling, ". The inputs begin with bos, and have no eos"),
        ([BOS, *ids] + [IGNORE_INDEX] * filling, ". −100 is no row of the table: inputs are filled with pad"),
    ]
    says = f"the {name} of {ids}, filled up by {filling}, should not be {given}"
    answers.same(given, wanted, [(wrong, says + why) for wrong, why in known], f"{says}: see what the lesson prints")


def leaks(answer: Any) -> None:
    texts, letter = answers.pair(answer, "a list of texts and a letter")
    counted = answers.items(texts, str, "a list of texts")
    held_out = list(corpus().validation[:MEASURED])
    if not 0 < len(counted) <= MOST_TEXTS:
        raise NotYet(f"you gave {len(counted)} texts. From 1 to {MOST_TEXTS:,} can be counted here")
    reached = KneserNey(load_shipped()[1], counted, order=5).bits_per_byte(held_out)
    floor = corpus().floor_bits_per_byte or 0.0
    if reached >= floor:
        raise NotYet(_still_above(reached, floor, counted, held_out))
    why_not = {
        "a": "the floor did not move: it belongs to the grammar, whatever a model has read",
        "c": "more counts of the same texts say nothing new about the grammar. Try it on `held_out[100:]`",
        "d": "the measure is the same as before, and it is fair: the texts that it is taken on are not",
    }
    answers.letter(letter, {each: f"{reached:.3f} is below. But {says}" for each, says in why_not.items()}, "b")


def _still_above(reached: float, floor: float, counted: list[str], held_out: list[str]) -> str:
    """What to say to texts that bring the 5-gram nowhere near."""
    begin = f"the 5-gram reaches {reached:.3f}, and the floor is {floor:.3f}"
    known = set(held_out) & set(counted)
    if not known:
        return f"{begin}. It has counted honest texts, and the texts of the measure are new to it. Break that"
    if len(known) < len(held_out):
        return f"{begin}. It knows {len(known)} of the {len(held_out)} texts that it is measured on. Why not all?"
    return (
        f"{begin}. It knows all the texts of the measure, but has met some runs of five only once, and keeps a part "
        "of such chances for what it has never met. What if it meets them more often?"
    )


def own_grammar(answer: Any) -> None:
    grammar, believes = answers.pair(answer, "a dictionary and a number")
    chances = _chances(grammar)
    floor = sum(chance * -math.log2(chance) for chance in chances)
    if abs(floor - HALVES) > 0.005:
        raise NotYet(f"the floor of yours is {floor:.3f} bits a text{_which_way(floor, chances)}")
    known = [
        (floor, "that is the floor. It is reached by the model that knows the chances, and this one does not"),
        (1 / len(chances), "that is the chance it gives each text. How many bits is it?"),
        (float(len(chances)), "that is how many texts there are. How many bits name one of them?"),
        (math.log(len(chances)), "that is nats. Bits take log₂"),
    ]
    known = [(value, f"the grammar is right. As for the model: {says}") for value, says in known]
    otherwise = "the grammar is right. The model gives each text the same chance: what is −log₂ of it?"
    answers.close(answers.number(believes), math.log2(len(chances)), known, otherwise, within=0.006)


def _chances(grammar: Any) -> list[float]:
    """The chances of a grammar's texts, once they are those of a distribution."""
    if not isinstance(grammar, Mapping):
        raise NotYet(f"a dictionary with a chance for each text is wanted; this is {checks.shown(grammar)}")
    for text in grammar:
        answers.text(text)
    chances = [answers.number(chance) for chance in grammar.values()]
    if any(not 0 < chance <= 1 for chance in chances):
        raise NotYet("each chance lies above 0 and is at most 1: a text with chance 0 is never written")
    if not math.isclose(sum(chances), 1, abs_tol=1e-6):
        raise NotYet(f"your chances add up to {sum(chances):.3f}, and one of the texts is always written")
    return chances


def _which_way(floor: float, chances: list[float]) -> str:
    if len(chances) == 1:
        return ": one text alone is no surprise"
    if max(chances) - min(chances) < 1e-9:
        return f": equal chances make the most of {len(chances)} texts. Make some texts more frequent than others"
    return f", not {HALVES}. It {'falls' if floor > HALVES else 'rises'} " + (
        "when one text is written more often" if floor > HALVES else "with more texts, or chances that are more alike"
    )


EXERCISES = {
    "04.1": Exercise("recall", (1, 5), terms),
    "04.2": Exercise("recall", (2, 3, 4, 5), true_of_training),
    "04.3": Exercise("by hand", (1, 3, 5), costs_by_hand, "That is all that the helper does, for 1,800 ids."),
    "04.4": Exercise("code", (3, 4), makes_a_rectangle, "The helper does the same, and makes tensors of it."),
    "04.5": Exercise(
        "break",
        (5,),
        leaks,
        "This is called a leak. In real corpora it is easy to miss.",
        seconds=60,
    ),
    "04.6": Exercise("transfer", (5,), own_grammar, "What the chances tell is what a model can save, and no more."),
}

PREDICTIONS = {
    "04.1": Pick(
        "Which shapes have rows, hidden states, probabilities?",
        {
            "(1, 7, 64), (1, 7, 128), (1, 7, 1800)": "Right: each of the seven places has all three.",
            "(1, 7, 64), (1, 128), (1, 1800)": "For writing, the last place is enough. Training uses all of them.",
            "(1, 8, 64), (1, 8, 128), (1, 8, 1800)": "There are eight ids. But the last one is a target alone.",
        },
        "(1, 7, 64), (1, 7, 128), (1, 7, 1800)",
    ),
    "04.2": Estimate(
        "What is the loss of a model that knows nothing?",
        truth=7.536,
        within=0.3,
        yes="It is about ln 1,800.",
        low="So small a loss would mean that it already favours the right ones. Each gets about 1/1,800.",
        high="1,800 ids is where it comes from. But the loss is a logarithm: ln 1,800 is 7.5.",
    ),
    "04.3": Pick(
        "How many rows got a gradient?",
        {
            "7": "Right: those that were looked up, one for each input.",
            "8, with </s>": "It is a target. A target's row is not looked up in this table.",
            "all 1,800": "All 1,800 logits got one. But they come from the output layer, which has a table of its own.",
        },
        "7",
    ),
    "04.4": Pick(
        "In the second step, does the row of “cat” move?",
        {
            "no: its gradient is zero": "So it would be without a memory. Adam averages over the gradients before.",
            "yes": "Right: it goes on in the direction of the step before.",
        },
        "yes",
    ),
    "04.5": Pick(
        "Padded to its neighbour's length, what does the loss do?",
        {
            "it falls": "It would, if guessing pad after pad counted. It does not.",
            "it rises": "An untrained model does not expect pad. But nobody asks it.",
            "nothing": "Right: a place with −100 is left out of the mean.",
        },
        "nothing",
    ),
    "04.6": Pick(
        "Which of the two reports the smaller loss of its own?",
        {
            "the one with the mask": "It knows the words better. But the other one counts easy places as well.",
            "the one without": "Right: filling is easy to guess, so its mean is lower.",
        },
        "the one without",
    ),
    "04.7": Pick(
        "Never shown an end token, what does a model do?",
        {
            "it stops at the full stop": "A reader would. To the model, “.” is a piece like others: something follows.",
            "it writes on into the limit": "Right: the end token is never likely.",
            "an error": "Nothing fails: some piece is always the likeliest.",
        },
        "it writes on into the limit",
    ),
    "04.8": Pick(
        "Can a model need fewer bits than the chances give?",
        {
            "yes, a better one": "No model is better than one that knows the chances themselves.",
            "not on average": "Right: on one text it can, and then it pays more on others.",
            "never, on no text": "One that bets all on the cat needs 0 bits for it. And then the owl comes.",
        },
        "not on average",
    ),
    "04.9": Pick(
        "Which comes first?",
        {
            "the classes' places": "Right: a tenth of the run is enough.",
            "good stories": "Tempting: stories seem to need no more than words in order. But they need words first.",
            "both together": "They are learned by the same steps, but a story takes many more of them.",
        },
        "the classes' places",
    ),
    "04.10": Pick(
        "Twenty texts, 300 updates: what do the curves do?",
        {
            "both fall": "So it begins. But then the twenty texts are known by heart.",
            "the loss falls, held out falls and rises": "Right: it goes on learning, but nothing that holds elsewhere.",
            "both fall, then rise": "The left one measures the texts that it trains on. What would make it rise?",
        },
        "the loss falls, held out falls and rises",
    ),
}
