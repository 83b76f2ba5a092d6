"""What could be started now: one look at the files and the world, by the gates, that renders nothing and changes nothing."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING

from autobuilds.planning.ready import Ready, ready
from autobuilds.records import dataclass, replace
from autobuilds.runtime.context import Context
from autobuilds.runtime.observe import observe

if TYPE_CHECKING:
    from autobuilds.domain.lengths import Lengths
    from autobuilds.store.workspace import Loaded


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
    lengths = None if minutes is None else _lengths(context, loaded)
    found = ready(snapshot, moment, minutes=minutes, limit=limit, lengths=lengths)
    if found.candidates:
        found = ready(snapshot, replace(moment, tiers=context.sandbox.tried()), minutes=minutes, limit=limit, lengths=lengths)
    return Upcoming(ready=found, now=moment.now)


def _lengths(context: Context, loaded: Loaded) -> Lengths:
    """Return what history tells of how long builds take; what of it can't be read is left out."""
    from autobuilds.domain.lengths import learn
    from autobuilds.runtime.ahead import all_builds

    return learn(all_builds(context, loaded)[0], loaded.snapshot.queue.tasks)
