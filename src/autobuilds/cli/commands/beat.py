"""The heartbeat and its views: heartbeat, spawn, status, why, plan."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

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
from autobuilds.errors import Busy, FatalQueue
from autobuilds.records import replace

if TYPE_CHECKING:
    from autobuilds.runtime.context import Context
    from autobuilds.runtime.looking import Beat

#: Seconds that the heartbeat of an ended build waits for a running heartbeat, since it must not be missed.
PATIENT = 120.0


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
    from autobuilds.cli import answers, keeping
    from autobuilds.runtime import heartbeat as beats

    words = (("fail", failed), ("complete", completed), ("cancel", cancelled))
    said = {word: label for word, label in words if label is not None}
    if checking + monitor + waiting + len(said) > 1:
        raise click.UsageError("--check, --monitor, --wait, --fail, --complete and --cancel exclude each other")
    for word, label in said.items():
        _say_word(word, label, workspace, as_json=as_json, no_commit=no_commit)
        return
    if not checking:
        refuse_in_build("heartbeat")
    context = open_context(workspace, no_commit=no_commit)
    if checking:
        answers.check_beat(beats.look(context), as_json=as_json, style=style())
        return
    if waiting:
        context = replace(context, heartbeat_argv=())
    before = None if monitor or waiting or no_commit else keeping.before_all(context)
    try:
        beat = beats.beat(context, start=not monitor, patience=PATIENT if patient else beats.PATIENCE)
    except Busy as busy:
        tell(f"{busy}\nanother heartbeat is at work; this one has nothing to add")
        if as_json:
            answers.left_to_another(str(busy))
        return
    if waiting:
        beat = _stay(context, beat, as_json=as_json)
    answers.heartbeat(beat, as_json=as_json, style=style())
    keeping.keep(
        context, before, beat, "heartbeat", lambda _: answers.heartbeat_text(beat, as_json=as_json, style=style()), as_json=as_json
    )


def _stay(context: Context, beat: Beat, *, as_json: bool) -> Beat:
    """Stay until every build that was started has ended; what happens meanwhile is told, or kept for the answer in JSON."""
    from autobuilds.cli import answers
    from autobuilds.runtime import heartbeat as beats

    earlier: list[dict[str, Any]] = []
    tell_each = earlier.extend if as_json else answers.tell_transitions
    last = beats.stay(context, beat, lambda b: tell_each(b.transitions))
    return replace(last, transitions=(*earlier, *last.transitions))


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
    from autobuilds.cli import answers, keeping
    from autobuilds.runtime.looking import look

    context, how = open_context(workspace), style()
    before = keeping.before_all(context)
    found = look(context)
    say(answers.status_text(found, found.moment.now, as_json=as_json, style=how))
    keeping.keep(context, before, found, "status", lambda at: answers.status_text(found, at, as_json=as_json, style=how), as_json=as_json)


@click.command()
@click.argument("label", required=False)
@click.option("--at", metavar="COMMIT", help="Ask about the past: a commit, branch or tag, or a time (the last commit at or before it).")
@workspace_option
@json_option
def why(label: str | None, at: str | None, workspace: Path | None, as_json: bool) -> None:
    """Why a task is not running: which gate holds it, and what opens it; without LABEL for every task.

    --at the commit of a start gives the verdicts on which it was started; at any other commit, and at a time, those that its files had.
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
    from autobuilds.cli import answers
    from autobuilds.planning.forecast import forecast
    from autobuilds.runtime.looking import look

    beat = look(open_context(workspace))
    answers.forecast(forecast(beat.loaded.snapshot, beat.moment, hours), as_json=as_json, style=style())
