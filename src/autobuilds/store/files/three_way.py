"""A three-way merge of rows that says where both sides changed the same ones; nothing is ever left out."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from typing import NamedTuple

from autobuilds.domain.patterns import pattern

_ROWS = pattern(r"[^\r\n]*(?:\r\n|\r|\n)|[^\r\n]+")
_WORDS = pattern(r"\w+|\s+|.", re.DOTALL)
#: Rows in which a conflict is looked at word by word: the two sides often change different keys of one task line.
_ITEM = pattern(r"[ \t]*(?:[-*+]|\d+[.)])[ \t]+\[[ xX]\]")


class Clash(NamedTuple):
    """Rows that both sides changed, each in its own way."""

    ours: tuple[str, ...]
    theirs: tuple[str, ...]


class _Hunk(NamedTuple):
    start: int
    end: int
    new: tuple[str, ...]


def rows_of(text: str) -> list[str]:
    """Return the lines of a text with their line ends (LF, CRLF or CR)."""
    return _ROWS.findall(text)


def merge_rows(base: Sequence[str], ours: Sequence[str], theirs: Sequence[str]) -> list[str | Clash]:
    """Return the merged rows in their order, with a Clash wherever both sides changed or inserted at one place."""
    mine, other = _hunks(base, ours), _hunks(base, theirs)
    merged: list[str | Clash] = []
    at = 0
    while mine or other:
        start, end, one, two = _group(mine, other)
        merged += base[at:start]
        was = tuple(base[start:end])
        here, there = _applied(base, start, end, one), _applied(base, start, end, two)
        if here in (there, was):
            merged += there
        elif there == was:
            merged += here
        else:
            merged.append(Clash(here, there))
        at = end
    return [*merged, *base[at:]]


def merge_text(base: str, ours: str, theirs: str, newline: str = "\n") -> tuple[str, int]:
    """Return the merged text and how many conflicts are marked in it.

    All three are whole lines. A task or criterion of one line is merged word by word before it counts as a conflict.
    """
    if ours == theirs or theirs == base:
        return ours, 0
    if ours == base:
        return theirs, 0
    parts: list[str] = []
    conflicts = 0
    for row in merge_rows(rows_of(base), rows_of(ours), rows_of(theirs)):
        if isinstance(row, str):
            parts.append(row)
            continue
        fine = _fine(base, row)
        conflicts += fine is None
        parts.append(fine if fine is not None else marked("".join(row.ours), "".join(row.theirs), newline))
    return "".join(parts), conflicts


def marked(ours: str, theirs: str, newline: str) -> str:
    """Return a conflict as Git marks it; both texts are whole lines."""
    return f"<<<<<<< ours{newline}{ours}======={newline}{theirs}>>>>>>> theirs{newline}"


def _fine(base: str, clash: Clash) -> str | None:
    """Return the fewer of blank lines, or one item line merged word by word; None where that is no way out."""
    if not any(row.strip() for side in clash for row in side):
        return min(("".join(side) for side in clash), key=len)
    if len(clash.ours) != 1 or len(clash.theirs) != 1 or not all(_ITEM.match(side[0]) for side in clash):
        return None
    one, two = clash.ours[0], clash.theirs[0]
    was = _nearest(rows_of(base), one, two)
    if was is None:
        return None
    # Apart from the white space at its end, which one side may have changed besides: what both put in there clashes.
    lines = [text.rstrip() for text in (was, one, two)]
    ends = [text[len(line) :] for text, line in zip((was, one, two), lines, strict=True)]
    merged = merge_rows(*(_WORDS.findall(line) for line in lines))
    if any(isinstance(word, Clash) for word in merged):
        return None
    return "".join(word for word in merged if isinstance(word, str)) + (ends[2] if ends[1] == ends[0] else ends[1])


def _nearest(rows: Iterable[str], one: str, two: str) -> str | None:
    """Return the item line of the base that both lines come from: the only one, else None."""
    found = [row for row in rows if _ITEM.match(row)]
    alike = [row for row in found if _alike(row, one) and _alike(row, two)]
    return alike[0] if len(alike) == 1 else None


def _alike(row: str, other: str) -> bool:
    from difflib import SequenceMatcher

    return SequenceMatcher(None, _WORDS.findall(row), _WORDS.findall(other), autojunk=False).ratio() > 0.5


def _hunks(old: Sequence[str], new: Sequence[str]) -> list[_Hunk]:
    from difflib import SequenceMatcher

    codes = SequenceMatcher(None, old, new, autojunk=False).get_opcodes()
    return [_Hunk(a, b, tuple(new[c:d])) for tag, a, b, c, d in codes if tag != "equal"]


def _group(mine: list[_Hunk], other: list[_Hunk]) -> tuple[int, int, list[_Hunk], list[_Hunk]]:
    """Take the next hunk of both lists with every hunk that shares a row or a place of insertion with it."""
    start, end = min((hunks[0].start, hunks[0].end) for hunks in (mine, other) if hunks)
    taken: tuple[list[_Hunk], list[_Hunk]] = ([], [])
    grown = True
    while grown:
        grown = False
        for side, hunks in zip(taken, (mine, other), strict=True):
            while hunks and (hunks[0].start < end or (hunks[0].start, hunks[0].end) == (start, end)):
                side.append(hunks.pop(0))
                end = max(end, side[-1].end)
                grown = True
    return start, end, *taken


def _applied(old: Sequence[str], start: int, end: int, hunks: list[_Hunk]) -> tuple[str, ...]:
    out: list[str] = []
    at = start
    for hunk in hunks:
        out += [*old[at : hunk.start], *hunk.new]
        at = hunk.end
    return (*out, *old[at:end])
