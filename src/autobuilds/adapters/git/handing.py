"""Handing few new objects from a repository of ours to the owner's, file by file, each checked by its hash.

What a fetch would check besides was checked when an object came into our repository: the agent's own commits were fetched with
all checks, everything else was made there from files, and the harvest vouches that none of these is one that Git reads.
"""

from __future__ import annotations

import zlib
from collections.abc import Iterable
from pathlib import Path

from autobuilds.adapters.git.objects import Objects
from autobuilds.adapters.git.process import Git
from autobuilds.domain.patterns import pattern

#: The file in a repository of ours by which a harvest vouches.
_VOUCHED = "autobuilds-vouched"
#: Most objects that are handed over one by one; more make a pack.
_MOST = 200
#: Most bytes of them, compressed and not.
_LARGEST = 16 * 1024 * 1024
_KINDS = frozenset([b"blob", b"tree", b"commit"])
#: Names that Git reads, or that a file system may take for one: `.gitmodules`, `.gitattributes.`, `gitmod~1`.
_READ_BY_GIT = pattern(r"(?i)\A\.git(?:modules|attributes)?(?:\Z|[ .:\\])|~|[\u200c-\u200f\u202a-\u202e\u206a-\u206f\ufeff]")


def vouch(source: Path, changed: Iterable[bytes]) -> None:
    """Leave word in a repository of ours that its objects may be handed over, unless a path that was written is one that Git reads."""
    names = {name for path in changed for name in path.split(b"/")}
    if not any(_READ_BY_GIT.search(name.decode("utf-8", "replace")) for name in names):
        (source / _VOUCHED).touch()


def handed_over(git: Git, source: Path, into: Path, commit: str) -> bool:
    """Write the objects of a repository of ours into the owner's folder of objects, durably; False where it has to be fetched.

    `commit` must be among them, and vouched for. Raises StorageFailure.
    """
    if not (source / _VOUCHED).is_file():
        return False
    found = _found(source / "objects", "sha1" if len(commit) == 40 else "sha256")
    if found is None or commit not in found:
        return False
    with Objects(git, into, "sha1" if len(commit) == 40 else "sha256") as objects:
        for oid, raw in found.items():
            objects.put(oid, lambda raw=raw: raw)  # type: ignore[misc]
        objects.settle()
    return True


def _found(folder: Path, algorithm: str) -> dict[str, bytes] | None:
    """Return all objects of a folder as they are kept, by id; None where that is not for us to do."""
    if any((folder / "pack").glob("*.pack")):
        return None
    found: dict[str, bytes] = {}
    left = _LARGEST
    check = Objects(Git(folder), folder, algorithm)
    for path in sorted(folder.glob("[0-9a-f][0-9a-f]/*")):
        oid = path.parent.name + path.name
        if len(oid) != 2 * check.raw_length:
            continue
        raw = path.read_bytes()
        content = _content(raw, left)
        if content is None or len(found) == _MOST:
            return None
        left -= max(len(raw), len(content))
        head, _, data = content.partition(b"\0")
        kind = head.split(b" ")[0]
        if kind not in _KINDS or check.oid(kind.decode(), data) != oid:
            return None
        found[oid] = raw
    return found


def _content(raw: bytes, most: int) -> bytes | None:
    inflater = zlib.decompressobj()
    try:
        content = inflater.decompress(raw, most + 1)
    except zlib.error:
        return None
    return content if inflater.eof and not inflater.unused_data and len(content) <= most else None
