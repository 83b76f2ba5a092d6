"""What one text has beyond another, line by line, and putting in of that what is wanted."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from typing import TypeVar

from autobuilds.store.files.insertions import OPENS, level
from autobuilds.store.files.merge import bare, ended, ending_of, hunks_of, split_lines

_Key = TypeVar("_Key")


def placed(lines: list[bytes]) -> list[tuple[bytes, ...]]:
    """Return lines without their ends, an item with the heading above it, what is indented with its item too: two sections may hold the same."""
    found: list[tuple[bytes, ...]] = []
    heading = item = b""
    for line in bare(lines):
        if level(line):
            heading, item = line, b""
            found.append((line,))
        elif OPENS.match(line):
            item = line
            found.append((heading, line))
        else:
            found.append((heading, item, line) if line[:1] in {b" ", b"\t"} else (line,))
    return found


def with_only(base: bytes, text: bytes, wanted: Counter[_Key], keyed: Callable[[list[bytes]], list[_Key]]) -> bytes:
    """Return a text with what another one has beyond it, as far as that is `wanted` (counted by the keys of its lines).

    A change in which something is not wanted takes nothing away, and no change takes away what stands elsewhere in the other text.
    """
    old, lines = split_lines(base), split_lines(text)
    ending = ending_of([*old, *lines])
    old, lines = ended(old, ending), ended(lines, ending)
    before, after = keyed(old), keyed(lines)
    left, gone = wanted.copy(), Counter(before) - Counter(after)
    kept: list[bytes] = []
    at = there = 0
    for hunk in hunks_of(old, lines):
        kept += old[at : hunk.start]
        there += hunk.start - at
        here = slice(hunk.start, hunk.end)
        new = after[there : there + len(hunk.new)]
        taken = [line for line, key in zip(hunk.new, new, strict=True) if _take(left, key)]
        whole = len(taken) == len(new)
        kept += [line for line, key in zip(old[here], before[here], strict=True) if not (whole and _take(gone, key))]
        kept += taken
        at = hunk.end
        there += len(new)
    kept += old[at:]
    open_end = bool(base) and not base.endswith((b"\r", b"\n")) and kept[-1:] == old[-1:]
    return b"".join(kept).removesuffix(ending) if open_end else b"".join(kept)


def _take(left: Counter[_Key], key: _Key) -> bool:
    """Take one from what is left of a key; return False where nothing is."""
    left[key] -= 1
    return left[key] >= 0
