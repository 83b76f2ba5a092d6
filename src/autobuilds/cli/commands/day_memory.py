"""The diary: looked through, shown, written into."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import click

from autobuilds.cli.options import given, json_option, no_commit_option, workspace_option
from autobuilds.cli.session import open_context, page, refuse_in_build, say, say_json, style, tell
from autobuilds.domain.inert import terminal


@click.group(invoke_without_command=True)
@workspace_option
@json_option
@click.pass_context
def memory(ctx: click.Context, workspace: Path | None, as_json: bool) -> None:
    """Look through the diary in memory/, show a day of it (today, without a subcommand), or write into it.

    autobuilds writes an entry for each thing worth remembering; you and other programs write there too, and nothing of yours is touched.
    """
    ctx.obj = (workspace, as_json)
    if ctx.invoked_subcommand is None:
        _show(None, workspace, as_json=as_json)


@memory.command()
@click.argument("words", nargs=-1, required=True, metavar="WORDS...")
@click.option("--since", metavar="D", help="Only from this day on: YYYY-MM-DD, or a span back from now such as 30d.")
@click.option("--limit", default=20, show_default=True, type=click.IntRange(1, 10_000), help="How many entries at most.")
@workspace_option
@json_option
@click.pass_context
def search(ctx: click.Context, words: tuple[str, ...], since: str | None, limit: int, workspace: Path | None, as_json: bool) -> int:
    """Find the entries in which all words stand, in any case and with any accents.

    Those with most of them come first, of these those in which they stand nearest together, then the newest. Exit status 1 where nothing
    is found.
    """
    from autobuilds.cli.formatters import memory_text
    from autobuilds.cli.parsing import day_since
    from autobuilds.runtime.memory import look_up

    workspace, as_json = given(ctx, workspace, as_json)
    context = open_context(workspace)
    answer = look_up(context, words, since=day_since(context, "--since", since), limit=limit)
    if as_json:
        say_json(memory_text.found_json(words, answer))
    else:
        page(memory_text.found(answer, style()), style())
        for problem in answer.problems:
            tell(terminal(problem))
    return 0 if answer.found else 1


@memory.command()
@click.argument("day", required=False, metavar="[DATE]")
@workspace_option
@json_option
@click.pass_context
def show(ctx: click.Context, day: str | None, workspace: Path | None, as_json: bool) -> None:
    """Print a day of the diary; default: today."""
    workspace, as_json = given(ctx, workspace, as_json)
    _show(_day(day), workspace, as_json=as_json)


def _show(day: date | None, workspace: Path | None, *, as_json: bool) -> None:
    from autobuilds.cli.formatters import memory_text
    from autobuilds.runtime import memory as diary

    found = diary.show(open_context(workspace), day)
    if as_json:
        say_json(memory_text.page_json(found))
        return
    page(memory_text.shown(found), style())
    if found.problem:
        tell(terminal(f"{found.name} {found.problem}"))


@memory.command()
@click.argument("title")
@click.option("--fact", "facts", multiple=True, metavar="TEXT", help="A fact about it, one line; repeatable, at most five.")
@click.option("--at", metavar="T", help="When it was, such as 2026-02-06 14:30; default: now.")
@workspace_option
@json_option
@no_commit_option
@click.pass_context
def add(
    ctx: click.Context, title: str, facts: tuple[str, ...], at: str | None, workspace: Path | None, as_json: bool, no_commit: bool
) -> None:
    """Write an entry behind what stands in the day's diary: a heading with the time, and its facts."""
    refuse_in_build("memory add")
    from autobuilds.cli.formatters import memory_text
    from autobuilds.cli.parsing import when
    from autobuilds.runtime import memory as diary

    workspace, as_json = given(ctx, workspace, as_json)
    context = open_context(workspace, no_commit=no_commit)
    done = diary.add(context, title, facts, when(context, "--at", at))
    if as_json:
        say_json(memory_text.added_json(done))
    else:
        say(memory_text.added(done))
    if done.trouble:
        tell(terminal(f"not committed yet: {done.trouble}"))


def _day(given: str | None) -> date | None:
    from autobuilds.cli.parsing import day

    return day("DATE", given)
