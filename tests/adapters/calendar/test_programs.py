"""Calendars as other programs write them, and times wherever they come from."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from autobuilds.domain.times import at_clock
from tests.adapters.calendar.texts import BERLIN, DATA, busy, calendar, event, horizon, told

#: Over the night of 2026-03-29, in which Berlin's clocks go forward.
START, END = datetime(2026, 3, 24, tzinfo=BERLIN), datetime(2026, 4, 2, tzinfo=BERLIN)
EXPECTED = {
    "outlook": [
        "03-25 14:00 03-25 14:30 working Teamrunde",
        "03-26 15:00 03-26 15:30 away private appointment",
        "03-27 00:00 03-29 00:00 away Nicht da (day)",
        "03-30 00:00 03-31 00:00 away Messe (day)",
        "04-01 12:00 04-01 12:30 working Call with Pune",
    ],
    "google": [
        "03-24 09:30 03-24 09:45 working Daily",
        "03-24 14:00 03-24 15:00 working Interview: vacation cover, backend",
        "03-25 11:00 03-25 11:15 working Daily (later)",
        "03-30 08:00 03-30 18:00 away Out of office",
        "03-30 09:30 03-30 09:45 working Daily",
    ],
    "nextcloud": [
        "03-24 13:30 03-24 15:00 sleeping autobuilds: sleeping",
        "03-25 16:00 03-25 17:00 working Chor",
        "03-26 16:00 03-26 17:00 working Chor",
        "03-28 18:00 03-28 19:30 away Training",
        "03-29 18:00 03-29 19:30 away Training",
        "03-30 17:00 03-30 18:00 working Chor",
        "03-30 18:00 03-30 19:30 away Training",
        "03-31 00:00 04-03 00:00 away Harz (day)",
    ],
    "apple": [
        "03-26 14:00 03-26 15:00 working New York sync",
        "03-28 07:30 03-28 08:30 away Gym",
        "03-29 07:30 03-29 08:30 away Gym",
        "03-30 00:00 04-02 00:00 away Lisbon ✈️ (day)",
    ],
}


@pytest.mark.parametrize("program", EXPECTED)
def test_a_calendar_that_a_program_wrote_reads_right(program: str) -> None:
    data = (DATA / f"{program}.ics").read_bytes()
    assert told(busy(data, START, END)) == EXPECTED[program]
    found = horizon(data)
    assert (found.faults, found.notes) == ((), ())


def test_line_ends_byte_order_marks_and_old_encodings_make_no_difference() -> None:
    data = (DATA / "outlook.ics").read_bytes()
    for other in (data.replace(b"\r\n", b"\n"), b"\xef\xbb\xbf" + data, data + data.replace(b"UID:", b"UID:2-")):
        assert sorted(set(told(busy(other, START, END)))) == sorted(EXPECTED["outlook"])
    old = calendar(event(":20260324T100000", "DURATION:PT1H", summary="Gespräch")).decode().encode("latin-1")
    assert told(busy(old, START, END)) == ["03-24 10:00 03-24 11:00 working Gespräch"]


def test_times_follow_their_own_zone_over_a_change_of_the_clocks() -> None:
    weekly = "RRULE:FREQ=WEEKLY"
    data = calendar(
        event(";TZID=Europe/Berlin:20261018T090000", "DURATION:PT1H", weekly, summary="here", uid="1"),
        event(":20261018T070000Z", "DURATION:PT1H", weekly, summary="UTC", uid="2"),
        event(";TZID=Tokyo Standard Time:20261018T160000", "DURATION:PT1H", weekly, summary="Tokyo", uid="3"),
        event(":20261018T090000", "DURATION:PT1H", weekly, summary="anywhere", uid="4"),
    )
    found = busy(data, datetime(2026, 10, 18, tzinfo=BERLIN), datetime(2026, 10, 26, tzinfo=BERLIN))
    assert {(f"{b.start:%d %H:%M}", b.summary) for b in found} == {
        *(("18 09:00", name) for name in ("here", "UTC", "Tokyo", "anywhere")),
        *(("25 09:00", name) for name in ("here", "anywhere")),
        *(("25 08:00", name) for name in ("UTC", "Tokyo")),
    }


def test_a_day_is_as_long_as_it_is_in_the_workspaces_zone() -> None:
    data = calendar(event(";VALUE=DATE:20261025", "DTEND;VALUE=DATE:20261026", summary="Urlaub"))
    for zone, hours in ((BERLIN, 25), (UTC, 24), (ZoneInfo("Australia/Lord_Howe"), 24)):
        (day,) = busy(data, datetime(2026, 10, 24, tzinfo=zone), datetime(2026, 10, 28, tzinfo=zone), zone)
        assert (day.start, day.all_day) == (datetime(2026, 10, 25, tzinfo=zone), True)
        assert day.end.astimezone(UTC) - day.start.astimezone(UTC) == timedelta(hours=hours)


def test_midnight_that_a_zone_skips_and_a_time_that_it_skips_are_the_moment_of_the_change() -> None:
    beirut = ZoneInfo("Asia/Beirut")
    data = calendar(
        event(";VALUE=DATE:20260329", summary="Urlaub"), event(":20260329T001500", "DTEND:20260329T003000", "DURATION:PT1H", uid="2")
    )
    found = busy(data, datetime(2026, 3, 28, tzinfo=beirut), datetime(2026, 3, 31, tzinfo=beirut), beirut)
    assert [(f"{b.start:%H:%M}", b.all_day) for b in found if b.all_day] == [("01:00", True)]
    assert all(b.start < b.end for b in found)


def test_an_event_that_began_long_ago_still_goes_on() -> None:
    data = calendar(event(";VALUE=DATE:20260201", "DTEND;VALUE=DATE:20260601", summary="Elternzeit"))
    (found,) = busy(data, START, END)
    assert (found.start, found.end) == (datetime(2026, 2, 1, tzinfo=BERLIN), datetime(2026, 6, 1, tzinfo=BERLIN))


def test_what_takes_no_time_is_no_event() -> None:
    data = calendar(
        event(":20260324T100000", uid="1"),
        event(":20260324T100000", "DTEND:20260324T100000", uid="2"),
        event(":20260324T100000", "DURATION:PT0S", uid="3"),
    )
    assert busy(data, START, END) == []


def test_a_cancelled_calendar_says_nothing() -> None:
    assert busy(calendar(event(":20260324T100000Z", "DURATION:PT1H"), head="METHOD:CANCEL"), START, END) == []


def test_titles_are_inert_and_short() -> None:
    data = calendar(event(":20260324T100000Z", "DURATION:PT1H", summary="a\x1b[31mb\\nc" + "x" * 500))
    (found,) = busy(data, START, END)
    assert found.summary.startswith("ab c") and len(found.summary) == 120


@st.composite
def _series(draw: st.DrawFn) -> tuple[str, list[datetime]]:
    """Return a series as text, and when it begins each time, worked out by hand."""
    zone = draw(st.sampled_from(["Europe/Berlin", "America/New_York", "Asia/Kolkata", "Australia/Sydney", "America/Sao_Paulo"]))
    first = date(2026, 1, 1) + timedelta(days=draw(st.integers(0, 300)))
    clock = time(draw(st.integers(4, 22)), draw(st.sampled_from([0, 15, 30])))
    step, count = draw(st.sampled_from([1, 2, 7, 14])), draw(st.integers(1, 30))
    days = [first + timedelta(days=n * step) for n in range(count)]
    gone = draw(st.sets(st.sampled_from(days), max_size=3))
    moved = draw(st.sampled_from(days)) if draw(st.booleans()) else None
    if moved in gone:
        moved = None
    at = f"{clock:%H%M%S}"
    rule = f"RRULE:FREQ={'DAILY' if step < 7 else 'WEEKLY'};INTERVAL={step if step < 7 else step // 7}"
    rule += f";COUNT={count}" if draw(st.booleans()) else f";UNTIL={_utc(at_clock(days[-1], clock, ZoneInfo(zone)))}"
    lines = [rule, "DURATION:PT20M", *(f"EXDATE;TZID={zone}:{day:%Y%m%d}T{at}" for day in sorted(gone))]
    text = event(f";TZID={zone}:{first:%Y%m%d}T{at}", *lines)
    starts = [at_clock(day, clock, ZoneInfo(zone)) for day in days if day not in gone and day != moved]
    if moved is not None:
        text += "\n" + event(f";TZID={zone}:{moved:%Y%m%d}T030000", f"RECURRENCE-ID;TZID={zone}:{moved:%Y%m%d}T{at}", "DURATION:PT20M")
        starts.append(at_clock(moved, time(3), ZoneInfo(zone)))
    return text, starts


def _utc(moment: datetime) -> str:
    return f"{moment.astimezone(UTC):%Y%m%dT%H%M%SZ}"


@settings(max_examples=40)
@given(_series(), st.integers(0, 360), st.integers(1, 20))
def test_series_come_when_they_are_worked_out_by_hand(series: tuple[str, list[datetime]], day: int, length: int) -> None:
    text, starts = series
    start = datetime(2026, 1, 1, tzinfo=BERLIN) + timedelta(days=day)
    end = start + timedelta(days=length)
    expected = sorted(m.astimezone(UTC) for m in starts if start < m + timedelta(minutes=20) and m < end)
    assert [b.start.astimezone(UTC) for b in busy(calendar(text), start, end)] == expected


@settings(max_examples=15)
@given(st.integers(0, 48), st.integers(0, 48))
def test_two_spans_say_what_the_whole_says(first: int, second: int) -> None:
    found = horizon((DATA / "google.ics").read_bytes())
    middle, end = START + timedelta(hours=5 * first), START + timedelta(hours=5 * (first + second))
    parts = {*found.busy(START, middle, BERLIN), *found.busy(middle, end, BERLIN)}
    assert parts == set(found.busy(START, end, BERLIN))
