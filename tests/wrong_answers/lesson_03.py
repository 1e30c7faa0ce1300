"""What learners answer in lesson 03, and must not pass with: two or more for each exercise."""

import numpy as np

TERMS = {"distribution": "b", "logit": "c", "gradient": "d", "state": "e", "gate": "a"}


def probabilities(row, output):
    powers = np.exp(row @ output)
    return powers / powers.sum()


def minus_one_hot(row, output, right):
    return probabilities(row, output) - np.eye(output.shape[1])[right]


WRONG = {
    "03.1": [
        {**TERMS, "logit": "b", "distribution": "c"},
        {**TERMS, "state": "a", "gate": "e"},
        {**TERMS, "gradient": "c", "logit": "d"},
        {**TERMS, "gradient": "e", "state": "d"},
        {"logit": "c"},
        "bcdea",
    ],
    "03.2": [{"a"}, {"a", "b", "c"}, {"a", "c", "d"}, {"a", "c", "e"}, {"a", "c", "f"}, {"c"}],
    "03.3": [
        ((-0.75, 0.75), (0.35, 0.75)),
        ((0.75, 0.25), (0.35, 0.75)),
        ((-0.25, 0.25), (1.35, -0.25)),
        ((0.25, -0.25), (0.85, 0.25)),
        ((0.75, -0.75), (1.85, -0.75)),
        ((0.75, -0.75), (0.75, -0.75)),
        ((0.75, -0.75), (-0.75, 0.75)),
        ((0.75, -0.75, 0), (0.35, 0.75)),
        (0.75, 0.35),
    ],
    "03.4": [
        lambda row, output, right: np.zeros(len(row)),
        lambda row, output, right: -output @ minus_one_hot(row, output, right),
        lambda row, output, right: output @ probabilities(row, output),
        lambda row, output, right: -output[:, right],
        lambda row, output, right: minus_one_hot(row, output, right),
        lambda row, output, right: row,
        lambda row, output, right: output.T @ minus_one_hot(row, output, right),
    ],
    "03.5": [(1, "b"), (0, "b"), (-1, "b"), (1e308, "b"), (30, "a"), (30, "c"), (30, "d"), (float("nan"), "b")],
    "03.6": [
        lambda letter: (1.0, 1.0),
        lambda letter: (float(letter == "x"), 1.0),
        lambda letter: (float(letter == "x"), 0.0),
        lambda letter: (2.0, 1.0),
        lambda letter: float(letter == "x"),
        lambda letter: (float(letter == "x"), float(letter == ".")),
    ],
}
