"""What learners answer in lesson 00, and must not pass with: two or more for each exercise."""

ORDER = ["text", "ids", "rows", "layers", "logits", "probabilities", "next id"]

WRONG = {
    "00.1": [
        ["ids", "text", "rows", "layers", "logits", "probabilities", "next id"],
        ["text", "ids", "rows", "layers", "probabilities", "logits", "next id"],
        ["text", "rows", "ids", "layers", "logits", "probabilities", "next id"],
        ["text", "ids", "layers", "rows", "logits", "probabilities", "next id"],
        ["text", "ids", "rows", "layers", "logits", "probabilities"],
        ORDER[::-1],
        "text ids rows",
    ],
    "00.2": [
        lambda steps: steps[0],
        lambda steps: steps[-1],
        lambda steps: max(steps, key=lambda step: step.probability),
        lambda steps: min(step.probability for step in steps),
        lambda steps: steps[3],
        lambda steps: min(steps),
    ],
    "00.3": [(3, "c"), (0.3, "c"), (-1, "c"), (0, "a"), (0, "b"), (0, "d"), 0, ("0", "c")],
}
