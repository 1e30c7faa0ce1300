"""What learners answer in lesson 08, and must not pass with: two or more for each exercise."""

import numpy as np

RABBIT = 'Long ago, Nora took her green kite to the beach. A rabbit saw Nora. "Do not be sad, Nora!" said the'
LONELY = 'One day, Tom was very lonely. Tom took his new blue boat to the garden. A small fox saw Tom. "Do not be'


def ratios(values, groups):
    parts = [values[groups == each] for each in np.unique(groups)]
    return np.var([part.mean(axis=0) for part in parts], axis=0), np.mean([part.var(axis=0) for part in parts], axis=0)


def far_apart(values, groups, count):
    return np.argsort(-ratios(values, groups)[0])[:count]


def turned_round(values, groups, count):
    between, within = ratios(values, groups)
    return np.argsort(between / within)[:count]


def upside_down(values, groups, count):
    between, within = ratios(values, groups)
    return np.argsort(-within / between)[-count:]


def all_of_them(values, groups, count):
    between, within = ratios(values, groups)
    return np.argsort(-between / within)


WRONG = {
    "08.1": [..., {"a"}, {"b"}, {"a", "b", "c"}, {"a", "b", "d"}, {"a", "b", "e"}, {"x"}, 3],
    "08.2": [
        {"probe": ..., "ratio": ..., "edit": ..., "control": ...},
        {"probe": "a", "ratio": "c", "edit": "b", "control": "d"},
        {"probe": "a", "ratio": "c", "edit": "d", "control": "b"},
        {"probe": "c", "ratio": "b", "edit": "a", "control": "d"},
        {"probe": "b", "ratio": "c", "edit": "d", "control": "a"},
        {"probe": "b", "ratio": "a", "edit": "c", "control": "d"},
        {"probe": "b", "ratio": "e", "edit": "a", "control": "d"},
        {"probe": "b"},
        "bcad",
    ],
    "08.3": [
        [2, 1, 0],
        [2, 3, 4],
        [1, 2, 3],
        [3, 1, 1],
        [3, 2, 2],
        [6, 10, 17],
        [2, 1, 2],
        [1, 1, 1],
        [3, 2],
        "3 2 1",
    ],
    "08.4": [
        far_apart,
        turned_round,
        upside_down,
        all_of_them,
        lambda values, groups, count: np.argsort(-values.var(axis=0))[:count],
        lambda values, groups, count: ratios(values, groups),
        lambda values, groups, count: [5] * count,
        lambda values: [0],
        [4],
    ],
    "08.5": [
        ({3: 0.98}, "d"),
        ({3: -1.94}, "d"),
        ({134: 0.0}, "d"),
        ({3: -0.96, 20: -3.7}, "d"),
        ({3: -0.5}, "a"),
        ({3: -0.5}, "b"),
        ({3: -0.5}, "c"),
        ({3: -0.5}, "q"),
        ({300: 0.0}, "d"),
        ({3: "low"}, "d"),
        ({}, "d"),
        {3: -0.5},
    ],
    "08.6": [
        (RABBIT, "rabbit", (1, 1), True),
        (RABBIT, "rabbit", (1, 0), False),
        (RABBIT, "rabbit", (0, 3), True),
        (LONELY, "lonely", (0, 2), False),
        (LONELY, "lonely", (0, 2), "yes"),
        (RABBIT, "dog", (0, 3), False),
        (RABBIT, "unhuggable", (0, 3), False),
        ("One day, Tom took his blue boat to the garden. Now the", "blue", (0, 3), False),
        (RABBIT, "rabbit", (0, 9), False),
        (RABBIT, "rabbit", 3, False),
        RABBIT,
    ],
}
