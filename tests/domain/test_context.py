"""What the owner is doing: his word, his calendar, his timetable, in this order, and when it changes."""

from __future__ import annotations

from datetime import datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from autobuilds.domain.context import HORIZON, UNCOVERED, Answer, changes, context_at, stretches, with_word
from autobuilds.domain.day import TIMETABLE, Busy, Context, Day, Rule, Source, Word, steered
from autobuilds.domain.settings import Settings
from autobuilds.domain.times import after, elapsed, reached
from autobuilds.domain.windows import Span
from autobuilds.records import replace

BERLIN = ZoneInfo("Europe/Berlin")
#: A Tuesday.
TUESDAY = datetime(2026, 3, 31, 10, 30, tzinfo=BERLIN)


def at(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=BERLIN)


def word(context: Context, since: datetime = TUESDAY, until: datetime | None = None) -> Word:
    return Word(context=context, since=since, until=until)


def event(start: str, end: str, context: Context = Context.WORKING, summary: str = "Meeting", *, all_day: bool = False) -> Busy:
    return Busy(start=at(start), end=at(end), context=context, summary=summary, all_day=all_day)


@pytest.mark.parametrize(
    ("when", "context", "source", "since", "until"),
    [
        ("2026-03-31 10:30", Context.WORKING, Source.TIMETABLE, "2026-03-31 09:00", "2026-03-31 17:00"),
        ("2026-03-31 18:00", Context.AWAY, Source.DEFAULT, "2026-03-31 17:00", "2026-03-31 19:00"),
        ("2026-03-31 19:00", Context.AVAILABLE, Source.TIMETABLE, "2026-03-31 19:00", "2026-03-31 23:00"),
        ("2026-03-31 23:59", Context.SLEEPING, Source.TIMETABLE, "2026-03-31 23:00", "2026-04-01 07:00"),
        ("2026-04-01 06:59", Context.SLEEPING, Source.TIMETABLE, "2026-03-31 23:00", "2026-04-01 07:00"),
        ("2026-04-04 12:00", Context.WEEKEND, Source.TIMETABLE, "2026-04-04 07:00", "2026-04-04 23:00"),
        # The nights of 29 March and 25 October are of seven and of nine hours.
        ("2026-03-29 05:00", Context.SLEEPING, Source.TIMETABLE, "2026-03-28 23:00", "2026-03-29 07:00"),
        ("2026-10-25 02:30", Context.SLEEPING, Source.TIMETABLE, "2026-10-24 23:00", "2026-10-25 07:00"),
    ],
)
def test_the_timetable(when: str, context: Context, source: Source, since: str, until: str) -> None:
    found = context_at(at(when), None, (), TIMETABLE)
    assert (found.context, found.source, found.since, found.until) == (context, source, at(since), at(until))


def test_an_answer_explains_itself() -> None:
    assert context_at(TUESDAY, None, (), TIMETABLE).why == "working: Mon-Fri 09:00-17:00"
    assert context_at(at("2026-03-31 18:00"), None, (), TIMETABLE).why == UNCOVERED
    assert context_at(TUESDAY, None, (event("2026-03-31 10:00", "2026-03-31 11:00", summary="Dentist"),), TIMETABLE).why == "Dentist"
    assert (
        context_at(TUESDAY, None, (event("2026-03-31 10:00", "2026-03-31 11:00", summary=""),), TIMETABLE).why == "an event without a name"
    )
    assert context_at(TUESDAY, word(Context.AWAY), (), TIMETABLE).why == "you said so"


def test_a_word_is_stronger_than_an_event_and_an_event_than_the_timetable() -> None:
    busy = (event("2026-03-31 10:00", "2026-03-31 12:00", Context.AWAY),)
    assert context_at(TUESDAY, None, busy, TIMETABLE).source is Source.CALENDAR
    until = TUESDAY + timedelta(hours=3)
    assert context_at(TUESDAY, word(Context.WEEKEND, until=until), busy, TIMETABLE) == Answer(
        context=Context.WEEKEND, source=Source.WORD, why="you said so", since=TUESDAY, until=until
    )
    ended = context_at(until, word(Context.WEEKEND, until=until), busy, TIMETABLE)
    assert (ended.context, ended.since, ended.until) == (Context.WORKING, until, at("2026-03-31 17:00"))


def test_a_word_holds_on_a_clock_that_was_set_back() -> None:
    assert context_at(TUESDAY - timedelta(hours=1), word(Context.AWAY), (), TIMETABLE).context is Context.AWAY


def test_an_answer_begins_where_an_event_or_a_word_ended() -> None:
    busy = (event("2026-03-31 09:30", "2026-03-31 10:00"), event("2026-03-31 12:00", "2026-03-31 13:00"))
    found = context_at(TUESDAY, None, busy, TIMETABLE)
    assert (found.since, found.until) == (at("2026-03-31 10:00"), at("2026-03-31 12:00"))
    spoken = word(Context.AWAY, at("2026-03-31 08:00"), at("2026-03-31 10:15"))
    assert context_at(TUESDAY, spoken, (), TIMETABLE).since == at("2026-03-31 10:15")
    assert context_at(TUESDAY, replace(spoken, until=at("2026-03-31 08:30")), (), TIMETABLE).since == at("2026-03-31 09:00")


@pytest.mark.parametrize(
    ("events", "context"),
    [
        # Away wins, also all day long: who is on a trip is not in the meeting that his calendar still has.
        (
            [
                ("2026-03-31 00:00", "2026-04-02 00:00", Context.AWAY, True),
                ("2026-03-31 10:00", "2026-03-31 11:00", Context.WORKING, False),
            ],
            Context.AWAY,
        ),
        (
            [
                ("2026-03-31 10:00", "2026-03-31 11:00", Context.WORKING, False),
                ("2026-03-31 00:00", "2026-04-01 00:00", Context.WEEKEND, True),
            ],
            Context.WORKING,
        ),
        (
            [
                ("2026-03-31 09:00", "2026-03-31 12:00", Context.WORKING, False),
                ("2026-03-31 10:00", "2026-03-31 11:00", Context.AVAILABLE, False),
            ],
            Context.AVAILABLE,
        ),
        (
            [
                ("2026-03-31 10:00", "2026-03-31 12:00", Context.WORKING, False),
                ("2026-03-31 10:00", "2026-03-31 11:00", Context.AVAILABLE, False),
            ],
            Context.AVAILABLE,
        ),
    ],
    ids=["away", "hours", "later", "shorter"],
)
def test_of_events_that_overlap_one_counts(events: list[tuple[str, str, Context, bool]], context: Context) -> None:
    busy = tuple(event(start, end, what, all_day=whole) for start, end, what, whole in events)
    assert context_at(TUESDAY, None, busy, TIMETABLE).context is context
    assert context_at(TUESDAY, None, busy[::-1], TIMETABLE).context is context


def test_what_never_changes_has_neither_beginning_nor_end() -> None:
    for timetable in ((), (Rule(context=Context.WORKING, span=Span(start=time(0), end=time(0))),)):
        found = context_at(TUESDAY, None, (), timetable)
        assert (found.since, found.until) == (None, None)
    spoken = word(Context.WORKING, TUESDAY - timedelta(days=30), TUESDAY - timedelta(days=20))
    assert context_at(TUESDAY, spoken, (), ()).since is None
    assert context_at(TUESDAY, replace(spoken, until=TUESDAY - timedelta(days=2)), (), ()).since == TUESDAY - timedelta(days=2)


def test_events_far_off_are_not_looked_at() -> None:
    far = TUESDAY + HORIZON + timedelta(days=1)
    busy = (Busy(start=far, end=far + timedelta(hours=1), context=Context.AWAY, summary="Trip"),)
    assert context_at(TUESDAY, None, busy, ()).until is None


def test_changes_of_a_day() -> None:
    busy = (event("2026-03-31 15:00", "2026-03-31 16:00", Context.AWAY, "Dentist"), event("2026-03-31 12:00", "2026-03-31 13:00"))
    found = changes(at("2026-03-31 00:00"), at("2026-04-01 00:00"), word(Context.AVAILABLE, at("2026-03-31 20:00")), busy, TIMETABLE)
    assert [(f"{c.at:%H:%M}", c.before.value, c.after.value, c.source.value) for c in found] == [
        ("07:00", "sleeping", "away", "default"),
        ("09:00", "away", "working", "timetable"),
        ("15:00", "working", "away", "calendar"),
        ("16:00", "away", "working", "timetable"),
        ("17:00", "working", "away", "default"),
        ("19:00", "away", "available", "timetable"),
    ]


def test_stretches_leave_no_gap_and_know_earlier_words() -> None:
    start, end = at("2026-03-31 09:00"), at("2026-03-31 12:00")
    earlier = (word(Context.AWAY, at("2026-03-31 09:30"), at("2026-03-31 10:00")),)
    found = stretches(start, end, word(Context.SLEEPING, at("2026-03-31 11:00"), at("2026-03-31 11:30")), (), TIMETABLE, earlier=earlier)
    assert [(f"{s.start:%H:%M}-{s.end:%H:%M}", s.context.value) for s in found] == [
        ("09:00-09:30", "working"),
        ("09:30-10:00", "away"),
        ("10:00-11:00", "working"),
        ("11:00-11:30", "sleeping"),
        ("11:30-12:00", "working"),
    ]
    assert stretches(start, start, None, (), TIMETABLE) == ()


minutes = st.integers(-2 * 24 * 60, 5 * 24 * 60)
nights = st.sampled_from([datetime(2026, 3, 29, tzinfo=BERLIN), datetime(2026, 10, 25, tzinfo=BERLIN), TUESDAY])
contexts = st.sampled_from(list(Context))
events = st.builds(
    lambda start, length, context, whole: (start, length, context, whole), minutes, st.integers(1, 600), contexts, st.booleans()
)
words = st.none() | st.builds(lambda start, length, context: (start, length, context), minutes, st.none() | st.integers(1, 3000), contexts)


@settings(max_examples=30)
@given(nights, st.lists(events, max_size=4), words)
def test_what_is_said_of_a_span_is_what_is_said_of_its_moments(
    night: datetime, given_events: list[tuple[int, int, Context, bool]], given_word: tuple[int, int | None, Context] | None
) -> None:
    def later(count: int) -> datetime:
        return after(night, timedelta(minutes=count))

    busy = tuple(
        Busy(start=later(start), end=later(start + length), context=context, summary=f"E{n}", all_day=whole)
        for n, (start, length, context, whole) in enumerate(given_events)
    )
    spoken = None
    if given_word is not None:
        start, length, context = given_word
        spoken = Word(context=context, since=later(start), until=None if length is None else later(start + length))
    parts = stretches(night, after(night, timedelta(days=3)), spoken, busy, TIMETABLE)
    assert [p.end for p in parts[:-1]] == [p.start for p in parts[1:]]
    assert elapsed(parts[0].start, parts[-1].end) == timedelta(days=3)
    for part in parts:
        # A word that was not given yet does not count for what lies before it.
        known = spoken if spoken is not None and reached(spoken.since, part.start) else None
        for moment in (part.start, after(part.start, elapsed(part.start, part.end) / 2), after(part.end, timedelta(microseconds=-1))):
            found = context_at(moment, known, busy, TIMETABLE)
            assert (found.context, found.source, found.why) == (part.context, part.source, part.why)
            assert found.since is None or reached(found.since, moment)
            assert found.until is None or not reached(found.until, moment)


def test_a_new_word_ends_the_one_before_and_both_are_remembered() -> None:
    day = with_word(Day(), word(Context.AWAY), TUESDAY)
    assert (day.word, day.words) == (word(Context.AWAY), ())
    later = TUESDAY + timedelta(hours=1)
    day = with_word(day, word(Context.WEEKEND, later, later + timedelta(minutes=5)), later)
    assert day.words == (word(Context.AWAY, until=later),)
    much_later = later + timedelta(hours=5)
    day = with_word(day, None, much_later)
    assert day.word is None
    assert day.words == (word(Context.AWAY, until=later), word(Context.WEEKEND, later, later + timedelta(minutes=5)))
    assert with_word(day, None, much_later + timedelta(days=2)).words == ()


def test_a_word_taken_back_at_once_is_not_remembered_and_many_are_not_all() -> None:
    assert with_word(with_word(Day(), word(Context.AWAY), TUESDAY), None, TUESDAY).words == ()
    day = Day()
    for n in range(60):
        moment = TUESDAY + timedelta(minutes=n)
        day = with_word(day, word(Context.AWAY, moment), moment)
    assert len(day.words) == 40
    assert day.words[-1].until == TUESDAY + timedelta(minutes=59)


@pytest.mark.parametrize(
    "changed",
    [
        {"calendar": ("me.ics",)},
        {"max_concurrent": {"default": 1, "away": 2}},
        {"contexts": ()},
        {"windows": ()},
        {"interrupt": ()},
    ],
    ids=lambda changed: next(iter(changed)),
)
def test_contexts_steer_where_the_owner_configured_something_of_them(changed: dict[str, object]) -> None:
    assert not steered(Settings(), None, TUESDAY)
    assert steered(Settings(**changed), None, TUESDAY)


def test_contexts_steer_where_a_task_names_a_window_or_a_word_is_fresh() -> None:
    assert steered(Settings(), None, TUESDAY, [None, "weekend"])
    assert not steered(Settings(), Day(), TUESDAY, [None])
    assert steered(Settings(), Day(word=word(Context.AWAY)), TUESDAY + timedelta(days=100))
    ended = word(Context.AWAY, until=TUESDAY + timedelta(hours=1))
    for day in (Day(word=ended), Day(words=(ended,))):
        assert steered(Settings(), day, TUESDAY + timedelta(days=2))
        assert not steered(Settings(), day, TUESDAY + timedelta(days=2, hours=2))
