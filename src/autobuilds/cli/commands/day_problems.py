"""Keeping the house in order: problems scan, fix, metrics, list, restore."""

from __future__ import annotations

from pathlib import Path

import click

from autobuilds.cli.options import given, json_option, workspace_option
from autobuilds.cli.session import refuse_in_build


@click.group(invoke_without_command=True)
@workspace_option
@json_option
@click.pass_context
def problems(ctx: click.Context, workspace: Path | None, as_json: bool) -> None:
    """What is wrong with disk, logs, databases, repositories, duties, clock and what builds left, and what mends it.

    Without a subcommand: `problems list`. Looked after are the workspace and the folders of the setting `housekeeping`.
    """
    ctx.obj = (workspace, as_json)
    if ctx.invoked_subcommand is None:
        from autobuilds.cli import house

        house.listed(workspace, as_json=as_json)


@problems.command()
@workspace_option
@json_option
@click.pass_context
def scan(ctx: click.Context, workspace: Path | None, as_json: bool) -> int:
    """Look at everything and name the problems; exit status 1 where one is critical.

    Keeps a sample of the machine's figures, at most one each half hour, for `problems metrics`.
    """
    from autobuilds.cli import house

    refuse_in_build("problems scan")
    return house.scanned(*given(ctx, workspace, as_json))


@problems.command()
@click.option("--safe", is_flag=True, expose_value=False, help="Only what can be taken back or loses nothing; nothing else is ever done.")
@click.option("--dry-run", is_flag=True, help="Show what would be done, and change nothing.")
@workspace_option
@json_option
@click.pass_context
def fix(ctx: click.Context, dry_run: bool, workspace: Path | None, as_json: bool) -> int:
    """Mend what can be mended safely, and name what takes you; exit status 1 where a fix failed.

    What is removed goes to .autobuilds/trash/DATE first; each fix is logged in .autobuilds/house.jsonl with the bytes it freed.
    """
    from autobuilds.cli import house

    if not dry_run:
        refuse_in_build("problems fix")
    where, plain = given(ctx, workspace, as_json)
    return house.fixed(where, dry_run=dry_run, as_json=plain)


@problems.command()
@click.option("--days", default=7, show_default=True, type=click.IntRange(1, 30), help="How many days of samples.")
@workspace_option
@json_option
@click.pass_context
def metrics(ctx: click.Context, days: int, workspace: Path | None, as_json: bool) -> None:
    """The figures of this moment, and those that scans and heartbeats kept before."""
    from autobuilds.cli import house

    where, plain = given(ctx, workspace, as_json)
    house.measured(where, days, as_json=plain)


@problems.command("list")
@workspace_option
@json_option
@click.pass_context
def list_(ctx: click.Context, workspace: Path | None, as_json: bool) -> None:
    """The problems of this moment, each with what mends it; nothing is written."""
    from autobuilds.cli import house

    where, plain = given(ctx, workspace, as_json)
    house.listed(where, as_json=plain)


@problems.command()
@click.argument("date", required=False)
@workspace_option
@json_option
@click.pass_context
def restore(ctx: click.Context, date: str | None, workspace: Path | None, as_json: bool) -> int:
    """Put back what was moved to the trash on DATE (YYYY-MM-DD; default: the newest day); exit status 1 where something stays there."""
    from autobuilds.cli import house

    refuse_in_build("problems restore")
    where, plain = given(ctx, workspace, as_json)
    return house.restored(where, date, as_json=plain)
