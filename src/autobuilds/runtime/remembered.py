"""What the diary says of a build: a title, and two to five facts that are the same whenever the ending is recorded."""

from __future__ import annotations

from autobuilds.domain.asking import asks
from autobuilds.domain.build import Attempt, Build, BuildState, Evidence
from autobuilds.domain.inert import code_span
from autobuilds.domain.times import elapsed, format_minutes
from autobuilds.runtime.needs_view import done_row
from autobuilds.runtime.view_values import count


def ended(build: Build, attempt: Attempt) -> tuple[str, list[str]] | None:
    """Return the title and the facts for a build as it stands after an attempt has ended; None where there is nothing to remember yet."""
    if build.state in {BuildState.REVIEW, BuildState.COMPLETED}:
        return f"Build completed: {build.name}", [*_work(build), _took(build, attempt), _then(build)]
    if build.state is not BuildState.ESCALATED:
        return None
    reason = build.reason or "no reason recorded"
    said = [f"{reason[:1].upper()}{reason[1:]}", *_failed(attempt), _took(build, attempt)]
    if attempt.branch is not None and attempt.head_commit not in {None, attempt.base_commit}:
        said.append(f"Its work is kept on {code_span(attempt.branch)}{_size(attempt)}")
    if asks(build):
        return f"Build waits for your answer: {build.name}", [*said, f"Answer: {code_span(f'autobuilds answer {build.label}')}"]
    return f"Build failed: {build.name}", [*said, f"Look at it: {code_span(f'autobuilds log {build.label}')}"]


def _work(build: Build) -> list[str]:
    row, attempt = done_row(build), build.last
    if row.evidence == Evidence.CLAIMED.value:
        checked = "Nothing was checked: done by the agent's word"
    else:
        checked = f"{row.checks_passed} of {count(row.checks_total, 'check')} passed, {row.evidence}"
    if attempt is None or attempt.head_commit in {None, attempt.base_commit}:
        return [checked, "Nothing had to change"]
    branch = f" on {code_span(row.branch)}" if row.branch and build.state is BuildState.REVIEW else ""
    return [checked, f"{count(row.files_changed or 0, 'file')} changed{_size(attempt)}{branch}"]


def _size(attempt: Attempt) -> str:
    if attempt.lines_added is None and attempt.lines_removed is None:
        return ""
    return f" (+{attempt.lines_added or 0} −{attempt.lines_removed or 0} lines)"


def _took(build: Build, attempt: Attempt) -> str:
    seconds = round(elapsed(attempt.started, attempt.ended or attempt.started).total_seconds())
    span = format_minutes(round(seconds / 60)) if seconds >= 60 else f"{max(seconds, 0)} s"
    tries = f", attempt {attempt.number}" if len(build.attempts) > 1 else ""
    return f"Took {span} with {attempt.agent}{tries}"


def _failed(attempt: Attempt) -> list[str]:
    failed = [check for check in attempt.checks if not check.passed]
    if not failed:
        return []
    shown = code_span(failed[0].command) if failed[0].command else failed[0].text
    more = f" and {len(failed) - 1} more" if len(failed) > 1 else ""
    return [f"Not passed: {shown}{more}"]


def _then(build: Build) -> str:
    if build.delivered_branch is not None:
        return f"Merged into {code_span(build.delivered_branch)}"
    if build.state is BuildState.COMPLETED:
        return "Nothing is left to do"
    held = f"{build.reason[:1].upper()}{build.reason[1:]}; it waits" if build.reason else "Waits"
    return f"{held} for your review: {code_span(f'autobuilds review {build.label}')}"
