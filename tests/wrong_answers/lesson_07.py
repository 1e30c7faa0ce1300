"""What learners answer in lesson 07, and must not pass with: two or more for each exercise."""

import numpy as np

BOX = 'It was the birthday of Nora, and her grandmother came with a golden box. "What is it?" said'
MINE = 'One day, Leo saw that the old gate was very ugly. "I can make the gate pretty again!" said'
SIXTHS = [1 / 6, 1 / 3, 1 / 2, 0]


def by_column(weights):
    places = np.arange(len(weights))
    return places - weights.T @ places


WRONG = {
    "07.1": [
        {"query": "b", "key": "a", "value": "c", "layer norm": "e", "MLP": "d"},
        {"query": "a", "key": "c", "value": "b", "layer norm": "e", "MLP": "d"},
        {"query": "a", "key": "b", "value": "c", "layer norm": "d", "MLP": "e"},
        {"query": "c", "key": "b", "value": "a", "layer norm": "e", "MLP": "d"},
        {"query": "f", "key": "b", "value": "c", "layer norm": "e", "MLP": "d"},
        {"query": "a", "key": "b", "value": "c", "MLP": "d"},
        "abced",
    ],
    "07.2": [{"b"}, {"d"}, {"a", "b", "d"}, {"b", "c", "d"}, {"b", "d", "e"}, {"y"}, 2],
    "07.3": [
        ([0.074, 0.147, 0.221, 0.558], [4, 5]),
        ([1 / 7, 2 / 7, 3 / 7, 1 / 7], [4, 5]),
        ([1 / 14, 4 / 14, 9 / 14, 0], [4, 5]),
        ([1, 2, 3, 0], [4, 5]),
        ([0, 0.693, 1.099, 0], [4, 5]),
        ([1 / 3, 1 / 3, 1 / 3, 0], [4, 4]),
        ([0.2, 0.3, 0.5, 0.2], [4, 5]),
        (SIXTHS, [12, 12]),
        (SIXTHS, [4, 4]),
        (SIXTHS, [6, 6]),
        (SIXTHS, [5, 4]),
        (SIXTHS[:3], [4, 5]),
        SIXTHS,
    ],
    "07.4": [
        lambda weights: weights @ np.arange(len(weights)),
        lambda weights: weights @ np.arange(len(weights)) - np.arange(len(weights)),
        lambda weights: np.arange(len(weights)) - weights.argmax(axis=1),
        lambda weights: np.arange(len(weights)) / 2,
        lambda weights: len(weights) - 1 - weights @ np.arange(len(weights)),
        lambda weights: float(weights[-1] @ np.arange(len(weights))[::-1]),
        lambda weights: np.zeros(len(weights)),
        by_column,
        4,
    ],
    "07.5": [
        ("Mia", "b"),
        ("Anna", "a"),
        ("Anna", "c"),
        ("Anna", "d"),
        ("Anna", "e"),
        ("she", "b"),
        ("the old king", "b"),
        "Anna",
    ],
    "07.6": [
        (BOX, "Nora", (0, 1)),
        (MINE, "Mia", (0, 1)),
        (MINE, "Leo", (0, 9)),
        (MINE, "Leo", (1, 1)),
        (MINE, "day", (0, 1)),
        ("Leo said", "Leo", (0, 1)),
        ("One day, Leo saw that the old gate was very ugly. Leo", "Leo", (0, 1)),
        ('One day, Leo saw that the old gate was ugly. "I can make the gate', "gate", (0, 1)),
        (MINE, "Leo"),
    ],
}
