"""What learners answer in lesson 10, and must not pass with: two or more for each exercise."""

import numpy as np


def untransposed(kernel, recurrent, bias):
    return {"weight_ih_l0": kernel, "weight_hh_l0": recurrent, "bias_ih_l0": bias, "bias_hh_l0": bias}


def doubled(kernel, recurrent, bias):
    return {"weight_ih_l0": kernel.T, "weight_hh_l0": recurrent.T, "bias_ih_l0": bias, "bias_hh_l0": bias}


def reshaped(kernel, recurrent, bias):
    return doubled(kernel.reshape(8, 3).T, recurrent, bias) | {"bias_hh_l0": 0 * bias}


def no_bias(kernel, recurrent, bias):
    return doubled(kernel, recurrent, 0 * bias)


def other_gates(kernel, recurrent, bias):
    return doubled(kernel, np.roll(recurrent, 2, axis=1), bias) | {"bias_hh_l0": 0 * bias}


def one_forgotten(kernel, recurrent, bias):
    return {"weight_ih_l0": kernel.T, "weight_hh_l0": recurrent.T, "bias_ih_l0": bias}


def forget_gate_flipped(kernel, recurrent, bias):
    kernel = kernel.copy()
    kernel[:, 2:4] *= -1
    return kernel, recurrent, bias


def flipped(kernel, recurrent, bias):
    return kernel, -recurrent, bias


def z_first(array):
    r, z, n = np.split(array, 3)
    return np.concatenate([z, r, n])


def torchs_order(weight_ih, weight_hh, bias_ih, bias_hh):
    return [weight_ih.T, weight_hh.T, np.array([bias_ih, bias_hh])]


def only_the_kernel(weight_ih, weight_hh, bias_ih, bias_hh):
    return [z_first(weight_ih).T, weight_hh.T, np.array([bias_ih, bias_hh])]


def biases_added(weight_ih, weight_hh, bias_ih, bias_hh):
    both = z_first(bias_ih + bias_hh)
    return [z_first(weight_ih).T, z_first(weight_hh).T, np.array([both, 0 * both])]


def biases_exchanged(weight_ih, weight_hh, bias_ih, bias_hh):
    return [z_first(weight_ih).T, z_first(weight_hh).T, np.array([z_first(bias_hh), z_first(bias_ih)])]


def one_bias(weight_ih, weight_hh, bias_ih, bias_hh):
    return [z_first(weight_ih).T, z_first(weight_hh).T, z_first(bias_ih + bias_hh)]


def turned(weight_ih, weight_hh, bias_ih, bias_hh):
    return [weight_ih[::-1].T, weight_hh[::-1].T, np.array([bias_ih[::-1], bias_hh[::-1]])]


WRONG = {
    "10.1": [
        {"nn.Linear": ..., "loss.backward()": ..., "ignore_index=-100": ..., "state_dict": ...},
        {"nn.Linear": "b", "loss.backward()": "a", "ignore_index=-100": "d", "state_dict": "e"},
        {"nn.Linear": "b", "loss.backward()": "c", "ignore_index=-100": "a", "state_dict": "e"},
        {"nn.Linear": "b", "loss.backward()": "e", "ignore_index=-100": "c", "state_dict": "a"},
        {"nn.Linear": "d", "loss.backward()": "a", "ignore_index=-100": "c", "state_dict": "e"},
        {"nn.Linear": "e", "loss.backward()": "a", "ignore_index=-100": "c", "state_dict": "b"},
        {"nn.Linear": "b", "loss.backward()": "f", "ignore_index=-100": "c", "state_dict": "e"},
        {"nn.Linear": "b"},
        "bace",
    ],
    "10.2": [..., {"a"}, {"d"}, {"a", "b", "d"}, {"a", "c", "d"}, {"a", "d", "e"}, {"a", "d", "h"}, 3],
    "10.3": [53 / 6, 0.5, 3.0, 1.5, 0.7, 0.6, 25, 0.8, 1.0, "0.75 nats", float("inf")],
    "10.4": [
        untransposed,
        doubled,
        reshaped,
        no_bias,
        other_gates,
        one_forgotten,
        lambda kernel, recurrent, bias: [kernel.T, recurrent.T, bias, 0 * bias],
        lambda kernel, recurrent, bias: doubled(kernel, recurrent, bias) | {"bias_hh_l0": np.full_like(bias, np.nan)},
        lambda kernel, recurrent, bias: doubled(kernel.tranpose(), recurrent, bias),
        3,
    ],
    "10.5": [
        (lambda kernel, recurrent, bias: (kernel, recurrent, bias), "a"),
        (lambda kernel, recurrent, bias: (kernel, recurrent, -bias), "a"),
        (lambda kernel, recurrent, bias: (kernel.T, recurrent, bias), "a"),
        (lambda kernel, recurrent, bias: (kernel, recurrent), "a"),
        (flipped, "b"),
        (flipped, "c"),
        (flipped, "d"),
        (flipped, "e"),
        (forget_gate_flipped, "a"),
        flipped,
    ],
    "10.6": [
        torchs_order,
        only_the_kernel,
        biases_added,
        biases_exchanged,
        one_bias,
        turned,
        lambda weight_ih, weight_hh, bias_ih, bias_hh: [weight_ih, weight_hh, np.array([bias_ih, bias_hh])],
        lambda weight_ih, weight_hh, bias_ih, bias_hh: weight_ih.T,
        lambda weight_ih: weight_ih.T,
        [1, 2, 3],
    ],
}
