"""Gates on time: priority and window."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, timedelta
from typing import assert_never

from autobuilds.domain.day import Source
from autobuilds.domain.gates.answers import ask, go, wait
from autobuilds.domain.model import Priority
from autobuilds.domain.situation import Situation
from autobuilds.domain.spelling import did_you_mean, nearest, quoted
from autobuilds.domain.times import elapsed, format_minutes, format_when, reached, window_length
from autobuilds.domain.verdicts import OR, GateResult
from autobuilds.domain.windows import DayWindow

#: A task longer than its whole window starts in the first hour of it, since no part of it fits better.
LATEST_START = timedelta(hours=1)


def priority(s: Situation) -> GateResult:
    """High any time, medium in off-hours, low only when approved."""
    if s.at_once:
        return go("priority", "started by the owner's word")
    span = s.snapshot.settings.off_hours
    hours = f"{span.start:%H:%M}-{span.end:%H:%M}"
    match s.task.priority:
        case Priority.HIGH:
            return go("priority", "high: any time")
        case Priority.MEDIUM:
            named = s.task.window and s.shared.window(s.task.window)
            if named:
                return go("priority", f"medium: its window {named.name} says when")
            if s.shared.off_hours:
                return go("priority", f"medium: in off-hours ({hours})")
            fix = f"autobuilds set {s.task.label} priority high"
            return wait("priority", f"medium: waits for off-hours ({hours})", until=s.shared.opens, fix=fix)
        case Priority.LOW:
            if s.approved:
                return go("priority", "low: approved")
            return ask("priority", "low: starts only when you approve it", f"autobuilds approve {s.task.label}")
        case _:
            assert_never(s.task.priority)


def window(s: Situation) -> GateResult:
    """Go when Not Before is reached, the task's window is open, and its estimate fits what is left of that, or of off-hours."""
    task, settings = s.task, s.snapshot.settings
    if s.at_once:
        return go("window", "started by the owner's word")
    if task.not_before is not None and not reached(task.not_before, s.now):
        return wait("window", f"not before {format_when(task.not_before)}", until=task.not_before)
    if task.window is not None:
        return _of_its_own(s, task.window)
    if task.priority is not Priority.MEDIUM or not s.shared.off_hours or task.estimate is None:
        return go("window", "no window holds it")
    closes = s.shared.closes
    longest = window_length(settings.off_hours) - LATEST_START
    needed = min(timedelta(minutes=task.estimate.max_minutes), longest)
    left = closes.astimezone(UTC) - s.now.astimezone(UTC)
    if left >= needed:
        return go("window", f"fits before {format_when(closes)}")
    reason = f"estimated {task.estimate_text or 'longer'}, but off-hours end in {format_minutes(int(left.total_seconds() // 60))}"
    return wait("window", reason, until=s.shared.opens_again, fix=f"autobuilds set {task.label} priority high")


def _of_its_own(s: Situation, name: str) -> GateResult:
    """Answer by the window that the task names."""
    from autobuilds.domain.week import span_length

    window = s.shared.window(name)
    if window is None:
        return _unknown(s, name)
    task, whole, shown = s.task, span_length(window.span), window.name
    needed = None if task.estimate is None else timedelta(minutes=task.estimate.max_minutes)
    said = f"estimated {task.estimate_text or 'longer'}"
    if needed is not None and needed > whole:
        other = next((w.name for w in s.snapshot.settings.windows if span_length(w.span) >= needed), None)
        fix = f"autobuilds set {task.label} window {other}" if other else "split the task"
        length = format_minutes(int(whole.total_seconds() // 60))
        return ask("window", f"{said}, but its window {shown} is {length} long", f"{fix}{OR}change windows in HEARTBEAT.md")
    found = s.shared.opening(window)
    if not found.open:
        by_word = not found.by_clock and s.shared.context.source is Source.WORD
        sooner = "autobuilds context clear" if by_word else f'autobuilds set {task.label} window ""'
        return wait("window", f"its window {shown} is closed ({found.why})", until=found.until, fix=sooner)
    if found.until is None:
        return go("window", f"its window {shown} is open ({found.why})")
    if needed is not None and found.by_clock:
        needed = min(needed, whole - LATEST_START)
    if needed is None or elapsed(s.now, found.until) >= needed:
        return go("window", f"its window {shown} is open until {format_when(found.until)} ({found.why})")
    reason = f"{said}, but its window {shown} closes at {format_when(found.until)} ({found.why})"
    return wait("window", reason, until=s.shared.reopens(window), fix=f'autobuilds set {task.label} window ""')


def _unknown(s: Situation, name: str) -> GateResult:
    from autobuilds.domain.week import window_key

    near = nearest(window_key(name), [w.name for w in s.snapshot.settings.windows])
    first = f"autobuilds set {s.task.label} window {near}" if near else f'autobuilds set {s.task.label} window ""'
    return ask("window", no_window(name, s.snapshot.settings.windows), f"{first}{OR}add it to windows in HEARTBEAT.md")


def no_window(name: str, windows: Sequence[DayWindow]) -> str:
    """Return what to say of a name that none of the windows has: those that are near, and all there are."""
    from autobuilds.domain.week import window_key

    known = [w.name for w in windows]
    there = f"there are {', '.join(known)}" if known else "there are none"
    return f"no window {quoted(name)} in HEARTBEAT.md{did_you_mean(window_key(name), known)}; {there}"
