"""Gates on where things stand: paused, the build's state, the entry's form."""

from __future__ import annotations

from datetime import timedelta
from typing import assert_never

from autobuilds.domain.build import Build, BuildState
from autobuilds.domain.gates.answers import ask, go, wait
from autobuilds.domain.problem import Severity
from autobuilds.domain.situation import Situation
from autobuilds.domain.times import elapsed, format_when, reached
from autobuilds.domain.verdicts import OR, GateResult

_CLOCK_SET_BACK = timedelta(days=1)


def paused(s: Situation) -> GateResult:
    """Go unless the owner paused starts, a file named STOP stands in the workspace, or settings or rules can't be read."""
    wrong = next((p for p in s.snapshot.problems if p.severity is Severity.ERROR), None)
    if wrong is not None:
        return ask("paused", f"nothing starts until this is mended: {wrong}", f"edit {wrong.file} line {wrong.line}")
    if s.moment.stop_file:
        return wait("paused", "a file named STOP stands in the workspace", fix="delete the file STOP")
    pause = s.snapshot.ledger.pause
    if pause is None or (pause.until is not None and reached(pause.until, s.now)):
        return go("paused", "not paused")
    why = f" ({pause.reason})" if pause.reason else ""
    if pause.until is None:
        return wait("paused", f"paused since {format_when(pause.since)}{why}", fix="autobuilds resume")
    return wait("paused", f"paused until {format_when(pause.until)}{why}", until=pause.until, fix="autobuilds resume")


def state(s: Situation) -> GateResult:
    """Go when nothing of the task runs or is finished, and its retry time is reached."""
    label, build = s.task.label, s.build
    if s.task.checked:
        return wait("state", "ticked as done: the next heartbeat moves it to Completed", fix=f"autobuilds tick {label} --off")
    if build is None:
        return go("state", "not started")
    return _of_build(build, label, s)


def _of_build(build: Build, label: str, s: Situation) -> GateResult:
    match build.state:
        case BuildState.BUILDING:
            started = build.last.started if build.last else build.created
            return wait("state", f"building since {format_when(started)}", fix=f"autobuilds stop {label}")
        case BuildState.RETRYING:
            # Far before what was written last: the clock has been set back since, and its moments mean nothing.
            believed = elapsed(s.now, build.updated) < _CLOCK_SET_BACK
            if build.retry_at is not None and not reached(build.retry_at, s.now) and believed:
                return wait("state", f"failed ({build.reason}); next try at {format_when(build.retry_at)}", until=build.retry_at)
            return go("state", "retry time reached")
        case BuildState.ESCALATED:
            fix = OR.join(f"autobuilds {word} {label}" for word in ("retry", "complete", "cancel"))
            return ask("state", f"escalated: {build.reason}", fix)
        case BuildState.CANCELLED:
            return ask("state", "cancelled", f"autobuilds reopen {label}{OR}delete the line")
        case BuildState.COMPLETED | BuildState.REVIEW:
            when = format_when(build.updated)
            return ask("state", f"built already, on {when}", f"autobuilds reopen {label}{OR}delete the line")
        case _:
            assert_never(build.state)


def well_formed(s: Situation) -> GateResult:
    """Go when the entry has no error."""
    errors = [p for p in s.task.problems if p.severity is Severity.ERROR]
    if not errors:
        return go("well-formed", "no problem in its entry")
    first = errors[0]
    more = f" (and {len(errors) - 1} more)" if len(errors) > 1 else ""
    return ask("well-formed", f"{first}{more}", f"edit {first.file} line {first.line}")
