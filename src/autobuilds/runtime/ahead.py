"""Looking ahead: the forecast on the workspace's own files and history, for `plan`, `schedule` and the chart of BUILD_STATUS.md."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

from autobuilds.domain.gates.machine import choose_agent
from autobuilds.domain.lengths import Length, Lengths, learn
from autobuilds.domain.times import after
from autobuilds.errors import CorruptLedger, FatalQueue
from autobuilds.planning.forecast import forecast, nightly_of
from autobuilds.planning.timeline import Forecast, Reach
from autobuilds.records import dataclass, replace
from autobuilds.runtime.observe import CALENDAR_AFTER, CALENDAR_BEFORE, observe

if TYPE_CHECKING:
    from autobuilds.domain.build import Build
    from autobuilds.domain.model import Task
    from autobuilds.domain.moment import Moment, Snapshot
    from autobuilds.runtime.context import Context
    from autobuilds.store.workspace import Loaded


@dataclass(frozen=True, slots=True, kw_only=True)
class Ahead:
    """What is forecast, on which files and what history it rests, and in words what could not be taken into account."""

    forecast: Forecast
    reach: tuple[Reach, ...]
    snapshot: Snapshot
    moment: Moment
    lengths: Lengths
    notes: tuple[str, ...] = ()


def look_ahead(context: Context, hours: int, *, reviewed: bool = False, granting: bool = False) -> Ahead:
    """Return what the coming hours hold, and with `granting` what words of the owner's would add; raises FatalQueue.

    Nothing is changed.
    """
    loaded = context.load()
    _readable(loaded)
    snapshot = loaded.snapshot
    moment = _further(context, loaded, observe(context, loaded), hours)
    builds, notes = all_builds(context, loaded)
    lengths = learn(builds, snapshot.queue.tasks)
    nightly = nightly_of(loaded.config.duties)
    found = forecast(snapshot, moment, hours, lengths=lengths, nightly=nightly, reviewed=reviewed)
    words: tuple[Reach, ...] = ()
    if granting:
        from autobuilds.planning.reach import reach

        words = reach(found, snapshot, moment, lengths=lengths, nightly=nightly, reviewed=reviewed)
    if moment.calendar_fault is not None:
        notes += (f"the calendar is left out: {moment.calendar_fault}",)
    return Ahead(forecast=found, reach=words, snapshot=snapshot, moment=moment, lengths=lengths, notes=notes)


def _further(context: Context, loaded: Loaded, moment: Moment, hours: int) -> Moment:
    """Return the moment with as much of the owner's calendar as so many hours take; a look alone asks for a week and a day."""
    now, ahead = moment.now, timedelta(hours=hours)
    if not loaded.settings.calendar or ahead <= CALENDAR_AFTER:
        return moment
    zone = now.tzinfo
    assert zone is not None, "a moment is always aware"
    calendar = context.calendar.busy(loaded.settings.calendar, after(now, -CALENDAR_BEFORE), after(now, ahead), zone)
    return replace(moment, busy=calendar.busy, calendar_fault="; ".join(calendar.faults) or None)


def all_builds(context: Context, loaded: Loaded) -> tuple[tuple[Build, ...], tuple[str, ...]]:
    """Return the builds of the archives and of the ledger, the oldest first, and in words what of that can't be read."""
    from autobuilds.store.ledger import read_archive
    from autobuilds.store.workspace import LEDGER

    try:
        return (*read_archive(context.workspace.path(LEDGER).parent), *loaded.snapshot.ledger.builds), ()
    except (CorruptLedger, OSError) as unreadable:
        return loaded.snapshot.ledger.builds, (f"older builds are left out: {unreadable}",)


def chart_of(context: Context, loaded: Loaded, moment: Moment) -> str:
    """Return the chart of BUILD_STATUS.md: today and tomorrow as they look now."""
    from autobuilds.runtime.chart import page_chart

    builds, _ = all_builds(context, loaded)
    lengths = learn(builds, loaded.snapshot.queue.tasks)
    return page_chart(loaded.snapshot, moment, lengths=lengths, nightly=nightly_of(loaded.config.duties))


@dataclass(frozen=True, slots=True, kw_only=True)
class Seen:
    """The files, the history and what it teaches of lengths, without a look at gates."""

    snapshot: Snapshot
    builds: tuple[Build, ...]
    lengths: Lengths
    moment: Moment
    notes: tuple[str, ...]

    def length(self, task: Task) -> Length:
        """Return how long a build of a task is expected to take by the agent that would build it."""
        chosen = choose_agent(task, self.snapshot.settings, self.moment.agents)
        return self.lengths.of(task, chosen.name if chosen is not None else "")


def look_at_queue(context: Context, *, fatal: bool = True) -> Seen:
    """Return the files and the history; raises FatalQueue, unless without `fatal` a queue that can't be read counts as an empty one."""
    loaded = context.load()
    if fatal:
        _readable(loaded)
    builds, notes = all_builds(context, loaded)
    return Seen(
        snapshot=loaded.snapshot,
        builds=builds,
        lengths=learn(builds, loaded.snapshot.queue.tasks),
        moment=observe(context, loaded, probing=False),
        notes=notes,
    )


def _readable(loaded: Loaded) -> None:
    if loaded.snapshot.queue.fatal:
        from autobuilds.runtime.owner import fatal_message

        raise FatalQueue(fatal_message(loaded.snapshot.queue))
