"""What every run of pytest needs, `pytest notebooks` too: patience, and what a learner made left alone."""

from __future__ import annotations

import importlib.util
import os
import shutil
import sys
import tempfile
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent / "tests"))
from extras import what_is_missing

PATIENCE = 300  # seconds; nbval waits 5 for a cell's output, which eight busy processes beside it exceed
pytest_plugins = ["journey_coverage"]
LONGEST = ["07_transformer", "test_window", "04_training", "test_lessons", "test_keras_twin"]


def pytest_configure(config):
    """Lessons save a model and a learner's progress: as tests they must not touch what somebody has made."""
    config.stash[OWN] = os.environ["TOKEN_JOURNEY_MY_MODEL"] = tempfile.mkdtemp(prefix="my_model-")
    os.environ["TOKEN_JOURNEY_PROGRESS"] = str(Path(config.stash[OWN], "my_progress.json"))
    if importlib.util.find_spec("hypothesis"):
        from hypothesis import settings

        settings.register_profile("any machine", deadline=None)  # a time limit tells how busy a machine is, not a fault
        settings.load_profile("any machine")


def pytest_unconfigure(config):
    shutil.rmtree(config.stash[OWN], ignore_errors=True)


OWN = pytest.StashKey[str]()


def pytest_collection_modifyitems(config, items):
    """Lessons whose extras are not installed are skipped; with REQUIRE_ALL=1 they run, and fail.

    Where files run side by side the longest begin, so that none of them is left alone at the end.
    """
    if hasattr(config, "workerinput"):
        items.sort(key=lambda item: LONGEST.index(item.path.stem) if item.path.stem in LONGEST else len(LONGEST))
    for item in items:
        if hasattr(item, "output_timeout"):
            item.output_timeout = PATIENCE
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
