"""Reading what people type as arguments, with messages that say what is allowed."""

from __future__ import annotations

from datetime import datetime

from autobuilds.domain.retry import later
from autobuilds.domain.times import parse_duration, parse_when
from autobuilds.errors import BadInput
from autobuilds.runtime.context import Context


def when(context: Context, option: str, text: str | None) -> datetime | None:
    """Return the moment that an option names: a time in the workspace's zone, or a span from now; raises BadInput."""
    if text is None:
        return None
    zone = context.workspace.zone(context.workspace.config().settings)
    moment = parse_when(text, zone)
    span = parse_duration(text) if moment is None else None
    if span is not None:
        return later(context.now(zone), span)
    if moment is None:
        raise BadInput(f'{option} "{text}" is no time: write YYYY-MM-DD HH:MM, or a span such as 3h')
    return moment
