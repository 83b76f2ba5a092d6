"""The calendars of a simulation: those of the owner's workspace as they lie there, and nothing is fetched."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, tzinfo
from pathlib import Path

from autobuilds.adapters.calendar.ics import IcsCalendar
from autobuilds.adapters.calendar.sources import source_of
from autobuilds.errors import BadInput
from autobuilds.ports import CalendarAnswer


class SimulatedCalendar:
    """Implements `ports.Calendar`: `kept_for` is the throw-away workspace, `owner` the one whose calendars are read."""

    def __init__(self, kept_for: Path, owner: Path) -> None:
        self._inner = IcsCalendar(kept_for)
        self._owner = owner

    def busy(self, sources: Sequence[str], start: datetime, end: datetime, zone: tzinfo) -> CalendarAnswer:
        """Return what the owner's files, and the copies of his addresses, say of a span of time."""
        return self._inner.busy(self._places(sources), start, end, zone)

    def refresh(self, sources: Sequence[str], now: datetime, zone: tzinfo) -> None:
        """Keep what the days around `now` bring, in the throw-away workspace."""
        self._inner.refresh(self._places(sources), now, zone)

    def due(self, sources: Sequence[str], now: datetime) -> datetime | None:
        """Return None: nothing is fetched."""
        return None

    def inputs(self, sources: Sequence[str]) -> tuple[str, ...]:
        """Return the files that are read."""
        return self._inner.inputs(self._places(sources))

    def require(self) -> None:
        """Raise MissingExtra where nothing here can read calendars."""
        self._inner.require()

    def _places(self, sources: Sequence[str]) -> list[str]:
        """Return where each calendar lies; one that can't be one stays as it is named, so that it is told."""
        return [self._place(text, number) for number, text in enumerate(sources, 1)]

    def _place(self, text: str, number: int) -> str:
        try:
            return str(source_of(text, self._owner, number).path)
        except BadInput:
            return text
