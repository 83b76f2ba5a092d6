"""Temporary files that a killed process of ours left behind."""

from __future__ import annotations

from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path

from autobuilds.domain.patterns import pattern
from autobuilds.store.files.lock import alive

#: How `writing` names its temporary files: the file's name, the writer's process, eight random hexadecimal digits; `vault` without the first.
_OURS = pattern(r"(?:\..+[.-])?(\d+)-[0-9a-f]{8}(?:-[ab])?\.tmp")


def remove_debris(folders: Iterable[Path]) -> int:
    """Remove temporary files of ours whose writer is gone, and return how many; what can't be removed stays."""
    removed = 0
    for folder in folders:
        with suppress(OSError):
            for path in list(folder.iterdir()):
                match = _OURS.fullmatch(path.name)
                if match and not alive(int(match[1])):
                    with suppress(OSError):
                        path.unlink()
                        removed += 1
    return removed
