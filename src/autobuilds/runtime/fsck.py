"""Checking that queue, ledger, Git and the private folder agree, and making the ledger again from the history."""

from __future__ import annotations

import json
import os
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from autobuilds.domain.build import Attempt, Build, BuildState, Ledger
from autobuilds.domain.model import Queue
from autobuilds.domain.problem import Severity
from autobuilds.errors import AutobuildsError, BadInput, CorruptLedger
from autobuilds.runtime.context import Context
from autobuilds.runtime.record import holding
from autobuilds.store import files, history
from autobuilds.store.ledger import NotALedger, dumps, read_archive
from autobuilds.store.workspace import LEDGER, PRIVATE, STATUS

#: Builds in these states still need their task.
_LIVE = frozenset({BuildState.BUILDING, BuildState.RETRYING, BuildState.REVIEW, BuildState.ESCALATED})
#: The name of a file that is being written, with the process that writes it.
_TEMPORARY = re.compile(r"\..+\.(\d+)-[0-9a-f]{8}\.tmp")


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """One thing that does not agree; an error keeps the tool from working right, `fix` is what to do about it."""

    kind: str
    severity: Severity
    message: str
    fix: str
    label: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Rebuilt:
    """A ledger made again: from how many transitions, and what of the history could not be read."""

    ledger: Ledger
    transitions: int
    problems: tuple[str, ...] = ()


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
                kept = workspace.private / "replaced"
                kept.mkdir(exist_ok=True)
                files.write_atomic(kept / f"active-{len(list(kept.iterdir())) + 1}.json", old)
            if old != dumps(made.ledger):
                recorder.note("rebuilt", "", f"ledger made again from {made.transitions} transitions")
                recorder.put(made.ledger)
    return made


def check(context: Context) -> tuple[Finding, ...]:
    """Return everything that does not agree, errors first; changes nothing."""
    found: list[Finding] = []
    try:
        ledger: Ledger | None = context.workspace.ledger()
    except CorruptLedger as error:
        ledger = None
        found.append(_error("corrupt-ledger", str(error), "autobuilds fsck --rebuild"))
    try:
        queue = context.load().snapshot.queue if ledger is not None else None
    except AutobuildsError as error:
        queue = None
        found.append(_error("files", str(error), "mend what the message names"))
    if queue is not None and queue.fatal:
        found.append(_error("queue", str(queue.problems[0]) if queue.problems else "the queue can't be read", "autobuilds check"))
    if ledger is not None:
        if queue is not None and not queue.fatal:
            found += _tasks(ledger, queue)
        found += _commits(context, ledger)
        found += _leftovers(context, ledger)
        found += _agreement(context, ledger)
    found += _uncommitted(context)
    return tuple(sorted(found, key=lambda finding: finding.severity is not Severity.ERROR))


def _error(kind: str, message: str, fix: str, label: str | None = None) -> Finding:
    return Finding(kind=kind, severity=Severity.ERROR, message=message, fix=fix, label=label)


def _warning(kind: str, message: str, fix: str, label: str | None = None) -> Finding:
    return Finding(kind=kind, severity=Severity.WARNING, message=message, fix=fix, label=label)


def _tasks(ledger: Ledger, queue: Queue) -> Iterator[Finding]:
    for build in ledger.builds:
        if build.state in _LIVE and ledger.find(build.label) is build and queue.find(build.label) is None:
            said = f"{build.label} is {build.state.value}, but the queue has no task of that label"
            yield _warning("no-task", said, f"put the task back, or autobuilds cancel {build.label}", build.label)


def _commits(context: Context, ledger: Ledger) -> Iterator[Finding]:
    for build in ledger.builds:
        attempt = build.last
        if attempt is None or ledger.find(build.label) is not build:
            continue
        try:
            repo = context.open_repo((context.workspace.root / attempt.repository).resolve())
            if build.state is BuildState.REVIEW:
                yield from _branch(build, attempt, repo.resolve(attempt.branch or ""))
            wanted = {"base": attempt.base_commit if build.state in _LIVE else None, "delivered commit": build.delivered_commit}
            for what, commit in wanted.items():
                if commit is not None and repo.resolve(commit) is None:
                    said = f"{build.label}: its {what} {commit[:12]} is not in {attempt.repository} any more"
                    yield _warning("no-commit", said, "fetch it back, or start afresh: autobuilds retry --fresh", build.label)
        except AutobuildsError as error:
            yield _warning("no-repository", f"{build.label}: {error}", "bring the repository back, or cancel the build", build.label)


def _branch(build: Build, attempt: Attempt, tip: str | None) -> Iterator[Finding]:
    if tip is None:
        said = f"{build.label} is ready for review, but its branch {attempt.branch} is gone"
        yield _error(
            "no-branch", said, f"git branch {attempt.branch} {attempt.head_commit}, or autobuilds retry {build.label}", build.label
        )
    elif attempt.head_commit is not None and tip != attempt.head_commit:
        said = f"{build.label}: {attempt.branch} stands at {tip[:12]}, the checks were made at {attempt.head_commit[:12]}"
        yield _warning("branch-moved", said, f"look at both; autobuilds accept {build.label} merges what was checked", build.label)


def _leftovers(context: Context, ledger: Ledger) -> Iterator[Finding]:
    private = context.workspace.root / PRIVATE
    known = {attempt.id: build for build in ledger.builds for attempt in build.attempts}
    archived = {attempt.id for build in read_archive(context.workspace.path(LEDGER).parent) for attempt in build.attempts}
    for folder in _folders(private / "runs"):
        if folder.name not in known and folder.name not in archived:
            yield _warning("stray-run", f"{folder} belongs to no attempt of the ledger", "look at its log, then remove the folder")
    for folder in _folders(private / "clones"):
        build = known.get(folder.name)
        if build is None or build.state not in _LIVE:
            yield _warning("left-clone", f"{folder} is the clone of no build that is under way", "remove the folder")
    for path in sorted((private / "clones").glob("*.making")):
        yield _warning("debris", f"{path} is half a clone, left by a crash", "remove the folder")
    for folder in (private.parent, context.workspace.path(LEDGER).parent, private):
        for path in sorted(folder.glob(".*.tmp")):
            match = _TEMPORARY.fullmatch(path.name)
            if match and not _runs(int(match.group(1))):
                yield _warning("debris", f"{path} is half a file, left by a crash; the whole one is in its place", "remove the file")


def _runs(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except (ProcessLookupError, OverflowError):
        return False
    except PermissionError:
        return True
    return True


def _folders(folder: Path) -> list[Path]:
    return sorted(path for path in folder.iterdir() if path.is_dir()) if folder.is_dir() else []


def _agreement(context: Context, ledger: Ledger) -> Iterator[Finding]:
    try:
        made = from_history(context)
    except AutobuildsError as error:
        yield _warning("history", f"the history can't be read: {error}", "run `git fsck`")
        return
    for problem in made.problems:
        yield _warning("history", f"a transition in the history can't be read: {problem}", "none is needed while the ledger is whole")
    if not made.transitions:
        return
    theirs = {(build.label, build.created): build for build in made.ledger.builds}
    for build in ledger.builds:
        if theirs.pop((build.label, build.created), None) != build:
            said = f"{build.label}: the ledger and the history do not agree"
            yield _warning("history", said, "expected after `commits: none` or --no-commit; else autobuilds fsck --rebuild", build.label)
    for label, _ in theirs:
        said = f"{label}: the history has a build that the ledger has not"
        yield _warning("history", said, "expected on a branch made from older files; else autobuilds fsck --rebuild", label)


def _uncommitted(context: Context) -> Iterator[Finding]:
    workspace = context.workspace
    for name in (LEDGER, STATUS):
        path = workspace.path(name)
        if path.is_file() and context.committed(name) != path.read_bytes():
            yield _warning("uncommitted", f"{name} differs from its last commit", "autobuilds heartbeat commits it, unless commits are off")
    waiting = sum(1 for _ in _waiting(workspace.root / PRIVATE))
    if waiting:
        yield _warning("uncommitted", f"{waiting} transitions wait to be committed", "autobuilds heartbeat commits them once Git can")
