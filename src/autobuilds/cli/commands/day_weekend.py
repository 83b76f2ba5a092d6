"""Weekend projects: suggest, start, progress, summary."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click

from autobuilds.cli.formatters.columns import fold
from autobuilds.cli.options import json_option, no_commit_option, workspace_option
from autobuilds.cli.session import open_context, refuse_in_build, say, say_json, style, tell
from autobuilds.errors import BadInput

if TYPE_CHECKING:
    from autobuilds.domain.weekend import Proposal
    from autobuilds.runtime.weekend_view import Standing


@click.group()
def weekend() -> None:
    """Projects for the weekend: propose some, start the one you choose, see how it goes.

    `suggest` writes nothing into the queue; nothing starts before `start`.
    """


@weekend.command()
@click.option("--write", "writing", is_flag=True, help="Write the proposals to build-reports/weekend-DATE.md too, as the Friday duty does.")
@workspace_option
@json_option
@no_commit_option
def suggest(writing: bool, workspace: Path | None, as_json: bool, no_commit: bool) -> None:
    """Propose two or three projects that fit into the free hours of the weekend, with milestones and reasons."""
    from autobuilds.cli.formatters import weekend_text
    from autobuilds.cli.formatters.style import Style
    from autobuilds.domain.moment import as_json as plain
    from autobuilds.runtime import weekend as weekends

    refuse_in_build("weekend suggest")
    context = open_context(workspace, no_commit=no_commit)
    found = weekends.suggest(context)
    name = weekends.page_name(found.plan.free.id)
    if writing:
        text = weekend_text.page(found, weekend_text.suggestion(found, Style()))
        weekends.write_weekend(context, name, text, f"proposals for the weekend of {found.plan.free.id}")
    if as_json:
        free = {**plain(found.plan.free), "minutes": found.plan.free.minutes}
        proposals = [{**plain(p), "minutes": p.minutes} for p in found.plan.proposals]
        rest = {"chosen": plain(found.chosen), "ideas": plain(found.ideas), "record": plain(found.record), "notes": list(found.notes)}
        limits = {"limit_minutes": found.plan.limit, "limit_why": found.plan.why, "written_to": name if writing else None}
        say_json({"schema": 1, "kind": "weekend-suggest", "free": free, **limits, "proposals": proposals, **rest})
        return
    say(fold(weekend_text.suggestion(found, style()), style().width))
    if writing:
        tell(f"written to {name}")


@weekend.command()
@click.argument("proposal", required=False)
@click.option("--yes", is_flag=True, help="Take the choice as confirmed; ask nothing.")
@click.option("--no-approve", is_flag=True, help="Write the milestones, but approve none: each asks for itself.")
@workspace_option
@json_option
@no_commit_option
def start(proposal: str | None, yes: bool, no_approve: bool, workspace: Path | None, as_json: bool, no_commit: bool) -> int:
    """Turn the project PROPOSAL (its id, or its number in the last `suggest`) into tasks of the queue.

    Your choice approves the milestones that are clear and harmless; what the risk or the requirements rules hold still asks for itself.
    """
    from autobuilds.cli.formatters import weekend_text
    from autobuilds.domain.moment import as_json as plain
    from autobuilds.runtime import weekend as weekends
    from autobuilds.runtime import weekend_start

    refuse_in_build("weekend start")
    context = open_context(workspace, no_commit=no_commit)
    chosen = weekends.shown(context, proposal)
    if not yes and not _confirmed(chosen, proposal, as_json=as_json):
        say("nothing was written")
        return 1
    done = weekend_start.start(context, chosen, context.by(), approve=not no_approve)
    if as_json:
        asks = [{"label": label, "reason": why} for label, why in done.asks]
        more = {"changed": done.changed, "approved": list(done.approved), "asks": asks, "notes": list(done.notes)}
        say_json({"schema": 1, "kind": "weekend-start", "weekend": plain(done.weekend), **more})
    else:
        say(fold(weekend_text.started(done, style()), style().width))
    return 0


def _confirmed(chosen: Proposal, wanted: str | None, *, as_json: bool) -> bool:
    """Show what would be written and ask; raises BadInput where nobody can answer."""
    from autobuilds.cli.formatters import weekend_text

    if as_json or not (sys.stdin.isatty() and sys.stdout.isatty()):
        raise BadInput(f"start asks before it writes, and nobody can answer here: autobuilds weekend start {wanted or chosen.id} --yes")
    say(fold(weekend_text.choice(chosen, style()), style().width))
    return click.confirm("Write these milestones into the queue, and approve what is clear and harmless?", default=False)


@weekend.command()
@workspace_option
@json_option
def progress(workspace: Path | None, as_json: bool) -> None:
    """Show how the chosen project stands: each milestone with its state, its hours, and what holds it."""
    from autobuilds.cli.formatters import weekend_text
    from autobuilds.runtime.weekend_view import standing

    found = standing(open_context(workspace))
    if as_json:
        _say_standing(found, "weekend-progress")
    else:
        say(fold(weekend_text.progress(found, style()), style().width))


@weekend.command()
@click.option("--write", "writing", is_flag=True, help="Write the page build-reports/weekend-DATE-summary.md too.")
@workspace_option
@json_option
@no_commit_option
def summary(writing: bool, workspace: Path | None, as_json: bool, no_commit: bool) -> None:
    """Sum the weekend up, for Sunday evening: what is done and how surely, what it took, what is left."""
    from autobuilds.cli.formatters import weekend_text
    from autobuilds.cli.formatters.style import Style
    from autobuilds.runtime import weekend as weekends
    from autobuilds.runtime.weekend_view import standing

    if writing:
        refuse_in_build("weekend summary")
    context = open_context(workspace, no_commit=no_commit)
    found = standing(context)
    name = weekends.page_name(f"{found.weekend.id}-summary")
    if writing:
        text = weekend_text.summary_page(weekend_text.summary(found, Style()))
        weekends.write_weekend(context, name, text, f"summary of the weekend of {found.weekend.id}")
    if as_json:
        _say_standing(found, "weekend-summary")
        return
    say(fold(weekend_text.summary(found, style()), style().width))
    if writing:
        tell(f"written to {name}")


def _say_standing(found: Standing, kind: str) -> None:
    from autobuilds.domain.moment import as_json as plain

    miles = [{**plain(mile), "done": mile.is_done} for mile in found.milestones]
    sums = {"done": found.done, "percent": found.percent, "minutes_ran": found.ran, "minutes_left": found.minutes_left}
    say_json({"schema": 1, "kind": kind, "weekend": {**plain(found.weekend), "milestones": miles}, **sums})
