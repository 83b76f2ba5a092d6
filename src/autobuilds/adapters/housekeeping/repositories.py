"""Git repositories: what they hold is counted from their files; loose objects are packed, and nothing is ever pruned."""

from __future__ import annotations

import os
import re
import signal
import stat
import subprocess
import time
from collections.abc import Iterator
from contextlib import suppress
from datetime import timedelta
from pathlib import Path

from autobuilds.adapters.git.place import find, read_small
from autobuilds.adapters.git.process import Git, words
from autobuilds.adapters.housekeeping.openness import in_use
from autobuilds.adapters.housekeeping.places import DEEPEST, Budget, device_of, free_bytes, held_folder, tree_size
from autobuilds.domain.house import Fix, GitLock, Mended, Place, Repository, Scope
from autobuilds.errors import AutobuildsError
from autobuilds.policies import problem_files

#: Seconds that the maintenance of one repository may take, and that Git has to end when it is told to.
_MOST_SECONDS, _GRACE = 300.0, 10.0
#: Packs loose objects, reachable or not; those that are in a pack are taken away by the next run.
_LOOSE_TASK = ("maintenance", "run", "--quiet", "--task=loose-objects")
#: Joins packs of similar size; those whose objects all stand in another are taken away by the next run.
_JOIN_TASK = ("maintenance", "run", "--quiet", "--task=incremental-repack")
#: Joins all packs, and takes those away whose objects all stand in another.
_JOIN_ALL = tuple(("multi-pack-index", *words) for words in (("write",), ("repack", "--batch-size=0"), ("expire",)))
#: Bytes of packs up to which all of them are joined in one.
_JOINED = 1024**3
_TWO = re.compile(r"[0-9a-f]{2}", re.ASCII)
_LOOSE = re.compile(r"[0-9a-f]{38}(?:[0-9a-f]{24})?", re.ASCII)
#: Loose objects beyond which counting stops.
_MOST_LOOSE = 200_000
_DAY = 86_400.0
#: Locks of Git in the folder of a repository, besides those of single references.
_LOCKS = ("index.lock", "HEAD.lock", "config.lock", "packed-refs.lock", "shallow.lock", "gc.pid", "objects/maintenance.lock")
_MOST_REFS = 20_000
_SPARE = 64 * 1024 * 1024
#: What a repository's own configuration may not have done: run programs, fetch, drop objects, write beside itself.
_CONFIG = {
    "core.alternateRefsCommand": "",
    "gc.recentObjectsHook": "",
    "gc.writeCommitGraph": "false",
    "core.gitProxy": "",
    "core.multiPackIndex": "true",
    "pack.threads": "1",
    "pack.windowMemory": "256m",
    "trace2.eventTarget": "0",
    "trace2.normalTarget": "0",
    "trace2.perfTarget": "0",
}


def read_repositories(scope: Scope, budget: Budget) -> tuple[Repository, ...]:
    """Return what the workspace's repository and those in the owner's folders are like."""
    found: list[Repository] = []
    with suppress(AutobuildsError, OSError):
        common = find(Path(scope.root)).common
        found.append(_read(Place(path=str(common), root=str(common.parent)), scope))
    for folder in scope.folders:
        for git_dir in _below(Path(folder), budget):
            if not any(r.place.path == str(git_dir) for r in found):
                found.append(_read(Place(path=str(git_dir), root=folder), scope))
    return tuple(found)


def _below(root: Path, budget: Budget) -> Iterator[Path]:
    """Yield the Git folders below a root: `.git` in working trees, and bare repositories."""
    device = device_of(root)
    waiting = [(root, 0)] if device is not None else []
    while waiting:
        folder, depth = waiting.pop()
        try:
            with os.scandir(folder) as entries:
                below = [e.name for e in entries if e.is_dir(follow_symlinks=False) and e.stat(follow_symlinks=False).st_dev == device]
        except OSError:
            continue
        if not budget.step(str(folder)):
            budget.unfinished.append(str(root))
            return
        if {"objects", "refs"} <= set(below) and (folder / "HEAD").is_file():
            yield folder
        elif depth < DEEPEST:
            waiting += [(folder / name, depth + 1) for name in below]


def _read(place: Place, scope: Scope) -> Repository:
    folder = Path(place.path)
    loose, packs, debris = _counted(folder)
    return Repository(
        place=place,
        loose=loose,
        packs=packs,
        debris=debris,
        locks=tuple(_locks(folder, scope.now.timestamp())),
        lost_worktrees=tuple(_lost(folder)),
        kept_away=_kept_away(folder, scope),
    )


def _counted(folder: Path) -> tuple[int, int, int]:
    """Return the loose objects, the packs, and the bytes of half-written files that are older than a day."""
    loose = packs = debris = 0
    objects = folder / "objects"
    for name in (*_names(objects), ""):
        if _TWO.fullmatch(name):
            inside = _names(objects / name)
            loose += sum(1 for n in inside if _LOOSE.fullmatch(n))
            debris += sum(_old_size(objects / name / n) for n in inside if n.startswith("tmp_obj_"))
        if loose > _MOST_LOOSE:
            break
    for name in _names(objects / "pack"):
        packs += name.endswith(".pack") and not name.startswith(("tmp_", "."))
        debris += _old_size(objects / "pack" / name) if name.startswith(("tmp_", ".tmp-")) else 0
    return loose, packs, debris


def _names(folder: Path) -> list[str]:
    """Return the names in a folder that is one itself, no link."""
    try:
        if not stat.S_ISDIR(folder.lstat().st_mode):
            return []
        return os.listdir(folder)  # noqa: PTH208 - names alone
    except OSError:
        return []


def _old_size(path: Path) -> int:
    with suppress(OSError):
        info = path.lstat()
        if stat.S_ISREG(info.st_mode) and time.time() - info.st_mtime > _DAY:
            return info.st_size
    return 0


def _locks(folder: Path, now: float) -> Iterator[GitLock]:
    paths = [folder / name for name in _LOCKS]
    paths += [folder / "worktrees" / name / "index.lock" for name in _names(folder / "worktrees")]
    seen = 0
    for top, _, names in os.walk(folder / "refs"):
        seen += len(names)
        paths += [Path(top) / name for name in names if name.endswith(".lock")]
        if seen > _MOST_REFS:
            break
    for path in paths:
        try:
            info = path.lstat()
        except OSError:
            continue
        used = None
        with suppress(OSError), held_folder(Place(path=str(path), root=str(folder))) as (fd, name):
            used = in_use(fd, name)
        yield GitLock(path=str(path), age=max(timedelta(), timedelta(seconds=now - info.st_mtime)), in_use=used)


def _lost(folder: Path) -> Iterator[str]:
    """Yield the names of worktrees that are recorded, not locked, and whose folder is gone."""
    for name in sorted(_names(folder / "worktrees")):
        known = folder / "worktrees" / name
        with suppress(OSError, AutobuildsError):
            target = read_small(known / "gitdir")
            if target and not (known / "locked").exists() and not (known / target).exists():
                yield name


def _kept_away(folder: Path, scope: Scope) -> str:
    """Return why a repository is not to be touched, or nothing."""
    if scope.building:
        return "builds run, which may be reading it"
    try:
        if folder.lstat().st_uid != os.geteuid() or (folder / "objects").lstat().st_uid != os.geteuid():
            return "it is another user's"
        if not stat.S_ISDIR((folder / "objects").lstat().st_mode):
            return "its objects stand elsewhere, behind a link"
        text = (folder / "config").read_bytes()[: 1024 * 1024].lower()
    except OSError as error:
        return f"it can't be read: {error.strerror or error}"
    if b"promisor" in text or b"partialclone" in text:
        return "it is a partial clone: what it lacks would have to be fetched"
    busy = next((name for name in ("gc.pid", "objects/maintenance.lock") if (folder / name).exists()), None)
    return f"Git is at work there, or was killed ({busy} stands)" if busy else ""


def maintain(fix: Fix, scope: Scope) -> Mended:
    """Pack loose objects and join small packs, with Git's own tasks that prune nothing; hooks and configured programs never run."""
    folder = Path(fix.place.path)
    try:
        with held_folder(Place(path=str(folder / "objects"), root=fix.place.root)) as (fd, name):
            os.stat(name, dir_fd=fd, follow_symlinks=False)
    except OSError as error:
        return Mended(done=False, said=f"it changed meanwhile: {error.strerror or error}")
    why = _kept_away(folder, scope)
    if why:
        return Mended(done=False, said=why)
    before = tree_size(folder / "objects")
    if free_bytes(folder) < before + _SPARE:
        return Mended(done=False, said="the disk has no room for a second copy of its objects")
    loose, packs, _debris = _counted(folder)
    deadline = time.monotonic() + _MOST_SECONDS
    for command in _steps(folder, packs):
        said = _run(folder, command, deadline)
        if said:
            return Mended(done=False, said=said, freed=max(0, before - tree_size(folder / "objects")))
    left, now, _debris = _counted(folder)
    return Mended(
        done=True,
        said=f"{loose} loose objects and {packs} packs became {left} and {now}",
        freed=max(0, before - tree_size(folder / "objects")),
    )


def _steps(folder: Path, packs: int) -> list[tuple[str, ...]]:
    """Return the commands that a repository needs; no one of them looks at what is reachable, so none drops an object."""
    steps: list[tuple[str, ...]] = [_LOOSE_TASK, _LOOSE_TASK]
    if packs >= problem_files.PACKS:
        steps += _JOIN_ALL if tree_size(folder / "objects" / "pack") <= _JOINED else (_JOIN_TASK, _JOIN_TASK)
    return steps


def _run(folder: Path, command: tuple[str, ...], deadline: float) -> str:
    """Run a command of Git, and return what went wrong, or nothing; Git is asked to end where it takes too long, and clears up."""
    git = Git(folder, git_dir=folder, isolated=True, config=_CONFIG)
    argv = git.command(command)
    try:
        process = subprocess.Popen(
            argv,
            cwd=folder,
            env=git.environment(),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            start_new_session=True,
        )
    except OSError as error:
        return f"git can't be started: {error.strerror or error}"
    try:
        _, said = process.communicate(timeout=max(1.0, deadline - time.monotonic()))
    except subprocess.TimeoutExpired:
        return _stopped(process)
    return "" if process.returncode == 0 else f"git {command[0]} failed ({process.returncode}): {words(said)}"


def _stopped(process: subprocess.Popen[bytes]) -> str:
    for number in (signal.SIGTERM, signal.SIGKILL):
        with suppress(OSError):
            os.killpg(process.pid, number)
        try:
            process.communicate(timeout=_GRACE)
            break
        except subprocess.TimeoutExpired:
            continue
    return f"it took longer than {_MOST_SECONDS:.0f} s and was stopped; what was packed until then stays"
