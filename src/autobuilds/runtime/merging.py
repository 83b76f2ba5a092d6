"""Merging a build onto the tip of its base branch, and checking the merged tree before the branch moves."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from autobuilds.domain.build import Attempt, Check
from autobuilds.domain.gates.machine import COMMAND
from autobuilds.domain.model import Criterion
from autobuilds.domain.paths import PROTECTED_IN_WORKSPACE, matches
from autobuilds.errors import AutobuildsError, FatalQueue, Refused
from autobuilds.ports import CheckedMerge, Limits, Repo
from autobuilds.runtime.confining import confinement
from autobuilds.runtime.context import Context

Tell = Callable[[str], None]


def scratch_for(context: Context, label: str) -> Path:
    """Return an empty place for a merge of this build."""
    folder = context.workspace.private / "scratch" / label
    shutil.rmtree(folder, ignore_errors=True)
    folder.parent.mkdir(parents=True, exist_ok=True)
    return folder


@contextmanager
def removed_on_error(scratch: Path) -> Iterator[None]:
    """Remove a scratch clone where what is done with it fails; on a full disk it would lie there until the next heartbeat."""
    try:
        yield
    except BaseException:
        shutil.rmtree(scratch, ignore_errors=True)
        raise


def merge_onto(context: Context, label: str, name: str, attempt: Attempt) -> CheckedMerge:
    """Merge a build's work onto the tip of its base branch in a scratch clone; raises Refused on conflicts, naming the files."""
    if attempt.head_commit is None or attempt.base_branch is None:
        raise Refused(f"{label} was built on a detached HEAD: merge its branch {attempt.branch} by hand, then autobuilds complete {label}")
    repo = context.open_repo(Path(attempt.repository))
    message = f"Merge build {label}: {name}\n\nBuild: {label}\nAttempt: {attempt.number}\n"
    scratch = scratch_for(context, label)
    with removed_on_error(scratch):
        merged = repo.merge(attempt.base_branch, attempt.head_commit, scratch, message)
        if merged.commit is None:
            files = ", ".join(merged.conflicts[:5])
            raise Refused(
                f"{attempt.branch} conflicts with {attempt.base_branch} in {files}. "
                f"Merge it by hand, or autobuilds reject {label} --because ..."
            )
    return merged


def check_merged(context: Context, label: str, attempt: Attempt, merged: CheckedMerge, tell: Tell) -> tuple[Check, ...]:
    """Run the task's checks on a merged tree and return them; raises Refused with the failing one's output, FatalQueue.

    Where the task is not in the queue any more they are those of the attempt.
    """
    loaded = context.load()
    if loaded.snapshot.queue.fatal:
        from autobuilds.runtime.owner import fatal_message

        raise FatalQueue(f"{fatal_message(loaded.snapshot.queue)}. Nothing was merged: the task's checks stand in there")
    task = loaded.snapshot.queue.find(label)
    if task is None:
        tell(f"{label} is not in BUILD_QUEUE.md any more; what its attempt was checked by counts")
        ran = dict.fromkeys((check.text, check.command) for check in attempt.checks if check.command is not None)
        criteria = [Criterion(text=text, commands=(command,)) for text, command in ran]
    else:
        criteria = [c for c in task.criteria if c.commands]
    if not criteria:
        return ()
    tell(f"running {len(criteria)} {'check' if len(criteria) == 1 else 'checks'} on the merged tree")
    settings = loaded.settings
    folder = context.workspace.run_folder(attempt.id)
    invocation = context.agents.invocation(COMMAND, run_folder=folder, steps=":", passed=settings.environment)
    contained = confinement(
        settings, context.sandbox.probe(), invocation, hidden=(context.workspace.root, Path(attempt.repository)), writable=(merged.scratch,)
    )
    limits = Limits(check_timeout=settings.check_timeout)
    checks = context.checker.check(merged.scratch, criteria, limits, invocation.environment, contained)
    failed = next((c for c in checks if not c.passed), None)
    if failed is not None:
        raise Refused(
            f"on the merged tree a check fails: {failed.text}\n{failed.tail.rstrip()}\n"
            f"Nothing was merged. autobuilds reject {label} --because ... sends it back, autobuilds accept {label} --unchecked merges all the same"
        )
    return checks


def pages_only(context: Context, attempt: Attempt, before: str, after: str) -> bool:
    """Whether a branch moved only by files that the tool itself writes into a workspace, which no check depends on."""
    repository = Path(attempt.repository)
    if repository != context.workspace.root:
        return False
    paths = context.open_repo(repository).diff(before, after).paths
    return all(any(matches(pattern, path) for pattern in PROTECTED_IN_WORKSPACE) for path in paths)


def merged_as(repo: Repo, label: str, attempt: Attempt) -> str | None:
    """Return the commit with which an attempt was merged, found by its trailers; None where it was merged by other means."""
    wanted = {"Build": label, "Attempt": str(attempt.number)}
    found = None
    for commit in repo.history(since=attempt.base_commit):
        if commit.subject.startswith("Merge build ") and wanted.items() <= commit.trailers.items():
            found = commit.sha
    return found


def drop_branch(repo: Repo, branch: str | None, commit: str | None) -> None:
    """Delete a build's branch whose work was merged; one that holds more, or is checked out, stays."""
    with suppress(AutobuildsError):
        if branch is not None and repo.resolve(f"refs/heads/{branch}") == commit:
            repo.delete_branch(branch)


def work_of(context: Context, repo: Repo, label: str, attempt: Attempt) -> str:
    """Return the commit that is to be merged: the build's, with what the owner has added to its branch.

    Raises Refused where the branch no longer holds the build's work.
    """
    head = attempt.head_commit
    if head is None:
        raise Refused(f"{label} left no commit; there is nothing to merge")
    tip = repo.resolve(f"refs/heads/{attempt.branch}") if attempt.branch else None
    if tip is None or tip == head:
        if repo.resolve(head) is None:
            raise Refused(f"branch {attempt.branch} is gone, and its commit {head[:12]} too. autobuilds reopen {label} builds it again")
        return head
    if not repo.contains(attempt.branch or "", head):
        raise Refused(
            f"branch {attempt.branch} no longer holds the work of {label}. Put it back with `git branch -f {attempt.branch} {head[:12]}`, "
            f"or merge the branch by hand and then autobuilds complete {label}"
        )
    own_pages = Path(attempt.repository) == context.workspace.root and any(
        matches(pattern, path) for path in repo.diff(head, tip).paths for pattern in PROTECTED_IN_WORKSPACE
    )
    return head if own_pages else tip
