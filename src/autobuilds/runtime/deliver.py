"""Delivering: accept, reject and undo finished work; every way into the owner's branch leads through here or `settling`."""

from __future__ import annotations

import shutil
from pathlib import Path

from autobuilds.domain.build import Attempt, Build, BuildState, Check, Evidence, Outcome
from autobuilds.domain.labels import slugify
from autobuilds.domain.lifecycle import Event, move, new_tries
from autobuilds.errors import NotSo, Refused
from autobuilds.ports import Repo
from autobuilds.records import replace
from autobuilds.runtime.context import Context
from autobuilds.runtime.merging import Tell, check_merged, drop_branch, merge_onto, merged_as, scratch_for, work_of
from autobuilds.runtime.pages import refresh
from autobuilds.runtime.record import Recorder, holding, recording
from autobuilds.runtime.refusals import for_review
from autobuilds.runtime.settling import keep_work
from autobuilds.store.queue.operations import Reopen


def accept(context: Context, label: str, tell: Tell, *, unchecked: bool = False) -> Build:
    """Merge a reviewed build into its base branch after running its checks on the merged tree.

    What the owner has added to the build's branch is merged with it; work that is in the base branch already is taken as
    accepted. Raises Refused, with nothing changed, on conflicts, a failing check, or the owner's uncommitted work in the way.
    """
    label = slugify(label)
    with holding(context, f"accept {label}") as recorder:
        build, last = for_review(context.workspace.ledger(), label, "accepted")
        attempt, checks = _merged(context, label, build, last, tell, unchecked=unchecked)
        evidence = Evidence.MERGED if checks else attempt.evidence
        attempt = replace(attempt, evidence=evidence, checks=(*attempt.checks, *checks))
        accepted = move(build, Event.ACCEPTED, recorder.now, attempt=attempt)
        accepted = replace(accepted, delivered_commit=attempt.merged_commit, delivered_branch=attempt.base_branch, reviewed=recorder.now)
        with recorder.transaction(f"accept {label}", hold=True):
            recorder.note(Event.ACCEPTED, label, f"merged into {attempt.base_branch}", attempt=attempt.number, record=accepted)
            recorder.put(context.workspace.ledger().with_build(accepted))
        refresh(context, recorder)
        return accepted


def _merged(
    context: Context, label: str, build: Build, attempt: Attempt, tell: Tell, *, unchecked: bool
) -> tuple[Attempt, tuple[Check, ...]]:
    """Merge, check and deliver; return the attempt with the merge's commit, and the checks that ran."""
    repo = context.open_repo(Path(attempt.repository))
    attempt = replace(attempt, head_commit=work_of(context, repo, label, attempt))
    if attempt.base_branch is not None and repo.contains(attempt.base_branch, attempt.head_commit or ""):
        tell(f"{attempt.branch} is in {attempt.base_branch} already")
        drop_branch(repo, attempt.branch, attempt.head_commit)
        return replace(attempt, merged_commit=merged_as(repo, label, attempt)), ()
    merged = merge_onto(context, label, build.name, attempt)
    try:
        _not_upon_rejected(context, repo, label, attempt)
        tell(f"merging {attempt.branch} onto {attempt.base_branch}")
        checks = () if unchecked else check_merged(context, label, attempt, merged, tell)
        repo.deliver(merged, attempt.base_branch or "")
        drop_branch(repo, attempt.branch, attempt.head_commit)
    finally:
        shutil.rmtree(merged.scratch, ignore_errors=True)
    return replace(attempt, merged_commit=merged.commit), checks


def _not_upon_rejected(context: Context, repo: Repo, label: str, attempt: Attempt) -> None:
    """Raise Refused where a build stands upon work of another that was sent back: a merge would bring that along."""
    if attempt.base_branch is None or attempt.base_commit is None or repo.contains(attempt.base_branch, attempt.base_commit):
        return
    for other in context.workspace.ledger().builds:
        newest = other.last.head_commit if other.last is not None else None
        stands = other.state in {BuildState.COMPLETED, BuildState.REVIEW} and newest == attempt.base_commit
        if not stands and any(a.head_commit == attempt.base_commit for a in other.attempts):
            raise Refused(
                f"{label} is built upon work of {other.label} that is {other.state.value} now, and would bring it along; "
                f'autobuilds reject {label} --because "{other.label} changes" has it built anew'
            )


def reject(context: Context, label: str, because: str) -> Build:
    """Send finished work back: a new try with the reason in its prompt, its branch kept as the starting point."""
    label = slugify(label)
    with recording(context, f"reject {label}") as (recorder, ledger):
        build, last = for_review(ledger, label, "rejected")
        attempt = rejected(context, last, because)
        moved = move(build, Event.REJECTED, recorder.now, reason=f"rejected: {because}", retry_at=recorder.now, attempt=attempt)
        moved = new_tries(moved, fresh=False)
        moved = replace(moved, feedback=f"The owner rejected the last result: {because}", reviewed=recorder.now)
        recorder.note(Event.REJECTED, label, because, attempt=last.number, record=moved)
        _reopen(context, recorder, label)
        recorder.put(ledger.with_build(moved))
        return moved


def rejected(context: Context, attempt: Attempt, because: str) -> Attempt:
    """Return a finished attempt as the owner judged it, its work kept on a branch that no other attempt takes."""
    branch, notes = keep_work(context, attempt, passed=False)
    return replace(attempt, outcome=Outcome.REJECTED, reason=because, branch=branch, notes=(*attempt.notes, *notes))


def undo(context: Context, label: str) -> Build:
    """Take a delivered build back with one reverting commit; the task returns to Active Queue and waits for the owner."""
    label = slugify(label)
    with recording(context, f"undo {label}") as (recorder, ledger):
        build = ledger.find(label)
        if build is None or build.delivered_commit is None or build.delivered_branch is None or build.last is None:
            raise NotSo(f"{label} was not merged by autobuilds; there is nothing to undo")
        _take_back(context, build, build.delivered_commit, build.delivered_branch, Path(build.last.repository))
        moved = move(build, Event.UNDONE, recorder.now, reason="undone by you")
        moved = replace(new_tries(moved), delivered_commit=None, delivered_branch=None)
        recorder.note(Event.UNDONE, label, f"taken back from {build.delivered_branch}", record=moved)
        _reopen(context, recorder, label)
        recorder.put(ledger.with_build(moved))
        return moved


def _take_back(context: Context, build: Build, commit: str, branch: str, repository: Path) -> None:
    """Revert a delivered commit, unless an undo did that already which was killed before it was recorded."""
    repo = context.open_repo(repository)
    wanted = {"Build": build.label, "Event": "undone"}.items()
    if any(c.subject.startswith("Undo: ") and wanted <= c.trailers.items() for c in repo.history(since=commit)):
        return
    scratch = scratch_for(context, build.label)
    message = f"Undo: {build.name}\n\nThis takes back {commit[:12]}.\n\nBuild: {build.label}\nEvent: undone\n"
    try:
        reverted = repo.revert(branch, commit, scratch, message)
        if reverted.commit is None:
            files = ", ".join(reverted.conflicts[:5])
            raise Refused(f"what came after {build.label} changed the same lines ({files}); revert {commit[:12]} by hand")
        repo.deliver(reverted, branch)
    finally:
        shutil.rmtree(scratch, ignore_errors=True)


def _reopen(context: Context, recorder: Recorder, label: str) -> None:
    task = context.load().snapshot.queue.find(label)
    if task is not None and not task.is_active:
        recorder.edit(Reopen(label=label))
