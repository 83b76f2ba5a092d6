"""Assessing tasks: what the risk and requirements rules say, with or without a queue."""

from __future__ import annotations

from pathlib import Path

import click

from autobuilds.cli.options import json_option, workspace_option
from autobuilds.cli.session import find_workspace, open_context, say, say_json, style, tell
from autobuilds.errors import FatalQueue, NoWorkspace


@click.command()
@click.argument("label", required=False)
@click.option("--jsonl", metavar="FILE|-", help="Judge tasks that stand in no queue: one JSON object a line in, one judgement a line out.")
@workspace_option
@json_option
def assess(label: str | None, jsonl: str | None, workspace: Path | None, as_json: bool) -> None:
    """What the gates risk and requirements would say of a task, in words; without LABEL of every waiting task.

    A line of --jsonl is {id, name, description, criteria, steps, category, estimated_time}; keys may be missing or null. Rules
    are those of the workspace's DECISION_FRAMEWORK.md, or the packaged ones where there is no workspace.
    """
    from autobuilds.cli import judgements
    from autobuilds.runtime import assessing
    from autobuilds.runtime.owner import fatal_message, find_task

    if jsonl is not None:
        if label is not None:
            raise click.UsageError("LABEL and --jsonl exclude each other")
        say(judgements.of_lines(jsonl, _root(workspace)))
        return
    loaded = open_context(workspace).load()
    queue, policy = loaded.snapshot.queue, loaded.snapshot.policy
    if queue.fatal:
        raise FatalQueue(fatal_message(queue))
    for problem in policy.problems:
        tell(f"warning: {problem}")
    tasks = [find_task(loaded, label)] if label is not None else [task for task in queue.active if not task.checked]
    judged = [assessing.assess(assessing.subject_of(task), policy) for task in tasks]
    if as_json:
        say_json({"schema": 1, "kind": "assess", "tasks": [judgements.in_words(one) for one in judged]})
    else:
        say("\n".join(judgements.as_text(one, style()) for one in judged) or "no task waits")


def _root(workspace: Path | None) -> Path | None:
    try:
        return find_workspace(workspace)
    except NoWorkspace:
        if workspace is not None:
            raise
        return None
