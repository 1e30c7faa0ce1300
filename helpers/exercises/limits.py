"""A time limit for code of others: an endless loop ends with OutOfTime, in Jupyter and anywhere else."""

from __future__ import annotations

import signal
import sys
import threading
import time
from types import FrameType
from typing import Any

AGAIN = 0.5  # seconds after which the alarm rings again, for code that catches everything in a loop


class OutOfTime(BaseException):
    """The code ran longer than it may. No Exception: `except Exception` in the code must not stop it."""


def time_limit(seconds: float) -> _Alarm | _Watched:
    """A context whose code is stopped by OutOfTime after `seconds`.

    On the main thread, where cells run, the system's alarm stops it. Where there is none (Windows, other threads)
    Python asks for the time before each line. Neither can stop one call into C that never returns.
    """
    on_main = threading.current_thread() is threading.main_thread()
    return _Alarm(seconds) if on_main and hasattr(signal, "setitimer") else _Watched(seconds)


class _Alarm:
    def __init__(self, seconds: float) -> None:
        self._seconds = seconds

    def __enter__(self) -> None:
        self._before = signal.signal(signal.SIGALRM, self._ring)
        signal.setitimer(signal.ITIMER_REAL, self._seconds, AGAIN)

    def __exit__(self, *error: object) -> None:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, self._before)

    def _ring(self, number: int, frame: FrameType | None) -> None:
        raise OutOfTime


class _Watched:
    def __init__(self, seconds: float) -> None:
        self._seconds = seconds

    def __enter__(self) -> None:
        self._end, self._before = time.monotonic() + self._seconds, sys.gettrace()
        sys.settrace(self._look)

    def __exit__(self, *error: object) -> None:
        sys.settrace(self._before)

    def _look(self, frame: FrameType, event: str, argument: Any) -> Any:
        if frame.f_code.co_filename == __file__:
            return None
        if time.monotonic() > self._end:
            raise OutOfTime
        return self._look
