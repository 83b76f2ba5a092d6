"""What the record says of weekends and categories."""

from __future__ import annotations

from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from autobuilds.domain.build import Attempt, Build, BuildState, Outcome
from autobuilds.domain.weekend import Rate, weekend_window
from autobuilds.domain.windows import WINDOWS
from autobuilds.policies.weekend_history import record_of

BERLIN = ZoneInfo("Europe/Berlin")
NOW = datetime(2026, 2, 6, 18, tzinfo=BERLIN)
SPAN = weekend_window(WINDOWS).span


def build(ended: str, minutes: int, state: BuildState = BuildState.COMPLETED, category: str | None = "Docs", *, tries: int = 1) -> Build:
    at = datetime.fromisoformat(ended).replace(tzinfo=BERLIN)
    attempts = tuple(
        Attempt(number=n, id=f"{ended}-{n}", agent="a", started=at - timedelta(minutes=minutes), ended=at, outcome=Outcome.PASSED)
        for n in range(1, tries + 1)
    )
    return Build(label="x", name="X", state=state, created=at, updated=at, attempts=attempts, category=category)


def test_hours_go_to_the_weekend_in_which_they_ended() -> None:
    record = record_of(
        [
            build("2026-01-31 12:00", 60),
            build("2026-02-01 23:30", 90, BuildState.REVIEW, tries=2),
            build("2026-01-24 10:00", 30),
            build("2026-01-26 10:00", 500),
            build("2026-01-31 12:00", 45, BuildState.ESCALATED),
            build("2025-11-15 12:00", 45),
        ],
        SPAN,
        NOW,
        {},
    )
    assert record.weekends == {"2026-01-31": 240, "2026-01-24": 30}


def test_the_weekend_that_goes_on_does_not_count() -> None:
    sunday = NOW + timedelta(days=2)
    assert record_of([build("2026-02-07 12:00", 60)], SPAN, sunday, {}).weekends == {}


def test_rates_by_category() -> None:
    builds = [
        build("2026-01-31 12:00", 60),
        build("2026-01-20 12:00", 60, BuildState.ESCALATED, "docs"),
        build("2026-01-20 12:00", 60, BuildState.CANCELLED, None),
        build("2026-01-20 12:00", 60, BuildState.RETRYING, None),
        build("2025-08-20 12:00", 60),
    ]
    running = Attempt(number=1, id="r", agent="a", started=NOW)
    builds.append(Build(label="r", name="R", state=BuildState.BUILDING, created=NOW, updated=NOW, attempts=(running,)))
    never = Attempt(number=1, id="n", agent="a", started=NOW, ended=NOW, outcome=Outcome.NOT_STARTED)
    builds.append(Build(label="n", name="N", state=BuildState.CANCELLED, created=NOW, updated=NOW, attempts=(never,)))
    assert record_of(builds, SPAN, NOW, {}).rates == {"docs": Rate(ended=2, finished=1), "": Rate(ended=1)}
    known = record_of(builds, SPAN, NOW, {"x": 120}).rates
    assert known["docs"] == Rate(ended=2, finished=1, estimated=120, took=60), "what failed says nothing of its estimate"
