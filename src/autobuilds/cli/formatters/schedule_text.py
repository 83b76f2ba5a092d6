"""`schedule`: a block a day, its hours from left to right, a row for the context and one for each slot; below it a line a build."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import UTC, date, datetime, time, timedelta

from autobuilds.cli.formatters.columns import cells, cut, pad, wrap
from autobuilds.cli.formatters.style import Style
from autobuilds.domain.lengths import Basis
from autobuilds.domain.times import at_clock, elapsed, format_minutes, local_day, reached
from autobuilds.planning.timeline import Forecast, Slot, Span
from autobuilds.records import dataclass
from autobuilds.runtime.view_values import count

_LETTERS = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
_DAYS = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
_MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
#: Cells before the first hour.
_LEAD = 12
#: Cells of time, the finest that fits is taken; on a terminal narrower than the coarsest there are no rows, only lines.
_GRAINS = (timedelta(minutes=30), timedelta(hours=1), timedelta(hours=2))
_DAY = timedelta(days=1)
#: So many free slots are drawn besides those that are taken.
_FREE_ROWS = 3


def schedule(found: Forecast, style: Style) -> str:
    """Return what runs when, in the order of time."""
    days = list(_days(found))
    lines = [style.bold(line) for line in wrap(_headline(found), style.width)]
    quiet: list[_Day] = []
    drawn = False
    for day in days:
        if not day.slots:
            quiet.append(day)
            continue
        lines += ["", *_nothing(quiet, style)] if quiet else []
        quiet = []
        rows = day.rows(style)
        drawn = drawn or bool(rows)
        lines += ["", *rows, *day.list(style)]
    lines += ["", *_nothing(quiet, style)] if quiet and found.slots else []
    if drawn:
        lines += ["", *(style.dim(line) for line in wrap("Letters are builds; a dot is a free slot, + several short builds.", style.width))]
    if not found.complete:
        lines += ["", *wrap("There is more to come in this time than was looked at; ask for fewer days.", style.width)]
    return "\n".join(lines) + "\n"


def moment(when: datetime) -> str:
    """Return `Tue 24 Nov 22:00`."""
    return f"{_name(local_day(when))} {when:%H:%M}"


def _headline(found: Forecast) -> str:
    fresh, running = sum(not s.running for s in found.slots), sum(s.running for s in found.slots)
    parts = [count(fresh, "build") + (" starts" if fresh == 1 else " start")] if fresh else ["nothing starts"]
    parts += [f"{count(running, 'build')} {'runs' if running == 1 else 'run'} already"] if running else []
    left = len(found.not_reached)
    parts += [f"{count(left, 'task')} {'is' if left == 1 else 'are'} not reached"] if left else []
    return f"{moment(found.start)} to {moment(found.end)}: {', '.join(parts)}."


def _name(day: date) -> str:
    return f"{_DAYS[day.weekday()]} {day.day:02d} {_MONTHS[day.month - 1]}"


def _nothing(days: Sequence[_Day], style: Style) -> list[str]:
    first, last = days[0].day, days[-1].day
    return wrap(f"{_name(first)}: nothing runs" if first == last else f"{_name(first)} to {_name(last)}: nothing runs", style.width)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Day:
    """A local day of a forecast, as far as the forecast covers it: its builds and its spans."""

    day: date
    start: datetime
    end: datetime
    found: Forecast
    slots: tuple[Slot, ...]

    def rows(self, style: Style) -> list[str]:
        """Return hours, contexts and slots; nothing where the terminal is too narrow for them."""
        lengths = ((grain, -(-elapsed(self.start, self.end) // grain)) for grain in _GRAINS)
        fitting = next(((grain, number) for grain, number in lengths if _LEAD + number <= style.width), None)
        if fitting is None:
            return [style.bold(_name(self.day))]
        grain, number = fitting
        parts = [(self._at(n * grain), self._at((n + 1) * grain)) for n in range(number)]
        lines = [style.bold(pad(_name(self.day), _LEAD)) + style.dim(_axis([start for start, _ in parts], 3 if grain <= _GRAINS[1] else 6))]
        lines.append(pad("", _LEAD) + _contexts(self.found.spans, parts, self.found.start, self.found.end))
        most = max((s.slots for s in self.found.spans if _meet(s.start, s.end, self.start, self.end)), default=1)
        used = max(s.slot for s in self.slots)
        lines += [pad(f"  slot {n}", _LEAD) + self._row(n, parts) for n in range(1, max(used, min(most, _FREE_ROWS)) + 1)]
        return [line.rstrip() for line in lines]

    def _at(self, offset: timedelta) -> datetime:
        return min((self.start.astimezone(UTC) + offset), self.end.astimezone(UTC)).astimezone(self.start.tzinfo)

    def _row(self, number: int, parts: Sequence[tuple[datetime, datetime]]) -> str:
        mine = [(letter, s) for letter, s in zip(self._letters(), self.slots, strict=True) if s.slot == number]
        return "".join(self._cell(number, mine, start, end) for start, end in parts)

    def _cell(self, number: int, mine: Sequence[tuple[str, Slot]], start: datetime, end: datetime) -> str:
        here = [(letter, s) for letter, s in mine if _meet(s.start, s.end, start, end)]
        if len(here) > 1 and any(reached(start, s.start) and reached(s.end, end) for _, s in here):
            return "+"
        if here:
            return max(
                here, key=lambda pair: min(pair[1].end.timestamp(), end.timestamp()) - max(pair[1].start.timestamp(), start.timestamp())
            )[0]
        free = any(s.slots >= number and _meet(s.start, s.end, start, end) for s in self.found.spans)
        return "." if free else " "

    def _letters(self) -> list[str]:
        return [_LETTERS[n] if n < len(_LETTERS) else "*" for n in range(len(self.slots))]

    def list(self, style: Style) -> list[str]:
        """Return a line for each build: when, which, how long and by what that is expected."""
        spans = [self._span(s) for s in self.slots]
        widest = max(map(cells, spans))
        label = min(max(cells(s.label) for s in self.slots), max(style.width // 3, 12))
        lines: list[str] = []
        for letter, slot, span in zip(self._letters(), self.slots, spans, strict=True):
            words = "goes on" if self._goes_on(slot) else _words(slot)
            lead = f"  {letter} {pad(span, widest)}  {pad(slot.label, label)}  "
            if cells(lead) <= style.width - 16:
                lines += wrap(words, style.width, first=lead)
            else:
                lines += [
                    *wrap(f"{letter} {span}", style.width, first="  "),
                    f"    {cut(slot.label, style.width - 4)}",
                    *wrap(words, style.width, first="    "),
                ]
        return lines

    def _goes_on(self, slot: Slot) -> bool:
        """Whether a build was told of on a day before."""
        return local_day(slot.start) < self.day and reached(self.found.start, self.start)

    def _span(self, slot: Slot) -> str:
        begin = f"{slot.start:%H:%M}" if local_day(slot.start) == self.day else f"{_DAYS[slot.start.weekday()]} {slot.start:%H:%M}"
        end = f"{slot.end:%H:%M}" if local_day(slot.end) == self.day else f"{_DAYS[slot.end.weekday()]} {slot.end:%H:%M}"
        return f"{begin}-{end}"


def _words(slot: Slot) -> str:
    """Return the length of a build, where that comes from, and its window."""
    length = format_minutes(int(elapsed(slot.start, slot.end).total_seconds() // 60))
    said = {Basis.ESTIMATE: f"{length} (its estimate)", Basis.LEARNED: f"{length} ({slot.why})", Basis.GUESS: f"{length} (no estimate)"}[
        slot.basis
    ]
    parts = [f"{length} (longer than expected already)" if slot.overdue else said]
    parts += [f"its timeout stops it after {format_minutes(int(slot.stopped_after.total_seconds() // 60))}"] if slot.stopped_after else []
    parts += ["runs now"] if slot.running else []
    parts += [slot.window] if slot.window is not None else []
    return ", ".join(parts)


def _days(found: Forecast) -> Iterator[_Day]:
    """Yield the local days that the forecast touches, each whole."""
    zone = found.start.tzinfo
    assert zone is not None, "a moment is always aware"
    day = local_day(found.start)
    while True:
        start, end = at_clock(day, time(), zone), at_clock(day + _DAY, time(), zone)
        if reached(found.end, start):
            return
        mine = tuple(s for s in found.slots if _meet(s.start, s.end, start, end) and (not reached(s.end, found.start)))
        yield _Day(day=day, start=start, end=end, found=found, slots=mine)
        day += _DAY


def _meet(start: datetime, end: datetime, low: datetime, high: datetime) -> bool:
    """Whether two half-open spans share a moment."""
    return not reached(end, low) and not reached(high, start)


def _axis(starts: Sequence[datetime], every: int) -> str:
    """Return the hours above their cells."""
    line = ""
    for number, start in enumerate(starts):
        if start.minute == 0 and start.hour % every == 0 and len(line) <= number:
            line += " " * (number - len(line)) + f"{start:%H}"
    return line


def _contexts(spans: Sequence[Span], parts: Sequence[tuple[datetime, datetime]], low: datetime, high: datetime) -> str:
    """Return the contexts as words in the cells of their time, a bar where one begins."""
    words = [_context(spans, start, end, low, high) for start, end in parts]
    line, at = "", 0
    while at < len(words):
        until = next((n for n in range(at, len(words)) if words[n] != words[at]), len(words))
        wide = until - at
        named = words[at] if at == 0 or not (words[at - 1] and words[at]) else f"|{words[at]}"
        line += named[:wide].ljust(wide)
        at = until
    return line


def _context(spans: Sequence[Span], start: datetime, end: datetime, low: datetime, high: datetime) -> str:
    if not _meet(low, high, start, end):
        return ""
    span = next((s for s in reversed(spans) if reached(s.start, start)), spans[0])
    return f"{span.context.value} night" if span.night else span.context.value
