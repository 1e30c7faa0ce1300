"""Fixtures that many tests share: a tokenizer trained on a few lines, and models that compute nothing costly."""

from __future__ import annotations

import os

import pytest
from extras import what_is_missing
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


@pytest.fixture(scope="session", autouse=True)
def _leave_the_learners_model_alone(tmp_path_factory):
    """Lesson 03, run as a test, must not replace a model that somebody trained."""
    os.environ["TOKEN_JOURNEY_MY_MODEL"] = str(tmp_path_factory.mktemp("my_model"))


LONGEST = ["06_transformer", "test_window", "03_training", "test_lessons", "test_keras_twin"]


def pytest_collection_modifyitems(config, items):
    """Lessons whose extras are not installed are skipped; with REQUIRE_ALL=1 they run, and fail.

    Where files run side by side the longest begin, so that none of them is left alone at the end.
    """
    if hasattr(config, "workerinput"):
        items.sort(key=lambda item: LONGEST.index(item.path.stem) if item.path.stem in LONGEST else len(LONGEST))
    for item in items:
        if item.path.suffix == ".ipynb" and (missing := what_is_missing(item.path.stem)):
            item.add_marker(pytest.mark.skip(reason=missing))


@pytest.hookimpl(hookwrapper=True)
def pytest_runtest_makereport(item, call):
    """With REQUIRE_ALL=1 nothing may be skipped: an absent extra fails."""
    outcome = yield
    report = outcome.get_result()
    if report.skipped and os.environ.get("REQUIRE_ALL") == "1":
        report.outcome = "failed"
        report.longrepr = f"REQUIRE_ALL=1 forbids skipping: {report.longrepr}"
