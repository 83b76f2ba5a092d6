"""Times as people write them: moments, estimates and durations, and back to text."""

from __future__ import annotations

import re
from datetime import UTC, date, datetime, time, timedelta, timezone, tzinfo

from autobuilds.domain.model import Estimate
from autobuilds.domain.patterns import pattern
from autobuilds.domain.settings import Window

#: Hours of work in a day, for estimates only (chapter 2).
WORK_HOURS = 8

_WHEN = pattern(
    r"(\d{4})-(\d\d)-(\d\d)(?:[Tt ](\d\d):(\d\d)(?::(\d\d)(?:\.(\d{1,12}))?)?\s?([Zz]|[+-]\d\d(?::?\d\d)?)?)?",
    re.ASCII,
)
_NUMBER = r"\d{1,6}(?:\.\d{1,4})?"
_PART = pattern(rf"({_NUMBER}) ?([a-z]+)", re.ASCII)
_PARTS = pattern(rf"{_NUMBER} ?[a-z]+(?:(?: and |, ?| )?{_NUMBER} ?[a-z]+)*", re.ASCII)
_RANGE = pattern(r" ?[-–—] ?| to ", re.ASCII)
_ABOUT = pattern(r"(?:~|≈|about\b|approximately\b|approx\.?) ?", re.ASCII)
_HALF_DAY = pattern(r"(?:a )?half (?:a )?day", re.ASCII)

_SPELLINGS = {
    "s": ("s", "sec", "secs", "second", "seconds"),
    "m": ("m", "min", "mins", "minute", "minutes"),
    "h": ("h", "hr", "hrs", "hour", "hours"),
    "d": ("d", "day", "days"),
    "w": ("w", "week", "weeks"),
}
_UNITS = {word: unit for unit, words in _SPELLINGS.items() for word in words}
#: Minutes of work; a week is not among them, as nobody says of how many days it is.
_WORK = {"m": 1, "h": 60, "d": 60 * WORK_HOURS}
#: Seconds of clock time.
_CLOCK = {"s": 1, "m": 60, "h": 3600, "d": 86400, "w": 7 * 86400}
#: Ten years of work: what is longer is no estimate.
#: Amounts are counted in so many parts of a unit: a figure has at most four decimals.
_SCALE = 10_000
_MOST_MINUTES = 10 * 365 * 24 * 60


def parse_when(text: str, zone: tzinfo) -> datetime | None:
    """Return the moment that a text names, aware and in `zone`, or None if it names none.

    Reads `YYYY-MM-DD` (midnight), `YYYY-MM-DD HH:MM` and RFC 3339, with or without seconds, fraction and offset; a time
    without an offset is the zone's. A local time that the clocks skip is moved forward, one that comes twice is the first.
    """
    match = _WHEN.fullmatch(text.strip())
    if match is None:
        return None
    year, month, day, hour, minute, second = (int(part or 0) for part in match.groups()[:6])
    micro = int((match[7] or "0").ljust(6, "0")[:6])
    try:
        offset = _offset(match[8]) if match[8] else zone
        moment = datetime(year, month, day, hour, minute, second, micro, tzinfo=offset)
        return moment.astimezone(UTC).astimezone(zone)
    except (ValueError, OverflowError):
        return None


def _offset(text: str) -> tzinfo:
    """Return the zone of `Z`, `+05:30`, `+0530` or `+05`; raises ValueError for an impossible one."""
    if text in {"Z", "z"}:
        return UTC
    hours, minutes = int(text[1:3]), int(text[-2:] if len(text) > 3 else 0)
    if minutes > 59:
        raise ValueError(text)
    span = timedelta(hours=hours, minutes=minutes)
    return timezone(-span if text[0] == "-" else span)


def _folded(text: str) -> str:
    return " ".join(text.split()).lower()


def _amount(text: str, units: dict[str, int]) -> int | None:
    """Return the sum of `1h30m` or `1 hour and 30 minutes` in ten-thousandths of the table's unit; None if it can't be read or repeats a unit."""
    if _PARTS.fullmatch(text) is None:
        return None
    total, seen = 0, set[str]()
    for number, word in _PART.findall(text):
        unit = _UNITS.get(word, "")
        if unit not in units or unit in seen:
            return None
        seen.add(unit)
        whole, _, part = number.partition(".")
        total += int(f"{whole}{part:0<4}") * units[unit]
    return total


def _work(text: str) -> int | None:
    return _WORK["d"] * _SCALE // 2 if _HALF_DAY.fullmatch(text) else _amount(text, _WORK)


def parse_estimate(text: str) -> Estimate | None:
    """Return the working time that a text names, as a range in minutes, or None for *unknown*.

    Reads `4 hours`, `4h`, `90 min`, `1.5 h`, `1h30m`, `4-6 hours`, `30 min to 2 h`, `2 days` (of 8 h) and `half a day`
    (4 h), with `~` or `about` before it.
    """
    folded = _folded(text)
    about = _ABOUT.match(folded)
    if about:
        folded = folded[about.end() :]
    ends = _RANGE.split(folded)
    if len(ends) > 2:
        return None
    high = _work(ends[-1])
    low = high
    if len(ends) == 2:
        last = _PART.fullmatch(ends[1])
        bare = re.fullmatch(_NUMBER, ends[0], re.ASCII)
        low = _work(f"{ends[0]} {last[2]}" if bare and last else ends[0])
    if low is None or high is None or not 0 < low <= high <= _MOST_MINUTES * _SCALE:
        return None
    return Estimate(min_minutes=max(1, round(low / _SCALE)), max_minutes=max(1, round(high / _SCALE)))


def parse_duration(text: str) -> timedelta | None:
    """Return the clock time that a configuration value names (`30m`, `4h`, `90 min`, `1h30m`, `1d` of 24 h, `45s`), or None."""
    amount = _amount(_folded(text), _CLOCK)
    return None if amount is None else timedelta(microseconds=amount * (1_000_000 // _SCALE))


def parse_clock(text: str) -> time | None:
    """Return the time of day that `22:00` or `9:30` names, or None; `24:00` is none."""
    match = re.fullmatch(r"(\d{1,2}):(\d\d)", text.strip(), re.ASCII)
    if match is None or int(match[1]) > 23 or int(match[2]) > 59:
        return None
    return time(int(match[1]), int(match[2]))


def parse_window(text: str) -> Window | None:
    """Return the window that `22:00-06:00` names (a dash of any kind or `to` between, `24:00` allowed as its end), or None."""
    ends = _RANGE.split(_folded(text))
    if len(ends) != 2:
        return None
    start, end = parse_clock(ends[0]), parse_clock("00:00" if ends[1] == "24:00" else ends[1])
    return None if start is None or end is None else Window(start=start, end=end)


def format_when(moment: datetime) -> str:
    """Return a moment as people write it in the files: `YYYY-MM-DD HH:MM`, in the moment's own zone."""
    return f"{moment:%Y}".zfill(4) + f"{moment:-%m-%d %H:%M}"


def format_minutes(minutes: int) -> str:
    """Return minutes as `45 min`, `4 h` or `1 h 30 min`."""
    hours, rest = divmod(max(0, minutes), 60)
    if not hours:
        return f"{rest} min"
    return f"{hours} h {rest} min" if rest else f"{hours} h"


def format_estimate(estimate: Estimate | None) -> str:
    """Return an estimate as `4 h` or `4 h to 6 h`, or `unknown`."""
    if estimate is None:
        return "unknown"
    low, high = format_minutes(estimate.min_minutes), format_minutes(estimate.max_minutes)
    return low if low == high else f"{low} to {high}"


def format_duration(span: timedelta) -> str:
    """Return a duration in the notation of the configuration, `1h30m`; `parse_duration` reads it back to the second."""
    rest, parts = max(0, int(span.total_seconds())), []
    for unit in "dhms":
        count, rest = divmod(rest, _CLOCK[unit])
        if count:
            parts.append(f"{count}{unit}")
    return "".join(parts) or "0s"


def format_window(window: Window) -> str:
    """Return a window in the notation of the configuration, `22:00-06:00`."""
    return f"{window.start:%H:%M}-{window.end:%H:%M}"


def local_day(now: datetime) -> date:
    """Return the calendar day of a moment in its own zone; figures "per day" are counted by it."""
    return now.date()


def after(moment: datetime, span: timedelta) -> datetime:
    """Return the moment `span` of real time later, in the same zone (Python's own `+` moves the clock on the wall)."""
    return (moment.astimezone(UTC) + span).astimezone(moment.tzinfo)


def is_when(moment: datetime) -> bool:
    """Whether a time of a record can be reckoned with: it has an offset, and does not lie at the very ends of what dates there are."""
    return moment.tzinfo is not None and 1 < moment.year < 9999


def elapsed(start: datetime, end: datetime) -> timedelta:
    """Return the real time from `start` to `end` (Python's own `-` is wrong over a change of the clocks)."""
    return end.astimezone(UTC) - start.astimezone(UTC)


def reached(moment: datetime, now: datetime) -> bool:
    """Whether `now` is at or past a moment (Python's own comparison is wrong in the hour that comes twice)."""
    return now.astimezone(UTC) >= moment.astimezone(UTC)


def at_clock(day: date, clock: time, zone: tzinfo) -> datetime:
    """Return the first moment of `day` at which the clocks of `zone` show at least `clock`, aware and in the zone.

    A time that the clocks skip becomes the moment of the change, one that comes twice the first of the two.
    """
    early, late = (datetime.combine(day, clock, tzinfo=zone).replace(fold=fold).astimezone(UTC) for fold in (0, 1))
    if early.astimezone(zone).replace(tzinfo=None) == datetime.combine(day, clock):
        return early.astimezone(zone)
    changed = offset_changes(late, early, zone)
    return (changed[0] if changed else early).astimezone(zone)


def offset_changes(start: datetime, end: datetime, zone: tzinfo) -> list[datetime]:
    """Return the moments in (start, end] at which the zone's offset changes, in UTC, to the second, at most one a day."""
    found: list[datetime] = []
    low, last = start.astimezone(UTC), end.astimezone(UTC)
    while low < last:
        high = min(low + timedelta(days=1), last)
        if low.astimezone(zone).utcoffset() != high.astimezone(zone).utcoffset():
            found.append(_bisect(low, high, zone))
        low = high
    return found


def _bisect(low: datetime, high: datetime, zone: tzinfo) -> datetime:
    before = low.astimezone(zone).utcoffset()
    while high - low > timedelta(microseconds=1):
        middle = low + (high - low) / 2
        if middle.astimezone(zone).utcoffset() == before:
            low = middle
        else:
            high = middle
    return high


#: How far a window's next opening or closing is looked for; a change of the clocks can swallow one day's opening.
_HORIZON = timedelta(days=4)
#: The end of a window that never closes.
_FOREVER = timedelta(days=100 * 366)


def in_window(now: datetime, window: Window) -> bool:
    """Whether the local wall clock of `now` stands in the window (its end is outside; start == end is the whole day)."""
    clock = now.time()
    if window.start <= window.end:
        return window.start <= clock < window.end or window.start == window.end
    return clock >= window.start or clock < window.end


def window_opens(now: datetime, window: Window) -> datetime:
    """Return the first moment from `now` on (itself included) at which the wall clock stands in the window, in its zone."""
    return now if in_window(now, window) else _first(now, window, inside=True)


def window_closes(now: datetime, window: Window) -> datetime:
    """Return when the window that is open now, or opens next, closes, in the zone of `now`.

    What is left of it is `elapsed(now, window_closes(now, window))`: 9 hours, not 8, on an autumn night of 23:00-07:00.
    A window of the whole day never closes; the answer is a hundred years ahead.
    """
    if window.start == window.end:
        return now + _FOREVER
    return _first(window_opens(now, window), window, inside=False)


def window_length(window: Window) -> timedelta:
    """Return how long the window is on a day without a zone change; start == end is 24 hours."""
    minutes = (window.end.hour * 60 + window.end.minute) - (window.start.hour * 60 + window.start.minute)
    return timedelta(minutes=minutes % (24 * 60) or 24 * 60)


def _first(now: datetime, window: Window, *, inside: bool) -> datetime:
    """Return the first moment after `now` at which being in the window is as asked.

    It can only change where the clocks show an end of the window or are changed, so only those moments are looked at.
    """
    zone = now.tzinfo
    assert zone is not None, "a moment is always aware"
    here = now.astimezone(UTC)
    moments = set(offset_changes(here, here + _HORIZON, zone))
    for day in range(-1, _HORIZON.days + 1):
        for clock in (window.start, window.end):
            local = datetime.combine(now.date() + timedelta(days=day), clock, tzinfo=zone)
            moments.update(local.replace(fold=fold).astimezone(UTC) for fold in (0, 1))
    for moment in sorted(m for m in moments if m > here):
        found = moment.astimezone(zone)
        if in_window(found, window) is inside:
            return found
    raise AssertionError("a window opens and closes within four days in every zone")
