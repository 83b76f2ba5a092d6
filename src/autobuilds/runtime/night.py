"""The overnight session: it begins, is carried on by every heartbeat, and ends; what is remembered of it stands in the ledger."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import TYPE_CHECKING

from autobuilds.domain.day import Day, Night, Phase
from autobuilds.domain.night import FURTHEST, closes, every, find, forgotten, identity, running, slots, unfinished, with_night
from autobuilds.domain.times import elapsed, format_minutes, format_when, reached
from autobuilds.errors import AutobuildsError, Busy, NotSo, Refused
from autobuilds.policies import overnight_runner
from autobuilds.records import dataclass, replace
from autobuilds.runtime import night_audit, night_report, night_snapshot
from autobuilds.runtime.night_view import NightView, night_view, tally
from autobuilds.runtime.record import Recorder, holding
from autobuilds.store.workspace import WRITE_WAIT

if TYPE_CHECKING:
    from autobuilds.domain.moment import Snapshot
    from autobuilds.runtime.context import Context
    from autobuilds.runtime.looking import Beat, Seen
    from autobuilds.runtime.night_health import Health

#: Why the phase of routines has nothing to do.
NO_ROUTINES = "no routines are known"


@dataclass(frozen=True, slots=True, kw_only=True)
class Started:
    """A session that began: what was kept of the evening, and its first heartbeat (None: another one is at work)."""

    night: Night
    snapshot: night_snapshot.Snapshot
    beat: Beat | None


def start(context: Context, until: datetime | None = None) -> Started:
    """Begin a session: keep the evening's state, write the session down, run one heartbeat.

    Raises NotSo where one is on, or outside of the hours of `overnight` without `until`; Refused for an end that can't be;
    StorageFailure where the evening can't be kept.
    """
    from autobuilds.runtime.heartbeat import beat
    from autobuilds.runtime.pages import refresh

    # What ended before belongs to the evening, not to the night.
    beat(context, start=False, patience=WRITE_WAIT)
    with holding(context, "overnight start") as recorder:
        left = unfinished(context.workspace.ledger().day)
        if left is not None and overnight_runner.is_over(left, recorder.now):
            close(context, recorder)
        with recorder.transaction("overnight start", hold=True):
            night, kept = _begin(context, recorder, until)
        refresh(context, recorder)
    try:
        return Started(night=night, snapshot=kept, beat=beat(context))
    except Busy:
        return Started(night=night, snapshot=kept, beat=None)


def _begin(context: Context, recorder: Recorder, until: datetime | None) -> tuple[Night, night_snapshot.Snapshot]:
    ledger, now = context.workspace.ledger(), recorder.now
    day, settings = ledger.day or Day(), context.workspace.config().settings
    on = unfinished(day)
    if on is not None:
        span = f"from {format_when(on.started)} until {format_when(on.ends)}"
        raise NotSo(f"the overnight session {on.id} is on, {span}; `autobuilds overnight report` ends it")
    ends = until or closes(now, settings.overnight)
    if ends is None:
        hours = f"{settings.overnight.start:%H:%M}-{settings.overnight.end:%H:%M}"
        raise NotSo(
            f"it is {now:%H:%M}, and an overnight session runs {hours} (`overnight` in HEARTBEAT.md); "
            "`autobuilds overnight start --until TIME` begins one now"
        )
    if reached(ends, now) or elapsed(now, ends) > FURTHEST:
        raise Refused(f"--until {format_when(ends)} is no end of a session: give a time to come within the next 24 hours")
    name = identity(day, now, settings.overnight)
    kept = night_snapshot.take(context, name, now)
    night = Night(id=name, started=now, ends=ends, commit=kept.commit, tag=kept.tag, archive=kept.archive)
    changed = with_night(day, night)
    recorder.note("night-started", "", f"overnight session {name} until {format_when(ends)}", day=changed)
    _remember(context, recorder, now, "Overnight session began", _beginning(night, kept))
    recorder.put(replace(ledger, day=changed))
    for old in forgotten(every(day), changed):
        night_snapshot.forget(context, old)
    return night, kept


def _beginning(night: Night, kept: night_snapshot.Snapshot) -> list[str]:
    facts = [f"until {format_when(night.ends)}"]
    facts += [f"the evening's commit {kept.commit[:12]} is tagged {kept.tag}"] if kept.commit and kept.tag else []
    return [*facts, f"`autobuilds overnight undo {night.id}` takes the night back"]


def step(context: Context, recorder: Recorder, seen: Seen) -> list[str]:
    """Carry out what a heartbeat has to do for the session that is not closed yet; return what went wrong, in words.

    A phase that fails is recorded as failed, and the night goes on.
    """
    recorder.now = seen.moment.now
    faults: list[str] = []
    night = unfinished(seen.loaded.snapshot.ledger.day)
    for name in overnight_runner.due(night, recorder.now):
        try:
            _STEPS[name](context, recorder, seen)
        except (AutobuildsError, OSError) as fault:
            faults.append(f"overnight session, {name}: {fault}")
            if name in {"health", "patterns"}:
                _record(context, recorder, Phase(name=name, state="failed", at=recorder.now, note=str(fault)))
    return faults + _audit(context, recorder.now, night)


def _health(context: Context, recorder: Recorder, _seen: Seen) -> None:
    from autobuilds.runtime.night_health import look_after

    found = look_after(context, recorder.now)
    _record(context, recorder, Phase(name="health", state="done", at=recorder.now, note=found.said), found)


def _patterns(context: Context, recorder: Recorder, _seen: Seen) -> None:
    _record(context, recorder, Phase(name="patterns", state="skipped", at=recorder.now, note=NO_ROUTINES))


def _builds(context: Context, recorder: Recorder, seen: Seen) -> None:
    snapshot = seen.loaded.snapshot
    most = slots(snapshot.settings, snapshot.ledger.day, None, recorder.now)
    _change(context, recorder, "night-phase", lambda n: overnight_runner.opened(n, recorder.now, most), f"builds: up to {most} at once")


def _monitor(context: Context, recorder: Recorder, seen: Seen) -> None:
    now, why = recorder.now, overnight_runner.pressed(seen.plan.assessments)
    night = unfinished(seen.loaded.snapshot.ledger.day)
    if night is None or overnight_runner.throttled(night, why, now) is night:
        return
    held = elapsed(night.throttled, now).total_seconds() if night.throttled is not None else 0.0
    said = why or f"goes on after {format_minutes(round(held / 60))}: the machine is below its limits, or nothing waits for it"
    event = "night-throttled" if why is not None else "night-resumed"
    _change(context, recorder, event, lambda n: overnight_runner.throttled(n, why, now), said)


def _report(context: Context, recorder: Recorder, _seen: Seen) -> None:
    close(context, recorder)


_STEPS: dict[str, Callable[[Context, Recorder, Seen], None]] = {
    "health": _health,
    "patterns": _patterns,
    "builds": _builds,
    "monitor": _monitor,
    "report": _report,
}


def _record(context: Context, recorder: Recorder, phase: Phase, health: Health | None = None) -> None:
    def with_phase(night: Night) -> Night:
        changed = overnight_runner.recorded(night, phase)
        return changed if health is None else replace(changed, found=health.found, fixed=health.fixed, critical=health.critical)

    _change(context, recorder, "night-phase", with_phase, f"{phase.name}: {phase.state}: {phase.note}")


def _change(context: Context, recorder: Recorder, event: str, change: Callable[[Night], Night], said: str) -> None:
    """Record what changes a session that is on, from the ledger as it is now; nothing where none is, or nothing changes."""
    with recorder.transaction(event, hold=True):
        ledger = context.workspace.ledger()
        night = unfinished(ledger.day)
        if ledger.day is None or night is None or (changed := change(night)) == night:
            return
        day = with_night(ledger.day, changed)
        recorder.note(event, "", said, day=day)
        recorder.put(replace(ledger, day=day))


def close(context: Context, recorder: Recorder) -> Night | None:
    """End the session that is not closed yet, with its report; return it, or None where there is none. Raises StorageFailure."""
    with recorder.transaction("overnight report", hold=True):
        ledger, now = context.workspace.ledger(), recorder.now
        night = unfinished(ledger.day)
        if ledger.day is None or night is None:
            return None
        ended = night.ends if reached(night.ends, now) else now
        said = tally(night_view(replace(night, ended=ended), ledger, now))
        final = overnight_runner.closed(night, now, said)
        day = with_night(ledger.day, final)
        made = night_report.make(context, final, ledger, now)
        paths = [name for name, _ in made.files]
        recorder.note(night_audit.ENDED, "", f"overnight session {final.id} ended: {made.view.headline}", day=day, paths=paths)
        for name, text in made.files:
            context.workspace.publish(name, text)
        _remember(context, recorder, ended, "Overnight session ended", [made.view.headline, said])
        recorder.put(replace(ledger, day=day))
        return final


def report(context: Context, name: str | None = None) -> night_report.NightReport:
    """End the session that is on (without a name), and return the report of it, of the newest night, or of the night of a name.

    Files of a report that are missing are written. Raises NotSo where there is no such night.
    """
    from autobuilds.runtime.heartbeat import beat
    from autobuilds.runtime.pages import refresh

    if name is None and unfinished(context.workspace.ledger().day) is not None:
        beat(context, start=False, patience=WRITE_WAIT)
        with holding(context, "overnight report") as recorder:
            closed = close(context, recorder)
            refresh(context, recorder)
        if closed is not None:
            _audit(context, recorder.now, closed)
    loaded = context.load()
    night = chosen(loaded.snapshot, name)
    made = night_report.make(context, night, loaded.snapshot.ledger, context.now(loaded.zone))
    if night.ended is not None:
        _complete(context, night, made)
    return made


def chosen(snapshot: Snapshot, name: str | None) -> Night:
    """Return the night of a name, or the newest; raises NotSo where there is none."""
    day = snapshot.ledger.day
    if name is None:
        if day is None or day.night is None:
            raise NotSo("there was no overnight session yet; `autobuilds overnight start` begins one")
        return day.night
    found = find(day, name)
    if found is None:
        known = ", ".join(night.id for night in every(day)[-5:])
        raise NotSo(f"no night {name} is remembered" + (f"; the last ones: {known}" if known else "; there was none yet"))
    return found


def _complete(context: Context, night: Night, made: night_report.NightReport) -> None:
    """Write the files of a closed night's report that are not there."""
    missing = [(name, text) for name, text in made.files if not context.workspace.path(name).exists()]
    if not missing:
        return
    with holding(context, "overnight report") as recorder, recorder.transaction("overnight report"):
        recorder.note("report", "", f"report of the night {night.id}", paths=[name for name, _ in missing], transition=False)
        for name, text in missing:
            context.workspace.publish(name, text)


def status(context: Context) -> NightView | None:
    """Return the session that is on, or the last one, as far as it is known now; None before the first."""
    loaded = context.load()
    day = loaded.snapshot.ledger.day
    return night_view(day.night, loaded.snapshot.ledger, context.now(loaded.zone)) if day is not None and day.night is not None else None


@dataclass(frozen=True, slots=True, kw_only=True)
class Overnight:
    """Whether it is overnight: by the hours of `overnight` in HEARTBEAT.md, or because a session is on; `until` is when that ends."""

    overnight: bool
    now: datetime
    hours: str
    session: str | None = None
    until: datetime | None = None


def is_overnight(context: Context) -> Overnight:
    """Return whether it is overnight now."""
    settings = context.workspace.config().settings
    now = context.now(context.workspace.zone(settings))
    on = running(context.workspace.ledger().day, now)
    until = on.ends if on is not None else closes(now, settings.overnight)
    hours = f"{settings.overnight.start:%H:%M}-{settings.overnight.end:%H:%M}"
    return Overnight(overnight=until is not None, now=now, hours=hours, session=on.id if on is not None else None, until=until)


def _audit(context: Context, now: datetime, night: Night | None) -> list[str]:
    """Bring the audit log of a session up to date; return why it could not be, if so."""
    if night is None:
        return []
    ledger = context.workspace.ledger()
    try:
        night_audit.keep(context, night, night_audit.entries(context, find(ledger.day, night.id) or night, ledger, now))
    except (AutobuildsError, OSError) as fault:
        return [f"overnight session, audit log: {fault}"]
    return []


def _remember(context: Context, recorder: Recorder, at: datetime, title: str, facts: list[str]) -> None:
    from autobuilds.runtime.diary import remember

    remember(context, recorder, at, title, facts)
