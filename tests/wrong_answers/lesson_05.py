"""What learners answer in lesson 05, and must not pass with: two or more for each exercise."""

import numpy as np

from helpers.sampling import SamplingSettings, apply_temperature, keep_top_p, next_token_probabilities

LOW, HIGH = SamplingSettings(temperature=0.5), SamplingSettings(temperature=2.0)


def temperature_first(logits, temperature, top_p):
    return next_token_probabilities(logits, SamplingSettings(temperature, top_p=top_p))


def not_renormalised(logits, temperature, top_p):
    return keep_top_p(apply_temperature(logits, 1.0), top_p) ** (1 / temperature)


def wrong_power(logits, temperature, top_p):
    powers = keep_top_p(apply_temperature(logits, 1.0), top_p) ** temperature
    return powers / powers.sum()


def nucleus_alone(logits, temperature, top_p):
    return keep_top_p(apply_temperature(logits, 1.0), top_p)


def nothing_cut(logits, temperature, top_p):
    return apply_temperature(logits, temperature)


def one_alone(logits, temperature, top_p):
    return np.eye(len(logits))[np.argmax(logits)]


WRONG = {
    "05.1": [{"a"}, {"d"}, {"a", "b", "d"}, {"a", "c", "d"}, {"a", "d", "e"}, {"x"}, 3],
    "05.2": [
        {"temperature": "c", "top_k": "d", "top_p": "b", "min_p": "a"},
        {"temperature": "c", "top_k": "a", "top_p": "d", "min_p": "b"},
        {"temperature": "a", "top_k": "d", "top_p": "c", "min_p": "b"},
        {"temperature": "c", "top_k": "b", "top_p": "a", "min_p": "d"},
        {"temperature": "c", "top_k": "40", "top_p": "a", "min_p": "b"},
        {"temperature": "c", "top_k": "d", "top_p": "a"},
        "cdab",
    ],
    "05.3": [
        [0.5, 0.25, 0.15, 0],
        [0.556, 0.278, 0.167, 0],
        [0.5, 0.25, 0, 0],
        [0.556, 0.278, 0, 0],
        [0.5, 0.25, 0.15, 0.1],
        [1, 0, 0, 0],
        [0.7, 0.3, 0, 0.1],
        [0.667, 0.333],
    ],
    "05.4": [temperature_first, not_renormalised, wrong_power, nucleus_alone, nothing_cut, one_alone, 3],
    "05.5": [
        (3, LOW, LOW, "b"),
        (3, LOW, SamplingSettings(temperature=0.6), "b"),
        (4, LOW, HIGH, "a"),
        (4, LOW, HIGH, "c"),
        (4, LOW, HIGH, "d"),
        (4, LOW, HIGH, "z"),
        (-1, LOW, HIGH, "b"),
        (4, 0.5, 2.0, "b"),
        (LOW, HIGH),
    ],
    "05.6": [
        ("One day, Mia", 0.5),
        ("One day, Leo", 1.0),
        ("One day, Leo", 0.5),
        ("One day, Leo", 0.2),
        ("One day, Leo", 0.9),
        ("One day, Leo", -1),
        ("It was the birthday of Tom", 0.5),
        "One day, Leo",
    ],
}
