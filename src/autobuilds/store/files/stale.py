"""Saves of a text that is older than our last writes: an editor's buffer, begun before them and saved over them."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from math import nan

from autobuilds.records import dataclass
from autobuilds.store.files.merge import NAMES, WORD, WORDS, bare_lines, grown, unlike
from autobuilds.store.files.reading import Stable
from autobuilds.store.files.vault import Held, Vault, digest

#: A three-way merge of (base, theirs, current).
Merge = Callable[[bytes, bytes, bytes], bytes]
#: What a line names, whatever else it says of it; None for a line that names nothing.
Name = Callable[[bytes], str | None]

#: Seconds after a write of ours in which nobody reads it, takes it out by hand, changes something else and saves.
UNSEEN = 20.0
#: The last of our writes among whose versions the beginning of a save is looked for.
_LAST = 64
#: A line with words put in is at most so many times as long as before.
_GROWN = 3
#: Lines that are looked for one by one, at most, and bytes of each, at least: shorter ones stand within too many others.
_QUICKLY, _LONG = 32, 12
#: Places that are looked at for one line.
_PLACES = 1_000
#: What stands before and behind a line: a line end, or nothing at an end of the text.
_LINE_EDGES = (b"\n", b"\r", b"")
#: Pairs of lines that are compared word by word, at most.
_FEW = 1_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Clues:
    """What tells a stale save from a person's word, beyond the texts."""

    #: Whether `ours` marks work as done that neither `base` nor `theirs` marks.
    marks: Callable[[bytes, bytes, bytes], bool] | None = None
    #: Whether Git put this text there, and not a commit of ours made at or after a time (nanoseconds since 1970).
    restored: Callable[[bytes, int], bool] | None = None
    #: What a line names: a line that is gone and a new one of the same name are one that was changed.
    name: Name | None = None


def united(vault: Vault, found: Stable, merge: Merge, clues: Clues, writes: Sequence[Held] | None = None) -> tuple[bytes, bytes] | None:
    """Return a stale save merged with what it was saved over, and the version it was begun from; None for any other text.

    Exactly an older text is a return to it. What Git brought back is meant so too. A text that holds anything of our later
    writes was written by someone who saw them. What is left is stale if it came sooner than a person could have meant it, or
    if it lacks a mark of work done: nobody takes those back line by line, and putting them back starts nothing. The same holds for
    lines that were put back from a displaced file: their writer never saw that they were gone. `writes` are ours, all of them if not given.
    """
    writes = vault.writes() if writes is None else writes
    if not writes or is_known(found.data, writes):
        return None
    newest = writes[-1]
    ours = vault.text(newest.ours)
    if ours is None or grown(ours, found.data):
        return None
    base = begun_from(found.data, ours, vault.versions(writes[-_LAST:], explaining(found.data, ours, clues.name)), clues.name)
    if base is None:
        return None
    late = abs(found.landed - newest.at) > UNSEEN * 1e9 and not vault.noted_stale(newest)
    marks = clues.marks is not None and late and clues.marks(base, ours, found.data)
    if late and not (marks or _lacks_owed(vault, base, ours, found.data)):
        return None
    if clues.restored is not None and clues.restored(found.data, newest.at):
        return None
    merged = merge(base, found.data, ours)
    if merged == found.data:
        return None
    # Before it can be put back the next save may land on top of it, and the one after that; the time must not run out meanwhile.
    vault.note_stale(newest)
    return merged, base


def _lacks_owed(vault: Vault, base: bytes, ours: bytes, theirs: bytes) -> bool:
    """Whether `theirs` lacks lines of `ours` that were put back after `base`."""
    lost = counted(ours) - counted(base) - counted(theirs)
    return any(line in lost for debt in vault.owed() for line in debt.lines())


def is_known(text: bytes, writes: Sequence[Held]) -> bool:
    """Whether a text stood in the file before or after one of our writes."""
    name = digest(text)
    return any(name in (held.ours, held.base) for held in writes)


def begun_from(text: bytes, last: bytes, versions: Iterable[bytes], name: Name | None = None) -> bytes | None:
    """Return the version that a text is an edit of, if that is an older one than `last` and nothing in the text is from later.

    `versions` come newest first; of two that are equally near the newer counts.
    """
    missing, fresh = differing(last, text)
    if not missing:
        return None
    base, least = last, apart_from(missing, fresh, name)
    for version in versions:
        if least == 0:
            break  # none is nearer
        later, _ = differing(last, version)
        if missing.keys().isdisjoint(later):
            continue  # it holds all that is missing, and so does not explain it
        gone, new = differing(version, text)
        apart = apart_from(gone, new, name)
        if apart < least and not any(WORD.search(line) for line in later & new):
            base, least = version, apart
    return base if base != last and descends(text, base, name) else None


def descends(text: bytes, base: bytes, name: Name | None = None) -> bool:
    """Whether a text is another one with edits, few or many: half of its lines stand there still, as they were or reworded."""
    gone, new = differing(base, text)
    lost = gone.total() - sum(1 for _ in reworded(gone, new, name))
    return lost <= max(1, len(bare_lines(base)) // 2)


def holds_edits(text: bytes, edit: bytes, base: bytes) -> bool:
    """Whether all that an edit put into `base` stands in a text: each line as it is, or its words in their order in a line that `base` lacks."""
    there, fresh = set(bare_lines(text)), differing(text, base)[0]
    return all(line in there or any(_words_in(line, other, NAMES) for other in fresh) for line in differing(edit, base)[0])


def explaining(text: bytes, last: bytes, name: Name | None = None) -> Callable[[bytes], bool]:
    """Return what tells quickly whether `begun_from` may choose a version.

    It chooses none that has as much as `last` of all that the text lacks, and none whose size alone is further from the text's
    than all that the text differs in from `last`.
    """
    missing, fresh = differing(last, text)
    least, size = apart_from(missing, fresh, name), _size(text)
    if len(missing) > _QUICKLY or any(len(line) < _LONG for line in missing):
        return lambda version: abs(_size(version) - size) < least
    wanted = {line: _how_often(line, last) for line in missing}
    return lambda version: abs(_size(version) - size) < least and any(not _how_often(line, version) >= n for line, n in wanted.items())


def _size(text: bytes) -> int:
    """Return how many bytes the lines of a text have without their ends."""
    return len(text) - text.count(b"\n") - text.count(b"\r")


def _how_often(line: bytes, text: bytes) -> float:
    """Return how often a line stands in a text; no number where what it says stands in too many places to look at each."""
    count, places, at = 0, 0, text.find(line)
    while at >= 0:
        places += 1
        if places > _PLACES:
            return nan
        end = at + len(line)
        count += text[at - 1 : at] in _LINE_EDGES and text[end : end + 1] in _LINE_EDGES
        at = text.find(line, end)
    return count


def apart_from(gone: Counter[bytes], new: Counter[bytes], name: Name | None) -> int:
    """Return how many bytes are in the lines in which two texts differ (`differing`), of a reworded line only its words.

    A line that is gone and another that is new are not taken for one that was changed because they look alike: that would
    make a version with a line that the writer never saw nearer than the one without it, and the line would be lost as if
    they had rewritten it.
    """
    total = sum(len(line) * count for side in (gone, new) for line, count in side.items())
    for before, after in reworded(gone, new, name):
        old, words = Counter(WORDS.findall(before)), Counter(WORDS.findall(after))
        changed = sum(len(word) * count for side in (old - words, words - old) for word, count in side.items())
        total += min(0, changed - len(before) - len(after))
    return total


def reworded(gone: Counter[bytes], new: Counter[bytes], name: Name | None) -> Iterator[tuple[bytes, bytes]]:
    """Yield the lines that are surely one before and after a change: of the same name, or one the other with words put in."""
    left = list(new)
    named = {} if name is None or not gone else {called: line for line in left if (called := name(line))}
    for before in gone:
        after = named.pop(called, None) if name is not None and (called := name(before)) else None
        if after is None and len(gone) * len(new) <= _FEW:
            after = next((line for line in left if _grown(before, line) or _grown(line, before)), None)
        if after is not None and after in left:
            left.remove(after)
            yield before, after


def _grown(short: bytes, long: bytes) -> bool:
    """Whether a line is another one with words put in, and not many."""
    if len(long) > _GROWN * len(short) or not WORD.search(short):
        return False
    return _words_in(short, long, WORDS)


def _words_in(short: bytes, long: bytes, words: re.Pattern[bytes]) -> bool:
    """Whether all words of a line, as a pattern tells them, stand in another line in their order."""
    there = iter(words.findall(long))
    return all(word in there for word in words.findall(short))


def differing(one: bytes, other: bytes) -> tuple[Counter[bytes], Counter[bytes]]:
    """Return the lines that stand oftener in one text than in another, and those that do so in the other, whatever their order."""
    mine, its = map(Counter, unlike(one, other))
    gone, new = mine - its, its - mine
    # Which line is one that was reworded hangs on the order in which they are asked about: that of the texts.
    return (_in_order(gone, one), _in_order(new, other)) if gone and new and len(gone) + len(new) > 2 else (gone, new)


def _in_order(lines: Counter[bytes], text: bytes) -> Counter[bytes]:
    return Counter({line: lines[line] for line in dict.fromkeys(bare_lines(text)) if line in lines})


def counted(text: bytes) -> Counter[bytes]:
    """Return the lines of a text without their ends, each with how often it stands there."""
    return Counter(bare_lines(text))
