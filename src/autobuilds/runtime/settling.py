"""Settling: an attempt has ended; keep its work, deliver it or plan the next try, and write down what happened."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

from autobuilds.domain.asking import feedback, parked
from autobuilds.domain.build import Attempt, Build, BuildState, DeliverMode, Evidence, Outcome
from autobuilds.domain.lifecycle import Event, move
from autobuilds.domain.model import Task
from autobuilds.domain.moment import Ending
from autobuilds.errors import AutobuildsError, BadInput, Busy, FatalQueue, GitFailure, NotSo, Refused, StorageFailure
from autobuilds.planning import Settle
from autobuilds.ports import CheckedMerge, Repo
from autobuilds.records import dataclass, replace
from autobuilds.runtime.context import Context
from autobuilds.runtime.merging import check_merged, drop_branch, merge_onto, merged_as, pages_only, removed_on_error
from autobuilds.runtime.record import Recorder
from autobuilds.store.progress import read_progress
from autobuilds.store.queue.operations import Complete
from autobuilds.store.workspace import QUEUE, Loaded

_Found = TypeVar("_Found")
#: Characters of the failing output that the next attempt is told.
FEEDBACK = 4000


def settle(context: Context, recorder: Recorder, loaded: Loaded, action: Settle) -> None:
    """Record the ending and do what follows; each step can be done again after a crash."""
    build = loaded.snapshot.ledger.find(action.label)
    if build is None:
        return
    ending, decision = action.ending, action.decision
    if ending.outcome in {Outcome.NOT_STARTED, Outcome.SETUP}:
        context.sandbox.forget()
    if decision.event is Event.DONE and loaded.snapshot.queue.fatal:
        raise FatalQueue(f"it is finished, and is settled when {QUEUE} can be read again")
    attempt = _ended(action.attempt, ending)
    branch, notes = keep_work(context, attempt, passed=decision.event is Event.DONE)
    attempt = replace(attempt, branch=branch, notes=(*attempt.notes, *notes))
    task = loaded.snapshot.queue.find(build.label)
    ready = _ready(context, build, attempt, ending, task) if decision.event is Event.DONE else _Ready()
    with recorder.transaction(f"settle {build.label}", hold=True):
        if decision.event is Event.DONE:
            _done(context, recorder, build, attempt, ending, task, ready)
            return
        log = read_progress(context.workspace.progress_file(build.label), label=build.label, zone=loaded.zone)
        decision = parked(build, attempt, ending, decision, log)
        moved = move(build, decision.event, recorder.now, reason=decision.reason, retry_at=decision.retry_at, attempt=attempt)
        moved = replace(moved, feedback=feedback(build, ending, FEEDBACK), stall_alerted=False)
        _remember(context, recorder, moved, attempt)
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
        sandbox=ending.sandbox or attempt.sandbox,
        failure=ending.failure,
        resets_at=ending.resets_at,
        session=ending.session,
        model=ending.model or attempt.model,
        said=ending.said,
        notes=(*attempt.notes, *ending.notes),
    )


def keep_work(context: Context, attempt: Attempt, *, passed: bool) -> tuple[str | None, tuple[str, ...]]:
    """Bring an attempt's commits into the owner's repository as a branch; return its name (None without commits) and notes.

    The supervisor has brought the commits over already. Work that passed is `build/<label>`; what failed is kept beside
    it as `build/<label>.attempt-<n>`, since the next attempt takes the first name; so is what passed while the owner had the
    branch checked out. Raises Busy and StorageFailure, to be tried again; what can't be mended by
    waiting is a note.
    """
    head = attempt.head_commit
    if head is None or head == attempt.base_commit or attempt.branch is None:
        return (attempt.branch if passed else None), ()
    beside = f"{attempt.branch}.attempt-{attempt.number}"
    names = (attempt.branch, beside) if passed else (beside,)
    why = ""
    try:
        repo = context.open_repo(Path(attempt.repository))
        for name in names:
            if repo.resolve(f"refs/heads/{name}") == head:
                return name, ()
        for name in names:
            try:
                repo.adopt(repo.root, head, name)
            except Refused as held:
                why = str(held)
            else:
                return name, ()
    except (Busy, StorageFailure):
        raise
    except AutobuildsError as fault:
        why = str(fault)
    return None, (f"its commit {head[:12]} could not be put on a branch: {why}",)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Ready:
    """What may be delivered: a merge that was checked (None where the work is in the branch already), or why nothing may be."""

    merge: CheckedMerge | None = None
    held: str | None = None


def _ready(context: Context, build: Build, attempt: Attempt, ending: Ending, task: Task | None) -> _Ready:
    """Return the checked merge of a build that is to be merged; its checks may take long, so nothing is locked meanwhile.

    Where the branch has moved since the supervisor checked its merge, the work is merged anew, and checked anew unless
    only pages of ours came between.
    """
    if build.deliver is not DeliverMode.MERGE or not _changed(attempt):
        return _Ready()
    try:
        if ending.merged_commit is None or ending.merged_onto is None or attempt.base_branch is None:
            raise Refused(ending.reason or "the merge was not checked")
        if attempt.branch is None:
            raise Refused("its work could not be put on a branch")
        ran = {c.command for c in attempt.checks}
        if task is not None and not ran.issuperset(command for c in task.criteria for command in c.commands):
            raise Refused(f"its criteria changed while it was built; autobuilds accept {build.label} runs them as they are now")
        scratch = context.workspace.run_folder(attempt.id) / "merge"
        checked = CheckedMerge(commit=ending.merged_commit, onto=ending.merged_onto, scratch=scratch)
        return _Ready(merge=_once_more(lambda: _unless_there(context, build, attempt, checked)))
    except AutobuildsError as held:
        return _Ready(held=str(held))


def _unless_there(context: Context, build: Build, attempt: Attempt, checked: CheckedMerge) -> CheckedMerge | None:
    """Return the merge that is to be delivered, or None where the branch holds the work already."""
    repo = context.open_repo(Path(attempt.repository))
    if repo.contains(attempt.base_branch or "", attempt.head_commit or checked.commit or ""):
        return None
    return _up_to_date(context, repo, build, attempt, checked)


def _once_more(work: Callable[[], _Found]) -> _Found:
    """Do it again where Git or the machine failed in the middle, a process that was killed say: the second try carries on from the first."""
    try:
        return work()
    except (GitFailure, StorageFailure):
        return work()


def _up_to_date(context: Context, repo: Repo, build: Build, attempt: Attempt, checked: CheckedMerge) -> CheckedMerge:
    if repo.resolve(f"refs/heads/{attempt.base_branch}") == checked.onto:
        return checked
    merged = merge_onto(context, build.label, build.name, attempt)
    with removed_on_error(merged.scratch):
        if not pages_only(context, attempt, checked.onto, merged.onto):
            check_merged(context, build.label, attempt, merged, lambda _: None)
    return merged


def _changed(attempt: Attempt) -> bool:
    return attempt.head_commit is not None and attempt.head_commit != attempt.base_commit


def _done(context: Context, recorder: Recorder, build: Build, attempt: Attempt, ending: Ending, task: Task | None, ready: _Ready) -> None:
    moved = done = move(build, Event.DONE, recorder.now, reason=None, attempt=attempt)
    event, said = Event.DONE, f"{_grade(attempt)}; waits for your review on {attempt.branch}"
    if not _changed(attempt):
        moved = replace(moved, state=BuildState.COMPLETED)
        said = f"{_grade(attempt)}; nothing had to change"
    elif build.deliver is DeliverMode.MERGE:
        try:
            moved = _once_more(lambda: _delivered(context, done, attempt, ready))
            event, said = Event.DELIVERED, f"{_grade(attempt)}; merged into {moved.delivered_branch}"
        except AutobuildsError as held:
            moved = replace(moved, reason=f"not merged: {held}")
            said = f"{_grade(attempt)}; not merged: {held}"
    moved = replace(moved, feedback=None, stall_alerted=False)
    _remember(context, recorder, moved, attempt)
    recorder.note(event, build.label, said, attempt=attempt.number, record=moved, paths=_progress(context, build))
    if task is not None and task.is_active:
        _tick(recorder, build.label, ending)
    recorder.put(context.workspace.ledger().with_build(moved))


def _remember(context: Context, recorder: Recorder, build: Build, attempt: Attempt) -> None:
    """Put what is worth remembering of an ending into the diary, at the time at which it ended."""
    from autobuilds.runtime import diary, remembered

    found = remembered.ended(build, attempt)
    if found is not None:
        diary.remember(context, recorder, attempt.ended or recorder.now, *found)


def _tick(recorder: Recorder, label: str, ending: Ending) -> None:
    """Move the entry to Completed; one that can't be moved is the owner's to mend, and keeps no build from being settled."""
    try:
        recorder.edit(Complete(label=label, at=ending.ended.astimezone(recorder.zone)))
    except FatalQueue:
        raise
    except (BadInput, NotSo) as refused:
        recorder.faults.append(f"{label}: its entry could not be moved to Completed: {refused}")


def _delivered(context: Context, build: Build, attempt: Attempt, ready: _Ready) -> Build:
    """Move the owner's branch forward to the merge that was checked; raises Refused where that can't be."""
    if ready.held is not None or attempt.base_branch is None:
        raise Refused(ready.held or "it was built on a detached HEAD")
    repo = context.open_repo(Path(attempt.repository))
    if ready.merge is None:
        delivered = merged_as(repo, build.label, attempt)
    else:
        merged = _up_to_date(context, repo, build, attempt, ready.merge)
        repo.deliver(merged, attempt.base_branch)
        delivered = merged.commit
    drop_branch(repo, attempt.branch, attempt.head_commit)
    attempt = replace(attempt, merged_commit=delivered)
    moved = move(build, Event.DELIVERED, build.updated, attempt=attempt)
    return replace(moved, delivered_commit=delivered, delivered_branch=attempt.base_branch)


def _grade(attempt: Attempt) -> str:
    return (attempt.evidence or Evidence.CLAIMED).value


def _progress(context: Context, build: Build) -> list[str]:
    path = context.workspace.progress_file(build.label)
    return [path.relative_to(context.workspace.root).as_posix()] if path.exists() else []
