"""When a running attempt is stalled: a pure decision from its newest sign of life."""

from __future__ import annotations

from datetime import datetime, timedelta
from enum import Enum

from autobuilds.domain.times import elapsed


class Stall(Enum):
    """How long an attempt has shown no sign of life."""

    NO = "no"
    #: Longer than `stall_after`: the owner is told.
    ALERT = "alert"
    #: Longer than twice that: the attempt is stopped and counts as failed.
    STOP = "stop"


def stall(active_at: datetime | None, started: datetime, now: datetime, stall_after: timedelta) -> Stall:
    """Return how stalled an attempt is; without a sign of life its start counts.

    `active_at` is believed although it is before the start: the clock was set back since then.
    """
    silent = elapsed(active_at or started, now)
    if silent >= 2 * stall_after:
        return Stall.STOP
    return Stall.ALERT if silent >= stall_after else Stall.NO
