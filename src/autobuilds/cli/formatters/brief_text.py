"""The morning brief: one screen for a terminal, a few lines for a chat, JSON for programs."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import date, datetime
from typing import Any

from autobuilds.cli.formatters.columns import cells, cut, wrap
from autobuilds.cli.formatters.style import Style
from autobuilds.domain.inert import JOINER, line, shorten
from autobuilds.domain.moment import as_json
from autobuilds.domain.patterns import pattern
from autobuilds.domain.times import format_minutes
from autobuilds.domain.verdicts import is_command
from autobuilds.records import dataclass, replace
from autobuilds.runtime.brief_values import Ahead, BriefView, Failed, Shipped, Underway, Waiting
from autobuilds.runtime.view_values import NeedsYou, count

#: Lines of the screen, cells before the text, and characters of a message.
LINES, _LABEL, MESSAGE = 24, 11, 600
_DAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
_MONTHS = ("January", "February", "March", "April", "May", "June", "July", "August", "September", "October", "November", "December")
#: What a chat would take for a mention, a channel or an address.
_CALLS = pattern(r"([@#])(?=\w)|(://)")


@dataclass(frozen=True, slots=True, kw_only=True)
class _Part:
    """One part of the screen: its items, each in so many lines, the least important of which are left out first."""

    title: str
    items: tuple[tuple[str, ...], ...]
    more: str

    def lines(self, shown: int) -> int:
        """Return how many lines so many items take, with the one that says how many there are besides."""
        return sum(len(item) for item in self.items[:shown]) + (shown < len(self.items))


def screen(view: BriefView, style: Style, lines: int = LINES) -> str:
    """Return the brief in at most so many lines; what does not fit is counted, and where the rest is told stands beside it."""
    width = style.width
    head = [style.bold(row) for row in wrap(f"{_dated(view.day)}: {view.headline}", width)[:2]]
    head += [style.dim(row) for row in wrap(_span(view), width)[:2]]
    parts = [part for part in _parts(view, width - _LABEL) if part.items]
    tail = [("Queue", _queue(view.queue))]
    room = lines - len(head) - len(tail)
    rows = [row for part, shown in zip(parts, _shares(parts, room), strict=True) for row in _rows(part, shown, style)]
    rows += [style.bold(f"{title:<{_LABEL}}") + cut(text, width - _LABEL) for title, text in tail]
    return "\n".join([*head, *rows]) + "\n"


def _dated(day: date) -> str:
    return f"{_DAYS[day.weekday()]} {day.day} {_MONTHS[day.month - 1]}"


def _span(view: BriefView) -> str:
    night = f"night {', '.join(view.nights)}{_throttled(view)}, " if view.nights else "no overnight session; "
    return f"{night}told since {view.since:%Y-%m-%d %H:%M}" + (f" until {view.until:%Y-%m-%d %H:%M}" if view.past else "")


def _throttled(view: BriefView) -> str:
    return f" (throttled for {format_minutes(view.throttled_minutes)})" if view.throttled_minutes else ""


def _parts(view: BriefView, width: int) -> list[_Part]:
    def rows(items: Sequence[Any], said: Callable[[Any], tuple[str, ...]]) -> tuple[tuple[str, ...], ...]:
        return tuple(said(item) for item in items)

    rest = "; the rest: autobuilds problems list" if view.fixed < view.found else ""
    fixed = ((f"{view.fixed} of {count(view.found, 'problem')}{rest}",),) if view.found or view.fixed else ()
    context = (tuple(wrap(_turns(view), width)[:2]),) if view.context else ()
    return [
        _Part(title="Shipped", items=rows(view.shipped, lambda row: (_shipped(row, width),)), more="autobuilds brief --markdown"),
        _Part(title="Failed", items=rows(view.failed, lambda row: (_failed(row, width),)), more="autobuilds brief --markdown"),
        _Part(title="Building", items=rows(view.building, lambda row: (_underway(row, view),)), more="autobuilds status"),
        _Part(title="Needs you", items=rows(view.needs_you, lambda row: _need(row, width)), more="autobuilds status"),
        _Part(title="Fixed", items=fixed, more=""),
        _Part(title="Today", items=rows(view.today, lambda row: (_ahead(row),)), more="autobuilds schedule"),
        _Part(title="You", items=context, more=""),
    ]


def _shares(parts: Sequence[_Part], room: int) -> list[int]:
    """Return how many items of each part are shown: one of each, then what needs the owner, then the others in turn."""
    shown = [0] * len(parts)
    order = sorted(range(len(parts)), key=lambda n: parts[n].title != "Needs you")

    def fits(at: int) -> bool:
        if shown[at] == len(parts[at].items):
            return False
        after = [shown[n] + (n == at) for n in range(len(parts))]
        return sum(part.lines(number) for part, number in zip(parts, after, strict=True)) <= room

    for limit in (1, 3, 10_000):
        for _ in range(min(limit, room)):
            for at in order:
                if shown[at] < limit and fits(at):
                    shown[at] += 1
    return shown


def _rows(part: _Part, shown: int, style: Style) -> list[str]:
    rows = [row for item in part.items[:shown] for row in item]
    left = len(part.items) - shown
    if left:
        rows.append(f"and {left} more: {part.more}")
    titles = [part.title, *[""] * (len(rows) - 1)]
    return [style.bold(f"{title:<{_LABEL}}") + _row(row, style) for title, row in zip(titles, rows, strict=True)]


def _row(row: str, style: Style) -> str:
    """Return a line of the screen; one with a command is never cut, so that it can be copied."""
    return style.good(line(row)) if row.startswith("> ") else cut(row, style.width - _LABEL)


def _shipped(row: Shipped, width: int) -> str:
    where = "in review" if row.command else row.then
    said = ", ".join(part for part in (row.proof.removesuffix(" passed"), row.size, where) if part)
    return f"{cut(row.label, max(width - cells(said) - 2, 16))}: {said}"


def _failed(row: Failed, width: int) -> str:
    tries = f" ({row.attempts} attempts)" if row.attempts > 1 else ""
    then = f"; {row.then}"
    return cut(f"{row.label}{tries}: {row.reason}", max(width - cells(then), 20)) + then


def _underway(row: Underway, view: BriefView) -> str:
    percent = "percent unknown" if row.percent is None else f"{row.percent} %"
    ready = f", {'was expected' if row.late else 'ready'} about {_clock(row.ready, view.until)}" if row.ready else ""
    return f"{row.label}: {percent}{ready}{', no sign of life' if row.stalled else ''}"


def _need(row: NeedsYou, width: int) -> tuple[str, ...]:
    said, way = f"{row.label}: {row.reason}" if row.label else row.reason, line(row.command)
    if not is_command(way):
        return (cut(said, width), cut(f"you: {way}", width))
    return (cut(said, width), f"> {way}") if cells(said) + cells(way) + 4 > width else (f"{line(said)} > {way}",)


def _ahead(row: Ahead) -> str:
    start = "next heartbeat" if row.soon else f"{row.start:%H:%M}"
    return f"{start} {row.label}" + ("" if row.guessed else f", ready about {row.end:%H:%M}")


def _turns(view: BriefView) -> str:
    return ", ".join([f"{view.context} now", *(f"{turn.context} from {turn.at:%H:%M}" for turn in view.turns)])


def _clock(when: datetime, now: datetime) -> str:
    return f"{when:%H:%M}" if when.date() == now.date() else f"{when:%a %H:%M}"


def _queue(queue: Waiting) -> str:
    return f"{queue.ready} can start, {queue.held} wait, {queue.asking} ask you; {queue.building} running, {queue.review} in review"


def message(view: BriefView, limit: int = MESSAGE) -> str:
    """Return the brief in at most so many characters of plain text, for a chat; what does not fit is counted."""
    shapes = ((3, 48), (3, 32), (2, 32), (1, 32), (1, 20), (0, 0))
    texts = (_message(view, most, width) for most, width in shapes)
    return next((text for text in texts if len(text) <= limit), shorten(f"Brief {view.day.isoformat()}: {line(view.headline)}", limit))


def _message(view: BriefView, most: int, width: int) -> str:
    ways: dict[str, str] = {}
    for need in view.needs_you:
        ways.setdefault(need.command, f"{_plain(need.label or need.reason, width)} ({line(need.command)})")
    rows = [
        ("Shipped", [f"{_plain(row.name, width)} ({row.proof.removesuffix(' passed')})" for row in view.shipped]),
        ("Failed", [f"{_plain(row.name, width)}, {row.then}" for row in view.failed]),
        ("Building", [f"{_plain(row.name, width)} {'?' if row.percent is None else row.percent} %" for row in view.building]),
        ("Needs you", list(ways.values())),
        ("Fixed", [count(view.fixed, "problem")] if view.fixed else []),
        ("Today", [f"{'soon' if row.soon else format(row.start, '%H:%M')} {_plain(row.name, width)}" for row in view.today]),
    ]
    lines = [f"Brief {view.day.isoformat()}: {line(view.headline)}"]
    lines += [f"{title}: {_some(items, most)}" for title, items in rows if items]
    return "\n".join([*lines, f"Queue: {_queue(view.queue)}"])


def _some(items: Sequence[str], most: int) -> str:
    left = len(items) - most
    if not most:
        return str(len(items))
    return "; ".join(items[:most]) + (f"; {left} more" if left > 0 else "")


def _plain(text: str, width: int) -> str:
    """Return a name for a chat: short, without signs that it would take for markup, a mention or an address."""
    return _CALLS.sub(lambda found: f"{found[0]}{JOINER}", cut(text.replace("`", "'"), width))


def brief_json(view: BriefView) -> dict[str, Any]:
    """Return `brief --json`."""
    values: dict[str, Any] = as_json(replace(view, shipped=()))
    shipped = [{**as_json(row), "proof": row.proof} for row in view.shipped]
    return {"schema": 1, "kind": "brief", **values, "day": view.day.isoformat(), "shipped": shipped}
