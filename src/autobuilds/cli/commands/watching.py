"""Following builds: log, watch, answer, report, fsck."""

from __future__ import annotations

import os
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING

import click

from autobuilds.cli.options import json_option, no_commit_option, workspace_option
from autobuilds.cli.session import open_context, refuse_in_build, say, say_json, style, tell
from autobuilds.errors import BadInput, NotSo

if TYPE_CHECKING:
    from autobuilds.runtime.following import Follower

#: Seconds between two looks at a log that is followed.
LOOK_EVERY = 0.25


@click.command()
@click.argument("label")
@click.option("-f", "--follow", is_flag=True, help="Stay and print what comes, from attempt to attempt, until the build is over.")
@click.option("-n", "--lines", default=40, show_default=True, type=click.IntRange(1, 1_000_000), help="How many lines of the end.")
@click.option("--all", "everything", is_flag=True, help="Everything from the start of the first attempt, not only the end of the last.")
@click.option("--attempt", "number", metavar="N", type=click.IntRange(1), help="The attempt; default: the last.")
@click.option("--raw", is_flag=True, help="As the agent's program printed it, not made readable.")
@workspace_option
@json_option
def log(
    label: str, follow: bool, lines: int, everything: bool, number: int | None, raw: bool, workspace: Path | None, as_json: bool
) -> None:
    """Show the end of a build's output, or follow it live."""
    from autobuilds.runtime import following

    context = open_context(workspace)
    build = following.find_build(context, label)
    chosen = build.attempts if everything else tuple(a for a in build.attempts if a.number == (number or build.attempts[-1].number))
    if not chosen:
        raise NotSo(f"{build.label} has no attempt {number}; there are {', '.join(str(a.number) for a in build.attempts)}")
    wanted = None if everything else lines
    shown = chosen[:-1] if follow and not as_json else chosen
    parts = [(a, following.last_lines(context, a, wanted, raw=raw)) for a in shown]
    if as_json:
        last, rows = parts[-1]
        file = following.output_file(context, last, raw=raw)
        known = {
            "label": build.label,
            "attempt": last.number,
            "file": last.log if not raw else str(file.relative_to(context.workspace.root)),
        }
        more = [{"attempt": a.number, "lines": found} for a, found in parts]
        say_json({"schema": 1, "kind": "log", **known, "lines": rows, "attempts": more})
        return
    for attempt, rows in parts:
        if len(chosen) > 1:
            tell(f"attempt {attempt.number} with {attempt.agent}")
        say("\n".join(rows))
    if not follow:
        if not any(rows for _, rows in parts):
            wrote = "has written nothing yet; its output goes to" if chosen[-1].ended is None else "put out nothing; that would stand in"
            tell(f"{build.label} {wrote} {chosen[-1].log}")
        return
    if len(chosen) > 1:
        tell(f"attempt {chosen[-1].number} with {chosen[-1].agent}")
    _follow(following.Follower(context=context, label=build.label, attempt=chosen[-1], raw=raw, lines=wanted))


def _follow(follower: Follower) -> None:
    """Print what comes until nothing follows."""
    try:
        while True:
            step = follower.step()
            if step.lines:
                say("\n".join(step.lines))
                sys.stdout.flush()
            for words in step.said:
                tell(words)
            if step.over:
                return
            if not step.lines:
                time.sleep(LOOK_EVERY)
    finally:
        follower.close()


@click.command()
@click.option("--once", is_flag=True, help="Print what would be shown, and leave; so does a pipe in the terminal's place.")
@click.option(
    "--every", metavar="SECONDS", default=1.0, show_default=True, type=click.FloatRange(0.1, 3600), help="Time between two looks."
)
@workspace_option
@json_option
def watch(once: bool, every: float, workspace: Path | None, as_json: bool) -> None:
    """Show live what runs and what waits, on one screen; q or Ctrl-C leaves."""
    from autobuilds.cli import live

    context = open_context(workspace)
    if as_json:
        say_json(live.answer(context))
    elif once or os.environ.get("TERM") == "dumb" or not (sys.stdout.isatty() and sys.stdin.isatty()):
        live.once(context, style())
    else:
        live.stay(context, style(), every)


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
        where = f"it stands in subagents/{build.label}-progress.md and in the next attempt's prompt"
        again = build.state.value == "retrying" and build.reason == "answered by you"
        say(f"answered; {where}{'; it starts again at the next heartbeat (autobuilds heartbeat)' if again else ''}")


@click.command()
@click.option("--date", "day", metavar="DATE", help="The day (YYYY-MM-DD); default: today.")
@click.option("--stdout", "to_stdout", is_flag=True, help="Print the page instead of writing it.")
@click.option("--write", "to_file", is_flag=True, help="Write the page, as without an option (as in `brief --write`).")
@workspace_option
@json_option
@no_commit_option
def report(day: str | None, to_stdout: bool, to_file: bool, workspace: Path | None, as_json: bool, no_commit: bool) -> None:
    """Write the report of a day to build-reports/, and print it for the terminal."""
    from datetime import date

    from autobuilds.cli.formatters import human, json_
    from autobuilds.runtime.reports import make_report, write_report

    if to_file and (as_json or to_stdout):
        raise click.UsageError("--write excludes --stdout and --json, which write nothing")
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
