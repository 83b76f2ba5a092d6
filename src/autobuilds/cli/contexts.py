"""What the commands of `autobuilds context` do: one look, or one word of the owner's, and its answer."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING

from autobuilds.cli.formatters import context_text
from autobuilds.cli.session import open_context, refuse_in_build, say, say_json, style, tell
from autobuilds.domain.inert import terminal
from autobuilds.policies import context_scheduler as policy

if TYPE_CHECKING:
    from autobuilds.domain.day import Context
    from autobuilds.runtime.day import Today


def _today(workspace: Path | None, ahead: timedelta = timedelta()) -> Today:
    """Look at the day; raises MissingExtra where the owner's calendars count and nothing here reads them."""
    from autobuilds.runtime.day import today

    context = open_context(workspace)
    found = today(context, ahead)
    if found.settings.calendar:
        context.calendar.require()
    for note in found.notes:
        tell(terminal(note))
    return found


def detect(workspace: Path | None, *, as_json: bool) -> None:
    """Print the context and what it changes."""
    found = _today(workspace)
    _print(policy.detect(found.settings, found.day, found.moment), "context", as_json=as_json)


def _print(found: policy.Detected, kind: str, *, as_json: bool) -> None:
    if as_json:
        say_json(context_text.detected_json(found, kind))
    else:
        say(context_text.detected(found, style()))


def summary(workspace: Path | None, *, as_json: bool) -> None:
    """Print the day so far."""
    seen = _today(workspace)
    found = policy.summary(seen.settings, seen.day, seen.moment)
    if as_json:
        say_json(context_text.summary_json(found))
    else:
        say(context_text.summary(found, style()))


def upcoming(workspace: Path | None, hours: int, *, as_json: bool) -> None:
    """Print the changes of the coming hours."""
    seen = _today(workspace, timedelta(hours=hours))
    found = policy.upcoming(seen.settings, seen.day, seen.moment, hours)
    if as_json:
        say_json(context_text.upcoming_json(found, seen.moment.now, hours))
    else:
        say(context_text.upcoming(found, hours, style()))


def say_it(workspace: Path | None, wanted: Context, *, until: str | None, span: str | None, as_json: bool, no_commit: bool) -> None:
    """Take the owner's word; raises BadInput for a time or a span that can't be read, Refused inside a build."""
    from autobuilds.cli.parsing import when
    from autobuilds.domain.times import parse_duration
    from autobuilds.errors import BadInput
    from autobuilds.runtime.day import say as said

    refuse_in_build("context set")
    if span is not None and not parse_duration(span):
        raise BadInput(f'--for "{span}" is no length of time: write it as 90 min, 2h or 3d')
    context = open_context(workspace, no_commit=no_commit)
    ends = when(context, "--for" if span is not None else "--until", span if span is not None else until)
    _print(said(context, wanted, ends), "context-set", as_json=as_json)


def clear(workspace: Path | None, *, as_json: bool, no_commit: bool) -> None:
    """Take the owner's word back; raises NotSo where there is none, Refused inside a build."""
    from autobuilds.runtime.day import unsay

    refuse_in_build("context clear")
    _print(unsay(open_context(workspace, no_commit=no_commit)), "context-clear", as_json=as_json)
