"""The simulator."""

from __future__ import annotations

from datetime import datetime, timedelta, tzinfo
from pathlib import Path
from typing import TYPE_CHECKING

import click

from autobuilds.cli.options import json_option, workspace_option
from autobuilds.cli.session import open_context, refuse_in_build, say, say_json, style
from autobuilds.errors import BadInput, NoWorkspace

if TYPE_CHECKING:
    from autobuilds.runtime.context import Context
    from autobuilds.runtime.simulation.staging import Source
    from autobuilds.runtime.simulation.values import Wish


@click.command()
@click.option("--days", default=14, show_default=True, type=click.IntRange(1, 366), help="How many days.")
@click.option("--seed", default=1, show_default=True, help="What goes well and what goes wrong is chosen by it.")
@click.option("--from", "start", metavar="DATE", help="When it begins: 2026-03-01, or with a time 2026-03-01 18:00; default: now.")
@click.option("--zone", metavar="ZONE", help="The time zone, as Europe/Berlin; default: that of the workspace.")
@click.option("--sample", is_flag=True, help="Simulate a small built-in project in place of the workspace.")
@click.option("--outages/--calm", "outages", default=True, help="Whether anything goes wrong, and you act, on the way; default: it does.")
@click.option("--keep", is_flag=True, help="Keep the throw-away workspace for a look at it, and say where it is.")
@workspace_option
@json_option
def simulate(
    days: int,
    seed: int,
    start: str | None,
    zone: str | None,
    sample: bool,
    outages: bool,
    keep: bool,
    workspace: Path | None,
    as_json: bool,
) -> int:
    """Try a configuration: days of heartbeats in a throw-away copy of the workspace, in a minute.

    The heartbeats, gates, nights, duties and commits are the real ones; the clock is set, the builds only play their parts, and on the
    way the machine is switched off, builds fail or hang, and you edit the queue. Nothing of yours is touched. Exit status 1 where a
    rule was broken, which would be a fault of autobuilds.
    """
    from autobuilds.cli.formatters.simulate_text import Teller, summary
    from autobuilds.runtime.simulation.loop import simulate as run
    from autobuilds.runtime.simulation.told import as_json as told
    from autobuilds.wiring.simulated import simulation

    refuse_in_build("simulate")
    context = None if sample else _workspace(workspace)
    wish, source = _source(context, days, seed, start, zone, calm=not outages)
    teller = Teller(style())
    with simulation(source, keep=keep) as stage:
        done = run(stage, wish, lambda line: None if as_json else say(teller(line)))
        place = stage.context.workspace.root if keep else None
    if as_json:
        say_json({"schema": 1, "kind": "simulate", **told(done), "folder": str(place) if place else None})
    else:
        say(summary(done, style()) + (f"\n\nThe throw-away workspace stands in {place}" if place else ""))
    return 1 if done.violations else 0


def _workspace(given: Path | None) -> Context | None:
    """Return the context of the workspace, or None outside of one where none was named."""
    try:
        return open_context(given)
    except NoWorkspace:
        if given is not None:
            raise
        return None


def _source(context: Context | None, days: int, seed: int, start: str | None, zone: str | None, *, calm: bool) -> tuple[Wish, Source]:
    from autobuilds.cli.inside import run_duty
    from autobuilds.runtime.simulation import staging
    from autobuilds.runtime.simulation.values import Wish

    where, name = _zone(context, zone)
    wish = Wish(start=_start(context, start, where), days=days, seed=seed, calm=calm)
    if context is None:
        return wish, staging.of_sample(wish, where, name, run_duty)
    return wish, staging.of_workspace(context, wish, where, zone, run_duty)


def _zone(context: Context | None, name: str | None) -> tuple[tzinfo, str]:
    from datetime import UTC

    from autobuilds.wiring import machine_time

    if name is None and context is not None:
        found = context.workspace.zone(context.workspace.config().settings)
        return found, str(found)
    found = machine_time(name).tzinfo or UTC
    return found, name or str(found)


def _start(context: Context | None, text: str | None, zone: tzinfo) -> datetime:
    from autobuilds.domain.spelling import quoted
    from autobuilds.domain.times import parse_when
    from autobuilds.wiring import machine_time

    if text is None:
        now = context.now(zone) if context is not None else machine_time(None).astimezone(zone)
        return now.replace(second=0, microsecond=0) - timedelta(minutes=now.minute % 30)
    found = parse_when(text, zone)
    if found is None:
        raise BadInput(f"--from {quoted(text, 40)} is no date; write 2026-03-01 or 2026-03-01 18:00")
    return found.astimezone(zone)
