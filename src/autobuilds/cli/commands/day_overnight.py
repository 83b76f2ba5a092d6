"""The overnight session: start, report, brief, is-overnight, status, undo."""

from __future__ import annotations

import sys
from pathlib import Path

import click

from autobuilds.cli.options import given, json_option, no_commit_option, workspace_option
from autobuilds.cli.session import open_context, refuse_in_build, say, say_json, style, tell
from autobuilds.errors import BadInput, Refused


@click.group(invoke_without_command=True)
@workspace_option
@json_option
@click.pass_context
def overnight(ctx: click.Context, workspace: Path | None, as_json: bool) -> None:
    """Let builds run overnight: up to three at once, watched, reported, and taken back whole with `overnight undo`.

    Without a subcommand: how the session stands, as `overnight status` says it.
    """
    ctx.obj = (workspace, as_json)
    if ctx.invoked_subcommand is None:
        _status(workspace, as_json=as_json)


@overnight.command()
@click.option("--until", metavar="TIME", help="When it ends (06:30, YYYY-MM-DD HH:MM, 8h); default: with `overnight` of HEARTBEAT.md.")
@workspace_option
@json_option
@no_commit_option
@click.pass_context
def start(ctx: click.Context, until: str | None, workspace: Path | None, as_json: bool, no_commit: bool) -> None:
    """Begin a session: keep the evening's state, look after the house, start what may start.

    The evening's commit is tagged `autobuilds/night/ID`, and what Git does not hold is archived. Each heartbeat carries the session
    on, also after a reboot; it ends by itself, or with `overnight report`.
    """
    from autobuilds.cli.formatters import overnight_text
    from autobuilds.cli.parsing import when
    from autobuilds.domain.moment import as_json as plain
    from autobuilds.runtime import night

    refuse_in_build("overnight start")
    folder, json_wanted = given(ctx, workspace, as_json)
    context = open_context(folder, no_commit=no_commit)
    begun = night.start(context, when(context, "--until", until))
    beat = begun.beat
    for fault in beat.faults if beat is not None else ():
        tell(fault)
    if json_wanted:
        told = {"session": begun.night.id, "started": plain(begun.night.started), "ends": plain(begun.night.ends)}
        kept = {**plain(begun.snapshot), "left_out": list(begun.snapshot.left_out)}
        transitions = list(beat.transitions) if beat is not None else []
        say_json({"schema": 1, "kind": "overnight-start", **told, "snapshot": kept, "transitions": transitions})
    else:
        say(overnight_text.started(begun, style()))


@overnight.command()
@click.option("--date", "name", metavar="ID", help="The night of this evening (YYYY-MM-DD); it ends nothing.")
@workspace_option
@json_option
@no_commit_option
@click.pass_context
def report(ctx: click.Context, name: str | None, workspace: Path | None, as_json: bool, no_commit: bool) -> None:
    """End the session that is on and report it: what was spawned, what came of it, hours of work shipped.

    The report is written to build-reports/night-ID.md and .json. Without a session, the last one is reported again.
    """
    from autobuilds.cli.formatters import overnight_text
    from autobuilds.runtime import night, night_report

    refuse_in_build("overnight report")
    folder, json_wanted = given(ctx, workspace, as_json)
    made = night.report(open_context(folder, no_commit=no_commit), name)
    if json_wanted:
        say_json(night_report.night_json(made.view, made.audit))
    else:
        say(overnight_text.report(made.view, style()))
        tell(f"written to {made.files[0][0]} and {made.files[1][0]}")


@overnight.command("brief")
@workspace_option
@json_option
@no_commit_option
@click.pass_context
def brief_(ctx: click.Context, workspace: Path | None, as_json: bool, no_commit: bool) -> None:
    """Write the morning brief and print it, as `autobuilds brief --write` does."""
    from autobuilds.cli.commands.day_brief import brief

    refuse_in_build("overnight brief")
    folder, json_wanted = given(ctx, workspace, as_json)
    wanted = {"day": None, "write": True, "markdown": False, "text": False}
    ctx.invoke(brief, workspace=folder, as_json=json_wanted, no_commit=no_commit, **wanted)


@overnight.command()
@workspace_option
@json_option
@click.pass_context
def status(ctx: click.Context, workspace: Path | None, as_json: bool) -> None:
    """Say how the session stands: its phases, what runs, what is done; the last one where none is on."""
    folder, json_wanted = given(ctx, workspace, as_json)
    _status(folder, as_json=json_wanted)


def _status(workspace: Path | None, *, as_json: bool) -> None:
    from autobuilds.cli.formatters import overnight_text
    from autobuilds.runtime import night, night_report

    view = night.status(open_context(workspace))
    if as_json:
        say_json({"schema": 1, "kind": "overnight-status", "night": None if view is None else night_report.night_json(view)})
    else:
        say(overnight_text.status(view, style()))


@overnight.command("is-overnight")
@workspace_option
@json_option
@click.pass_context
def is_overnight(ctx: click.Context, workspace: Path | None, as_json: bool) -> int:
    """Exit with 0 within the hours of `overnight`, or while a session is on; with 1 at any other time."""
    from autobuilds.cli.formatters import overnight_text
    from autobuilds.domain.moment import as_json as plain
    from autobuilds.runtime import night

    folder, json_wanted = given(ctx, workspace, as_json)
    found = night.is_overnight(open_context(folder))
    if json_wanted:
        say_json({"schema": 1, "kind": "is-overnight", **plain(found)})
    else:
        say(overnight_text.is_overnight(found))
    return 0 if found.overnight else 1


@overnight.command()
@click.argument("name", metavar="[ID]", required=False)
@click.option("--yes", is_flag=True, help="Do not ask.")
@click.option("--dry-run", is_flag=True, help="Say what would be taken back, and change nothing.")
@workspace_option
@json_option
@no_commit_option
@click.pass_context
def undo(ctx: click.Context, name: str | None, yes: bool, dry_run: bool, workspace: Path | None, as_json: bool, no_commit: bool) -> None:
    """Take a whole night back, the last one by default: its merges, its finished builds, what the house moved to the trash.

    What you changed since stays: commits, files, the text of the queue. Where that can't be, nothing is changed and the files in the
    way are named.
    """
    from autobuilds.cli.formatters import overnight_text
    from autobuilds.runtime import night_undo

    folder, json_wanted = given(ctx, workspace, as_json)
    if not dry_run:
        refuse_in_build("overnight undo")
    if json_wanted and not (dry_run or yes):
        raise click.UsageError("--json asks nothing: say --yes, or look with --dry-run")
    context = open_context(folder, no_commit=no_commit)
    planned = night_undo.plan(context, name)
    if dry_run or not yes:
        planned = night_undo.tried(context, planned)
    if planned.obstacle is not None and not dry_run:
        raise Refused(planned.obstacle)
    if not (dry_run or yes):
        tell(overnight_text.undoing(planned, style()))
        _confirmed(planned.night.id)
    done = planned if dry_run else night_undo.undo(context, name)
    if json_wanted:
        say_json(overnight_text.undo_json(done, dry_run=dry_run))
    else:
        say(overnight_text.undoing(done, style()) if dry_run else overnight_text.undone(done, style()))
    if done.obstacle is not None:
        ctx.exit(1)


def _confirmed(night: str) -> None:
    """Ask whether a night is to be taken back; raises BadInput where nobody can answer."""
    try:
        answer = click.confirm("Take it back?", err=True)
    except click.Abort:
        if sys.stdin.isatty():
            raise
        tell("")
        raise BadInput(f"undo asks before it acts, and nobody can answer here: autobuilds overnight undo {night} --yes") from None
    if not answer:
        raise click.Abort
