"""Recurring duties: how often each is due, on the clock of the workspace's zone."""

from __future__ import annotations

import re
from datetime import UTC, date, datetime, time, timedelta

from autobuilds.domain.patterns import pattern
from autobuilds.domain.times import after, at_clock, parse_clock, parse_duration, reached
from autobuilds.records import dataclass

_WEEK = frozenset(range(7))
_DAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
#: A slot that lapses has done so by then.
_LOOK_BACK = timedelta(days=2)


@dataclass(frozen=True, slots=True)
class Always:
    """Due at every heartbeat."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Every:
    """Due once in each span of real time; the spans follow one another since 1970-01-01 00:00 UTC."""

    span: timedelta


@dataclass(frozen=True, slots=True, kw_only=True)
class AtTimes:
    """Due at times of the local day, on some days of the week (Monday is 0) or on every `step`th day."""

    times: tuple[time, ...]
    weekdays: frozenset[int] = _WEEK
    step: int = 1
    #: Whether the owner named a time or a day; if not (`2x daily`) a duty that never ran is due at once.
    named: bool = True
    #: The time of day at which a slot that was missed lapses; None: it is made up for whenever that is possible.
    until: time | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Cron:
    """Due when a cron expression of five fields says so, with Debian cron's rules for the nights the clocks change."""

    expression: str


Cadence = Always | Every | AtTimes | Cron


@dataclass(frozen=True, slots=True, kw_only=True)
class DutyCommand:
    """One command of a duty as an argument list; `line` is where it stands in HEARTBEAT.md."""

    text: str
    argv: tuple[str, ...]
    line: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Duty:
    """What the heartbeat does by itself from time to time; `key` names it in the record of last runs."""

    key: str
    name: str
    cadence: Cadence
    cadence_text: str
    commands: tuple[DutyCommand, ...]
    line: int


def has_clock_time(cadence: Cadence) -> bool:
    """Whether the owner named when: such a duty waits for its time after it was written, any other is due at once."""
    return isinstance(cadence, Cron) or (isinstance(cadence, AtTimes) and cadence.named)


def due(cadence: Cadence, last_run: datetime | None, now: datetime) -> bool:
    """Whether a duty that ran last at `last_run` (None: never) is due; slots missed in between make one run, not many.

    A clock that was set back never makes a slot due again. A slot with an `until` counts until then only.
    """
    if last_run is None or isinstance(cadence, Always):
        return True
    return reached(_slot_that_counts(cadence, last_run.astimezone(now.tzinfo), now), now)


def next_due(cadence: Cadence, last_run: datetime | None, now: datetime) -> datetime:
    """Return when a duty is due next, `now` itself if it is."""
    if last_run is None or due(cadence, last_run, now):
        return now
    return _slot_that_counts(cadence, last_run.astimezone(now.tzinfo), now)


def newest_slot(cadence: Cadence, last_run: datetime, now: datetime) -> datetime:
    """Return the newest slot that a duty which is due makes up for; of a slot before the last two days the oldest that was missed."""
    last = last_run.astimezone(now.tzinfo)
    found = slot_after(cadence, last)
    newer = slot_after(cadence, _later(last, after(now, -_LOOK_BACK)))
    while reached(newer, now):
        found, newer = newer, slot_after(cadence, newer)
    return found


def _slot_that_counts(cadence: Cadence, last_run: datetime, now: datetime) -> datetime:
    """Return the first slot after the last run that has not lapsed by now."""
    if not isinstance(cadence, AtTimes) or cadence.until is None:
        return slot_after(cadence, last_run)
    slot = slot_after(cadence, _later(last_run, after(now, -_LOOK_BACK)))
    while reached(_lapses(slot, cadence.until), now):
        slot = slot_after(cadence, slot)
    return slot


def _lapses(slot: datetime, until: time) -> datetime:
    """Return the first time after a slot at which the clocks show `until`."""
    zone = slot.tzinfo
    assert zone is not None, "a slot is always aware"
    same_day = at_clock(slot.date(), until, zone)
    return at_clock(slot.date() + timedelta(days=1), until, zone) if reached(same_day, slot) else same_day


def _later(one: datetime, other: datetime) -> datetime:
    return one if reached(other, one) else other


def slot_after(cadence: Cadence, moment: datetime) -> datetime:
    """Return the first slot after a moment, in the moment's zone."""
    if isinstance(cadence, Always):
        return moment
    if isinstance(cadence, Every):
        count = (moment.astimezone(UTC) - _EPOCH) // cadence.span + 1
        return (_EPOCH + count * cadence.span).astimezone(moment.tzinfo)
    return _cron_slot(cadence, moment) if isinstance(cadence, Cron) else _clock_slot(cadence, moment)


def _clock_slot(cadence: AtTimes, moment: datetime) -> datetime:
    zone = moment.tzinfo
    assert zone is not None, "a moment is always aware"
    for ahead in range(-1, 8 + cadence.step):
        day = moment.date() + timedelta(days=ahead)
        if not _falls_on(cadence, day):
            continue
        for clock in cadence.times:
            slot = at_clock(day, clock, zone)
            if not reached(slot, moment):
                return slot
    raise AssertionError("every week has each of its days")


def _falls_on(cadence: AtTimes, day: date) -> bool:
    return day.weekday() in cadence.weekdays and day.toordinal() % cadence.step == 0


def _cron_slot(cadence: Cron, moment: datetime) -> datetime:
    from cronsim import CronSim

    slots = CronSim(cadence.expression, moment)
    slot: datetime = next(slots)
    while reached(slot, moment):
        slot = next(slots)
    return slot


_COUNTED = pattern(r"(?:(\d{1,2}) ?[x×]|(once|twice)|(\d{1,2}) times) ?(?:daily|(?:a|per|each|every) day)", re.ASCII)
_UNTIL = pattern(r",? (?:until|till) (\d{1,2}:\d\d)", re.ASCII)
_TIMES = pattern(r"(?:^| )(?:at |@ ?)?(\d{1,2}:\d\d(?:(?:, ?| and |, and )\d{1,2}:\d\d)*)", re.ASCII)
_WORDS: dict[str, Cadence] = {
    "every heartbeat": Always(),
    "each heartbeat": Always(),
    "hourly": Every(span=timedelta(hours=1)),
    "daily": AtTimes(times=(time(0),), named=False),
    "every day": AtTimes(times=(time(0),), named=False),
    "weekly": AtTimes(times=(time(0),), weekdays=frozenset({0}), named=False),
    "once a week": AtTimes(times=(time(0),), weekdays=frozenset({0}), named=False),
    "every week": AtTimes(times=(time(0),), weekdays=frozenset({0}), named=False),
    "monthly": Cron(expression="0 0 1 * *"),
    "@hourly": Every(span=timedelta(hours=1)),
    "@daily": Cron(expression="0 0 * * *"),
    "@midnight": Cron(expression="0 0 * * *"),
    "@weekly": Cron(expression="0 0 * * 0"),
    "@monthly": Cron(expression="0 0 1 * *"),
    "@yearly": Cron(expression="0 0 1 1 *"),
    "@annually": Cron(expression="0 0 1 1 *"),
}
_SHORTEST, _LONGEST = timedelta(minutes=1), timedelta(days=366)


def parse_cadence(text: str) -> Cadence | None:
    """Return the cadence that a text names, or None.

    Reads `every heartbeat`, `2x daily` (that many even slots of the local day, the first at midnight), `daily`, `hourly`,
    `weekly` (Mondays), `monthly`, `every 3 hours`, `every 2 days`, `daily at 09:00, 17:00`, `Fridays 18:00`,
    `Mon-Fri 07:30`, `weekdays 07:00`, `weekends 10:00`, a cron expression of five fields and its aliases (`@daily`). Behind
    a time of day `until 07:00` says when a slot that was missed is not made up for any more.
    """
    folded = " ".join(text.split()).lower()
    if not 0 < len(folded) <= 100:
        return None
    if folded in _WORDS:
        return _WORDS[folded]
    counted = _COUNTED.fullmatch(folded)
    if counted:
        return _counted(int(counted[1] or counted[3] or {"once": 1, "twice": 2}[counted[2]]))
    if folded.startswith("every "):
        spaced = _spaced(folded.removeprefix("every "))
        if spaced is not None:
            return spaced
    if len(folded.split(" ")) == 5 and re.fullmatch(r"[\d*/,\-a-z# ]+", folded, re.ASCII):
        return _cron(folded)
    return _at_times(folded)


def _counted(count: int) -> Cadence | None:
    if not 1 <= count <= 24:
        return None
    minutes = [24 * 60 * n // count for n in range(count)]
    return AtTimes(times=tuple(time(*divmod(m, 60)) for m in minutes), named=False)


def _spaced(text: str) -> Cadence | None:
    span = parse_duration(text) or parse_duration(f"1 {text}")
    if span is None or not _SHORTEST <= span <= _LONGEST:
        return None
    if span % timedelta(days=1):
        return Every(span=span)
    return AtTimes(times=(time(0),), step=span.days, named=False)


def _cron(text: str) -> Cron | None:
    from cronsim import CronSim, CronSimError

    try:
        next(CronSim(text, datetime(2026, 1, 1, tzinfo=UTC)))
    except (CronSimError, StopIteration, ValueError, OverflowError):
        return None
    return Cron(expression=text)


def _at_times(text: str) -> Cadence | None:
    ends = _UNTIL.search(text)
    until = parse_clock(ends[1]) if ends else None
    if ends:
        text = text[: ends.start()] if ends.end() == len(text) else text
    found = _TIMES.search(text)
    if ends and (until is None or found is None):
        return None
    if found and found.end() != len(text):
        return None
    days = parse_weekdays(text[: found.start()] if found else text)
    clocks = [parse_clock(t) for t in re.findall(r"\d+:\d+", found[1])] if found else [time(0)]
    times = sorted({c for c in clocks if c is not None})
    if days is None or len(times) != len(set(clocks)):
        return None
    return AtTimes(times=tuple(times), weekdays=days, until=until)


def parse_weekdays(text: str) -> frozenset[int] | None:
    """Return the days (Monday is 0) that `Mon-Fri`, `Saturdays`, `weekdays` or nothing at all names, or None."""
    text = re.sub(r"^(?:every|each|on) ", "", text.strip())
    if text in {"", "daily", "day"}:
        return _WEEK
    days: set[int] = set()
    for part in re.split(r", and |, ?| and | ?& ?| ?/ ?", text):
        if part in {"weekday", "weekdays", "workday", "workdays"}:
            days |= set(range(5))
        elif part in {"weekend", "weekends"}:
            days |= {5, 6}
        else:
            ends = [_weekday(end) for end in re.split(r" ?[-–] ?| to ", part)]
            first, last = ends[0], ends[-1]
            if len(ends) > 2 or first is None or last is None:
                return None
            days |= {(first + n) % 7 for n in range((last - first) % 7 + 1)}
    return frozenset(days)


def _weekday(word: str) -> int | None:
    """Return the number of a day's name, full, as a plural or cut (`mon`, `tues`, `thurs`)."""
    bare = word.rstrip(".")
    for number, day in enumerate(_DAYS):
        if bare in {day, f"{day}s"} or (len(bare) >= 3 and bare in {day[:3], day[:4], day[:5]}):
            return number
    return None
