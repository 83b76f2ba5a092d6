"""Finished work: review, accept, reject, undo."""

from __future__ import annotations

from pathlib import Path

import click

from autobuilds.cli.session import (
    json_option,
    label_argument,
    no_commit_option,
    open_context,
    refuse_in_build,
    say,
    say_json,
    style,
    tell,
    workspace_option,
)


@click.command()
@label_argument
@click.option("--diff/--no-diff", default=True, help="Show the whole change.")
@workspace_option
@json_option
def review(label: str, diff: bool, workspace: Path | None, as_json: bool) -> None:
    """Show a build: what was asked, what was checked, the change, the end of its log."""
    from autobuilds.cli.formatters import reviews
    from autobuilds.runtime import deliver

    shown = deliver.review(open_context(workspace), label)
    if as_json:
        say_json(reviews.review_json(shown))
    else:
        say(reviews.review_text(shown, style(), diff=diff))


@click.command()
@label_argument
@click.option("--unchecked", is_flag=True, help="Merge without running the checks on the merged tree.")
@workspace_option
@json_option
@no_commit_option
def accept(label: str, unchecked: bool, workspace: Path | None, as_json: bool, no_commit: bool) -> None:
    """Merge a finished build into its base branch after its checks pass on the merged tree."""
    from autobuilds.runtime import deliver

    refuse_in_build("accept")
    build = deliver.accept(open_context(workspace, no_commit=no_commit), label, tell, unchecked=unchecked)
    if as_json:
        say_json({"schema": 1, "kind": "accept", "label": build.label, "branch": build.delivered_branch, "commit": build.delivered_commit})
    else:
        evidence = build.last.evidence if build.last else None
        said = f" ({evidence.value})" if evidence else ""
        say(f"{build.label} merged into {build.delivered_branch}{said}; autobuilds undo {build.label} takes it back")


@click.command()
@label_argument
@click.option("--because", required=True, help="What is wrong; the next attempt is told.")
@workspace_option
@json_option
@no_commit_option
def reject(label: str, because: str, workspace: Path | None, as_json: bool, no_commit: bool) -> None:
    """Send finished work back for another try, with your reason in its prompt."""
    from autobuilds.runtime import deliver

    refuse_in_build("reject")
    build = deliver.reject(open_context(workspace, no_commit=no_commit), label, because)
    if as_json:
        say_json({"schema": 1, "kind": "reject", "label": build.label})
    else:
        say(f"{build.label} is back in Active Queue; the next heartbeat tries again with your reason")


@click.command()
@label_argument
@workspace_option
@json_option
@no_commit_option
def undo(label: str, workspace: Path | None, as_json: bool, no_commit: bool) -> None:
    """Take a merged build back with one reverting commit."""
    from autobuilds.runtime import deliver

    refuse_in_build("undo")
    build = deliver.undo(open_context(workspace, no_commit=no_commit), label)
    if as_json:
        say_json({"schema": 1, "kind": "undo", "label": build.label})
    else:
        say(f"{build.label} taken back; it stands in Active Queue and waits for you (autobuilds retry {build.label})")
