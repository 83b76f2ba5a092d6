"""What every calendar promises, the one in memory included."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from autobuilds.adapters.calendar import IcsCalendar
from autobuilds.domain.day import Busy, Context
from autobuilds.errors import MissingExtra
from autobuilds.ports import Calendar, CalendarAnswer
from tests.adapters.calendar import texts
from tests.adapters.calendar.tls import Page, Web, serving
from tests.fakes.calendar import FakeCalendar

BERLIN = ZoneInfo("Europe/Berlin")
NOW = datetime(2026, 3, 24, 9, 0, tzinfo=BERLIN)


def talk(hours: float, name: str = "Talk") -> Busy:
    """Return an event of an hour, so many hours from now."""
    start = NOW + timedelta(hours=hours)
    return Busy(start=start, end=start + timedelta(hours=1), context=Context.WORKING, summary=name)


def _text(events: tuple[Busy, ...]) -> bytes:
    parts = (
        texts.event(
            f":{e.start.astimezone(UTC):%Y%m%dT%H%M%SZ}", f"DTEND:{e.end.astimezone(UTC):%Y%m%dT%H%M%SZ}", summary=e.summary, uid=f"{n}"
        )
        for n, e in enumerate(events)
    )
    return texts.calendar(*parts)


@dataclass
class World:
    """A calendar, and the hands that change what it reads."""

    calendar: Calendar
    root: Path
    web: Web | None

    @property
    def address(self) -> str:
        return "https://localhost/cal.ics" if self.web is None else self.web.address()

    def file(self, *events: Busy) -> None:
        """Let the file `a.ics` hold these events."""
        (self.root / "a.ics").write_bytes(_text(events))
        if isinstance(self.calendar, FakeCalendar):
            self.calendar.files["a.ics"] = events

    def spoil(self) -> None:
        """Let the file be no calendar."""
        (self.root / "a.ics").write_text("to do: all of it\n")
        if isinstance(self.calendar, FakeCalendar):
            self.calendar.files["a.ics"] = "no calendar"

    def online(self, *events: Busy) -> None:
        """Let the address answer with these events."""
        if self.web is not None:
            self.web.pages["/cal.ics"] = Page(_text(events))
        elif isinstance(self.calendar, FakeCalendar):
            self.calendar.online[self.address] = events

    def down(self) -> None:
        """Let the address fail."""
        if self.web is not None:
            self.web.pages.clear()
        elif isinstance(self.calendar, FakeCalendar):
            self.calendar.online.clear()

    @property
    def asked(self) -> int:
        """How often the network was asked."""
        if self.web is not None:
            return len(self.web.asked)
        assert isinstance(self.calendar, FakeCalendar)
        return self.calendar.asked

    def without(self) -> Calendar:
        """Return a calendar on a machine where nothing reads them."""
        if isinstance(self.calendar, FakeCalendar):
            return FakeCalendar(files=self.calendar.files, installed=False)
        return IcsCalendar(self.root, available=lambda: False)

    def ask(self, *sources: str, start: datetime = NOW, end: datetime = NOW + timedelta(days=8)) -> CalendarAnswer:
        return self.calendar.busy(sources, start, end, BERLIN)


@pytest.fixture(params=["fake", "ics"])
def world(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[World]:
    if request.param == "fake":
        yield World(FakeCalendar(), tmp_path, None)
        return
    with serving() as web:
        monkeypatch.setenv("SSL_CERT_FILE", str(web.certificate))
        yield World(IcsCalendar(tmp_path, reading=texts.horizon), tmp_path, web)


def test_no_source_says_nothing(world: World) -> None:
    assert world.ask() == CalendarAnswer()
    assert world.calendar.due([], NOW) is None and world.calendar.inputs([]) == ()


def test_what_touches_the_span_is_told_whole_and_in_order(world: World) -> None:
    world.file(talk(30, "c"), talk(-0.5, "a"), talk(3, "b"), talk(-1, "ends now"), talk(200, "far"))
    found = world.ask("a.ics")
    assert [b.summary for b in found.busy] == ["a", "b", "c"] and found.faults == ()
    assert found.busy[0] == talk(-0.5, "a")
    assert [b.summary for b in world.ask("a.ics", end=NOW + timedelta(hours=3)).busy] == ["a"]


def test_what_two_calendars_have_is_told_once(world: World) -> None:
    world.file(talk(1))
    assert len(world.ask("a.ics", "a.ics").busy) == 1


def test_a_calendar_that_cant_be_read_is_a_fault_and_the_others_go_on(world: World) -> None:
    world.file(talk(1))
    found = world.ask("b.ics", "a.ics")
    assert [b.summary for b in found.busy] == ["Talk"] and len(found.faults) == 1 and "b.ics" in found.faults[0]
    world.spoil()
    assert world.ask("a.ics").busy == () and len(world.ask("a.ics").faults) == 1


def test_a_change_of_a_file_is_seen_at_once(world: World) -> None:
    world.file(talk(1))
    assert world.ask("a.ics").busy == (talk(1),)
    world.file(talk(2))
    assert world.ask("a.ics").busy == (talk(2),)


def test_asking_never_asks_the_network(world: World) -> None:
    world.online(talk(1))
    for _ in range(3):
        found = world.ask(world.address)
    assert (found.busy, len(found.faults), world.asked) == ((), 1, 0)


def test_an_address_is_asked_every_15_minutes_at_most(world: World) -> None:
    world.online(talk(1))
    assert world.calendar.due([world.address], NOW) == NOW
    world.calendar.refresh([world.address], NOW, BERLIN)
    assert (world.ask(world.address).busy, world.asked) == ((talk(1),), 1)
    assert world.calendar.due(["a.ics", world.address], NOW) == NOW + timedelta(minutes=15)
    world.online(talk(2))
    world.calendar.refresh([world.address], NOW + timedelta(minutes=14, seconds=59), BERLIN)
    assert (world.ask(world.address).busy, world.asked) == ((talk(1),), 1)
    world.calendar.refresh([world.address], NOW + timedelta(minutes=15), BERLIN)
    assert (world.ask(world.address).busy, world.asked) == ((talk(2),), 2)


def test_the_last_good_copy_is_used_while_an_address_fails(world: World) -> None:
    world.online(talk(1))
    world.calendar.refresh([world.address], NOW, BERLIN)
    world.down()
    world.calendar.refresh([world.address], NOW + timedelta(hours=1), BERLIN)
    found = world.ask(world.address)
    assert (found.busy, found.faults, len(found.notes)) == ((talk(1),), (), 1)
    assert world.calendar.due([world.address], NOW + timedelta(hours=1)) == NOW + timedelta(hours=1, minutes=15)


def test_without_the_extra_there_is_a_fault_and_a_command(world: World) -> None:
    world.file(talk(1))
    world.calendar.require()
    without = world.without()
    found = without.busy(["a.ics"], NOW, NOW + timedelta(days=1), BERLIN)
    assert found.busy == () and len(found.faults) == 1 and "calendar" in found.faults[0]
    with pytest.raises(MissingExtra):
        without.require()
