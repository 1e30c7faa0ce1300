"""What learners answer in lesson 04, and must not pass with: two or more for each exercise."""

from helpers.corpus import load_corpus

TERMS = {"loss": "c", "perplexity": "e", "learning rate": "a", "epoch": "d", "floor": "b"}
CORPUS = load_corpus()
HELD_OUT = list(CORPUS.validation[:100])


def filled(texts, front=(2,), back=(3,), pad=0, mark=-100):
    longest = max(map(len, texts)) + 1
    inputs = [[*front, *ids] + [pad] * (longest - len(ids) - len(front)) for ids in texts]
    return inputs, [[*ids, *back] + [mark] * (longest - len(ids) - len(back)) for ids in texts]


def filled_in_front(texts):
    longest = max(map(len, texts)) + 1
    rows = [[0] * (longest - len(ids) - 1) + [2, *ids] for ids in texts]
    return rows, filled(texts)[1]


WRONG = {
    "04.1": [
        {**TERMS, "loss": "e", "perplexity": "c"},
        {**TERMS, "floor": "c", "loss": "b"},
        {**TERMS, "learning rate": "d", "epoch": "a"},
        {**TERMS, "perplexity": "b", "floor": "e"},
        {"loss": "c"},
        "ceadb",
    ],
    "04.2": [
        {"a", "d"},
        {"a", "e"},
        {"a", "b", "d", "e"},
        {"a", "c", "d", "e"},
        {"a", "d", "e", "f"},
        {"d", "e"},
    ],
    "04.3": [
        (10 / 6, 4, 0.5),
        (7 / 3, 4, 0.5),
        (8, 4, 0.5),
        (1.386, 4, 0.5),
        (1.608, 4, 0.5),
        (-2, 4, 0.5),
        (8 / 6, 4, 0.5),
        (3, 4, 0.5),
        (2, 7.389, 0.5),
        (2, 2, 0.5),
        (2, 1800, 0.5),
        (2, 5, 0.5),
        (2, 4, 8 / 15),
        (2, 4, 0.125),
        (2, 4, 2),
        (2, 4, 8),
        (2, 4),
    ],
    "04.4": [
        lambda texts: (texts, texts),
        lambda texts: filled(texts, mark=0),
        lambda texts: filled(texts, back=()),
        lambda texts: filled(texts, front=()),
        lambda texts: filled(texts, pad=-100),
        lambda texts: (filled(texts)[0], filled(texts)[0]),
        lambda texts: (filled(texts)[1], filled(texts)[0]),
        lambda texts: ([[2, *ids, 3] for ids in texts], [[*ids, 3] for ids in texts]),
        filled_in_front,
        lambda texts: [row[::-1] for row in filled(texts)[0]],
        lambda texts: filled(texts)[0],
    ],
    "04.5": [
        (CORPUS.train[:500], "b"),
        (CORPUS.validation[100:], "b"),
        (HELD_OUT, "b"),
        (HELD_OUT[:50] * 4, "b"),
        (HELD_OUT * 3, "a"),
        (HELD_OUT * 3, "c"),
        (HELD_OUT * 3, "d"),
        (HELD_OUT * 3, 3),
        (HELD_OUT * 200, "b"),
        ([], "b"),
        ("texts", "b"),
    ],
    "04.6": [
        ({"It rains.": 0.25, "It snows.": 0.25, "It hails.": 0.25, "Sun.": 0.25}, 2),
        ({"It rains.": 0.5, "It snows.": 0.5}, 1),
        ({"It rains.": 1}, 0),
        ({"It rains.": 0.5, "It snows.": 0.25, "It hails.": 0.25}, 1.585),
        ({"It rains.": 0.3, "It snows.": 0.3, "It hails.": 0.2, "Sun.": 0.2}, 2),
        ({"It rains.": 0.5, "It snows.": 0.25, "It hails.": 0.25, "Sun.": 0.25}, 2),
        ({"It rains.": 0.5, "It snows.": 0.5, "It hails.": 0}, 2),
        ({"It rains.": 0.5, "It snows.": 0.25, "It hails.": 0.125, "Sun.": 0.125}, 1.75),
        ({"It rains.": 0.5, "It snows.": 0.25, "It hails.": 0.125, "Sun.": 0.125}, 0.25),
        ({"It rains.": 0.5, "It snows.": 0.25, "It hails.": 0.125, "Sun.": 0.125}, 4),
        ({"It rains.": 0.5, "It snows.": 0.25, "It hails.": 0.125, "Sun.": 0.125}, 1.386),
        ({"It rains.": 0.5, "It snows.": 0.25, "It hails.": 0.125, "Sun.": 0.125}, 3),
        ({"It rains.": "often"}, 2),
        (["It rains."], 2),
    ],
}
