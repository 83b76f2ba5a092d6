"""What the prompt's template is given: a task as text, how the last attempt failed, the rules that hold here. Pure."""

from __future__ import annotations

from autobuilds.domain.asking import ANSWERED
from autobuilds.domain.build import Attempt, Build, Outcome
from autobuilds.domain.model import Criterion, Task


def prompt_values(
    task: Task,
    build: Build | None,
    *,
    attempt: int,
    nonce: str,
    branch: str,
    progress_file: str,
    timeout: str,
    continues: bool = False,
    resumed: bool = False,
    may_change_nothing: bool = False,
    tail: str = "",
) -> dict[str, object]:
    """Return the context of `prompt.md.j2`.

    `nonce` is fresh for each prompt; `build` is the build before this attempt (None: the first), `tail` the last output of its last
    attempt; `continues` says that this attempt begins with that one's work,
    `resumed` that the agent goes on in the same session; `timeout` is in words.
    """
    return {
        "label": task.label,
        "attempt": attempt,
        "nonce": nonce,
        "branch": branch,
        "progress_file": progress_file,
        "timeout": timeout,
        "task_text": "\n\n".join(t for t in (task.name, task.description) if t),
        "details": _details(task),
        "checked": _criteria([c for c in task.criteria if c.commands]),
        "claimed": _criteria([c for c in task.criteria if not c.commands]),
        "touches": list(task.touches),
        "may_change_nothing": may_change_nothing,
        "continues": continues,
        "resumed": resumed,
        "interruption": _interruption(build) if resumed else "",
        "failure": _failure(build, tail),
    }


def _details(task: Task) -> str:
    rows = (
        ("Tech stack", task.tech_stack),
        ("Category", task.category),
        ("Role", task.role),
        ("Estimated time", task.estimate_text),
        ("Deliverables", ", ".join(task.deliverables)),
        ("Steps", task.steps),
        ("Notes", task.notes),
    )
    return "\n".join(f"{key}: {value}" if "\n" not in value else f"{key}:\n{value}" for key, value in rows if value)


def _criteria(criteria: list[Criterion]) -> str:
    return "\n".join(f"- {c.text}" for c in criteria)


def _interruption(build: Build | None) -> str:
    """Return how the attempt was cut off whose session goes on, and what the owner has said since."""
    last = next((a for a in reversed(build.attempts) if a.outcome is not Outcome.NOT_STARTED), None) if build is not None else None
    if build is None or last is None:
        return ""
    rows = [f"Attempt {last.number}: {last.reason or 'no reason recorded'}"]
    answers = [row for row in (build.feedback or "").split("\n") if row.startswith(ANSWERED)]
    return "\n".join([*rows, *answers])


def _failure(build: Build | None, tail: str) -> str:
    """Return what the next attempt should know of the last one that counts, or nothing where there is none."""
    if build is None:
        return ""
    last = next((a for a in reversed(build.attempts) if a.outcome not in {None, Outcome.NOT_STARTED}), None)
    rows = [] if last is None or last.outcome is Outcome.PASSED else _of_attempt(last)
    if build.feedback:
        rows.append(f"Said about it:\n{build.feedback}")
    if not rows:
        return ""
    return "\n".join([*rows, f"The end of its output:\n{tail}"] if tail.strip() else rows)


def _of_attempt(last: Attempt) -> list[str]:
    rows = [f"Attempt {last.number} ended as {last.outcome.value if last.outcome else 'unknown'}: {last.reason or 'no reason recorded'}"]
    for check in last.checks:
        if not check.passed:
            how = f"`{check.command}` ended with status {check.exit_code}" if check.command else "was not claimed with evidence"
            rows.append(f"Not met: {check.text}: {how}" + (f"\n{check.tail}" if check.tail.strip() else ""))
    return rows
