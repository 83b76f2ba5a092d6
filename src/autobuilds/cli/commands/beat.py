"""The heartbeat and its views: heartbeat, spawn, status, why, plan, next."""

from __future__ import annotations

from pathlib import Path

import click

from autobuilds.cli import looks
from autobuilds.cli.options import json_option, no_commit_option, workspace_option
from autobuilds.cli.session import open_context, refuse_in_build, say, say_json, style
from autobuilds.errors import FatalQueue


@click.command()
@click.option("--check", "checking", is_flag=True, help="Change nothing: print every task with its verdict and reason.")
@click.option("--monitor", is_flag=True, help="Look after what runs and render, but start nothing.")
@click.option("--wait", "waiting", is_flag=True, help="Stay until every build that it started has ended.")
@click.option("--fail", "failed", metavar="LABEL", help="Record your word that this build failed (as `autobuilds fail`).")
@click.option("--complete", "completed", metavar="LABEL", help="Record your word that this task is done (as `autobuilds complete`).")
@click.option("--cancel", "cancelled", metavar="LABEL", help="Record your word that this task is given up (as `autobuilds cancel`).")
@click.option("--patient", is_flag=True, hidden=True, help="Wait for a running heartbeat instead of leaving.")
@workspace_option
@json_option
@no_commit_option
def heartbeat(
    checking: bool,
    monitor: bool,
    waiting: bool,
    failed: str | None,
    completed: str | None,
    cancelled: str | None,
    patient: bool,
    workspace: Path | None,
    as_json: bool,
    no_commit: bool,
) -> None:
    """One pass: settle what ended, run due duties, start what may start, render, commit.

    The last line is HEARTBEAT_OK when nothing needs you, and otherwise the list of what does. Safe to run at any time.
    """
    words = (("fail", failed), ("complete", completed), ("cancel", cancelled))
    said = {word: label for word, label in words if label is not None}
    if checking + monitor + waiting + len(said) > 1:
        raise click.UsageError("--check, --monitor, --wait, --fail, --complete and --cancel exclude each other")
    for word, label in said.items():
        _say_word(word, label, workspace, as_json=as_json, no_commit=no_commit)
        return
    looks.heartbeat(workspace, as_json=as_json, checking=checking, monitor=monitor, waiting=waiting, patient=patient, no_commit=no_commit)


def _say_word(word: str, label: str, workspace: Path | None, *, as_json: bool, no_commit: bool) -> None:
    """Run the command of the owner's word, as if it had been typed."""
    from autobuilds.cli.commands import words

    command = {"fail": words.fail, "complete": words.complete, "cancel": words.cancel}[word]
    given = [label, *(["--workspace", str(workspace)] if workspace else []), *(["--json"] if as_json else [])]
    command.main(args=[*given, *(["--no-commit"] if no_commit else [])], prog_name=f"autobuilds {word}", standalone_mode=False)


@click.command()
@click.argument("label", required=False)
@click.option("--label", "label_option", metavar="LABEL", help="The label, as an option.")
@click.option("--task", "spec", metavar="TEXT", help="What to build, for a task that is not in the queue yet.")
@click.option("--agent", metavar="NAME", help="The agent; `command` takes the text as Steps.")
@workspace_option
@json_option
@no_commit_option
def spawn(
    label: str | None, label_option: str | None, spec: str | None, agent: str | None, workspace: Path | None, as_json: bool, no_commit: bool
) -> None:
    """Start one task at once, past priority and window, never past risk or approval."""
    from autobuilds.runtime.spawn import spawn as start_now

    refuse_in_build("spawn")
    wanted = label or label_option
    if wanted is None or (label and label_option and label != label_option):
        raise click.UsageError("name one label: autobuilds spawn LABEL")
    action = start_now(open_context(workspace, no_commit=no_commit), wanted, spec, agent)
    if as_json:
        say_json({"schema": 1, "kind": "spawn", "label": action.label, "agent": action.agent})
    else:
        say(f"{action.label} started with {action.agent}; autobuilds log -f {action.label} follows it")


@click.command()
@workspace_option
@json_option
def status(workspace: Path | None, as_json: bool) -> None:
    """What is going on, on one screen: what needs you, what is building, what waits and why."""
    looks.status(workspace, as_json=as_json)


@click.command()
@click.argument("label", required=False)
@click.option(
    "--at", metavar="COMMIT", help="Ask about the past: a commit, branch or tag, or a time (the last commit up to that minute or day)."
)
@workspace_option
@json_option
def why(label: str | None, at: str | None, workspace: Path | None, as_json: bool) -> None:
    """Why a task is not running: which gate holds it, and what opens it; without LABEL for every task.

    --at the commit of a start gives the verdicts on which it was started, and of the other tasks those after it; at any other commit,
    and at a time, those that its files had.
    """
    from autobuilds.cli import answers
    from autobuilds.runtime.looking import look
    from autobuilds.runtime.owner import fatal_message
    from autobuilds.store.ledger import read_archive
    from autobuilds.store.workspace import LEDGER

    context = open_context(workspace)
    if at is not None:
        from autobuilds.cli import recalling
        from autobuilds.runtime.recalling import recall

        recalling.why(context, recall(context, at), label, as_json=as_json, style=style())
        return
    beat = look(context)
    if beat.loaded.snapshot.queue.fatal:
        raise FatalQueue(fatal_message(beat.loaded.snapshot.queue))
    answers.why(beat, label, lambda: read_archive(context.workspace.path(LEDGER).parent), as_json=as_json, style=style())


@click.command()
@click.option("--hours", default=12, show_default=True, type=click.IntRange(1, 24 * 14), help="How far to look ahead.")
@workspace_option
@json_option
def plan(hours: int, workspace: Path | None, as_json: bool) -> None:
    """What would start when in the coming hours, by the same gates that decide."""
    looks.plan(workspace, as_json=as_json, hours=hours)


@click.command("next")
@click.option(
    "--for",
    "time",
    metavar="TIME",
    help="The time you have: 90m, 2h, 1h30m. Only tasks that fit are shown, by their estimates or by what is learned.",
)
@click.option("--limit", default=3, show_default=True, metavar="N", type=click.IntRange(1, 10_000), help="How many tasks at most.")
@workspace_option
@json_option
def next_(time: str | None, limit: int, workspace: Path | None, as_json: bool) -> int:
    """What could be started now, best first: the tasks whose gates are all open; exit status 1 where nothing is ready.

    With --for also those that wait for your approval, for off-hours or for their window alone, with the command that lets them start;
    what builds of a kind took before counts, where ten are known.
    """
    return looks.upcoming(workspace, as_json=as_json, time=time, limit=limit)
