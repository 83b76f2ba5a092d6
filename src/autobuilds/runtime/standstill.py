"""When a heartbeat that found nothing to do may be repeated without looking: the note of what it looked at, and until when."""

from __future__ import annotations

import os
import time
from collections.abc import Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from datetime import time as clock
from pathlib import Path

from autobuilds.domain.build import Build, BuildState, Ledger
from autobuilds.domain.duties import next_due
from autobuilds.domain.gates.timing import LATEST_START
from autobuilds.domain.model import Priority
from autobuilds.domain.moment import Moment, Snapshot
from autobuilds.domain.times import after, at_clock, in_window, local_day, window_closes, window_length, window_opens
from autobuilds.domain.verdicts import Assessment, Verdict
from autobuilds.errors import AutobuildsError
from autobuilds.ports import Traces
from autobuilds.runtime.context import Context
from autobuilds.runtime.heartbeat import Beat
from autobuilds.store import ledger as ledgers
from autobuilds.store import standstill
from autobuilds.store.duties import read_last_runs
from autobuilds.store.files.vault import KEPT, KEPT_AT_LEAST, Vault
from autobuilds.store.render import packaged_templates
from autobuilds.store.workspace import CONFIG, LEDGER, POLICY, PRIVATE, QUEUE, REPORTS, STATUS, STOP

#: Seconds for which everything must have been left alone: what was saved just now may be saved again within one tick of its clock.
RESTED = 3.0
#: Seconds that must be left until something falls due, so that a note is worth its writing.
_WORTH = 1.0
#: More files than this are not watched.
_MOST = 2000
_FILES = (QUEUE, STATUS, CONFIG, POLICY, LEDGER, STOP, "agents.toml")
#: Folders in which something appears or goes without a file that is known by name: what was left half written, announced, displaced.
_FOLDERS = (".", "subagents", "subagents/logs", REPORTS, PRIVATE, f"{PRIVATE}/outbox", f"{PRIVATE}/retired", f"{PRIVATE}/retired/{QUEUE}")
_PRIVATE_FILES = ("status-page", "duties.json")


@dataclass(frozen=True, slots=True, kw_only=True)
class Watch:
    """What was seen before a heartbeat began: every input by its path, with its stamp."""

    #: Seconds since 1970, by the machine's own clock.
    at: float
    stamps: dict[str, str]
    traces: Traces
    quotes: tuple[tuple[str, str], ...]


def watch(context: Context) -> Watch | None:
    """Return the inputs as they stand before a heartbeat, or None where not all of them can be named."""
    traces = context.traces()
    if traces is None:
        return None
    root, began = context.workspace.root, time.time()
    try:
        if (root / PRIVATE).is_dir():
            (root / PRIVATE / standstill.FOLDER).mkdir(mode=0o700, exist_ok=True)
        paths = list(dict.fromkeys([*_inputs(root), *traces.paths]))
    except OSError:
        return None
    if len(paths) > _MOST or any("\n" in path or "\t" in path for path in (*paths, str(root))):
        return None
    quotes = tuple((path, standstill.quoted(path)) for path in traces.quotes)
    return Watch(at=began, stamps={path: standstill.stamp(_whole(root, path)) for path in paths}, traces=traces, quotes=quotes)


def _whole(root: Path, path: str) -> str:
    return path if path.startswith("/") else f"{root}/{path}"


def _inputs(root: Path) -> Iterator[str]:
    yield from _FILES
    yield from _FOLDERS
    yield from (f"{PRIVATE}/{name}" for name in _PRIVATE_FILES)
    yield from _below(root, "templates")
    yield from (f"{PRIVATE}/retired/{QUEUE}/{name}" for name in _names(root / PRIVATE / "retired" / QUEUE))
    packaged = packaged_templates()
    yield from (str(path) for path in (packaged, packaged / POLICY, packaged / f"{STATUS}.j2", packaged.parent / "__init__.py"))


def _names(folder: Path) -> list[str]:
    try:
        return sorted(os.listdir(folder))  # noqa: PTH208 - names alone
    except (FileNotFoundError, NotADirectoryError):
        return []


def _below(root: Path, folder: str) -> Iterator[str]:
    yield folder
    for name in _names(root / folder):
        path = f"{folder}/{name}"
        if (root / path).is_dir() and not (root / path).is_symlink():
            yield from _below(root, path)
        else:
            yield path


def keep(context: Context, before: Watch | None, beat: Beat, answers: dict[str, str], *, rested: float = RESTED) -> bool:
    """Write the note of a heartbeat that found nothing to do, for each form of its answer, and return whether it was written.

    `before` is what was seen before it began; `rested` the seconds for which everything must have been left alone.
    """
    if before is None or not still(context, beat):
        return False
    after_ = watch(context)
    if after_ is None or (after_.stamps, after_.quotes, after_.traces) != (before.stamps, before.quotes, before.traces):
        return False
    newest = max(map(standstill.changed_at, before.stamps.values())) / 1e9
    now = beat.moment.now
    settings = beat.loaded.settings
    free = max((agent.reserve_mib for agent in beat.moment.agents), default=0)
    limits = (settings.disk_limit, settings.memory_limit, settings.load_limit, free)
    root = str(context.workspace.root)
    until = min(_dues(context, beat), default=after(now, timedelta(days=1)))
    taken = now.timestamp()
    end = min(until.timestamp(), taken + standstill.LONGEST)
    if newest > before.at - rested or end < taken + _WORTH or not standstill.below_limits(root, *limits):
        return False
    lines = [standstill.identity(), f"time {taken!r} {end!r}", f"root {root}", f"limits {' '.join(map(str, limits))}"]
    lines += [f"at {stamp}\t{path}" for path, stamp in before.stamps.items()]
    lines += [f"quote {text} {path}" for path, text in before.quotes]
    lines += [f"variable {standstill.variable(name)} {name}" for name in before.traces.variables]
    lines += [f"given {standstill.given(name)} {name}" for name in before.traces.given]
    return all(_write(root, form, lines, answer) for form, answer in answers.items())


def _write(root: str, form: str, lines: list[str], answer: str) -> bool:
    from autobuilds.store.files import write_atomic

    text = answer.encode("utf-8", "replace")
    note = "\n".join([*lines, f"end {len(text)}"]).encode("utf-8", "surrogateescape") + b"\n\n" + text
    path = Path(standstill.place(root, form))
    with suppress(AutobuildsError, OSError):
        write_atomic(path, note)
        path.chmod(0o600)
        return True
    return False


def still(context: Context, beat: Beat) -> bool:
    """Whether a heartbeat found nothing to do, and nothing of what it found can change but by its inputs and by the time."""
    snapshot, moment = beat.loaded.snapshot, beat.moment
    ledger = snapshot.ledger
    if beat.transitions or beat.duties or beat.faults or beat.changed or beat.pending or ledger.active or context.no_commit:
        return False
    if snapshot.settings.commits not in {"current", "none"} or moment.runs or moment.doubted or moment.agents_fault:
        return False
    if any(task.approved and ledger.approval(task.label) is None for task in snapshot.queue.active):
        return False  # whose hand it was, Git's history tells
    measured = moment.resources
    if None in (measured.disk_percent, measured.memory_percent, measured.memory_free_mib, measured.load_per_core):
        return False
    if any(_hangs(found, snapshot, moment) for found in beat.assessments):
        return False
    root = context.workspace.root
    return _nothing_waits(root) and all(due > moment.now for due in _duties(root, beat))


def _duties(root: Path, beat: Beat) -> Iterator[datetime]:
    """Yield when each duty is due next, now for one that is due or whose last run is not known."""
    now = beat.moment.now
    runs, lost = read_last_runs(root / PRIVATE) if beat.loaded.config.duties else ({}, None)
    for duty in beat.loaded.config.duties:
        yield next_due(duty.cadence, runs.get(duty.key), now) if lost is None else now


def _hangs(found: Assessment, snapshot: Snapshot, moment: Moment) -> bool:
    """Whether a task could start, or waits for what no file tells: means that may be free at any time, minutes that run out."""
    found = found.sketch  # what the rules say of a text changes with a file alone
    if found.verdict is Verdict.GO:
        return snapshot.may_start
    held = found.obstacles
    if any(gate.gate == "resources" for gate in held) or all(gate.gate == "agent" for gate in held):
        return True
    # Its words count the minutes down.
    return any(gate.gate == "window" and not _is_not_before(found.label, gate.until, snapshot, moment) for gate in held)


def _is_not_before(label: str, until: datetime | None, snapshot: Snapshot, moment: Moment) -> bool:
    task = snapshot.queue.find(label)
    return task is not None and task.not_before is not None and task.not_before == until and task.not_before > moment.now


def _nothing_waits(root: Path) -> bool:
    """Whether no commit waits, and nothing that a killed process left half written is there."""
    if _names(root / PRIVATE / "outbox"):
        return False
    halves = ((folder, name) for folder in _FOLDERS for name in _names(root / folder) if name.endswith(".tmp"))
    return not any(name.startswith(".") or folder.endswith(QUEUE) for folder, name in halves)


def _dues(context: Context, beat: Beat) -> Iterator[datetime]:
    """Yield every moment from which on something may be otherwise, the past ones left out."""
    now = beat.moment.now
    return (due for due in _moments(context, beat) if due.astimezone(UTC) > now.astimezone(UTC))


def _moments(context: Context, beat: Beat) -> Iterator[datetime]:
    snapshot, now = beat.loaded.snapshot, beat.moment.now
    yield from _of_the_day(snapshot, now)
    yield from (gate.until for found in beat.assessments for gate in found.sketch.gates if gate.until is not None)
    yield from (task.not_before for task in snapshot.queue.tasks if task.not_before is not None)
    resets = [*(agent.limited_until for agent in beat.moment.agents), *(row.limited_until for row in beat.view.health.agents)]
    yield from (moment for moment in resets if moment is not None)
    yield from _of_ledger(snapshot.ledger)
    yield from _duties(context.workspace.root, beat)
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


def _of_ledger(ledger: Ledger) -> Iterator[datetime]:
    """Yield every time in the ledger, and those at which its entries count for something else."""
    for build in ledger.builds:
        for moment in _of_build(build):
            yield moment
            yield after(moment, -timedelta(days=1))
        if build.state in {BuildState.COMPLETED, BuildState.CANCELLED}:
            yield after(build.updated, ledgers.KEEP)
    if ledger.pause is not None:
        yield from (moment for moment in (ledger.pause.since, ledger.pause.until) if moment is not None)
    yield from (approval.at for approval in ledger.approvals)


def _of_build(build: Build) -> Iterable[datetime]:
    moments = [build.created, build.updated, build.retry_at, build.reviewed]
    for attempt in build.attempts:
        moments += [attempt.started, attempt.ended, attempt.resets_at]
    return (moment for moment in moments if moment is not None)
