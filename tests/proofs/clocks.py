"""Clocks: windows on every night that clocks change, slots that are missed or come twice, years far off, leap days, clocks that are set.

The product's decisions are held against an oracle that knows nothing of zones but what the clock on the wall shows: it walks minute by
minute in UTC and asks zoneinfo for each. A pair of a change and a window is wrong if one decision round it is. The same is done to an
implementation that reckons with local times as most programs do; it must be caught.
"""

from __future__ import annotations

import random
import zoneinfo
from bisect import bisect_right
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime, time, timedelta
from functools import lru_cache
from zoneinfo import ZoneInfo

from autobuilds.domain.duties import AtTimes, Cadence, due, parse_cadence, slot_after
from autobuilds.domain.gates import timing
from autobuilds.domain.model import Estimate, Priority
from autobuilds.domain.moment import Moment
from autobuilds.domain.settings import Settings, Window
from autobuilds.domain.situation import Situation
from autobuilds.domain.verdicts import Verdict
from tests.builders import a_situation, a_snapshot, a_task
from tests.proofs import _weeks
from tests.proofs._clocks import set_clocks
from tests.proofs.figures import Figures, Options

YEAR = 2026
MINUTE, DAY = timedelta(minutes=1), timedelta(days=1)
WINDOWS = tuple(
    Window(start=time.fromisoformat(a), end=time.fromisoformat(b))
    for a, b in (("22:00", "06:00"), ("23:00", "07:00"), ("00:30", "02:30"), ("02:00", "03:00"))
)
#: Minutes before and after a change at which decisions are made, and for how long the oracle sees further.
ROUND, BEYOND = 30 * 60, 48 * 60
#: Minutes between two questions for an opening; whether it is open is asked every minute.
ASK_EVERY = 20
CADENCES = {
    "daily at 02:30": ("02:30",),
    "daily at 01:30 and 02:00": ("01:30", "02:00"),
    "2x daily": ("00:00", "12:00"),
    "30 2 * * *": ("02:30",),
}
#: Moments at which counters of other programs end, and days that are odd.
FAR = (
    datetime(1970, 1, 3, tzinfo=UTC),
    datetime(2038, 1, 19, 3, 14, 7, tzinfo=UTC),
    datetime(2106, 2, 7, 6, 28, 15, tzinfo=UTC),
    datetime(2100, 2, 28, 23, 59, tzinfo=UTC),
    datetime(2400, 2, 29, 12, tzinfo=UTC),
)
FAR_ZONES = ("UTC", "America/Chicago", "Europe/Berlin", "Asia/Kolkata", "Australia/Lord_Howe", "Pacific/Kiritimati", "America/St_Johns")


@dataclass(frozen=True, slots=True, kw_only=True)
class Reckoning:
    """How an implementation decides: (open, when it opens), whether so many minutes fit, and whether a duty is due."""

    opens: Callable[[datetime, Window], tuple[bool, datetime | None]]
    fits: Callable[[datetime, Window, int], bool]
    due: Callable[[Cadence, datetime | None, datetime], bool]
    #: Whether a task that may not start before the first moment may start at the second.
    reached: Callable[[datetime, datetime], bool]


@lru_cache
def _asked(window: Window, minutes: int | None) -> Situation:
    """Return a task of medium priority, with an estimate of so many minutes, where this window is off_hours."""
    estimate = None if minutes is None else Estimate(min_minutes=minutes, max_minutes=minutes)
    task = a_task(priority=Priority.MEDIUM, estimate=estimate)
    return a_situation(task, snapshot=a_snapshot(task, settings=Settings(off_hours=window)))


def _opens(now: datetime, window: Window) -> tuple[bool, datetime | None]:
    found = timing.priority(replace(_asked(window, None), moment=Moment(now=now)))
    return found.verdict is Verdict.GO, found.until


def _fits(now: datetime, window: Window, minutes: int) -> bool:
    return timing.window(replace(_asked(window, minutes), moment=Moment(now=now))).verdict is Verdict.GO


def _reached(not_before: datetime, now: datetime) -> bool:
    situation = a_situation(a_task(not_before=not_before), moment=Moment(now=now))
    return timing.window(situation).verdict is Verdict.GO


#: The product's own gates and duties.
PRODUCT = Reckoning(opens=_opens, fits=_fits, due=due, reached=_reached)


def _naive_opens(now: datetime, window: Window) -> tuple[bool, datetime | None]:
    start = now.replace(hour=window.start.hour, minute=window.start.minute, second=0, microsecond=0)
    inside = _inside(now.hour * 60 + now.minute, window)
    return inside, None if inside else start if start >= now else start + DAY


def _naive_fits(now: datetime, window: Window, minutes: int) -> bool:
    if not _inside(now.hour * 60 + now.minute, window):
        return True
    end = now.replace(hour=window.end.hour, minute=window.end.minute, second=0, microsecond=0)
    left = (end if end > now else end + DAY) - now
    return left >= timedelta(minutes=min(minutes, _length(window) - 60))


def _naive_due(cadence: Cadence, last: datetime | None, now: datetime) -> bool:
    times = len(cadence.times) if isinstance(cadence, AtTimes) else 1
    return last is None or now.astimezone(UTC) - last.astimezone(UTC) >= DAY / times


#: What most programs do: Python's own arithmetic on local times, and a day of 24 hours since the last run.
NAIVE = Reckoning(opens=_naive_opens, fits=_naive_fits, due=_naive_due, reached=lambda not_before, now: not_before <= now)


def _inside(minute: int, window: Window) -> bool:
    start, end = (t.hour * 60 + t.minute for t in (window.start, window.end))
    return (minute - start) % 1440 < (end - start) % 1440


def _length(window: Window) -> int:
    start, end = (t.hour * 60 + t.minute for t in (window.start, window.end))
    return (end - start) % 1440


def changes(year: int) -> Iterator[tuple[str, datetime]]:
    """Yield every change of the clocks of a year in every zone, as (zone, the first minute after it in UTC)."""
    for name in sorted(zoneinfo.available_timezones()):
        zone = ZoneInfo(name)
        day = datetime(year, 1, 1, tzinfo=UTC)
        while day.year == year:
            if day.astimezone(zone).utcoffset() != (day + DAY).astimezone(zone).utcoffset():
                low, high = 0, 24 * 60
                while high - low > 1:
                    middle = (low + high) // 2
                    same = (day + middle * MINUTE).astimezone(zone).utcoffset() == day.astimezone(zone).utcoffset()
                    low, high = (middle, high) if same else (low, middle)
                yield name, day + high * MINUTE
            day += DAY


class Night:
    """The minutes round a moment in a zone, as the clock on the wall shows them."""

    def __init__(self, name: str, moment: datetime) -> None:
        first = moment.replace(second=0, microsecond=0) - ROUND * MINUTE
        zone = ZoneInfo(name)
        self.name = name
        self.moments = [(first + n * MINUTE).astimezone(zone) for n in range(2 * ROUND + BEYOND)]
        self.utc = [first + n * MINUTE for n in range(2 * ROUND + BEYOND)]
        self.wall = [m.hour * 60 + m.minute for m in self.moments]

    def wrong(self, window: Window, how: Reckoning, *, every: int = ASK_EVERY) -> str | None:
        """Return the first decision on a window that the walk does not bear out, or None; 0 asks round its openings and closings alone."""
        inside = [_inside(minute, window) for minute in self.wall]
        edges = {n + d for n in range(1, len(inside)) if inside[n] != inside[n - 1] for d in (-1, 0)}
        changed = self._next(inside)
        for n in range(2 * ROUND):
            if n not in edges and (not every or n % every):
                continue
            now, until = self.moments[n], changed[n]
            found, opens = how.opens(now, window)
            if found != inside[n]:
                return f"{self.name} {now.isoformat()}: said to be {'open' if found else 'closed'}"
            if not found and until is not None and (opens is None or opens.astimezone(UTC) != self.utc[until]):
                return f"{self.name} {now.isoformat()}: said to open at {opens}, opens at {self.moments[until].isoformat()}"
            for minutes in (45, 420):
                fits = not inside[n] or until is None or until - n >= min(minutes, _length(window) - 60)
                if until is not None and how.fits(now, window, minutes) != fits:
                    return f"{self.name} {now.isoformat()}: {minutes} minutes are said {'not ' if fits else ''}to fit"
        return None

    @staticmethod
    def _next(inside: list[bool]) -> list[int | None]:
        """Return for each minute when being inside changes next."""
        found: list[int | None] = [None] * len(inside)
        for n in range(len(inside) - 2, -1, -1):
            found[n] = n + 1 if inside[n + 1] != inside[n] else found[n + 1]
        return found

    def early(self, how: Reckoning) -> str | None:
        """Return the first time at which a task is said to go before its Not Before, or to wait after it, round the change."""
        near = range(ROUND - 75, ROUND + 76, 15)
        for n in near:
            for k in near:
                if how.reached(self.moments[k], self.moments[n]) != (n >= k):
                    return f"{self.name} {self.moments[n].isoformat()}: not before {self.moments[k].isoformat()} is wrong"
        return None

    def slots(self, clocks: Iterable[str]) -> list[datetime]:
        """Return the first minute of each day at which the clock shows at least each of these times, in UTC."""
        wanted = sorted(time.fromisoformat(c) for c in clocks)
        seen: set[tuple[object, time]] = set()
        found: list[datetime] = []
        for n, moment in enumerate(self.moments):
            for clock in wanted:
                key = (moment.date(), clock)
                if key not in seen and self.wall[n] >= clock.hour * 60 + clock.minute:
                    seen.add(key)
                    # What had begun before the walk is no slot of it.
                    if n:
                        found.append(self.utc[n])
        return found

    def slips(self, text: str, clocks: Iterable[str], how: Reckoning) -> str | None:
        """Return the first heartbeat at which a duty is due though no slot came since its last run, or the other way round."""
        cadence = parse_cadence(text)
        assert cadence is not None
        slots = self.slots(clocks)
        last = 0
        for n in range(13, 2 * ROUND, 13):
            came = bisect_right(slots, self.utc[n]) > bisect_right(slots, self.utc[last])
            if how.due(cadence, self.moments[last], self.moments[n]) != came:
                return f"{self.name} {self.moments[n].isoformat()}: {text}, last run {self.moments[last].isoformat()}, is {'' if came else 'not '}due"
            last = n if came else last
        return None


def _windows(figures: Figures, options: Options, how: Reckoning) -> None:
    found = list(changes(YEAR))
    chosen = found if options.full else random.Random(options.seed).sample(found, 4)
    wrong = slipped = early = astray = confused = 0
    walks: set[tuple[int, ...]] = set()
    for number, (name, moment) in enumerate(chosen):
        if number % 20 == 0:
            options.say(f"{number} of {len(chosen)} changes")
        night = Night(name, moment)
        # Zones that share a history, links above all, are asked all night long once, and each of them round its openings and closings.
        every = 0 if tuple(night.wall) in walks else ASK_EVERY
        walks.add(tuple(night.wall))
        faults = [fault for window in WINDOWS if (fault := night.wrong(window, how, every=every)) is not None]
        missed = [fault for text, clocks in CADENCES.items() if (fault := night.slips(text, clocks, how)) is not None]
        soon = night.early(how)
        rare = every * 3
        local = moment.astimezone(ZoneInfo(name))
        lost = [_weeks.wrong_window(night.moments, span, 2 * ROUND, rare) for span in _weeks.spans_at(local)]
        strays = [f"{name} {fault}" for fault in lost if fault is not None]
        context = _weeks.wrong_context(night.moments, 2 * ROUND, rare)
        wrong, slipped, early = wrong + len(faults), slipped + len(missed), early + (soon is not None)
        astray, confused = astray + len(strays), confused + (context is not None)
        figures.faults += [*faults, *missed, *strays, *(f for f in (soon, context and f"{name} {context}") if f is not None)]
    figures.count(f"zones, changes of the clocks in {YEAR}", len(zoneinfo.available_timezones()))
    figures.count(f"changes of the clocks in {YEAR} in all zones", len(found), least=300)
    figures.count("changes x windows asked", len(chosen) * len(WINDOWS), least=len(chosen) * len(WINDOWS))
    figures.count("of them wrong", wrong, most=0)
    figures.count("different nights, asked every 20 minutes too", len(walks))
    figures.count("changes x windows with days asked", len(chosen) * len(_weeks.HOURS), least=len(chosen) * len(_weeks.HOURS))
    figures.count("of them wrong, with days", astray, most=0)
    figures.count("changes at which a context, its beginning or its end is wrong", confused, most=0)
    figures.count("changes x cadences walked through", len(chosen) * len(CADENCES), least=len(chosen) * len(CADENCES))
    figures.count("of them with a slot missed or run twice", slipped, most=0)
    figures.count("changes at which Not Before is wrong", early, most=0)


def _far(figures: Figures, options: Options, how: Reckoning) -> None:
    asked = wrong = 0
    for number, moment in enumerate(FAR):
        for name in FAR_ZONES if options.full else FAR_ZONES[number + 1 : number + 2]:
            night = Night(name, moment)
            found = [night.wrong(window, how) for window in WINDOWS] + [night.slips(text, clocks, how) for text, clocks in CADENCES.items()]
            asked, wrong = asked + len(found), wrong + sum(fault is not None for fault in found)
            figures.faults += [fault for fault in found if fault is not None]
    figures.count("windows and cadences round 1970, 2038, 2100, 2106 and 2400", asked, least=asked)
    figures.count("of them wrong", wrong, most=0)


#: Cadences by the calendar, each with what it says of a day.
CALENDAR: dict[str, Callable[[datetime], bool]] = {
    "0 9 29 2 *": lambda d: (d.month, d.day) == (2, 29),
    "0 9 31 * *": lambda d: d.day == 31,
    "0 9 1 * *": lambda d: d.day == 1,
    "0 9 1 3 *": lambda d: (d.month, d.day) == (3, 1),
    "daily at 09:00": lambda d: True,
    "Sundays 09:00": lambda d: d.weekday() == 6,
}


def _leap_days(figures: Figures) -> None:
    zone = ZoneInfo("Europe/Berlin")
    asked = wrong = 0
    for text, falls in CALENDAR.items():
        cadence = parse_cadence(text)
        assert cadence is not None, text
        for first, last in ((2023, 2029), (2095, 2105)):
            days = [datetime(first, 1, 1, 9, tzinfo=zone) + n * DAY for n in range((last - first) * 366)]
            wanted = [d for d in days if falls(d)]
            at = days[0] - timedelta(hours=1)
            found: list[datetime] = []
            while len(found) < len(wanted):
                at = slot_after(cadence, at)
                found.append(at)
            asked += len(wanted)
            wrong += sum(a != b for a, b in zip(wanted, found, strict=True))
            figures.faults += [f"{text}: {b} instead of {a}" for a, b in zip(wanted, found, strict=True) if a != b][:1]
    figures.count("slots by the calendar over leap years and 2100", asked, least=500)
    figures.count("of them on another day", wrong, most=0)


def _jumps(figures: Figures, options: Options, how: Reckoning) -> None:
    """Let clocks jump by an hour and a day in both directions and machines sleep; a slot runs at most once, missed ones together."""
    dice = random.Random(options.seed)
    lives = 200 if options.full else 10
    runs = twice = missed = asleep = 0
    for number in range(lives):
        name = dice.choice(FAR_ZONES)
        zone = ZoneInfo(name)
        cadence = parse_cadence("every 3 hours")
        assert cadence is not None
        true, offset = datetime(2026, 3, 1, tzinfo=UTC) + dice.random() * 200 * DAY, timedelta()
        last: datetime | None = None
        newest = -1
        for _ in range(150):
            chance = dice.random()
            span = timedelta(hours=dice.uniform(18, 40)) if chance < 0.1 else timedelta(minutes=dice.uniform(5, 60))
            true += span
            offset = dice.choice((timedelta(), timedelta(hours=1), DAY)) if 0.1 < chance < 0.25 else offset
            now = (true + offset).astimezone(zone)
            slot = int((now - datetime(1970, 1, 1, tzinfo=UTC)) // timedelta(hours=3))
            is_due = how.due(cadence, last, now)
            runs += is_due
            twice += is_due and slot <= newest
            missed += not is_due and slot > newest
            asleep += is_due and newest >= 0 and slot - newest >= 6
            if is_due:
                last, newest = now, slot
        if twice or missed:
            figures.faults.append(f"life {number} of seed {options.seed}: a slot was run twice ({twice}) or not at all ({missed})")
            break
    figures.count("runs of a duty beside clocks that jump and machines that sleep", runs, least=lives * 10)
    figures.count("of them one run for six and more missed slots", asleep, least=lives)
    figures.count("slots run twice", twice, most=0)
    figures.count("slots missed", missed, most=0)


def run(options: Options, *, how: Reckoning = PRODUCT) -> Figures:
    """Hold windows and duties against the walk; `how` is the implementation that is asked."""
    figures = Figures(proof="clocks")
    _windows(figures, options, how)
    _far(figures, options, how)
    _leap_days(figures)
    _jumps(figures, options, how)
    set_clocks(figures, options)
    return figures
