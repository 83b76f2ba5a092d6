"""What entries of a tree may not be, whoever made them: links that lead out, repositories by reference alone."""

from __future__ import annotations

import os
from collections.abc import Callable

from autobuilds.ports import DiffStat
from autobuilds.records import dataclass

_LINK, _SUBMODULE, _NONE = b"120000", b"160000", b"000000"
#: A longer target is no path.
_LONGEST_TARGET = 4096


@dataclass(frozen=True, slots=True, kw_only=True)
class OddEntries:
    """Changed paths that stand for something outside the commit: symbolic links that leave it, submodules."""

    links: tuple[str, ...] = ()
    submodules: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """One path that differs: its new mode (None where it is gone) and object id, and its lines (None in what is not text)."""

    path: bytes
    mode: bytes | None
    oid: str
    added: int | None = None
    removed: int | None = None


#: What makes a difference of Git's tell all that a `Change` holds.
TELLING = ("--raw", "--numstat", "-z", "--no-renames", "--no-abbrev", "--no-ext-diff", "--no-textconv", "--ignore-submodules=none")


def changes_in(said: bytes) -> tuple[Change, ...]:
    """Return what a difference that was asked for as `TELLING` says, by path."""
    found: dict[bytes, tuple[bytes, str]] = {}
    lines: dict[bytes, tuple[int | None, int | None]] = {}
    rows = iter(said.split(b"\0"))
    for row in rows:
        if row.startswith(b":"):
            _, mode, _, new, _ = row.split(b" ")
            found[next(rows)] = mode, new.decode("ascii")
        elif row:
            more, fewer, path = row.split(b"\t", 2)
            lines[path] = int(more) if more.isdigit() else None, int(fewer) if fewer.isdigit() else None
    changes = []
    for path, (mode, oid) in found.items():
        added, removed = lines.get(path, (None, None))
        changes.append(Change(path=path, mode=None if mode == _NONE else mode, oid=oid, added=added, removed=removed))
    return tuple(changes)


def stat_of(changes: tuple[Change, ...]) -> DiffStat:
    """Return the paths of changes and the sums of their lines."""
    return DiffStat(
        paths=tuple(os.fsdecode(c.path) for c in changes),
        added=sum(c.added or 0 for c in changes),
        removed=sum(c.removed or 0 for c in changes),
    )


def odd_entries(changes: tuple[Change, ...], content: Callable[[str], bytes]) -> OddEntries:
    """Return the odd entries among changes, read from the commits, which no working tree can belie; `content` gives a link's target."""
    paths = {c: os.fsdecode(c.path) for c in changes}
    return OddEntries(
        links=tuple(paths[c] for c in changes if c.mode == _LINK and leaves(paths[c], content(c.oid))),
        submodules=tuple(paths[c] for c in changes if c.mode == _SUBMODULE),
    )


def leaves(path: str, target: bytes) -> bool:
    """Whether a link at a path of the tree points out of it, or into Git's own folder."""
    text = os.fsdecode(target)
    if not text or len(text) > _LONGEST_TARGET or text.startswith("/") or "\\" in text or "\0" in text or text[1:2] == ":":
        return True
    at = path.split("/")[:-1]
    for part in text.split("/"):
        if part == "..":
            if not at:
                return True
            at.pop()
        elif part not in {"", "."}:
            at.append(part)
    return bool(at) and at[0].casefold() == ".git"
