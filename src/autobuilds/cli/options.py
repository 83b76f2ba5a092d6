"""The options that commands share."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import click

F = TypeVar("F", bound=Callable[..., Any])


def workspace_option(command: F) -> F:
    """Add `--workspace DIR` (default: the nearest parent with a BUILD_QUEUE.md, or AUTOBUILDS_WORKSPACE)."""
    return click.option(
        "--workspace",
        type=click.Path(path_type=Path, file_okay=False),
        envvar="AUTOBUILDS_WORKSPACE",
        help="The workspace; default: the nearest folder upwards with a BUILD_QUEUE.md.",
    )(command)


def json_option(command: F) -> F:
    """Add `--json`."""
    return click.option("--json", "as_json", is_flag=True, help="Answer with one JSON object (docs/reference/json.md).")(command)


def given(ctx: click.Context, workspace: Path | None, as_json: bool) -> tuple[Path | None, bool]:
    """Return --workspace and --json of a command of a group, where they may stand before it too (`ctx.obj` of the group)."""
    before: tuple[Path | None, bool] = ctx.obj
    return workspace or before[0], as_json or before[1]


def no_commit_option(command: F) -> F:
    """Add `--no-commit`."""
    return click.option("--no-commit", is_flag=True, help="Change the files, but make no Git commit.")(command)


def label_argument(command: F) -> F:
    """Add LABEL: a label, or a task's name, which becomes its label."""
    return click.argument("label", callback=_as_label)(command)


def _as_label(_context: click.Context, _parameter: click.Parameter, given: str) -> str:
    from autobuilds.domain.labels import slugify

    return slugify(given) or given
