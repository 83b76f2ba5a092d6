"""Keeping the house in order: the readings of this moment, the problems that they show, and the fixes that are safe."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable
from datetime import date, datetime, timedelta
from pathlib import Path

from autobuilds.domain.duties import Duty
from autobuilds.domain.house import Ahead, Disk, FailingDuty, FixKind, Mended, Readings, Restored, Sample, Scope, Trouble, Urgency
from autobuilds.domain.inert import line
from autobuilds.domain.moment import as_json
from autobuilds.domain.settings import Settings
from autobuilds.domain.times import after, reached
from autobuilds.errors import AutobuildsError
from autobuilds.policies.problem_files import size
from autobuilds.policies.problem_predictor import problems
from autobuilds.records import dataclass, replace
from autobuilds.runtime.context import Context
from autobuilds.store import house as kept
from autobuilds.store.duties import read_last_runs
from autobuilds.store.workspace import PRIVATE

#: A time that is recorded further ahead than this comes from a clock that was wrong.
_SKEW = timedelta(minutes=5)
#: Seconds that a fixer waits for another one.
_PATIENCE = 2.0
#: In this order fixes are made: what frees space first, what takes space for a while last.
_ORDER = (FixKind.PURGE, FixKind.STOP, FixKind.COMPRESS, FixKind.ROTATE, FixKind.TRASH, FixKind.MAINTAIN, FixKind.VACUUM)
_DIARY_FACTS = 5
#: Seconds after which no further fix is begun: a duty has ten minutes in all.
MOST_SECONDS = 300.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Scan:
    """What was read, and the problems that it shows, the most urgent first."""

    problems: tuple[Trouble, ...]
    readings: Readings

    @property
    def critical(self) -> bool:
        """Whether a critical problem stands."""
        return any(t.urgency is Urgency.CRITICAL for t in self.problems)


@dataclass(frozen=True, slots=True, kw_only=True)
class Fixed:
    """One problem with what came of its fix; `planned` means that it was only shown (`--dry-run`)."""

    problem: Trouble
    result: Mended
    planned: bool = False


def scan(context: Context, now: datetime, *, tell: Callable[[str], None] | None = None) -> Scan:
    """Read everything in bounded time and return the problems; a sample of the figures is kept, at most one each half hour."""
    found = look(context, now, tell=tell)
    keep_sample(context, found.readings)
    return found


def look(context: Context, now: datetime, *, tell: Callable[[str], None] | None = None) -> Scan:
    """Return the same as `scan` and write nothing."""
    config = context.workspace.config()
    scope = scope_of(context, config.settings, now)
    readings = context.house.read(scope, tell or _tell) if context.house is not None else _bare(context, now)
    private = context.workspace.root / PRIVATE
    readings = replace(readings, duties=_failing(private, config.duties, now), ahead=_ahead(context, private, now))
    return Scan(problems=problems(readings, config.settings), readings=readings)


def fix_safe(
    context: Context,
    now: datetime,
    dry_run: bool = False,
    *,
    found: Scan | None = None,
    seconds: float = MOST_SECONDS,
    tell: Callable[[str], None] | None = None,
) -> tuple[Fixed, ...]:
    """Mend what can be mended safely, log each fix with the bytes that it freed, and note it in the diary once.

    `found` is what was just scanned (None: it is scanned now). With `dry_run` nothing is changed and what would be done is returned. After
    `seconds` no further fix is begun: what is left is found again the next time. Raises Busy where another process is at it.
    """
    deadline = time.monotonic() + seconds
    if dry_run or context.house is None:
        seen = found or look(context, now, tell=tell)
        nothing = Mended(done=False, said="not done: only shown")
        return tuple(Fixed(problem=t, result=nothing, planned=True) for t in _in_order(seen.problems))
    settings = context.workspace.config().settings
    scope = scope_of(context, settings, now)
    with context.workspace.lock("house", "problems fix", _PATIENCE):
        done = []
        for trouble in _in_order((found or scan(context, now, tell=tell)).problems):
            if time.monotonic() > deadline:
                break
            assert trouble.fix is not None
            result = context.house.mend(trouble.fix, scope)
            done.append(Fixed(problem=trouble, result=result))
            _log(context, now, done[-1])
    _remember(context, now, done)
    return tuple(done)


def _in_order(found: tuple[Trouble, ...]) -> list[Trouble]:
    return sorted((t for t in found if t.fix is not None), key=lambda t: _ORDER.index(t.fix.kind) if t.fix is not None else 0)


def restore(
    context: Context, now: datetime, day: date | None, span: tuple[datetime, datetime] | None = None
) -> tuple[date | None, tuple[Restored, ...]]:
    """Put back what lies in the trash of a day (None: the newest), or of it in a span, and return which day that was."""
    if context.house is None:
        return None, ()
    scope = scope_of(context, context.workspace.config().settings, now)
    with context.workspace.lock("house", "problems restore", _PATIENCE):
        known = context.house.days(scope)
        chosen = day if day is not None else next(iter(known), None)
        return chosen, context.house.restore(chosen, scope, span) if chosen is not None else ()


def samples(context: Context, now: datetime) -> tuple[Sample, ...]:
    """Return the samples that are kept, the oldest first."""
    return kept.read_samples(context.workspace.root / PRIVATE, now)


def keep_sample(context: Context, readings: Readings) -> None:
    """Keep the figures of a moment; that they can't be written stops nothing."""
    disk = next(iter(readings.disks), None)
    sample = Sample(
        at=readings.at,
        disk_percent=disk.percent if disk else None,
        disk_free=disk.free_bytes if disk else None,
        memory_percent=readings.memory_percent,
        load_per_core=None if readings.load_per_core is None else round(readings.load_per_core, 2),
        log_bytes=readings.log_bytes,
        trash_bytes=sum(day.size for day in readings.trash),
    )
    try:
        kept.keep_sample(context.workspace.private, sample)
    except (AutobuildsError, OSError) as fault:
        _tell(f"the figures of this moment could not be kept: {fault}")


def scope_of(context: Context, settings: Settings, now: datetime) -> Scope:
    """Return where is looked, and for what."""
    folders = (str(_folder(context.workspace.root, text)) for text in settings.housekeeping)
    ledger = context.workspace.ledger()
    logs = {a.log: b.label for b in ledger.builds for a in b.attempts if a.log}
    return Scope(
        root=str(context.workspace.root),
        now=now,
        folders=tuple(dict.fromkeys(folder for folder in folders if folder != str(context.workspace.root))),
        log_limit=settings.log_limit * 1024 * 1024,
        log_age=settings.log_age,
        known_logs=logs,
        building=bool(ledger.active),
    )


def _folder(root: Path, text: str) -> Path:
    """Return a folder of the setting `housekeeping`; a relative one lies in the workspace. The last link is not followed."""
    import os

    return Path(os.path.normpath(root / Path(text).expanduser()))


def _bare(context: Context, now: datetime) -> Readings:
    """Return what the host says alone, where there is nothing to keep in order."""
    root = context.workspace.root
    used = context.host.resources(root)
    disks = () if used.disk_percent is None else (Disk(path=str(root), percent=used.disk_percent, free_bytes=0, total_bytes=0),)
    return Readings(at=now, root=str(root), disks=disks, memory_percent=used.memory_percent, load_per_core=used.load_per_core)


def _failing(private: Path, duties: tuple[Duty, ...], now: datetime) -> tuple[FailingDuty, ...]:
    """Return the commands of duties whose last run failed."""
    wanted = {(duty.name, command.text): command.line for duty in duties for command in duty.commands}
    found: dict[tuple[str, str], FailingDuty] = {}
    for entry in kept.read_duty_ends(private):
        key = (entry.duty, entry.command)
        if key not in wanted or not reached(entry.at, after(now, _SKEW)):
            continue
        if entry.ok:
            found.pop(key, None)
            continue
        times = found[key].times + 1 if key in found else 1
        found[key] = FailingDuty(
            duty=entry.duty,
            command=line(entry.command, 200),
            line=wanted[key],
            times=times,
            outcome=entry.outcome,
            at=entry.at,
            said=line(entry.tail.rpartition("\n")[2], 200),
        )
    return tuple(found.values())


def _ahead(context: Context, private: Path, now: datetime) -> tuple[Ahead, ...]:
    """Return what is recorded at times that have not come."""
    latest = after(now, _SKEW)
    runs, _ = read_last_runs(private)
    found = [Ahead(what=f"duty {key}", at=at) for key, at in sorted(runs.items()) if not reached(at, latest)]
    found += [Ahead(what=f"build {b.label}", at=b.updated) for b in context.workspace.ledger().builds if not reached(b.updated, latest)]
    return tuple(found)


def _log(context: Context, now: datetime, fixed: Fixed) -> None:
    trouble, result = fixed.problem, fixed.result
    record = {
        "at": now.isoformat(timespec="seconds"),
        "fix": trouble.fix.kind.value if trouble.fix else None,
        "problem": trouble.kind,
        "where": trouble.where,
        "found": trouble.said,
        "evidence": as_json(trouble.evidence),
        "done": result.done,
        "said": result.said,
        "freed_bytes": result.freed,
        "trashed_bytes": result.trashed,
    }
    try:
        kept.append_fix(context.workspace.private, record)
    except (AutobuildsError, OSError) as fault:
        _tell(f"the fix of {trouble.where} could not be logged: {fault}")


def _remember(context: Context, now: datetime, done: list[Fixed]) -> None:
    """Note what was mended in the diary, in one entry; a diary that can't be written stops nothing."""
    from autobuilds.runtime.diary import remember

    mended = [f for f in done if f.result.done]
    if not mended:
        return
    freed, trashed = sum(f.result.freed for f in mended), sum(f.result.trashed for f in mended)
    count = "1 problem" if len(mended) == 1 else f"{len(mended)} problems"
    facts = [f"{f.problem.where}: {f.result.said}" for f in mended[: _DIARY_FACTS - 1]]
    facts.append(f"freed: {size(freed)}, moved to the trash: {size(trashed)}; every fix is in .autobuilds/{kept.FIXES}")
    fault = remember(context, None, now, f"House kept: {count} fixed", facts)
    if fault is not None:
        _tell(fault)


def _tell(text: str) -> None:
    sys.stderr.write(f"{line(text)}\n")
