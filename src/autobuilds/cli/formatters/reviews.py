"""A build as `review` shows it, from what was asked down to what the owner may do now; and the list of what waits."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any

from autobuilds.cli.formatters.change_text import diff_lines, file_bars
from autobuilds.cli.formatters.columns import ago, cells, cut, wrap
from autobuilds.cli.formatters.json_ import envelope
from autobuilds.cli.formatters.style import Style
from autobuilds.domain.build import Attempt, Build, BuildState, Check, Usage
from autobuilds.domain.inert import terminal, terminal_block
from autobuilds.domain.model import Task
from autobuilds.domain.times import elapsed, format_when
from autobuilds.runtime.needs_view import done_row
from autobuilds.runtime.story import Story

#: Lines shown of the prompt, of what the agent did, of its last words, of a passed and of a failed check's output, of the log's end.
PROMPT_LINES, DID_LINES, SAID_LINES, PASSED_LINES, FAILED_LINES, LOG_LINES = 8, 20, 40, 2, 30, 20
_STANDS = {
    BuildState.BUILDING: "is being built",
    BuildState.RETRYING: "will be tried again",
    BuildState.REVIEW: "waits for your review",
    BuildState.COMPLETED: "completed",
    BuildState.ESCALATED: "was handed over to you",
    BuildState.CANCELLED: "cancelled",
}


def review_json(story: Story) -> dict[str, Any]:
    """Return `review LABEL --json`."""
    prompt = {"file": story.prompt.file, "text": story.prompt.text}
    return envelope(
        "review",
        build=story.build,
        attempt=story.attempt.number,
        diff=story.diff,
        log_tail=story.log_tail,
        progress=story.progress,
        prompt=prompt,
        did=story.did,
        files=story.files,
        commands=story.commands,
        faults=story.faults,
    )


def waiting_json(builds: Sequence[Build]) -> dict[str, Any]:
    """Return `review --json`: what waits, the oldest first."""
    rows = [
        {**envelope("review", row=done_row(b))["row"], "cost_usd": _cost(b.attempts), "reason": b.reason, "pull_request": _address(b)}
        for b in builds
    ]
    return envelope("review", waiting=rows)


def waiting_text(builds: Sequence[Build], now: datetime, style: Style) -> str:
    """Return what waits for review, a line each, cut to the terminal's width where there is one."""
    if not builds:
        return "Nothing waits for your review.\n"
    width = min(max(len(b.label) for b in builds), 40)
    lines = []
    for build in builds:
        row = done_row(build)
        size = "" if row.files_changed is None else f", {_files(row.files_changed)} +{row.lines_added or 0} -{row.lines_removed or 0}"
        checks = f", {row.checks_passed} of {row.checks_total} checks" if row.checks_total else ""
        cost = "" if (usd := _cost(build.attempts)) is None else f", {usd:.2f} USD"
        when = f", {ago(row.finished, now)}" if row.finished else ""
        address = f", {terminal(found)}" if (found := _address(build)) else ""
        label = cut(build.label, width)
        lines.append(
            style.good(label) + " " * (width - len(label)) + f"  {row.evidence}{checks}{size}{cost}{when}{address}: {terminal(build.name)}"
        )
    return "\n".join(lines) + "\n\nautobuilds review LABEL tells the story of one\n"


def review_text(story: Story, style: Style, *, prompt: bool = False, diff: bool = True, stat_only: bool = False) -> str:
    """Return the story of a build for the terminal; `prompt` shows it whole, `stat_only` leaves out all but the change's size."""
    change = _change(story, style)
    if stat_only:
        return "\n".join(change[1:] or ["nothing was changed"]) + "\n"
    blocks = [
        _head(story, style),
        _asked(story.task, style),
        [style.bold("Attempts"), *(line for a in story.build.attempts for line in _attempt(a, story.attempt, style))],
        _prompt(story, style, whole=prompt),
        _did(story, style),
        change,
        _checks(story.attempt, style),
        [style.bold("Cost"), *(f"  {line}" for line in _costs(story.build.attempts, story.attempt))],
        _log_end(story, style),
        [style.bold("Diff"), *diff_lines(story.diff, style)] if diff and story.diff else [],
        [style.bold("Next"), *(f"  {terminal(c)}" for c in story.commands)],
    ]
    return "\n\n".join("\n".join(block) for block in blocks if block) + "\n"


def _head(story: Story, style: Style) -> list[str]:
    build = story.build
    reason = f": {build.reason}" if build.reason else ""
    lines = [style.bold(f"{terminal(build.name)} ({build.label})"), *wrap(f"{_STANDS[build.state]}{reason}", style.width, rest="  ")]
    if (address := _address(build)) is not None:
        lines.append(f"pull request: {terminal(address)}")
    if build.delivered_branch:
        lines.append(f"merged into {terminal(build.delivered_branch)} as {(build.delivered_commit or 'unknown')[:12]}")
    return [*lines, *(style.bad(row) for fault in story.faults for row in wrap(fault, style.width, rest="  "))]


def _asked(task: Task | None, style: Style) -> list[str]:
    if task is None:
        return [style.bold("Asked"), "  its entry is gone from the queue"]
    lines = [style.bold("Asked"), *_block(task.description, style)] if task.description else [style.bold("Asked")]
    return [*lines, *(row for c in task.criteria for row in wrap(c.text, style.width, first="  - "))]


def _attempt(attempt: Attempt, shown: Attempt, style: Style) -> list[str]:
    """Return who ran an attempt, how it ended and why; the one that is told below is marked."""
    mark = "*" if attempt.id == shown.id else " "
    with_model = f" ({terminal(attempt.model)})" if attempt.model else ""
    took = f", took {_span((elapsed(attempt.started, attempt.ended)).total_seconds())}" if attempt.ended else ""
    resumed = ", resumed" if attempt.resumed else ""
    outcome = attempt.outcome.value if attempt.outcome else "still running"
    paint = style.good if outcome == "passed" else style.warn if attempt.outcome is None else style.bad
    failure = f" ({attempt.failure.value})" if attempt.failure else ""
    who = f"{terminal(attempt.agent)}{with_model}, sandbox {terminal(attempt.sandbox)}"
    lead = f" {mark}{attempt.number}  "
    told = f"{outcome}{failure}, {who}, {format_when(attempt.started)}{took}{resumed}"
    first, *others = wrap(told, style.width, first=lead, rest="    ")
    lines = [lead + paint(outcome) + first[len(lead) + len(outcome) :], *others]
    lines += wrap(attempt.reason, style.width, first="    ") if attempt.reason else []
    return [*lines, *(row for note in attempt.notes for row in wrap(f"note: {note}", style.width, first="    "))]


def _span(seconds: float) -> str:
    if seconds < 120:
        return f"{seconds:.0f} s"
    return f"{seconds / 60:.0f} min" if seconds < 7200 else f"{seconds / 3600:.1f} h"


def _prompt(story: Story, style: Style, *, whole: bool) -> list[str]:
    text, file = story.prompt.text, story.prompt.file
    if text is None:
        return [style.bold("Prompt"), f"  {file} {story.prompt.why or 'is gone'}"]
    rows = list(terminal_block(text.strip("\n"), 100_000))
    if whole:
        return [style.bold(f"Prompt ({file})"), *(f"  {row}".rstrip() for row in rows)]
    if len(rows) <= PROMPT_LINES:
        return [style.bold(f"Prompt ({file})"), *(line for row in rows for line in _folded(row, style.width, "  "))]
    kept = [f"  {cut(row, style.width - 2)}".rstrip() for row in rows[:PROMPT_LINES]]
    return [
        style.bold(f"Prompt ({file})"),
        *kept,
        style.dim(f"  ... {len(rows) - PROMPT_LINES} more lines: autobuilds review {story.build.label} --prompt"),
    ]


def _did(story: Story, style: Style) -> list[str]:
    lines = [line for row in story.did[-DID_LINES:] for line in wrap(row, style.width, first="  ", rest="    ")]
    if len(story.did) > DID_LINES:
        lines.insert(0, style.dim(f"  ... {len(story.did) - DID_LINES} lines before: autobuilds log {story.build.label}"))
    if story.attempt.said:
        rows = terminal_block(story.attempt.said.strip("\n"), 100_000)
        cut_off = [style.dim(f"    ... {len(rows) - SAID_LINES} more lines")] if len(rows) > SAID_LINES else []
        said = [line for row in rows[:SAID_LINES] for line in _folded(row, style.width, "    ")]
        lines += ["  its last words:", *said, *cut_off]
    return [style.bold("What it did"), *lines] if lines else []


def _change(story: Story, style: Style) -> list[str]:
    attempt = story.attempt
    if not story.files:
        return []
    added, removed = sum(f.added or 0 for f in story.files), sum(f.removed or 0 for f in story.files)
    where = f" on {terminal(attempt.branch)}" if attempt.branch else ""
    return [style.bold(f"Change: {_files(len(story.files))}, +{added} -{removed}{where}"), *file_bars(story.files, style)]


def _checks(attempt: Attempt, style: Style) -> list[str]:
    grade = f" ({attempt.evidence.value})" if attempt.evidence else ""
    lines = [line for check in attempt.checks for line in _check(check, style)]
    return [style.bold(f"Checks{grade}"), *(lines or ["  none were run"])]


def _check(check: Check, style: Style) -> list[str]:
    word, paint = ("passed", style.good) if check.passed else ("failed", style.bad)
    where = " on the merged tree" if check.merged else ""
    if check.command is None:
        told = wrap(check.tail, style.width, first="    ") if check.tail.strip() else []
        word, paint = ("claimed", style.warn) if check.passed else ("not met", style.bad)
        return [*_marked(word, paint(word), f": {check.text}", style), *told]
    took = f" in {check.seconds:.1f} s" if check.seconds is not None else ""
    status = f" with exit status {check.exit_code}" if check.exit_code else ""
    named = [] if check.command in check.text else [f"    $ {terminal(check.command)}"]
    rows = [row for row in terminal_block(check.tail.rstrip("\n"), PASSED_LINES if check.passed else FAILED_LINES) if row.strip()]
    head = _marked(word, paint(word), f"{where}{status}{took}: {check.text}", style)
    return [*head, *named, *(style.dim(f"    {row}") for row in rows)]


def _marked(word: str, painted: str, rest: str, style: Style) -> list[str]:
    """Return `  word` and what follows it, wrapped, the word in its colour."""
    first, *others = wrap(word + rest, style.width, first="  ", rest="    ")
    return ["  " + painted + first[2 + len(word) :], *others]


def _costs(attempts: Iterable[Attempt], shown: Attempt) -> list[str]:
    every = tuple(attempts)
    lines = [_used(shown.usage)]
    total = _cost(every)
    if len(every) > 1 and total is not None:
        lines.append(f"{total:.2f} USD in all {len(every)} attempts")
    return lines


def _used(usage: Usage) -> str:
    tokens = f"{usage.tokens_in or 0:,} tokens in, {usage.tokens_out or 0:,} out" if usage.tokens_in or usage.tokens_out else None
    parts = (
        f"{usage.cost_usd:.2f} USD" if usage.cost_usd is not None else None,
        tokens,
        f"{usage.cpu_seconds:.1f} s of CPU" if usage.cpu_seconds is not None else None,
    )
    said = ", ".join(part for part in parts if part)
    return said if usage.cost_usd is not None else f"not reported by the agent{'; ' + said if said else ''}"


def _cost(attempts: Iterable[Attempt]) -> float | None:
    costs = [a.usage.cost_usd for a in attempts if a.usage.cost_usd is not None]
    return sum(costs) if costs else None


def _log_end(story: Story, style: Style) -> list[str]:
    if not story.log_tail.strip() or (story.did and story.attempt.outcome is not None and story.attempt.outcome.value == "passed"):
        return []
    rows = terminal_block(story.log_tail.rstrip("\n"), LOG_LINES)
    return [style.bold(f"End of its output ({story.attempt.log})"), *(f"  {row}".rstrip() for row in rows)]


def _address(build: Build) -> str | None:
    return build.last.pull_request if build.last is not None else None


def _files(number: int) -> str:
    return "1 file" if number == 1 else f"{number} files"


def _block(text: str, style: Style) -> list[str]:
    return [line for row in terminal_block(text.strip("\n")) for line in _folded(row, style.width, "  ")]


def _folded(row: str, width: int, lead: str) -> list[str]:
    """Return a row of text behind `lead`, as it is where it fits; a longer one goes on below where it began."""
    if cells(lead + row) <= width:
        return [f"{lead}{row}".rstrip()]
    begin = lead + row[: len(row) - len(row.lstrip(" "))]
    return wrap(row.lstrip(" "), width, first=begin)
