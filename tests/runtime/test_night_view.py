"""The figures of a night: from the ledger alone, and they add up."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

from hypothesis import given
from hypothesis import strategies as st

from autobuilds.cli.formatters import overnight_text
from autobuilds.cli.formatters.style import Style
from autobuilds.domain.build import Attempt, Build, BuildState, Check, Evidence, Ledger, Outcome
from autobuilds.domain.day import Night
from autobuilds.runtime.night_view import COMPLETED, FAILED, IN_PROGRESS, NightView, night_view, of_kind, tally

START = datetime(2026, 2, 6, 23, 0, tzinfo=UTC)
END = START + timedelta(hours=8)
NIGHT = Night(id="2026-02-06", started=START, ends=END, ended=END)


def attempt(start: float, end: float | None, outcome: Outcome | None = Outcome.PASSED, **changes: object) -> Attempt:
    """Return an attempt that began and ended so many minutes after the night's start."""
    ended = None if end is None else START + timedelta(minutes=end)
    made = Attempt(number=1, id=f"{start}-{end}", agent="command", started=START + timedelta(minutes=start), ended=ended)
    return replace(made, **{"outcome": outcome if ended else None, "evidence": Evidence.CHECKED, **changes})


def build(label: str, *attempts: Attempt, **changes: object) -> Build:
    made = Build(label=label, name=label, state=BuildState.REVIEW, created=START, updated=END, attempts=attempts)
    return replace(made, **changes)


def view(*builds: Build, night: Night = NIGHT, now: datetime = END) -> NightView:
    return night_view(night, Ledger(builds=builds), now)


def test_what_ran_in_the_night_is_told_and_nothing_else() -> None:
    told = view(
        build("before", attempt(-120, -60)),
        build("over-the-start", attempt(-30, 30)),
        build("within", attempt(60, 120)),
        build("claimed", attempt(60, 90, evidence=Evidence.CLAIMED)),
        build("failed", attempt(60, 70, Outcome.CHECKS_FAILED, reason="a check fails")),
        build("never-began", attempt(61, 62, Outcome.NOT_STARTED)),
        build("over-the-end", attempt(400, 500)),
        build("running", attempt(470, None)),
        build("after", attempt(481, 490)),
    )
    assert [(r.label, r.came, r.carried) for r in told.attempts] == [
        ("over-the-start", COMPLETED, True),
        ("claimed", COMPLETED, False),
        ("failed", FAILED, False),
        ("within", COMPLETED, False),
        ("over-the-end", IN_PROGRESS, False),
        ("running", IN_PROGRESS, False),
    ]
    assert (told.spawned, told.carried, told.completed, told.verified, told.claimed, told.failed, told.in_progress) == (5, 1, 3, 2, 1, 1, 2)
    assert (told.shipped_minutes, told.shipped_hours, told.shipped_seconds) == (150, 2.5, 9000)
    assert told.headline == "3 builds completed (2 verified, 1 by claim only), 1 attempt failed, 2 builds still run."
    assert tally(told) == "5 spawned, 3 completed, 1 failed, 2 in progress"
    assert [r.ended for r in of_kind(told, IN_PROGRESS)] == [None, None]
    assert of_kind(told, FAILED)[0].reason == "a check fails"


def test_an_attempt_that_a_reboot_took_is_lost_in_the_night_though_that_was_found_out_by_day() -> None:
    told = view(build("x", attempt(60, 600, Outcome.LOST, reason="its supervisor is gone")))
    assert (told.failed, told.in_progress) == (1, 0)


def test_a_check_counts_as_it_ran_last_and_a_merge_is_named() -> None:
    checks = (
        Check(text="a", passed=False, command="a"),
        Check(text="a", passed=True, command="a", merged=True),
        Check(text="b", passed=True),
    )
    done = attempt(0, 10, checks=checks, files_changed=2, lines_added=3, lines_removed=1)
    told = view(build("x", done, state=BuildState.COMPLETED, delivered_commit="c" * 40, delivered_branch="main"))
    row = told.attempts[0]
    assert (row.checks_passed, row.checks_total, row.delivered, row.delivered_to, row.files_changed) == (1, 1, "c" * 40, "main", 2)


def test_a_night_that_is_on_is_told_as_far_as_it_has_come() -> None:
    on = replace(NIGHT, ended=None, throttled=START + timedelta(minutes=30))
    told = view(build("x", attempt(0, None)), night=on, now=START + timedelta(minutes=45))
    assert (told.on, told.minutes, told.throttled_minutes, told.attempts[0].minutes) == (True, 45, 15, 45)
    assert told.throttled_since == START + timedelta(minutes=30)
    assert "throttled since 2026-02-06 23:30, 15 min in all: nothing new starts" in overnight_text.report(told, Style())
    assert view(night=on, now=START).headline == "Nothing has run so far."
    late = view(night=on, now=END + timedelta(hours=5))
    assert (late.on, late.minutes, late.headline, late.throttled_since) == (False, 480, "Nothing ran.", None)
    assert "never throttled" in overnight_text.report(view(), Style())
    assert view(night=replace(NIGHT, undone=END)).headline == "Nothing ran; the night was taken back."


def test_a_night_over_a_change_of_the_clocks_is_as_long_as_it_is() -> None:
    berlin = ZoneInfo("Europe/Berlin")
    start, end = datetime(2026, 3, 28, 23, 0, tzinfo=berlin), datetime(2026, 3, 29, 7, 0, tzinfo=berlin)
    night = Night(id="2026-03-28", started=start, ends=end, ended=end)
    ran = replace(attempt(0, 1), started=datetime(2026, 3, 29, 1, 30, tzinfo=berlin), ended=datetime(2026, 3, 29, 3, 30, tzinfo=berlin))
    told = view(build("x", ran), night=night, now=end)
    assert (told.minutes, told.shipped_minutes) == (420, 60)


def test_a_night_on_a_clock_that_stands_still_knows_what_ran() -> None:
    still = replace(NIGHT, ended=START)
    told = view(build("x", attempt(0, 0)), build("running", attempt(0, None)), night=still, now=START)
    assert (told.spawned, told.completed, told.in_progress) == (2, 1, 1)
    assert view(build("by-day", attempt(480, None))).spawned == 0


_SPANS = st.lists(
    st.tuples(st.floats(-200, 700), st.one_of(st.none(), st.floats(0.1, 300)), st.sampled_from([Outcome.PASSED, Outcome.TIMEOUT])),
    max_size=20,
)


@given(_SPANS)
def test_a_report_adds_up(spans: list[tuple[float, float | None, Outcome]]) -> None:
    builds = [
        build(f"b{n}", attempt(start, None if length is None else start + length, outcome))
        for n, (start, length, outcome) in enumerate(spans)
    ]
    told = view(*builds)
    assert told.spawned + told.carried == told.completed + told.failed + told.in_progress == len(told.attempts)
    assert told.verified + told.claimed == told.completed
    done = of_kind(told, COMPLETED)
    assert sum(row.minutes for row in done) == told.shipped_minutes
    assert sum(row.seconds for row in done) == told.shipped_seconds
    ledger = sum((row.ended - row.started).total_seconds() for row in done if row.ended is not None)
    assert abs(ledger - told.shipped_seconds) <= 0.5 * len(done) + 1e-6


def test_what_began_and_ended_in_the_first_second_belongs_to_the_night() -> None:
    told = view(build("at-once", attempt(0, 0)), build("until-then", attempt(-5, 0)))
    assert [(r.label, r.came, r.carried) for r in told.attempts] == [("at-once", COMPLETED, False)]


def test_what_ended_with_a_night_in_the_hour_that_comes_twice_had_ended() -> None:
    zone = ZoneInfo("Europe/Berlin")
    end = datetime(2026, 10, 25, 2, 30, fold=1, tzinfo=zone)
    night = replace(NIGHT, started=end - timedelta(hours=3), ends=end, ended=end)
    ended = replace(attempt(0, 0), started=night.started, ended=datetime.fromisoformat(end.isoformat()))
    assert [r.came for r in view(build("to-the-end", ended), night=night, now=end).attempts] == [COMPLETED]
