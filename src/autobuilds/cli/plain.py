"""Command lines of the plainest form (a command that looks, --json, --workspace), run without the package that reads all others.

To import click takes longer than such a command. What it does stands in `cli.looks`, for both; any other command line is `cli.app`'s.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from autobuilds.cli.quick import COMMANDS, read

if TYPE_CHECKING:
    from pathlib import Path

#: The commands, and their options besides --json and --workspace.
PLAIN = {**COMMANDS, "plan": ()}


def run(args: list[str]) -> int:
    """Run a command line and return its exit status: 0 done, 1 not so, 2 wrong usage or bad input, 3 not possible now."""
    from pathlib import Path

    asked = read(args, PLAIN) if args and args[0] in PLAIN else None
    folder = Path(asked[1]) if asked is not None and asked[1] is not None else None
    if asked is None or (folder is not None and not folder.is_dir()):
        from autobuilds.cli.app import run as run_any

        return run_any(args)
    from autobuilds.cli.boundary import ended

    return ended(args, lambda: _look(asked[0], folder, as_json=asked[2]))


def _look(command: str, workspace: Path | None, *, as_json: bool) -> int:
    from autobuilds.cli import looks

    if command == "heartbeat":
        looks.heartbeat(workspace, as_json=as_json)
    elif command == "status":
        looks.status(workspace, as_json=as_json)
    elif command == "plan":
        looks.plan(workspace, as_json=as_json)
    elif command == "next":
        return looks.upcoming(workspace, as_json=as_json)
    else:
        looks.list_tasks(workspace, as_json=as_json, everything=command == "list-all")
    return 0
