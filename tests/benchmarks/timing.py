"""How runs are timed on a machine whose pace changes: in turn, and by the best of several rounds."""

from __future__ import annotations

import time


def cpu_microseconds(runs: dict, count: int, rounds: int = 8) -> dict[str, float]:
    """CPU microseconds of each run for one of its `count` units: run in turn, best of all rounds."""
    best = dict.fromkeys(runs, float("inf"))
    for _ in range(rounds):
        for name, run in runs.items():
            started = time.process_time()
            run()
            best[name] = min(best[name], (time.process_time() - started) / count * 1e6)
    return best
