"""Bringing a working tree from one commit to the next: each file changes in one step, so that a crash tears none."""

from __future__ import annotations

import contextlib
import os
import shutil
from collections.abc import Collection, Iterable
from pathlib import Path

from autobuilds.adapters.git.locks import Claim
from autobuilds.adapters.git.place import Place
from autobuilds.adapters.git.process import Git
from autobuilds.store.files.writing import temporary_name


def blocked(root: Path, path: str, removed: Collection[str]) -> bool:
    """Whether something that is not `removed` stands where a folder above `path` is needed, or in a folder at `path`."""
    parts = path.split("/")
    for depth in range(1, len(parts)):
        above = "/".join(parts[:depth])
        full = root / above
        if (full.is_symlink() or (full.exists() and not full.is_dir())) and above not in removed:
            return True
    folder = root / path
    if folder.is_symlink() or not folder.is_dir():
        return False
    inside = (found.relative_to(root).as_posix() for found in folder.rglob("*") if found.is_symlink() or not found.is_dir())
    return any(name not in removed for name in inside)


def change(place: Place, git: Git, claim: Claim, commit: str, written: Iterable[str], removed: Iterable[str]) -> None:
    """Put the files of a commit at `written` into the working tree and take those at `removed` out of it.

    They are made complete in a folder beside it first, with the line ends that Git would give them, then moved in.
    """
    staging = claim.path("files")
    index = {"GIT_INDEX_FILE": str(claim.path("tree"))}
    staging.mkdir()
    try:
        made = Git(staging, git_dir=git.git_dir, work_tree=staging, config=git.config)
        made.run("read-tree", commit, variables=index)
        names = b"".join(os.fsencode(path) + b"\0" for path in written)
        made.run("checkout-index", "--quiet", "--force", "-z", "--stdin", data=names, variables=index, timeout=600)
        for path in removed:
            _remove(place.root, path)
        for path in written:
            _move(staging / path, place.root / path)
    finally:
        shutil.rmtree(staging, ignore_errors=True)


def _remove(root: Path, path: str) -> None:
    full = root / path
    with contextlib.suppress(FileNotFoundError, NotADirectoryError):
        full.unlink()
    for above in full.relative_to(root).parents:
        if above.parts:
            with contextlib.suppress(OSError):
                (root / above).rmdir()


def _move(made: Path, target: Path) -> None:
    target.parent.mkdir(parents=True, exist_ok=True)
    try:
        made.replace(target)
    except IsADirectoryError:
        # Nothing but empty folders is left in it.
        for where, _, _ in os.walk(target, topdown=False):
            Path(where).rmdir()
        made.replace(target)
    except OSError:
        # A linked working tree may lie on another file system than its Git folder.
        beside = target.with_name(temporary_name(target.name))
        shutil.copy2(made, beside, follow_symlinks=False)
        beside.replace(target)
