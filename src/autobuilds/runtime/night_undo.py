"""Taking a whole night back: its merges in one commit, its builds to not built, its trash to where it was. What is the owner's stays."""

from __future__ import annotations

import shutil
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

from autobuilds.domain.build import TAKEN_BACK, Build, BuildState, Outcome
from autobuilds.domain.day import Night
from autobuilds.domain.lifecycle import Event, legal, move, new_tries
from autobuilds.domain.night import find, unfinished, with_night
from autobuilds.domain.times import format_when, reached
from autobuilds.errors import AutobuildsError, FatalQueue, NotSo, Refused
from autobuilds.records import dataclass, replace
from autobuilds.runtime import night_report, night_snapshot
from autobuilds.runtime.merging import scratch_for
from autobuilds.runtime.night import chosen, close
from autobuilds.runtime.night_view import belongs
from autobuilds.runtime.owner import end_attempt, fatal_message
from autobuilds.runtime.record import Recorder, holding
from autobuilds.runtime.settling import keep_work
from autobuilds.store.queue.operations import Reopen
from autobuilds.store.queue.reader import read_queue
from autobuilds.store.workspace import QUEUE

if TYPE_CHECKING:
    from autobuilds.domain.build import Ledger
    from autobuilds.domain.model import Queue
    from autobuilds.ports import CheckedMerge, Repo
    from autobuilds.runtime.context import Context

#: States from which the owner's own words brought a build where it is: it stays.
_UNDONE_BY_YOU = "undone by you"


@dataclass(frozen=True, slots=True, kw_only=True)
class Merge:
    """A merge of the night: of which build, the commit, where it went."""

    label: str
    commit: str
    branch: str
    repository: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Undoing:
    """What is taken back with a night, or was."""

    night: Night
    merges: tuple[Merge, ...] = ()
    #: Labels of the builds that are not built any more, those with merges among them.
    held: tuple[str, ...] = ()
    #: Labels of those that still run, and are stopped.
    running: tuple[str, ...] = ()
    #: (label, why) of builds of the night that stay as they are.
    kept: tuple[tuple[str, str], ...] = ()
    #: What was put back from the trash, and what could not be, in words.
    restored: tuple[str, ...] = ()
    #: Files of the evening's archive that are gone and in no commit.
    gone: tuple[str, ...] = ()
    faults: tuple[str, ...] = ()
    #: Why it would be refused as things stand, where that was tried out.
    obstacle: str | None = None


def plan(context: Context, name: str | None = None) -> Undoing:
    """Return what taking a night back would do, and change nothing; raises NotSo where there is no such night, or it was taken back."""
    loaded = context.load()
    night = chosen(loaded.snapshot, name)
    if night.undone is not None:
        raise NotSo(f"the night {night.id} was taken back already, on {format_when(night.undone)}")
    found = _of_night(night, loaded.snapshot.ledger, context.now(loaded.zone))
    return replace(found, gone=night_snapshot.gone(context, night))


def tried(context: Context, planned: Undoing) -> Undoing:
    """Return a plan with what would keep its merges from being taken back now; they are tried in scratch clones, and nothing is changed."""
    try:
        for _, _, made in _reverted(context, planned, "look"):
            shutil.rmtree(made.scratch, ignore_errors=True)
    except Refused as held:
        return replace(planned, obstacle=str(held))
    return planned


def undo(context: Context, name: str | None = None) -> Undoing:
    """Take a night back and return what was done; a session that is on is ended before, and what runs of it is stopped.

    Raises Refused, with nothing changed, where what came after changed the same lines or uncommitted work is in the way.
    """
    from autobuilds.runtime.pages import refresh

    planned = plan(context, name)
    with holding(context, "overnight undo") as recorder:
        _check(context, recorder, planned)
        left = unfinished(context.workspace.ledger().day)
        if left is not None and left.id == planned.night.id:
            close(context, recorder)
    for label in planned.running:
        end_attempt(context, label, Outcome.STOPPED, f"stopped with the night {planned.night.id}, which you took back")
    with holding(context, "overnight undo") as recorder:
        with recorder.transaction("overnight undo", hold=True):
            done = _undo(context, recorder, planned)
        refresh(context, recorder)
    return replace(done, faults=(*done.faults, *recorder.faults))


def _of_night(night: Night, ledger: Ledger, now: datetime) -> Undoing:
    """Return what of the ledger came of a night: to be taken back, and to be left alone."""
    end = night.ended or now
    merges, held, running, kept = list[Merge](), list[str](), list[str](), list[tuple[str, str]]()
    newest = {build.label: build for build in ledger.builds}
    for build in newest.values():
        last = build.last
        if last is None or not belongs(last, night, end):
            continue
        why = _stays(build)
        if last.is_open and not reached(night.started, last.started):
            why = "it began before the night, and still runs"
        if why is not None:
            kept.append((build.label, why))
            continue
        if last.is_open:
            running.append(build.label)
        held.append(build.label)
        if build.delivered_commit is not None and build.delivered_branch is not None:
            merges.append(
                Merge(label=build.label, commit=build.delivered_commit, branch=build.delivered_branch, repository=last.repository)
            )
        if last.pull_request is not None:
            kept.append((build.label, f"its pull request stays open: {last.pull_request}"))
    return Undoing(night=night, merges=tuple(merges), held=tuple(held), running=tuple(running), kept=tuple(kept))


def _stays(build: Build) -> str | None:
    """Return why a build of the night is left alone, or None: what the owner said of it counts more."""
    if build.state is BuildState.COMPLETED and build.reviewed is not None:
        return f"you accepted it on {format_when(build.reviewed)}; autobuilds undo {build.label} takes it back"
    if build.state is BuildState.COMPLETED and build.reason is not None:
        return f"{build.reason}"
    if build.state is BuildState.CANCELLED:
        return build.reason or "cancelled"
    if build.state is BuildState.ESCALATED and build.reason == _UNDONE_BY_YOU:
        return _UNDONE_BY_YOU
    return None


def _check(context: Context, recorder: Recorder, planned: Undoing) -> None:
    """Raise what would keep the merges from being taken back, before anything is ended or stopped."""
    queue = context.load().snapshot.queue
    if queue.fatal:
        raise FatalQueue(fatal_message(queue))
    with recorder.transaction("overnight undo"):
        for _, _, tried in _reverted(context, planned):
            shutil.rmtree(tried.scratch, ignore_errors=True)


def _undo(context: Context, recorder: Recorder, planned: Undoing) -> Undoing:
    ledger, now = context.workspace.ledger(), recorder.now
    night = find(ledger.day, planned.night.id)
    if ledger.day is None or night is None or night.undone is not None:
        raise NotSo(f"the night {planned.night.id} was taken back by somebody else meanwhile")
    found = _of_night(night, ledger, now)
    queue = context.load().snapshot.queue
    if queue.fatal:
        raise FatalQueue(fatal_message(queue))
    missing = _missing(context, found)
    for repo, branch, reverted in _reverted(context, found):
        repo.deliver(reverted, branch)
        shutil.rmtree(reverted.scratch, ignore_errors=True)
    restored = _restore(context, now, night)
    reason = f"{TAKEN_BACK}{night.id}"
    for label in found.held:
        build = ledger.find(label)
        if build is not None and legal(build, Event.UNDONE):
            moved = _not_built(context, build, reason, now)
            recorder.note(Event.UNDONE, label, f"{reason}: not built, waits for you", record=moved)
            ledger = ledger.with_build(moved)
    faults = [f"{m.label}: its merge {m.commit[:12]} is not in {m.branch} any more; what stands there of it is left alone" for m in missing]
    faults += _reopen(context, recorder, night, queue, found.held)
    found = replace(found, merges=tuple(m for m in found.merges if m not in missing))
    final = replace(night, undone=now)
    assert ledger.day is not None, "a night was found in it"
    day = with_night(ledger.day, final)
    ledger = replace(ledger, day=day)
    made = night_report.make(context, final, ledger, now)
    said = f"the night {night.id} was taken back: {len(found.merges)} merged, {len(found.held)} in all"
    recorder.note("night-undone", "", said, day=day, paths=[name for name, _ in made.files])
    for name, text in made.files:
        context.workspace.publish(name, text)
    recorder.put(ledger)
    return replace(found, night=final, gone=planned.gone, running=planned.running, restored=restored, faults=tuple(faults))


def _not_built(context: Context, build: Build, reason: str, now: datetime) -> Build:
    """Return a build that is held until the owner says `retry`; its work stays on a branch of its own."""
    before = f" (before: {build.reason})" if build.state is BuildState.ESCALATED and build.reason else ""
    said = f"{reason}{before}; autobuilds retry {build.label} builds it again"
    attempt = build.last
    if attempt is not None and build.state is BuildState.REVIEW:
        branch, notes = keep_work(context, attempt, passed=False)
        attempt = replace(attempt, branch=branch or attempt.branch, notes=(*attempt.notes, *notes))
    moved = move(build, Event.UNDONE, now, reason=said, attempt=attempt)
    return replace(new_tries(moved), delivered_commit=None, delivered_branch=None, feedback=None)


def _reverted(context: Context, found: Undoing, place: str = "night") -> list[tuple[Repo, str, CheckedMerge]]:
    """Return for each branch one commit that takes the night's merges back, tried out and not yet delivered.

    Raises Refused where one of them can't be made or delivered; none is delivered then.
    """
    ready: list[tuple[Repo, str, CheckedMerge]] = []
    for number, (repository, branch) in enumerate(dict.fromkeys((merge.repository, merge.branch) for merge in found.merges)):
        repo = context.open_repo(Path(repository))
        merges = _newest_first(repo, branch, found.night, [m for m in found.merges if (m.repository, m.branch) == (repository, branch)])
        if not merges:
            continue
        labels = ", ".join(merge.label for merge in merges)
        message = f"Undo the night of {found.night.id}\n\nThis takes back {labels}.\n\nEvent: night-undone\nNight: {found.night.id}\n"
        scratch = scratch_for(context, f"{place}-{found.night.id}-{number}")
        reverted = repo.revert_all(branch, [merge.commit for merge in merges], scratch, message)
        if reverted.commit is None:
            shutil.rmtree(scratch, ignore_errors=True)
            raise Refused(
                f"what came after the night changed the same lines of {branch} ({', '.join(reverted.conflicts[:5])}). Nothing was changed; "
                f"`autobuilds undo LABEL` takes one build back ({labels}), or revert them by hand"
            )
        try:
            repo.check_delivery(reverted, branch)
        except Refused as held:
            shutil.rmtree(scratch, ignore_errors=True)
            raise Refused(f"{str(held).replace('then accept again', 'then say overnight undo again')}. Nothing was changed") from held
        ready.append((repo, branch, reverted))
    return ready


def _newest_first(repo: Repo, branch: str, night: Night, merges: list[Merge]) -> list[Merge]:
    """Return those merges that stand in a branch, the newest first; none where an undo that was killed has taken them back already."""
    tip = repo.resolve(f"refs/heads/{branch}")
    if tip is None:
        raise Refused(f"there is no branch {branch} in {repo.root} any more; nothing of it can be taken back, and nothing was changed")
    line = repo.mainline(tip, limit=10_000)
    order = {commit.sha: number for number, commit in enumerate(line)}
    there = sorted((m for m in merges if repo.contains(branch, m.commit)), key=lambda m: -order.get(m.commit, -1))
    first = min((order.get(m.commit, 0) for m in there), default=0)
    wanted = {"Event": "night-undone", "Night": night.id}.items()
    return [] if any(wanted <= commit.trailers.items() for commit in line[first:]) else there


def _missing(context: Context, found: Undoing) -> tuple[Merge, ...]:
    """Return the merges that the owner has taken out of their branch since, by a rebase or a reset."""
    return tuple(m for m in found.merges if not context.open_repo(Path(m.repository)).contains(m.branch, m.commit))


def _reopen(context: Context, recorder: Recorder, night: Night, queue: Queue, labels: tuple[str, ...]) -> list[str]:
    """Put the entries of builds back into Active Queue, each before the one that it stood before in the evening; return what went wrong."""
    faults = []
    order = _evening(context, recorder, night)
    active = {task.label for task in queue.active}
    wanted = [label for label in labels if label not in active and queue.find(label) is not None]
    for label in sorted(wanted, key=lambda one: -order.index(one) if one in order else -len(order)):
        below = order[order.index(label) + 1 :] if label in order else []
        try:
            recorder.edit(Reopen(label=label, before=next((one for one in below if one in active), None)))
            active.add(label)
        except FatalQueue:
            raise
        except AutobuildsError as refused:
            faults.append(f"{label}: its entry could not be put back into Active Queue: {refused}")
    return faults


def _evening(context: Context, recorder: Recorder, night: Night) -> list[str]:
    """Return the labels of Active Queue in the evening, in their order; none where that can't be told."""
    path = context.workspace.tracked(QUEUE)
    try:
        data = context.repo.read(night.commit, path) if night.commit and path else None
    except AutobuildsError:
        return []
    return [task.label for task in read_queue(data, zone=recorder.zone).queue.active] if data else []


def _restore(context: Context, now: datetime, night: Night) -> tuple[str, ...]:
    """Put back what the night's health phase moved to the trash; return in words what came of it."""
    if not night.fixed:
        return ()
    from autobuilds.runtime import house

    until = max((phase.at for phase in night.phases if phase.name == "health"), default=night.ended or night.ends)
    found: list[str] = []
    for day in dict.fromkeys((night.started.date(), until.date())):
        try:
            _, back = house.restore(context, now, day, (night.started, until))
            found += [f"{one.path}: {one.said}" for one in back]
        except AutobuildsError as fault:
            found.append(f"the trash of {day.isoformat()} could not be put back: {fault}")
    return tuple(found)
