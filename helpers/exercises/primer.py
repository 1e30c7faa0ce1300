"""The primer: what its predictions ask, and why wrong guesses tempt."""

from __future__ import annotations

from helpers.exercises.course import Estimate, Pick

PREDICTIONS = {
    "primer.1": Estimate(
        "How long is (6, 8)?",
        truth=10,
        within=0.01,
        yes="36 and 64 are 100, and the root of it is 10.",
        low="Twice as far right and twice as far up is twice as long.",
        high="6 and 8 added are the way along two sides. The vector takes the short cut.",
    ),
    "primer.2": Pick(
        "What is the dot product of (3, 4) and (−4, 3)?",
        {
            "24": "Both products are 12, but one of them is below zero.",
            "(−12, 12)": "These are the two products. They have to be added.",
            "0": "Right: −12 and 12. The two stand at right angles.",
        },
        "0",
    ),
    "primer.3": Pick(
        "2 numbers times a matrix of 2 rows and 3 columns: how many?",
        {
            "2": "The vector has 2 numbers. But there is one result for each column.",
            "3": "Right: one for each column.",
            "6": "The matrix holds 6 numbers. Each column gives a sum, and there are 3 columns.",
        },
        "3",
    ),
    "primer.4": Pick(
        "What is log₂ ¼?",
        {
            "−2": "Right: halve 1 twice, and you have ¼.",
            "2": "That is log₂ 4. Below 1 a logarithm is below zero.",
            "½": "That is the root of ¼. A logarithm counts how often one doubles or halves.",
        },
        "−2",
    ),
    "primer.5": Pick(
        "Two coins: how often do both show heads?",
        {
            "½ of the time": "So often does one of them. In half of these cases the other one shows tails.",
            "⅓ of the time": "No head, one, two: three cases. But one head comes about in two ways.",
            "¼ of the time": "Right: half of a half.",
        },
        "¼ of the time",
    ),
}
