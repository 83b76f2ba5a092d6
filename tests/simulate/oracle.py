"""The oracle of simulations: the rules of the specification in plain arithmetic, knowing nothing of the product's code.

It reads what the command answered, the queue's text and the reports, and returns what is wrong, in words. Times are compared in UTC;
the clock on the wall is asked only of zoneinfo.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from itertools import pairwise
from typing import Any
from zoneinfo import ZoneInfo

from tests.simulate.scenario import Played

#: By name: days of the week (Monday is 0) and hours of the clock; a span over midnight belongs to the day on which it begins.
WINDOWS = {
    "quick-win": ({0, 1, 2, 3, 4}, 19, 23),
    "overnight": ({0, 1, 2, 3, 4, 5, 6}, 23, 7),
    "work-hours": ({0, 1, 2, 3, 4}, 9, 17),
    "weekend": ({5, 6}, 0, 24),
}
TIMETABLE = (
    ("sleeping", {0, 1, 2, 3, 4, 5, 6}, 23, 7),
    ("working", {0, 1, 2, 3, 4}, 9, 17),
    ("available", {0, 1, 2, 3, 4}, 19, 23),
    ("weekend", {5, 6}, 0, 24),
)
#: What a word or an event moves against the clock: windows that a context opens, and that it closes.
OPENS = {
    "sleeping": {"overnight"},
    "working": {"work-hours"},
    "available": {"quick-win"},
    "away": {"overnight"},
    "weekend": {"quick-win", "weekend"},
}
CLOSES = {
    "sleeping": {"quick-win"},
    "working": {"quick-win", "overnight", "weekend"},
    "available": {"overnight"},
    "away": {"quick-win"},
    "weekend": {"work-hours"},
}
SLOTS = {"sleeping": 2, "away": 2}
NIGHT_SLOTS = 3
OFF_HOURS = (22, 6)
RETRY = timedelta(minutes=5)
#: Seconds by which records may be rounded.
ROUNDED = 1


@dataclass(frozen=True)
class Run:
    """One attempt as the runner saw it."""

    label: str
    number: int
    begun: datetime
    ended: datetime | None
    outcome: str | None


@dataclass
class Task:
    """A task as the queue's text has it in the end."""

    name: str
    priority: str
    window: str
    after: str
    category: str


@dataclass
class Oracle:
    """Judges one played simulation; `busy` are the calendar's events as (start, end, context)."""

    played: Played
    zone: ZoneInfo
    busy: tuple[tuple[datetime, datetime, str], ...] = ()
    #: Whether there was time enough for everything.
    whole: bool = True
    runs: list[Run] = field(default_factory=list)
    tasks: dict[str, Task] = field(default_factory=dict)

    def __post_init__(self) -> None:
        for run in self.played.told["runs"]:
            ended = _time(run["ended"]) if run["ended"] else None
            self.runs.append(Run(run["label"], run["number"], _time(run["begun"]), ended, run["outcome"]))
        self.tasks = _tasks(self.played.queue)

    def faults(self) -> list[str]:
        """Return everything that is wrong."""
        rules = (self.hours, self.windows, self.approvals, self.order, self.slots, self.machine, self.attempts, self.forgotten)
        reports = (self.nights, self.days, self.briefs, self.ledger)
        return [fault for rule in (*rules, *reports) for fault in rule()]

    # What the story says.

    def told(self, *kinds: str) -> Iterator[tuple[datetime, str, str]]:
        """Yield when, about what and with what words the story tells something of these kinds."""
        for line in self.played.told["story"]:
            if line["what"] in kinds:
                yield _time(line["at"]), line["label"] or "", line["text"]

    def spells(self, begins: str, ends: str) -> list[tuple[datetime, datetime]]:
        """Return the spans between two kinds of lines; one that is not over ends with the simulation."""
        found: list[tuple[datetime, datetime]] = []
        start = None
        for line in self.played.told["story"]:
            if line["what"] == begins:
                start = _time(line["at"])
            elif line["what"] == ends and start is not None:
                found.append((start, _time(line["at"])))
                start = None
        return found + ([(start, _time(self.played.told["until"]))] if start is not None else [])

    # The clock on the wall.

    def within(self, at: datetime, days: set[int], first: int, last: int) -> bool:
        """Whether the clock shows a time of the span on one of its days."""
        here = at.astimezone(self.zone)
        if first < last:
            return here.weekday() in days and first <= here.hour < last
        return (here.weekday() in days and here.hour >= first) or ((here.weekday() - 1) % 7 in days and here.hour < last)

    def context(self, at: datetime) -> tuple[str, bool]:
        """Return the owner's context and whether his word or his calendar says so."""
        for when, _, text in self.told("owner-away"):
            found = re.search(r"--for (\d+)h", text)
            if found and when <= at < when + timedelta(hours=int(found[1])):
                return "away", True
        for start, end, context in self.busy:
            if start <= at < end:
                return context, True
        return next((name for name, *span in TIMETABLE if self.within(at, *span)), "away"), False

    def open(self, window: str, at: datetime) -> bool:
        """Whether a window is open."""
        context, moved = self.context(at)
        if moved and window in OPENS[context] | CLOSES[context]:
            return window in OPENS[context]
        return self.within(at, *WINDOWS[window])

    # Rules of single starts.

    def hours(self) -> Iterator[str]:
        """No medium task without a window of its own starts outside of off-hours, unless it was made High before."""
        for run in self.runs:
            task = self.tasks.get(run.label)
            if task is None or self.priority_at(task, run) != "Medium" or task.window:
                continue
            hour = run.begun.astimezone(self.zone).hour
            if not (hour >= OFF_HOURS[0] or hour < OFF_HOURS[1]):
                yield f"{run.label} is of medium priority and began at {run.begun.astimezone(self.zone)}"

    def priority_at(self, task: Task, run: Run) -> str:
        """Return the priority with which a run began: what was raised later was not High yet."""
        raised = [when for when, label, _ in self.told("owner-raised") if label == run.label]
        if not raised:
            return task.priority
        first = next((p for name, p in _first_priorities(self.played) if name == task.name), "High")
        return "High" if raised[0] <= run.begun else first

    def windows(self) -> Iterator[str]:
        """No task that names a window starts while that is closed."""
        for run in self.runs:
            task = self.tasks.get(run.label)
            if task is not None and task.window and not self.open(task.window, run.begun):
                yield f"{run.label} names the window {task.window} and began at {run.begun.astimezone(self.zone)}"

    def approvals(self) -> Iterator[str]:
        """No task that must ask starts without a yes."""
        for run in self.runs:
            task = self.tasks.get(run.label)
            if task is None:
                continue
            priority = self.priority_at(task, run)
            asks = priority == "Low" or (priority != "High" and task.category in {"New features", "External actions", "Config changes"})
            given = [when for when, label, _ in self.told("owner-approved", "approved") if label == run.label and when <= run.begun]
            if asks and not given:
                yield f"{run.label} must ask and was started without a yes"

    def order(self) -> Iterator[str]:
        """No task starts before what it depends on is done."""
        for run in self.runs:
            task = self.tasks.get(run.label)
            below = _label(task.after) if task is not None and task.after else None
            if below is None:
                continue
            passed = any(r.label == below and r.outcome == "passed" and r.ended is not None and r.ended <= run.begun for r in self.runs)
            ticked = any(label == below and when <= run.begun for when, label, _ in self.told("completed"))
            if not (passed or ticked):
                yield f"{run.label} began before {below} was done"

    def slots(self) -> Iterator[str]:
        """Never more at once than the context, or the night, allows when one begins."""
        for run in self.runs:
            going = [r for r in self.runs if r.begun <= run.begun and (r.ended is None or r.ended > run.begun)]
            context, _ = self.context(run.begun)
            night = any(start <= run.begun < end for start, end in self.nights_on())
            most = max(NIGHT_SLOTS if night else 0, 0) or SLOTS.get(context, 1)
            if len(going) > most:
                yield f"{len(going)} at once at {run.begun.astimezone(self.zone)} ({context}, night: {night}): {[r.label for r in going]}"

    def nights_on(self) -> list[tuple[datetime, datetime]]:
        """Return from when to when each night was on."""
        return [(_time(n["started"]), _time(n["ended"] or n["ends"])) for n in self.played.nights.values()]

    def machine(self) -> Iterator[str]:
        """Nothing starts while the machine is off or its disk is full; nothing runs through a time at which it was off."""
        off, full = self.spells("off", "on"), self.spells("full", "free")
        for run in self.runs:
            yield from (f"{run.label} began while the machine was off" for start, end in off if start <= run.begun < end)
            yield from (f"{run.label} began with a full disk" for start, end in full if start <= run.begun < end)
            until = run.ended or _time(self.played.told["until"])
            yield from (f"{run.label} ran on while the machine was off" for start, _ in off if run.begun < start < until)

    def attempts(self) -> Iterator[str]:
        """No task is built twice at once, tried again too soon, too often, or after it was done without anybody asking for it."""
        for label in {r.label for r in self.runs}:
            mine = sorted((r for r in self.runs if r.label == label), key=lambda r: r.begun)
            again = [when for when, named, _ in self.told("owner-rejected", "owner-retried", "undone", "reopened") if named == label]
            failed = 0
            for one, two in pairwise(mine):
                asked = one.ended is not None and any(one.ended <= when <= two.begun for when in again)
                if one.ended is None or two.begun < one.ended:
                    yield f"{label}: attempts {one.number} and {two.number} at once"
                    continue
                failed = 0 if asked or one.outcome == "passed" else failed + (one.outcome not in {"stopped"})
                if one.outcome == "passed" and not asked:
                    yield f"{label}: built again after attempt {one.number} had passed"
                if one.outcome != "passed" and not asked and two.begun - one.ended < RETRY:
                    yield f"{label}: attempt {two.number} came {two.begun - one.ended} after {one.number} failed"
                if failed >= 3 and not self._limited(label):
                    yield f"{label}: a fourth attempt after three that failed"
            numbers = [r.number for r in mine]
            if numbers != sorted(set(numbers)):
                yield f"{label}: attempts {numbers}"

    def _limited(self, label: str) -> bool:
        """Whether a usage limit was met, which costs no try."""
        return any(named == label and "usage limit" in text for _, named, text in self.told("failed", "escalated"))

    # Nothing forgotten.

    def forgotten(self) -> Iterator[str]:
        """Every task ends done, with the owner, or waiting for a reason that is true; none that could start is left lying."""
        until = _time(self.played.told["until"])
        for found in self.played.told["tasks"]:
            task, state, why = self.tasks.get(found["label"]), found["state"], found["why"]
            if task is None:
                yield f"{found['label']} is in the answer and not in the queue"
                continue
            if state == "ready":
                yield f"{found['label']} could start and did not"
            if state in {"waiting", "asks", "retrying"} and not why:
                yield f"{found['label']} is {state} without a reason"
            if "off-hours" in why and "waits for off-hours" in why:
                hour = until.astimezone(self.zone).hour
                if hour >= OFF_HOURS[0] or hour < OFF_HOURS[1]:
                    yield f"{found['label']} waits for off-hours in off-hours"
            if "approve" in why and any(label == found["label"] for _, label, _ in self.told("owner-approved")) and "text" not in why:
                yield f"{found['label']} waits for an approval that it has"
        for name, priority, *_ in _first_tasks(self.played) if self.whole else ():
            if priority == "Low":
                continue
            label = _label(name)
            ended = next((t for t in self.played.told["tasks"] if t["label"] == label), None)
            if ended is None or (ended["state"] in {"waiting", "ready"} and not self._below_waits(label)):
                yield f"{label} was there from the beginning and never built: {ended}"

    def _below_waits(self, label: str) -> bool:
        """Whether what a task depends on is with the owner."""
        below = _label(self.tasks[label].after) if self.tasks[label].after else ""
        state = next((t["state"] for t in self.played.told["tasks"] if t["label"] == below), "")
        return state in {"escalated", "cancelled", "asks", "building", "retrying", "review"}

    # Reports.

    def nights(self) -> Iterator[str]:
        """Every night's report is what the runner saw between its beginning and its end, to the second."""
        for name, night in self.played.nights.items():
            start, end = _time(night["started"]), _time(night["ended"] or night["ends"])
            mine = [r for r in self.runs if r.begun < end and (r.ended is None or r.ended > start)]
            over = [r for r in mine if r.ended is not None and r.ended <= end]
            done = [r for r in over if r.outcome == "passed"]
            expected = {
                "spawned": sum(r.begun >= start for r in mine),
                "carried": sum(r.begun < start for r in mine),
                "completed": len(done),
                "failed": len(over) - len(done),
                "in_progress": len(mine) - len(over),
                "minutes": _minutes(end - start),
                "shipped_seconds": sum(round((r.ended - r.begun).total_seconds()) for r in done if r.ended is not None),
            }
            for key, value in expected.items():
                if abs(night[key] - value) > (ROUNDED * max(1, len(done)) if key == "shipped_seconds" else 0):
                    yield f"night {name}: {key} is {night[key]}, the runner saw {value}"
            if sum(row["minutes"] for row in night["attempts"] if row["came"] == "completed") != night["shipped_minutes"]:
                yield f"night {name}: its rows do not add up to {night['shipped_minutes']} minutes"
            if night["completed"] != night["verified"] + night["claimed"]:
                yield f"night {name}: {night['completed']} completed are not {night['verified']} and {night['claimed']}"

    def days(self) -> Iterator[str]:
        """Every day's report counts what began and ended on that day by the clock on the wall."""
        for name, report in self.played.days.items():
            day = date.fromisoformat(name)
            ended = [r for r in self.runs if r.ended is not None and r.ended.astimezone(self.zone).date() == day]
            started = [r for r in self.runs if r.begun.astimezone(self.zone).date() == day]
            told = report["figures"]
            if told["attempts started"] != len(started) or told["attempts ended"] != len(ended):
                yield f"{name}: {told}, the runner saw {len(started)} and {len(ended)}"
            row = next(r for r in report["resources"] if r["what"] == "building time")
            minutes = row["value"] * (60 if row["unit"] == "h" else 1)
            seen = sum((r.ended - r.begun).total_seconds() for r in ended if r.ended is not None) / 60
            if abs(minutes - seen) > (3.1 if row["unit"] == "h" else 0.11):
                yield f"{name}: {minutes} minutes of building, the runner saw {seen}"

    def briefs(self) -> Iterator[str]:
        """Every morning's brief that tells of one night counts what that night's report counts."""
        for name, text in self.played.briefs.items():
            said = re.search(r"(?m)^Night (\d{4}-\d\d-\d\d),", text)
            night = self.played.nights.get(said[1]) if said else None
            head = re.search(r"\*\*(?:(\d+) builds? shipped[^*]*|Nothing[^*]*)\*\*", text)
            if head is None:
                yield f"brief {name}: it has no headline"
            elif night is not None and night["ended"] is not None:
                start, until = _time(night["started"]), datetime.combine(date.fromisoformat(name), datetime.min.time(), self.zone)
                until = (until + timedelta(hours=7)).astimezone(UTC)
                passed = {r.label for r in self.runs if r.outcome == "passed" and r.ended is not None and start <= r.ended <= until}
                if int(head[1] or 0) != len(passed):
                    yield f"brief {name}: {head[0]}, the runner saw {sorted(passed)}"

    def ledger(self) -> Iterator[str]:
        """The ledger holds exactly the attempts that ran, with their times to the second."""
        known = {(b["label"], a["number"]): a for b in self.played.ledger["builds"] for a in b["attempts"]}
        for run in self.runs:
            kept = known.pop((run.label, run.number), None)
            if kept is None:
                yield f"{run.label}: attempt {run.number} is not in the ledger"
            elif abs((_time(kept["started"]) - run.begun).total_seconds()) > ROUNDED:
                yield f"{run.label}: attempt {run.number} began at {run.begun}, the ledger says {kept['started']}"
            elif run.ended and kept.get("ended") and abs((_time(kept["ended"]) - run.ended).total_seconds()) > ROUNDED:
                yield f"{run.label}: attempt {run.number} ended at {run.ended}, the ledger says {kept['ended']}"
        yield from (f"{label}: attempt {number} was never run" for label, number in known)


def _time(text: str) -> datetime:
    return datetime.fromisoformat(text).astimezone(UTC)


def _minutes(span: timedelta) -> int:
    return (round(span.total_seconds()) + 30) // 60


def _label(name: str) -> str:
    return re.sub(r"[^a-z0-9]+", "-", name.lower()).strip("-")


def _tasks(text: str) -> dict[str, Task]:
    """Read the queue's text with three expressions."""
    found: dict[str, Task] = {}
    for name, priority in re.findall(r"(?m)^- \[[ x]\] (.+?) - Added: .*?Priority: (\w+)", text):
        details = re.search(rf"(?ms)^### {re.escape(name)}\n(.*?)(?=^### |^## |\Z)", text)
        fields = dict(re.findall(r"(?m)^- \*\*(.+?):\*\* (.*)$", details[1])) if details else {}
        found[_label(name)] = Task(name, priority, fields.get("Window", ""), fields.get("Depends On", ""), fields.get("Category", ""))
    return found


def _first_tasks(_: Played) -> tuple[tuple[Any, ...], ...]:
    from tests.simulate.scenario import TASKS

    return TASKS


def _first_priorities(played: Played) -> list[tuple[str, str]]:
    """Return the priorities before anything was raised by hand: those of the scenario, and what the story's own tasks began with."""
    return [(name, priority) for name, priority, *_ in _first_tasks(played)]
