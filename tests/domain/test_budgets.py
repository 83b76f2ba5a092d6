"""Budgets: which attempts count against a task's, a night's and a day's limits, also while the clocks change."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from autobuilds.domain.budgets import Spending, money_left, night_began, overspent, reported, spendings
from autobuilds.domain.build import BuildState, Ledger, Outcome, Usage
from autobuilds.domain.settings import Settings, Window
from autobuilds.domain.times import elapsed, in_window, reached
from tests.builders import a_build, a_task, an_attempt

BERLIN = ZoneInfo("Europe/Berlin")
#: Hypothesis takes its bounds without a zone.
NEW_YEAR = datetime.fromisoformat("2026-01-01")
NIGHT = Window(start=time(22), end=time(6))


def at(text: str, zone: ZoneInfo = BERLIN, fold: int = 0) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=zone, fold=fold)


def used(now: datetime, *spans: tuple[str, str | None], **settings: object) -> dict[str, Spending]:
    """Return what is used of each limit by attempts of 1 USD and 100 tokens that ran in these spans."""
    attempts = tuple(
        an_attempt(
            n,
            started=at(start),
            ended=at(end) if end else None,
            outcome=Outcome.PASSED if end else None,
            usage=Usage(cost_usd=1.0, tokens_in=60, tokens_out=40),
        )
        for n, (start, end) in enumerate(spans, 1)
    )
    build = replace(a_build(a_task(), BuildState.RETRYING), attempts=attempts)
    found = spendings(Ledger(builds=(build,)), build, Settings(off_hours=NIGHT, **settings), now)  # type: ignore[arg-type]
    return {s.key: s for s in found}


@pytest.mark.parametrize(
    ("now", "began"),
    [
        ("2026-02-06 23:00", "2026-02-06 22:00"),
        ("2026-02-07 05:59", "2026-02-06 22:00"),
        ("2026-02-06 22:00", "2026-02-06 22:00"),
        ("2026-02-07 06:00", None),
        ("2026-02-07 12:00", None),
        # The night on which the clocks go forward, and the one on which they go back.
        ("2026-03-29 04:00", "2026-03-28 22:00"),
        ("2026-10-25 05:00", "2026-10-24 22:00"),
    ],
)
def test_a_night_is_one_span_of_off_hours(now: str, began: str | None) -> None:
    assert night_began(at(now), NIGHT) == (at(began) if began else None)


def test_a_task_that_is_about_to_begin_has_its_limits() -> None:
    (own,) = spendings(Ledger(), None, Settings(cost_per_task=0.6), at("2026-02-06 12:00"))
    assert (own.limit, own.used, own.span, own.over) == (0.6, 0.0, "by this task", False)


def test_a_night_that_begins_at_a_time_which_the_clocks_skip_or_show_twice() -> None:
    early = Window(start=time(2, 30), end=time(6))
    assert night_began(at("2026-03-29 04:00"), early) == at("2026-03-29 03:00")
    assert night_began(at("2026-10-25 02:45", fold=1), early) == at("2026-10-25 02:30")


def test_off_hours_of_the_whole_day_make_nights_of_a_day() -> None:
    whole = Window(start=time(8), end=time(8))
    assert night_began(at("2026-02-06 07:00"), whole) == at("2026-02-05 08:00")
    (night,) = spendings(Ledger(), None, Settings(off_hours=whole, cost_per_night=1.0), at("2026-02-06 07:00"))
    assert night.until == at("2026-02-06 08:00")


@settings(max_examples=50)
@given(
    now=st.datetimes(timezones=st.just(UTC), min_value=NEW_YEAR, max_value=NEW_YEAR + timedelta(days=366)),
    zone=st.sampled_from(["UTC", "Europe/Berlin", "America/New_York", "Australia/Lord_Howe", "Asia/Kathmandu"]),
    start=st.times(),
    end=st.times(),
)
def test_a_night_has_begun_exactly_inside_off_hours_and_within_a_day(now: datetime, zone: str, start: time, end: time) -> None:
    here, window = now.astimezone(ZoneInfo(zone)), Window(start=start, end=end)
    began = night_began(here, window)
    assert (began is not None) is in_window(here, window)
    if began is not None:
        assert reached(began, here) and elapsed(began, here) <= timedelta(hours=25, minutes=30)


def test_a_night_counts_what_began_or_ended_in_it() -> None:
    spans = (
        ("2026-02-05 23:00", "2026-02-06 01:00"),  # the night before
        ("2026-02-06 12:00", "2026-02-06 13:00"),  # by day
        ("2026-02-06 20:00", "2026-02-06 22:30"),  # into the night
        ("2026-02-06 23:30", "2026-02-07 00:30"),
        ("2026-02-07 01:00", None),
    )
    found = used(at("2026-02-07 02:00"), *spans, cost_per_night=3.0, tokens_per_night=1000)
    assert (found["cost_per_night"].used, found["cost_per_night"].over) == (3.0, True)
    assert (found["tokens_per_night"].used, found["tokens_per_night"].over) == (300, False)
    assert found["cost_per_night"].until == at("2026-02-07 06:00")


def test_by_day_no_night_is_counted() -> None:
    assert used(at("2026-02-06 12:00"), ("2026-02-06 00:30", "2026-02-06 01:00"), cost_per_night=0.5) == {}


def test_a_day_counts_what_began_on_it_and_a_task_everything() -> None:
    spans = (("2026-02-05 23:00", "2026-02-06 01:00"), ("2026-02-06 08:00", "2026-02-06 09:00"))
    found = used(at("2026-02-06 12:00"), *spans, cost_per_day=5.0, tokens_per_task=150, attempts_per_day=1, hours_per_day=2.0)
    assert str(found["cost_per_day"]) == "1.00 of 5.00 USD used today"
    assert str(found["tokens_per_task"]) == "200 of 150 tokens used by this task"
    assert str(found["hours_per_day"]) == "1 of 2 hours of building used today"
    assert {key for key, spent in found.items() if spent.over} == {"tokens_per_task", "attempts_per_day"}
    assert found["tokens_per_task"].until is None and found["cost_per_day"].until == at("2026-02-07 00:00")


def test_figures_are_read_easily() -> None:
    found = used(at("2026-02-06 12:00"), ("2026-02-06 11:00", "2026-02-06 11:45"), tokens_per_day=2_000_000, hours_per_day=1.5)
    assert str(found["tokens_per_day"]) == "100 of 2,000,000 tokens used today"
    assert str(found["hours_per_day"]) == "0.8 of 1.5 hours of building used today"


def test_what_runs_counts_with_what_it_has_used_so_far() -> None:
    now = at("2026-02-06 12:00")
    build = replace(
        a_build(a_task(), BuildState.BUILDING), attempts=(an_attempt(1, started=at("2026-02-06 11:00"), ended=None, outcome=None),)
    )
    live = {build.attempts[0].id: Usage(cost_usd=1.25), "another": Usage(cost_usd=9.0)}
    limits = Settings(off_hours=NIGHT, cost_per_task=2.0, cost_per_day=3.0, attempts_per_day=4)
    found = spendings(Ledger(builds=(build,)), build, limits, now, live)
    assert {s.key: s.used for s in found} == {"cost_per_task": 1.25, "cost_per_day": 1.25, "attempts_per_day": 1.0}
    assert [s.key for s in reported(found)] == ["cost_per_task", "cost_per_day"]
    assert money_left(found) == 0.75
    assert money_left(()) is None


@given(
    before=st.floats(0, 100),
    used_now=st.floats(0, 100),
    limit=st.floats(0.01, 100),
    tokens=st.integers(0, 10_000),
    most=st.integers(1, 10_000),
)
def test_a_run_is_over_exactly_when_it_passes_a_limit(before: float, used_now: float, limit: float, tokens: int, most: int) -> None:
    money = Spending(key="cost_per_task", used=before, limit=limit, unit="USD", span="by this task", until=None)
    many = Spending(key="tokens_per_day", used=0, limit=float(most), unit="tokens", span="today", until=None)
    found = overspent((money, many), Usage(cost_usd=used_now, tokens_in=tokens))
    expected = "cost_per_task" if before + used_now > limit else "tokens_per_day" if tokens > most else None
    assert (found.key if found else None) == expected
    assert overspent((many,), Usage()) is None
