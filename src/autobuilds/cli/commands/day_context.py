"""The owner's context: what it is and why, how the day has gone, what comes next, and his own word on it."""

from __future__ import annotations

from pathlib import Path

import click

from autobuilds.cli.options import given, json_option, no_commit_option, workspace_option
from autobuilds.domain.day import Context

_AUTO = "auto"


@click.group(invoke_without_command=True)
@workspace_option
@json_option
@click.pass_context
def context(ctx: click.Context, workspace: Path | None, as_json: bool) -> None:
    """What you are doing (sleeping, working, available, away, weekend), as far as autobuilds knows, and what that changes.

    Your own word comes first, then your calendar, then the timetable of HEARTBEAT.md. Without a subcommand: detect.
    """
    ctx.obj = (workspace, as_json)
    if ctx.invoked_subcommand is None:
        from autobuilds.cli import contexts

        contexts.detect(workspace, as_json=as_json)


@context.command()
@workspace_option
@json_option
@click.pass_context
def detect(ctx: click.Context, workspace: Path | None, as_json: bool) -> None:
    """Say which context it is, why, since when and until when, and what it changes."""
    from autobuilds.cli import contexts

    workspace, as_json = given(ctx, workspace, as_json)
    contexts.detect(workspace, as_json=as_json)


@context.command()
@workspace_option
@json_option
@click.pass_context
def summary(ctx: click.Context, workspace: Path | None, as_json: bool) -> None:
    """Say how the day has gone so far: which context when, and for how long in all."""
    from autobuilds.cli import contexts

    workspace, as_json = given(ctx, workspace, as_json)
    contexts.summary(workspace, as_json=as_json)


@context.command()
@click.argument("hours", required=False, type=click.IntRange(1, 24 * 31))
@click.option("--hours", "more", metavar="N", type=click.IntRange(1, 24 * 31), help="How far to look ahead; default: 24.")
@workspace_option
@json_option
@click.pass_context
def upcoming(ctx: click.Context, hours: int | None, more: int | None, workspace: Path | None, as_json: bool) -> None:
    """Say when the context changes in the coming hours, and what each change brings."""
    from autobuilds.cli import contexts

    workspace, as_json = given(ctx, workspace, as_json)
    contexts.upcoming(workspace, more or hours or 24, as_json=as_json)


@context.command(name="set")
@click.argument("name", metavar="CONTEXT|auto", type=click.Choice([*Context, _AUTO], case_sensitive=False))
@click.option("--until", metavar="T", help="Until when: 18:00, YYYY-MM-DD HH:MM, or a span such as 3h; default: until you take it back.")
@click.option("--for", "span", metavar="T", help="For how long: 90 min, 2h, 3d.")
@workspace_option
@json_option
@no_commit_option
@click.pass_context
def set_(
    ctx: click.Context, name: str, until: str | None, span: str | None, workspace: Path | None, as_json: bool, no_commit: bool
) -> None:
    """Say yourself what you are doing; it counts before calendar and timetable. `auto` takes your word back.

    While you sleep or are away the overnight window is open, on a weekend the weekend's; while you work both are closed.
    """
    from autobuilds.cli import contexts

    workspace, as_json = given(ctx, workspace, as_json)
    if until is not None and span is not None:
        raise click.UsageError("--until and --for say the same; give one of them")
    if name.casefold() == _AUTO:
        if until is not None or span is not None:
            raise click.UsageError("auto takes your word back; it has no end")
        contexts.clear(workspace, as_json=as_json, no_commit=no_commit)
    else:
        contexts.say_it(workspace, Context(name.casefold()), until=until, span=span, as_json=as_json, no_commit=no_commit)


@context.command()
@workspace_option
@json_option
@no_commit_option
@click.pass_context
def clear(ctx: click.Context, workspace: Path | None, as_json: bool, no_commit: bool) -> None:
    """Take your word back, so that calendar and timetable say what the context is."""
    from autobuilds.cli import contexts

    workspace, as_json = given(ctx, workspace, as_json)
    contexts.clear(workspace, as_json=as_json, no_commit=no_commit)
