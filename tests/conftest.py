"""Fixtures that many tests share: a tokenizer trained on a few lines, and models that compute nothing costly."""

from __future__ import annotations

import pytest
from fakes import SAMPLE_TEXTS, FakeModel, WithoutEnd

from helpers.tokenizer import Tokenizer


@pytest.fixture(scope="session")
def tokenizer() -> Tokenizer:
    return Tokenizer.train(SAMPLE_TEXTS, vocab_size=400)


@pytest.fixture
def model(tokenizer) -> FakeModel:
    return FakeModel(tokenizer.vocab_size)


@pytest.fixture
def endless(tokenizer):
    return WithoutEnd(tokenizer)
