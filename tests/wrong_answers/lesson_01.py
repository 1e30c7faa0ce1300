"""What learners answer in lesson 01, and must not pass with: two or more for each exercise."""

import time

TEXTS = ["Wilhelmina sails. Wilhelmina swims. Wilhelmina sings.", "We all wave to Wilhelmina."]


def one_less(ids, room):
    return ids[: max(0, room - 1)]


def turned_round(ids, room):
    return ids[::-1][:room]


def endless(ids, room):
    while True:
        time.sleep(0.01)


WRONG = {
    "01.1": [
        {"<pad>": ..., "<unk>": ..., "<s>": ..., "</s>": ...},
        {"<pad>": "b", "<unk>": "d", "<s>": "c", "</s>": "a"},
        {"<pad>": "d", "<unk>": "b", "<s>": "a", "</s>": "c"},
        {"<pad>": "c", "<unk>": "d", "<s>": "a", "</s>": "b"},
        {"<pad>": "b"},
        "badc",
    ],
    "01.2": [..., {"a"}, {"e"}, {"a", "c", "e"}, {"a", "e", "d"}, {"a", "b", "e"}, {"z"}, 7],
    "01.3": [
        list("▁pan▁span▁pan▁spa"),
        ["▁pan", "▁span", "▁pan", "▁spa"],
        ["▁", "pa", "n", "▁", "s", "pa", "n", "▁", "pa", "n", "▁", "s", "pa"],
        ["▁", "pan", "▁", "s", "pa", "n", "▁", "pa", "n", "▁", "s", "pa"],
        ["pan", "span", "pan", "spa"],
        "pan",
    ],
    "01.4": [lambda ids, room: ids[:room], one_less, turned_round, lambda ids, room: ids, lambda ids: ids, endless, 3],
    "01.5": [
        ("Café 😉", "a"),
        ("x² + y²", "a"),
        ("x² + y²", "c"),
        ("a  b", "b"),
        ("a▁b", "c"),
        ("a  b", "q"),
        "x²",
    ],
    "01.6": [
        (TEXTS, 290, "cat"),
        (TEXTS, 280, "Wilhelmina"),
        (TEXTS, 270, "Wilhelmina"),
        (TEXTS, 290, "Zebulon"),
        (TEXTS, 290, "Wilhelmina sails"),
        (TEXTS, "290", "Wilhelmina"),
        ("…", 300),
    ],
}
