"""`stats`, `schedule --list` and how far the queue has come, as text."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from autobuilds.cli.formatters.columns import bar, cells, clock, cut, pad, wrap
from autobuilds.cli.formatters.style import Style
from autobuilds.domain.lengths import Lengths
from autobuilds.domain.times import format_minutes
from autobuilds.policies.autonomous_queue import QueueProgress
from autobuilds.policies.build_scheduler import Group, Spread, Stats, WindowRow
from autobuilds.runtime.view_values import count

_BAR = 20


def stats(found: Stats, lengths: Lengths, style: Style) -> str:
    """Return what became of the builds."""
    since = "" if found.since is None else f" since {found.since:%Y-%m-%d}"
    if not found.total.builds:
        return f"No build is recorded{since}.\n"
    total = found.total
    states = ", ".join(f"{number} {word}" for word, number in found.states)
    lines = [style.bold(f"{count(total.builds, 'build')}{since}, {total.hours:g} hours built"), *wrap(states, style.width, first="  ")]
    if total.percent is not None:
        rate = f"{total.passed} of {total.settled} passed ({total.percent} %), {total.first_try} at the first try"
        others = total.settled - total.passed
        rate += f"; the other{' was' if others == 1 else 's were'} handed over to you" if others else ""
        lines += wrap(rate, style.width, first="  ")
    outcomes = ", ".join(f"{number} {word}" for word, number in found.outcomes)
    lines += wrap(f"attempts: {outcomes}", style.width, first="  ", rest="    ") if outcomes else []
    facts = (
        ("length of a build that passed", total.length),
        ("waited for its start", found.wait_for_start),
        ("waited for your review", found.wait_for_review),
    )
    for what, spread in facts:
        lines += wrap(f"{what}: {_spread(spread)}", style.width, first="  ", rest="    ")
    lines += _groups("By category", found.categories, style)
    lines += _groups("By agent", found.agents, style)
    if found.weeks:
        most = max(w.finished for w in found.weeks) or 1
        lines += ["", style.bold("By week, from Monday")]
        lines += [
            f"  {w.monday:%Y-%m-%d}  {pad('#' * round(_BAR * w.finished / most), _BAR)} {w.finished:>4} finished {w.hours:>7g} h"
            for w in found.weeks
        ]
    return "\n".join([*lines, *_learned(lengths, style)]) + "\n"


def _spread(spread: Spread) -> str:
    if spread.median is None or spread.mean is None or spread.longest is None:
        return "none known"
    middle, mean, most = (format_minutes(n) for n in (spread.median, spread.mean, spread.longest))
    return f"median {middle}, mean {mean}, longest {most} (of {spread.number})"


def _groups(title: str, groups: Sequence[Group], style: Style) -> list[str]:
    name = min(max([cells(g.name) for g in groups], default=0), max(style.width - 50, 12))
    lines = ["", style.bold(title)]
    for group in groups:
        passed = "none settled" if group.percent is None else f"{group.passed} of {group.settled} passed"
        median = "" if group.length.median is None else f"median {format_minutes(group.length.median)}"
        lines.append(f"  {pad(group.name, name)}  {pad(passed, 16)}  {pad(median, 20)} {group.hours:>7g} h".rstrip())
    return lines


def _learned(lengths: Lengths, style: Style) -> list[str]:
    if not lengths.kinds:
        return ["", *wrap("Lengths are not learned yet: `schedule` goes by estimates until ten builds of a kind have passed.", style.width)]
    lines = ["", style.bold("Learned lengths, by which `schedule` goes")]
    for kind, known in lengths.kinds.items():
        parts = (
            [f"median {format_minutes(round(known.median.total_seconds() / 60))} of {count(known.builds, 'build')}"] if known.median else []
        )
        parts += [f"{known.share:.2g} of the estimate"] if known.share is not None else []
        lines += wrap(f"{kind}: {', '.join(parts)}", style.width, first="  ", rest="    ")
    return lines


def windows(rows: Sequence[WindowRow], now: datetime, style: Style) -> str:
    """Return the windows, when each is open, and the tasks that are meant for it."""
    lines: list[str] = []
    for row in rows:
        if row.name is None:
            lines += [style.bold("no window"), *_tasks(row, style)]
            continue
        meant = f"up to {format_minutes(row.most)}" if not row.least else f"{format_minutes(row.least)} to {format_minutes(row.most)}"
        lines += [f"{style.bold(row.name)}  {_opening(row, now)}; for builds of {meant}", *_tasks(row, style)]
    return "\n".join(lines) + "\n"


def _opening(row: WindowRow, now: datetime) -> str:
    if row.until is None:
        return "open" if row.is_open else "closed for weeks"
    return f"open until {clock(row.until, now)}" if row.is_open else f"opens {clock(row.until, now)}"


def _tasks(row: WindowRow, style: Style) -> list[str]:
    return wrap(", ".join(row.tasks) or "no task", style.width, first="  ")


def progress(found: QueueProgress, style: Style) -> str:
    """Return how far the queue has come."""
    if not found.tasks:
        return "The queue holds no task.\n"
    lines = [f"{bar(found.percent, _BAR)} {style.bold(f'{found.percent} %')}: {found.done} of {count(found.tasks, 'task')} done"]
    for one in found.running:
        percent = "? %" if one.percent is None else f"{one.percent} %"
        lines += [f"  building {cut(one.label, style.width // 2)}: {percent}"]
    parts = (
        (found.ready, "can start"),
        (found.waiting, "wait"),
        (found.asking, "need you first"),
        (found.review, "of those done wait for your review"),
    )
    said = ", ".join(f"{number} {what}" for number, what in parts if number)
    lines += wrap(said, style.width, first="  ") if said else []
    unsized = f", {count(found.unsized, 'task')} of them without a known length taken as an hour" if found.unsized else ""
    lines += wrap(f"{found.hours_left:g} hours of building are left{unsized}", style.width, first="  ")
    name = min(max(cells(s.name) for s in found.categories), max(style.width - 36, 12))
    lines += [f"  {pad(s.name, name)}  {s.done:>4} done {s.left:>4} left {s.hours_left:>7g} h" for s in found.categories]
    return "\n".join(lines) + "\n"
