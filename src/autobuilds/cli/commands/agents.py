"""The agents: which there are, how one is described, and whether it works here."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import click

from autobuilds.cli.options import given, json_option, workspace_option
from autobuilds.cli.session import find_workspace, refuse_in_build, say, say_json, style, tell
from autobuilds.errors import BadInput, NoWorkspace


@click.group(invoke_without_command=True)
@workspace_option
@json_option
@click.pass_context
def agents(ctx: click.Context, workspace: Path | None, as_json: bool) -> None:
    """List every agent: installed or not, version, signed in, model, the sandbox it would run in, what holds it.

    `agents show NAME` prints the preset in force, `agents test [NAME]` makes a small real build with it. Outside a workspace
    the shipped agents and the default settings count.
    """
    ctx.obj = (workspace, as_json)
    if ctx.invoked_subcommand is not None:
        return
    from autobuilds.cli.formatters import agents_text
    from autobuilds.domain.moment import as_json as plain
    from autobuilds.runtime.doctoring_agents import infos
    from autobuilds.wiring import make_patient

    found = infos(make_patient((workspace or Path.cwd()).resolve(), _root(workspace)), versions=True)
    if as_json:
        say_json({"schema": 1, "kind": "agents", "agents": plain(found)})
    else:
        say(agents_text.listed(found, style()))


def _root(workspace: Path | None) -> Path | None:
    """Return the workspace's root, or None outside of one."""
    try:
        return find_workspace(workspace)
    except NoWorkspace:
        return None


@agents.command()
@click.argument("name")
@workspace_option
@json_option
@click.pass_context
def show(ctx: click.Context, name: str, workspace: Path | None, as_json: bool) -> None:
    """Print an agent's preset as it is in force, and where it comes from."""
    from autobuilds.cli.formatters import agents_text
    from autobuilds.wiring import describe_agent

    workspace, as_json = given(ctx, workspace, as_json)
    preset = describe_agent(_root(workspace), name)
    origin = "agents.toml" if preset.get("own") else "shipped"
    if as_json:
        say_json({"schema": 1, "kind": "agents", "agent": preset, "origin": origin})
    else:
        say(agents_text.described(preset, origin, style()))


@agents.command()
@click.argument("name", required=False)
@click.option("--timeout", "limit", default="3m", show_default=True, metavar="SPAN", help="How long one agent is given, such as 3m.")
@click.option("--sandbox", metavar="TIER", help="The sandbox for this test alone: auto, bubblewrap, landlock or none.")
@workspace_option
@json_option
@click.pass_context
def test(ctx: click.Context, name: str | None, limit: str, sandbox: str | None, workspace: Path | None, as_json: bool) -> int:
    """Make one small real build with an agent, or with each that is installed: heartbeat, agent, check, verdict.

    It runs in a scratch repository that is removed afterwards, costs a few cents where the agent does, and takes about a
    minute. Exit status 1 where an agent does not work.
    """
    refuse_in_build("agents test")
    from autobuilds.cli.formatters import agents_text
    from autobuilds.cli.trying import statuses, try_agent
    from autobuilds.domain.inert import terminal
    from autobuilds.domain.moment import as_json as plain
    from autobuilds.domain.times import parse_duration

    workspace, as_json = given(ctx, workspace, as_json)
    span = parse_duration(limit)
    if span is None or not timedelta(seconds=1) <= span <= timedelta(hours=8):
        raise BadInput(f'--timeout "{limit}" is no span from 1s to 8h; write 90s or 3m')
    root = _root(workspace)
    names = _names(root, name)
    if not names:
        if as_json:
            say_json({"schema": 1, "kind": "agents", "trials": [], "ok": False})
        else:
            say(agents_text.nothing_installed(statuses(root)))
        return 1
    trials = []
    for agent in names:
        tell(f"{agent}: a small real build in a scratch repository, at most {limit}")
        trial = try_agent(root, agent, span, sandbox, lambda line: tell(f"  {terminal(line)}"))
        trials.append(trial)
        if not as_json:
            say(agents_text.tried(trial, style()))
    well = all(trial.ok for trial in trials)
    if as_json:
        say_json({"schema": 1, "kind": "agents", "trials": plain(trials), "ok": well})
    return 0 if well else 1


def _names(root: Path | None, name: str | None) -> list[str]:
    """Return the agents to try: the one that is named, else every coding agent that is installed."""
    from autobuilds.cli.trying import statuses
    from autobuilds.wiring import describe_agent

    if name is not None:
        describe_agent(root, name)
        return [name]
    return [status.name for status in statuses(root) if status.found and status.name != "command"]
