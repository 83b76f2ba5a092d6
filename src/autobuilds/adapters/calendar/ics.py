"""Calendars as ICS: implements `ports.Calendar` for files, folders and https addresses."""

from __future__ import annotations

import shlex
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from datetime import UTC, date, datetime, tzinfo
from importlib.util import find_spec
from pathlib import Path

from autobuilds.adapters.calendar import copies, horizon
from autobuilds.adapters.calendar.horizon import Horizon
from autobuilds.adapters.calendar.sources import Source, contained, files, read, said, source_of
from autobuilds.domain.day import Busy
from autobuilds.domain.times import format_when
from autobuilds.errors import AutobuildsError, BadInput, MissingExtra
from autobuilds.ports import CalendarAnswer
from autobuilds.store.files import private_folder


def installed() -> bool:
    """Whether what reads calendars is installed."""
    return find_spec("icalendar") is not None and find_spec("recurring_ical_events") is not None


def install_command() -> str:
    """Return the command that installs what reads calendars, for the Python that runs here."""
    return f"{shlex.quote(sys.executable)} -m pip install 'autobuilds[calendar]'"


class IcsCalendar:
    """The calendars of one workspace; what was worked out of them is kept below `.autobuilds/calendar`."""

    def __init__(
        self, root: Path, *, available: Callable[[], bool] = installed, reading: Callable[[bytes, date, date], Horizon] = horizon.work_out
    ) -> None:
        self._root = root.resolve()
        self._available = available
        self._reading = reading
        self._known: dict[str, Horizon] = {}

    def busy(self, sources: Sequence[str], start: datetime, end: datetime, zone: tzinfo) -> CalendarAnswer:
        """Return what calendars say of a span of time; see the port."""
        found: set[Busy] = set()
        faults: list[str] = []
        notes: list[str] = []
        for source in self._sources(sources, faults):
            data, copy = self._read(source, faults), copies.copy_of(source) if source.address else None
            if copy is not None:
                _tell(copy, source, data, zone, (faults, notes))
            if data is None:
                continue
            try:
                known = self._horizon(data, start, end)
            except MissingExtra as missing:
                return CalendarAnswer(faults=(str(missing),))
            found.update(known.busy(start, end, zone))
            faults += (f"{source.name}: {fault}" for fault in known.faults)
            notes += (f"{source.name}: {note}" for note in known.notes)
        ordered = sorted(found, key=lambda b: (b.start.astimezone(UTC), b.end.astimezone(UTC), b.summary, b.context, b.all_day))
        return CalendarAnswer(busy=tuple(ordered), faults=tuple(faults), notes=tuple(notes))

    def refresh(self, sources: Sequence[str], now: datetime, zone: tzinfo) -> None:
        """Fetch what is old enough, and keep what the days around now bring; see the port."""
        del zone
        found = list(self._sources(sources, []))
        try:
            private_folder(self._root)
            for source in found:
                contained(source.path, self._root)
            copies.refresh([source for source in found if source.address], now)
        except (AutobuildsError, OSError):
            return  # what can't be written is worked out again, and said by what must write here
        if not self._available():
            return
        names = [name for source in found if source.address for name in (source.path.name, source.record.name)]
        for source in found:
            data = self._read(source, [])
            if data is None:
                continue
            names.append(horizon.kept_name(data))
            if horizon.recall(self._root, data, *horizon.needed(now)) is None:
                made = self._reading(data, *horizon.around(now))
                if made.sure:
                    horizon.keep(self._root, data, made)
        horizon.forget_all_but(self._root, names)

    def due(self, sources: Sequence[str], now: datetime) -> datetime | None:
        """Return when an address is to be asked again; see the port."""
        addresses = [source for source in self._sources(sources, []) if source.address]
        return min((copies.copy_of(source).due(now) for source in addresses), key=lambda m: m.astimezone(UTC), default=None)

    def inputs(self, sources: Sequence[str]) -> tuple[str, ...]:
        """Return what the answers depend on; see the port."""
        found: list[str] = []
        for source in self._sources(sources, []):
            found.append(str(source.path))
            # What can't be listed or leads round in a circle is a fault of `busy`; here its name alone is watched.
            with suppress(OSError, RuntimeError):
                if source.address:
                    found.append(str(source.record))
                elif source.path.is_dir():
                    found += (str(source.path / name) for name in files(source.path))
                found.append(str(source.path.resolve()))
        return tuple(dict.fromkeys(found))

    def require(self) -> None:
        """Raise MissingExtra where nothing here reads calendars; see the port."""
        if not self._available():
            raise MissingExtra(
                f"Calendars can't be read: the extra `calendar` is not installed. Run {install_command()}, or take `calendar` out of HEARTBEAT.md"
            )

    def _sources(self, texts: Sequence[str], faults: list[str]) -> Iterator[Source]:
        for number, text in enumerate(texts, 1):
            try:
                yield source_of(text, self._root, number)
            except (BadInput, ValueError) as error:
                faults.append(said(error))

    def _read(self, source: Source, faults: list[str]) -> bytes | None:
        if source.address and not source.path.exists():
            return None  # the record of its copy says why
        try:
            return read(source, self._root, faults)
        except (AutobuildsError, OSError) as error:
            faults.append(f"{source.name}: {said(error)}")
            return None

    def _horizon(self, data: bytes, start: datetime, end: datetime) -> Horizon:
        first, last = horizon.days(start, end)
        name = horizon.kept_name(data)
        known = self._known.get(name) or horizon.recall(self._root, data, first, last)
        if known is None or not known.covers(first, last):
            self.require()
            known = self._reading(data, first, last)
        self._known[name] = known
        return known


def _tell(copy: copies.Copy, source: Source, data: bytes | None, zone: tzinfo, said: tuple[list[str], list[str]]) -> None:
    """Say of which time the copy of an address is, and why there is no newer one."""
    faults, notes = said
    if copy.fetched is None or data is None:
        why = f"could not be fetched ({copy.fault})" if copy.fault else "is not fetched yet; the next heartbeat does it"
        faults.append(f"{source.name} {why}")
    elif copy.fault:
        text = f"{source.name} could not be fetched ({copy.fault}); its copy of {format_when(copy.fetched.astimezone(zone))} is used"
        (faults if copy.tried is not None and copy.stale(copy.tried) else notes).append(text)
    else:
        notes.append(f"{source.name}: as of {format_when(copy.fetched.astimezone(zone))}")
