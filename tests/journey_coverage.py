"""How much of journey.js the browser tests ran: counted by Chromium itself, over all pages, and printed at the end."""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

SOURCE = Path(__file__).resolve().parent.parent / "helpers" / "window" / "journey.js"
COMMENT = re.compile(r"/\*.*?\*/|(?<=[\s;{(])//[^\n]*", re.S)
RAN = pytest.StashKey[bytearray]()
NAME = "journey.js"


def pytest_configure(config):
    config.stash[RAN] = bytearray(len(SOURCE.read_text(encoding="utf-8")))


def pytest_sessionfinish(session):
    if hasattr(session.config, "workeroutput"):
        session.config.workeroutput[NAME] = bytes(session.config.stash[RAN])


@pytest.hookimpl(optionalhook=True)
def pytest_testnodedown(node):
    """What another process ran of it, where files of tests run side by side."""
    add(node.config, getattr(node, "workeroutput", {}).get(NAME, b""))


def pytest_terminal_summary(terminalreporter, config):
    if any(config.stash[RAN]):
        terminalreporter.write_line(summary(SOURCE.read_text(encoding="utf-8"), config.stash[RAN]))


def add(config, ran) -> None:
    for place, count in enumerate(ran):
        config.stash[RAN][place] |= count


def watch(page, config) -> None:
    """Count in this page from now on; what ran is taken when it closes."""
    session, close = page.context.new_cdp_session(page), page.close
    session.send("Profiler.enable")
    session.send("Profiler.startPreciseCoverage", {"callCount": False, "detailed": True})

    def take_and_close():
        for script in session.send("Profiler.takePreciseCoverage")["result"]:
            add(config, ran_in(script["functions"], len(config.stash[RAN])))
        page.close = close
        close()

    page.close = take_and_close


def ran_in(functions, length) -> bytearray:
    """1 for each character that ran; nothing for a script that is not journey.js, alone or at the head of a page."""
    names = {function["functionName"] for function in functions}
    if not {"shownPlaces", "stageRow", "journey"} <= names:
        return bytearray()
    ran = bytearray(length)
    for function in functions:  # outer ones first, and within each the outer ranges
        for part in function["ranges"]:
            begin, end = min(part["startOffset"], length), min(part["endOffset"], length)
            ran[begin:end] = bytes([part["count"] > 0]) * (end - begin)
    return ran


def summary(source: str, ran) -> str:
    """The share of the lines with code that ran as a whole, and the numbers of the others."""
    code = COMMENT.sub(lambda match: re.sub(r"\S", " ", match[0]), source)
    lines, missed, begin = 0, [], 0
    for number, line in enumerate(code.split("\n"), start=1):
        places = [begin + place for place, letter in enumerate(line) if not letter.isspace()]
        begin += len(line) + 1
        lines += bool(places)
        if not all(ran[place] for place in places):
            missed.append(number)
    rest = f"; not all of {', '.join(runs(missed))}" if missed else ""
    return f"{NAME}: the browser ran {1 - len(missed) / lines:.1%} of {lines} lines of code{rest}"


def runs(numbers: list[int]) -> Iterator[str]:
    """Numbers in order as 3, 7-9, 12."""
    for _, found in itertools.groupby(enumerate(numbers), lambda pair: pair[1] - pair[0]):
        run = [number for _, number in found]
        yield str(run[0]) if len(run) == 1 else f"{run[0]}-{run[-1]}"
