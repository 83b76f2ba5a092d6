"""The doctor's checks inside a workspace: repository, files, history, locks, clock."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime

from autobuilds.domain.problem import Problem
from autobuilds.domain.times import format_when, reached
from autobuilds.errors import AutobuildsError, Busy, MissingExtra
from autobuilds.runtime import fsck
from autobuilds.runtime.context import Context
from autobuilds.runtime.diagnosis import Check, Diagnosis, Level, Patient
from autobuilds.runtime.initialising import driver_settings
from autobuilds.runtime.observe import CALENDAR_AFTER, calendar_around
from autobuilds.store import starter
from autobuilds.store.workspace import CONFIG, LEDGER, POLICY, PRIVATE, QUEUE, STATUS, STOP

#: Seconds by which a file may be newer than the clock: other machines' clocks, coarse file systems.
_AHEAD = 120.0
_LOCKS = ("heartbeat", "commit", "write")


def _context(patient: Patient) -> Context:
    assert patient.context is not None
    return patient.context


def _repository(patient: Patient) -> Iterator[Diagnosis]:
    context = _context(patient)
    head = context.repo.head()
    if head.busy is not None:
        fix = f"git {head.busy} --continue, or --abort" if head.busy != "bisect" else "git bisect reset"
        said = f"a {head.busy} is in progress; until it ends files are right, but nothing is committed"
        yield Diagnosis(check="repository", level=Level.WARNING, said=said, fix=fix)
    elif head.branch is None:
        said = "HEAD is detached; nothing is committed"
        yield Diagnosis(check="repository", level=Level.WARNING, said=said, fix="git switch BRANCH")
    else:
        yield Diagnosis(check="repository", said=f"on {head.branch}" + ("" if head.commit else ", without a commit yet"))
    hooks = patient.survey.hooks(context.workspace.root)
    if hooks:
        yield Diagnosis(check="repository", said=f"hooks ({', '.join(hooks)}) run for your own commits, never for those of autobuilds")
    identity = context.repo.identity()
    if identity is None:
        said = "Git knows no name and e-mail of yours; what you edit is committed as autobuilds"
        yield Diagnosis(check="identity", level=Level.WARNING, said=said, fix="git config --global user.email you@example.org")
    else:
        yield Diagnosis(check="identity", said=f"{identity.name} <{identity.email}>")


def _files(patient: Patient) -> Iterator[Diagnosis]:
    root = _context(patient).workspace.root
    missing = [name for name in (CONFIG, POLICY, starter.GUIDE) if not (root / name).exists()]
    if missing:
        said = f"{' and '.join(missing)} missing: defaults are in force"
        yield Diagnosis(check="files", level=Level.WARNING, said=said, fix="autobuilds init")
    else:
        yield Diagnosis(check="files", said=f"{QUEUE}, {CONFIG}, {POLICY} and the guide are there")
    if (root / STOP).exists():
        said = "a file named STOP stands in the workspace: nothing starts"
        yield Diagnosis(check="files", level=Level.WARNING, said=said, fix="rm STOP")


def _texts(patient: Patient) -> Iterator[Diagnosis]:
    snapshot = _context(patient).load().snapshot
    if snapshot.queue.fatal:
        yield _problems("queue", snapshot.queue.problems, f"{QUEUE} can't be trusted as a whole")
    else:
        active = sum(1 for _ in snapshot.queue.active)
        yield _problems("queue", snapshot.queue.problems, {0: "no active task", 1: "one active task"}.get(active, f"{active} active tasks"))
    for name in (CONFIG, POLICY):
        yield _problems(
            {CONFIG: "configuration", POLICY: "policy"}[name], [p for p in snapshot.problems if p.file == name], f"{name} is read as meant"
        )
    if snapshot.ledger.pause is not None:
        until = f"until {format_when(snapshot.ledger.pause.until)}" if snapshot.ledger.pause.until else "until you say resume"
        yield Diagnosis(check="pause", level=Level.WARNING, said=f"paused {until}", fix="autobuilds resume")


def _calendars(patient: Patient) -> Iterator[Diagnosis]:
    """Whether the owner's calendars can be read; nothing where he names none. Asks no network."""
    context = _context(patient)
    config = context.workspace.config()
    if not config.settings.calendar:
        return
    try:
        context.calendar.require()
    except MissingExtra as missing:
        said, _, rest = str(missing).partition(". Run ")
        yield Diagnosis(check="calendars", level=Level.PROBLEM, said=said, fix=rest.partition(", or ")[0])
        return
    now = context.now(context.workspace.zone(config.settings))
    found = calendar_around(context, config.settings, now)
    fix = "mend the file or the address, or take it out of `calendar` in HEARTBEAT.md; then autobuilds heartbeat"
    for fault in found.faults:
        yield Diagnosis(check="calendars", level=Level.WARNING, said=fault, fix=fix)
    for note in found.notes:
        yield Diagnosis(check="calendars", said=note)
    if not found.faults:
        ahead = sum(1 for event in found.busy if reached(now, event.end))
        said = {0: "no event", 1: "one event"}.get(ahead, f"{ahead} events")
        yield Diagnosis(check="calendars", said=f"{said} from now on in the next {CALENDAR_AFTER.days} days")


def _problems(check: str, problems: Sequence[Problem], well: str) -> Diagnosis:
    if not problems:
        return Diagnosis(check=check, said=well)
    errors = [p for p in problems if p.severity == "error"]
    count = "1 problem" if len(problems) == 1 else f"{len(problems)} problems"
    weight = f" ({len(errors)} of them hold something)" if errors else ""
    level = Level.PROBLEM if errors else Level.WARNING
    first = (errors or list(problems))[0]
    return Diagnosis(check=check, level=level, said=f"{count}{weight}, first: {first}", fix="autobuilds check")


def _records(patient: Patient) -> Iterator[Diagnosis]:
    """Whether ledger, history and folders agree: what `autobuilds fsck` finds, in one line."""
    found = fsck.check(_context(patient))
    errors = [f for f in found if f.severity == "error"]
    if not found:
        yield Diagnosis(check="ledger", said="it agrees with the queue, the history and what is on disk")
        return
    first = (errors or list(found))[0]
    count = "1 finding" if len(found) == 1 else f"{len(found)} findings"
    level = Level.PROBLEM if errors else Level.WARNING
    yield Diagnosis(check="ledger", level=level, said=f"{count}, first: {first.message}", fix="autobuilds fsck")


def _outbox(patient: Patient) -> Iterator[Diagnosis]:
    waiting = len(list((_context(patient).workspace.root / PRIVATE / "outbox").glob("*.json")))
    if waiting:
        said = "one commit waits to be made" if waiting == 1 else f"{waiting} commits wait to be made"
        yield Diagnosis(check="commits", level=Level.WARNING, said=said, fix="autobuilds heartbeat")
    else:
        yield Diagnosis(check="commits", said="none waits to be made")


def _locks(patient: Patient) -> Iterator[Diagnosis]:
    workspace = _context(patient).workspace
    held = []
    for name in _LOCKS:
        if not (workspace.root / PRIVATE / f"{name}.lock").exists():
            continue
        try:
            with workspace.lock(name, "doctor", 0.0):
                pass
        except Busy as busy:
            held.append(str(busy).partition(". ")[0])
    if held:
        yield Diagnosis(check="locks", level=Level.WARNING, said=held[0], fix="wait; a lock ends with its process")
    else:
        yield Diagnosis(check="locks", said="none is held")
    for path, age in patient.survey.locks(workspace.root):
        minutes = age / 60
        if minutes > 1:
            said = f"{path} was left {minutes:.0f} min ago; Git can't commit while it is there"
            yield Diagnosis(check="locks", level=Level.PROBLEM, said=said, fix=f"rm {path}  (if no Git command runs)")


def _driver(patient: Patient) -> Iterator[Diagnosis]:
    root = _context(patient).workspace.root
    wanted = all(patient.survey.setting(root, key) == value for key, value in driver_settings())
    try:
        named = starter.attributes_line(root / starter.ATTRIBUTES) is None
    except AutobuildsError:
        named = False
    if wanted and named:
        yield Diagnosis(check="merge driver", said="the queue is merged task by task")
    else:
        said = "the merge driver of the queue is not registered in this clone: branches that both change the queue will conflict more often"
        yield Diagnosis(check="merge driver", level=Level.WARNING, said=said, fix="autobuilds init")


def _clock(patient: Patient) -> Iterator[Diagnosis]:
    root, now = _context(patient).workspace.root, time.time()
    ahead = {}
    for name in (QUEUE, CONFIG, STATUS, LEDGER):
        try:
            stamp = (root / name).stat().st_mtime
        except FileNotFoundError:
            continue
        if stamp > now + _AHEAD:
            ahead[name] = datetime.fromtimestamp(stamp, UTC)
    if ahead:
        name, stamp_at = next(iter(ahead.items()))
        said = f"{name} was written {format_when(stamp_at)} UTC, which is in the future: this machine's clock is behind, or was ahead"
        yield Diagnosis(check="clock", level=Level.WARNING, said=said, fix="set the clock (for example `timedatectl set-ntp true`)")
    else:
        yield Diagnosis(check="clock", said="nothing in the workspace is newer than now")


#: The checks of a workspace in their order.
CHECKS: tuple[tuple[str, Check], ...] = (
    ("repository", _repository),
    ("files", _files),
    ("queue", _texts),
    ("calendars", _calendars),
    ("ledger", _records),
    ("commits", _outbox),
    ("locks", _locks),
    ("merge driver", _driver),
    ("clock", _clock),
)
