"""A folder for what a proof works on: in memory where the machine has room, since thousands of workspaces are made and thrown away."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

_MEMORY: Final = Path("/dev/shm")
#: Bytes that have to be free.
_ROOM: Final = 2 << 30


@contextmanager
def in_memory(folder: Path) -> Iterator[Path]:
    """Yield a new folder, removed afterwards; `folder` itself where there is no memory to be had."""
    try:
        there = os.statvfs(_MEMORY)
        roomy = there.f_bavail * there.f_frsize > _ROOM and os.access(_MEMORY, os.W_OK | os.X_OK)
    except OSError:
        roomy = False
    if not roomy:
        yield folder
        return
    made = Path(tempfile.mkdtemp(prefix="proof-", dir=_MEMORY))
    try:
        yield made
    finally:
        shutil.rmtree(made, ignore_errors=True)
