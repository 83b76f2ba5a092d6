"""A build as `review` shows it: what was asked, what was checked, what changed, the end of its log."""

from __future__ import annotations

from typing import Any

from autobuilds.cli.formatters.json_ import envelope
from autobuilds.cli.formatters.style import Style
from autobuilds.domain.build import Attempt, BuildState, Check
from autobuilds.domain.inert import terminal, terminal_block
from autobuilds.domain.times import format_when
from autobuilds.runtime.deliver import Review

#: Lines of a change that are shown, the last ones; `git diff` shows longer ones.
DIFF_LINES = 5000


def review_json(shown: Review) -> dict[str, Any]:
    """Return `review --json`."""
    return envelope("review", build=shown.build, diff=shown.diff, log_tail=shown.log_tail, progress=shown.progress)


def review_text(shown: Review, style: Style, *, diff: bool) -> str:
    """Return the story of a build for the terminal."""
    build, attempt = shown.build, shown.attempt
    lines = [
        style.bold(terminal(build.name)),
        f"{build.label}: {build.state.value}" + (f" ({terminal(build.reason)})" if build.reason else ""),
    ]
    lines += _attempt(attempt)
    if shown.task is not None and shown.task.description:
        lines += ["", style.bold("Asked"), *_block(shown.task.description)]
    lines += ["", style.bold("Checks"), *(_check(c, style) for c in attempt.checks)]
    if not attempt.checks:
        lines.append("  none were run")
    if diff and shown.diff:
        lines += ["", style.bold("Change"), *(_diff_line(row, style) for row in terminal_block(shown.diff.rstrip("\n"), DIFF_LINES))]
    if shown.log_tail.strip():
        lines += ["", style.bold(f"End of its log ({attempt.log})"), *_block(shown.log_tail)]
    return "\n".join([*lines, "", *_next(build.state, build.label)]) + "\n"


def _attempt(attempt: Attempt) -> list[str]:
    ended = f", ended {format_when(attempt.ended)}" if attempt.ended else ""
    lines = [f"attempt {attempt.number} with {attempt.agent}, started {format_when(attempt.started)}{ended}"]
    outcome = attempt.outcome.value if attempt.outcome else "still running"
    lines.append(f"outcome: {outcome}" + (f" ({terminal(attempt.reason)})" if attempt.reason else ""))
    if attempt.evidence:
        lines.append(f"evidence: {attempt.evidence.value}")
    if attempt.branch:
        files = "1 file" if attempt.files_changed == 1 else f"{attempt.files_changed} files"
        size = f": {files}, +{attempt.lines_added} -{attempt.lines_removed}" if attempt.files_changed else ""
        lines.append(f"branch: {terminal(attempt.branch)}{size}")
    lines += [f"note: {terminal(note)}" for note in attempt.notes]
    if attempt.usage.cost_usd is not None:
        lines.append(f"cost: {attempt.usage.cost_usd:.2f} USD")
    return lines


def _check(check: Check, style: Style) -> str:
    mark = style.good("passed") if check.passed else style.bad("failed")
    how = f" `{terminal(check.command)}`" if check.command else " (claimed)"
    where = " on the merged tree" if check.merged else ""
    tail = "".join(f"\n    {row}" for row in _block(check.tail, "")) if check.tail.strip() and not check.passed else ""
    return f"  {mark}: {terminal(check.text)}{how if check.command is None or check.command not in check.text else ''}{where}{tail}"


def _block(text: str, indent: str = "  ") -> list[str]:
    return [f"{indent}{row}" for row in terminal_block(text.rstrip("\n"))]


def _diff_line(row: str, style: Style) -> str:
    if row.startswith("+"):
        return style.good(row)
    return style.bad(row) if row.startswith("-") else row


def _next(state: BuildState, label: str) -> list[str]:
    if state is BuildState.REVIEW:
        return [f'next: autobuilds accept {label}, or autobuilds reject {label} --because "..."']
    if state is BuildState.ESCALATED:
        return [f"next: autobuilds retry {label}, autobuilds complete {label}, or autobuilds cancel {label}"]
    return [f"next: autobuilds undo {label} takes it back"] if state is BuildState.COMPLETED else []
