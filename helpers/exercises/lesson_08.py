"""Lesson 08, Inside: what its exercises and predictions ask, and what is wrong about wrong answers."""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from typing import Any

import numpy as np

from helpers import checks
from helpers.exercises import answers
from helpers.exercises.answers import NotYet
from helpers.exercises.course import Estimate, Exercise, Pick
from helpers.exercises.matching import matched
from helpers.interventions import edit_memory, mute_heads
from helpers.models.checkpoint import load_shipped, load_shipped_transformer
from helpers.models.lstm import LSTMLanguageModel
from helpers.models.transformer import TransformerLanguageModel
from helpers.protocols import TokenizerProtocol
from helpers.sampling import SamplingSettings, next_token_probabilities

HEROES = ["Mia", "Nora", "Tom", "Leo"]
PRONOUNS = ["she", "he"]


@lru_cache
def lstm() -> tuple[LSTMLanguageModel, TokenizerProtocol]:
    return load_shipped()


@lru_cache
def gpt() -> tuple[TransformerLanguageModel, TokenizerProtocol]:
    return load_shipped_transformer()


# ------------------------------------------------------------------------------------------------------------- recall


def true_of_stages(answer: Any) -> None:
    answers.true_ones(
        answer,
        true={
            "a": "The output table is the embedding table. Which row fits a row of the table best?",
            "b": "What does 'residual' mean in 'residual stream'?",
        },
        false={
            "c": "The lens reads a copy. The text that the model writes is the same, whether you look or not",
            "d": "Rank 1 means that no other token is likelier. *Leo* was first with a probability of .907",
            "e": "Norms grow because each part adds to the vector, and the last layer norm takes the length away again",
        },
    )


def what_each_shows(answer: Any) -> None:
    matched(
        answer,
        {"probe": "b", "ratio": "c", "edit": "a", "control": "d"},
        [
            ({"probe": "a", "edit": "b"}, "probe and edit have changed places. A probe only reads; the model may not"),
            ({"probe": "a"}, "a probe reads from the vectors what we want to know. Does the model read it there, too?"),
            ({"probe": "c", "ratio": "b"}, "the probe takes all 256 numbers at once; the ratio is taken unit by unit"),
            ({"edit": "d", "control": "a"}, "the control is the edit of *other* units, where nothing should happen"),
        ],
    )


# ------------------------------------------------------------------------------------------------------------ by hand

TABLE = {"said": (3, -1), "Leo": (1, 2), "her": (2, 1), "ball": (0, 1)}
ROW, ADDED = (4, 1), ((0, 2), (1, 3))


def ranks_of(name: str, vectors: np.ndarray) -> list[int]:
    """The rank of a token of TABLE under the lens, 1 is first, at each of the vectors (N, 2)."""
    logits = vectors @ np.array(list(TABLE.values())).T
    own = logits[:, list(TABLE).index(name)]
    return (1 + (logits > own[:, None]).sum(axis=1)).tolist()


def ranks_by_hand(answer: Any) -> None:
    given = answers.items(answer, int, "a list of three ranks")
    if len(given) != 3:
        raise NotYet(f"three ranks are wanted, one for each stage; yours are {len(given)}")
    stages = np.cumsum([ROW, *ADDED], axis=0)
    right = ranks_of("Leo", stages)
    known = [
        ([rank - 1 for rank in right], "you count from 0; the likeliest token has rank 1"),
        ([5 - rank for rank in right], "your order begins with the lowest score; rank 1 is the highest"),
        (right[::-1], "the right ranks, from the last stage to the first"),
        (ranks_of("Leo", np.array([ROW, *ADDED])), "a stage is the stage before *plus* what a part adds, not the part"),
        (
            ranks_of("Leo", np.add(ROW, [(0, 0), *ADDED])),
            "you added what the MLP gives to the row; it is added to the stage before, which attention has changed",
        ),
        ((stages @ TABLE["Leo"]).tolist(), "these are the scores of *Leo*. How many tokens score higher?"),
        (ranks_of("her", stages), "these are the ranks of *her*"),
    ]
    stuck = "at each stage, multiply the vector with each row: 4 × 3 − 1 × 1 = 11 for *said* in the first"
    answers.same(given, right, known, stuck)


# --------------------------------------------------------------------------------------------------------------- code


def groups_with_one_telling_unit(seed: int) -> tuple[np.ndarray, np.ndarray]:
    """values (60, 6), groups (60,): units 4, 1 and 2 tell groups apart, in this order; unit 0 is large and noisy."""
    rng = np.random.default_rng(seed)
    groups = np.repeat([0, 1, 2], 20)
    means, noise = np.zeros((3, 6)), np.array([50.0, 1, 1, 1, 0.01, 1])
    means[:, 0], means[:, 4], means[:, 1], means[:, 2] = [-5, 0, 5], [0.1, 0, -0.1], [9, 0, -4], [3, -3, 0]
    within = rng.uniform(-1, 1, (3, 20, 6))
    within = (within - within.mean(axis=1, keepdims=True)) / within.std(axis=1, keepdims=True)
    order = rng.permutation(60)
    return (means[:, None] + noise * within).reshape(60, 6)[order], groups[order]


def telling_units(answer: Any) -> None:
    for seed, count in [(1, 1), (2, 2), (3, 3)]:
        values, groups = groups_with_one_telling_unit(seed)
        _units(answers.run(answer, values, groups, count), values, groups, count)


def _units(result: Any, values: np.ndarray, groups: np.ndarray, count: int) -> None:
    given = answers.items(result, int, "a list of unit numbers")
    if len(given) != count:
        raise NotYet(f"{count} units were asked for, and {len(given)} came back")
    parts = [values[groups == each] for each in np.unique(groups)]
    between, within = np.var([part.mean(axis=0) for part in parts], axis=0), np.mean([p.var(axis=0) for p in parts], 0)
    best: Mapping[str, list[int]] = {
        name: np.argsort(-score)[:count].tolist()
        for name, score in [("right", between / within), ("between", between), ("all", values.var(axis=0))]
    }
    known = [
        (np.argsort(between / within)[:count].tolist(), "these tell the groups apart least: the order is turned round"),
        (best["between"], "their means lie far apart. But divide by how much a unit varies *within* a group"),
        (best["all"], "they vary most of all, within groups as well. The ratio asks for more"),
    ]
    answers.same(
        given, best["right"], known, f"for {count} of 6 units you give {given}: compute the ratio unit by unit"
    )


# ------------------------------------------------------------------------------------------------- break and transfer

GONE = [
    "One day, Mia took her new blue kite to the beach. Mia wanted to fly the kite, but dropped it behind a big rock. "
    "Now the blue kite was gone, and",
    "Last winter, Mia took her little yellow drum to the garden. Mia wanted to play the drum, but lost it under a "
    "tree. Now the yellow drum was gone, and",
]


def no_name_left(answer: Any) -> None:
    edit, letter = answers.pair(answer, "an edit and a letter")
    if not isinstance(edit, dict) or not edit or len(edit) > 2:
        raise NotYet(f"the edit is a dictionary with one or two units, {{unit: value}}; this is {checks.shown(edit)}")
    for prompt in GONE:
        names, pronouns = said_next(prompt, edit)
        if sum(pronouns.values()) > max(0.5, sum(names.values())):
            continue
        first = max(names, key=lambda name: names[name])
        if sum(names.values()) + sum(pronouns.values()) < 0.5:
            raise NotYet("after this edit the model says neither a name nor a pronoun: the sentence itself is broken")
        if first == "Mia":
            more = "even surer of it than before" if names[first] > 0.9 else "as likely as before"
            raise NotYet(f"the name Mia has a probability of {names[first]:.2f}, {more}")
        raise NotYet(f"now the story is about {first}, with a probability of {names[first]:.2f}: a name all the same")
    answers.letter(
        letter,
        {
            "a": "the edit is right. But the model still knows *she* or *he*: something of the hero is there",
            "b": "the edit is right. But an edit that came too late would have changed nothing",
            "c": "the edit is right. But 0 is a value like any other: unit by unit, look who has a value near 0",
        },
        "d",
    )


def said_next(prompt: str, edit: Mapping[int, float]) -> tuple[dict[str, float], dict[str, float]]:
    """Probabilities of the heroes' names and of the pronouns, with the edit made two tokens before them."""
    model, tokenizer = lstm()
    ids = tokenizer.encode_prompt(prompt)
    try:
        edited = edit_memory(model, {len(ids) - 2: edit})
    except (TypeError, ValueError) as error:
        raise NotYet(str(error)) from None
    probabilities = next_token_probabilities(edited.advance(ids)[0], SamplingSettings())
    chance = {word: float(probabilities[tokenizer.encode(word)[0]]) for word in HEROES + PRONOUNS}
    return {name: chance[name] for name in HEROES}, {word: chance[word] for word in PRONOUNS}


def a_word_of_your_own(answer: Any) -> None:
    if not isinstance(answer, tuple | list) or len(answer) != 4:
        raise NotYet("four values are wanted: your prompt, the word, the head, and True or False")
    prompt, word, looks = answers.text(answer[0]), answers.text(answer[1]).strip(), answer[3]
    ids, word_id = _said_before(prompt, word)
    before, after = _chances(ids, word_id)
    head = _head(answer[2], after)
    if before < 0.5:
        raise NotYet(f"with no head muted the model gives {word!r} {before:.2f} here: take a place where it is sure")
    worst = min(after, key=lambda each: after[each])
    if before - after[worst] < 0.2:
        raise NotYet(f"no head alone is missed at this place: {word!r} keeps at least {after[worst]:.2f}")
    look = _look_at(ids, word_id)
    if head != worst:
        tempting = ". It looks at the word, but that is another question" if look[head] > 0.5 else ""
        raise NotYet(f"without {head}, {word!r} has {after[head]:.2f}; there is a head that is missed more{tempting}")
    if not isinstance(looks, bool | np.bool_):
        raise NotYet(f"True or False is wanted as the last value, not {checks.shown(looks)}")
    if looks != (look[head] > 0.5):
        raise NotYet(f"the head is right. But it gives {look[head]:.2f} of its look to the earlier {word!r}")


def _said_before(prompt: str, word: str) -> tuple[list[int], int]:
    """The prompt's ids and the word's, which is among them."""
    _, tokenizer = gpt()
    try:
        ids, pieces = tokenizer.encode_prompt(prompt), tokenizer.encode(word)
    except ValueError as error:
        raise NotYet(str(error)) from None
    if len(pieces) != 1:
        raise NotYet(f"{word!r} is {len(pieces)} pieces: take a word that is one, such as a name or an animal")
    if pieces[0] not in ids:
        raise NotYet(f"{word!r} is not in your prompt: nothing is there to be copied")
    return ids, pieces[0]


@lru_cache
def one_head_muted() -> dict[tuple[int, int], TransformerLanguageModel]:
    """Each (block, head), and the model without it."""
    model, _ = gpt()
    blocks, heads = model.heads()
    return {(block, head): mute_heads(model, [(block, head)]) for block in range(blocks) for head in range(heads)}


def _chances(ids: list[int], word: int) -> tuple[float, dict[tuple[int, int], float]]:
    """The word's probability as the next token: with all heads, and without each one."""
    models = {(-1, -1): gpt()[0], **one_head_muted()}
    try:
        chance = {
            head: float(next_token_probabilities(model.advance(ids)[0], SamplingSettings())[word])
            for head, model in models.items()
        }
    except ValueError as error:  # a prompt that is longer than the context
        raise NotYet(str(error)) from None
    return chance.pop((-1, -1)), chance


def _head(given: Any, heads: Mapping[tuple[int, int], float]) -> tuple[int, int]:
    if not isinstance(given, tuple | list) or tuple(given) not in heads:
        raise NotYet(f"a head is a pair (block, head), such as (0, 2), and one of eight; this is {checks.shown(given)}")
    return tuple(given)


def _look_at(ids: list[int], word: int) -> dict[tuple[int, int], float]:
    """How much of its look each head gives to the places of this word, from the last token."""
    _, attention = gpt()[0].read(ids)
    share = attention[:, :, -1, np.equal(ids, word)].sum(axis=-1)
    return {head: float(share[head]) for head in one_head_muted()}


EXERCISES = {
    "08.1": Exercise("recall", (1,), true_of_stages),
    "08.2": Exercise("recall", (2, 3, 5), what_each_shows, "Reading is not using: that is why you need all four."),
    "08.3": Exercise("by hand", (1,), ranks_by_hand, "From third to first: so the lens sees a word come up."),
    "08.4": Exercise("code", (2,), telling_units, "A unit may move little and still tell the groups apart."),
    "08.5": Exercise("break", (3,), no_name_left, "A dial between two heroes points at neither."),
    "08.6": Exercise("transfer", (4, 5), a_word_of_your_own, "Muting told what it is needed for; the look may not."),
}

PREDICTIONS = {
    "08.1": Pick(
        "Where will the lens read Leo for the first time?",
        {
            "in the row": "The row is that of `said`. It knows nothing of the text before it.",
            "after the first attention": "Attention does look back at Leo. But one part alone does not put him first.",
            "after the first MLP": "Right: half-way, the name is there.",
            "only after the last MLP": "That is where the prediction is read. But earlier stages can be read, too.",
        },
        "after the first MLP",
    ),
    "08.2": Pick(
        "Will the norm grow or shrink along the stages?",
        {
            "grow": "Right: each part adds to the vector.",
            "shrink": "A layer norm stands before each part. But it works on a copy of the stream.",
            "stay about the same": "A layer norm would keep it so. But the stream itself is only added to.",
        },
        "grow",
    ),
    "08.3": Pick(
        "Where will a probe find the hero's name?",
        {
            "in the hidden state h": "h is what the next token is predicted from. But the name is not always next.",
            "in the cell c": "Right: what is needed later is kept there.",
            "in both": "h is made from c, so it seems to hold the same. But the output gate lets little of it through.",
        },
        "in the cell c",
    ),
    "08.4": Pick(
        "What changes when the two numbers become Tom's?",
        {
            "only the name": "The name is what we looked for. But other words read the same two numbers.",
            "the name, and words such as her and girl": "Right: everything that depends on the hero.",
            "the whole plot": "The ball, the park and the cat are kept in other units, and these stay.",
            "nothing: Mia was named three times": "So one would think. But an LSTM cannot look back at her name.",
        },
        "the name, and words such as her and girl",
    ),
    "08.5": Pick(
        "How many of the eight heads does the hero's name need?",
        {
            "one": "One costs most. But to copy a name takes more than one step, and another head is missed as well.",
            "two, and hardly the others": "Right: one in each block.",
            "all eight, each a little": "That would be so if each head did a bit of everything. Most have a job.",
        },
        "two, and hardly the others",
    ),
    "08.6": Estimate(
        "In how many of the twenty stories will a second hero turn up?",
        9,
        3,
        "In the others the model managed without that head.",
        "A name is said several times in a story, and each time it can go wrong.",
        "The head is needed most of all. But in many places *she* or *he* will do, and other heads help.",
    ),
    "08.7": Pick(
        "Will the look at the earlier colour and the price agree?",
        {
            "yes: who copies must look": "Tempting, and it is how such maps are often read. Look at both columns.",
            "no": "Right: three heads are needed, and none of them looks much at the colour.",
        },
        "no",
    ),
    "08.8": Pick(
        "What will both heads together cost?",
        {
            "the sum of the two": "So it would be if each did its own work, whatever the other does.",
            "more than the sum, each time": "True for the mood, where one head can stand in for the other.",
            "less than the sum, each time": "True for the hero, where two heads form a chain.",
            "once more, once less": "Right: it depends on how the two work together.",
        },
        "once more, once less",
    ),
}
