"""Spans of the week: as people write them, and when they are open, also where clocks change."""

from __future__ import annotations

from datetime import UTC, datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from autobuilds.domain.times import elapsed
from autobuilds.domain.week import (
    format_days,
    format_span,
    in_span,
    parse_span,
    span_closes,
    span_length,
    span_opens,
    turns,
    turns_before,
    window_key,
    window_named,
)
from autobuilds.domain.windows import WINDOWS, Span

BERLIN = ZoneInfo("Europe/Berlin")
WEEK = frozenset(range(7))
WORK = frozenset(range(5))

times = st.builds(time, st.integers(0, 23), st.sampled_from([0, 15, 30]))
spans = st.builds(Span, start=times, end=times, days=st.frozensets(st.integers(0, 6), min_size=1))
zones = st.sampled_from(["UTC", "Europe/Berlin", "America/Chicago", "Australia/Lord_Howe", "Pacific/Apia", "Asia/Kolkata"]).map(ZoneInfo)
moments = st.builds(
    lambda minutes, zone: (datetime(2026, 1, 1, tzinfo=UTC) + timedelta(minutes=minutes)).astimezone(zone),
    st.integers(0, 2 * 365 * 24 * 60),
    zones,
)


def span(text: str) -> Span:
    found = parse_span(text)
    assert found is not None
    return found


@pytest.mark.parametrize(
    ("text", "days", "start", "end"),
    [
        ("Mon-Fri 09:00-17:00", WORK, time(9), time(17)),
        ("weekdays 9:00 to 17:00", WORK, time(9), time(17)),
        ("Sat, Sun", frozenset({5, 6}), time(0), time(0)),
        ("weekends", frozenset({5, 6}), time(0), time(0)),
        ("23:00-07:00", WEEK, time(23), time(7)),
        ("Friday 18:00-24:00", frozenset({4}), time(18), time(0)),
        ("daily 00:00-24:00", WEEK, time(0), time(0)),
    ],
)
def test_a_span_as_people_write_it(text: str, days: frozenset[int], start: time, end: time) -> None:
    assert parse_span(text) == Span(days=days, start=start, end=end)


@pytest.mark.parametrize("text", ["", "someday", "Mon-Fri 9-17", "Mon 25:00-26:00", "09:00", "Mon-Fri 09:00-17:00 or so"])
def test_what_names_no_span_is_none(text: str) -> None:
    assert parse_span(text) is None


@given(spans)
def test_a_span_is_read_back_as_it_is_written(given_span: Span) -> None:
    found = span(format_span(given_span))
    assert found.days == given_span.days
    if given_span.start != given_span.end:
        assert found == given_span
    else:  # whole days have no hours worth writing
        assert found.start == found.end


@pytest.mark.parametrize(
    ("days", "text"),
    [({0, 1, 2, 3, 4}, "Mon-Fri"), ({5, 6}, "Sat, Sun"), ({0, 2}, "Mon, Wed"), ({0, 1, 2, 6}, "Mon-Wed, Sun"), ({3}, "Thu")],
)
def test_days_are_written_as_runs(days: set[int], text: str) -> None:
    assert format_days(frozenset(days)) == text


@pytest.mark.parametrize(
    ("text", "moment", "inside"),
    [
        ("Mon-Fri 09:00-17:00", "2026-02-06 09:00", True),
        ("Mon-Fri 09:00-17:00", "2026-02-06 16:59", True),
        ("Mon-Fri 09:00-17:00", "2026-02-06 17:00", False),
        ("Mon-Fri 09:00-17:00", "2026-02-07 12:00", False),
        ("Sat, Sun", "2026-02-07 00:00", True),
        ("Sat, Sun", "2026-02-09 00:00", False),
        # A span that crosses midnight belongs to the day on which it begins.
        ("Fri 22:00-06:00", "2026-02-07 05:59", True),
        ("Fri 22:00-06:00", "2026-02-06 05:59", False),
        ("Sun 22:00-06:00", "2026-02-09 03:00", True),
    ],
)
def test_being_in_a_span(text: str, moment: str, inside: bool) -> None:
    assert in_span(datetime.fromisoformat(moment).replace(tzinfo=BERLIN), span(text)) is inside


def test_opening_and_closing_over_the_weekend() -> None:
    friday = datetime(2026, 2, 6, 18, tzinfo=BERLIN)
    assert span_opens(friday, span("Mon-Fri 09:00-17:00")) == datetime(2026, 2, 9, 9, tzinfo=BERLIN)
    assert span_closes(friday, span("Mon-Fri 09:00-17:00")) == datetime(2026, 2, 9, 17, tzinfo=BERLIN)
    assert span_closes(friday, span("Sat, Sun")) == datetime(2026, 2, 9, 0, tzinfo=BERLIN)
    assert span_opens(friday, span("Fri")) == friday


def test_what_is_never_closed_closes_in_a_hundred_years() -> None:
    now = datetime(2026, 2, 6, 18, tzinfo=BERLIN)
    assert span_closes(now, span("daily")).year == 2126
    assert span_opens(now, span("daily")) == now


@pytest.mark.parametrize(
    ("night", "hours"), [(datetime(2026, 3, 28, 12, tzinfo=BERLIN), 7), (datetime(2026, 10, 24, 12, tzinfo=BERLIN), 9)]
)
def test_a_night_on_which_clocks_change_is_an_hour_shorter_or_longer(night: datetime, hours: int) -> None:
    overnight = span("Sat 23:00-07:00")
    assert elapsed(span_opens(night, overnight), span_closes(night, overnight)) == timedelta(hours=hours)


def test_an_opening_that_the_clocks_skip_is_their_change_and_one_swallowed_whole_is_a_week_later() -> None:
    before = datetime(2026, 3, 28, 12, tzinfo=BERLIN)
    assert span_opens(before, span("Sun 02:30-04:00")) == datetime(2026, 3, 29, 3, tzinfo=BERLIN)
    assert span_opens(before, span("Sun 02:00-03:00")) == datetime(2026, 4, 5, 2, tzinfo=BERLIN)


@given(moments, spans)
def test_a_span_opens_and_closes_where_the_clock_on_the_wall_says_so(now: datetime, any_span: Span) -> None:
    now = now.replace(second=0, microsecond=0)
    opens = span_opens(now, any_span)
    walked = now
    for _ in range(26 * 4):  # a day and a bit of quarters of an hour, on which every span of this test begins and ends
        if in_span(walked, any_span):
            break
        walked = (walked.astimezone(UTC) + timedelta(minutes=15)).astimezone(now.tzinfo)
    assert in_span(opens, any_span)
    assert not in_span(walked, any_span) or elapsed(opens, walked) < timedelta(minutes=15)
    if any_span.start != any_span.end or len(any_span.days) < 7:
        closes = span_closes(now, any_span)
        assert not in_span(closes, any_span)
        just_before = (closes.astimezone(UTC) - timedelta(microseconds=1)).astimezone(now.tzinfo)
        assert in_span(just_before, any_span)


@given(moments, st.lists(times, max_size=3, unique=True))
def test_turns_behind_are_those_that_were_ahead(now: datetime, clocks: list[time]) -> None:
    three = timedelta(days=3)
    start = (now.astimezone(UTC) - three).astimezone(now.tzinfo)
    assert list(turns_before(now, clocks, three)) == sorted(turns(start, clocks, three), key=datetime.timestamp, reverse=True)


@pytest.mark.parametrize(
    ("text", "hours"),
    [("Mon-Fri 09:00-17:00", 8), ("23:00-07:00", 8), ("Sat, Sun", 48), ("Sun, Mon", 48), ("Mon, Wed", 24), ("daily", 7 * 24)],
)
def test_the_length_of_a_span_at_a_stretch(text: str, hours: int) -> None:
    assert span_length(span(text)) == timedelta(hours=hours)


def test_a_window_is_found_by_its_name_however_it_is_written() -> None:
    assert {window_key(n) for n in ("Quick win", "quick_win", " QUICK-WIN ")} == {"quick-win"}
    assert window_named("Work Hours", WINDOWS) is WINDOWS[2]
    assert window_named("evening", WINDOWS) is None
