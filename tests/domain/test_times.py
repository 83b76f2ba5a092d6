"""Moments, estimates and durations as people write them, and back."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from autobuilds.domain import times
from autobuilds.domain.model import Estimate
from autobuilds.domain.settings import Window

CHICAGO = ZoneInfo("America/Chicago")


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("2026-02-06 15:00", "2026-02-06T15:00:00-06:00"),
        ("  2026-02-06 15:00\t", "2026-02-06T15:00:00-06:00"),
        ("2026-07-06 15:00", "2026-07-06T15:00:00-05:00"),
        ("2026-02-06", "2026-02-06T00:00:00-06:00"),
        ("2026-02-06T15:00", "2026-02-06T15:00:00-06:00"),
        ("2026-02-06T15:00:30", "2026-02-06T15:00:30-06:00"),
        ("2026-02-06T15:00Z", "2026-02-06T09:00:00-06:00"),
        ("2026-02-06t15:00:00.5z", "2026-02-06T09:00:00.500000-06:00"),
        ("2026-02-06T15:00:00.123456789+05:30", "2026-02-06T03:30:00.123456-06:00"),
        ("2026-02-06 15:00:00 -0600", "2026-02-06T15:00:00-06:00"),
        ("2026-02-06T15:00+01", "2026-02-06T08:00:00-06:00"),
        ("2026-03-08 02:30", "2026-03-08T03:30:00-05:00"),
        ("2026-11-01 01:30", "2026-11-01T01:30:00-05:00"),
        ("2024-02-29", "2024-02-29T00:00:00-06:00"),
    ],
)
def test_a_moment_is_read_in_the_zone(text: str, expected: str) -> None:
    moment = times.parse_when(text, CHICAGO)
    assert moment is not None
    assert moment.tzinfo is CHICAGO
    assert moment.isoformat() == expected


@pytest.mark.parametrize(
    "text",
    [
        "",
        "tomorrow",
        "2026-02-30",
        "2026-02-30 10:00",
        "2025-02-29",
        "2026-13-01",
        "0000-01-01",
        "2026-02-06 24:00",
        "2026-02-06 10:60",
        "2026-02-06 10:00:60",
        "2026-02-06 9:00",
        "2026-2-6",
        "2026/02/06",
        "2026-02-06 10:00+25:00",
        "2026-02-06 10:00+05:99",
        "2026-02-06Z",
        "2026-02-06 10:00 and more",
        "0001-01-01T00:00+14:00",
        "9999-12-31T23:59-14:00",
        "٢٠٢٦-02-06",
    ],
)
def test_what_names_no_moment_is_none(text: str) -> None:
    assert times.parse_when(text, CHICAGO) is None


@given(st.datetimes(timezones=st.just(UTC)))
def test_what_is_written_is_read_back(moment: datetime) -> None:
    aware = moment.replace(second=0, microsecond=0)
    assert times.parse_when(times.format_when(aware), UTC) == aware
    assert times.parse_when(aware.isoformat(), UTC) == aware


@given(st.text(max_size=40))
def test_no_text_breaks_a_reader(text: str) -> None:
    times.parse_when(text, CHICAGO)
    times.parse_estimate(text)
    times.parse_duration(text)
    times.parse_window(text)


@pytest.mark.parametrize(
    ("text", "low", "high"),
    [
        ("4 hours", 240, 240),
        ("4h", 240, 240),
        ("4 H", 240, 240),
        ("90 min", 90, 90),
        ("90 minutes", 90, 90),
        ("1.5 h", 90, 90),
        ("1h30m", 90, 90),
        ("1 h 30 min", 90, 90),
        ("1 hour and 30 minutes", 90, 90),
        ("1 hour, 30 minutes", 90, 90),
        ("4-6 hours", 240, 360),
        ("4 – 6 hours", 240, 360),
        ("4—6h", 240, 360),
        ("4 to 6 hours", 240, 360),
        ("30 min - 2 h", 30, 120),
        ("30 min to 1h30m", 30, 90),
        ("2 days", 960, 960),
        ("1-2 days", 480, 960),
        ("half a day", 240, 240),
        ("Half day", 240, 240),
        ("~4h", 240, 240),
        ("~ 4-6 hours", 240, 360),
        ("about half a day", 240, 240),
        ("About 2 days", 960, 960),
        ("4\u00a0hours", 240, 240),
    ],
)
def test_an_estimate_is_minutes_of_work(text: str, low: int, high: int) -> None:
    assert times.parse_estimate(text) == Estimate(min_minutes=low, max_minutes=high)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "4",
        "4-6",
        "soon",
        "a few hours",
        "0 h",
        "-1h",
        "6-4 hours",
        "1-2-3 hours",
        "4 hours (maybe)",
        "1h1h",
        "1:30",
        "30s",
        "4 months",
        "9999999 h",
        "1 week",
        "2 weeks",
        "999999 days",
        "½ h",
        "٤ h",
        "about",
        "TBD",
    ],
)
def test_an_unreadable_estimate_is_unknown(text: str) -> None:
    assert times.parse_estimate(text) is None


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("30m", 1800),
        ("4h", 14400),
        ("90 min", 5400),
        ("1h30m", 5400),
        ("1d", 86400),
        ("45s", 45),
        ("0s", 0),
        ("1.5 h", 5400),
        ("2 weeks", 1209600),
    ],
)
def test_a_duration_is_clock_time(text: str, seconds: int) -> None:
    assert times.parse_duration(text) == timedelta(seconds=seconds)


@pytest.mark.parametrize("text", ["", "30", "-5m", "4-6h", "half a day", "1:30", "h", "1x", "1e3s", "~4h"])
def test_what_is_no_duration_is_none(text: str) -> None:
    assert times.parse_duration(text) is None


@given(st.integers(min_value=0, max_value=10**8))
def test_a_duration_is_read_back_to_the_second(seconds: int) -> None:
    span = timedelta(seconds=seconds)
    assert times.parse_duration(times.format_duration(span)) == span


@pytest.mark.parametrize(
    ("text", "window"),
    [
        ("22:00-06:00", Window(start=time(22), end=time(6))),
        ("9:30 – 17:00", Window(start=time(9, 30), end=time(17))),
        ("18:00 to 24:00", Window(start=time(18), end=time(0))),
        ("00:00-00:00", Window(start=time(0), end=time(0))),
    ],
)
def test_a_window_is_read_and_written(text: str, window: Window) -> None:
    assert times.parse_window(text) == window
    assert times.parse_window(times.format_window(window)) == window


@pytest.mark.parametrize("text", ["", "22:00", "22-6", "22:00-25:00", "24:00-06:00", "10:60-11:00", "1-2-3", "10:00-11:00-12:00"])
def test_what_is_no_window_is_none(text: str) -> None:
    assert times.parse_window(text) is None


@pytest.mark.parametrize(("minutes", "text"), [(0, "0 min"), (45, "45 min"), (60, "1 h"), (90, "1 h 30 min"), (960, "16 h")])
def test_minutes_as_text(minutes: int, text: str) -> None:
    assert times.format_minutes(minutes) == text


def test_estimates_as_text() -> None:
    assert times.format_estimate(None) == "unknown"
    assert times.format_estimate(Estimate(min_minutes=60, max_minutes=60)) == "1 h"
    assert times.format_estimate(Estimate(min_minutes=60, max_minutes=90)) == "1 h to 1 h 30 min"


@pytest.mark.parametrize(
    ("day", "clock", "expected"),
    [
        (date(2026, 2, 6), time(9), "2026-02-06T09:00:00-06:00"),
        (date(2026, 3, 8), time(2, 30), "2026-03-08T03:00:00-05:00"),
        (date(2026, 11, 1), time(1, 30), "2026-11-01T01:30:00-05:00"),
    ],
)
def test_a_clock_time_of_a_day_is_one_moment(day: date, clock: time, expected: str) -> None:
    assert times.at_clock(day, clock, CHICAGO).isoformat() == expected


def test_the_local_day_is_the_zones() -> None:
    now = datetime(2026, 2, 7, 3, 0, tzinfo=UTC)
    assert times.local_day(now.astimezone(CHICAGO)) == date(2026, 2, 6)


@pytest.mark.parametrize(
    ("moment", "counts"),
    [
        (datetime(2026, 2, 6, 15, tzinfo=UTC), True),
        (datetime(2026, 2, 6, 15), False),  # noqa: DTZ001 (what a record may hold)
        (datetime(1, 12, 31, tzinfo=UTC), False),
        (datetime(2, 1, 1, tzinfo=UTC), True),
        (datetime(9998, 12, 31, tzinfo=UTC), True),
        (datetime(9999, 1, 1, tzinfo=UTC), False),
    ],
)
def test_a_time_that_can_be_reckoned_with(moment: datetime, counts: bool) -> None:
    assert times.is_when(moment) is counts
