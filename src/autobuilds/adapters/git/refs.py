"""Moving references: compare-and-swap by Git's own lock protocol, or by `git update-ref` where they are not in files."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from autobuilds.adapters.git.locks import Claim, replace
from autobuilds.adapters.git.place import Place, read_ref, read_small, refs_in_files, symbolic
from autobuilds.adapters.git.process import Git
from autobuilds.errors import GitFailure


class Moved(GitFailure):
    """The reference does not stand where it was expected; somebody moved it in between. Try again."""


@contextmanager
def moving(place: Place, git: Git, claim: Claim, ref: str, old: str | None, new: str, who: str, why: str) -> Iterator[None]:
    """Hold `ref` at `old` during the body and move it to `new` after it; an exception in the body leaves it alone.

    `who` and `why` go into the reflog. Raises Moved when it is not at `old`, GitBusy when its lock is held.
    """
    path = place.common / ref
    if not refs_in_files(place) or (read_small(path) or "").startswith("ref:"):
        yield
        done = git.run("update-ref", "--no-deref", "-m", why, ref, new, old or "0" * len(new), ok=(0, 1, 128))
        if done.returncode:
            raise Moved(f"{ref} moved while the tool was working on it")
        return
    value = claim.path("ref")
    with value.open("wb") as file:
        file.write(f"{new}\n".encode())
        file.flush()
        os.fsync(file.fileno())
    lock = path.with_name(path.name + ".lock")
    claim.hold(lock, value)
    try:
        if read_ref(place, ref) != old:
            raise Moved(f"{ref} moved while the tool was working on it")
        if old is None and path.is_dir():
            _remove_empty(path)
        yield
        _log(place, ref, old or "0" * len(new), new, who, why)
        replace(lock, path)
    except BaseException:
        lock.unlink(missing_ok=True)
        raise


def _remove_empty(path: Path) -> None:
    for where, _, _ in os.walk(path, topdown=False):
        with contextlib.suppress(OSError):
            Path(where).rmdir()


def _log(place: Place, ref: str, old: str, new: str, who: str, why: str) -> None:
    line = f"{old} {new} {who}\t{' '.join(why.split())}\n".encode("utf-8", "replace")
    logs = [place.common / "logs" / ref]
    if symbolic(place.git_dir) == ref:
        logs.append(place.git_dir / "logs" / "HEAD")
    off = place.setting_is("logallrefupdates", "false")
    for log in logs:
        if off and not log.exists():
            continue
        with contextlib.suppress(OSError):
            log.parent.mkdir(parents=True, exist_ok=True)
            with log.open("ab") as file:
                file.write(line)
