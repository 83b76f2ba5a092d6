"""Adding tasks: one by options, many from JSON Lines, one by an interactive form."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import click

from autobuilds.cli.options import json_option, no_commit_option, workspace_option
from autobuilds.cli.session import open_context, refuse_in_build, tell

Command = Callable[..., Any]

_TEXTS: tuple[tuple[str, str, str, str], ...] = (
    ("--desc", "description", "TEXT", "What is wanted, specific enough to start without a question."),
    ("--priority", "priority", "high|medium|low", "High starts at any time, Medium in off-hours, Low when approved; default: Medium."),
    ("--time", "estimate", "T", "How long it takes: 4 hours, 90 min, 4-6 hours, 2 days (of 8 h)."),
    ("--tech", "tech_stack", "T", "Languages, libraries, tools."),
    ("--category", "category", "C", "A category of DECISION_FRAMEWORK.md, such as Bug fixes."),
    ("--not-before", "not_before", "T", "The first time it may start: YYYY-MM-DD HH:MM, or a span from now such as 3h."),
    ("--window", "window", "NAME", "The window of HEARTBEAT.md in which alone it starts: quick-win, overnight, work-hours, weekend."),
    ("--repository", "repository", "PATH", "The Git repository it is built in; default: the workspace."),
    ("--base", "base", "BRANCH", "The branch it starts from; default: the repository's current one."),
    ("--agent", "agent", "A", "The agent that builds it; default: `command` with Steps, else the configured or first installed one."),
    ("--role", "role", "ROLE", "The role whose instructions the agent gets."),
    ("--timeout", "timeout", "T", "The longest time of one attempt: 90 min, 4h."),
    ("--label", "label", "LABEL", "Its label; default: the slug of the name."),
    ("--source", "source", "TEXT", "Who wants it, when that is not you: a routine, an event, a plan."),
    ("--notes", "notes", "TEXT", "What else is worth knowing."),
    ("--added", "added", "T", "When it was added; default: now."),
)
_LISTS: tuple[tuple[str, str, str, str], ...] = (
    ("--criterion", "criteria", "TEXT", "A completion criterion; a command in backticks after a colon is run. Repeatable."),
    ("--blocker", "blockers", "TEXT", "What it waits for. Repeatable."),
    ("--depends-on", "depends_on", "L", "Labels or names of tasks that must be completed first. Repeatable."),
    ("--touches", "touches", "GLOB", "Paths that it changes; builds that share paths do not run at one time. Repeatable."),
    ("--deliverable", "deliverables", "TEXT", "What it hands over. Repeatable."),
)


def task_options(command: Command) -> Command:
    """Add the options that describe one task; their parameters are the attributes of a new task."""
    for flag, name, metavar, text in reversed(_LISTS):
        command = click.option(flag, name, metavar=metavar, multiple=True, help=text)(command)
    for flag, name, metavar, text in reversed(_TEXTS):
        command = click.option(flag, name, metavar=metavar, help=text)(command)
    return click.option("--steps", metavar="FILE|-", help="A file (or - for standard input) of shell text for the agent `command`.")(
        command
    )


@click.command()
@click.argument("name", required=False)
@task_options
@click.option("--jsonl", metavar="FILE|-", help="Add many tasks, one JSON object a line, all or none (docs/reference/commands.md).")
@workspace_option
@json_option
@no_commit_option
def add(name: str | None, jsonl: str | None, workspace: Path | None, as_json: bool, no_commit: bool, **given: Any) -> None:
    """Add a task to the end of Active Queue, and say what will happen to it next.

    NAME is what should be built, in a few words. Without NAME, a form asks for it on a terminal.
    """
    from autobuilds.cli import adding
    from autobuilds.cli.drafting import Drafting, read_source, split
    from autobuilds.runtime import queueing

    refuse_in_build("add")
    described = [key for key, value in given.items() if value not in (None, ())]
    if jsonl is not None and (name is not None or described):
        raise click.UsageError("--jsonl stands alone: each line of the file holds the whole task")
    if jsonl is None and name is None and not sys.stdin.isatty():
        raise click.UsageError('name the task: autobuilds add "What to build" --desc "..."; on a terminal a form asks for it')
    context = open_context(workspace, no_commit=no_commit)
    drafting = Drafting.of(context)
    if jsonl is not None:
        from autobuilds.cli.json_tasks import read_tasks

        tasks, places = read_tasks(read_source(jsonl, "--jsonl"), "stdin" if jsonl == "-" else jsonl, drafting)
        with adding.told_when_long(f"adding {len(tasks)} tasks"):
            written = queueing.add(context, tasks, places)
        adding.remarks(drafting.remarks, written)
        adding.answer_many(written, as_json=as_json)
        return
    if given["steps"] is not None:
        given["steps"] = read_source(given["steps"], "--steps")
    given.update({key: split(given[key]) for key in ("depends_on", "touches")})
    if name is None:
        from autobuilds.cli.form import ask

        name, given = ask(given)
    written = queueing.add(context, [drafting.task({**given, "name": name})])
    adding.remarks(drafting.remarks, written)
    if written.trouble:
        tell(adding.later(written.trouble))
    adding.answer_one(context, written, as_json=as_json)
