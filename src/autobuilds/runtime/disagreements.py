"""What does not agree: each finder yields what is wrong with one part of a workspace, and what to do about it."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

from autobuilds.domain.build import Attempt, Build, BuildState, Ledger
from autobuilds.domain.model import Queue
from autobuilds.domain.patterns import pattern
from autobuilds.domain.problem import Severity
from autobuilds.domain.situation import is_earlier_life
from autobuilds.errors import AutobuildsError
from autobuilds.ports import Survey
from autobuilds.records import dataclass
from autobuilds.runtime.context import Context
from autobuilds.store.files.vault import digest
from autobuilds.store.ledger import dumps, read_archive, standing
from autobuilds.store.workspace import LEDGER, PRIVATE

#: Builds in these states still need their task.
_LIVE = frozenset({BuildState.BUILDING, BuildState.RETRYING, BuildState.REVIEW, BuildState.ESCALATED})
#: The task of a build in these states is under Completed.
_OVER = frozenset({BuildState.REVIEW, BuildState.COMPLETED})
#: The name of a file that is being written, with the process that writes it.
_TEMPORARY = pattern(r"\..+\.(\d+)-[0-9a-f]{8}\.tmp")
#: Seconds after which a lock file of Git's counts as left behind; Git holds one for milliseconds.
_OLD_LOCK = 60.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """One thing that does not agree; an error keeps the tool from working right, `fix` is what to do about it."""

    kind: str
    severity: Severity
    message: str
    fix: str
    label: str | None = None


def wrong(kind: str, message: str, fix: str, label: str | None = None) -> Finding:
    """Return a finding that keeps the tool from working right."""
    return Finding(kind=kind, severity=Severity.ERROR, message=message, fix=fix, label=label)


def odd(kind: str, message: str, fix: str, label: str | None = None) -> Finding:
    """Return a finding that keeps nothing from working."""
    return Finding(kind=kind, severity=Severity.WARNING, message=message, fix=fix, label=label)


def in_ledger(context: Context, ledger: Ledger) -> Iterator[Finding]:
    """Yield what of the ledger can't be the tool's own: other bytes, two running builds of a label, approvals that nothing proves."""
    path = context.workspace.path(LEDGER)
    if standing(path) not in {None, dumps(ledger)}:
        said = f"{LEDGER} was edited by hand: it reads as a ledger, but not in the form in which the tool writes it"
        yield odd("edited-ledger", said, f"git checkout -- {LEDGER}, or autobuilds fsck --rebuild")
    for label, number in Counter(build.label for build in ledger.active).items():
        if number > 1:
            said = f"{label} has {number} builds that are under way at once"
            yield wrong("two-active", said, f"autobuilds stop {label}, then autobuilds fsck --rebuild", label)
    approvals = [a for a in ledger.approvals if ledger.approval(a.label) is a]
    proven = context.proofs.proven(approvals) if approvals else frozenset()
    for approval in approvals:
        if approval.label not in proven:
            said = f"the approval of {approval.label} is not the one that was proven to be yours, so it does not count"
            yield odd("unproven-approval", said, f"autobuilds approve {approval.label}", approval.label)


def with_queue(ledger: Ledger, queue: Queue) -> Iterator[Finding]:
    """Yield builds whose task is gone, or stands where its build says it can't."""
    for build in ledger.builds:
        if build.state in _LIVE and ledger.find(build.label) is build and queue.find(build.label) is None:
            said = f"{build.label} is {build.state.value}, but the queue has no task of that label"
            yield odd("no-task", said, f"put the task back, or autobuilds cancel {build.label}", build.label)
    for task in queue.active:
        build_of = ledger.find(task.label)
        if build_of is not None and build_of.state in _OVER and not is_earlier_life(build_of, task):
            said = f"{task.label} is {build_of.state.value}, but its entry stands open in Active Queue"
            yield odd("open-task", said, f"autobuilds reopen {task.label} builds it again, or tick the entry", task.label)


def with_commits(context: Context, ledger: Ledger) -> Iterator[Finding]:
    """Yield builds whose repository, branch or commits are gone."""
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
                    yield odd("no-commit", said, "fetch it back, or start afresh: autobuilds retry --fresh", build.label)
        except AutobuildsError as error:
            yield odd("no-repository", f"{build.label}: {error}", "bring the repository back, or cancel the build", build.label)


def _branch(build: Build, attempt: Attempt, tip: str | None) -> Iterator[Finding]:
    if tip is None:
        said = f"{build.label} is ready for review, but its branch {attempt.branch} is gone"
        yield wrong("no-branch", said, f"git branch {attempt.branch} {attempt.head_commit}, or autobuilds retry {build.label}", build.label)
    elif attempt.head_commit is not None and tip != attempt.head_commit:
        said = f"{build.label}: {attempt.branch} stands at {tip[:12]}, the checks were made at {attempt.head_commit[:12]}"
        yield odd("branch-moved", said, f"look at both; autobuilds accept {build.label} merges what was checked", build.label)


def leftovers(context: Context, ledger: Ledger) -> Iterator[Finding]:
    """Yield run folders, clones and half-written files that belong to nothing, and running attempts without a run folder."""
    private = context.workspace.root / PRIVATE
    known = {attempt.id: build for build in ledger.builds for attempt in build.attempts}
    archived = {attempt.id for build in read_archive(context.workspace.path(LEDGER).parent) for attempt in build.attempts}
    for folder in _folders(private / "runs"):
        if folder.name not in known and folder.name not in archived:
            yield odd("stray-run", f"{folder} belongs to no attempt of the ledger", "look at its log, then remove the folder")
    for build in ledger.active:
        if build.last is not None and build.last.is_open and not (private / "runs" / build.last.id).is_dir():
            said = f"{build.label} is building, but its attempt {build.last.id} has no run folder"
            yield odd("no-run", said, "autobuilds heartbeat records that it never began, and tries again", build.label)
    for folder in _folders(private / "clones"):
        owner = known.get(folder.name)
        if owner is None or owner.state not in _LIVE:
            yield odd("left-clone", f"{folder} is the clone of no build that is under way", "remove the folder")
    for path in sorted((private / "clones").glob("*.making")):
        yield odd("debris", f"{path} is half a clone, left by a crash", "remove the folder")
    for folder in (private.parent, context.workspace.path(LEDGER).parent, private):
        for path in sorted(folder.glob(".*.tmp")):
            match = _TEMPORARY.fullmatch(path.name)
            if match and not _runs(int(match.group(1))):
                yield odd("debris", f"{path} is half a file, left by a crash; the whole one is in its place", "remove the file")


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


def damaged_copies(context: Context) -> Iterator[Finding]:
    """Yield kept versions of the queue whose text is not the one that their name, its checksum, says."""
    for path in sorted((context.workspace.root / PRIVATE / "retired").glob("*/*.text")):
        try:
            same = digest(path.read_bytes()) == path.stem
        except OSError as error:
            yield odd("checksum", f"{path} can't be read: {error.strerror}", "mend its permissions, or remove the file")
            continue
        if not same:
            yield odd("checksum", f"{path} is damaged: its checksum is another, so it is not used", "remove the file")


def locks(context: Context, survey: Survey) -> Iterator[Finding]:
    """Yield lock files of Git's own that a killed command seems to have left."""
    for path, age in survey.locks(context.workspace.root):
        if age > _OLD_LOCK:
            yield odd(
                "git-lock",
                f"{path} has stood there for {int(age)} s; your own Git commands refuse while it does",
                f"rm {path}  (if no Git command runs)",
            )
