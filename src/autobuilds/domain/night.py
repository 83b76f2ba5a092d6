"""The overnight session: whether one is on, what it is called, and what holds while it is on. Pure."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timedelta

from autobuilds.domain.day import Context, Day, Night
from autobuilds.domain.moment import Resources
from autobuilds.domain.settings import Settings, Window
from autobuilds.domain.times import after, elapsed, in_window, local_day, reached, window_closes
from autobuilds.records import dataclass, replace

#: How long a session lasts at most.
LONGEST = timedelta(hours=24)
#: The same where the clocks are changed meanwhile: one that ends later was written by a clock that has been set back since.
FURTHEST = LONGEST + timedelta(hours=2)
#: How many nights are remembered besides the newest, and how many of them with their phases: every commit of the owner's day
#: carries them, and people read those.
KEPT, WHOLE = 14, 3


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """From which use on nothing new starts: disk and memory in percent, load per core; `night` says that a session narrows them."""

    disk: float
    memory: float
    load: float
    night: bool = False


def running(day: Day | None, now: datetime) -> Night | None:
    """Return the session that is on, or None."""
    night = day.night if day is not None else None
    if night is None or night.ended is not None or reached(night.ends, now) or elapsed(now, night.ends) > FURTHEST:
        return None
    return night


def unfinished(day: Day | None) -> Night | None:
    """Return the session that was not closed yet, whether its time is over or not; None where there is none."""
    night = day.night if day is not None else None
    return night if night is not None and night.ended is None else None


def is_on(day: Day | None, now: datetime) -> bool:
    """Whether an overnight session is on."""
    return running(day, now) is not None


def slots(settings: Settings, day: Day | None, context: Context | None, now: datetime) -> int:
    """Return how many builds may run at the same time: in a session `overnight_builds`, or more where the context has more."""
    allowed = settings.slots(context)
    return max(settings.overnight_builds, allowed) if is_on(day, now) else allowed


def limits(settings: Settings, day: Day | None, now: datetime) -> Limits:
    """Return the limits of the machine's use that hold now; a session narrows each to `overnight_throttle`."""
    disk, memory, load = float(settings.disk_limit), float(settings.memory_limit), settings.load_limit
    if not is_on(day, now):
        return Limits(disk=disk, memory=memory, load=load)
    most = float(settings.overnight_throttle)
    return Limits(disk=min(disk, most), memory=min(memory, most), load=min(load, most / 100), night=True)


def over(measured: Resources, allowed: Limits) -> tuple[str, ...]:
    """Return in words what is at or above its limit; what can't be measured is not."""
    found = []
    if measured.disk_percent is not None and measured.disk_percent >= allowed.disk:
        found.append(f"disk {measured.disk_percent:.0f} % full (limit {allowed.disk:.0f} %)")
    if measured.memory_percent is not None and measured.memory_percent >= allowed.memory:
        found.append(f"memory {measured.memory_percent:.0f} % used (limit {allowed.memory:.0f} %)")
    if measured.load_per_core is not None and measured.load_per_core >= allowed.load:
        found.append(f"load {measured.load_per_core:.1f} per core (limit {allowed.load:g})")
    return tuple(found)


def closes(now: datetime, window: Window) -> datetime | None:
    """Return when a session that starts now closes by the window of the configuration, or None where the window is not open.

    A window of the whole day closes after 24 hours.
    """
    if not in_window(now, window):
        return None
    end = window_closes(now, window)
    return end if elapsed(now, end) <= FURTHEST else after(now, LONGEST)


def identity(day: Day | None, now: datetime, window: Window) -> str:
    """Return the name of a session that starts now: the date of its evening, with `-2` and so on for a further one of it."""
    past_midnight = window.start > window.end and now.time() < window.end
    evening = (local_day(now) - timedelta(days=1) if past_midnight else local_day(now)).isoformat()
    taken = {night.id for night in every(day)}
    names = (evening if n == 1 else f"{evening}-{n}" for n in range(1, len(taken) + 2))
    return next(name for name in names if name not in taken)


def every(day: Day | None) -> tuple[Night, ...]:
    """Return all nights that are remembered, the newest last."""
    if day is None:
        return ()
    return (*day.nights, day.night) if day.night is not None else day.nights


def find(day: Day | None, name: str) -> Night | None:
    """Return the night of a name, or None."""
    return next((night for night in reversed(every(day)) if night.id == name), None)


def with_night(day: Day, night: Night) -> Day:
    """Return the day with a night in place of the one of its name, or as the newest of all; at most 15 are remembered.

    Those before the last few keep their figures alone; their phases are in their reports.
    """
    if find(day, night.id) is None:
        known = every(day)[-KEPT:]
        return replace(day, night=night, nights=(*(replace(old, phases=()) for old in known[:-WHOLE]), *known[-WHOLE:]))
    if day.night is not None and day.night.id == night.id:
        return replace(day, night=night)
    return replace(day, nights=tuple(night if n.id == night.id else n for n in day.nights))


def forgotten(before: Iterable[Night], day: Day) -> tuple[Night, ...]:
    """Return the nights that were remembered before and are not any more."""
    known = {night.id for night in every(day)}
    return tuple(night for night in before if night.id not in known)
