"""When a usage limit ends, from what agents say."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, tzinfo
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from autobuilds.domain.resets import MAX_AHEAD, parse_reset

#: A Saturday, noon in London, one o'clock in Berlin.
NOW = datetime(2026, 11, 21, 12, 0, tzinfo=UTC)
BERLIN = NOW.astimezone(ZoneInfo("Europe/Berlin"))


def _zone(name: str) -> tzinfo | None:
    return ZoneInfo(name) if name in {"Europe/Berlin", "America/New_York"} else None


def _in(**span: float) -> datetime:
    return NOW + timedelta(**span)


@pytest.mark.parametrize(
    ("said", "expected"),
    [
        (90, _in(seconds=90)),
        (0.4, _in(seconds=1)),
        (int(_in(hours=2).timestamp()), _in(hours=2)),
        (int(_in(hours=2).timestamp()) * 1000, _in(hours=2)),
        (str(int(_in(hours=2).timestamp())), _in(hours=2)),
        ("90", _in(seconds=90)),
        (f"Claude AI usage limit reached|{int(_in(hours=5).timestamp())}", _in(hours=5)),
        ("2026-11-21T15:30:00Z", _in(hours=3, minutes=30)),
        ("limit resets at 2026-11-21T15:30:00.123+01:00.", _in(hours=2, minutes=30, milliseconds=123)),
        ("2026-11-21 15:30", _in(hours=3, minutes=30)),
        ("retry-after: 30", _in(seconds=30)),
        ('{"retryDelay": "34s"}', _in(seconds=34)),
        ("Retry_After=1.5", _in(seconds=2)),
        ("Please try again in 20 minutes.", _in(minutes=20)),
        ("try again in 2 days 3 hours 4 minutes", _in(days=2, hours=3, minutes=4)),
        ("Please retry in 1h30m", _in(minutes=90)),
        ("retry after 45.2s", _in(seconds=46)),
        ("try again in about 2 hours and 5 min", _in(minutes=125)),
        ("wait 250ms", _in(seconds=1)),
        ("resets at 3pm (Europe/Berlin)", _in(hours=2)),
        ("You've hit your limit · resets 3pm (Europe/Berlin)", _in(hours=2)),
        ("resets 3:30 PM UTC", _in(hours=3, minutes=30)),
        ("resets at 11am (UTC)", _in(hours=23)),
        ("resets 12am (UTC)", _in(hours=12)),
        ("resets 12pm (UTC)", _in(hours=24)),
        ("try again at 15:05", _in(hours=3, minutes=5)),
        ("try again at 3:40 PM.", _in(hours=3, minutes=40)),
        ("try again at Nov 25th, 2026 3:40 PM", _in(days=4, hours=3, minutes=40)),
        ("resets Nov 25, 3pm (America/New_York)", _in(days=4, hours=8)),
        ("resets Dec 1 at 9am", _in(days=9, hours=21)),
        ("resets 3pm (Mars/Olympus)", _in(hours=3)),
        ("", None),
        ("rate limit", None),
        ("try again later", None),
        ("try again in 0 seconds", None),
        ("try again in 90 days", None),
        ("resets at 25:00", None),
        ("resets at 13pm", None),
        ("resets Feb 30, 3pm", None),
        ("resets at 3", None),
        ("2026-11-20T15:30:00Z", None),
        ("2036-11-20T15:30:00Z", None),
        (True, None),
        (0, None),
        (-5, None),
        (float("nan"), None),
        (float("inf"), None),
        (10**30, None),
        (int(_in(days=-1).timestamp()), None),
        ("step 12 of 34 failed after line 5", None),
    ],
)
def test_what_is_said(said: str | float, expected: datetime | None) -> None:
    assert parse_reset(said, NOW, _zone) == expected


def test_a_number_that_is_past_does_not_hide_one_that_lies_ahead() -> None:
    past, ahead = int(_in(hours=-1).timestamp()), int(_in(hours=1).timestamp())
    assert parse_reset(f"limit since {past}, over at {ahead}", NOW) == _in(hours=1)
    assert parse_reset(f"request {past} of {past - 5}", NOW) is None


@pytest.mark.parametrize("clock", ["2am", "2:30am", "3am", "11pm"])
@pytest.mark.parametrize(
    ("zone", "day"),
    [("Europe/Berlin", datetime(2026, 3, 28)), ("Pacific/Apia", datetime(2011, 12, 29)), ("America/New_York", datetime(2026, 11, 1))],  # noqa: DTZ001
)
def test_the_next_time_of_day_lies_within_two_days_whatever_the_clocks_do(zone: str, day: datetime, clock: str) -> None:
    now = day.replace(tzinfo=ZoneInfo(zone), hour=22)
    found = parse_reset(f"resets {clock}", now)
    assert found is not None
    assert timedelta() < found.astimezone(UTC) - now.astimezone(UTC) <= timedelta(days=2)


def test_times_without_a_zone_are_local() -> None:
    found = parse_reset("resets 3pm", BERLIN)
    assert found == _in(hours=2)
    assert found is not None and found.tzinfo == BERLIN.tzinfo


def test_a_new_year() -> None:
    eve = datetime(2026, 12, 30, 12, tzinfo=UTC)
    assert parse_reset("resets Jan 2, 3am", eve) == datetime(2027, 1, 2, 3, tzinfo=UTC)


def test_a_change_of_the_clocks() -> None:
    night = datetime(2026, 10, 24, 23, tzinfo=ZoneInfo("Europe/Berlin"))
    found = parse_reset("resets 6am", night)
    assert found is not None and (found.hour, found - night.astimezone(UTC)) == (6, timedelta(hours=8))


_MOMENTS = st.datetimes(
    datetime(2020, 1, 1),  # noqa: DTZ001
    datetime(2037, 1, 1),  # noqa: DTZ001
    timezones=st.sampled_from([UTC, ZoneInfo("Europe/Berlin"), ZoneInfo("America/New_York")]),
)


@given(
    _MOMENTS,
    st.text() | st.floats() | st.integers() | st.from_regex(r"(resets?|try again|retry.after:?) (at|in) [0-9a-zA-Z :/,.()+-]{0,30}"),
)
def test_what_comes_out_lies_ahead_and_is_believable(now: datetime, said: str | float) -> None:
    found = parse_reset(said, now, _zone)
    if found is not None:
        assert timedelta() < found.astimezone(UTC) - now.astimezone(UTC) <= MAX_AHEAD
        assert found.tzinfo == now.tzinfo


@given(_MOMENTS, st.integers(1, int(MAX_AHEAD.total_seconds())))
def test_every_span_is_read_back(now: datetime, seconds: int) -> None:
    days, rest = divmod(seconds, 86400)
    hours, rest = divmod(rest, 3600)
    minutes, left = divmod(rest, 60)
    text = f"usage limit: try again in {days} days {hours} hours {minutes} minutes {left} seconds"
    expected = now.astimezone(UTC) + timedelta(seconds=seconds)
    for said in (seconds, text, f"retry-after: {seconds}", expected.strftime("resets at %Y-%m-%dT%H:%M:%S.%fZ")):
        found = parse_reset(said, now, _zone)
        assert found is not None and abs(found.astimezone(UTC) - expected) < timedelta(seconds=1)


def test_long_texts_are_quick() -> None:
    for text in ("try again in " * 5000, "1 h " * 5000, "resets at " + "9" * 20_000, "resets Nov " * 5000, "2026-11-21 " * 5000):
        found = parse_reset(text, NOW)
        assert found is None or found > NOW
