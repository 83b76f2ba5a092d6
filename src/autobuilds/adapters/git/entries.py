"""What entries of a tree may not be, whoever made them: links that lead out, repositories by reference alone."""

from __future__ import annotations

import os

from autobuilds.adapters.git.process import Git
from autobuilds.records import dataclass

_LINK, _SUBMODULE = b"120000", b"160000"
#: A longer target is no path.
_LONGEST_TARGET = 4096


@dataclass(frozen=True, slots=True, kw_only=True)
class OddEntries:
    """Changed paths that stand for something outside the commit: symbolic links that leave it, submodules."""

    links: tuple[str, ...] = ()
    submodules: tuple[str, ...] = ()


def odd_entries(git: Git, base: str, head: str) -> OddEntries:
    """Return the odd entries that a commit has and its base has not; read from the commits, which no working tree can belie."""
    raw = git.run("diff-tree", "-r", "-z", "--raw", "--no-renames", "--no-abbrev", base, head, "--").stdout.split(b"\0")
    links: list[str] = []
    submodules: list[str] = []
    for facts, name in zip(raw[::2], raw[1::2], strict=False):
        _, mode, _, new, _ = facts.split(b" ")
        path = os.fsdecode(name)
        if mode == _SUBMODULE:
            submodules.append(path)
        elif mode == _LINK and leaves(path, git.run("cat-file", "blob", new.decode("ascii")).stdout):
            links.append(path)
    return OddEntries(links=tuple(links), submodules=tuple(submodules))


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
