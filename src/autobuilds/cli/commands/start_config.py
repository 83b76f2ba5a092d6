"""The configuration in force."""

from __future__ import annotations

from pathlib import Path

import click

from autobuilds.cli.options import json_option, workspace_option
from autobuilds.cli.session import open_context, say, say_json, style
from autobuilds.domain.spelling import did_you_mean
from autobuilds.errors import BadInput


@click.command()
@click.argument("key", required=False)
@click.option("--rules", is_flag=True, help="Print the packaged DECISION_FRAMEWORK.md with all tables of rules.")
@workspace_option
@json_option
def config(key: str | None, rules: bool, workspace: Path | None, as_json: bool) -> int:
    """Print every setting, its value, and where it came from; KEY prints one with its meaning.

    Settings are the front matter of HEARTBEAT.md; exit status 1 where something there can't be read.
    """
    if rules:
        from autobuilds.store.starter import packaged

        text = packaged("DECISION_FRAMEWORK.md")
        if as_json:
            say_json({"schema": 1, "kind": "config", "rules": text})
        else:
            say(text)
        return 0
    from autobuilds.cli.formatters.json_ import problem_json
    from autobuilds.store.config import explain

    found = open_context(workspace).workspace.config()
    rows = explain(found)
    if key is not None:
        wanted = key.replace("-", "_")
        rows = [row for row in rows if row[0] == wanted]
        if not rows:
            raise BadInput(
                f'there is no setting "{key}"{did_you_mean(wanted, [row[0] for row in explain(found)])}; autobuilds config lists them'
            )
    if as_json:
        settings = [{"key": name, "value": value, "origin": origin, "doc": doc} for name, value, origin, doc in rows]
        say_json({"schema": 1, "kind": "config", "settings": settings, "problems": [problem_json(p) for p in found.problems]})
        return 1 if found.problems else 0
    paint = style()
    width = max(len(name) for name, *_ in rows)
    for name, value, origin, doc in rows:
        say(f"{name:<{width}}  {value}  {paint.dim('(' + origin + ')')}")
        if key is not None:
            say(f"{doc}")
    for problem in found.problems:
        say(paint.bad(str(problem)))
    return 1 if found.problems else 0
