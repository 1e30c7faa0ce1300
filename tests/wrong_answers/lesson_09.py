"""What learners answer in lesson 09, and must not pass with: two or more for each exercise."""

import numpy as np

FOR_SYDNEY, FOR_CANBERRA = "The capital of Australia is called", "In Australia, the capital is"
BABY, VOLCANO = "The baby is asleep now.", "The volcano is asleep now."


def cosines(table, pairs):
    a, b = table[pairs[:, 0]], table[pairs[:, 1]]
    return (a * b).sum(axis=1) / np.linalg.norm(a, axis=1) / np.linalg.norm(b, axis=1)


def cosine(a, b):
    return a @ b / np.linalg.norm(a) / np.linalg.norm(b)


WRONG = {
    "09.1": [
        {"RMSNorm": ..., "gated MLP": ..., "grouped query heads": ..., "RoPE": ...},
        {"RMSNorm": "c", "gated MLP": "d", "grouped query heads": "a", "RoPE": "b"},
        {"RMSNorm": "b", "gated MLP": "a", "grouped query heads": "d", "RoPE": "c"},
        {"RMSNorm": "b", "gated MLP": "c", "grouped query heads": "d", "RoPE": "a"},
        {"RMSNorm": "b", "gated MLP": "d", "grouped query heads": "c", "RoPE": "a"},
        {"RMSNorm": "b", "gated MLP": "d", "grouped query heads": "b", "RoPE": "a"},
        {"RMSNorm": "d", "gated MLP": "b", "grouped query heads": "a", "RoPE": "c"},
        {"RMSNorm": "z", "gated MLP": "b", "grouped query heads": "a", "RoPE": "c"},
        {"RMSNorm": "b"},
    ],
    "09.2": [..., {"a"}, {"c"}, {"a", "b", "c"}, {"a", "c", "d"}, {"a", "c", "e"}, {"a", "c", "g"}, 3],
    "09.3": [30_720, 5_120, 512, 25_600, 7_680, 2_560, 256, 10_000, "10,240", float("nan"), ...],
    "09.4": [
        lambda a, b, table, pairs: np.mean(cosines(table, pairs) > cosine(a, b)),
        lambda a, b, table, pairs: np.mean((table[pairs[:, 0]] * table[pairs[:, 1]]).sum(axis=1) < a @ b),
        lambda a, b, table, pairs: 100 * np.mean(cosines(table, pairs) < cosine(a, b)),
        lambda a, b, table, pairs: np.sum(cosines(table, pairs) < cosine(a, b)),
        lambda a, b, table, pairs: cosine(a, b),
        lambda a, b, table, pairs: np.mean(cosines(table, pairs)),
        lambda a, b, table, pairs: cosines(table, pairs) < cosine(a, b),
        lambda a, b, table, pairs: 0.5,
        lambda a, b: 0.5,
        0.5,
    ],
    "09.5": [
        (FOR_CANBERRA, FOR_SYDNEY, "c"),
        (FOR_SYDNEY, FOR_SYDNEY, "c"),
        (FOR_SYDNEY, "The capital city of Australia is", "c"),
        (FOR_SYDNEY, "Australia's capital is the city of", "c"),
        ("The capital of Australia is", FOR_CANBERRA, "c"),
        (FOR_SYDNEY, "Sydney is not the capital of Australia. It is", "c"),
        ("The largest city in Australia is", FOR_CANBERRA, "c"),
        ("The capital of France is", FOR_CANBERRA, "c"),
        (FOR_SYDNEY, FOR_CANBERRA, "a"),
        (FOR_SYDNEY, FOR_CANBERRA, "b"),
        (FOR_SYDNEY, FOR_CANBERRA, "d"),
        (FOR_SYDNEY, FOR_CANBERRA, "x"),
        FOR_SYDNEY,
    ],
    "09.6": [
        ["The car would not start.", "My automobile refuses to run.", "The concert would not start."],
        [BABY, "Our infant has fallen into slumber.", "Bake the pie for an hour."],
        [BABY, "The baby sleeps.", VOLCANO],
        [BABY, "Our infant has fallen into slumber.", BABY],
        [
            "Rain ruined our picnic today.",
            "Bad weather spoiled the meal outdoors.",
            "Today the rain filled our barrel.",
        ],
        [BABY, VOLCANO],
        "The baby is asleep now.",
    ],
}
