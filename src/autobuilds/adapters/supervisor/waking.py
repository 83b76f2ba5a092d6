"""What wakes a supervisor while it waits: an ended child, a stop signal."""

from __future__ import annotations

import os
import select
import signal
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from types import FrameType

from autobuilds.records import dataclass

_LOOK_SECONDS = 0.03


@dataclass(slots=True)
class Wake:
    """Wakes the watcher when a child ends or a stop signal arrives; `asked` once one has. Without a reader it looks often instead."""

    reader: int | None = None
    asked: bool = False

    def wait(self, seconds: float) -> None:
        """Return after `seconds`, or sooner when a signal arrives."""
        if self.reader is None:
            time.sleep(max(0.0, min(seconds, _LOOK_SECONDS)))
            return
        with suppress(InterruptedError):
            ready, _, _ = select.select([self.reader], [], [], max(seconds, 0.0))
            if ready:
                with suppress(BlockingIOError):
                    os.read(self.reader, 4096)


@contextmanager
def waking() -> Iterator[Wake]:
    """Install the signal handlers of a supervisor for as long as the block runs."""
    reader, writer = os.pipe()
    os.set_blocking(reader, False)
    os.set_blocking(writer, False)
    wake = Wake(reader)

    def ask(_number: int, _frame: FrameType | None) -> None:
        wake.asked = True

    def notice(_number: int, _frame: FrameType | None) -> None:
        return

    before = {n: signal.signal(n, ask) for n in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP)}
    before[signal.SIGCHLD] = signal.signal(signal.SIGCHLD, notice)
    old = signal.set_wakeup_fd(writer, warn_on_full_buffer=False)
    try:
        yield wake
    finally:
        signal.set_wakeup_fd(old)
        for number, handler in before.items():
            signal.signal(number, handler)
        os.close(reader)
        os.close(writer)
