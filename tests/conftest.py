"""Fixtures that many tests share: a tokenizer trained on a few lines, and a model that computes nothing costly."""

from __future__ import annotations

import os

import numpy as np
import pytest

from helpers.tokenizer import Tokenizer

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


@pytest.fixture(scope="session")
def tokenizer() -> Tokenizer:
    return Tokenizer.train(SAMPLE_TEXTS, vocab_size=400)


@pytest.fixture
def model(tokenizer) -> FakeModel:
    return FakeModel(tokenizer.vocab_size)


@pytest.fixture(scope="session", autouse=True)
def _leave_the_learners_model_alone(tmp_path_factory):
    """Lesson 03, run as a test, must not replace a model that somebody trained."""
    os.environ["TOKEN_JOURNEY_MY_MODEL"] = str(tmp_path_factory.mktemp("my_model"))


@pytest.hookimpl(hookwrapper=True)
def pytest_runtest_makereport(item, call):
    """With REQUIRE_ALL=1 nothing may be skipped: an absent extra fails."""
    outcome = yield
    report = outcome.get_result()
    if report.skipped and os.environ.get("REQUIRE_ALL") == "1":
        report.outcome = "failed"
        report.longrepr = f"REQUIRE_ALL=1 forbids skipping: {report.longrepr}"
