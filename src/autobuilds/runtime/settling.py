"""Settling: an attempt has ended; keep its work, deliver it or plan the next try, and write down what happened."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from autobuilds.domain.build import Attempt, Build, BuildState, DeliverMode, Evidence
from autobuilds.domain.lifecycle import Event, move
from autobuilds.domain.moment import Ending
from autobuilds.errors import AutobuildsError, FatalQueue, Refused
from autobuilds.planning import Settle
from autobuilds.ports import CheckedMerge
from autobuilds.runtime.context import Context
from autobuilds.runtime.merging import check_merged, pages_only, merge_onto
from autobuilds.runtime.record import Recorder
from autobuilds.store.queue.operations import Complete
from autobuilds.store.workspace import QUEUE, Loaded

#: Characters of the failing output that the next attempt is told.
FEEDBACK = 4000


def settle(context: Context, recorder: Recorder, loaded: Loaded, action: Settle) -> None:
    """Record the ending and do what follows; each step can be done again after a crash."""
    build = loaded.snapshot.ledger.find(action.label)
    if build is None:
        return
    ending, decision = action.ending, action.decision
    if decision.event is Event.DONE and loaded.snapshot.queue.fatal:
        raise FatalQueue(f"it is finished, and is settled when {QUEUE} can be read again")
    attempt = _ended(action.attempt, ending)
    attempt = replace(attempt, branch=keep_work(context, attempt, passed=decision.event is Event.DONE))
    with recorder.transaction(f"settle {build.label}", hold=True):
        if decision.event is Event.DONE:
            _done(context, recorder, loaded, build, attempt, ending)
            return
        feedback = "\n".join(part for part in (ending.reason, ending.tail[-FEEDBACK:]) if part)
        moved = move(build, decision.event, recorder.now, reason=decision.reason, retry_at=decision.retry_at, attempt=attempt)
        moved = replace(moved, feedback=feedback, stall_alerted=False)
        recorder.note(decision.event, build.label, decision.reason, attempt=attempt.number, record=moved, paths=_progress(context, build))
        recorder.put(context.workspace.ledger().with_build(moved))


def _ended(attempt: Attempt, ending: Ending) -> Attempt:
    return replace(
        attempt,
        ended=ending.ended,
        outcome=ending.outcome,
        reason=ending.reason,
        exit_code=ending.exit_code,
        head_commit=ending.head_commit,
        merged_commit=ending.merged_commit,
        evidence=ending.evidence,
        checks=ending.checks,
        usage=ending.usage,
        files_changed=ending.files_changed,
        lines_added=ending.lines_added,
        lines_removed=ending.lines_removed,
    )


def keep_work(context: Context, attempt: Attempt, *, passed: bool) -> str | None:
    """Bring an attempt's commits into the owner's repository as a branch, and return its name (None without commits).

    The supervisor has brought the commits over already. Work that passed is `build/<label>`; what failed is kept beside
    it as `build/<label>.attempt-<n>`, since the next attempt takes the first name.
    """
    if attempt.head_commit is None or attempt.head_commit == attempt.base_commit or attempt.branch is None:
        return attempt.branch if passed else None
    branch = attempt.branch if passed else f"{attempt.branch}.attempt-{attempt.number}"
    repo = context.open_repo(Path(attempt.repository))
    if repo.resolve(f"refs/heads/{branch}") != attempt.head_commit:
        repo.adopt(repo.root, attempt.head_commit, branch)
    return branch


def _done(context: Context, recorder: Recorder, loaded: Loaded, build: Build, attempt: Attempt, ending: Ending) -> None:
    changed = attempt.head_commit is not None and attempt.head_commit != attempt.base_commit
    moved = move(build, Event.DONE, recorder.now, reason=None, attempt=attempt)
    event, said = Event.DONE, f"{_grade(attempt)}; waits for your review on {attempt.branch}"
    if not changed:
        moved = replace(moved, state=BuildState.COMPLETED)
        said = f"{_grade(attempt)}; nothing had to change"
    elif build.deliver is DeliverMode.MERGE:
        try:
            moved = _delivered(context, moved, attempt, ending)
            event, said = Event.DELIVERED, f"{_grade(attempt)}; merged into {moved.delivered_branch}"
        except AutobuildsError as held:
            moved = replace(moved, reason=f"not merged: {held}")
            said = f"{_grade(attempt)}; not merged: {held}"
    moved = replace(moved, feedback=None, stall_alerted=False)
    recorder.note(event, build.label, said, attempt=attempt.number, record=moved, paths=_progress(context, build))
    task = loaded.snapshot.queue.find(build.label)
    if task is not None and task.is_active:
        recorder.edit(Complete(label=build.label, at=ending.ended.astimezone(recorder.zone)))
    recorder.put(context.workspace.ledger().with_build(moved))


def _delivered(context: Context, build: Build, attempt: Attempt, ending: Ending) -> Build:
    """Move the owner's branch forward to a merge that was checked; raises Refused where that can't be.

    Where the branch has moved since the supervisor checked its merge, the work is merged anew, and checked anew unless
    only pages of ours came between.
    """
    if ending.merged_commit is None or ending.merged_onto is None or attempt.base_branch is None:
        raise Refused(ending.reason or "the merge was not checked")
    repo = context.open_repo(Path(attempt.repository))
    tip = repo.resolve(attempt.base_branch)
    merged = CheckedMerge(commit=ending.merged_commit, onto=ending.merged_onto, scratch=context.workspace.run_folder(attempt.id) / "merge")
    if repo.contains(attempt.base_branch, attempt.head_commit or ending.merged_commit):
        delivered = ending.merged_commit if repo.contains(attempt.base_branch, ending.merged_commit) else tip
    else:
        if tip != ending.merged_onto:
            merged = merge_onto(context, build.label, build.name, attempt)
            if not pages_only(context, attempt, ending.merged_onto, merged.onto):
                check_merged(context, build.label, attempt, merged, lambda _: None)
        repo.deliver(merged, attempt.base_branch)
        delivered = merged.commit
    repo.delete_branch(attempt.branch or "")
    attempt = replace(attempt, merged_commit=delivered)
    moved = move(build, Event.DELIVERED, build.updated, attempt=attempt)
    return replace(moved, delivered_commit=delivered, delivered_branch=attempt.base_branch)


def _grade(attempt: Attempt) -> str:
    return (attempt.evidence or Evidence.CLAIMED).value


def _progress(context: Context, build: Build) -> list[str]:
    path = context.workspace.progress_file(build.label)
    return [path.relative_to(context.workspace.root).as_posix()] if path.exists() else []
