"""What could be started now: one look at the files and the world, by the gates, that renders nothing and changes nothing."""

from __future__ import annotations

from datetime import datetime

from autobuilds.planning.ready import Ready, ready
from autobuilds.records import dataclass, replace
from autobuilds.runtime.context import Context
from autobuilds.runtime.observe import observe


@dataclass(frozen=True, slots=True, kw_only=True)
class Upcoming:
    """What could be started, and when that was asked."""

    ready: Ready
    now: datetime


def upcoming(context: Context, minutes: int | None, limit: int) -> Upcoming:
    """Return what could be started now (`planning.ready`); raises FatalQueue.

    Sandboxes are tried out only where nothing else holds one of the tasks.
    """
    loaded = context.load()
    snapshot = loaded.snapshot
    if snapshot.queue.fatal:
        from autobuilds.errors import FatalQueue
        from autobuilds.runtime.owner import fatal_message

        raise FatalQueue(fatal_message(snapshot.queue))
    moment = observe(context, loaded, probing=False)
    found = ready(snapshot, moment, minutes=minutes, limit=limit)
    if found.candidates:
        found = ready(snapshot, replace(moment, tiers=context.sandbox.tried()), minutes=minutes, limit=limit)
    return Upcoming(ready=found, now=moment.now)
