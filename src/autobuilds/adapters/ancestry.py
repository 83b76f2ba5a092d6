"""From where a process comes: whether it was started, over however many steps, by a build that took its marker away."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

from autobuilds.adapters.processes import MARKER

_SUPERVISOR = b"autobuilds.adapters.supervisor"
#: Generations that are looked at.
_DEEPEST = 64
_RUNS = Path(".autobuilds/runs")


def build_above(root: Path, pid: int | None = None) -> str | None:
    """Return the attempt of the workspace at `root` that a process (None: this one) descends from, or None.

    Linux alone can be asked. A process that left its tree comes back below the supervisor of its attempt; the heartbeat that a
    supervisor starts when the attempt has ended is no part of it.
    """
    runs = root / _RUNS
    for above in _ancestors(os.getpid() if pid is None else pid):
        attempt = _marked(above)
        if attempt and _is_run(runs, attempt):
            return attempt
        folder = _supervised(above)
        if folder is not None and folder.parent == runs and not (folder / "exit.json").exists():
            return folder.name
    return None


def _is_run(runs: Path, attempt: str) -> bool:
    return "/" not in attempt and attempt not in {".", ".."} and (runs / attempt).is_dir()


def _ancestors(pid: int) -> Iterator[int]:
    for _ in range(_DEEPEST):
        try:
            # The name of the program stands in brackets and may hold any character.
            pid = int(Path(f"/proc/{pid}/stat").read_bytes().rpartition(b")")[2].split()[1])
        except (OSError, ValueError, IndexError):
            return
        if pid < 1:
            return
        yield pid


def _marked(pid: int) -> str | None:
    with suppress(OSError):
        for entry in Path(f"/proc/{pid}/environ").read_bytes().split(b"\0"):
            name, _, value = entry.partition(b"=")
            if name == MARKER.encode():
                return os.fsdecode(value)
    return None


def _supervised(pid: int) -> Path | None:
    with suppress(OSError):
        words = Path(f"/proc/{pid}/cmdline").read_bytes().split(b"\0")
        if _SUPERVISOR in words[:-1]:
            return Path(os.fsdecode(words[words.index(_SUPERVISOR) + 1]))
    return None
