"""The newest sign of life of a running attempt, by a clock that nobody sets and that stands still while the machine sleeps."""

from __future__ import annotations

import time
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path

from autobuilds.adapters import processes

#: Seconds by which the clock on the wall may move against the other one without having been set, or the machine having slept.
_DRIFT = 60.0


def beat(path: Path) -> None:
    """Write down that there was a sign of life just now; a full disk is no reason to stop."""
    with suppress(OSError):
        path.write_text(f"{processes.boot_id()} {time.time():.3f} {time.monotonic():.3f}\n", encoding="ascii")


def active_at(path: Path, signs: list[datetime]) -> datetime:
    """Return when the newest sign of life was, on the clock on the wall as it is set now; `signs` are the times of files.

    Where that clock was set, or the machine slept, since the last beat, the span that really passed since then counts, not the files.
    """
    newest = max(signs)
    try:
        boot, wall, steady = path.read_text(encoding="ascii").split()
        then, there = float(wall), float(steady)
    except (OSError, ValueError):
        return newest
    now, here = time.time(), time.monotonic()
    if boot != processes.boot_id() or abs((now - here) - (then - there)) < _DRIFT:
        return newest
    return datetime.fromtimestamp(now, UTC) - timedelta(seconds=max(0.0, here - there))
