"""Moving references: compare-and-swap by Git's own lock protocol, or by `git update-ref` where they are not in files."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Callable, Iterator
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


def delete(place: Place, git: Git, claim: Claim, ref: str) -> None:
    """Delete a reference, loose and packed, with its log; no error where there is none. Raises GitBusy when its lock is held by others.

    Git's own command, killed in the middle, would leave locks that can't be told from a living one's.
    """
    from autobuilds.adapters.git.sharing import share, sharing_of

    path = place.common / ref
    if not refs_in_files(place):
        git.run("update-ref", "--no-deref", "-d", ref, ok=(0, 1))
        return
    if not path.is_file() and not _packed_without(place, ref)[1]:
        return
    value, lock, sharing = claim.path("ref"), path.with_name(path.name + ".lock"), sharing_of(place.common)
    value.touch()
    make_folder(lock.parent, sharing)
    claim.hold(lock, value)
    try:
        # The packed one first: otherwise it would be the reference once more.
        if _packed_without(place, ref)[1]:
            _unpack(place, claim, ref, sharing, share)
        path.unlink(missing_ok=True)
        with contextlib.suppress(OSError):
            (place.common / "logs" / ref).unlink(missing_ok=True)
    finally:
        lock.unlink(missing_ok=True)


def _unpack(place: Place, claim: Claim, ref: str, sharing: int, share: Callable[[Path, int], None]) -> None:
    """Take a reference out of the file of packed ones."""
    target = place.common / "packed-refs"
    value, lock = claim.path("packed"), place.common / "packed-refs.lock"
    value.touch()
    claim.hold(lock, value)
    try:
        share(lock, sharing)
        with lock.open("wb") as file:
            file.write(_packed_without(place, ref)[0])
            file.flush()
            os.fsync(file.fileno())
        replace(lock, target)
    except BaseException:
        lock.unlink(missing_ok=True)
        raise


def _packed_without(place: Place, ref: str) -> tuple[bytes, bool]:
    """Return the packed references without one (and what it peels to), and whether it was there."""
    try:
        text = (place.common / "packed-refs").read_bytes()
    except FileNotFoundError:
        return b"", False
    name, kept, gone = ref.encode("utf-8", "surrogateescape"), list[bytes](), False
    dropping = False
    for line in text.splitlines(keepends=True):
        dropping = (line.startswith(b"^") and dropping) or line.rstrip(b"\r\n").partition(b" ")[2] == name
        gone = gone or dropping
        if not dropping:
            kept.append(line)
    return b"".join(kept), gone


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
