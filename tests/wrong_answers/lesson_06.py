"""What learners answer in lesson 06, and must not pass with: two or more for each exercise."""

import math


def drawn(step):
    return next(each for each in step.candidates if each.token_id == step.output.token_id)


def right(steps):
    return -sum(math.log2(drawn(step).model_probability) for step in steps)


WRONG = {
    "06.1": [
        {"look up": "b", "probabilities": "c", "draw": "a", "append": "d"},
        {"look up": "c", "probabilities": "b", "draw": "d", "append": "a"},
        {"look up": "b", "probabilities": "a", "draw": "d", "append": "c"},
        {"look up": "a", "probabilities": "c", "draw": "d", "append": "b"},
        {"look up": "b", "probabilities": "c", "draw": "e", "append": "a"},
        {"look up": "b"},
        ["b", "c", "d", "a"],
    ],
    "06.2": [{"a"}, {"c"}, {"a", "b", "c"}, {"a", "c", "d"}, {"a", "c", "e"}, {"k"}, 1],
    "06.3": [
        ([25, 25, 100, 25], [0.96, -1, -0.96]),
        ([7, 7, 14, 7], [0.96, -1, -0.96]),
        ([5, 5, 5, 5], [0.96, -1, -0.96]),
        ([5, 5, 10, 5], [24, -50, -48]),
        ([5, 5, 10, 5], [4.8, -5, -9.6]),
        ([5, 5, 10, 5], [0.96, -0.96, 1]),
        ([5, 5, 10, 5], [0.96, 1, 0.96]),
        ([5, 5, 10, 5], [0.96, -1, 0]),
        ([5, 5, 10], [0.96, -1, -0.96]),
        [5, 5, 10, 5],
    ],
    "06.4": [
        lambda steps: 0.0,
        lambda steps: -right(steps),
        lambda steps: right(steps) * math.log(2),
        lambda steps: right(steps) / len(steps),
        lambda steps: -sum(math.log2(step.probability) for step in steps),
        lambda steps: -sum(math.log2(step.candidates[0].model_probability) for step in steps),
        lambda steps: sum(drawn(step).model_probability for step in steps),
        lambda steps: right(steps[1:]),
        3.5,
    ],
    "06.5": [
        ("Once upon", "b"),
        ("Long ago, Nora took her old yellow drum to the park. Nora wanted to play the", "b"),
        ("It was the birthday of Tom. In the morning Nora", "b"),
        ("It was the birthday of Leo. Once upon", "a"),
        ("It was the birthday of Leo. Once upon", "c"),
        ("It was the birthday of Leo. Once upon", "d"),
        ("It was the birthday of Leo. Once upon", "x"),
        "Once upon",
    ],
    "06.6": [
        ("One day, Mia", 1, 0, "noticed"),
        ("In spring, Tom took his", -3, 1, "green"),
        ("In spring, Tom took his", 3, 1, "spaceship"),
        ("In spring, Tom took his", 3, 999, "green"),
        ("In spring, Tom took his", 3, 0, "old"),
        ("In spring, Tom took his", 3, 1, "ball"),
        ("In spring, Tom took his", 3, 1, "kite"),
        ("In spring, Tom took his", 3, 1),
    ],
}
