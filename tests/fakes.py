"""Small stand-ins: texts for a tiny tokenizer, a model of tables, a tokenizer without an end."""

from __future__ import annotations

import numpy as np

SAMPLE_TEXTS = (
    "the cat sat on the mat and the dog sat on the log",
    "a cat and a dog met a fox; the fox met the cat",
    "naïve café: 日本 and Привет, 😉 and 👩‍👧 on one mat",
    "“quoted” text — with a real \ufffd sign, tabs and 100 % more",
) * 3


class FakeModel:
    """A language model of NumPy tables: the next logits depend on the last two ids, so that a lost one is noticed."""

    def __init__(self, vocab_size: int, embedding_dim: int = 6, context_length: int | None = None) -> None:
        rng = np.random.default_rng(7)
        self.vocab_size, self.embedding_dim, self.context_length = vocab_size, embedding_dim, context_length
        self.table = rng.normal(size=(vocab_size, embedding_dim))
        self._first = rng.normal(size=(vocab_size, vocab_size))
        self._second = rng.normal(size=(vocab_size, vocab_size))
        self.read: list[list[int]] = []  # every call's ids

    def embed(self, ids):
        return self.table[list(ids)]

    def advance(self, ids, state=None):
        self.read.append(list(ids))
        state = [*(state or []), *ids]
        before = state[-2] if len(state) > 1 else 0
        return self._first[state[-1]] + self._second[before], state

    def rewind(self, state, length):
        return state[:length]


def same_steps(steps, others):
    """The same tokens, chosen in the same way, with probabilities that are equal but for rounding."""
    assert [told(step) for step in steps] == [told(step) for step in others]
    for step, other in zip(steps, others, strict=True):
        np.testing.assert_allclose(figures(step), figures(other), rtol=1e-6, atol=1e-9)
    return True


def told(step):
    ids = [candidate.token_id for candidate in step.candidates]
    return step.index, step.input.token_id, step.output.text, ids, step.settings, step.chosen_by, step.finish_reason


def figures(step):
    return [step.probability, step.output.norm, *(candidate.model_probability for candidate in step.candidates)]


class WithoutEnd:
    """A tokenizer whose end token is an ordinary one, so that texts run on."""

    def __init__(self, tokenizer):
        self._tokenizer = tokenizer
        self.eos_ids, self.suppressed_ids = frozenset(), tokenizer.suppressed_ids | tokenizer.eos_ids

    def __getattr__(self, name):
        return getattr(self._tokenizer, name)
