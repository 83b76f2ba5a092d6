"""Overnight sessions to come: when the duties of HEARTBEAT.md begin and end them. Pure."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timedelta
from itertools import pairwise

from autobuilds.domain import night
from autobuilds.domain.budgets import night_began
from autobuilds.domain.day import Day, Night
from autobuilds.domain.duties import Cadence, Duty, due, slot_after
from autobuilds.domain.moment import Snapshot
from autobuilds.domain.times import after, in_window, reached, window_opens
from autobuilds.records import dataclass, replace

_SECOND = timedelta(seconds=1)


@dataclass(frozen=True, slots=True, kw_only=True)
class Nightly:
    """When duties begin a session, and end it with its report; None where no duty does, so that a session ends with its window."""

    start: Cadence | None = None
    report: Cadence | None = None


def nightly_of(duties: Iterable[Duty]) -> Nightly | None:
    """Return what the duties of HEARTBEAT.md do with sessions, by their commands or by the script of that name; None where nothing."""
    found: dict[str, Cadence] = {}
    for duty in duties:
        for argv in (command.argv for command in duty.commands):
            words = [word.rpartition("/")[2] for word in argv]
            for verb in ("start", "report"):
                if words[:3] == ["autobuilds", "overnight", verb] or ("overnight_runner.py", verb) in pairwise(words):
                    found.setdefault(verb, duty.cadence)
    return Nightly(start=found.get("start"), report=found.get("report")) if found else None


def next_start(snapshot: Snapshot, nightly: Nightly | None, now: datetime) -> datetime | None:
    """Return when the duty that begins a session falls due next, after a moment and the session that is on; None where there is none.

    A time outside the window of sessions is passed over where the duty falls due in the next one as well.
    """
    if nightly is None or nightly.start is None:
        return None
    span, on = snapshot.settings.overnight, night.running(snapshot.ledger.day, now)
    slot = slot_after(nightly.start, now if on is None else after(on.ends.astimezone(now.tzinfo), -_SECOND))
    if in_window(slot, span):
        return slot
    opens = window_opens(slot, span)
    return max(opens, slot_after(nightly.start, after(opens, -_SECOND)), key=datetime.timestamp)


def with_night(snapshot: Snapshot, nightly: Nightly, now: datetime) -> Snapshot:
    """Return the files after the start of a session, those given where its window is not open or one is on."""
    day, span = snapshot.ledger.day or Day(), snapshot.settings.overnight
    ends = night.closes(now, span)
    if ends is None or night.is_on(day, now):
        return snapshot
    begins = Night(id=night.identity(day, now, span), started=now, ends=_reported(nightly, now, ends))
    return replace(snapshot, ledger=replace(snapshot.ledger, day=night.with_night(day, begins)))


def caught_up(snapshot: Snapshot, nightly: Nightly | None, now: datetime) -> Snapshot:
    """Return the files with the session that is on ending with its report, or one begun that its duty will start at the next heartbeat."""
    day = snapshot.ledger.day
    if nightly is None:
        return snapshot
    on = night.running(day, now)
    if day is not None and on is not None:
        shorter = night.with_night(day, replace(on, ends=_reported(nightly, now, on.ends)))
        return replace(snapshot, ledger=replace(snapshot.ledger, day=shorter))
    if nightly.start is None:
        return snapshot
    opened = night_began(now, snapshot.settings.overnight) or now
    last = day.night.started if day is not None and day.night is not None else after(opened, -_SECOND)
    return with_night(snapshot, nightly, now) if due(nightly.start, last, now) else snapshot


def _reported(nightly: Nightly, now: datetime, ends: datetime) -> datetime:
    """Return when a session ends: with the report of its duty, at the latest by itself."""
    report = ends if nightly.report is None else slot_after(nightly.report, now)
    return report if not reached(ends, report) else ends
