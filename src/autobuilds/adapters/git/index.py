"""The person's index: brought up to date for our paths only, through a private copy, and never while they use it."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Mapping
from pathlib import Path

from autobuilds.adapters.git.locks import Claim, replace
from autobuilds.adapters.git.place import Place
from autobuilds.adapters.git.process import Git
from autobuilds.errors import AutobuildsError, GitBusy

#: What an index holds of a path: mode and object id; None takes it out.
Wanted = Mapping[str, tuple[bytes, str] | None]


def _signature(path: Path) -> tuple[int, int, int] | None:
    try:
        found = path.stat()
    except FileNotFoundError:
        return None
    return found.st_ino, found.st_size, found.st_mtime_ns


def private_copy(place: Place, claim: Claim, name: str = "index") -> tuple[Path, tuple[int, int, int] | None]:
    """Copy the person's index to a private file and return it with the signature of what was copied.

    The time stamp is kept: Git tells by it which entries it must look at again.
    """
    index, copy = place.git_dir / "index", claim.path(name)
    while True:
        before = _signature(index)
        if before is None:
            copy.unlink(missing_ok=True)
            return copy, None
        copy.write_bytes(index.read_bytes())
        if _signature(index) == before:
            os.utime(copy, ns=(before[2], before[2]))
            return copy, before


def write_entries(git: Git, index: Path, wanted: Wanted, oid_length: int) -> None:
    """Set or remove entries of an index file."""
    lines = []
    for path, entry in wanted.items():
        mode, oid = entry or (b"0", "0" * oid_length)
        lines.append(mode + b" " + oid.encode() + b"\t" + os.fsencode(path) + b"\0")
    git.run("update-index", "--replace", "-z", "--index-info", data=b"".join(lines), variables={"GIT_INDEX_FILE": str(index)})


def install(place: Place, claim: Claim, copy: Path, before: tuple[int, int, int] | None, *, patience: float) -> bool:
    """Put a private index in the place of the person's, unless that changed since it was copied.

    Returns False when it changed; raises GitBusy when the person's `index.lock` stays held.
    """
    index = place.git_dir / "index"
    lock = place.git_dir / "index.lock"
    claim.hold(lock, copy, patience=patience)
    try:
        if _signature(index) != before:
            lock.unlink()
            return False
        if before is not None:
            with contextlib.suppress(OSError):
                lock.chmod(index.stat().st_mode & 0o777)
        replace(lock, index)
    except BaseException:
        lock.unlink(missing_ok=True)
        raise
    return True


def refresh(place: Place, git: Git, claim: Claim, wanted: Wanted, oid_length: int) -> bool:
    """Make the person's index agree with a new commit for `wanted`; returns False, having done nothing, when it can't be done now."""
    for attempt in range(5):
        try:
            copy, before = private_copy(place, claim, f"index{attempt}")
            # With no time stamp Git takes no second look at any entry (that would run the person's filters); with the old one
            # put back, the person's Git looks again at those that it has to.
            if before is not None:
                os.utime(copy, ns=(0, 0))
            write_entries(git, copy, wanted, oid_length)
            if before is not None:
                os.utime(copy, ns=(before[2], before[2]))
            if install(place, claim, copy, before, patience=0.2):
                return True
        except GitBusy:
            return False
        except (AutobuildsError, OSError):
            continue  # a Git of ours that was killed; the next try has files of its own
    return False
