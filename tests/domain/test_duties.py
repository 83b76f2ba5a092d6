"""When duties are due, on ordinary days and on those the clocks change."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from autobuilds.domain.duties import Always, Cadence, due, has_clock_time, newest_slot, next_due, parse_cadence, slot_after

CHICAGO = ZoneInfo("America/Chicago")
CADENCES = [
    "2x daily",
    "1x daily",
    "24x daily",
    "daily at 09:00",
    "daily at 02:30",
    "daily at 01:30 and 02:00",
    "Fridays 18:00",
    "weekdays 07:00",
    "Mon, Wed and Fri at 07:00, 19:00",
    "Sat-Mon 10:00",
    "hourly",
    "every 3 hours",
    "every 15 min",
    "every 2 days",
    "weekly",
    "monthly",
    "30 2 * * *",
    "*/30 * * * *",
    "0 9 * * 1-5",
]


def cadence(text: str) -> Cadence:
    found = parse_cadence(text)
    assert found is not None, text
    return found


def at(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=CHICAGO)


@pytest.mark.parametrize(
    "text",
    [
        *CADENCES,
        "every heartbeat",
        "Twice  daily",
        "once a day",
        "daily",
        "every hour",
        "Fridays",
        "@Daily",
        "09:00",
        "2 x daily",
        "2× daily",
    ],
)
def test_a_cadence_is_read(text: str) -> None:
    assert parse_cadence(text) is not None


@pytest.mark.parametrize(
    "text",
    [
        "",
        "optional",
        "0x daily",
        "25x daily",
        "daily at 25:00",
        "daily at 9",
        "every 10 s",
        "every 400 days",
        "fortnightly",
        "Fridax 18:00",
        "at 09:00 or so",
        "60 0 * * *",
        "* * * *",
        "0 0 30 2 *",
        "0 0 0 0 0",
        "*/0 * * * *",
        "a b c d e",
        "0 * * * * *",
        "Fridays, 18:00,",
        "Mon-Wed-Fri 07:00",
        "x" * 500,
    ],
)
def test_what_is_no_cadence_is_none(text: str) -> None:
    assert parse_cadence(text) is None


@pytest.mark.parametrize(
    ("text", "after", "slot"),
    [
        ("2x daily", "2026-02-06 00:00", "2026-02-06 12:00"),
        ("2x daily", "2026-02-06 12:00", "2026-02-07 00:00"),
        ("3x daily", "2026-02-06 07:59", "2026-02-06 08:00"),
        ("daily at 09:00", "2026-02-06 08:59", "2026-02-06 09:00"),
        ("daily at 09:00", "2026-02-06 09:00", "2026-02-07 09:00"),
        ("Fridays 18:00", "2026-02-06 18:00", "2026-02-13 18:00"),
        ("weekdays 07:00", "2026-02-06 08:00", "2026-02-09 07:00"),
        ("weekends 10:00", "2026-02-08 11:00", "2026-02-14 10:00"),
        ("Sat-Mon 10:00", "2026-02-08 11:00", "2026-02-09 10:00"),
        ("weekly", "2026-02-06 08:00", "2026-02-09 00:00"),
        ("monthly", "2026-02-06 08:00", "2026-03-01 00:00"),
        ("hourly", "2026-02-06 08:30", "2026-02-06 09:00"),
        ("30 7 * * 1-5", "2026-02-06 08:00", "2026-02-09 07:30"),
        ("daily at 02:30", "2026-03-08 00:00", "2026-03-08 03:00"),
        ("30 2 * * *", "2026-03-08 00:00", "2026-03-08 03:00"),
    ],
)
def test_the_next_slot(text: str, after: str, slot: str) -> None:
    assert slot_after(cadence(text), at(after)) == at(slot)


@pytest.mark.parametrize("text", ["daily at 01:30", "30 1 * * *"])
def test_a_time_that_comes_twice_runs_once(text: str) -> None:
    first = slot_after(cadence(text), at("2026-11-01 00:00"))
    assert first.isoformat() == "2026-11-01T01:30:00-05:00"
    assert slot_after(cadence(text), first).isoformat() == "2026-11-02T01:30:00-06:00"
    in_between = (first - timedelta(minutes=20)).replace(fold=1)
    assert slot_after(cadence(text), in_between).isoformat() == "2026-11-02T01:30:00-06:00"


def test_an_hourly_duty_runs_in_both_of_the_doubled_hours() -> None:
    slots = [at("2026-11-01 00:30")]
    for _ in range(4):
        slots.append(slot_after(cadence("hourly"), slots[-1]))
    assert [f"{s:%H:%M %z}" for s in slots[1:]] == ["01:00 -0500", "01:00 -0600", "02:00 -0600", "03:00 -0600"]


@pytest.mark.parametrize("text", CADENCES)
@pytest.mark.parametrize("start", ["2026-02-06 10:10", "2026-03-07 22:05", "2026-10-31 22:05"])
def test_one_run_for_each_slot_whatever_the_heartbeats(text: str, start: str) -> None:
    """Step through two days: a duty is due exactly when a slot has passed since its last run."""
    rule = cadence(text)
    last = at(start)
    moment = last.astimezone(UTC)
    for _ in range(2 * 24 * 4):
        moment += timedelta(minutes=15)
        now = moment.astimezone(CHICAGO)
        slot = slot_after(rule, last)
        assert slot.astimezone(UTC) > last.astimezone(UTC)
        assert due(rule, last, now) is (slot.astimezone(UTC) <= moment)
        if due(rule, last, now):
            assert next_due(rule, last, now) == now
            last = now
            assert not due(rule, last, now)
        else:
            assert next_due(rule, last, now) == slot


@given(st.sampled_from(CADENCES), st.datetimes(datetime(1971, 1, 1), datetime(2037, 1, 1), timezones=st.just(UTC)), st.integers(1, 10**9))  # noqa: DTZ001
def test_a_clock_set_back_runs_nothing_again(text: str, ran: datetime, back: int) -> None:
    now = (ran - timedelta(seconds=min(back, int(ran.timestamp())))).astimezone(CHICAGO)
    assert not due(cadence(text), ran.astimezone(CHICAGO), now)


@pytest.mark.parametrize("text", CADENCES)
def test_missed_slots_make_one_run(text: str) -> None:
    rule, now = cadence(text), at("2026-06-01 12:34")
    assert due(rule, at("2025-01-01 00:00"), now)
    assert not due(rule, now, now)


def test_what_never_ran_is_due_and_every_heartbeat_always() -> None:
    now = at("2026-02-06 10:00")
    for text in CADENCES:
        assert due(cadence(text), None, now)
        assert next_due(cadence(text), None, now) == now
    assert due(Always(), now, now)
    assert slot_after(Always(), now) == now


def test_which_cadences_name_a_time() -> None:
    assert [t for t in CADENCES if has_clock_time(cadence(t))] == [
        "daily at 09:00",
        "daily at 02:30",
        "daily at 01:30 and 02:00",
        "Fridays 18:00",
        "weekdays 07:00",
        "Mon, Wed and Fri at 07:00, 19:00",
        "Sat-Mon 10:00",
        "monthly",
        "30 2 * * *",
        "*/30 * * * *",
        "0 9 * * 1-5",
    ]


def test_a_last_run_in_another_zone_counts_on_the_clock_of_now() -> None:
    rule, now = cadence("daily at 09:00"), at("2026-02-06 09:30")
    assert due(rule, at("2026-02-06 08:59").astimezone(UTC), now)
    assert not due(rule, at("2026-02-06 09:01").astimezone(UTC), now)


@given(st.text(max_size=30))
def test_no_text_breaks_the_reader(text: str) -> None:
    parse_cadence(text)


@pytest.mark.parametrize(
    ("text", "last", "now", "expected"),
    [
        # Asleep over the evening: the night is begun late, but never by day.
        ("daily at 23:00, until 06:00", "2026-02-06 12:00", "2026-02-07 02:10", True),
        ("daily at 23:00, until 06:00", "2026-02-06 12:00", "2026-02-07 06:00", False),
        ("daily at 23:00, until 06:00", "2026-02-06 12:00", "2026-02-07 22:59", False),
        ("daily at 23:00 until 06:00", "2026-02-06 12:00", "2026-02-07 23:00", True),
        # Off for a month.
        ("daily at 06:30, until 12:00", "2026-01-01 07:00", "2026-02-07 12:30", False),
        ("daily at 06:30, until 12:00", "2026-01-01 07:00", "2026-02-07 11:30", True),
        ("Fridays 18:00 till 22:00", "2026-01-01 07:00", "2026-02-06 21:59", True),
        ("Fridays 18:00 till 22:00", "2026-01-01 07:00", "2026-02-07 10:00", False),
        # Both daylight-saving nights.
        ("daily at 23:00, until 02:30", "2026-03-07 12:00", "2026-03-08 01:59", True),
        ("daily at 23:00, until 02:30", "2026-03-07 12:00", "2026-03-08 03:00", False),
        ("daily at 23:00, until 02:30", "2026-10-31 12:00", "2026-11-01 01:59", True),
    ],
)
def test_a_slot_lapses(text: str, last: str, now: str, *, expected: bool) -> None:
    duty = cadence(text)
    assert due(duty, at(last), at(now)) is expected
    following = next_due(duty, at(last), at(now))
    assert (following == at(now)) is expected
    assert due(duty, at(last), following)


@pytest.mark.parametrize(
    "text", ["daily until 06:00", "2x daily until 06:00", "23:00 until 25:00", "23:00 until 06:00 daily", "until 06:00"]
)
def test_what_lapses_has_a_time(text: str) -> None:
    assert parse_cadence(text) is None


@given(st.integers(0, 60 * 24 * 400), st.integers(1, 60 * 24 * 9))
def test_a_slot_that_lapses_is_due_from_its_time_on_to_its_end(start: int, span: int) -> None:
    duty = cadence("daily at 23:00, until 07:00")
    last = (datetime(2026, 1, 1, tzinfo=UTC) + timedelta(minutes=start)).astimezone(CHICAGO)
    now = (last.astimezone(UTC) + timedelta(minutes=span)).astimezone(CHICAGO)
    night = now.hour >= 23 or now.hour < 7
    began = now.replace(hour=23, minute=0, fold=0) - timedelta(days=now.hour < 7)
    assert due(duty, last, now) is (night and began.astimezone(UTC) > last.astimezone(UTC))


def test_what_is_made_up_for_is_the_newest_slot() -> None:
    assert newest_slot(cadence("daily at 06:30"), at("2026-02-01 07:00"), at("2026-02-07 12:00")) == at("2026-02-07 06:30")
    assert newest_slot(cadence("daily at 23:00"), at("2026-02-01 07:00"), at("2026-02-07 12:00")) == at("2026-02-06 23:00")
    assert newest_slot(cadence("Fridays 18:00"), at("2026-02-01 07:00"), at("2026-02-12 12:00")) == at("2026-02-06 18:00")
    assert newest_slot(cadence("*/30 * * * *"), at("2026-02-07 07:00"), at("2026-02-07 12:10")) == at("2026-02-07 12:00")
