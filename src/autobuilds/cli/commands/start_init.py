"""Setting a workspace up."""

from __future__ import annotations

import sys
from pathlib import Path

import click

from autobuilds.cli.guard import refuse_builds_of
from autobuilds.cli.options import json_option, no_commit_option
from autobuilds.cli.session import refuse_in_build, say, say_json, style
from autobuilds.errors import BadInput
from autobuilds.runtime import initialising
from autobuilds.runtime.initialising import Done, Found, Setup


@click.command()
@click.argument("folder", required=False, metavar="[DIR]", type=click.Path(path_type=Path))
@click.option("--yes", is_flag=True, help="Take every default; ask nothing.")
@click.option("--dry-run", is_flag=True, help="Show every text that would be written; write nothing.")
@no_commit_option
@json_option
def init(folder: Path | None, yes: bool, dry_run: bool, no_commit: bool, as_json: bool) -> int:
    """Turn a Git repository into a workspace: a queue with one small task, settings, rules, the guide.

    At most three questions, each with a default that was found. Files that are there are kept, and what is written is
    one commit. Run it again and it adds what is missing.
    """
    from autobuilds.cli.formatters import start_text
    from autobuilds.wiring import make_context, survey

    refuse_in_build("init")
    git = survey()
    root = git.top_level((folder or Path.cwd()).absolute())
    refuse_builds_of(root.resolve())
    context = make_context(root, no_commit=no_commit)
    found = initialising.look(context)
    asking = not yes and not dry_run and not as_json
    if not yes and not dry_run and (as_json or not _terminal()):
        raise BadInput("init asks before it writes, and nobody can answer here: pass --yes to take every default, or --dry-run to look")
    agent, tests = _ask(found) if asking else (found.agent, found.tests)
    setup = initialising.prepare(found, git, agent=agent, tests=tests)
    if dry_run or setup.empty:
        _answer(setup, None, as_json, dry=dry_run)
        return 0
    if not as_json:
        say(start_text.planned(setup, style()))
    if asking and not click.confirm("Write this?", default=True):
        say("nothing was written")
        return 1
    _answer(setup, initialising.carry_out(context, git, setup), as_json, dry=False)
    return 0


def _terminal() -> bool:
    return sys.stdin.isatty() and sys.stdout.isatty()


def _ask(found: Found) -> tuple[str, str | None]:
    """Ask for the agent and the command of the tests, each only where the answer goes into a file that is missing."""
    from autobuilds.store.workspace import CONFIG, QUEUE

    agent, tests = found.agent, found.tests
    if CONFIG not in found.present:
        offered = ", ".join((*found.agents, initialising.NO_AGENT))
        choice = click.Choice([*found.known_agents, initialising.NO_AGENT])
        agent = click.prompt(f"Agent that builds ({offered})", default=agent, type=choice, show_choices=False)
    if QUEUE not in found.present:
        answer = click.prompt("Command that runs the tests (none: there are none)", default=tests or initialising.NO_AGENT).strip()
        tests = None if answer in {initialising.NO_AGENT, ""} else answer
    return agent, tests


def _answer(setup: Setup, done: Done | None, as_json: bool, *, dry: bool) -> None:
    from autobuilds.cli.formatters import start_text

    following = initialising.next_commands(setup)
    if not as_json:
        say(start_text.texts(setup, style()) if dry else start_text.set_up(setup, done, following, style()))
        return
    remarks = [*setup.remarks, *(done.remarks if done else ())]
    say_json(
        {
            "schema": 1,
            "kind": "init",
            "workspace": str(setup.root),
            "dry_run": dry,
            "files": [{"path": s.path, "deed": s.deed.value, "lines": start_text.line_count(s)} for s in setup.steps],
            "git_settings": dict(setup.settings),
            "commit": done.commit if done else None,
            "remarks": remarks,
            "next": list(following),
        }
    )
