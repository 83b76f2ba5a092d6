"""The answers of `autobuilds context`, as text and as JSON."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any, assert_never

from autobuilds.cli.formatters.columns import pad, wrap
from autobuilds.cli.formatters.style import Style
from autobuilds.domain.context import Stretch
from autobuilds.domain.day import Source
from autobuilds.domain.inert import terminal
from autobuilds.domain.moment import as_json
from autobuilds.domain.times import elapsed, format_minutes, format_when
from autobuilds.policies.context_scheduler import Ahead, Detected, Summary
from autobuilds.runtime.view_values import count

_INTENSITY = {"full": "full: builds may take what is free", "light": "light: new builds yield to your own work"}


def _because(source: Source, why: str) -> str:
    """Return why it is what it is; the name of an event is another's text."""
    match source:
        case Source.WORD:
            return "your word (autobuilds context set)"
        case Source.CALENDAR:
            return f'"{terminal(why)}" in your calendar'
        case Source.TIMETABLE:
            return f"your timetable ({why})"
        case Source.DEFAULT:
            return why
        case _:
            assert_never(source)


def detected(found: Detected, style: Style) -> str:
    """Return which context it is, why, since when and until when, and what it changes."""
    answer = found.answer
    since = format_when(answer.since) if answer.since is not None else None
    until = format_when(answer.until) if answer.until is not None else None
    ends = f"until {until}" if until else "until you take it back (autobuilds context clear)" if answer.source is Source.WORD else None
    rows = [
        ("because", _because(answer.source, answer.why)),
        ("holds", ", ".join(part for part in (f"since {since}" if since else None, ends) if part) or "as far as can be seen"),
        ("builds", f"{count(found.slots, 'build')} at the same time" + (" (an overnight session is on)" if found.night else "")),
        ("intensity", _INTENSITY[found.intensity.value]),
        ("interrupt", "you may be interrupted" if found.interrupt else "no: what can wait is kept for the next brief"),
    ]
    lines = [style.bold(answer.context.value)]
    for key, value in rows:
        lines += wrap(value, style.width, first=f"  {key:<10} ")
    width = max((len(w.window.name) for w in found.windows), default=0)
    for number, window in enumerate(found.windows):
        word = style.good("open  ") if window.open else style.dim("closed")
        change = "" if window.until is None else f"{'until' if window.open else 'opens'} {format_when(window.until)}"
        why = "" if window.by_clock else f"  {window.why}, against its hours"
        lead = "windows" if not number else ""
        lines.append(f"  {lead:<10} {pad(window.window.name, width)}  {word}  {change}{why}".rstrip())
    if found.calendar_fault:
        lines += wrap(f"the calendar says nothing: {terminal(found.calendar_fault)}", style.width, first="  ")
    return "\n".join(lines) + "\n"


def detected_json(found: Detected, kind: str) -> dict[str, Any]:
    """Return the same as an object."""
    answer = found.answer
    return {
        "schema": 1,
        "kind": kind,
        "context": answer.context.value,
        "source": answer.source.value,
        "why": answer.why,
        "since": as_json(answer.since),
        "until": as_json(answer.until),
        "slots": found.slots,
        "night": found.night,
        "intensity": found.intensity.value,
        "interrupt": found.interrupt,
        "windows": [
            {"name": w.window.name, "open": w.open, "until": as_json(w.until), "why": w.why, "by_clock": w.by_clock} for w in found.windows
        ],
        "calendar_fault": found.calendar_fault,
    }


def summary(found: Summary, style: Style) -> str:
    """Return the day so far, part by part, and the sums."""
    lines = [style.bold(f"{found.start:%Y-%m-%d}, until {found.end:%H:%M}")]
    width = max((len(p.context.value) for p in found.parts), default=0)
    for part in found.parts:
        lead = f"  {part.start:%H:%M}-{part.end:%H:%M}  {pad(part.context.value, width)}  "
        lines += wrap(_because(part.source, part.why), style.width, first=lead)
    sums = ", ".join(f"{context.value} {_length(spent)}" for context, spent in found.totals)
    lines.append(f"in all: {sums}" if sums else "the day has just begun")
    return "\n".join(lines) + "\n"


def _length(span: timedelta) -> str:
    return format_minutes(round(span.total_seconds() / 60))


def summary_json(found: Summary) -> dict[str, Any]:
    """Return the same as an object; lengths in seconds of real time."""
    return {
        "schema": 1,
        "kind": "context-summary",
        "start": as_json(found.start),
        "end": as_json(found.end),
        "parts": [_part(p) for p in found.parts],
        "totals": {context.value: int(spent.total_seconds()) for context, spent in found.totals},
    }


def _part(part: Stretch) -> dict[str, Any]:
    return {
        "start": as_json(part.start),
        "end": as_json(part.end),
        "seconds": int(elapsed(part.start, part.end).total_seconds()),
        "context": part.context.value,
        "source": part.source.value,
        "why": part.why,
    }


def upcoming(found: Sequence[Ahead], hours: int, style: Style) -> str:
    """Return the coming changes, each with what it brings."""
    if not found:
        return f"the context stays as it is for the next {hours} h\n"
    lines = []
    for one in found:
        change = one.change
        lines.append(style.bold(f"{change.at:%a} {format_when(change.at)}  {change.before.value} -> {change.after.value}"))
        lines += wrap(_because(change.source, change.why), style.width, first="  because  ")
        windows = ", ".join(one.windows) or "none"
        asks = "you may be interrupted" if one.interrupt else "no interruptions"
        lines += wrap(
            f"{count(one.slots, 'build')} at the same time, intensity {one.intensity.value}, {asks}; windows open: {windows}",
            style.width,
            first="  then     ",
        )
    return "\n".join(lines) + "\n"


def upcoming_json(found: Sequence[Ahead], now: datetime, hours: int) -> dict[str, Any]:
    """Return the same as an object."""
    return {
        "schema": 1,
        "kind": "context-upcoming",
        "now": as_json(now),
        "hours": hours,
        "changes": [
            {
                "at": as_json(one.change.at),
                "before": one.change.before.value,
                "after": one.change.after.value,
                "source": one.change.source.value,
                "why": one.change.why,
                "slots": one.slots,
                "intensity": one.intensity.value,
                "interrupt": one.interrupt,
                "windows": list(one.windows),
            }
            for one in found
        ],
    }
