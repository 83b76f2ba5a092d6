"""Files, folders and copies: what is read, what is kept, and what a hostile one can do."""

from __future__ import annotations

import os
import time
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from autobuilds.adapters.calendar import IcsCalendar, horizon, sources
from autobuilds.adapters.calendar.horizon import Horizon
from autobuilds.adapters.calendar.reader import Reading
from autobuilds.errors import MissingExtra
from tests.adapters.calendar import texts
from tests.adapters.calendar.texts import BERLIN, calendar, event, told
from tests.adapters.calendar.tls import Page, Web

NOW = datetime(2026, 3, 24, 9, 0, tzinfo=BERLIN)
TALK = event(":20260324T100000Z", "DURATION:PT1H")
HERE = ["03-24 09:00 03-24 10:00 working Talk"]
SAID = ["03-24 11:00 03-24 12:00 working Talk"]


class Counted:
    """Reads here, and counts how often."""

    def __init__(self) -> None:
        self.times = 0

    def __call__(self, data: bytes, start: date, end: date) -> Horizon:
        self.times += 1
        return texts.horizon(data, start, end)


@pytest.fixture
def root(tmp_path: Path) -> Path:
    found = tmp_path / "workspace"
    found.mkdir()
    return found


@pytest.fixture
def reading() -> Counted:
    return Counted()


@pytest.fixture
def ics(root: Path, reading: Counted) -> IcsCalendar:
    return IcsCalendar(root, reading=reading)


def ask(ics: IcsCalendar, *named: str, now: datetime = NOW) -> tuple[list[str], tuple[str, ...], tuple[str, ...]]:
    found = ics.busy(named, now - timedelta(days=1), now + timedelta(days=8), BERLIN)
    return told(list(found.busy)), found.faults, found.notes


def fault(ics: IcsCalendar, *named: str) -> str:
    said, faults, _ = ask(ics, *named)
    assert said == [] and len(faults) == 1, (said, faults)
    return faults[0]


def test_a_process_of_its_own_reads_a_file_and_leaves_a_bomb_out(root: Path) -> None:
    bomb = event(":19700101T000000Z", "DURATION:PT1S", "RRULE:FREQ=SECONDLY;COUNT=999999999", uid="2", summary="each second")
    (root / "a.ics").write_bytes(calendar(TALK, bomb))
    said, faults, _ = ask(IcsCalendar(root), "a.ics")
    assert said == SAID
    assert faults == ("calendar 1 (a.ics): 1 event can't be read: “each second” (it recurs each minute or second)",)


@pytest.mark.slow
def test_what_takes_too_long_is_left_out_and_what_takes_too_much_is_not_used(root: Path) -> None:
    never = event(":20000101T000000Z", "DURATION:PT1H", "RRULE:FREQ=DAILY;BYMONTH=2;BYMONTHDAY=30", uid="2", summary="never")
    (root / "a.ics").write_bytes(calendar(TALK, never))
    said, faults, _ = ask(IcsCalendar(root), "a.ics")
    assert said == SAID and len(faults) == 1 and "recurs in a way that takes too long" in faults[0]
    deep = calendar(*["BEGIN:VEVENT"] * 200_000)
    rule = ("BEGIN:STANDARD", "DTSTART:00010101T000000", "RRULE:FREQ=SECONDLY", "TZOFFSETFROM:+0100", "TZOFFSETTO:+0200", "END:STANDARD")
    zone = "\n".join(("BEGIN:VTIMEZONE", "TZID:Here", *rule, "END:VTIMEZONE"))
    many = calendar(*[never.replace("UID:2", f"UID:{n}") for n in range(60)])
    for bomb in (deep, calendar(zone, event(";TZID=Here:20260324T100000", "DURATION:PT1H")), many):
        (root / "a.ics").write_bytes(bomb)
        began = time.monotonic()
        said, faults, _ = ask(IcsCalendar(root), "a.ics")
        # Some versions of icalendar take the zone's offset without going through its seconds.
        assert (said, len(faults)) == ([], 1) or (zone.encode() in bomb.replace(b"\r\n", b"\n") and said == HERE)
        assert time.monotonic() - began < 100


def test_a_process_that_dies_is_a_fault_in_words(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (root / "a.ics").write_bytes(calendar(TALK))
    monkeypatch.setattr(horizon, "_READER", "autobuilds.adapters.calendar.no_such_reader")
    said = fault(IcsCalendar(root), "a.ics")
    assert said.startswith("calendar 1 (a.ics): it can't be read (") and said.endswith("; it is not used")
    monkeypatch.setattr(horizon, "_READER", "time")  # reads nothing, says nothing
    assert fault(IcsCalendar(root), "a.ics").startswith("calendar 1 (a.ics): ")


def test_a_process_that_does_not_end_is_given_up(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (root / "a.ics").write_bytes(calendar(TALK))
    monkeypatch.setattr(horizon, "_SECONDS", 0.01)
    assert fault(IcsCalendar(root), "a.ics") == "calendar 1 (a.ics): it takes too much time or memory to be read; it is not used"


def test_what_is_kept_is_by_content_and_made_by_the_heartbeat_alone(root: Path, ics: IcsCalendar, reading: Counted) -> None:
    (root / "a.ics").write_bytes(calendar(TALK))
    assert ask(ics, "a.ics") == (SAID, (), ())
    assert not (root / ".autobuilds").exists()
    ics.refresh(["a.ics"], NOW, BERLIN)
    ics.refresh(["a.ics"], NOW + timedelta(days=10), BERLIN)
    assert reading.times == 2
    other = IcsCalendar(root, reading=reading)
    assert ask(other, "a.ics")[0] == SAID and reading.times == 2
    ics.refresh(["a.ics"], NOW + timedelta(days=15), BERLIN)
    assert reading.times == 3
    (root / "a.ics").write_bytes(calendar(event(":20260324T110000Z", "DURATION:PT1H")))
    assert ask(other, "a.ics")[0] == ["03-24 12:00 03-24 13:00 working Talk"]
    ics.refresh(["a.ics"], NOW, BERLIN)
    assert len(list((root / ".autobuilds" / "calendar").glob("horizon-*"))) == 1


def test_a_kept_answer_that_was_touched_or_made_by_another_program_does_not_count(root: Path, ics: IcsCalendar, reading: Counted) -> None:
    (root / "a.ics").write_bytes(calendar(TALK))
    ics.refresh(["a.ics"], NOW, BERLIN)
    (kept,) = (root / ".autobuilds" / "calendar").glob("horizon-*")
    good = kept.read_text()
    for bad in ("", "[]", "{}", good[:-9], good.replace('"by": "', '"by": "x'), good.replace('"working"', '"sleepy"')):
        kept.write_text(bad)
        assert ask(IcsCalendar(root, reading=reading), "a.ics")[0] == SAID
    assert reading.times == 7


def test_what_the_machine_was_too_slow_for_is_not_kept(root: Path) -> None:
    (root / "a.ics").write_bytes(calendar(TALK))
    slow = IcsCalendar(root, reading=lambda _, start, end: Horizon(start=start, end=end, faults=("too slow",), sure=False))
    slow.refresh(["a.ics"], NOW, BERLIN)
    assert list((root / ".autobuilds").rglob("horizon-*")) == []
    assert fault(slow, "a.ics") == "calendar 1 (a.ics): too slow"


def test_a_missing_extra_is_a_fault_and_a_command(root: Path, reading: Counted) -> None:
    (root / "a.ics").write_bytes(calendar(TALK))
    without = IcsCalendar(root, available=lambda: False, reading=reading)
    assert "-m pip install 'autobuilds[calendar]'" in fault(without, "a.ics")
    with pytest.raises(MissingExtra) as missing:
        without.require()
    assert missing.value.exit_code == 3
    without.refresh(["a.ics"], NOW, BERLIN)
    assert reading.times == 0
    IcsCalendar(root, reading=reading).refresh(["a.ics"], NOW, BERLIN)
    assert ask(without, "a.ics")[0] == SAID


def test_a_folder_is_all_its_calendars(root: Path, ics: IcsCalendar, reading: Counted) -> None:
    folder = root / "cal"
    folder.mkdir()
    (folder / "1.ics").write_bytes(calendar(TALK))
    (folder / "2.ICS").write_bytes(b"\xef\xbb\xbf" + calendar(event(":20260324T120000Z", "DURATION:PT1H", summary="Two")))
    (folder / "readme.txt").write_text("no calendar")
    (folder / ".3.ics").write_text("half a save")
    assert ask(ics, "cal") == ([*SAID, "03-24 13:00 03-24 14:00 working Two"], (), ())
    assert ics.inputs(["cal"]) == (str(folder), str(folder / "1.ics"), str(folder / "2.ICS"))
    (folder / "4.ics").write_bytes(calendar(TALK)[:-20])
    said, faults, _ = ask(ics, "cal")
    assert len(said) == 2
    assert faults == ("calendar 1 (cal): 4.ics is left out: it ends in the middle (without END:VCALENDAR)",)


def test_odd_files_are_faults_in_words(root: Path, ics: IcsCalendar, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert "there is no file" in fault(ics, "none.ics")
    os.mkfifo(root / "pipe.ics")
    assert "not a regular file" in fault(ics, "pipe.ics")
    (root / "big.ics").write_bytes(b"")
    os.truncate(root / "big.ics", 100 * 1024**2)
    assert "at most 16,777,216 are read" in fault(ics, "big.ics")
    outside = tmp_path / "outside.ics"
    outside.write_bytes(calendar(TALK))
    (root / "out.ics").symlink_to(outside)
    assert "leads out of the workspace" in fault(ics, "out.ics")
    (root / "folder").mkdir()
    (root / "folder" / "x.ics").symlink_to(outside)
    assert "leads out of the workspace" in fault(ics, "folder")
    (root / "circle.ics").symlink_to("circle.ics")
    assert fault(ics, "circle.ics")
    assert "home that is not known" in fault(ics, "~nobody-of-that-name/a.ics")
    assert "no https address" in fault(ics, "http://localhost/a.ics") and "no https address" in fault(ics, "https://")
    assert ask(ics, str(outside)) == (SAID, (), ())
    assert ask(ics, "../outside.ics") == (SAID, (), ())
    monkeypatch.setenv("HOME", str(tmp_path))
    assert ask(ics, "~/outside.ics", "none.ics")[0] == SAID
    (root / "folder" / "x.ics").unlink()
    assert ask(ics, "folder") == ([], (), ())
    monkeypatch.setattr(sources, "_MOST_FILES", 0)
    (root / "folder" / "x.ics").write_bytes(calendar(TALK))
    assert "more than 0 files" in fault(ics, "folder")


def test_a_link_as_place_of_what_is_kept_is_not_written_through(root: Path, ics: IcsCalendar, tmp_path: Path, web: Web) -> None:
    web.pages["/cal.ics"] = Page(calendar(TALK))
    (root / ".autobuilds").mkdir()
    (tmp_path / "elsewhere").mkdir()
    (root / ".autobuilds" / "calendar").symlink_to(tmp_path / "elsewhere")
    ics.refresh([web.address()], NOW, BERLIN)
    assert list((tmp_path / "elsewhere").iterdir()) == [] and web.asked == []


def test_copies_are_fetched_when_it_is_time_and_kept_when_it_fails(root: Path, ics: IcsCalendar, web: Web) -> None:
    web.pages["/cal.ics"] = Page(calendar(TALK), headers={"ETag": "1"})
    named = [web.address(), web.address().replace("https", "webcal"), "a.ics"]
    assert ics.due(named, NOW) == NOW
    assert fault(ics, named[0]) == "calendar 1 (https://localhost/…) is not fetched yet; the next heartbeat does it"
    ics.refresh(named[:1], NOW, BERLIN)
    assert ask(ics, *named[:2]) == (
        SAID,
        (),
        ("calendar 1 (https://localhost/…): as of 2026-03-24 09:00", "calendar 2 (https://localhost/…): as of 2026-03-24 09:00"),
    )
    assert ics.due(named, NOW + timedelta(minutes=1)) == NOW + timedelta(minutes=15)
    for minutes in (1, 14):
        ics.refresh(named[:1], NOW + timedelta(minutes=minutes), BERLIN)
    assert len(web.asked) == 1
    ics.refresh(named[:1], NOW + timedelta(minutes=15), BERLIN)
    assert len(web.asked) == 2 and "If-None-Match" in web.asked[1][1]
    web.pages["/cal.ics"] = Page(status=503)
    ics.refresh(named[:1], NOW + timedelta(minutes=30), BERLIN)
    said, faults, notes = ask(ics, named[0])
    assert (said, faults) == (SAID, ())
    assert notes == (
        "calendar 1 (https://localhost/…) could not be fetched (it answered with status 503); its copy of 2026-03-24 09:15 is used",
    )
    ics.refresh(named[:1], NOW + timedelta(hours=25), BERLIN)
    said, faults, notes = ask(ics, named[0])
    assert said == SAID and len(faults) == 1 and "its copy of 2026-03-24 09:15 is used" in faults[0] and notes == ()
    for path in (root / ".autobuilds" / "calendar").iterdir():
        assert path.stat().st_mode & 0o777 == 0o600
        assert web.address() not in path.read_text()
    ics.refresh(["a.ics"], NOW, BERLIN)
    assert list((root / ".autobuilds" / "calendar").iterdir()) == []


def test_an_event_without_its_end_is_told(root: Path, ics: IcsCalendar) -> None:
    for bad in (calendar(TALK, TALK.replace("UID:1", "UID:2").replace("END:VEVENT", "X:1")), calendar("BEGIN:VEVENT")):
        (root / "a.ics").write_bytes(bad)
        assert "ends are missing" in ask(ics, "a.ics")[1][0]
    (root / "a.ics").write_bytes(calendar())
    assert ask(ics, "a.ics") == ([], (), ())


def test_an_address_that_never_answered_is_a_fault(root: Path, ics: IcsCalendar, web: Web) -> None:
    ics.refresh([web.address()], NOW, BERLIN)
    assert fault(ics, web.address()) == "calendar 1 (https://localhost/…) could not be fetched (it answered with status 404)"
    assert ics.inputs([web.address()])[0].endswith(".ics") and ics.inputs([web.address()])[1].endswith(".json")
    record = Path(ics.inputs([web.address()])[1])
    for bad in ("{", "[]", '{"fetched": "yesterday"}', '{"fetched": "2026-03-24T09:00:00"}'):
        record.write_text(bad)
        assert "is not fetched yet" in fault(ics, web.address())


def test_a_clock_that_was_put_back_does_not_stop_fetching(root: Path, ics: IcsCalendar, web: Web) -> None:
    ics.refresh([web.address()], NOW + timedelta(days=9), BERLIN)
    ics.refresh([web.address()], NOW, BERLIN)
    assert len(web.asked) == 2


def test_nothing_can_be_written_and_nothing_is_raised(root: Path, ics: IcsCalendar) -> None:
    (root / ".autobuilds").write_text("a file")
    (root / "a.ics").write_bytes(calendar(TALK))
    ics.refresh(["a.ics"], NOW, BERLIN)
    assert ask(ics, "a.ics")[0] == SAID


_LINES = st.sampled_from(
    [
        *("BEGIN:VEVENT", "END:VEVENT", "BEGIN:VCALENDAR", "END:VCALENDAR", "BEGIN:VTIMEZONE", "END:VTIMEZONE", "BEGIN:STANDARD"),
        *("END:STANDARD", "UID:1", "UID:2", "DTSTART:20260324T100000Z", "DTSTART;VALUE=DATE:20260324", "DTSTART:nonsense", "DTEND:1"),
        *("DTEND:20260324T110000Z", "DURATION:PT1H", "DURATION:-P9999999D", "RRULE:FREQ=DAILY;COUNT=3", "RRULE:FREQ=", "RRULE:COUNT=-1"),
        *(
            "RRULE:FREQ=HOURLY;COUNT=5;INTERVAL=0",
            "EXDATE:20260325T100000Z",
            "EXDATE;VALUE=DATE:20260325",
            "RECURRENCE-ID:20260325T100000Z",
        ),
        *(
            "RDATE:20260401T100000Z",
            "RDATE;VALUE=PERIOD:20260401T100000Z/PT1H",
            "TZID:Here",
            "DTSTART;TZID=Here:20260324T100000",
            "SUMMARY",
        ),
        *("TZOFFSETFROM:+0100", "TZOFFSETTO:+9900", "DTSTART:16010101T000000", "SUMMARY:a", "STATUS:CANCELLED", "CLASS:PRIVATE", ";;;:"),
        *("CATEGORIES:a,b", "CATEGORIES:", " folded", "X:\x00\x1b", "CALSCALE:HEBREW", "X-WR-TIMEZONE:Nowhere/Else", "METHOD:PUBLISH"),
    ]
)


@settings(max_examples=120)
@given(st.lists(_LINES, max_size=14))
def test_whatever_stands_in_a_calendar_is_read_or_told(lines: list[str]) -> None:
    reading = Reading(date(2026, 3, 20), date(2026, 4, 10))
    reading.read(calendar(*lines))
    found = Horizon(start=date(2026, 3, 20), end=date(2026, 4, 10), rows=tuple(reading.rows))
    for one in found.busy(NOW - timedelta(days=2), NOW + timedelta(days=9), BERLIN):
        assert one.start.astimezone(UTC) < one.end.astimezone(UTC)


def test_a_link_in_a_circle_is_watched_by_its_name(root: Path) -> None:
    (root / "round.ics").symlink_to("round.ics")
    ics = IcsCalendar(root)
    assert ics.inputs(["round.ics"]) == (str(root / "round.ics"),)
    assert "link in a circle" in ics.busy(["round.ics"], NOW, NOW + timedelta(days=1), BERLIN).faults[0]
