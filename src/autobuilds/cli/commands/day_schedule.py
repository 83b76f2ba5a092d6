"""The plan of the week and what became of it: schedule, stats."""

from __future__ import annotations

from pathlib import Path

import click

from autobuilds.cli.options import json_option, workspace_option


@click.command()
@click.option("--days", type=click.IntRange(1, 14), help="How far to look ahead; default: 7.")
@click.option("--hours", metavar="N", type=click.IntRange(1, 24 * 14), help="How far to look ahead, in hours, in the place of --days.")
@click.option("--reviewed", is_flag=True, help="As if you accepted every finished build at once; else they wait for you.")
@click.option("--list", "listing", is_flag=True, help="The windows instead, and which tasks are meant for each.")
@click.option("--mermaid", is_flag=True, help="As a Gantt chart in Mermaid, which GitHub and Obsidian draw.")
@workspace_option
@json_option
def schedule(
    days: int | None, hours: int | None, reviewed: bool, listing: bool, mermaid: bool, workspace: Path | None, as_json: bool
) -> None:
    """What would run when in the coming week, on which slot, and what is not reached and why; nothing is changed.

    The gates that decide are asked hour by hour, as if every build passed and took as long as its kind did before, or as estimated.
    """
    from autobuilds.cli import scheduling

    if sum((listing, mermaid, as_json)) > 1 and mermaid:
        raise click.UsageError("--mermaid excludes --list and --json")
    if hours is not None and days is not None:
        raise click.UsageError("--hours and --days exclude each other")
    if listing:
        scheduling.windows(workspace, as_json=as_json)
        return
    scheduling.schedule(workspace, hours or (days or 7) * 24, reviewed=reviewed, mermaid=mermaid, as_json=as_json)


@click.command()
@click.option("--days", metavar="N", type=click.IntRange(1, 3660), help="Only builds of the last N days; default: all that are known.")
@workspace_option
@json_option
def stats(days: int | None, workspace: Path | None, as_json: bool) -> None:
    """What became of the builds: how many, how often they pass, how long they take and wait, by category, agent and week."""
    from autobuilds.cli import scheduling

    scheduling.stats(workspace, days, as_json=as_json)
