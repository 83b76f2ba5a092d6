"""What happened in a simulation, as its own history tells it, and where in the week each build began."""

from __future__ import annotations

from datetime import datetime

from autobuilds.domain.context import context_at
from autobuilds.domain.day import Busy
from autobuilds.domain.night import is_on
from autobuilds.domain.times import after
from autobuilds.domain.week import in_span
from autobuilds.records import dataclass
from autobuilds.runtime.context import Context
from autobuilds.runtime.observe import CALENDAR_AFTER, CALENDAR_BEFORE
from autobuilds.runtime.simulation.values import Tale, Where

#: What the owner's own acts leave in the history: they are told when he acts.
_HIS = frozenset({"accepted", "rejected", "retry", "cancelled", "hand-edit", "context-word"})


@dataclass(slots=True, kw_only=True)
class News:
    """Reads the history of the throw-away workspace on."""

    context: Context
    tip: str | None

    def tell(self, now: datetime, tale: Tale, *, his: bool = False) -> None:
        """Tell every transition since the last time; with `his` those are left out that the owner's acts just made."""
        repo = self.context.repo
        head = repo.head().commit
        if head == self.tip and self.context.workspace.config().settings.commits == "current":
            return
        for commit in repo.history(since=self.tip):
            event = commit.trailers.get("Event")
            if event is not None and not (his and event in {*_HIS, "approved"}):
                tale.tell(now, event, commit.subject.partition(": ")[2], commit.trailers.get("Build", ""))
            self.tip = commit.sha
        self.tip = head or self.tip


def where(context: Context, now: datetime) -> Where:
    """Return where in the owner's week a moment lies."""
    settings, day = context.workspace.config().settings, context.workspace.ledger().day
    zone = context.workspace.zone(settings)
    here = now.astimezone(zone)
    busy: tuple[Busy, ...] = ()
    if settings.calendar:
        busy = context.calendar.busy(settings.calendar, after(here, -CALENDAR_BEFORE), after(here, CALENDAR_AFTER), zone).busy
    answer = context_at(here, day.word if day is not None else None, busy, settings.contexts)
    windows = tuple(w.name for w in settings.windows if in_span(here, w.span))
    return Where(context=answer.context.value, windows=windows, night=is_on(day, here))
