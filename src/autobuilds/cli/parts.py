"""One part of the status, as scripts/build_status.py shows it."""

from __future__ import annotations

from pathlib import Path

from autobuilds.cli.formatters import json_
from autobuilds.cli.formatters.status_text import part
from autobuilds.cli.session import open_context, say, say_json, style
from autobuilds.runtime.looking import look


def status_part(name: str, workspace: Path | None, *, as_json: bool) -> None:
    """Print `queue`, `building` or `completed` of the status, every row of it; raises what reading a workspace raises."""
    beat = look(open_context(workspace))
    if as_json:
        whole = json_.status_json(beat.view)
        say_json({"schema": whole["schema"], "kind": "status", name: whole[name]})
    else:
        say(part(beat.view, name, beat.moment.now, style()))
