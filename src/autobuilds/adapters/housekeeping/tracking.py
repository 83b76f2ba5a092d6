"""Which files Git keeps: those are the owner's work, and not for housekeeping to change."""

from __future__ import annotations

import os
from collections import defaultdict
from collections.abc import Iterable
from pathlib import Path

from autobuilds.adapters.git.process import Git
from autobuilds.domain.house import Place
from autobuilds.errors import AutobuildsError

#: Paths that one call of Git is asked for.
_AT_ONCE = 200


def tracked(places: Iterable[Place]) -> frozenset[str]:
    """Return the paths that stand in the index of the repository around them; where Git can't say it, they count as kept."""
    by_top: dict[Path, list[str]] = defaultdict(list)
    for place in places:
        top = _top(Path(place.path))
        if top is not None:
            by_top[top].append(place.path)
    found: set[str] = set()
    for top, paths in by_top.items():
        for start in range(0, len(paths), _AT_ONCE):
            found |= _asked(top, paths[start : start + _AT_ONCE])
    return frozenset(found)


def _top(path: Path) -> Path | None:
    """Return the nearest folder above a path that is the top of a working tree, or None."""
    return next((folder for folder in path.parents if os.path.lexists(folder / ".git")), None)


def _asked(top: Path, paths: list[str]) -> set[str]:
    names = {os.path.relpath(path, top): path for path in paths}
    try:
        done = Git(top, git_dir=top / ".git" if (top / ".git").is_dir() else None).run("ls-files", "-z", "--", *names, timeout=20.0)
    except AutobuildsError:
        return set(paths)
    return {names[name] for name in map(os.fsdecode, done.stdout.split(b"\0")) if name in names}
