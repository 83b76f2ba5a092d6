"""A calendar in memory: the test says what each source brings, what an address would answer, and sees how often it was asked."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta, tzinfo

from autobuilds.domain.day import Busy
from autobuilds.errors import MissingExtra
from autobuilds.ports import CalendarAnswer

EVERY = timedelta(minutes=15)


@dataclass(slots=True)
class FakeCalendar:
    """Implements `ports.Calendar`; a text or a number of a source that stands for a fault is told as one."""

    #: What stands in files, by source.
    files: dict[str, tuple[Busy, ...] | str] = field(default_factory=dict)
    #: What addresses would answer, by source.
    online: dict[str, tuple[Busy, ...] | str] = field(default_factory=dict)
    installed: bool = True
    #: How often the network was asked.
    asked: int = 0
    copies: dict[str, tuple[Busy, ...]] = field(default_factory=dict)
    faults: dict[str, str] = field(default_factory=dict)
    tried: dict[str, datetime] = field(default_factory=dict)

    def busy(self, sources: Sequence[str], start: datetime, end: datetime, zone: tzinfo) -> CalendarAnswer:
        """Return what is known of the sources."""
        if not self.installed:
            return CalendarAnswer(faults=("the extra `calendar` is not installed",) if sources else ())
        found: set[Busy] = set()
        faults: list[str] = []
        notes: list[str] = []
        for source in sources:
            online = source.startswith("https://")
            known = self.copies.get(source) if online else self.files.get(source)
            if isinstance(known, tuple):
                found.update(
                    b for b in known if b.start.astimezone(UTC) < end.astimezone(UTC) and start.astimezone(UTC) < b.end.astimezone(UTC)
                )
                notes += [f"{source}: {self.faults.get(source) or 'as of its last fetch'}"] if online else []
            else:
                faults.append(f"{source}: {known or self.faults.get(source) or 'there is none'}")
        ordered = sorted(found, key=lambda b: (b.start.astimezone(UTC), b.end.astimezone(UTC), b.summary, b.context, b.all_day))
        return CalendarAnswer(busy=tuple(ordered), faults=tuple(faults), notes=tuple(notes))

    def refresh(self, sources: Sequence[str], now: datetime, zone: tzinfo) -> None:
        """Ask the addresses whose time has come."""
        for source in sources:
            if not source.startswith("https://") or (due := self._due(source, now)) > now:
                continue
            del due
            self.asked += 1
            self.tried[source] = now
            answer = self.online.get(source, "no answer")
            if isinstance(answer, tuple):
                self.copies[source] = answer
                self.faults.pop(source, None)
            else:
                self.faults[source] = answer

    def due(self, sources: Sequence[str], now: datetime) -> datetime | None:
        """Return when an address is to be asked again."""
        return min((self._due(s, now) for s in sources if s.startswith("https://")), default=None)

    def _due(self, source: str, now: datetime) -> datetime:
        tried = self.tried.get(source)
        return now if tried is None or tried > now else max(now, tried + EVERY)

    def inputs(self, sources: Sequence[str]) -> tuple[str, ...]:
        """Return no path: nothing stands in files."""
        return ()

    def require(self) -> None:
        """Raise MissingExtra where it is said not to be installed."""
        if not self.installed:
            raise MissingExtra("the extra `calendar` is not installed")
