"""The forecast of a week: contexts, windows, nights, slots, what is not reached and what would change that."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from autobuilds.domain.build import Approval, BuildState, DeliverMode, Ledger, Outcome, Pause
from autobuilds.domain.day import Busy, Context, Day, Night, Word
from autobuilds.domain.duties import AtTimes, Duty, DutyCommand, parse_cadence
from autobuilds.domain.lengths import ENOUGH, Basis, learn
from autobuilds.domain.model import Estimate, Priority, Section, Task
from autobuilds.domain.moment import Resources
from autobuilds.domain.policy import CategoryRule
from autobuilds.domain.settings import Settings, Window
from autobuilds.domain.verdicts import Verdict
from autobuilds.planning import forecast as module
from autobuilds.planning.forecast import forecast, nightly_of
from autobuilds.planning.nights import Nightly
from autobuilds.planning.reach import granted, reach
from autobuilds.planning.timeline import Forecast, Reach
from autobuilds.runtime.assessing import policy_of
from tests.builders import NOW, POLICY, a_build, a_moment, a_snapshot, a_task, an_attempt

HOUR = timedelta(hours=1)
WEEK = 7 * 24
BERLIN = ZoneInfo("Europe/Berlin")
NIGHTLY = Nightly(start=parse_cadence("daily at 23:00"))


def sized(name: str, hours: float = 1, **changes: Any) -> Task:
    minutes = int(hours * 60)
    return a_task(name, estimate=Estimate(min_minutes=minutes, max_minutes=minutes), **changes)


def starts(found: Forecast) -> list[tuple[str, datetime]]:
    return [(s.label, s.start) for s in found.slots]


class TestSlots:
    def test_each_takes_the_lowest_that_is_free(self) -> None:
        tasks = [sized("One", 3), sized("Two", 1), sized("Three", 1), sized("Four", 1)]
        found = forecast(a_snapshot(*tasks, settings=Settings(max_concurrent={"default": 2})), a_moment())
        assert [(s.label, s.slot) for s in found.slots] == [("one", 1), ("two", 2), ("three", 2), ("four", 2)]

    def test_running_builds_have_theirs_in_the_order_of_their_starts(self) -> None:
        late, early = sized("Late", 9), sized("Early", 9)
        builds = (a_build(late), a_build(early, attempts=(an_attempt(2, started=NOW - 2 * HOUR),)))
        found = forecast(a_snapshot(late, early, builds=builds), a_moment())
        assert [(s.label, s.slot, s.running) for s in found.slots] == [("early", 1, True), ("late", 2, True)]

    def test_a_build_without_an_attempt_counts_from_its_creation(self) -> None:
        task = sized("Odd")
        found = forecast(a_snapshot(task, builds=(a_build(task, attempts=(), created=NOW),)), a_moment())
        assert [(s.start, s.end, s.overdue) for s in found.slots] == [(NOW, NOW + HOUR, False)]

    def test_a_build_of_no_task_runs_on_as_a_guess(self) -> None:
        found = forecast(a_snapshot(builds=(a_build(sized("Gone"), attempts=(an_attempt(started=NOW),)),)), a_moment())
        assert [(s.label, s.end, s.basis) for s in found.slots] == [("gone", NOW + HOUR, Basis.GUESS)]

    def test_one_that_runs_too_long_is_taken_to_run_twice_as_long_and_says_so(self) -> None:
        task = sized("Slow", 0.5)
        found = forecast(a_snapshot(task, builds=(a_build(task),)), a_moment())
        assert [(s.end, s.overdue) for s in found.slots] == [(NOW + HOUR, True)]

    def test_what_its_timeout_would_stop_says_so(self) -> None:
        tasks = [sized("Long", 9), sized("Eight", 8), sized("Own", 2, timeout_minutes=90), sized("Allowed", 9, timeout_minutes=600)]
        found = forecast(a_snapshot(*tasks, builds=(a_build(tasks[0]),)), a_moment(), 48)
        assert [(s.label, s.stopped_after) for s in found.slots] == [
            ("long", 8 * HOUR),
            ("eight", None),
            ("own", 1.5 * HOUR),
            ("allowed", None),
        ]

    def test_what_was_learned_counts(self) -> None:
        done = [
            a_build(
                a_task(f"Old {n}"),
                BuildState.COMPLETED,
                category="Bug fixes",
                attempts=(an_attempt(started=NOW - 3 * HOUR, ended=NOW - HOUR, outcome=Outcome.PASSED),),
            )
            for n in range(ENOUGH)
        ]
        found = forecast(a_snapshot(a_task("New")), a_moment(), lengths=learn(done, ()))
        assert [(s.end, s.basis, s.guessed, s.why) for s in found.slots] == [
            (NOW + 2 * HOUR, Basis.LEARNED, False, "the median of 10 builds of bug fixes with command")
        ]


class TestContexts:
    def test_a_context_with_more_slots_gives_them_when_it_begins(self) -> None:
        tasks = [sized(n, 20) for n in ("One", "Two")]
        found = forecast(a_snapshot(*tasks, settings=Settings(max_concurrent={"default": 1, "sleeping": 2})), a_moment())
        assert starts(found) == [("one", NOW), ("two", NOW.replace(hour=23))]
        assert [s.context for s in found.slots] == [Context.WORKING, Context.SLEEPING]

    def test_a_word_and_the_calendar_count(self) -> None:
        day = Day(word=Word(context=Context.SLEEPING, since=NOW - HOUR, until=NOW + HOUR))
        busy = Busy(start=NOW + 2 * HOUR, end=NOW + 3 * HOUR, context=Context.SLEEPING, summary="nap")
        tasks = [sized(n, 0.5) for n in ("One", "Two")] + [sized("Long", 12), sized("Third", 0.25)]
        found = forecast(
            a_snapshot(*tasks, ledger=Ledger(day=day), settings=Settings(max_concurrent={"default": 1, "sleeping": 2})),
            a_moment(busy=(busy,)),
        )
        assert starts(found) == [("one", NOW), ("two", NOW), ("long", NOW + HOUR / 2), ("third", NOW + HOUR / 2)]
        assert [(s.start, s.context, s.slots) for s in found.spans][:4] == [
            (NOW, Context.SLEEPING, 2),
            (NOW + HOUR, Context.WORKING, 1),
            (NOW + 2 * HOUR, Context.SLEEPING, 2),
            (NOW + 3 * HOUR, Context.WORKING, 1),
        ]

    def test_the_spans_leave_no_gap(self) -> None:
        found = forecast(a_snapshot(), a_moment(), WEEK, nightly=NIGHTLY)
        assert (found.spans[0].start, found.spans[-1].end) == (found.start, found.end)
        assert all(one.end == other.start for one, other in zip(found.spans, found.spans[1:], strict=False))
        assert sum(s.night for s in found.spans) == 7

    def test_a_build_says_its_window_by_its_length_or_its_own_name(self) -> None:
        night = NOW.replace(hour=23)
        for task, window in (
            (sized("A", 5), "overnight"),
            (sized("B", 0.5), "overnight"),
            (sized("C", 1, window="Overnight"), "overnight"),
        ):
            assert [s.window for s in forecast(a_snapshot(task), a_moment(now=night)).slots] == [window]
        evening = NOW.replace(hour=20)
        assert [s.window for s in forecast(a_snapshot(sized("A", 1.5)), a_moment(now=evening)).slots] == ["quick-win"]
        assert [s.window for s in forecast(a_snapshot(sized("A")), a_moment(now=NOW.replace(hour=18))).slots] == [None]

    def test_a_word_opens_and_closes_windows_for_the_line_of_a_build_too(self) -> None:
        day = Day(word=Word(context=Context.AVAILABLE, since=NOW - HOUR))
        assert [s.window for s in forecast(a_snapshot(sized("A", 1.5), ledger=Ledger(day=day)), a_moment()).slots] == ["quick-win"]

    def test_a_task_waits_for_its_window(self) -> None:
        found = forecast(a_snapshot(sized("Quick", window="quick-win")), a_moment(), WEEK)
        assert starts(found) == [("quick", NOW.replace(hour=19))]
        assert found.slots[0].window == "quick-win"

    @pytest.mark.parametrize(("month", "day", "length"), [(3, 28, 7), (10, 24, 9)])
    def test_the_nights_on_which_clocks_change_have_their_real_length(self, month: int, day: int, length: int) -> None:
        now = datetime(2026, month, day, 20, 0, tzinfo=BERLIN)
        found = forecast(a_snapshot(), a_moment(now=now), 24, nightly=NIGHTLY)
        night = next(s for s in found.spans if s.night)
        assert (night.start.hour, night.end.hour) == (23, 7)
        assert night.end.timestamp() - night.start.timestamp() == length * 3600


class TestNights:
    def test_a_night_that_a_duty_starts_gives_its_slots_until_it_closes(self) -> None:
        tasks = [sized(n, 20) for n in ("One", "Two", "Three", "Four")]
        found = forecast(a_snapshot(*tasks), a_moment(), 24, nightly=NIGHTLY)
        eleven = NOW.replace(hour=23)
        assert [(s.label, s.start, s.slot, s.night) for s in found.slots] == [
            ("one", NOW, 1, False),
            ("two", eleven, 2, True),
            ("three", eleven, 3, True),
        ]
        assert found.crowded == ("four",)

    def test_without_the_duty_there_is_none(self) -> None:
        found = forecast(a_snapshot(sized("One", 20), sized("Two", 20)), a_moment(), 18)
        assert starts(found) == [("one", NOW)]
        assert not any(s.night for s in found.spans)

    def test_one_that_is_on_ends_when_it_says(self) -> None:
        ends = NOW + 2 * HOUR
        day = Day(night=Night(id="2026-02-06", started=NOW - HOUR, ends=ends))
        found = forecast(a_snapshot(ledger=Ledger(day=day)), a_moment(), 4)
        assert [(s.start, s.night, s.slots) for s in found.spans] == [(NOW, True, 3), (ends, False, 1)]

    @pytest.mark.parametrize(
        ("hour", "night", "on"),
        [
            (23, None, True),
            (12, None, False),
            (23, Night(id="2026-02-05", started=NOW - 13 * HOUR, ends=NOW - 5 * HOUR, ended=NOW - 5 * HOUR), True),
            (23, Night(id="2026-02-06", started=NOW + 11 * HOUR, ends=NOW + 19 * HOUR, ended=NOW + 11 * HOUR), False),
        ],
    )
    def test_one_that_is_late_begins_at_once(self, hour: int, night: Night | None, on: bool) -> None:
        now = NOW.replace(hour=hour, minute=30)
        found = forecast(a_snapshot(ledger=Ledger(day=Day(night=night))), a_moment(now=now), 1, nightly=NIGHTLY)
        assert [s.night for s in found.spans] == [on]

    def test_the_duty_outside_its_window_starts_none(self) -> None:
        found = forecast(a_snapshot(), a_moment(), 24, nightly=Nightly(start=parse_cadence("daily at 15:00")))
        assert not any(s.night for s in found.spans)

    @pytest.mark.parametrize("cadence", ["every heartbeat", "every 1 minute", "every 3 hours", "0 21-23 * * *"])
    def test_a_duty_that_falls_due_often_starts_a_night_as_soon_as_its_window_opens(self, cadence: str) -> None:
        found = forecast(a_snapshot(), a_moment(), 14 * 24, nightly=Nightly(start=parse_cadence(cadence)))
        expected = 0 if cadence == "every 3 hours" else 23
        assert found.complete
        nights = [s for s in found.spans if s.night]
        assert ({s.start.hour for s in nights}, len(nights)) == ({expected}, 14)

    def test_the_duty_is_known_by_its_command(self) -> None:
        def duty(*argv: str, at: int = 23) -> Duty:
            command = DutyCommand(text=" ".join(argv), argv=argv, line=3)
            return Duty(key="k", name="k", cadence=AtTimes(times=(time(at),)), cadence_text="", commands=(command,), line=2)

        assert nightly_of(()) is None
        assert nightly_of((duty("autobuilds", "report"), duty("python3", "x.py", "start"))) is None
        started = duty("/usr/bin/autobuilds", "overnight", "start")
        assert nightly_of((duty("autobuilds", "report", at=6), started)) == Nightly(start=AtTimes(times=(time(23),)))
        ended = duty("autobuilds", "overnight", "report", at=6)
        assert nightly_of((started, ended, duty("autobuilds", "overnight", "start", at=3))) == Nightly(
            start=AtTimes(times=(time(23),)), report=AtTimes(times=(time(6),))
        )
        assert nightly_of((duty("python3", "scripts/overnight_runner.py", "report", at=5),)) == Nightly(report=AtTimes(times=(time(5),)))

    def test_its_report_ends_it(self) -> None:
        nightly = Nightly(start=parse_cadence("daily at 23:00"), report=parse_cadence("daily at 06:30"))
        found = forecast(a_snapshot(), a_moment(), 24, nightly=nightly)
        assert [(s.start.hour, s.end.hour, s.end.minute) for s in found.spans if s.night] == [(23, 6, 30)]
        late = Nightly(start=parse_cadence("daily at 23:00"), report=parse_cadence("daily at 08:00"))
        assert [s.end.hour for s in forecast(a_snapshot(), a_moment(), 24, nightly=late).spans if s.night] == [7]

    def test_one_that_is_on_ends_with_the_report_as_well(self) -> None:
        day = Day(night=Night(id="2026-02-05", started=NOW - 13 * HOUR, ends=NOW - 5 * HOUR))
        now, nightly = NOW.replace(hour=6), Nightly(report=parse_cadence("daily at 06:30"))
        found = forecast(a_snapshot(ledger=Ledger(day=day)), a_moment(now=now), 2, nightly=nightly)
        assert [(s.start.hour, s.start.minute, s.night) for s in found.spans] == [(6, 0, True), (6, 30, False), (7, 0, False)]
        assert not any(s.night for s in forecast(a_snapshot(), a_moment(now=now), 30, nightly=nightly).spans)


class TestReview:
    def tasks(self, number: int) -> list[Task]:
        return [sized(f"Task {n}") for n in range(number)]

    def test_finished_builds_wait_for_review_and_hold_the_others_in_the_end(self) -> None:
        found = forecast(a_snapshot(*self.tasks(5), settings=Settings(review_limit=3)), a_moment(), 24)
        assert len(found.slots) == 3
        gate = next(g for a in found.not_reached for g in a.obstacles if g.gate == "review")
        assert gate.fix == "review what is finished by then"
        assert found.crowded == found.asking == ()

    def test_with_reviewed_they_do_not(self) -> None:
        found = forecast(a_snapshot(*self.tasks(5), settings=Settings(review_limit=3)), a_moment(), 24, reviewed=True)
        assert len(found.slots) == 5

    def test_what_is_merged_needs_no_review(self) -> None:
        merging = Settings(review_limit=3, deliver={"default": DeliverMode.MERGE})
        assert len(forecast(a_snapshot(*self.tasks(5), settings=merging), a_moment(), 24).slots) == 5
        rule = CategoryRule(category="Bug fixes", high="auto", medium="auto", low="auto", deliver=DeliverMode.MERGE)
        policy = replace(POLICY, categories=(rule, *POLICY.categories[1:]))
        assert len(forecast(a_snapshot(*self.tasks(5), settings=Settings(review_limit=3), policy=policy), a_moment(), 24).slots) == 5

    def test_a_review_that_is_open_now_keeps_its_command(self) -> None:
        waiting = a_build(sized("Done"), BuildState.REVIEW)
        found = forecast(a_snapshot(sized("Next"), builds=(waiting,), settings=Settings(review_limit=1)), a_moment(), 24)
        assert [g.fix for g in found.not_reached[0].obstacles] == ["autobuilds review done"]

    def test_two_dependencies_in_review_are_said_to_wait_for_it(self) -> None:
        tasks = [sized("One"), sized("Two"), sized("Last", depends_on=("one", "two"))]
        found = forecast(a_snapshot(*tasks), a_moment(), 24)
        assert [(g.gate, g.fix) for g in found.not_reached[0].obstacles] == [("blockers", "review what is finished by then")]


class TestNotReached:
    def test_others_took_every_slot(self) -> None:
        tasks = [sized("Long", 30), sized("Also", 2), sized("Low", priority=Priority.LOW)]
        found = forecast(a_snapshot(*tasks), a_moment(), 24)
        assert ([a.label for a in found.not_reached], found.crowded, found.asking) == (["also", "low"], ("also",), ("low",))

    def test_one_that_was_kept_out_at_night_is_crowded_by_day(self) -> None:
        tasks = [sized("Long", 8, priority=Priority.MEDIUM), sized("Kept", 7, priority=Priority.MEDIUM)]
        settings = Settings(off_hours=Window(start=time(22), end=time(6)))
        found = forecast(a_snapshot(*tasks, settings=settings), a_moment(), 20)
        assert (starts(found), found.crowded) == ([("long", NOW.replace(hour=22))], ("kept",))

    def test_one_that_waits_behind_a_running_build_to_the_end_is_crowded(self) -> None:
        busy = sized("Busy", 40)
        found = forecast(a_snapshot(busy, sized("Behind"), builds=(a_build(busy),)), a_moment(), 12)
        assert found.crowded == ("behind",)

    def test_a_text_that_asks_is_no_matter_of_slots(self) -> None:
        risky = sized("Wipe", description="Run `rm -rf` on the production database and drop all users.")
        found = forecast(a_snapshot(sized("Long", 30), risky, policy=policy_of(None)), a_moment(), 24)
        assert (found.crowded, found.asking) == ((), ("wipe",))

    def test_a_pause_ends(self) -> None:
        ledger = Ledger(pause=Pause(since=NOW, until=NOW + 5 * HOUR))
        assert starts(forecast(a_snapshot(sized("One"), sized("Two"), ledger=ledger), a_moment())) == [
            ("one", NOW + 5 * HOUR),
            ("two", NOW + 6 * HOUR),
        ]

    def test_memory_under_pressure_holds_until_the_next_heartbeat_a_full_disk_for_good(self) -> None:
        pressed = a_moment(resources=Resources(disk_percent=10, memory_percent=99, load_per_core=0.1))
        assert starts(forecast(a_snapshot(sized("One")), pressed)) == [("one", NOW + HOUR / 2)]
        full = a_moment(resources=Resources(disk_percent=99, memory_percent=10, load_per_core=0.1))
        found = forecast(a_snapshot(sized("One")), full, WEEK)
        assert [g.gate for g in found.not_reached[0].obstacles] == ["resources"]

    def test_it_says_where_it_gave_up(self, monkeypatch: pytest.MonkeyPatch) -> None:
        tasks = [sized(n) for n in ("One", "Two", "Three")]
        assert forecast(a_snapshot(*tasks), a_moment()).complete
        monkeypatch.setattr(module, "MAX_STEPS", 2)
        assert not forecast(a_snapshot(*tasks), a_moment()).complete

    def test_a_task_that_is_tried_again_starts_at_its_time(self) -> None:
        task = sized("Again")
        build = a_build(task, BuildState.RETRYING, retry_at=NOW + HOUR, updated=NOW)
        assert starts(forecast(a_snapshot(task, builds=(build,)), a_moment())) == [("again", NOW + HOUR)]


class TestReach:
    def test_words_that_would_let_it_start_and_when(self) -> None:
        low = sized("Low", priority=Priority.LOW)
        asked = sized("Asked", priority=Priority.MEDIUM, category="New features")
        files, moment = a_snapshot(sized("Now", 2), low, asked), a_moment()
        found = forecast(files, moment, 24)
        assert reach(found, files, moment) == (
            Reach(label="asked", words=("autobuilds approve asked",), start=NOW.replace(hour=22)),
            Reach(label="low", words=("autobuilds approve low",), start=NOW + 2 * HOUR),
        )

    def test_it_may_be_kept_out_all_the_same(self) -> None:
        files = a_snapshot(sized("Long", 48), sized("Low", priority=Priority.LOW))
        found = forecast(files, a_moment(), 24)
        assert reach(found, files, a_moment()) == (Reach(label="low", words=("autobuilds approve low",)),)

    def test_nothing_is_told_of_what_other_things_hold(self) -> None:
        files = a_snapshot(sized("Blocked", blockers=("the vendor",)), sized("Odd", agent="nobody"))
        found = forecast(files, a_moment(), 24)
        assert [a.verdict for a in found.not_reached] == [Verdict.WAIT, Verdict.ASK]
        assert reach(found, files, a_moment()) == ()

    def test_an_approval_that_lapsed_is_given_anew(self) -> None:
        low = sized("Low", priority=Priority.LOW, approved=True)
        old = Approval(label="low", fingerprint="0", by="owner", at=NOW - HOUR)
        files = a_snapshot(low, ledger=Ledger(approvals=(old,)))
        found = forecast(files, a_moment(), 24)
        assert reach(found, files, a_moment())[0].start == NOW

    def test_a_window_that_there_is_not_may_be_taken_back(self) -> None:
        files = a_snapshot(sized("Odd", window="nowhere"))
        found = forecast(files, a_moment(), 24)
        assert reach(found, files, a_moment()) == (Reach(label="odd", words=('autobuilds set odd window ""',), start=NOW),)

    def test_words_change_open_tasks_alone_and_only_as_they_say(self) -> None:
        done = sized("Done", section=Section.COMPLETED, priority=Priority.LOW)
        low, medium = sized("Low", priority=Priority.LOW, window="weekend"), sized("Medium", priority=Priority.MEDIUM)
        words = [("done", "autobuilds approve done"), ("low", "autobuilds approve low"), ("medium", "autobuilds set medium priority high")]
        files, moment = granted(a_snapshot(done, low, medium), a_moment(doubted=frozenset({"low", "medium"})), words)
        assert files.queue.tasks == (done, replace(low, approved=True), replace(medium, priority=Priority.HIGH))
        assert (moment.hand_approved, moment.doubted) == (frozenset({"done", "low"}), frozenset({"medium"}))
