"""Editing one task: set, tick, block, unblock."""

from __future__ import annotations

import sys
from pathlib import Path

import click

from autobuilds.cli.options import json_option, no_commit_option, workspace_option
from autobuilds.cli.session import open_context, refuse_in_build, say, say_json, tell
from autobuilds.errors import BadInput, NotSo
from autobuilds.runtime.queueing import Written


def _answer(written: Written, kind: str, said: str, *, as_json: bool) -> None:
    from autobuilds.cli import adding
    from autobuilds.cli.formatters import json_
    from autobuilds.domain.inert import terminal

    if kind == "set":
        adding.remarks((), written)
    if written.trouble:
        tell(adding.later(written.trouble))
    if as_json:
        say_json(json_.show_json(written.task, kind))
    else:
        say(terminal(f"{written.task.label}: {said}{'' if written.changed else ' already; nothing was changed'}"))


@click.command(name="set")
@click.argument("label")
@click.argument("field")
@click.argument("values", metavar="VALUE...", nargs=-1, required=True)
@workspace_option
@json_option
@no_commit_option
def set_(label: str, field: str, values: tuple[str, ...], workspace: Path | None, as_json: bool, no_commit: bool) -> None:
    """Set a field of a task: Priority, Description, Estimated Time, Depends On, ...; the value "" takes it away.

    FIELD is any field of the queue, in any spelling (`estimated-time`, `time`). Several criteria, blockers, paths or
    deliverables are given as several VALUES. For Steps, `-` reads standard input.
    """
    from autobuilds.cli.fields import value_of
    from autobuilds.runtime import owner, queueing
    from autobuilds.store.queue.keys import Key
    from autobuilds.store.queue.setting import key_named

    refuse_in_build("set")
    key = key_named(field)
    if key is Key.STEPS and values == ("-",):
        values = (sys.stdin.read(),)
    context = open_context(workspace, no_commit=no_commit)
    wanted = value_of(key, values)
    shown = "Name" if key is None else key.value
    if key is Key.APPROVED and wanted:
        identity = context.repo.identity()
        task = owner.approve(context, label, identity.email if identity else "owner")
        _answer(Written(tasks=(task,)), "set", "approved as it stands; a change of its text ends the approval", as_json=as_json)
        return
    written = queueing.set_field(context, label, shown, wanted)
    if key in {Key.CATEGORY, Key.AGENT, Key.WINDOW, Key.REPOSITORY} and wanted:
        from autobuilds.cli.adding import tell_hints

        tell_hints(context, written.task, context.load().snapshot, shown)
    text = "; ".join(wanted) if isinstance(wanted, tuple) else " ".join(wanted.split())
    _answer(written, "set", f"{shown} is {text}" if text else f"{shown} is taken away", as_json=as_json)


@click.command()
@click.argument("label")
@click.argument("n", required=False, type=click.IntRange(min=1))
@click.option("--off", is_flag=True, help="Take the tick away.")
@workspace_option
@json_option
@no_commit_option
def tick(label: str, n: int | None, off: bool, workspace: Path | None, as_json: bool, no_commit: bool) -> None:
    """Tick the completion criterion number N of a task (`show` counts them); without N the task itself.

    A ticked task is done by your word (evidence: claimed) and moves to Completed, as with `complete`.
    """
    from autobuilds.runtime import owner, queueing

    refuse_in_build("tick")
    context = open_context(workspace, no_commit=no_commit)
    if n is not None:
        written = queueing.tick(context, label, n, checked=not off)
        said = f"criterion {n} {'unticked' if off else 'ticked'}: {written.task.criteria[n - 1].text}"
    elif off:
        written = queueing.untick_task(context, label)
        said = "open"
    else:
        task = owner.find_task(context.load(), label)
        if not task.is_active:
            raise NotSo(f"{task.label} stands under Completed already")
        owner.complete(context, task.label)
        written = Written(tasks=(owner.find_task(context.load(), task.label),))
        said = "completed by your word (evidence: claimed)"
    _answer(written, "tick", said, as_json=as_json)


@click.command()
@click.argument("label")
@click.argument("text")
@workspace_option
@json_option
@no_commit_option
def block(label: str, text: str, workspace: Path | None, as_json: bool, no_commit: bool) -> None:
    """Add a blocker: the task waits until `unblock`."""
    from autobuilds.runtime import queueing

    refuse_in_build("block")
    if not text.strip():
        raise BadInput("a blocker needs a text that says what is waited for")
    written = queueing.block(open_context(workspace, no_commit=no_commit), label, text)
    way = f"; autobuilds unblock {written.task.label} opens it" if written.changed else ""
    _answer(written, "block", f"blocked by {text.strip()}{way}", as_json=as_json)


@click.command()
@click.argument("label")
@click.argument("n", required=False, type=click.IntRange(min=1))
@click.option("--all", "everything", is_flag=True, help="Settle every open blocker.")
@workspace_option
@json_option
@no_commit_option
def unblock(label: str, n: int | None, everything: bool, workspace: Path | None, as_json: bool, no_commit: bool) -> None:
    """Settle the open blocker number N of a task (`show` lists them); N may be left out where there is one."""
    from autobuilds.runtime import owner, queueing

    refuse_in_build("unblock")
    if n is not None and everything:
        raise click.UsageError("N and --all exclude each other")
    context = open_context(workspace, no_commit=no_commit)
    task = owner.find_task(context.load(), label)
    if not task.blockers:
        raise NotSo(f"{task.label} has no open blocker")
    if n is None and not everything and len(task.blockers) > 1:
        listed = "; ".join(f"{number}. {text}" for number, text in enumerate(task.blockers, 1))
        raise BadInput(f"{task.label} has {len(task.blockers)} open blockers; name one by its number, or --all: {listed}")
    written = queueing.unblock(context, task.label, n)
    left = f"still blocked by {'; '.join(written.task.blockers)}" if written.task.blockers else "no open blocker is left"
    _answer(written, "unblock", left, as_json=as_json)
