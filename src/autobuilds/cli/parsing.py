"""Reading what people type as arguments, with messages that say what is allowed."""

from __future__ import annotations

import re
from datetime import date, datetime, time, timedelta

from autobuilds.domain.retry import later
from autobuilds.domain.times import after, at_clock, local_day, parse_duration, parse_when
from autobuilds.errors import BadInput
from autobuilds.runtime.context import Context


def when(context: Context, option: str, text: str | None) -> datetime | None:
    """Return the moment that an option names: a time in the workspace's zone, the next time the clock shows HH:MM, or a span from now.

    Raises BadInput.
    """
    if text is None:
        return None
    zone = context.workspace.zone(context.workspace.config().settings)
    if clock := re.fullmatch(r"([01]?\d|2[0-3]):([0-5]\d)", text.strip()):
        now, shown = context.now(zone), time(int(clock[1]), int(clock[2]))
        today = at_clock(local_day(now), shown, zone)
        return today if today > now else at_clock(local_day(now) + timedelta(days=1), shown, zone)
    moment = parse_when(text, zone)
    span = parse_duration(text) if moment is None else None
    if span is not None:
        return later(context.now(zone), span)
    if moment is None:
        raise BadInput(f'{option} "{text}" is no time: write YYYY-MM-DD HH:MM, 18:00, or a span such as 3h')
    return moment


def day(option: str, text: str | None) -> date | None:
    """Return the day that an option names, as YYYY-MM-DD; raises BadInput."""
    try:
        return date.fromisoformat(text.strip()) if text else None
    except ValueError as wrong:
        raise BadInput(f'{option} "{text}" is no date: write YYYY-MM-DD') from wrong


def day_since(context: Context, option: str, text: str | None) -> date | None:
    """Return the day that an option names, or that lies a span before today in the workspace's zone; raises BadInput."""
    span = parse_duration(text) if text else None
    if span is None:
        return day(option, text)
    zone = context.workspace.zone(context.workspace.config().settings)
    return local_day(after(context.now(zone), -span))
