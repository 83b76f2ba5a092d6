"""Moving references: compare-and-swap by Git's own lock protocol, or by `git update-ref` where they are not in files."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from autobuilds.adapters.git.locks import Claim, replace
from autobuilds.adapters.git.objects import make_folder
from autobuilds.adapters.git.place import Place, is_oid, read_ref, read_small, refs_in_files, symbolic
from autobuilds.adapters.git.process import Git
from autobuilds.errors import GitFailure
from autobuilds.records import dataclass


class Moved(GitFailure):
    """The reference does not stand where it was expected; somebody moved it in between. Try again."""


@dataclass(slots=True)
class Held:
    """A reference that is locked at `old`; it goes to `new` when the lock is given up, or stays if that is None."""

    old: str | None
    new: str | None = None

    def expect(self, old: str | None) -> None:
        """Raise Moved unless the reference stands at `old`."""
        if self.old != old:
            raise Moved


@contextmanager
def holding(place: Place, git: Git, claim: Claim, ref: str, who: str, why: str) -> Iterator[Held]:
    """Lock `ref` during the body, which may set where it goes; an exception in the body leaves it alone.

    `who` and `why` go into the reflog. Raises GitBusy when its lock is held by others.
    """
    from autobuilds.adapters.git.sharing import share, sharing_of

    path = place.common / ref
    if not refs_in_files(place) or (read_small(path) or "").startswith("ref:"):
        with _by_git(git, ref, why) as held:
            yield held
        return
    value, lock = claim.path("ref"), path.with_name(path.name + ".lock")
    sharing = sharing_of(place.common)
    value.touch()
    make_folder(lock.parent, sharing)
    claim.hold(lock, value)
    share(lock, sharing)
    try:
        held = Held(read_ref(place, ref))
        if held.old is None and path.is_dir():
            _remove_empty(path)
        yield held
        if held.new is None:
            lock.unlink()
            return
        # The lock is a second name of this file.
        with lock.open("wb") as file:
            file.write(f"{held.new}\n".encode())
            file.flush()
            os.fsync(file.fileno())
        _log(place, ref, held, who, why, sharing)
        replace(lock, path)
    except BaseException:
        lock.unlink(missing_ok=True)
        raise


@contextmanager
def _by_git(git: Git, ref: str, why: str) -> Iterator[Held]:
    found = git.run("rev-parse", "--verify", "--quiet", "--end-of-options", ref, ok=(0, 1, 128)).stdout.decode("ascii", "replace").strip()
    held = Held(found if is_oid(found) else None)
    yield held
    if held.new is not None:
        done = git.run("update-ref", "--no-deref", "-m", why, ref, held.new, held.old or "0" * len(held.new), ok=(0, 1, 128))
        if done.returncode:
            raise Moved


def _remove_empty(path: Path) -> None:
    for where, _, _ in os.walk(path, topdown=False):
        with contextlib.suppress(OSError):
            Path(where).rmdir()


def _log(place: Place, ref: str, held: Held, who: str, why: str, sharing: int) -> None:
    line = f"{held.old or '0' * len(held.new or '')} {held.new} {who}\t{' '.join(why.split())}\n".encode("utf-8", "replace")
    logs = [place.common / "logs" / ref]
    if symbolic(place.git_dir) == ref:
        logs.append(place.git_dir / "logs" / "HEAD")
    off = place.setting_is("logallrefupdates", "false")
    for log in logs:
        if off and not log.exists():
            continue
        with contextlib.suppress(OSError):
            make_folder(log.parent, sharing, durable=False)
            new = not log.exists()
            with log.open("ab") as file:
                file.write(line)
            if new and sharing:
                from autobuilds.adapters.git.sharing import share

                share(log, sharing)
