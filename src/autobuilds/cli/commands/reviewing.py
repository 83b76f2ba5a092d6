"""Finished work: review, pr, accept, reject, undo."""

from __future__ import annotations

from pathlib import Path

import click

from autobuilds.cli.options import json_option, label_argument, no_commit_option, workspace_option
from autobuilds.cli.session import open_context, page, refuse_in_build, say, say_json, style, tell


@click.command()
@click.argument("label", required=False)
@click.option("--attempt", "number", metavar="N", type=click.IntRange(1), help="The attempt to tell of; default: the last.")
@click.option("--prompt", is_flag=True, help="Show the whole prompt that the agent was given.")
@click.option("--stat", "stat_only", is_flag=True, help="Show only which files changed, and by how much.")
@click.option("--diff/--no-diff", default=True, help="Show the whole change line by line (the default), or leave it out.")
@click.option("--pager/--no-pager", default=True, help="On a terminal, hand what is longer than the screen to $PAGER (the default).")
@workspace_option
@json_option
def review(
    label: str | None,
    number: int | None,
    prompt: bool,
    stat_only: bool,
    diff: bool,
    pager: bool,
    workspace: Path | None,
    as_json: bool,
) -> None:
    """Tell the story of a build: what was asked, each attempt, what the agent did, checks, cost, the change, what you can do.

    Without LABEL, list what waits for your review.
    """
    from autobuilds.cli.formatters import reviews
    from autobuilds.runtime import story

    context = open_context(workspace)
    if label is None:
        if number is not None or prompt or stat_only:
            raise click.UsageError("--attempt, --prompt and --stat need a LABEL")
        builds = story.waiting(context)
        text = reviews.waiting_text(builds, context.host.now(None), style())
        return say_json(reviews.waiting_json(builds)) if as_json else say(text)
    told = story.story_of(context, label, number)
    if as_json:
        return say_json(reviews.review_json(told))
    shown = style()
    page(reviews.review_text(told, shown, prompt=prompt, diff=diff, stat_only=stat_only), shown, wanted=pager)
    return None


@click.command()
@label_argument
@workspace_option
@json_option
@no_commit_option
def pr(label: str, workspace: Path | None, as_json: bool, no_commit: bool) -> None:
    """Push a finished build's branch and open a pull request for it, or find the one that is open.

    The forge's own command does it: gh, glab or tea, by the address of the remote or `forge:` in HEARTBEAT.md.
    """
    from autobuilds.runtime.proposing import propose

    refuse_in_build("pr")
    build, proposed = propose(open_context(workspace, no_commit=no_commit), label, tell)
    if as_json:
        known = {"address": proposed.address, "found": proposed.found, "remote": proposed.remote, "command": proposed.command}
        say_json({"schema": 1, "kind": "pr", "label": build.label, **known})
    else:
        say(f"{build.label}: {'the pull request was there already' if proposed.found else 'pull request opened'}: {proposed.address}")


@click.command()
@label_argument
@click.option("--unchecked", is_flag=True, help="Merge without running the checks on the merged tree.")
@workspace_option
@json_option
@no_commit_option
def accept(label: str, unchecked: bool, workspace: Path | None, as_json: bool, no_commit: bool) -> None:
    """Merge a finished build into its base branch after its checks pass on the merged tree."""
    from autobuilds.runtime import deliver
    from autobuilds.runtime.refusals import insisting

    refuse_in_build("accept")
    context = open_context(workspace, no_commit=no_commit)
    with insisting(context, label):
        build = deliver.accept(context, label, tell, unchecked=unchecked)
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
    from autobuilds.runtime.refusals import insisting

    refuse_in_build("reject")
    context = open_context(workspace, no_commit=no_commit)
    with insisting(context, label):
        build = deliver.reject(context, label, because)
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
    from autobuilds.runtime.refusals import insisting, telling_of_undone

    refuse_in_build("undo")
    context = open_context(workspace, no_commit=no_commit)
    with insisting(context, label), telling_of_undone(context, label):
        build = deliver.undo(context, label)
    if as_json:
        say_json({"schema": 1, "kind": "undo", "label": build.label})
    else:
        say(f"{build.label} taken back; it stands in Active Queue and waits for you (autobuilds retry {build.label})")
