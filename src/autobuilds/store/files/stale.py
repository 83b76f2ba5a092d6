"""Saves of a text that is older than our last writes: an editor's buffer, begun before them and saved over them."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

from autobuilds.store.files.merge import descends, distance, split_lines
from autobuilds.store.files.reading import Stable
from autobuilds.store.files.vault import Held, Vault, digest

#: A three-way merge of (base, theirs, current).
Merge = Callable[[bytes, bytes, bytes], bytes]

#: Seconds after a write of ours in which nobody reads it, takes it out by hand, changes something else and saves.
UNSEEN = 20.0
#: The last of our writes among whose versions the beginning of a save is looked for.
_LAST = 64
_WORD = re.compile(rb"\w")


@dataclass(frozen=True, slots=True, kw_only=True)
class Clues:
    """What tells a stale save from a person's word, beyond the texts."""

    #: Whether `ours` marks work as done that neither `base` nor `theirs` marks.
    marks: Callable[[bytes, bytes, bytes], bool] | None = None
    #: Whether Git put this text there, and not a commit of ours made at or after a time (nanoseconds since 1970).
    restored: Callable[[bytes, int], bool] | None = None


def united(vault: Vault, found: Stable, merge: Merge, clues: Clues) -> tuple[bytes, bytes] | None:
    """Return a stale save merged with what it was saved over, and the version it was begun from; None for any other text.

    Exactly an older text is a return to it. What Git brought back is meant so too. A text that holds anything of our later
    writes was written by someone who saw them. What is left is stale if it came sooner than a person could have meant it, or
    if it lacks a mark of work done: nobody takes those back line by line, and putting them back starts nothing.
    """
    writes = vault.writes()
    if not writes or is_known(found.data, writes):
        return None
    newest = writes[-1]
    ours = vault.text(newest.ours)
    if ours is None:
        return None
    base = begun_from(found.data, ours, vault.versions(writes[-_LAST:]))
    if base is None:
        return None
    late = abs(found.landed - newest.at) > UNSEEN * 1e9 and not vault.noted_stale(newest)
    if late and not (clues.marks is not None and clues.marks(base, ours, found.data)):
        return None
    if clues.restored is not None and clues.restored(found.data, newest.at):
        return None
    merged = merge(base, found.data, ours)
    if merged == found.data:
        return None
    # Before it can be put back the next save may land on top of it, and the one after that; the time must not run out meanwhile.
    vault.note_stale(newest)
    return merged, base


def is_known(text: bytes, writes: Sequence[Held]) -> bool:
    """Whether a text stood in the file before or after one of our writes."""
    name = digest(text)
    return any(name in (held.ours, held.base) for held in writes)


def begun_from(text: bytes, last: bytes, versions: Iterable[bytes]) -> bytes | None:
    """Return the version that a text is an edit of, if that is an older one than `last` and nothing in the text is from later.

    `versions` come newest first; of two that are equally near the newer counts.
    """
    lines, lasting = _counted(text), _counted(last)
    missing = lasting - lines
    if not missing:
        return None
    base, least = last, distance(last, text)
    for version in versions:
        there = _counted(version)
        if least == 0 or not any(there[line] < count for line, count in lasting.items() if line in missing):
            continue  # it holds all that is missing, and so does not explain it
        apart = distance(version, text)
        if apart < least:
            base, least = version, apart
    if base == last or not descends(text, base):
        return None
    older = _counted(base)
    seen = (lasting - older) & (lines - older)
    return None if any(_WORD.search(line) for line in seen) else base


def _counted(text: bytes) -> Counter[bytes]:
    return Counter(line.rstrip(b"\r\n") for line in split_lines(text))
