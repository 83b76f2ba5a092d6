"""Logs: found by their names, renamed when they are large, compressed when they are old; nothing of them is lost."""

from __future__ import annotations

import errno
import os
import re
import stat
import time
import zlib
from collections.abc import Iterator
from contextlib import suppress
from datetime import timedelta
from pathlib import Path

from autobuilds.adapters.housekeeping.openness import in_use, lease, unlease
from autobuilds.adapters.housekeeping.packing import pack
from autobuilds.adapters.housekeeping.places import Budget, Found, free_bytes, held_folder, is_plain, mark_of, still, walk
from autobuilds.domain.house import Fix, LogFile, LogKind, Mended, Place, Scope
from autobuilds.errors import AutobuildsError
from autobuilds.records import dataclass

_CURRENT = re.compile(r".+\.log", re.DOTALL)
_ROTATED = re.compile(r".+\.log[.-](?:\d[\dT:_-]*|old|bak)", re.DOTALL)
_COMPRESSED = re.compile(r".+\.log(?:[.-](?:\d[\dT:_-]*|old|bak))?\.(?:gz|bz2|xz|zst)", re.DOTALL)
#: How a compressed copy is called while it is made, and the seconds after which nobody makes it any more.
_HALF, _HALF_AGE = ".autobuilds-half-", 3600.0
_HALF_NAME = re.compile(re.escape(_HALF) + r"[0-9a-f]{16}\.gz", re.ASCII)
#: Folders of the workspace with logs, and whether those below them are looked into.
OWN = (("subagents/logs", True), (".autobuilds", False))


@dataclass(frozen=True, slots=True, kw_only=True)
class Logs:
    """What was found: logs in files and bytes, and those that are large or old."""

    count: int = 0
    size: int = 0
    odd: tuple[LogFile, ...] = ()


def kind_of(name: str) -> LogKind | None:
    """Return what a file's name says of it as a log, or None for what is none."""
    if _CURRENT.fullmatch(name):
        return LogKind.CURRENT
    if _ROTATED.fullmatch(name):
        return LogKind.ROTATED
    return LogKind.COMPRESSED if _COMPRESSED.fullmatch(name) else None


def read_logs(scope: Scope, budget: Budget) -> Logs:
    """Return what the logs of the workspace and of the owner's folders are like."""
    count = size = 0
    odd: list[LogFile] = []
    for root, own, found in _all(scope, budget):
        kind = kind_of(found.path.name)
        if kind is None:
            continue
        count += 1
        size += found.mark.size
        idle = max(timedelta(), timedelta(seconds=scope.now.timestamp() - found.changed))
        if found.mark.size > scope.log_limit or idle >= scope.log_age:
            odd.append(_looked_at(scope, root, own, found, kind, idle))
    return Logs(count=count, size=size, odd=tuple(odd))


def _all(scope: Scope, budget: Budget) -> Iterator[tuple[Path, bool, Found]]:
    """Yield every log once, with its root and whether it is one of the workspace's own; an owner's folder may lie in another."""
    workspace = Path(scope.root)
    seen: set[Path] = set()
    roots = [(workspace, workspace / name, deep) for name, deep in OWN]
    roots += [(Path(folder), Path(folder), True) for folder in scope.folders]
    for root, top, deep in roots:
        for found in walk(top, budget, wanted=_is_log, but=frozenset({".git", ".autobuilds"}), deep=deep):
            if found.path not in seen:
                seen.add(found.path)
                yield root, top != root, found


def _is_log(name: str) -> bool:
    return kind_of(name) is not None


def _looked_at(scope: Scope, root: Path, own: bool, found: Found, kind: LogKind, idle: timedelta) -> LogFile:
    place = Place(path=str(found.path), root=str(root))
    used = None
    with suppress(OSError), held_folder(place) as (fd, name):
        used = in_use(fd, name)
    inside = found.path.relative_to(root).as_posix() if own else ""
    return LogFile(place=place, mark=found.mark, kind=kind, idle=idle, own=own, in_use=used, build=scope.known_logs.get(inside))


def rotate(fix: Fix, scope: Scope) -> Mended:
    """Rename a log that nobody has open; what somebody writes who opens it right now goes on in the renamed one, so nothing is lost."""
    try:
        with held_folder(fix.place) as (fd, name):
            info = still(fd, name, fix.mark)
            if info is None or in_use(fd, name) is not False:
                return Mended(done=False, said="it changed meanwhile, or a program has it open; left alone")
            new = _free_name(fd, f"{name}.{scope.now:%Y%m%dT%H%M%S}")
            os.rename(name, new, src_dir_fd=fd, dst_dir_fd=fd)
            if fix.place.root != scope.root:
                _put_empty(fd, name, info)
            os.fsync(fd)
    except OSError as error:
        return Mended(done=False, said=f"could not be renamed: {error.strerror or error}")
    return Mended(done=True, said=f"renamed to {new}")


def _free_name(fd: int, stem: str, suffix: str = "") -> str:
    """Return a name that nothing in a held folder has, nor has it compressed."""
    for number in range(1, 1000):
        tried = f"{stem}{suffix}" if number == 1 else f"{stem}-{number}{suffix}"
        if not any(_taken(fd, name) for name in (tried, f"{tried}.gz")):
            return tried
    raise FileExistsError(errno.EEXIST, "a thousand names are taken", f"{stem}{suffix}")


def _taken(fd: int, name: str) -> bool:
    try:
        os.stat(name, dir_fd=fd, follow_symlinks=False)
    except OSError as error:
        return error.errno not in {errno.ENOENT, errno.ENAMETOOLONG}
    return True


def _put_empty(fd: int, name: str, info: os.stat_result) -> None:
    """Put an empty file where a log stood, for programs that may not make one themselves."""
    with suppress(OSError):
        new = os.open(name, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600, dir_fd=fd)
        try:
            with suppress(PermissionError):
                os.fchown(new, -1, info.st_gid)
            os.fchmod(new, stat.S_IMODE(info.st_mode))
        finally:
            os.close(new)


def compress(fix: Fix, _: Scope) -> Mended:
    """Put a compressed copy, read back and compared, in the place of a log that nobody has open."""
    try:
        with held_folder(fix.place) as (fd, name):
            info = still(fd, name, fix.mark)
            if info is None or in_use(fd, name) is not False:
                return Mended(done=False, said="it changed meanwhile, or a program has it open; left alone")
            if free_bytes(Path(fix.place.path).parent) < info.st_size:
                return Mended(done=False, said="the disk has no room for a compressed copy beside it")
            return _packed(fd, name, info)
    except (OSError, EOFError, zlib.error, AutobuildsError) as error:
        return Mended(done=False, said=f"could not be compressed: {getattr(error, 'strerror', None) or error}")


def _clear(fd: int) -> None:
    """Remove what a killed compression left half done in a held folder."""
    for name in os.listdir(fd):
        if _HALF_NAME.fullmatch(name):
            with suppress(OSError):
                info = os.stat(name, dir_fd=fd, follow_symlinks=False)
                if is_plain(info, os.fstat(fd).st_dev) and time.time() - info.st_mtime > _HALF_AGE:
                    os.unlink(name, dir_fd=fd)


def _packed(fd: int, name: str, info: os.stat_result) -> Mended:
    new = _free_name(fd, name, ".gz")
    source = os.open(name, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC | os.O_NOCTTY, dir_fd=fd)
    _clear(fd)
    half = f"{_HALF}{os.urandom(8).hex()}.gz"
    try:
        size = pack(fd, source, half, info)
        if mark_of(os.fstat(source)) != mark_of(info) or lease(source) is False:
            return Mended(done=False, said="a program wrote to it meanwhile; left alone")
        try:
            if mark_of(os.fstat(source)) != mark_of(info):
                return Mended(done=False, said="a program wrote to it meanwhile; left alone")
            os.rename(half, new, src_dir_fd=fd, dst_dir_fd=fd)
            os.fsync(fd)
            os.unlink(name, dir_fd=fd)
            os.fsync(fd)
        finally:
            unlease(source)
    finally:
        os.close(source)
        with suppress(OSError):
            os.unlink(half, dir_fd=fd)
    return Mended(done=True, said=f"compressed to {new}", freed=max(0, info.st_size - size))
