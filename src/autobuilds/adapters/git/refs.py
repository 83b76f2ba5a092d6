"""Moving references: compare-and-swap by Git's own lock protocol, or by `git update-ref` where they are not in files."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from autobuilds.adapters.git.locks import Claim, replace, write
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
        write(lock, f"{held.new}\n".encode())
        _log(place, ref, held, who, why, sharing)
        replace(lock, path)
    except BaseException:
        lock.unlink(missing_ok=True)
        raise


def delete(place: Place, git: Git, claim: Claim, ref: str) -> None:
    """Delete a reference, loose and packed, with its log; no error where there is none. Raises GitBusy when its lock is held by others.

    Git's own command, killed in the middle, would leave locks that can't be told from a living one's.
    """
    from autobuilds.adapters.git.sharing import sharing_of

    path = place.common / ref
    if not refs_in_files(place):
        git.run("update-ref", "--no-deref", "-d", ref, ok=(0, 1))
        return
    if not path.is_file() and _packed_without(place, ref) is None:
        return
    value, lock, sharing = claim.path("ref"), path.with_name(path.name + ".lock"), sharing_of(place.common)
    value.touch()
    make_folder(lock.parent, sharing)
    claim.hold(lock, value)
    try:
        # The packed one first: otherwise it would be the reference once more.
        _unpack(place, claim, ref, sharing)
        path.unlink(missing_ok=True)
        with contextlib.suppress(OSError):
            (place.common / "logs" / ref).unlink(missing_ok=True)
    finally:
        lock.unlink(missing_ok=True)


def _unpack(place: Place, claim: Claim, ref: str, sharing: int) -> None:
    """Take a reference out of the file of packed ones, if it stands there."""
    from autobuilds.adapters.git.sharing import share

    if _packed_without(place, ref) is None:
        return
    value, lock = claim.path("packed"), place.common / "packed-refs.lock"
    value.touch()
    claim.hold(lock, value)
    try:
        # Read once more: somebody may have packed others before the lock was ours.
        content = _packed_without(place, ref)
        if content is None:
            lock.unlink()
            return
        share(lock, sharing)
        write(lock, content)
        replace(lock, place.common / "packed-refs")
    except BaseException:
        lock.unlink(missing_ok=True)
        raise


def _packed_without(place: Place, ref: str) -> bytes | None:
    """Return the file of packed references without one (and what it peels to), or None where that is not in it."""
    try:
        lines = (place.common / "packed-refs").read_bytes().splitlines(keepends=True)
    except FileNotFoundError:
        return None
    name, dropping, kept = ref.encode("utf-8", "surrogateescape"), False, list[bytes]()
    for line in lines:
        dropping = (line.startswith(b"^") and dropping) or line.rstrip(b"\r\n").partition(b" ")[2] == name
        if not dropping:
            kept.append(line)
    return b"".join(kept) if len(kept) < len(lines) else None


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
