"""A three-way merge of lines that adds what one side wrote and the other has not seen, and never refuses."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from typing import NamedTuple

from autobuilds.domain.patterns import pattern

#: Words (letters beyond ASCII are bytes here), white space and other signs: together the whole text.
WORDS = pattern(rb"[\w\x80-\xff]+|\s+|.", re.DOTALL)
#: Words alone.
NAMES = pattern(rb"[\w\x80-\xff]+")
#: A line without it says nothing by which it could be known.
WORD = pattern(rb"[\w\x80-\xff]")
_PLAIN = pattern(rb"(?:[A-Za-z][^\r\n]*\r?\n)+")
#: Bytes within which the last two lines of a file must stand to be looked at.
_END = 2_000
#: Longest lines of one conflict, in bytes, that are merged word by word.
_FINE = 20_000
#: Bytes of whole lines, at least, by which a place in one text is found again in another.
_ANCHOR = 200


class _Hunk(NamedTuple):
    """Base lines `start` to `end` became `new` on one side."""

    start: int
    end: int
    new: tuple[bytes, ...]


def split_lines(data: bytes) -> list[bytes]:
    """Return the lines of a file with their line ends (LF, CRLF or CR: that of bytes knows no others)."""
    return data.splitlines(keepends=True)


def bare_lines(data: bytes) -> list[bytes]:
    """Return the lines of a file without their line ends."""
    return data.splitlines()


def bare(lines: Iterable[bytes]) -> list[bytes]:
    """Return lines without their ends."""
    return [line.rstrip(b"\r\n") for line in lines]


def distance(one: bytes, other: bytes) -> int:
    """Return how many bytes of words differ between two texts, counted on both sides."""
    old = split_lines(one)
    total = 0
    for hunk in hunks_of(old, split_lines(other)):
        before, after = b"".join(old[hunk.start : hunk.end]), b"".join(hunk.new)
        if len(before) + len(after) > _FINE:
            total += len(before) + len(after)
            continue
        words = WORDS.findall(before)
        total += sum(len(b"".join((*words[h.start : h.end], *h.new))) for h in hunks_of(words, WORDS.findall(after)))
    return total


def grown(old: bytes, new: bytes) -> bool:
    """Whether a text is another one with something put in at one place, or at its end."""
    return len(new) >= len(old) and new.endswith(old[_begin_alike(old, new) :])


def middles(one: bytes, other: bytes) -> tuple[bytes, bytes]:
    """Return two texts without whole lines that both begin with, and that both end with: each line that stands oftener in one is left.

    So is, now and then, a line before what they end with.
    """
    first = one.rfind(b"\n", 0, _begin_alike(one, other)) + 1
    alike = _end_alike(one, other, min(len(one), len(other)) - first)
    line_end = one.find(b"\n", len(one) - alike)
    last = len(one) - line_end - 1 if line_end >= 0 else 0
    return one[first : len(one) - last], other[first : len(other) - last]


def unlike(one: bytes, other: bytes) -> tuple[list[bytes], list[bytes]]:
    """Return the lines of two texts, without their ends, that are left when much of what both have is taken out of both.

    Each line that stands oftener in one is left, and others are. In texts that differ in a few places next to nothing is.
    """
    left: tuple[list[bytes], list[bytes]] = ([], [])
    parts = [(one, other)]
    while parts:
        mine, its = middles(*parts.pop())
        start = mine.find(b"\n", len(mine) // 2) + 1
        end = mine.find(b"\n", start + _ANCHOR) + 1
        there = its.find(mine[start:end]) if start and end else -1
        if there >= 0 and its[max(there - 1, 0) : there] in (b"", b"\n"):
            parts += [(mine[:start], its[:there]), (mine[end:], its[there + end - start :])]
        else:
            left[0].extend(bare_lines(mine))
            left[1].extend(bare_lines(its))
    return left


def _begin_alike(one: bytes, other: bytes) -> int:
    """Return how many bytes two texts begin with in common."""
    first, last = 0, min(len(one), len(other))
    while first < last:
        middle = (first + last + 1) // 2
        first, last = (middle, last) if other.startswith(one[first:middle], first) else (first, middle - 1)
    return first


def _end_alike(one: bytes, other: bytes, most: int) -> int:
    """Return how many bytes two texts end with in common, `most` at most."""
    first, last = 0, most
    while first < last:
        middle = (first + last + 1) // 2
        alike = other.endswith(one[len(one) - middle : len(one) - first], 0, len(other) - first)
        first, last = (middle, last) if alike else (first, middle - 1)
    return first


def appended(old: bytes, ours: bytes, now: bytes) -> bytes | None:
    """Return the lines that stand behind `old` in `now` if they can stand behind `ours` as well, whatever that changed; else None.

    Sure are whole lines of plain words behind an end that we did not touch: they can mean nothing else there.
    """
    if not now.startswith(old) or not old.endswith(b"\n"):
        return None
    more, end = now[len(old) :], b"".join(split_lines(old[-_END:])[-2:])
    return more if len(end) < _END and ours.endswith(b"\n" + end) and _PLAIN.fullmatch(more) else None


def is_whole(new: bytes, old: bytes) -> bool:
    """Whether an edit of a text goes to its end: the last line stands there still, or something behind it. Else it may be half a save."""
    line_ends = (b"\r", b"\n")
    if old.endswith(line_ends) and not new.endswith(line_ends):
        return False
    lines = split_lines(old)
    hunks = hunks_of(lines, split_lines(new))
    return not hunks or hunks[-1].end < len(lines) or hunks[-1].start == len(lines)


def merge_late(base: bytes, theirs: bytes, current: bytes) -> bytes:
    """Return `current` with what `theirs` changed against `base`, where both began from `base`.

    Both sides' additions are kept; where both rewrote the same words, `theirs` (a person's) stand. An end that is missing
    in `theirs` may be half a save, and stays. Whether there is a final line end is for `current` to say, as long as its last
    line is the last one still: what is put behind it ends its line, or what somebody appends next would go on in it.
    """
    ending = ending_of(split_lines(current))
    old, mine, other = (ended(split_lines(text), ending) for text in (base, current, theirs))
    if not theirs.endswith((b"\r", b"\n")):
        other = _completed(old, other)
    wanted = hunks_of(old, other)
    if wanted and wanted[-1].end == len(old) and not wanted[-1].new:
        wanted.pop()
    merged = b"".join(_merged(old, wanted, hunks_of(old, mine), fine=True))
    open_end = bool(current) and not current.endswith((b"\r", b"\n")) and merged.endswith(mine[-1])
    return merged.removesuffix(ending) if open_end else merged


def ending_of(lines: Sequence[bytes]) -> bytes:
    """Return the first line end among lines, LF if there is none."""
    return next((line[len(line.rstrip(b"\r\n")) :] for line in lines if line.endswith((b"\r", b"\n"))), b"\n")


def ended(lines: list[bytes], ending: bytes) -> list[bytes]:
    """Return lines of which the last one has a line end too."""
    return [*lines[:-1], lines[-1] + ending] if lines and not lines[-1].endswith((b"\r", b"\n")) else lines


def _completed(old: list[bytes], lines: list[bytes]) -> list[bytes]:
    """Return the lines with a last one that breaks off in a line of the old text made whole, and what followed it there."""
    start = lines[-1].rstrip(b"\r\n") if lines else b""
    before = lines[-2:-1]
    for at in range(len(old) - 1, 0, -1):
        if old[at].startswith(start) and old[at - 1 : at] == before:
            return [*lines[:-1], *old[at:]]
    return lines


def hunks_of(old: Sequence[bytes], new: Sequence[bytes]) -> list[_Hunk]:
    """Return where two sequences of lines, or of words, differ, in their order."""
    first = 0
    while first < min(len(old), len(new)) and old[first] == new[first]:
        first += 1
    last = 0
    while last < min(len(old), len(new)) - first and old[-1 - last] == new[-1 - last]:
        last += 1
    from difflib import SequenceMatcher

    inner = SequenceMatcher(None, old[first : len(old) - last], new[first : len(new) - last], autojunk=False)
    return [_Hunk(first + a, first + b, tuple(new[first + c : first + d])) for tag, a, b, c, d in inner.get_opcodes() if tag != "equal"]


def _merged(old: Sequence[bytes], theirs: list[_Hunk], ours: list[_Hunk], *, fine: bool) -> list[bytes]:
    out: list[bytes] = []
    at = 0
    theirs, ours = list(theirs), list(ours)
    while theirs or ours:
        start, end, mine, other = _group(theirs, ours)
        out += old[at:start]
        out += _resolved(old[start:end], _applied(old, start, end, mine), _applied(old, start, end, other), fine=fine)
        at = end
    return [*out, *old[at:]]


def _group(theirs: list[_Hunk], ours: list[_Hunk]) -> tuple[int, int, list[_Hunk], list[_Hunk]]:
    """Take the next hunk of both lists with every hunk that touches the same lines; what is inserted before a line does not."""
    start, end = min((hunks[0].start, hunks[0].end) for hunks in (theirs, ours) if hunks)
    taken: tuple[list[_Hunk], list[_Hunk]] = ([], [])
    grown = True
    while grown:
        grown = False
        for side, hunks in zip(taken, (theirs, ours), strict=True):
            while hunks and (hunks[0].start < end or (hunks[0].start, hunks[0].end) == (start, end)):
                hunk = hunks.pop(0)
                side.append(hunk)
                end = max(end, hunk.end)
                grown = True
    return start, end, *taken


def _applied(old: Sequence[bytes], start: int, end: int, hunks: list[_Hunk]) -> list[bytes]:
    out: list[bytes] = []
    at = start
    for hunk in hunks:
        out += [*old[at : hunk.start], *hunk.new]
        at = hunk.end
    return [*out, *old[at:end]]


def _resolved(base: Sequence[bytes], theirs: list[bytes], ours: list[bytes], *, fine: bool) -> list[bytes]:
    was = list(base)
    if theirs in (was, ours):
        return ours
    if ours == was:
        return theirs
    from autobuilds.store.files.insertions import both

    if not was:
        return both(ours, theirs, whole=not fine)
    if not fine:
        return theirs
    if sum(map(len, (*was, *theirs, *ours))) > _FINE:
        known = set(was)
        return both(ours, [line for line in theirs if line not in known], whole=False)
    words = [WORDS.findall(b"".join(lines)) for lines in (was, theirs, ours)]
    merged = b"".join(_merged(words[0], hunks_of(words[0], words[1]), hunks_of(words[0], words[2]), fine=False))
    lines = split_lines(merged)
    missing = [line for side in (ours, theirs) for line in _of_its_own(side, was) if line not in lines]
    return [*ended(lines, b"\n"), *dict.fromkeys(missing)] if missing else [merged]


def _of_its_own(lines: list[bytes], was: list[bytes]) -> list[bytes]:
    """Return the lines that are new beside those of the base, not one of these with other words: they must stand whole."""
    old = [set(NAMES.findall(line)) for line in was]
    return [
        line
        for line in lines
        if line not in was and (words := set(NAMES.findall(line))) and all(2 * len(words & known) < len(words) for known in old)
    ]
