"""Projects for the weekend: what is proposed from queue, calendar and history; what the owner was shown is kept."""

from __future__ import annotations

from datetime import datetime, timedelta

from autobuilds.domain.approval import fingerprint
from autobuilds.domain.build import BuildState
from autobuilds.domain.day import Day, Weekend
from autobuilds.domain.model import Task
from autobuilds.domain.moment import Snapshot
from autobuilds.domain.situation import is_earlier_life
from autobuilds.domain.spelling import did_you_mean, quoted
from autobuilds.domain.weekend import FreeTime, Proposal, Record, free_time, weekend_window
from autobuilds.errors import BadInput, CorruptLedger, FatalQueue, NotSo
from autobuilds.planning.judging import clarity_of, risk_of
from autobuilds.policies.weekend_history import record_of
from autobuilds.policies.weekend_milestones import Judges
from autobuilds.policies.weekend_planner import Plan, propose
from autobuilds.records import dataclass
from autobuilds.runtime.context import Context
from autobuilds.store.ledger import read_archive
from autobuilds.store.queue.ideas import Idea, read_ideas
from autobuilds.store.weekend_file import Suggested, keep_suggested, read_suggested
from autobuilds.store.workspace import LEDGER, PRIVATE, REPORTS, Loaded

#: Builds of these states are no business of a plan: they run, or wait for the owner.
_TAKEN = frozenset({BuildState.BUILDING, BuildState.RETRYING, BuildState.ESCALATED, BuildState.REVIEW, BuildState.CANCELLED})


@dataclass(frozen=True, slots=True, kw_only=True)
class Suggestion:
    """What is proposed, the ideas that are no tasks yet, the project chosen already, and what is to be told beside it."""

    at: datetime
    plan: Plan
    ideas: tuple[Idea, ...]
    chosen: Weekend | None
    record: Record
    notes: tuple[str, ...] = ()


def suggest(context: Context) -> Suggestion:
    """Return what is proposed for the weekend that is now or comes next, and keep the proposals for `start`; the queue stays as it is.

    Raises FatalQueue where the queue can't be trusted, StorageFailure where they can't be kept.
    """
    loaded = context.load()
    queue = loaded.snapshot.queue
    if queue.fatal:
        raise FatalQueue("; ".join(str(p) for p in queue.problems) or "the queue can't be read")
    free, notes = free_hours(context, loaded)
    record, odd = _record(context, loaded)
    window = weekend_window(loaded.settings.windows)
    policy = loaded.snapshot.policy
    judges = Judges(clarity=lambda t: clarity_of(t, policy), risk=lambda t: risk_of(t, policy), fingerprint=fingerprint)
    chosen = chosen_for(loaded.snapshot.ledger.day, free.id)
    own = {milestone.label for milestone in chosen.milestones} if chosen is not None else set()
    plan = propose([t for t in open_tasks(loaded.snapshot) if t.label not in own], free, window, record, judges)
    keep_suggested(context.workspace.private, free.id, plan.proposals)
    return Suggestion(
        at=context.now(loaded.zone),
        plan=plan,
        ideas=read_ideas(loaded.document),
        chosen=chosen,
        record=record,
        notes=(*notes, *odd),
    )


def free_hours(context: Context, loaded: Loaded) -> tuple[FreeTime, tuple[str, ...]]:
    """Return what is free of the weekend, and what of the calendars could not be told."""
    settings, now = loaded.settings, context.now(loaded.zone)
    day = loaded.snapshot.ledger.day or Day()
    window = weekend_window(settings.windows)
    bare = free_time(now, window, day.word, (), settings.contexts)
    if not settings.calendar:
        return bare, ()
    said = context.calendar.busy(settings.calendar, now, bare.ends + timedelta(hours=1), loaded.zone)
    return free_time(now, window, day.word, said.busy, settings.contexts), (*said.faults, *said.notes)


def _record(context: Context, loaded: Loaded) -> tuple[Record, tuple[str, ...]]:
    folder = context.workspace.path(LEDGER).parent
    span, now = weekend_window(loaded.settings.windows).span, context.now(loaded.zone)
    estimates = {t.label: t.estimate.max_minutes for t in loaded.snapshot.queue.tasks if t.estimate is not None}
    builds = loaded.snapshot.ledger.builds
    try:
        archived = read_archive(folder)
    except (CorruptLedger, OSError) as fault:
        return record_of(builds, span, now, estimates), (f"the archive is left out: {fault}",)
    return record_of((*archived, *builds), span, now, estimates), ()


def open_tasks(snapshot: Snapshot) -> list[Task]:
    """Return the tasks of Active Queue that can be read and that no build has taken up."""
    return [t for t in snapshot.queue.active if not t.checked and not t.problems_hold and not _taken(t, snapshot)]


def _taken(task: Task, snapshot: Snapshot) -> bool:
    build = snapshot.ledger.find(task.label)
    return build is not None and build.state in _TAKEN and not is_earlier_life(build, task)


def chosen_for(day: Day | None, weekend: str) -> Weekend | None:
    """Return the project that was chosen for a weekend (the date of its first day)."""
    return next((w for w in reversed(day.weekends) if w.id == weekend), None) if day is not None else None


def shown(context: Context, wanted: str | None) -> Proposal:
    """Return the proposal that the owner means: by its id, or by its number in the list that he was shown last.

    Raises BadInput for one that was not shown, NotSo where nothing was proposed for this weekend.
    """
    kept = read_suggested(context.workspace.root / PRIVATE)
    loaded = context.load()
    weekend = free_hours(context, loaded)[0].id
    if kept is None or kept.weekend != weekend or not kept.proposals:
        raise NotSo("nothing is proposed for this weekend; autobuilds weekend suggest shows what fits")
    return _meant(kept, wanted)


def _meant(kept: Suggested, wanted: str | None) -> Proposal:
    known = {proposal.id: proposal for proposal in kept.proposals}
    if wanted is None:
        if len(kept.shown) == 1:
            return known[kept.shown[0]]
        raise BadInput(f"say which project: {', '.join(kept.shown)} (autobuilds weekend suggest shows them)")
    if wanted.isdecimal() and 1 <= int(wanted) <= len(kept.shown):
        return known[kept.shown[int(wanted) - 1]]
    if wanted not in known:
        guess = did_you_mean(wanted, list(known))
        raise BadInput(f"there is no proposal {quoted(wanted, 60)}{guess}; autobuilds weekend suggest shows them")
    return known[wanted]


def page_name(weekend: str) -> str:
    """Return where the page of a weekend stands in the workspace."""
    return f"{REPORTS}/weekend-{weekend}.md"


def write_weekend(context: Context, name: str, text: str, said: str) -> bool:
    """Write a page of a weekend into the workspace and commit it; return whether it changed."""
    from autobuilds.runtime.pages import write_page

    return write_page(context, name, text, said, what="weekend", event="weekend-page")
