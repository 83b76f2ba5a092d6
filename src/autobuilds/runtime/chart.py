"""A forecast as a Gantt chart in Mermaid, which GitHub, Obsidian and many editors draw. Pure, the same forecast as the same bytes."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, time, timedelta

from autobuilds.domain.build import Ledger
from autobuilds.domain.lengths import Lengths
from autobuilds.domain.moment import Moment, Resources, Snapshot
from autobuilds.domain.times import at_clock, elapsed, format_when, local_day, reached
from autobuilds.planning.forecast import forecast
from autobuilds.planning.nights import Nightly
from autobuilds.planning.timeline import Forecast, Slot
from autobuilds.records import replace

#: So many builds are drawn, those that start first; more can't be told apart.
MOST = 100
_DAY, _HOUR, _MINUTE = timedelta(days=1), timedelta(hours=1), timedelta(minutes=1)


def gantt(found: Forecast, start: datetime, end: datetime) -> str:
    """Return the builds of a forecast that meet [start, end), a section a slot; the times are local, bars end with the chart."""
    lines = ["gantt", "    dateFormat YYYY-MM-DD HH:mm", "    axisFormat %a %H:%M", f"    title {_title(start)} to {_title(end)}"]
    meeting = [s for s in found.slots if not reached(s.end, start) and not reached(end, s.start)]
    shown = meeting[:MOST]
    for number in sorted({s.slot for s in shown}):
        lines += [f"    section Slot {number}", *_bars(shown, number, start, end)]
    if not shown:
        # Without a bar Mermaid draws nothing at all; one of no length marks the beginning.
        lines += ["    section Slot 1", f"    0 nothing starts by itself :milestone, {format_when(start)}, 0m"]
    if len(meeting) > MOST:
        lines.append(f"    %% {len(meeting) - MOST} more are left out")
    return "\n".join(lines) + "\n"


def _bars(shown: Sequence[Slot], number: int, start: datetime, end: datetime) -> Iterator[str]:
    """Yield the builds of a slot; a number stands before each label, which may be one of Mermaid's own words."""
    for position, slot in enumerate(shown, 1):
        if slot.slot == number:
            begins = start if reached(slot.start, start) else slot.start
            ends = end if reached(end, slot.end) else slot.end
            tag = "crit, " if slot.overdue else "active, " if slot.running else ""
            # Where the clocks are set back the end may seem to come first, so that the length has to say it.
            told = format_when(ends) if format_when(ends) > format_when(begins) else f"{max(round(elapsed(begins, ends) / _MINUTE), 1)}m"
            yield f"    {position} {slot.label} :{tag}{format_when(begins)}, {told}"


def _title(when: datetime) -> str:
    return f"{when:%Y-%m-%d %H.%M}"


def page_chart(snapshot: Snapshot, moment: Moment, *, lengths: Lengths, nightly: Nightly | None) -> str:
    """Return the chart of BUILD_STATUS.md, from the midnight before to the second one after.

    The same files give the same bytes all day, as long as nothing can start at once: what can is drawn as starting with the hour or with
    the newest entry of the ledger. Memory and load, which come and go, are left out.
    """
    zone = moment.now.tzinfo
    assert zone is not None, "a moment is always aware"
    today = local_day(moment.now)
    start, end = at_clock(today, time(), zone), at_clock(today + 2 * _DAY, time(), zone)
    settled = replace(moment, now=_anchor(snapshot.ledger, moment.now), resources=Resources(disk_percent=moment.resources.disk_percent))
    hours = -(-elapsed(settled.now, end) // _HOUR)
    return gantt(forecast(snapshot, settled, hours, lengths=lengths, nightly=nightly), start, end)


def _anchor(ledger: Ledger, now: datetime) -> datetime:
    """Return the full hour before `now`, or the newest entry of the ledger where that is later."""
    utc = now.astimezone(UTC)
    hour = utc.replace(minute=0, second=0, microsecond=0)
    return max((t for t in (hour, *_entries(ledger)) if t <= utc), default=hour).astimezone(now.tzinfo)


def _entries(ledger: Ledger) -> Iterator[datetime]:
    """Yield when something was recorded, in UTC."""
    for build in ledger.builds:
        yield build.updated.astimezone(UTC)
    if ledger.pause is not None:
        yield ledger.pause.since.astimezone(UTC)
    day = ledger.day
    if day is not None:
        moments = (day.since, day.word.since if day.word is not None else None, day.night.started if day.night is not None else None)
        yield from (moment.astimezone(UTC) for moment in moments if moment is not None)
