"""The phases of an overnight session: which of them a heartbeat has to carry out, and what is remembered of each. Pure.

Level-triggered: what a phase has to do follows from the night as it is recorded and the time, so a crash between any two of
them costs nothing but the time until the next heartbeat.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable
from datetime import datetime

from autobuilds.domain.day import Night, Phase
from autobuilds.domain.night import FURTHEST
from autobuilds.domain.times import elapsed, format_minutes, format_when, reached
from autobuilds.domain.verdicts import Assessment
from autobuilds.records import replace

#: Every phase in its order (chapter 4).
PHASES = ("health", "patterns", "builds", "monitor", "report")
#: Phases that are carried out once and begin a night.
_FIRST = ("health", "patterns")
_MISSED = "no heartbeat came before the night was over"


def due(night: Night | None, now: datetime) -> tuple[str, ...]:
    """Return the phases that a heartbeat has to carry out, in their order; none where no night is to be looked after.

    A night that is over is reported; one that is on begins with health and patterns, once each, opens the builds, and is monitored
    by every heartbeat.
    """
    if night is None or night.ended is not None:
        return ()
    if is_over(night, now):
        return ("report",)
    known = {phase.name for phase in night.phases}
    return (*(name for name in (*_FIRST, "builds") if name not in known), "monitor")


def is_over(night: Night, now: datetime) -> bool:
    """Whether a night's time has passed, or was written by a clock that has been set back since."""
    return reached(night.ends, now) or elapsed(now, night.ends) > FURTHEST


def recorded(night: Night, phase: Phase) -> Night:
    """Return the night with a phase in place of the one of its name, in the order of the phases."""
    others = [known for known in night.phases if known.name != phase.name]
    return replace(night, phases=tuple(sorted((*others, phase), key=lambda known: PHASES.index(known.name))))


def phase_of(night: Night, name: str) -> Phase | None:
    """Return what is recorded of a phase, or None."""
    return next((phase for phase in night.phases if phase.name == name), None)


def opened(night: Night, now: datetime, builds: int) -> Night:
    """Return the night with its builds open, and the monitor at work."""
    night = recorded(night, Phase(name="builds", state="running", at=now, note=f"up to {builds} at once"))
    return recorded(night, Phase(name="monitor", state="running", at=now, note="looks at every heartbeat and at each ending"))


def pressed(assessments: Iterable[Assessment]) -> str | None:
    """Return why nothing new starts though something could: what the machine's resources alone hold, in words; None where nothing is held so."""
    for found in assessments:
        held = found.sketch.obstacles
        if [gate.gate for gate in held] == ["resources"] and [gate.gate for gate in found.obstacles] == ["resources"]:
            return held[0].reason
    return None


def throttled(night: Night, why: str | None, now: datetime) -> Night:
    """Return the night as it is with the machine under pressure (`why`), or without; the same one where nothing changes."""
    if (why is not None) == (night.throttled is not None):
        return night
    if night.throttled is None:
        return replace(night, throttled=now)
    return replace(night, throttled=None, throttled_seconds=throttled_seconds(night, now))


def throttled_seconds(night: Night, now: datetime) -> int:
    """Return for how many seconds nothing new started in a night for want of means, up to now or to its end."""
    until = night.ended or (night.ends if reached(night.ends, now) else now)
    more = elapsed(night.throttled, until).total_seconds() if night.throttled is not None else 0.0
    return night.throttled_seconds + max(0, round(more))


def closed(night: Night, now: datetime, tally: str, failed: Collection[str] = ()) -> Night:
    """Return the night at its end: every phase has an outcome; `tally` says what came of its builds, `failed` names phases that failed.

    A night that nobody looked after until it was over ends when its time was over.
    """
    ended = night.ends if reached(night.ends, now) else now
    seconds = throttled_seconds(night, ended)
    for name in _FIRST:
        if phase_of(night, name) is None:
            night = recorded(night, Phase(name=name, state="skipped", at=ended, note=_MISSED))
    held = (
        f"throttled for {format_minutes(round(seconds / 60))}"
        if seconds >= 30
        else "throttled for less than a minute"
        if seconds
        else "never throttled"
    )
    for name, note in (("builds", tally), ("monitor", held)):
        missed = phase_of(night, name) is None
        night = recorded(night, Phase(name=name, state="skipped" if missed else "done", at=ended, note=_MISSED if missed else note))
    state = "failed" if "report" in failed else "done"
    night = recorded(night, Phase(name="report", state=state, at=now, note=f"closed {format_when(now)}"))
    return replace(night, ended=ended, throttled=None, throttled_seconds=seconds)
