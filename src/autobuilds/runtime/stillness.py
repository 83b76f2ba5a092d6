"""Whether a heartbeat found nothing to do, so that nothing but its inputs and the time can change that; and when the time does."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import UTC, datetime, timedelta
from datetime import time as clock
from pathlib import Path
from typing import TYPE_CHECKING

from autobuilds.domain.build import Build, BuildState, Ledger
from autobuilds.domain.day import steered
from autobuilds.domain.duties import next_due
from autobuilds.domain.gates.timing import LATEST_START
from autobuilds.domain.model import Priority
from autobuilds.domain.moment import Moment, Snapshot
from autobuilds.domain.night import unfinished
from autobuilds.domain.situation import Shared
from autobuilds.domain.times import after, at_clock, in_window, local_day, reached, window_closes, window_length, window_opens
from autobuilds.domain.verdicts import Assessment, Verdict
from autobuilds.runtime.standstill import FOLDERS, names
from autobuilds.store.duties import read_last_runs
from autobuilds.store.files.vault import KEPT, KEPT_AT_LEAST, Vault
from autobuilds.store.ledger import KEEP
from autobuilds.store.workspace import PRIVATE, QUEUE

if TYPE_CHECKING:
    from autobuilds.runtime.context import Context
    from autobuilds.runtime.looking import Beat


def still(context: Context, beat: Beat) -> bool:
    """Whether a heartbeat found nothing to do, and nothing of what it found can change but by its inputs and by the time."""
    snapshot, moment = beat.loaded.snapshot, beat.moment
    ledger = snapshot.ledger
    if beat.transitions or beat.duties or beat.faults or beat.changed or beat.pending or ledger.active or context.no_commit:
        return False
    if snapshot.settings.commits not in {"current", "none"} or moment.runs or moment.doubted or moment.agents_fault:
        return False
    if unfinished(ledger.day) is not None:
        return False  # every heartbeat monitors an overnight session
    if any(task.approved and ledger.approval(task.label) is None for task in snapshot.queue.active):
        return False  # whose hand it was, Git's history tells
    measured = moment.resources
    if None in (measured.disk_percent, measured.memory_percent, measured.memory_free_mib, measured.load_per_core):
        return False
    if any(_hangs(found, snapshot, moment) for found in beat.assessments):
        return False
    root = context.workspace.root
    return _nothing_waits(root) and not any(reached(due, moment.now) for due in _duties(root, beat))


def _duties(root: Path, beat: Beat) -> Iterator[datetime]:
    """Yield when each duty is due next, now for one that is due or whose last run is not known."""
    now = beat.moment.now
    runs, lost = read_last_runs(root / PRIVATE) if beat.loaded.config.duties else ({}, None)
    for duty in beat.loaded.config.duties:
        yield next_due(duty.cadence, runs.get(duty.key), now) if lost is None else now


def _hangs(found: Assessment, snapshot: Snapshot, moment: Moment) -> bool:
    """Whether a task could start, or waits for what no file tells: means that may be free at any time, minutes that run out."""
    known = found.sketch  # no text is read of a task that costs nothing to hold
    if known.verdict is Verdict.GO:
        return snapshot.may_start
    held = known.obstacles if any(gate.gate != "agent" for gate in known.obstacles) else found.obstacles
    if any(gate.gate == "resources" for gate in held) or all(gate.gate == "agent" for gate in held):
        return True
    # Its words count the minutes down, but for a Not Before and for a window that the task names.
    return any(gate.gate == "window" and not _names_a_time(found.label, gate.until, snapshot, moment) for gate in held)


def _names_a_time(label: str, until: datetime | None, snapshot: Snapshot, moment: Moment) -> bool:
    task = snapshot.queue.find(label)
    if task is None or task.window is not None:
        return task is not None
    return task.not_before is not None and task.not_before == until and not reached(task.not_before, moment.now)


def _nothing_waits(root: Path) -> bool:
    """Whether no commit waits, and nothing that a killed process left half written is there."""
    if names(root / PRIVATE / "outbox") or names(root / PRIVATE / "scratch"):
        return False
    halves = ((folder, name) for folder in FOLDERS for name in names(root / folder) if name.endswith(".tmp"))
    return not any(name.startswith(".") or folder.endswith(QUEUE) for folder, name in halves)


def dues(context: Context, beat: Beat) -> Iterator[datetime]:
    """Yield every moment from which on something may be otherwise, the past ones left out."""
    now = beat.moment.now
    return (due for due in _moments(context, beat) if due.astimezone(UTC) > now.astimezone(UTC))


def _moments(context: Context, beat: Beat) -> Iterator[datetime]:
    snapshot, now = beat.loaded.snapshot, beat.moment.now
    yield from _of_the_day(snapshot, now)
    yield from _of_the_context(snapshot, beat.moment)
    yield from (gate.until for found in beat.assessments for gate in found.sketch.gates if gate.until is not None)
    yield from (task.not_before for task in snapshot.queue.tasks if task.not_before is not None)
    resets = [*(agent.limited_until for agent in beat.moment.agents), *(row.limited_until for row in beat.view.health.agents)]
    yield from (moment for moment in resets if moment is not None)
    yield from _of_ledger(snapshot.ledger)
    yield from _duties(context.workspace.root, beat)
    yield from (edge for event in beat.moment.busy for edge in (event.start, event.end))
    if snapshot.settings.calendar and (fetched := context.calendar.due(snapshot.settings.calendar, now)) is not None:
        yield fetched
    for held in Vault(context.workspace.root / PRIVATE, QUEUE).all():
        for span in (KEPT_AT_LEAST, KEPT):
            yield datetime.fromtimestamp(held.at / 1e9 + span, UTC)


def _of_the_day(snapshot: Snapshot, now: datetime) -> Iterator[datetime]:
    """Yield the next midnight, and when off-hours begin and end, or become too short for a task."""
    span, zone = snapshot.settings.off_hours, now.tzinfo or UTC
    yield at_clock(local_day(now) + timedelta(days=1), clock(), zone)
    yield window_opens(now, span)
    closes = window_closes(now, span)
    yield closes
    if not in_window(now, span):
        return
    for task in snapshot.queue.active:
        if task.priority is Priority.MEDIUM and task.estimate is not None:
            yield after(closes, -min(timedelta(minutes=task.estimate.max_minutes), window_length(span) - LATEST_START))


def _of_the_context(snapshot: Snapshot, moment: Moment) -> Iterator[datetime]:
    """Yield when the context ends, and when the windows that tasks name open, close, or become too short for them."""
    named = [task for task in snapshot.queue.active if task.window is not None]
    if not steered(snapshot.settings, snapshot.ledger.day, moment.now, [task.window for task in named]):
        return
    from autobuilds.domain.week import span_length

    shared = Shared(snapshot, moment)
    if shared.context.until is not None:
        yield shared.context.until
    for task in named:
        window = shared.window(task.window or "")
        until = shared.opening(window).until if window is not None else None
        if window is None or until is None:
            continue
        yield until
        if task.estimate is not None:
            needed = timedelta(minutes=task.estimate.max_minutes)
            yield from (after(until, -span) for span in {needed, min(needed, span_length(window.span) - LATEST_START)})


def _of_ledger(ledger: Ledger) -> Iterator[datetime]:
    """Yield every time in the ledger, and those at which its entries count for something else."""
    for build in ledger.builds:
        for moment in _of_build(build):
            yield moment
            yield after(moment, -timedelta(days=1))
        if build.state in {BuildState.COMPLETED, BuildState.CANCELLED}:
            yield after(build.updated, KEEP)
    if ledger.pause is not None:
        yield from (moment for moment in (ledger.pause.since, ledger.pause.until) if moment is not None)
    yield from (approval.at for approval in ledger.approvals)


def _of_build(build: Build) -> Iterable[datetime]:
    moments = [build.created, build.updated, build.retry_at, build.reviewed]
    for attempt in build.attempts:
        moments += [attempt.started, attempt.ended, attempt.resets_at]
    return (moment for moment in moments if moment is not None)
