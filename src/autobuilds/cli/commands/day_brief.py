"""The morning brief."""

from __future__ import annotations

from pathlib import Path

import click

from autobuilds.cli.options import json_option, no_commit_option, workspace_option
from autobuilds.cli.session import open_context, refuse_in_build, say, say_json, style, tell
from autobuilds.errors import BadInput


@click.command()
@click.option("--date", "day", metavar="D", help="The day (YYYY-MM-DD); default: today.")
@click.option("--write", is_flag=True, help="Write the page to build-reports/brief-YYYY-MM-DD.md too, and commit it.")
@click.option("--markdown", is_flag=True, help="Print the page.")
@click.option("--text", is_flag=True, help="Print it as a message of at most 600 characters, without markup.")
@workspace_option
@json_option
@no_commit_option
def brief(day: str | None, write: bool, markdown: bool, text: bool, workspace: Path | None, as_json: bool, no_commit: bool) -> None:
    """Say on one screen what the night brought, what goes on, what needs you, what the day holds.

    It tells of the overnight session, or where there was none of everything since 18:00 yesterday, from the ledger alone.
    """
    if markdown + text + as_json > 1:
        raise BadInput("choose one of --markdown, --text and --json")
    if write:
        refuse_in_build("brief --write")
    from autobuilds.cli.formatters import brief_text
    from autobuilds.cli.parsing import day as parsed
    from autobuilds.runtime.brief import make_brief, settle, write_brief

    context = open_context(workspace, no_commit=no_commit)
    if write and day is None:
        settle(context)
    made = make_brief(context, parsed("--date", day))
    changed = write_brief(context, made) if write else None
    if as_json:
        say_json(brief_text.brief_json(made.view))
    elif markdown:
        say(made.text)
    elif text:
        say(brief_text.message(made.view))
    else:
        say(brief_text.screen(made.view, style()))
    for problem in made.problems:
        tell(problem)
    if changed is not None:
        tell(f"{'written to' if changed else 'unchanged in'} {made.name}")
