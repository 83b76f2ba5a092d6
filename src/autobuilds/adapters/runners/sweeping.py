"""Sweeping: what ended attempts no longer need is removed, their records stay for a while."""

from __future__ import annotations

import os
import shutil
import stat
import time
from contextlib import suppress
from pathlib import Path

from autobuilds import errors
from autobuilds.adapters.supervisor.run_folder import RunFolder, is_attempt_id, state_folder
from autobuilds.store.files.debris import remove_debris

#: Seconds for which the records of an ended attempt are kept: as long as the ledger keeps its build.
RECORD_SECONDS = 30 * 86_400.0


def sweep(workspace: Path, keep: set[str]) -> int:
    """Remove what ended attempts that are not in `keep` left behind, and the homes of builds that are over; return the bytes freed.

    Records that a dead process could not finish, and could not take away, go whatever is kept.
    """
    state = state_folder(workspace)
    folders = [RunFolder(path) for path in _folders(state / "runs") if is_attempt_id(path.name)]
    remove_debris(folder.path for folder in folders)
    clones, homes = _needed([folder for folder in folders if folder.attempt_id in keep or not folder.exit.exists()])
    freed = sum(_remove(folder, clones) for folder in folders if folder.attempt_id not in keep)
    return freed + sum(_take_away(path) for path in _folders(state / "homes") if path not in homes)


def _folders(parent: Path) -> list[Path]:
    try:
        return [parent / e.name for e in os.scandir(parent) if e.is_dir(follow_symlinks=False)]
    except FileNotFoundError:
        return []


def _needed(folders: list[RunFolder]) -> tuple[set[Path], set[Path]]:
    """Return the clones and homes of attempts that have not ended, or that are to be kept; what is buried needs none."""
    clones: set[Path] = set()
    homes: set[Path] = set()
    for folder in folders:
        try:
            job, start = folder.read_job(), folder.read_start()
        except errors.BadInput:
            continue
        if job is not None and not (start is not None and start.tombstone):
            clones.add(folder.clone_of(job))
            homes |= {Path(job.home)} if job.home is not None else set()
    return clones, homes


def _take_away(path: Path) -> int:
    size = _size(path)
    shutil.rmtree(path, ignore_errors=True)
    return size


def _remove(folder: RunFolder, used: set[Path]) -> int:
    """Remove what an ended attempt no longer needs; the folder must be one of ours, by its records. Clones in `used` stay."""
    old = _age(folder.exit if folder.exit.is_file() else folder.start) > RECORD_SECONDS
    if folder.swept.exists() and not old:
        return 0
    try:
        ending, start, job = folder.read_exit(), folder.read_start(), folder.read_job()
    except errors.BadInput:
        return 0
    clone = folder.clone_of(job)
    buried = start is not None and start.tombstone
    saved = ending is not None and (ending.head_commit is not None or not clone.exists())
    if not buried and not saved:
        return 0
    with folder.locked(wait=0) as free:
        if not free:
            return 0
        gone = [p for p in (clone, clone.with_name(f"{clone.name}.making")) if clone not in used]
        gone += [folder.path] if old else [folder.merging, folder.scratch, folder.check_home, folder.checks, folder.merged_checks]
        size = sum(_size(p) for p in gone)
        for path in gone:
            shutil.rmtree(path, ignore_errors=True)
        if not old:
            folder.swept.touch()
    return size


def _age(path: Path) -> float:
    try:
        return time.time() - path.stat().st_mtime
    except OSError:
        return 0.0


def _size(folder: Path) -> int:
    total = 0
    for top, _, names in os.walk(folder):
        for name in names:
            with suppress(OSError):
                info = os.lstat(Path(top) / name)
                total += info.st_size if stat.S_ISREG(info.st_mode) else 0
    return total
