"""Which functions of the source a test calls, in its own process and in those that it starts.

This file is also copied, by itself, into the environment that tests run in, where every Python that starts there imports it: it knows only
the standard library. A started process tells of a function as soon as it calls it, because it may be killed.
"""

from __future__ import annotations

import os
import sys
import threading
from collections.abc import Callable
from types import CodeType, FrameType

#: Beside this file: holds the folder of the source and the file that calls are told in, while tests are traced.
SWITCH = "traced-now"


def tracer(source: str, told: Callable[[str], None]) -> Callable[[FrameType, str, object], None]:
    """Return a trace function that tells the outermost function of every call into the source, once each."""
    seen: set[CodeType] = set()

    def trace(frame: FrameType, _event: str, _argument: object) -> None:
        code = frame.f_code
        if code in seen:
            return
        seen.add(code)
        if code.co_filename.startswith(source):
            name = code.co_qualname.partition(".<locals>")[0]
            if not name.startswith("<"):
                told(f"{code.co_filename[len(source) :]}:{name}")

    return trace


def start() -> None:
    """Trace this process, where the switch says so."""
    switch = os.path.join(os.path.dirname(os.path.abspath(__file__)), SWITCH)
    try:
        with open(switch, encoding="utf-8") as file:
            source, target = file.read().splitlines()
    except (OSError, ValueError):
        return

    def told(line: str) -> None:
        try:  # opened each time: some processes close what they did not open themselves
            log = os.open(target, os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC, 0o600)
            os.write(log, f"{line}\n".encode())
            os.close(log)
        except OSError:
            return

    trace = tracer(source, told)
    threading.settrace(trace)
    sys.settrace(trace)


if __name__ != "tests.mutation.tracing":
    start()
