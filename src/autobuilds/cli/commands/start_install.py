"""The heartbeat in the system's scheduler: install, uninstall."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import click

from autobuilds.cli.options import json_option, workspace_option
from autobuilds.cli.session import find_workspace, open_context, refuse_in_build, say, say_json, style, tell
from autobuilds.errors import BadInput, NoWorkspace
from autobuilds.ports import TimerPiece
from autobuilds.runtime.installing import Installation


@click.command()
@click.option("--cron", is_flag=True, help="Classic crontab lines: the heartbeat, and night, report, brief, weekend as lines of their own.")
@click.option("--timer", "wanted", type=click.Choice(["systemd", "launchd", "cron"]), help="The scheduler; default: the first there is.")
@click.option("--interval", metavar="SPAN", help="Time between two heartbeats, such as 30m; default: `interval` of HEARTBEAT.md.")
@click.option("--dry-run", is_flag=True, help="Show what would be written; change nothing.")
@click.option("--no-probe", is_flag=True, help="Do not wait for a probe run through the scheduler.")
@workspace_option
@json_option
def install(
    cron: bool, wanted: str | None, interval: str | None, dry_run: bool, no_probe: bool, workspace: Path | None, as_json: bool
) -> int:
    """Have the system run a heartbeat every 30 minutes: systemd user timer, launchd, or crontab.

    That is the only timer: what else has a time is a duty of HEARTBEAT.md. It proves itself by a probe run through the scheduler.
    `autobuilds uninstall` takes every byte of it away again.
    """
    from autobuilds.runtime import installing
    from autobuilds.wiring import timers

    refuse_in_build("install")
    if cron and wanted not in {None, "cron"}:
        raise BadInput(f"--cron writes a crontab, --timer {wanted} does not: take one of the two")
    context = open_context(workspace)
    settings = context.workspace.config().settings
    job = installing.job_for(context.workspace.root, _span(interval) or settings.interval, classic=cron)
    timer = installing.choose(timers(), "cron" if cron else wanted)
    if cron and settings.timezone is not None and settings.timezone != getattr(context.host.now(None).tzinfo, "key", None):
        tell(
            f"cron keeps this machine's time, the workspace that of {settings.timezone}: a line at 23:00 runs at 23:00 here, whatever it is there"
        )
        tell("`autobuilds install` without --cron leaves those times to the duties of HEARTBEAT.md, which keep the workspace's zone")
    if dry_run:
        _answer(Installation(timer=timer.name, changed=False, pieces=timer.pieces(job)), as_json, dry=True)
        return 0
    warning = installing.passing(job.argv[0])
    if warning is not None:
        tell(warning)
    if not as_json:
        _show(timer.pieces(job))
        if not no_probe and timer.dormant() is None:
            tell(f"waiting for a probe through {timer.name} (at most {timer.patience:.0f} s)")
    present = [agent.name for agent in context.host.agents() if agent.found]
    done = installing.install(timers(), timer, job, prove=not no_probe, present=present)
    _answer(done, as_json, dry=False)
    return 1 if done.proof is not None and done.proof.lost else 0


def _span(text: str | None) -> timedelta | None:
    from autobuilds.domain.times import parse_duration

    span = parse_duration(text) if text is not None else None
    if text is not None and span is None:
        raise BadInput(f'--interval "{text}" is no span of time: write 30m or 1h')
    return span


def _show(pieces: tuple[TimerPiece, ...]) -> None:
    from autobuilds.cli.formatters.start_text import pieces_text

    say(pieces_text(pieces, style()))


def _answer(done: Installation, as_json: bool, *, dry: bool) -> None:
    from autobuilds.cli.formatters import start_text
    from autobuilds.domain.moment import as_json as plain

    if as_json:
        say_json({"schema": 1, "kind": "install", "dry_run": dry, **plain(done)})
    elif dry:
        say(start_text.pieces_text(done.pieces, style()) + f"\nNothing was changed; without --dry-run this goes to {done.timer}.")
    else:
        say(start_text.installed(done, style()))


@click.command()
@workspace_option
@json_option
def uninstall(workspace: Path | None, as_json: bool) -> None:
    """Take the heartbeat out of every scheduler of this system; your files stay as they are."""
    from autobuilds.runtime import installing
    from autobuilds.wiring import timers

    refuse_in_build("uninstall")
    try:
        root = find_workspace(workspace)
    except NoWorkspace:
        if workspace is None:
            raise
        # The folder may be gone or no workspace any more; its timer must still go.
        root = workspace
    had = installing.uninstall(timers(), installing.job_for(root, timedelta(minutes=30)))
    if as_json:
        say_json({"schema": 1, "kind": "uninstall", "removed": list(had)})
    else:
        say(
            f"removed from {' and '.join(had)}; nothing of it is left"
            if had
            else f"no heartbeat of {root} is installed; nothing was changed"
        )
