"""Spans of the week: read and written as people do, and asked whether and when they are open, exact where clocks change."""

from __future__ import annotations

import re

from autobuilds.domain.duties import parse_weekdays
from autobuilds.domain.settings import Window
from autobuilds.domain.times import format_window, parse_window
from autobuilds.domain.windows import Span

_DAYS = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")


def parse_span(text: str) -> Span | None:
    """Return the span that `Mon-Fri 09:00-17:00`, `Sat, Sun` or `23:00-07:00` names, or None.

    Days without hours are whole days; hours without days are those of every day.
    """
    folded = " ".join(text.split()).lower()
    found = re.search(r"(?:^| )(\d{1,2}:\d\d ?(?:[-–—]|to) ?\d{1,2}:\d\d)$", folded)
    window = parse_window(found[1]) if found else parse_window("00:00-24:00")
    named = folded[: found.start()].strip() if found else folded
    days = parse_weekdays(named) if named or found else None
    if window is None or days is None:
        return None
    return Span(days=days, start=window.start, end=window.end)


def format_span(span: Span) -> str:
    """Return a span in the notation of the configuration, `Mon-Fri 09:00-17:00`; `parse_span` reads it back."""
    hours = format_window(Window(start=span.start, end=span.end))
    if len(span.days) == 7:
        return hours
    named = format_days(span.days)
    return named if span.start == span.end else f"{named} {hours}"


def format_days(days: frozenset[int]) -> str:
    """Return days of the week as `Mon-Fri`, `Sat, Sun` or `Mon, Wed`."""
    runs: list[list[int]] = []
    for day in sorted(days):
        if runs and runs[-1][-1] == day - 1:
            runs[-1].append(day)
        else:
            runs.append([day])
    parts = [f"{_DAYS[r[0]]}-{_DAYS[r[-1]]}" if len(r) > 2 else ", ".join(_DAYS[d] for d in r) for r in runs]
    return ", ".join(parts)
