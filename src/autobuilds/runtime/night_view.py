"""The report of one night as values, from the ledger alone: what was spawned and what came of it, to the second. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from autobuilds.domain.build import TAKEN_BACK, Attempt, Build, Evidence, Outcome
from autobuilds.domain.day import Night, Phase
from autobuilds.domain.times import elapsed, reached
from autobuilds.policies.overnight_runner import throttled_seconds
from autobuilds.records import dataclass
from autobuilds.runtime.view_values import count

if TYPE_CHECKING:
    from autobuilds.domain.build import Ledger

COMPLETED, FAILED, IN_PROGRESS = "completed", "failed", "in-progress"


@dataclass(frozen=True, slots=True, kw_only=True)
class Attempted:
    """One attempt that ran in a night; `came` is `completed`, `failed` or `in-progress` at the night's end."""

    label: str
    name: str
    number: int
    agent: str
    started: datetime
    ended: datetime | None
    #: Real time in seconds, to the end of the night for what still ran then.
    seconds: int
    #: The same in minutes, rounded so that the rows add up to the total of their kind.
    minutes: int
    came: str
    #: Begun before the night.
    carried: bool = False
    #: `verified` or `claimed`, for what was completed.
    proof: str | None = None
    checks_passed: int = 0
    checks_total: int = 0
    files_changed: int | None = None
    lines_added: int | None = None
    lines_removed: int | None = None
    outcome: str | None = None
    reason: str | None = None
    branch: str | None = None
    #: The commit and the branch that it was merged as and into.
    delivered: str | None = None
    delivered_to: str | None = None
    #: The owner took it back with the night.
    taken_back: bool = False
    log: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class NightView:
    """One night in figures; spawned and carried together are completed, failed and in progress together."""

    id: str
    on: bool
    started: datetime
    ends: datetime
    ended: datetime | None
    undone: datetime | None
    #: Real time from the start to the end, or to now while it is on.
    minutes: int
    spawned: int
    carried: int
    completed: int
    verified: int
    claimed: int
    failed: int
    in_progress: int
    problems_found: int
    problems_fixed: int
    throttled_minutes: int
    #: Since when nothing new starts in it for want of means; None while that is not so.
    throttled_since: datetime | None
    #: What the attempts took that were completed.
    shipped_seconds: int
    shipped_minutes: int
    shipped_hours: float
    headline: str
    phases: tuple[Phase, ...]
    attempts: tuple[Attempted, ...]
    commit: str | None = None
    tag: str | None = None
    archive: str | None = None


def night_view(night: Night, ledger: Ledger, now: datetime, archived: Iterable[Build] = ()) -> NightView:
    """Return the report of a night as of `now`; `archived` are builds that the ledger holds no more."""
    on = night.ended is None and not reached(night.ends, now)
    end = night.ended or (now if on else night.ends)
    rows = _rows((*archived, *ledger.builds), night, end)
    done = [row for row in rows if row.came == COMPLETED]
    came = [row.came for row in rows]
    shipped = sum(row.seconds for row in done)
    verified = sum(row.proof == "verified" for row in done)
    spawned = sum(not row.carried for row in rows)
    return NightView(
        id=night.id,
        on=on,
        started=night.started,
        ends=night.ends,
        ended=night.ended,
        undone=night.undone,
        minutes=_minutes(_seconds(night.started, end)),
        spawned=spawned,
        carried=len(rows) - spawned,
        completed=len(done),
        verified=verified,
        claimed=len(done) - verified,
        failed=came.count(FAILED),
        in_progress=came.count(IN_PROGRESS),
        problems_found=night.found,
        problems_fixed=night.fixed,
        throttled_minutes=_minutes(throttled_seconds(night, end)),
        throttled_since=night.throttled if on else None,
        shipped_seconds=shipped,
        shipped_minutes=_minutes(shipped),
        shipped_hours=round(shipped / 3600, 2),
        headline=headline(night, len(done), verified, came.count(FAILED), came.count(IN_PROGRESS), on=on),
        phases=night.phases,
        attempts=rows,
        commit=night.commit,
        tag=night.tag,
        archive=night.archive,
    )


def headline(night: Night, done: int, verified: int, failed: int, going: int, *, on: bool) -> str:
    """Return one sentence that hides nothing."""
    if not (done or failed or going):
        sentence = "nothing has run so far" if on else "nothing ran"
    else:
        parts = [f"{count(done, 'build')} completed" + (f" ({verified} verified, {done - verified} by claim only)" if done else "")]
        parts += [f"{count(failed, 'attempt')} failed"] if failed else []
        parts += [f"{count(going, 'build')} still {'runs' if going == 1 else 'run'}"] if going else []
        sentence = ", ".join(parts)
    if night.undone is not None:
        sentence += "; the night was taken back"
    return sentence[0].upper() + sentence[1:] + "."


def tally(view: NightView) -> str:
    """Return the figures of a night's builds in one line, for its phase."""
    parts = [f"{view.spawned} spawned", f"{view.completed} completed", f"{view.failed} failed", f"{view.in_progress} in progress"]
    return ", ".join(parts)


def belongs(attempt: Attempt, night: Night, end: datetime) -> bool:
    """Whether an attempt ran at any time of a night that ends at `end`; one that never began did not.

    What began at its very end belongs to the day, unless the clock stood still all night (AUTOBUILDS_NOW).
    """
    if attempt.outcome is Outcome.NOT_STARTED or (
        reached(end, attempt.started) and not (_at_once(end, night.started) and _at_once(attempt.started, end))
    ):
        return False
    # What began in the night's first second may have ended in it too.
    return attempt.ended is None or reached(night.started, attempt.started) or not reached(attempt.ended, night.started)


def _at_once(one: datetime, other: datetime) -> bool:
    """Whether two moments are the same; Python says no of equal ones in the hour that clocks show twice, in two zones."""
    return one.timestamp() == other.timestamp()


def _rows(builds: Iterable[Build], night: Night, end: datetime) -> tuple[Attempted, ...]:
    found = [(b, a) for b in builds for a in b.attempts if belongs(a, night, end)]
    found.sort(key=lambda pair: (pair[1].started.astimezone(UTC), pair[0].label, pair[1].number))
    whole = dict[str, int]()
    rows: list[Attempted] = []
    for build, attempt in found:
        came = _came(attempt, end)
        seconds = _seconds(attempt.started, end if came == IN_PROGRESS or attempt.ended is None else attempt.ended)
        before = whole.get(came, 0)
        whole[came] = before + seconds
        rows.append(_row(build, attempt, night, came, seconds, _minutes(whole[came]) - _minutes(before)))
    return tuple(rows)


def _came(attempt: Attempt, end: datetime) -> str:
    """Return what had come of an attempt at the end; one that was lost was found to be so only later."""
    if attempt.outcome is Outcome.LOST:
        return FAILED
    if attempt.ended is None or not reached(attempt.ended, end):
        return IN_PROGRESS
    return COMPLETED if attempt.outcome is Outcome.PASSED else FAILED


def _row(build: Build, attempt: Attempt, night: Night, came: str, seconds: int, minutes: int) -> Attempted:
    ran = [c for c in attempt.checks if c.command]
    checks = [c for c in ran if c.merged] or ran
    claimed = attempt.evidence in {None, Evidence.CLAIMED}
    merged = build.delivered_commit is not None and build.last == attempt
    return Attempted(
        label=build.label,
        name=build.name,
        number=attempt.number,
        agent=attempt.agent,
        started=attempt.started,
        ended=None if came == IN_PROGRESS else attempt.ended,
        seconds=seconds,
        minutes=minutes,
        came=came,
        carried=not reached(night.started, attempt.started),
        proof=("claimed" if claimed else "verified") if came == COMPLETED else None,
        checks_passed=sum(c.passed for c in checks),
        checks_total=len(checks),
        files_changed=attempt.files_changed if came == COMPLETED else None,
        lines_added=attempt.lines_added if came == COMPLETED else None,
        lines_removed=attempt.lines_removed if came == COMPLETED else None,
        outcome=attempt.outcome.value if attempt.outcome is not None and came != IN_PROGRESS else None,
        reason=attempt.reason if came == FAILED else None,
        branch=attempt.branch,
        delivered=build.delivered_commit if merged else None,
        delivered_to=build.delivered_branch if merged else None,
        taken_back=build.last == attempt and (build.reason or "").startswith(TAKEN_BACK),
        log=attempt.log,
    )


def _seconds(start: datetime, end: datetime) -> int:
    return max(0, round(elapsed(start, end).total_seconds()))


def _minutes(seconds: int) -> int:
    return (seconds + 30) // 60


def of_kind(view: NightView, came: str) -> Sequence[Attempted]:
    """Return the attempts of which this came."""
    return [row for row in view.attempts if row.came == came]
