"""Reading the queue: list, show, check."""

from __future__ import annotations

from pathlib import Path

import click

from autobuilds.cli import looks
from autobuilds.cli.options import json_option, workspace_option
from autobuilds.cli.session import open_context, say, say_json, style


@click.command(name="list")
@click.option("--all", "everything", is_flag=True, help="Completed tasks too.")
@workspace_option
@json_option
def list_(everything: bool, workspace: Path | None, as_json: bool) -> int:
    """List the tasks of the queue."""
    looks.list_tasks(workspace, as_json=as_json, everything=everything)
    return 0


@click.command()
@click.argument("label")
@click.option("--template", is_flag=True, help="Print what is missing as Markdown to paste into the task's details.")
@workspace_option
@json_option
def show(label: str, template: bool, workspace: Path | None, as_json: bool) -> None:
    """Show one task with everything that the queue says of it."""
    from autobuilds.cli.formatters import human, json_
    from autobuilds.planning import situate
    from autobuilds.runtime.observe import observe
    from autobuilds.runtime.owner import find_task

    context = open_context(workspace)
    loaded = context.load()
    task = find_task(loaded, label)
    if template:
        situation = situate(task, loaded.snapshot, observe(context, loaded))
        say(situation.clarity_template or f"nothing is missing in {task.label}")
    elif as_json:
        say_json(json_.show_json(task))
    else:
        say(human.show(task, style()))


@click.command()
@workspace_option
@json_option
def check(workspace: Path | None, as_json: bool) -> int:
    """Check the queue, HEARTBEAT.md and DECISION_FRAMEWORK.md; exit status 1 where there are problems.

    Every list item, heading and table row of the queue's three sections is accounted for, and lines that other Markdown
    readers may take otherwise are named.
    """
    from autobuilds.cli.formatters import human, json_
    from autobuilds.store.queue.opinions import second_opinions

    loaded = open_context(workspace).load()
    snapshot = loaded.snapshot
    problems = (*snapshot.queue.problems, *second_opinions(loaded.document), *snapshot.problems)
    if as_json:
        answer = json_.check_json(snapshot.queue)
        answer["problems"] = [json_.problem_json(p) for p in problems]
        say_json(answer)
    else:
        say(human.problems(problems, snapshot.queue.counts, style()))
    return 1 if problems or snapshot.queue.fatal else 0
