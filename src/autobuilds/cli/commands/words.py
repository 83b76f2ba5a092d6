"""The owner's words: approve, cancel, complete, fail, reopen, retry, stop, pause, resume."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from autobuilds.cli.options import json_option, label_argument, no_commit_option, workspace_option
from autobuilds.cli.session import open_context, refuse_in_build, say, say_json


def _answer(label: str, kind: str, said: str, as_json: bool, **more: Any) -> None:
    if as_json:
        say_json({"schema": 1, "kind": kind, "label": label, **more})
    else:
        say(said)


@click.command()
@label_argument
@workspace_option
@json_option
@no_commit_option
def approve(label: str, workspace: Path | None, as_json: bool, no_commit: bool) -> None:
    """Approve a task as its text stands now.

    The line `Approved: yes` is written into the queue and a hash of the text into the ledger: when the text changes, the
    approval lapses.
    """
    from autobuilds.domain.verdicts import Verdict
    from autobuilds.runtime import owner
    from autobuilds.runtime.outlook import outlook

    refuse_in_build("approve")
    context = open_context(workspace, no_commit=no_commit)
    task = owner.approve(context, label, context.by())
    asks = [f"{g.gate}: {g.reason}" for g in outlook(context, task.label).assessment.gates if g.verdict is Verdict.ASK]
    said = f"{task.label} approved as it stands; a change of its text ends the approval"
    still = f"\nthis it can't open: {asks[0]}; autobuilds why {task.label}" if asks else ""
    _answer(task.label, "approve", said + still, as_json, still_asks=asks)


@click.command()
@label_argument
@click.option("--at", metavar="TIME", help="When it was done (YYYY-MM-DD HH:MM); default: now.")
@workspace_option
@json_option
@no_commit_option
def complete(label: str, at: str | None, workspace: Path | None, as_json: bool, no_commit: bool) -> None:
    """Take a task as done by your word (evidence: claimed) and move it to Completed."""
    from autobuilds.cli.parsing import when
    from autobuilds.runtime import owner

    refuse_in_build("complete")
    context = open_context(workspace, no_commit=no_commit)
    owner.complete(context, label, when(context, "--at", at))
    _answer(label, "complete", f"{label} completed by your word (evidence: claimed)", as_json)


@click.command()
@label_argument
@click.option("--because", default="failed by your word", show_default=True, help="The reason; the next attempt is told.")
@workspace_option
@json_option
@no_commit_option
def fail(label: str, because: str, workspace: Path | None, as_json: bool, no_commit: bool) -> None:
    """Take an attempt as failed by your word: it is stopped and tried again, or handed to you after the last try."""
    from autobuilds.runtime import owner

    refuse_in_build("fail")
    owner.fail(open_context(workspace, no_commit=no_commit), label, because)
    _answer(label, "fail", f"{label} recorded as failed; autobuilds why {label} says what follows", as_json)


@click.command()
@label_argument
@workspace_option
@json_option
@no_commit_option
def cancel(label: str, workspace: Path | None, as_json: bool, no_commit: bool) -> None:
    """Give a task up; what was built is kept on its branch, the line stays until you delete it."""
    from autobuilds.runtime import owner

    refuse_in_build("cancel")
    owner.cancel(open_context(workspace, no_commit=no_commit), label)
    _answer(label, "cancel", f"{label} cancelled; autobuilds reopen {label} brings it back", as_json)


@click.command()
@label_argument
@workspace_option
@json_option
@no_commit_option
def stop(label: str, workspace: Path | None, as_json: bool, no_commit: bool) -> None:
    """Stop a running attempt and everything that it started; its work is kept on a branch."""
    from autobuilds.runtime import owner

    refuse_in_build("stop")
    owner.stop(open_context(workspace, no_commit=no_commit), label)
    _answer(label, "stop", f"{label} stopped; autobuilds retry {label} goes on", as_json)


@click.command()
@label_argument
@click.option("--fresh", is_flag=True, help="Begin again from the branch as it is now, not from the work of the last attempt.")
@workspace_option
@json_option
@no_commit_option
def retry(label: str, fresh: bool, workspace: Path | None, as_json: bool, no_commit: bool) -> None:
    """Give a failed, stopped or cancelled build new tries; the next heartbeat starts it."""
    from autobuilds.runtime import owner

    refuse_in_build("retry")
    owner.retry(open_context(workspace, no_commit=no_commit), label, fresh=fresh)
    _answer(label, "retry", f"{label} starts again at the next heartbeat (autobuilds heartbeat)", as_json)


@click.command()
@label_argument
@workspace_option
@json_option
@no_commit_option
def reopen(label: str, workspace: Path | None, as_json: bool, no_commit: bool) -> None:
    """Put a completed or cancelled task back into Active Queue, to be built again."""
    from autobuilds.runtime import owner

    refuse_in_build("reopen")
    owner.reopen(open_context(workspace, no_commit=no_commit), label)
    _answer(label, "reopen", f"{label} is open again", as_json)


@click.command()
@click.option(
    "--until", metavar="TIME", help="When starts happen again (YYYY-MM-DD HH:MM, 18:00, or a span such as 3h); default: until `resume`."
)
@click.option("--because", metavar="TEXT", help="Why, for the status.")
@workspace_option
@json_option
@no_commit_option
def pause(until: str | None, because: str | None, workspace: Path | None, as_json: bool, no_commit: bool) -> None:
    """Start nothing until you say `resume` (or until a time); what runs goes on."""
    from autobuilds.cli.parsing import when
    from autobuilds.domain.moment import as_json as plain
    from autobuilds.domain.times import format_when
    from autobuilds.runtime import owner

    refuse_in_build("pause")
    context = open_context(workspace, no_commit=no_commit)
    held = owner.pause(context, when(context, "--until", until), because)
    ends = f"until {format_when(held.until)}" if held.until else "until autobuilds resume"
    _answer("", "pause", f"paused {ends}; what runs goes on", as_json, pause=plain(held))


@click.command()
@workspace_option
@json_option
@no_commit_option
def resume(workspace: Path | None, as_json: bool, no_commit: bool) -> None:
    """Let builds start again after a pause."""
    from autobuilds.runtime import owner

    refuse_in_build("resume")
    owner.resume(open_context(workspace, no_commit=no_commit))
    _answer("", "resume", "resumed; the next heartbeat starts what may start", as_json)
