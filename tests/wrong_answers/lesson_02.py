"""What learners answer in lesson 02, and must not pass with: two or more for each exercise."""

import numpy as np

from helpers.models.checkpoint import load_shipped

model, tokenizer = load_shipped()
RIGHT = {"table": (50_000, 300), "one row": (300,), "ten rows": (10, 300), "one-hot": (10, 50_000)}


def cosines(words):
    rows = np.array([model.embed(tokenizer.encode(word))[0] for word in words])
    rows /= np.linalg.norm(rows, axis=1, keepdims=True)
    return (rows @ rows.T).sum(axis=1)


def most_alike(words):
    return words[int(cosines(words).argmax())]


def shortest(words):
    return min(words, key=lambda word: np.linalg.norm(model.embed(tokenizer.encode(word))))


def by_products(words):
    rows = np.array([model.embed(tokenizer.encode(word))[0] for word in words])
    products = rows @ rows.T
    np.fill_diagonal(products, 0)
    return words[int(products.sum(axis=1).argmin())]


WRONG = {
    "02.1": [
        {**RIGHT, "table": (300, 50_000)},
        {**RIGHT, "one row": (1, 300)},
        {**RIGHT, "ten rows": (300,)},
        {**RIGHT, "one-hot": (10, 300)},
        {**RIGHT, "one-hot": (10, 10)},
        {**RIGHT, "ten rows": "10 x 300"},
        (50_000, 300),
    ],
    "02.2": [{"a"}, {"a", "d", "b"}, {"a", "c", "d"}, {"a", "d", "e"}, {"a", "d", "f"}, {"d"}],
    "02.3": [(9, 8 / 9), (5, 8 / 9), (3, 8), (3, 8 / 3), (3, 8 / 6), (3, 0.5), (3, 2), (4, 1), 3],
    "02.4": [
        lambda words: words[0],
        most_alike,
        lambda words: int(cosines(words).argmin()),
        shortest,
        by_products,
        lambda words: "cat",
        lambda words: words.missing,
    ],
    "02.5": [((364, 386), "b"), ((364, 364), "b"), ((0, 1), "b"), ((300, 301), "c"), ((300, 310), "a"), ((4, 5), "d")],
    "02.6": [
        (["cat", "dog", "rabbit", "fox"], ["red", "blue", "white", "pink"]),
        (["Mia", "Tom", "Leo", "Nora"], ["stew", "pie", "soup"]),
        (["Mia", "Tom", "Leo", "Nora"], ["stew", "pie", "soup", "spaghetti"]),
        (["Mia", "Tom", "Leo", "stew"], ["Nora", "pie", "soup", "salad"]),
        (["moon", "star", "rain", "kite"], ["sad", "happy", "park", "lake"]),
        (["Mia", "Tom", "Leo", "Mia"], ["stew", "pie", "soup", "salad"]),
        ["Mia", "Tom"],
    ],
}
