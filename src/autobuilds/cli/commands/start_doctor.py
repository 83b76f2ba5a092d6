"""A check of everything."""

from __future__ import annotations

from pathlib import Path

import click

from autobuilds.cli.options import json_option, workspace_option
from autobuilds.cli.session import find_workspace, say, say_json, style
from autobuilds.errors import NoWorkspace


@click.command()
@workspace_option
@json_option
def doctor(workspace: Path | None, as_json: bool) -> int:
    """Check everything and say how to mend it; exit status 1 where there is a problem.

    Outside a workspace it checks the machine alone.
    """
    from autobuilds.cli.formatters import start_text
    from autobuilds.domain.moment import as_json as plain
    from autobuilds.runtime.diagnosis import Level
    from autobuilds.runtime.doctoring import examine
    from autobuilds.wiring import make_patient

    try:
        root: Path | None = find_workspace(workspace)
    except NoWorkspace:
        root = None
    found = examine(make_patient((workspace or Path.cwd()).resolve(), root))
    well = all(diagnosis.level is not Level.PROBLEM for diagnosis in found)
    if as_json:
        say_json({"schema": 1, "kind": "doctor", "ok": well, "checks": plain(found)})
    else:
        say(start_text.diagnoses(found, style()))
    return 0 if well else 1
