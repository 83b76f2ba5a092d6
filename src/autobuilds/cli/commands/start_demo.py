"""The demo."""

from __future__ import annotations

from pathlib import Path

import click

from autobuilds.cli.session import say, style
from autobuilds.domain.verdicts import Assessment
from autobuilds.ports import Commit


@click.command()
@click.argument("folder", required=False, type=click.Path(path_type=Path))
def demo(folder: Path | None) -> int:
    """Show everything in a throw-away workspace: five tasks, under a minute, no key, no network.

    One task runs and passes, one depends on it, one fails its check and is handed to you, one is risky and asks, one waits
    for off-hours. FOLDER (default: a new temporary one) is left for you to look at.
    """
    from datetime import UTC, datetime

    from autobuilds.cli import answers
    from autobuilds.runtime import demo as demos
    from autobuilds.wiring import create_repository, make_context

    place = demos.folder_for(folder).resolve()
    create_repository(place, demos.contents(datetime.now(UTC)), "A small program and a queue of five tasks")
    say(f"A workspace with five tasks stands in {place}. Heartbeats run until nothing is left to do:\n")
    context = make_context(place)
    story = demos.play(context, _tell, _tell_held)
    paint = style()
    say("\n" + paint.bold("autobuilds status") + " now says:\n")
    answers.status(story.last, as_json=False, style=paint)
    say(f"\n{story.seconds:.0f} s. Look around: {place}")
    say("  BUILD_QUEUE.md, BUILD_STATUS.md      what was wanted, what is going on")
    say("  git log --stat                       every transition is a commit")
    say("  autobuilds why                       which gate holds what, and what opens it")
    say("  autobuilds review word-counter       what failed, with its output")
    for fault in story.last.faults:
        say(paint.bad(f"\n{fault}"))
    if not story.settled:
        say("\nNot everything settled in time; `autobuilds heartbeat` in that folder goes on.")
        return 1
    return 0


def _tell_held(assessment: Assessment) -> None:
    first = next(g for g in assessment.obstacles if g.gate not in {"capacity", "blockers"})
    verb = {"ask": "asks", "wait": "waits"}[first.verdict.value]
    say(f"  {assessment.label:<26} {verb:<10} {first.reason}")


def _tell(commit: Commit) -> None:
    event = commit.trailers.get("Event", "")
    label = commit.trailers.get("Build", "")
    _, _, said = commit.subject.partition(": ")
    if event in {"", "started", "status", "hand-edit"}:
        return
    say(f"  {label:<26} {event:<10} {said}")
