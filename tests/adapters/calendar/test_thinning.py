"""What is left out of a calendar before it is read changes nothing of what it says."""

from __future__ import annotations

from datetime import date, datetime, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from autobuilds.adapters.calendar import reader
from autobuilds.adapters.calendar.thinning import thinned, unfolded
from tests.adapters.calendar.texts import BERLIN, DATA, busy, calendar, event

START, END = date(2026, 3, 24), date(2026, 4, 2)


def _both(data: bytes, monkeypatch: pytest.MonkeyPatch) -> None:
    start, end = datetime(2026, 3, 24, tzinfo=BERLIN), datetime(2026, 4, 2, tzinfo=BERLIN)
    thin = busy(data, start, end)
    with monkeypatch.context() as patched:
        patched.setattr(reader, "thinned", lambda lines, *_: lines)
        assert busy(data, start, end) == thin


@pytest.mark.parametrize("program", ["outlook", "google", "nextcloud", "apple"])
def test_calendars_of_programs_say_the_same(program: str, monkeypatch: pytest.MonkeyPatch) -> None:
    _both((DATA / f"{program}.ics").read_bytes(), monkeypatch)


_STARTS = st.builds(lambda n: START + timedelta(days=n), st.integers(-12, 20))


@st.composite
def _event(draw: st.DrawFn) -> str:
    start = draw(_STARTS)
    zone = draw(st.sampled_from(["", ";TZID=Pacific/Kiritimati", ";TZID=Pacific/Pago_Pago"]))
    clock = draw(st.sampled_from(["T000000", "T235959"]))
    kind = draw(st.sampled_from(["day", "time", "UTC"]))
    text = {"day": f";VALUE=DATE:{start:%Y%m%d}", "time": f"{zone}:{start:%Y%m%d}{clock}", "UTC": f":{start:%Y%m%d}{clock}Z"}[kind]
    end = start + timedelta(days=draw(st.integers(0, 9)))
    end_text = {"day": f"DTEND;VALUE=DATE:{end:%Y%m%d}", "time": f"DTEND{zone}:{end:%Y%m%d}T235959", "UTC": f"DTEND:{end:%Y%m%d}T235959Z"}[
        kind
    ]
    until = f"RRULE:FREQ=DAILY;UNTIL={start + timedelta(days=5):%Y%m%d}" + ("" if kind == "day" else "T235959Z")
    more = draw(
        st.sampled_from([[], [end_text], ["DURATION:P20D"], ["DURATION:PT1H"], [end_text, "RRULE:FREQ=DAILY;COUNT=9"], [end_text, until]])
    )
    alarm = draw(st.sampled_from(["DESCRIPTION:x", "BEGIN:VALARM\nTRIGGER:-PT15M\nDTSTART:19700101T000000\nEND:VALARM"]))
    return event(text, *more, alarm, uid=str(draw(st.integers(0, 9))))


@settings(max_examples=60)
@given(st.lists(_event(), min_size=1, max_size=4))
def test_events_near_the_edges_say_the_same(events: list[str]) -> None:
    with pytest.MonkeyPatch.context() as patched:
        _both(calendar(*events), patched)


def test_a_version_that_is_out_of_date_does_not_come_back() -> None:
    moved = event(":20260901T100000Z", "DURATION:PT1H", "SEQUENCE:2", summary="moved")
    old = event(":20260325T100000Z", "DURATION:PT1H", "SEQUENCE:1", summary="old")
    start = datetime(2026, 3, 24, tzinfo=BERLIN)
    assert busy(calendar(moved, old), start, start + timedelta(days=9)) == []


def test_what_can_not_matter_is_left_out() -> None:
    long_ago = event(":20190101T100000Z", "DTEND:20190101T110000Z", summary="past", uid="2")
    far = event(":20290101T100000Z", "DURATION:PT1H", summary="far", uid="3")
    here = event(
        ":20260325T100000Z", "DURATION:PT1H", "DESCRIPTION:a\n b", "BEGIN:VALARM\nSUMMARY:beep\nEND:VALARM", summary="here", uid="4"
    )
    over = event(":20190101T100000Z", "DURATION:PT1H", "RRULE:FREQ=DAILY;UNTIL=20260301T000000Z", summary="over", uid="5")
    series = event(":20190101T100000Z", "DTEND:20190101T110000Z", "RRULE:FREQ=DAILY", summary="series", uid="6")
    lines = thinned(unfolded(calendar(long_ago, far, here, over, series).decode()), START, END)
    assert [line for line in lines if line.startswith("SUMMARY")] == ["SUMMARY:here", "SUMMARY:series"]
    assert not any(line.startswith(("DESCRIPTION", "BEGIN:VALARM")) for line in lines)


@pytest.mark.parametrize("odd", ["BEGIN:VEVENT\nBEGIN:VEVENT\nEND:VEVENT", "BEGIN:VEVENT\nEND:VTODO", "BEGIN:VEVENT\nUID:1"])
def test_what_is_not_properly_nested_stays_whole(odd: str) -> None:
    lines = unfolded(calendar(event(":20190101T100000Z", "DTEND:20190101T110000Z"), odd).decode())
    assert thinned(lines, START, END) == lines
