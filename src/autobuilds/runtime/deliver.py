"""Delivering: accept, reject and undo finished work; every way into the owner's branch leads through here or `settling`."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

from autobuilds.domain.build import Attempt, Build, BuildState, Check, Evidence
from autobuilds.domain.labels import slugify
from autobuilds.domain.lifecycle import Event, move, new_tries
from autobuilds.domain.model import Task
from autobuilds.errors import NotSo, Refused
from autobuilds.ports import CheckedMerge, Limits
from autobuilds.runtime.context import Context
from autobuilds.runtime.record import Recorder, holding, recording
from autobuilds.store.queue.operations import Reopen

Tell = Callable[[str], None]


@dataclass(frozen=True, slots=True, kw_only=True)
class Review:
    """What `review` shows of a finished build."""

    build: Build
    attempt: Attempt
    task: Task | None
    diff: str
    log_tail: str
    progress: str


def review(context: Context, label: str) -> Review:
    """Return a finished or failed build with its diff, criteria and log; raises NotSo where there is nothing to see."""
    label = slugify(label)
    build = context.workspace.ledger().find(label)
    if build is None or build.last is None:
        raise NotSo(f"{label} has no build to review; autobuilds status lists what is ready")
    attempt = build.last
    diff = ""
    if attempt.base_commit and attempt.head_commit and attempt.base_commit != attempt.head_commit:
        diff = context.open_repo(Path(attempt.repository)).diff_text(attempt.base_commit, attempt.head_commit)
    progress = context.workspace.progress_file(label)
    return Review(
        build=build,
        attempt=attempt,
        task=context.load().snapshot.queue.find(label),
        diff=diff,
        log_tail=context.runner.logs(attempt.id, 4000),
        progress=progress.read_text(errors="replace") if progress.is_file() else "",
    )


def accept(context: Context, label: str, tell: Tell, *, unchecked: bool = False) -> Build:
    """Merge a reviewed build into its base branch after running its checks on the merged tree.

    Raises Refused, with nothing changed, on conflicts, a failing check, or the owner's uncommitted work in the way.
    """
    label = slugify(label)
    with holding(context, f"accept {label}") as recorder:
        build = context.workspace.ledger().find(label)
        if build is None or build.state is not BuildState.REVIEW or build.last is None:
            state = build.state.value if build else "not built"
            raise NotSo(f"{label} is {state}; only a build that is ready for review can be accepted")
        attempt = build.last
        if attempt.head_commit is None or attempt.base_branch is None:
            raise Refused(
                f"{label} was built on a detached HEAD: merge its branch {attempt.branch} by hand, then autobuilds complete {label}"
            )
        repo = context.open_repo(Path(attempt.repository))
        scratch = _scratch(context, label)
        tell(f"merging {attempt.branch} onto {attempt.base_branch}")
        merged = repo.merge(attempt.base_branch, attempt.head_commit, scratch, _merge_message(build, attempt))
        if merged.commit is None:
            files = ", ".join(merged.conflicts[:5])
            raise Refused(
                f"{attempt.branch} conflicts with {attempt.base_branch} in {files}. Merge it by hand, or autobuilds reject {label} --because ..."
            )
        checks = () if unchecked else _checked(context, label, attempt, merged, tell)
        repo.deliver(merged, attempt.base_branch)
        repo.delete_branch(attempt.branch or "")
        shutil.rmtree(scratch, ignore_errors=True)
        evidence = Evidence.MERGED if checks else attempt.evidence
        attempt = replace(attempt, merged_commit=merged.commit, evidence=evidence, checks=(*attempt.checks, *checks))
        accepted = move(build, Event.ACCEPTED, recorder.now, attempt=attempt)
        accepted = replace(accepted, delivered_commit=merged.commit, delivered_branch=attempt.base_branch, reviewed=recorder.now)
        with recorder.transaction(f"accept {label}"):
            recorder.note(Event.ACCEPTED, label, f"merged into {attempt.base_branch}", attempt=attempt.number, record=accepted)
            recorder.put(context.workspace.ledger().with_build(accepted))
        return accepted


def _merge_message(build: Build, attempt: Attempt) -> str:
    return f"{build.name}\n\nBuild: {build.label}\nAttempt: {attempt.number}\n"


def _checked(context: Context, label: str, attempt: Attempt, merged: CheckedMerge, tell: Tell) -> tuple[Check, ...]:
    loaded = context.load()
    task = loaded.snapshot.queue.find(label)
    criteria = [c for c in task.criteria if c.commands] if task else []
    if not criteria:
        return ()
    tell(f"running {len(criteria)} checks on the merged tree")
    settings = loaded.settings
    folder = context.workspace.run_folder(attempt.id)
    environment = context.agents.invocation(attempt.agent, run_folder=folder, steps=":", passed=settings.environment).environment
    limits = Limits(check_timeout=settings.check_timeout)
    checks = context.checker.check(merged.scratch, criteria, limits, environment)
    failed = next((c for c in checks if not c.passed), None)
    if failed is not None:
        raise Refused(
            f"on the merged tree a check fails: {failed.text}\n{failed.tail.rstrip()}\n"
            f"Nothing was merged. autobuilds reject {label} --because ... sends it back, --unchecked merges all the same"
        )
    return checks


def _scratch(context: Context, label: str) -> Path:
    folder = context.workspace.private / "scratch" / label
    shutil.rmtree(folder, ignore_errors=True)
    folder.parent.mkdir(parents=True, exist_ok=True)
    return folder


def reject(context: Context, label: str, because: str) -> Build:
    """Send finished work back: a new try with the reason in its prompt, its branch kept as the starting point."""
    label = slugify(label)
    with recording(context, f"reject {label}") as (recorder, ledger):
        build = ledger.find(label)
        if build is None or build.state is not BuildState.REVIEW or build.last is None:
            raise NotSo(f"{label} is {build.state.value if build else 'not built'}; only a build that is ready for review can be rejected")
        moved = new_tries(move(build, Event.REJECTED, recorder.now, reason=f"rejected: {because}", retry_at=recorder.now), fresh=False)
        moved = replace(moved, feedback=f"The owner rejected the last result: {because}", reviewed=recorder.now)
        recorder.note(Event.REJECTED, label, because, attempt=build.last.number, record=moved)
        _reopen(context, recorder, label)
        recorder.put(ledger.with_build(moved))
        return moved


def undo(context: Context, label: str) -> Build:
    """Take a delivered build back with one reverting commit; the task returns to Active Queue and waits for the owner."""
    label = slugify(label)
    with recording(context, f"undo {label}") as (recorder, ledger):
        build = ledger.find(label)
        if build is None or build.delivered_commit is None or build.delivered_branch is None or build.last is None:
            raise NotSo(f"{label} was not merged by autobuilds; there is nothing to undo")
        repo = context.open_repo(Path(build.last.repository))
        scratch = _scratch(context, label)
        message = f"Undo: {build.name}\n\nThis takes back {build.delivered_commit[:12]}.\n\nBuild: {label}\nEvent: undone\n"
        reverted = repo.revert(build.delivered_branch, build.delivered_commit, scratch, message)
        if reverted.commit is None:
            files = ", ".join(reverted.conflicts[:5])
            raise Refused(f"what came after {label} changed the same lines ({files}); revert {build.delivered_commit[:12]} by hand")
        repo.deliver(reverted, build.delivered_branch)
        shutil.rmtree(scratch, ignore_errors=True)
        moved = move(build, Event.UNDONE, recorder.now, reason="undone by you")
        moved = replace(new_tries(moved), delivered_commit=None, delivered_branch=None)
        recorder.note(Event.UNDONE, label, f"taken back from {build.delivered_branch}", record=moved)
        _reopen(context, recorder, label)
        recorder.put(ledger.with_build(moved))
        return moved


def _reopen(context: Context, recorder: Recorder, label: str) -> None:
    task = context.load().snapshot.queue.find(label)
    if task is not None and not task.is_active:
        recorder.edit(Reopen(label=label))
