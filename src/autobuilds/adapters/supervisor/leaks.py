"""Values of an agent's secrets in its work: looked for in every file and commit that would reach the branch, whatever the agent calls it."""

from __future__ import annotations

import os
import subprocess
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import IO

from autobuilds.adapters.git import clones
from autobuilds.adapters.git.harvest import TOGETHER
from autobuilds.adapters.git.process import Git
from autobuilds.domain.redaction import Secret, holds
from autobuilds.errors import GitFailure
from autobuilds.records import dataclass

#: Bytes that are looked at in all; more than a harvest takes.
_MOST_BYTES = 2 * TOGETHER
_CHUNK = 1 << 20
#: Findings that are told.
_MOST_FOUND = 20
#: How the record calls what a commit says of itself.
MESSAGE = "the message of a commit"


@dataclass(frozen=True, slots=True, kw_only=True)
class Leaks:
    """Where values were found, as (path, variable), and in words what could not be looked at."""

    found: tuple[tuple[str, str], ...] = ()
    notes: tuple[str, ...] = ()


def leaks(bare: Path, base: str, heads: Sequence[str], secrets: tuple[Secret, ...], *, most: int = _MOST_BYTES) -> Leaks:
    """Look through all that commits after `base` up to `heads` bring: contents and names of files, texts of commits.

    What the file of that name had in the base already is nothing new. Raises GitFailure.
    """
    values = tuple((os.fsencode(s.value), s.name) for s in secrets)
    if not values:
        return Leaks()
    git = clones.ours(bare)
    git.git_dir = bare.absolute()
    names = _names(git, base, heads)
    found: dict[tuple[str, str], None] = {}
    seen = 0
    for oid, kind, size, content in _objects(git, list(names)):
        path = names[oid]
        if kind == b"tree":
            continue
        seen += size
        if seen > most:
            return Leaks(found=tuple(found), notes=(f"only {most // 1024**2} MiB of the changes were searched for secrets",))
        if path and (variable := holds(path, secrets)) is not None:
            found.setdefault((path, variable))
        variable = _first(content, values)
        if variable is None:
            continue
        where = MESSAGE if kind == b"commit" else path
        if not _had(git, base, path, tuple(v for v in values if v[1] == variable)):
            found.setdefault((where, variable))
        if len(found) >= _MOST_FOUND:
            break
    return Leaks(found=tuple(found))


def _names(git: Git, base: str, heads: Sequence[str]) -> dict[str, str]:
    """Return the new objects with the path at which each was met first, empty for a commit."""
    listed = git.run("rev-list", "--objects", *heads, "--not", base, timeout=600).stdout.split(b"\n")
    rows = (row.partition(b" ") for row in listed if row)
    return {oid.decode("ascii", "replace"): name.decode("utf-8", "replace") for oid, _, name in rows if _is_hex(oid)}


def _is_hex(oid: bytes) -> bool:
    """Whether a row begins with an object: the rest of a name with a line end in it does not."""
    return len(oid) in {40, 64} and all(c in b"0123456789abcdef" for c in oid)


def _objects(git: Git, oids: list[str]) -> Iterator[tuple[str, bytes, int, Iterator[bytes]]]:
    """Yield every object with its kind, its size and its content in pieces, which have to be taken before the next."""
    with tempfile.TemporaryFile() as asked:
        asked.write("".join(f"{oid}\n" for oid in oids).encode())
        asked.seek(0)
        child = subprocess.Popen(
            git.command(["cat-file", "--batch"]),
            cwd=git.folder,
            env=git.environment(),
            stdin=asked,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
        )
        assert child.stdout is not None
        try:
            for oid in oids:
                head = child.stdout.readline().split()
                if len(head) != 3:
                    raise GitFailure(f"{oid} of the work can't be read to look for secrets in it")
                size = int(head[2])
                content = _pieces(child.stdout, size)
                yield oid, head[1], size, content
                for _ in content:
                    pass
                child.stdout.read(1)
        finally:
            child.kill()
            child.stdout.close()
            child.wait()


def _pieces(source: IO[bytes], size: int) -> Iterator[bytes]:
    while size > 0 and (piece := source.read(min(size, _CHUNK))):
        size -= len(piece)
        yield piece


def _first(content: Iterator[bytes], values: tuple[tuple[bytes, str], ...]) -> str | None:
    """Return the variable of the first value that stands in a content."""
    longest = max(len(value) for value, _ in values)
    before = b""
    for piece in content:
        text = before + piece
        for value, variable in values:
            if value in text:
                return variable
        before = text[-(longest - 1) :] if longest > 1 else b""
    return None


def _had(git: Git, base: str, path: str, values: tuple[tuple[bytes, str], ...]) -> bool:
    """Whether the file of this name in the base held the value already."""
    done = git.run("cat-file", "blob", f"{base}:{path}", ok=(0, 128))
    return done.returncode == 0 and any(value in done.stdout for value, _ in values)
