"""Following builds: log, answer, report, fsck."""

from __future__ import annotations

import time
from pathlib import Path

import click

from autobuilds.cli.session import (
    json_option,
    no_commit_option,
    open_context,
    refuse_in_build,
    say,
    say_json,
    style,
    tell,
    workspace_option,
)
from autobuilds.errors import BadInput, NotSo

#: Seconds between two looks at a log that is followed.
LOOK_EVERY = 0.3


@click.command()
@click.argument("label")
@click.option("-f", "--follow", is_flag=True, help="Stay and print what is added, until the attempt has ended.")
@click.option("-n", "--lines", default=40, show_default=True, type=click.IntRange(1, 100_000), help="How many lines of the end.")
@workspace_option
@json_option
def log(label: str, follow: bool, lines: int, workspace: Path | None, as_json: bool) -> None:
    """Show the end of a build's output."""
    from autobuilds.domain.inert import terminal
    from autobuilds.domain.labels import slugify
    from autobuilds.domain.moment import RunState

    context = open_context(workspace)
    build = context.workspace.ledger().find(slugify(label))
    if build is None or build.last is None:
        raise NotSo(f"{label} has no build yet; autobuilds why {label} says what holds it")
    attempt = build.last
    text = context.runner.logs(attempt.id)
    shown = text.rstrip("\n").split("\n")[-lines:]
    if as_json:
        say_json({"schema": 1, "kind": "log", "label": build.label, "attempt": attempt.number, "file": attempt.log, "lines": shown})
        return
    if text.strip():
        say("\n".join(terminal(row) for row in shown))
    elif not follow:
        tell(f"{build.label} has written nothing yet; its output goes to {attempt.log}")
    while follow:
        state = context.runner.peek(attempt.id).state
        newer = context.runner.logs(attempt.id)
        added = newer[len(text) :] if newer.startswith(text) else newer.rpartition(text[-200:])[2]
        if added:
            say("\n".join(terminal(row) for row in added.rstrip("\n").split("\n")))
        text = newer
        if state is not RunState.RUNNING:
            return
        time.sleep(LOOK_EVERY)


@click.command()
@click.argument("label")
@click.argument("text")
@workspace_option
@json_option
@no_commit_option
def answer(label: str, text: str, workspace: Path | None, as_json: bool, no_commit: bool) -> None:
    """Answer a sub-agent's question: written into its progress log, and told to the next attempt."""
    from autobuilds.runtime.answering import answer as give

    refuse_in_build("answer")
    build = give(open_context(workspace, no_commit=no_commit), label, text)
    if as_json:
        say_json({"schema": 1, "kind": "answer", "label": build.label})
    else:
        say(f"answered; it stands in subagents/{build.label}-progress.md and in the next attempt's prompt")


@click.command()
@click.option("--date", "day", metavar="DATE", help="The day (YYYY-MM-DD); default: today.")
@click.option("--stdout", "to_stdout", is_flag=True, help="Print the page instead of writing it.")
@workspace_option
@json_option
@no_commit_option
def report(day: str | None, to_stdout: bool, workspace: Path | None, as_json: bool, no_commit: bool) -> None:
    """Write the report of a day to build-reports/, and print it for the terminal."""
    from datetime import date

    from autobuilds.cli.formatters import human, json_
    from autobuilds.runtime.reports import make_report, write_report

    if not (as_json or to_stdout):
        refuse_in_build("report")
    context = open_context(workspace, no_commit=no_commit)
    try:
        wanted = date.fromisoformat(day) if day else None
    except ValueError as wrong:
        raise BadInput(f'--date "{day}" is no date: write YYYY-MM-DD') from wrong
    made = make_report(context, wanted)
    if as_json:
        say_json(json_.report_json(made.view))
        return
    if to_stdout:
        say(made.text)
        return
    changed = write_report(context, made)
    say(human.report(made.view, style()))
    tell(f"{'written to' if changed else 'unchanged in'} {made.name}")


@click.command()
@click.option("--rebuild", is_flag=True, help="Make the ledger again from the queue and the history.")
@workspace_option
@json_option
@no_commit_option
def fsck(rebuild: bool, workspace: Path | None, as_json: bool, no_commit: bool) -> int:
    """Check the ledger against queue, history, branches and run folders; exit status 1 where something is wrong."""
    from autobuilds.cli import repairs

    if rebuild:
        refuse_in_build("fsck --rebuild")
        repairs.rebuild(open_context(workspace, no_commit=no_commit), as_json=as_json)
        return 0
    return repairs.check(open_context(workspace), as_json=as_json, style=style())
