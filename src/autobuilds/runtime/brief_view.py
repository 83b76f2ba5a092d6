"""The view of the morning brief, from the ledger alone: pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, date, datetime, time, timedelta, tzinfo
from itertools import pairwise

from autobuilds.domain.build import Attempt, Build, BuildState, Evidence, Outcome
from autobuilds.domain.day import Day, Night
from autobuilds.domain.moment import Moment, Snapshot
from autobuilds.domain.night import every
from autobuilds.domain.progress import Progress
from autobuilds.domain.times import at_clock, local_day
from autobuilds.domain.verdicts import Assessment, Verdict
from autobuilds.planning.timeline import Forecast
from autobuilds.policies.overnight_runner import throttled_seconds
from autobuilds.records import dataclass, replace
from autobuilds.runtime.brief_values import Ahead, BriefView, Failed, Shipped, Turn, Underway, Waiting
from autobuilds.runtime.needs_view import done_row, needs_you
from autobuilds.runtime.status_view import building_row, newest
from autobuilds.runtime.view_values import NeedsYou, count

#: When the evening begins from which is told where no overnight session ran, and until when the morning of a past day goes.
EVENING, NOON = time(18), time(12)


@dataclass(frozen=True, slots=True, kw_only=True)
class Sources:
    """What a brief is made of: the files, the moment, the verdicts on waiting tasks, archived builds, progress logs, the forecast (None: none)."""

    snapshot: Snapshot
    moment: Moment
    zone: tzinfo
    assessments: Sequence[Assessment] = ()
    archived: Sequence[Build] = ()
    progress: Mapping[str, Progress]
    forecast: Forecast | None = None
    notes: tuple[str, ...] = ()


def brief_view(sources: Sources, day: date | None = None) -> BriefView:
    """Return the brief of a day's morning (default: today's)."""
    snapshot, now = sources.snapshot, sources.moment.now
    wanted = day or local_day(now)
    past = wanted < local_day(now)
    nights = _nights(snapshot.ledger.day, wanted)
    since = nights[0].started.astimezone(sources.zone) if nights else at_clock(wanted - timedelta(days=1), EVENING, sources.zone)
    until = max((at_clock(wanted, NOON, sources.zone), *(n.ended or n.ends for n in nights)), key=datetime.timestamp) if past else now
    builds = {b.label: b for b in (*sources.archived, *snapshot.ledger.builds)}.values()
    ended = {b.label: [a for a in b.attempts if _within(a.ended, since, until) and a.outcome is not Outcome.NOT_STARTED] for b in builds}
    shipped = tuple(sorted((row for b in builds if (row := _shipped(b, since, until))), key=lambda row: row.finished.timestamp()))
    known = {row.label for row in shipped}
    failed = tuple(_failed(b, ended[b.label]) for b in builds if b.label not in known and _lost(ended[b.label]))
    running = [b for b in newest(snapshot) if b.is_active]
    undone = any(n.undone is not None for n in nights)
    return BriefView(
        day=wanted,
        zone=str(sources.zone),
        since=since,
        until=until.astimezone(sources.zone),
        nights=tuple(n.id for n in nights),
        headline=_headline(shipped, failed, len(running), undone=undone),
        shipped=shipped,
        failed=failed,
        building=tuple(_underway(sources, b) for b in running),
        needs_you=_needs(sources),
        found=sum(n.found for n in nights),
        fixed=sum(n.fixed for n in nights),
        throttled_minutes=sum(_throttled(n, until) for n in nights) // 60,
        context=_context(sources) if not past else None,
        turns=_turns(sources) if not past else (),
        today=_today(sources) if not past else (),
        queue=_waiting(sources, len(running)),
        notes=sources.notes,
        past=past,
    )


def _nights(remembered: Day | None, day: date) -> list[Night]:
    """Return the sessions of the evening before a day, else those of the day itself, the oldest first."""
    nights = sorted(every(remembered), key=lambda night: night.started.timestamp())
    for evening in (day - timedelta(days=1), day):
        found = [night for night in nights if night.id[:10] == evening.isoformat()]
        if found:
            return found
    return []


def _throttled(night: Night, until: datetime) -> int:
    """Return the seconds for which a night started nothing."""
    return throttled_seconds(night, night.ended or min(until, night.ends, key=datetime.timestamp))


def _within(when: datetime | None, since: datetime, until: datetime) -> bool:
    return when is not None and since.astimezone(UTC) <= when.astimezone(UTC) <= until.astimezone(UTC)


def _shipped(build: Build, since: datetime, until: datetime) -> Shipped | None:
    """Return a build whose attempt passed in the time told; the owner's own word that something is done is no news to him."""
    attempt = build.last
    if build.state not in {BuildState.REVIEW, BuildState.COMPLETED} or attempt is None or attempt.outcome is not Outcome.PASSED:
        return None
    if not _within(attempt.ended, since, until):
        return None
    row = done_row(build)
    waits = build.state is BuildState.REVIEW
    then = "waits for your review" if waits else f"merged into {row.delivered}" if row.delivered else "done"
    return Shipped(
        label=build.label,
        name=build.name,
        evidence=row.evidence,
        checks_passed=row.checks_passed,
        checks_total=row.checks_total,
        finished=attempt.ended or build.updated,
        then=f"{then} as {row.pull_request}" if waits and row.pull_request else then,
        command=f"autobuilds review {build.label}" if waits else None,
        files_changed=row.files_changed,
        lines_added=row.lines_added,
        lines_removed=row.lines_removed,
    )


def _lost(ended: Sequence[Attempt]) -> bool:
    """Whether attempts failed, apart from those that the owner stopped or sent back."""
    return any(a.outcome not in {Outcome.PASSED, Outcome.STOPPED, Outcome.REJECTED} for a in ended)


_THEN = {
    BuildState.RETRYING: "will be tried again",
    BuildState.ESCALATED: "handed over to you",
    BuildState.CANCELLED: "cancelled",
    BuildState.COMPLETED: "completed by your word",
    BuildState.REVIEW: "finished since",
    BuildState.BUILDING: "is being tried again",
}


def _failed(build: Build, ended: Sequence[Attempt]) -> Failed:
    last = [a for a in ended if a.outcome is not Outcome.PASSED][-1]
    return Failed(
        label=build.label,
        name=build.name,
        reason=last.reason or (last.outcome.value if last.outcome else "no reason recorded"),
        attempts=len(ended),
        then=_THEN[build.state],
        command=f"autobuilds log {build.label}",
    )


def _headline(shipped: Sequence[Shipped], failed: Sequence[Failed], running: int, *, undone: bool) -> str:
    """Return one sentence that hides nothing."""
    total = len(shipped) + len(failed)
    claimed = sum(row.evidence == Evidence.CLAIMED.value for row in shipped)
    if shipped:
        by_claim = "" if not claimed else " (by claim only)" if claimed == len(shipped) else f" ({claimed} by claim only)"
        sentence = f"{count(len(shipped), 'build')} shipped{by_claim}" + (f", {len(failed)} failed" if failed else "")
    elif failed:
        sentence = f"Nothing shipped: {len(failed)} of {count(total, 'build')} failed"
    elif running:
        sentence = f"Nothing shipped yet: {count(running, 'build')} {'is' if running == 1 else 'are'} still running"
    else:
        sentence = "Nothing ran and nothing shipped"
    return sentence + ("; the night was taken back." if undone else ".")


def _underway(sources: Sources, build: Build) -> Underway:
    row = building_row(sources.snapshot, sources.moment, build, sources.progress.get(build.label))
    slots = sources.forecast.slots if sources.forecast is not None else ()
    learned = next((slot.end for slot in slots if slot.running and slot.label == build.label and not slot.guessed), None)
    ready = row.ready or learned
    late = ready is not None and ready.timestamp() <= sources.moment.now.timestamp()
    return Underway(label=row.label, name=row.name, percent=row.percent, ready=ready, late=late, stalled=row.stalled)


def _needs(sources: Sources) -> tuple[NeedsYou, ...]:
    """Return what only the owner can settle, each with its command; several reviews as one."""
    needs = needs_you(sources.snapshot, sources.assessments, newest(sources.snapshot), sources.progress)
    reviews = [need for need in needs if need.kind == "review"]
    if len(reviews) < 2:
        return needs
    others = tuple(need for need in needs if need.kind != "review")
    said, labels = f"{count(len(reviews), 'build')} wait for your review", tuple(need.label or "" for need in reviews)
    return (*others, replace(reviews[0], label=None, reason=said, command="autobuilds review", details=labels))


def _context(sources: Sources) -> str | None:
    spans = sources.forecast.spans if sources.forecast is not None else ()
    return spans[0].context.value if spans else None


def _turns(sources: Sources) -> tuple[Turn, ...]:
    spans = sources.forecast.spans if sources.forecast is not None else ()
    turns: list[Turn] = []
    for before, after in pairwise(spans):
        if before.context is not after.context and local_day(after.start) == local_day(sources.moment.now):
            turns.append(Turn(at=after.start, context=after.context.value))
    return tuple(turns)


def _today(sources: Sources) -> tuple[Ahead, ...]:
    now = sources.moment.now
    slots = sources.forecast.slots if sources.forecast is not None else ()
    return tuple(
        Ahead(
            label=slot.label,
            name=slot.name,
            start=slot.start,
            end=slot.end,
            soon=slot.start.timestamp() <= now.timestamp(),
            guessed=slot.guessed,
        )
        for slot in slots
        if not slot.running and local_day(slot.start.astimezone(sources.zone)) == local_day(now)
    )


def _waiting(sources: Sources, running: int) -> Waiting:
    verdicts = [found.verdict for found in sources.assessments]
    return Waiting(
        ready=verdicts.count(Verdict.GO),
        held=verdicts.count(Verdict.WAIT),
        asking=verdicts.count(Verdict.ASK),
        building=running,
        review=sum(b.state is BuildState.REVIEW for b in newest(sources.snapshot)),
    )
