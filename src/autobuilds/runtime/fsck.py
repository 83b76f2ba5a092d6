"""Making the ledger again from the history, and what the history and the rest of the workspace do not agree on."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path

from autobuilds.domain.build import Build, Ledger
from autobuilds.domain.model import Queue
from autobuilds.domain.problem import Severity
from autobuilds.errors import AutobuildsError, BadInput, CorruptLedger
from autobuilds.ports import Survey
from autobuilds.records import dataclass, replace
from autobuilds.runtime import disagreements
from autobuilds.runtime.context import Context
from autobuilds.runtime.disagreements import Finding, odd, wrong
from autobuilds.runtime.record import holding
from autobuilds.store import files, history
from autobuilds.store.ledger import NotALedger, dumps, loads, read_archive
from autobuilds.store.workspace import LEDGER, PRIVATE, STATUS


@dataclass(frozen=True, slots=True, kw_only=True)
class Rebuilt:
    """A ledger made again: from how many transitions, and what of the history could not be read."""

    ledger: Ledger
    transitions: int
    problems: tuple[str, ...] = ()
    #: Where the file is kept that was replaced; None where there was none, or it said the same.
    kept: Path | None = None


def replay(messages: Iterable[tuple[str, Mapping[str, str]]], archived: Iterable[Build] = ()) -> Rebuilt:
    """Return the ledger that transitions lead to; `messages` are (where, trailers), oldest first, `archived` builds are left out."""
    ledger, count, problems = Ledger(), 0, []
    for where, trailers in messages:
        try:
            ledger = history.apply(ledger, trailers)
        except NotALedger as error:
            problems.append(f"{where}: {error}")
        else:
            count += 1
    gone = {(build.label, build.created) for build in archived}
    kept = tuple(build for build in ledger.builds if (build.label, build.created) not in gone)
    return Rebuilt(ledger=replace(ledger, builds=kept), transitions=count, problems=tuple(problems))


def from_history(context: Context) -> Rebuilt:
    """Return the ledger as the history tells it, with what waits to be committed; writes nothing."""
    workspace = context.workspace
    messages = [(commit.sha[:12], commit.trailers) for commit in context.repo.history()]
    messages += [(path.name, history.trailers(message)) for path, message in _waiting(workspace.root / PRIVATE)]
    return replay(messages, read_archive(workspace.path(LEDGER).parent))


def _waiting(private: Path) -> Iterator[tuple[Path, str]]:
    for path in sorted((private / "outbox").glob("*.json")):
        try:
            message = json.loads(path.read_bytes())["message"]
        except (OSError, ValueError, KeyError, TypeError, RecursionError):
            continue
        yield path, str(message)


def rebuild(context: Context) -> Rebuilt:
    """Make the ledger again from the history and write it; the file that stood there is kept in `.autobuilds/replaced`.

    It is called `active-N.before` there, or `active-N.corrupt` where it was no ledger.

    Raises BadInput, with nothing changed, where the history holds no transition.
    """
    workspace = context.workspace
    with holding(context, "fsck --rebuild") as recorder:
        made = from_history(context)
        if not made.transitions:
            raise BadInput(
                "the history holds no transition of a build, so there is nothing to make the ledger from (commits: none?). "
                f"Take {LEDGER} from a backup, or remove it to begin with an empty one. Nothing was changed"
            )
        with recorder.transaction("fsck --rebuild"):
            path = workspace.path(LEDGER)
            old = path.read_bytes() if path.is_file() else None
            if old is not None and old != dumps(made.ledger):
                kept = _place_for(workspace.private / "replaced", old)
                files.write_atomic(kept, old)
                made = replace(made, kept=kept)
            if old != dumps(made.ledger):
                recorder.note("rebuilt", "", f"ledger made again from {made.transitions} transitions")
                recorder.put(made.ledger)
    return made


def _place_for(folder: Path, old: bytes) -> Path:
    """Return a name that nothing has yet."""
    try:
        loads(old)
        kind = "before"
    except CorruptLedger:
        kind = "corrupt"
    folder.mkdir(exist_ok=True)
    taken = {path.name.split(".")[0] for path in folder.iterdir()}
    number = next(n for n in range(1, len(taken) + 2) if f"active-{n}" not in taken)
    return folder / f"active-{number}.{kind}"


def check(context: Context, survey: Survey | None = None) -> tuple[Finding, ...]:
    """Return everything that does not agree, errors first; changes nothing. `survey` also looks for lock files of Git."""
    found: list[Finding] = []
    try:
        ledger: Ledger | None = context.workspace.ledger()
    except CorruptLedger as error:
        ledger = None
        found.append(wrong("corrupt-ledger", str(error), "autobuilds fsck --rebuild"))
    try:
        queue = context.load().snapshot.queue if ledger is not None else None
    except AutobuildsError as error:
        queue = None
        found.append(wrong("files", str(error), "mend what the message names"))
    if queue is not None and queue.fatal:
        found.append(wrong("queue", str(queue.problems[0]) if queue.problems else "the queue can't be read", "autobuilds check"))
    if ledger is not None:
        found += disagreements.in_ledger(context, ledger)
        if queue is not None and not queue.fatal:
            found += disagreements.with_queue(ledger, queue)
        found += disagreements.with_commits(context, ledger)
        found += disagreements.leftovers(context, ledger)
        found += _agreement(context, ledger, queue)
    found += disagreements.damaged_copies(context)
    found += _uncommitted(context)
    found += disagreements.locks(context, survey) if survey is not None else ()
    return tuple(sorted(found, key=lambda finding: finding.severity is not Severity.ERROR))


def _agreement(context: Context, ledger: Ledger, queue: Queue | None) -> Iterator[Finding]:
    try:
        made = from_history(context)
    except AutobuildsError as error:
        yield odd("history", f"the history can't be read: {error}", "run `git fsck`")
        return
    for problem in made.problems:
        yield odd("history", f"a transition in the history can't be read: {problem}", "none is needed while the ledger is whole")
    if not made.transitions:
        return
    expected = "expected after `commits: none` or --no-commit; else autobuilds fsck --rebuild"
    theirs = {(build.label, build.created): build for build in made.ledger.builds}
    for build in ledger.builds:
        if theirs.pop((build.label, build.created), None) != build:
            yield odd("history", f"{build.label}: the ledger and the history do not agree", expected, build.label)
    for label, _ in theirs:
        if queue is not None and queue.find(label) is not None and ledger.find(label) is None:
            said = f"{label} stands in the queue, but its build is only in the history, not in the ledger"
            yield wrong("no-build", said, "autobuilds fsck --rebuild", label)
        else:
            said = f"{label}: the history has a build that the ledger has not"
            yield odd("history", said, "expected on a branch made from older files; else autobuilds fsck --rebuild", label)
    if {a.label: a for a in ledger.approvals} != {a.label: a for a in made.ledger.approvals}:
        yield odd("history", "the approvals of the ledger and of the history do not agree", expected)
    if ledger.pause != made.ledger.pause:
        yield odd("history", "the ledger and the history do not agree on whether starts are paused", expected)


def _uncommitted(context: Context) -> Iterator[Finding]:
    workspace = context.workspace
    for name in (LEDGER, STATUS):
        path = workspace.path(name)
        if path.is_file() and context.committed(name) != path.read_bytes():
            yield odd("uncommitted", f"{name} differs from its last commit", "autobuilds heartbeat commits it, unless commits are off")
    outbox = workspace.root / PRIVATE / "outbox"
    readable = {path for path, _ in _waiting(workspace.root / PRIVATE)}
    if readable:
        yield odd("uncommitted", f"{len(readable)} transitions wait to be committed", "autobuilds heartbeat commits them once Git can")
    for path in sorted(set(outbox.glob("*.json")) - readable):
        yield wrong(
            "outbox", f"{path} can't be read as a commit that waits; nothing is committed behind it", f"rm {path}  (the files are right)"
        )
