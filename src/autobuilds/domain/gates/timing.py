"""Gates on time: priority and window."""

from __future__ import annotations

from datetime import UTC, timedelta
from typing import assert_never

from autobuilds.domain.gates.answers import ask, go, wait
from autobuilds.domain.model import Priority
from autobuilds.domain.situation import Situation
from autobuilds.domain.times import format_minutes, format_when, reached, window_length
from autobuilds.domain.verdicts import GateResult

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
    """Go when Not Before is reached and the estimate fits what is left of the task's window."""
    task, settings = s.task, s.snapshot.settings
    if s.at_once:
        return go("window", "started by the owner's word")
    if task.not_before is not None and not reached(task.not_before, s.now):
        return wait("window", f"not before {format_when(task.not_before)}", until=task.not_before)
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
