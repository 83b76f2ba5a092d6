"""Importing tasks from another shape: a table, headings, a checklist, GitHub issues as JSON."""

from __future__ import annotations

import sys
from pathlib import Path

import click

from autobuilds.cli.options import json_option, no_commit_option, workspace_option
from autobuilds.cli.session import open_context, refuse_in_build, say, say_json, tell
from autobuilds.errors import NotSo

#: The names of the shapes; `list` is another name of the checklist.
SHAPES = ("table", "headings", "list", "checklist", "github")


@click.command(name="import")
@click.argument("file", metavar="FILE|-")
@click.option("--shape", type=click.Choice(SHAPES), help="How the file is to be read; default: found out from the file.")
@click.option("--dry-run", is_flag=True, help="Show what would be written, and write nothing.")
@click.option("--yes", is_flag=True, help="Write without asking.")
@workspace_option
@json_option
@no_commit_option
def import_(file: str, shape: str | None, dry_run: bool, yes: bool, workspace: Path | None, as_json: bool, no_commit: bool) -> None:
    """Take tasks over from a file of another shape, after a preview.

    A table with a header, headings with text below, a list, or the JSON of `gh issue list --json ...`. Tasks whose label is in
    the queue already are skipped; everything that was left out or understood in another way is named.
    """
    from autobuilds.cli import adding
    from autobuilds.cli.drafting import read_bytes
    from autobuilds.cli.importing import as_object, taken
    from autobuilds.domain.inert import terminal, terminal_block
    from autobuilds.runtime import queueing
    from autobuilds.store.importers import preview

    _refuse(file, dry_run=dry_run, yes=yes, as_json=as_json)
    context = open_context(workspace, no_commit=no_commit)
    found, zone = taken(context, read_bytes(file, "FILE"), "checklist" if shape == "list" else shape)
    shown = "\n".join(terminal_block(preview(found, zone), limit=1_000_000))
    if dry_run:
        tasks = queueing.rehearse(context, found.tasks)
        if as_json:
            say_json(as_object(found, tasks, written=False))
        else:
            say(shown)
        return
    if not found.tasks:
        raise NotSo(f"nothing to import: {'; '.join(found.left) or 'no task was found'}")
    if not yes:
        tell(shown)
        click.confirm(f"Write {len(found.tasks)} tasks into BUILD_QUEUE.md?", abort=True, err=True)
    with adding.told_when_long(f"adding {len(found.tasks)} tasks"):
        written = queueing.add(context, found.tasks)
    if written.trouble:
        tell(adding.later(written.trouble))
    if as_json:
        say_json(as_object(found, written.tasks, written=True))
        return
    for note in (*found.remarks, *found.left):
        tell(f"note: {terminal(note)}")
    say(f"{len(written.tasks)} tasks imported: {', '.join(task.label for task in written.tasks)}")


def _refuse(file: str, *, dry_run: bool, yes: bool, as_json: bool) -> None:
    if dry_run and yes:
        raise click.UsageError("--dry-run and --yes exclude each other")
    if dry_run:
        return
    refuse_in_build("import")
    if not yes and (as_json or file == "-" or not sys.stdin.isatty()):
        raise click.UsageError("nobody can be asked here: --yes writes without asking, --dry-run shows what would be written")
