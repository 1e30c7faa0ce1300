"""Lesson 10, The TensorFlow twin: what its exercises and predictions ask, and what is wrong about wrong answers."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import torch

from helpers import checks
from helpers.exercises import answers
from helpers.exercises.answers import NotYet
from helpers.exercises.course import Exercise, Pick
from helpers.exercises.matching import matched
from helpers.models.lstm import lstm_cell

LOADING = 60.0  # seconds: TensorFlow may have to be imported first
Arrays = Sequence[np.ndarray]

# ------------------------------------------------------------------------------------------------------------- recall


def counterparts(answer: Any) -> None:
    matched(
        answer,
        {"nn.Linear": "b", "loss.backward()": "a", "ignore_index=-100": "c", "state_dict": "e"},
        [
            (
                {"ignore_index=-100": "d"},
                "mask_zero=True makes *layers* skip padding. What leaves it out of the *loss*, as ignore_index does?",
            ),
            ({"loss.backward()": "c"}, "backward() computes gradients; ignore_class says which targets do not count"),
            ({"state_dict": "a"}, "a state_dict holds weights, to be saved. A tape records what is computed"),
            ({"nn.Linear": "d"}, "Linear is a layer: it multiplies by a matrix and adds a vector"),
        ],
        letters="abcde",
    )


def true_of_twins(answer: Any) -> None:
    answers.true_ones(
        answer,
        true={
            "a": "Which part of the journey draws the next token, and does it know a framework?",
            "d": "How often was the function with a signature traced for three numbers?",
        },
        false={
            "b": "With one bias only everything fitted, too, and the outputs were off by more than 1",
            "c": "torch has two biases that each take a step, Keras has one. They compute the same and learn otherwise",
            "e": "It dropped the mask as soon as a state was passed, and nothing was said",
        },
    )


# ------------------------------------------------------------------------------------------------------------ by hand

NATS = np.array([[0.4, 0.8, 1.2], [0.6, 20.0, 30.0]])
TARGETS = np.array([[12, 7, 3], [9, 0, 0]])


def loss_by_hand(answer: Any) -> None:
    given, real = answers.number(answer), TARGETS != 0
    kept = NATS * real
    known = [
        (NATS.mean(), "that is the mean over all six places, padding included"),
        (kept.mean(), "half of the cure: padding counts 0, but you still divide by all six places"),
        (kept.sum(), "that is the sum; divide it by the tokens that are left"),
        (kept.sum() / 2, "you divide by the two texts; divide by the tokens that are left"),
        ((kept.sum(axis=1) / real.sum(axis=1)).mean(), "that is the mean of two means: the short text counts as much"),
        (NATS[TARGETS > 3].mean(), "you left out the id 3 as well. It is the end token, and the model must learn it"),
        (NATS[~real].mean(), "that is the mean over the padding"),
        (NATS[0].mean(), "that is the first text; the second has a token, too"),
    ]
    stuck = f"{given:g} is not it: which of the six places are tokens, what do they add up to, how many are they?"
    answers.close(given, float(kept.sum() / real.sum()), known, stuck, within=0.001)


# ----------------------------------------------------------------------------------------------------- code and break


def keras_arrays(seed: int, inputs: int = 3, size: int = 2) -> list[np.ndarray]:
    """kernel (D, 4H), recurrent (H, 4H), bias (4H,) of an LSTM, drawn at random."""
    rng = np.random.default_rng(seed)
    return [rng.normal(size=shape) for shape in [(inputs, 4 * size), (size, 4 * size), (4 * size,)]]


def arrays_for_torch(answer: Any) -> None:
    for seed in [1, 2]:
        _for_torch(answers.run(answer, *keras_arrays(seed)), *keras_arrays(seed))


def _for_torch(given: Any, kernel: np.ndarray, recurrent: np.ndarray, bias: np.ndarray) -> None:
    wanted = {"weight_ih_l0": kernel.T, "weight_hh_l0": recurrent.T, "bias_ih_l0": bias, "bias_hh_l0": 0 * bias}
    if not isinstance(given, Mapping):
        raise NotYet(f"a dictionary with torch's four names is wanted; your function gives {checks.shown(given)}")
    if odd := sorted({*wanted} - {*given}, reverse=True):
        raise NotYet(f"{odd[0]} is missing from what your function gives")
    found = {name: _of_shape(name, given[name], array.shape) for name, array in wanted.items()}
    for name in ["weight_ih_l0", "weight_hh_l0"]:
        _transposed(name, found[name], wanted[name])
    both = found["bias_ih_l0"] + found["bias_hh_l0"]
    if np.allclose(both, 2 * bias):
        raise NotYet("torch adds its two biases, so yours counts twice")
    if not np.allclose(both, bias):
        raise NotYet("torch adds its two biases; together yours are not Keras's one")


def _of_shape(name: str, value: Any, shape: tuple[int, ...]) -> np.ndarray:
    try:
        return answers.numbers(value, shape)
    except NotYet as error:
        raise NotYet(f"{name}: {error}") from None


def _transposed(name: str, given: np.ndarray, wanted: np.ndarray) -> None:
    if np.allclose(given, wanted):
        return
    if np.allclose(given.ravel(), wanted.T.ravel()):
        raise NotYet(f"{name} has the right shape, but a reshape only cuts the rows anew. Rows must become columns")
    raise NotYet(f"{name} has the right shape, but not the numbers of Keras's matrix, flipped over its diagonal")


def hidden_states(rows: np.ndarray, arrays: Arrays) -> np.ndarray:
    """h after each of the rows (T, D), beginning with zeros: (T, H)."""
    kernel, recurrent, bias = arrays
    names = ["lstm.weight_ih_l0", "lstm.weight_hh_l0", "lstm.bias_ih_l0", "lstm.bias_hh_l0"]
    weights, states = dict(zip(names, [kernel.T, recurrent.T, bias, 0 * bias], strict=True)), []
    h = c = np.zeros(len(recurrent))
    for row in rows:
        h, c = lstm_cell(row, h, c, weights)
        states.append(h)
    return np.array(states)


def unseen_damage(answer: Any) -> None:
    function, letter = answers.pair(answer, "a function and a letter")
    changed: set[str] = set()
    for seed in [1, 2, 3]:
        right = keras_arrays(seed)
        damaged = _three(answers.run(function, *right), right)
        _seen_by_two_alone(seed, right, damaged)
        changed |= _changed(right, damaged)
    if letter in changed:
        return
    answers.letter(
        letter,
        {
            "a": "the damage is right. But you left the recurrent matrix as it was. What is 0 besides h at the start?",
            "b": "the damage is right. But it is in the recurrent matrix. What is that multiplied by at the start?",
            "c": "the damage is right. But rounding is far smaller: two tokens differ by more than 0.001",
            "d": "the damage is right. But the test compares states, and there is a state after the first token",
        },
        min(changed),
    )


def _three(given: Any, right: Arrays) -> list[np.ndarray]:
    if not isinstance(given, tuple | list) or len(given) != 3:
        raise NotYet(f"three arrays are wanted: kernel, recurrent, bias; your function gives {checks.shown(given)}")
    names = ["kernel", "recurrent", "bias"]
    return [_of_shape(*each) for each in zip(names, given, [array.shape for array in right], strict=True)]


def _seen_by_two_alone(seed: int, right: Arrays, damaged: Arrays) -> None:
    rows = np.random.default_rng(100 + seed).normal(size=(2, 3))
    one, two = np.abs(hidden_states(rows, right) - hidden_states(rows, damaged)).max(axis=1)
    if one > 1e-9:
        raise NotYet(f"after one token the state is off by {one:.3f}: a test with one token finds this damage")
    if two < 1e-3:
        raise NotYet("after two tokens the state is still right: nothing is broken yet")


def _changed(right: Arrays, damaged: Arrays) -> set[str]:
    """Which reasons hold, as letters: a for the recurrent matrix, b for the forget gate's part of the others."""
    same = [np.allclose(*pair) for pair in zip(right, damaged, strict=True)]
    return {letter for letter, changed in [("a", not same[1]), ("b", not (same[0] and same[2]))] if changed}


# ----------------------------------------------------------------------------------------------------------- transfer


def torch_gru(seed: int, inputs: int = 3, size: int = 2) -> torch.nn.GRU:
    """A GRU in float64 with weights drawn by NumPy."""
    gru, rng = torch.nn.GRU(inputs, size, batch_first=True).double(), np.random.default_rng(seed)
    with torch.no_grad():
        for weight in gru.parameters():
            weight.copy_(torch.from_numpy(rng.normal(size=tuple(weight.shape))))
    return gru


def in_keras_order(array: np.ndarray) -> np.ndarray:
    """torch's gates r z n, below each other, as Keras's z r h."""
    r, z, n = np.split(array, 3)
    return np.concatenate([z, r, n])


def gru_copied(answer: Any) -> None:
    for seed in [1, 2]:
        gru = torch_gru(seed)
        ours = [weight.numpy(force=True) for weight in gru.parameters()]
        given = _gru_arrays(answers.run(answer, *ours), ours)
        rows = np.random.default_rng(seed).normal(size=(1, 4, 3))
        wanted = gru(torch.from_numpy(rows))[0].numpy(force=True)
        if not np.allclose(keras_gru(given, rows), wanted, atol=1e-9):
            raise NotYet(_what_is_wrong(given, ours))


def _gru_arrays(given: Any, ours: Arrays) -> list[np.ndarray]:
    if not isinstance(given, tuple | list) or len(given) != 3:
        raise NotYet(f"three arrays are wanted: kernel, recurrent, bias; your function gives {checks.shown(given)}")
    shapes = [ours[0].T.shape, ours[1].T.shape, (2, len(ours[2]))]
    names = ["kernel", "recurrent", "bias"]
    return [_of_shape(*each) for each in zip(names, given, shapes, strict=True)]


def keras_gru(arrays: Arrays, rows: np.ndarray) -> np.ndarray:
    """What Keras's GRU with these arrays makes of rows (1, T, D): (1, T, H)."""
    try:
        from helpers.models.keras_twin import keras
    except ImportError as error:
        raise NotYet(str(error)) from None
    layer = keras.layers.GRU(arrays[1].shape[0], return_sequences=True, dtype="float64")
    layer.build((None, None, rows.shape[-1]))
    layer.set_weights(list(arrays))
    return np.asarray(layer(rows))


def _what_is_wrong(given: Arrays, ours: Arrays) -> str:
    weight_ih, weight_hh, bias_ih, bias_hh = ours
    biases = np.array([in_keras_order(bias_ih), in_keras_order(bias_hh)])
    right = [in_keras_order(weight_ih).T, in_keras_order(weight_hh).T, biases]
    left = [weight_ih.T, weight_hh.T, np.array([bias_ih, bias_hh])]
    names = ["kernel", "recurrent", "bias"]
    if still := [name for name, g, as_torch in zip(names, given, left, strict=True) if np.allclose(g, as_torch)]:
        return f"the shapes fit. But in your {' and '.join(still)} the gates are still in torch's order, r z n"
    if np.allclose(given[2], biases[::-1]):
        return "your two biases have changed places: the one of the inputs comes first"
    if np.allclose(given[2][0], biases.sum(axis=0)):
        return "a GRU keeps both biases: one part of the second is multiplied by gate r before it is added"
    off = [name for name, g, wanted in zip(names, given, right, strict=True) if not np.allclose(g, wanted)]
    return f"the shapes fit, but the outputs differ from torch's. Look at your {off[0]}"


EXERCISES = {
    "10.1": Exercise("recall", (1,), counterparts),
    "10.2": Exercise("recall", (3, 5), true_of_twins),
    "10.3": Exercise("by hand", (4, 5), loss_by_hand, "The sum of 3.0 nats, over four tokens."),
    "10.4": Exercise("code", (2,), arrays_for_torch, "How you share one bias between two places is up to you."),
    "10.5": Exercise("break", (2,), unseen_damage, "So test a copy with a text of several tokens."),
    "10.6": Exercise("transfer", (1, 2), gru_copied, "Proved by outputs, for a layer that you had not met.", LOADING),
}

PREDICTIONS = {
    "10.1": Pick(
        "Will the two matrices have the same shape?",
        {
            "yes: both go from three to two": "They do the same. But one multiplies from the left, one from the right.",
            "no: one is the other, flipped": "Right: (2, 3) and (3, 2).",
        },
        "no: one is the other, flipped",
    ),
    "10.2": Pick(
        "One bias is left out. What will Keras say?",
        {
            "it raises an error": "It would if a shape were wrong. This bias has the right one.",
            "it warns": "It does not know that there was a second bias.",
            "nothing": "Right: it computes, and the result is wrong.",
        },
        "nothing",
    ),
    "10.3": Pick(
        "In float32, will the difference stay below 0.00001?",
        {
            "yes, for both": "Seven digits sound like enough. But the largest logit has three before its point.",
            "for torch, not for Keras": "As if torch were the truth. Its own float32 is rounded as well.",
            "for neither": "Right: both are off from float64 by more than that.",
        },
        "for neither",
    ),
    "10.4": Pick(
        "In twenty seeds, how often do the two models part?",
        {
            "never": "Right: in float64 the logits agree to nine places, and the sampler is one and the same.",
            "once or twice": "Rounding could tip a near tie. In float64 it would have to be very near.",
            "in about half": "So it would be if each framework drew with a random generator of its own.",
        },
        "never",
    ),
    "10.5": Pick(
        "Is the loss the same, and is the gradient?",
        {
            "only the loss": "Equal losses, but gradients are computed in two ways: a tape, or backward().",
            "both, and one gradient is flipped": "Right: the gradient has the shape of its matrix.",
            "neither": "The two compute the same function. So the slope is the same, too.",
        },
        "both, and one gradient is flipped",
    ),
    "10.6": Pick(
        "What is different when a state is passed in?",
        {
            "nothing: the state is zeros, as before": "The numbers are the same. What gets lost is something else.",
            "padding is read as if it were text": "Right: the mask is gone.",
            "Keras raises an error": "That would help. It says nothing.",
        },
        "padding is read as if it were text",
    ),
    "10.7": Pick(
        "Padding counted: is the loss too high or too low?",
        {
            "too low": "If padding were easy to predict. But this model was never asked to predict it.",
            "too high": "Right: the model gives padding almost no probability.",
            "about the same": "Nearly half of the places are padding, and each of them counts.",
        },
        "too high",
    ),
    "10.8": Pick(
        "How much quicker is a token when it is compiled?",
        {
            "hardly: the arithmetic is the same": "It is. But for one token Python's calls take longer than that.",
            "at least twice as quick": "Right: the graph is called once, not operation by operation.",
            "slower: tracing takes time": "The first call is slower. Afterwards the trace is kept.",
        },
        "at least twice as quick",
    ),
}
