"""Text in terminal cells: measuring, cutting, padding, wrapping. All text that goes in comes out inert."""

from __future__ import annotations

import unicodedata
from datetime import datetime

from autobuilds.domain import inert
from autobuilds.domain.times import elapsed
from autobuilds.domain.verdicts import is_command


def cells(text: str) -> int:
    """Return how many terminal cells a text takes: two for wide characters, none for combining marks."""
    if text.isascii():
        return len(text)
    return sum(_cell(c) for c in text)


def _cell(char: str) -> int:
    if unicodedata.combining(char) or unicodedata.category(char) in {"Mn", "Me"}:
        return 0
    return 2 if unicodedata.east_asian_width(char) in "WF" else 1


def cut(text: str, width: int) -> str:
    """Return the text as one inert line of at most `width` cells, with an ellipsis where something was cut."""
    text = inert.terminal(text)
    if cells(text) <= width:
        return text
    kept, used = [], 0
    for char in text:
        used += _cell(char)
        if used > width - 1:
            break
        kept.append(char)
    return "".join(kept).rstrip() + "…" if width > 0 else ""


def pad(text: str, width: int) -> str:
    """Return the text cut or filled with spaces to exactly `width` cells."""
    shown = cut(text, width)
    return shown + " " * (width - cells(shown))


def wrap(text: str, width: int, *, first: str = "", rest: str | None = None) -> list[str]:
    """Return the text in lines of at most `width` cells, the first behind `first`, the others behind `rest` (default: as far in).

    A word longer than a line is broken; `first` and `rest` are taken as they are.
    """
    rest = " " * cells(first) if rest is None else rest
    lines: list[str] = []
    current, lead = "", first
    for word in _words(inert.terminal(text), max(width - max(cells(first), cells(rest)), 8)):
        joined = f"{current} {word}" if current else word
        if current and cells(lead) + cells(joined) > width:
            lines.append(lead + current)
            current, lead = word, rest
        else:
            current = joined
    return [*lines, (lead + current).rstrip()]


def fold(text: str, width: int) -> str:
    """Return a text with its long lines folded, the further ones two cells deeper; lines with colours are left as they are."""
    rows: list[str] = []
    for row in text.split("\n"):
        bare = row.lstrip(" ")
        lead = " " * (len(row) - len(bare))
        rows += [row] if "\x1b" in row or cells(row) <= width else wrap(bare, width, first=lead, rest=lead + "  ")
    return "\n".join(rows)


def _words(text: str, longest: int) -> list[str]:
    found: list[str] = []
    for word in text.split(" "):
        piece, used = "", 0
        for char in word:
            if used + _cell(char) > longest:
                found.append(piece)
                piece, used = "", 0
            piece += char
            used += _cell(char)
        found.append(piece)
    return found


def way(fix: str) -> str:
    """Return what stands before a way to mend something: `> ` before a command, `you: ` before an act in words."""
    return "> " if is_command(fix) else "you: "


def ago(when: datetime, now: datetime) -> str:
    """Return a moment as people say it, `2 hours ago` or `in 5 minutes`; `just now` within half a minute."""
    import humanize

    span = elapsed(when, now)
    seconds = span.total_seconds()
    if abs(seconds) < 30:
        return "just now"
    words = humanize.naturaldelta(span if seconds > 0 else -span, months=False)
    return f"{words} ago" if seconds > 0 else f"in {words}"


def clock(when: datetime, now: datetime) -> str:
    """Return a moment as short as it stays clear: `19:00` today, `Sat 19:00` within a week, else with its date."""
    days = (when.date() - now.astimezone(when.tzinfo).date()).days
    if days == 0:
        return f"{when:%H:%M}"
    if -7 < days < 7:
        return f"{_DAYS[when.weekday()]} {when:%H:%M}"
    return f"{when:%Y-%m-%d %H:%M}"


_DAYS = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")


def bar(percent: int | None, width: int = 10) -> str:
    """Return a progress bar of ASCII signs, so that every terminal and font shows it."""
    full = 0 if percent is None else round(width * percent / 100)
    return "[" + "#" * full + "." * (width - full) + "]"
