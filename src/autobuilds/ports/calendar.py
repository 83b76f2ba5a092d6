"""The port of the owner's calendar: what it says of a span of time, and how its copies are kept fresh."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, tzinfo
from typing import Protocol

from autobuilds.domain.day import Busy
from autobuilds.records import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class CalendarAnswer:
    """What calendars say of a span of time, and of themselves."""

    #: Every occurrence that touches the span, by start, end and summary; whole, so that it may begin before the span.
    busy: tuple[Busy, ...] = ()
    #: What of them could not be told, in words; the rest is in `busy` all the same.
    faults: tuple[str, ...] = ()
    #: What is worth knowing of them and stops nothing: from when a fetched copy is, what was left out.
    notes: tuple[str, ...] = ()


class Calendar(Protocol):
    """The owner's calendars, named as in HEARTBEAT.md: paths (relative to the workspace, `~`), https addresses.

    No verb but `require` raises: a calendar that can't be read is a fault in words, and everything else goes on without it.
    """

    def busy(self, sources: Sequence[str], start: datetime, end: datetime, zone: tzinfo) -> CalendarAnswer:
        """Return what calendars say of the time from `start` to `end`, in a zone; asks no network and writes nothing."""
        ...

    def refresh(self, sources: Sequence[str], now: datetime, zone: tzinfo) -> None:
        """Fetch the addresses whose copy is old enough, and keep what the days around `now` bring; for acting heartbeats alone."""
        ...

    def due(self, sources: Sequence[str], now: datetime) -> datetime | None:
        """Return when `refresh` has something to fetch again, at or after `now`; None where no source is an address."""
        ...

    def inputs(self, sources: Sequence[str]) -> tuple[str, ...]:
        """Return the absolute paths of files that the answers depend on, whether they are there or not."""
        ...

    def require(self) -> None:
        """Raise MissingExtra, which names the command that installs it, where nothing here can read calendars."""
        ...
