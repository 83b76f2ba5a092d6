"""The words of other tools, by their sense: columns, states, priorities, and the pieces of a task that they fill."""

from __future__ import annotations

import re
from datetime import datetime, tzinfo

from autobuilds.domain.labels import is_label, slugify
from autobuilds.domain.model import Priority
from autobuilds.domain.patterns import pattern
from autobuilds.domain.times import parse_estimate, parse_when
from autobuilds.records import dataclass, field, replace
from autobuilds.store.queue.compose import NewTask
from autobuilds.store.queue.taskline import read_line
from autobuilds.store.queue.values import parse_priority

_COLUMNS = {
    "name": ("task", "title", "name", "item", "todo", "what", "feature", "summary", "issue", "story", "subject", "build"),
    "status": ("status", "state", "done", "progress", "checked", "complete", "stage"),
    "priority": ("priority", "prio", "importance", "urgency", "severity", "p"),
    "description": ("description", "desc", "details", "body", "spec", "requirements", "goal"),
    "notes": ("notes", "note", "comment", "comments", "remarks", "remark"),
    "estimate": ("estimate", "estimated time", "time", "effort", "hours", "duration", "size", "est"),
    "depends_on": ("depends on", "depends", "dependencies", "dependency", "after", "requires", "blocked by task"),
    "blockers": ("blockers", "blocker", "blocked by", "blocked", "waiting for"),
    "category": ("category", "type", "kind", "area", "component", "epic"),
    "tech_stack": ("tech stack", "tech", "stack", "technology", "technologies", "language"),
    "criteria": ("completion criteria", "criteria", "acceptance criteria", "acceptance", "definition of done", "dod", "checks"),
    "added": ("added", "created", "created at", "date", "opened"),
    "completed": ("completed", "completed at", "finished", "closed", "closed at", "done on", "completion"),
    "not_before": ("not before", "start", "scheduled", "start date"),
    "window": ("window",),
    "touches": ("touches", "files", "paths"),
    "repository": ("repository", "repo"),
    "agent": ("agent",),
    "label": ("label", "id", "key", "slug"),
    "source": ("source", "link", "url"),
    "deliverables": ("deliverables", "deliverable", "output"),
}
_SENSE = {word: attribute for attribute, words in _COLUMNS.items() for word in words}
_DONE = frozenset(
    [
        "x",
        "✅",
        "✔",
        "✔️",
        "☑",
        "☑️",
        "done",
        "completed",
        "complete",
        "closed",
        "finished",
        "shipped",
        "merged",
        "resolved",
        "yes",
        "true",
        "100%",
        "100 %",
    ]
)
_DROPPED = frozenset(
    [
        "cancelled",
        "canceled",
        "wontfix",
        "won't fix",
        "wont fix",
        "not planned",
        "not_planned",
        "dropped",
        "rejected",
        "duplicate",
        "obsolete",
    ]
)
_OPEN = frozenset(
    [
        "",
        "-",
        "–",
        "—",
        "todo",
        "to do",
        "to-do",
        "open",
        "new",
        "ready",
        "queued",
        "backlog",
        "planned",
        "pending",
        "no",
        "false",
        "0%",
        "⬜",
        "☐",
        "not started",
        "next",
    ]
)
_HIGH = frozenset(["p0", "p1", "critical", "urgent", "highest", "blocker", "asap", "very high", "major", "must", "must have", "🔴", "!!!"])
_MEDIUM = frozenset(["p2", "normal", "moderate", "med", "mid", "default", "average", "should", "should have", "🟡", "!!"])
_LOW = frozenset(["p3", "p4", "p5", "minor", "lowest", "very low", "someday", "trivial", "nice to have", "could", "could have", "🟢", "!"])
_EMPTY = frozenset(["", "-", "–", "—", "n/a", "none", "null", "tbd", "?"])
_LISTS = frozenset(["depends_on", "touches", "criteria", "deliverables", "blockers"])
_TIMES = frozenset(["added", "completed", "not_before"])
_BREAKS = pattern(r"\s*(?:<br\s*/?>|[\r\n\v\f\x1c-\x1e\x85\u2028\u2029])\s*", re.IGNORECASE)
_CONTROL = pattern("[\x00-\x08\x0e-\x1f\x7f-\x9f\ud800-\udfff]")


def sense_of(title: str) -> str | None:
    """Return the attribute of a new task that a column's or field's title means, or None."""
    folded = re.sub(r"[\s_\-*`:.]+", " ", title).strip().casefold()
    return _SENSE.get(folded)


def priority_of(word: str) -> tuple[Priority | None, bool]:
    """Return the priority that a word of any tool means, and whether it is one of our own words; None for an unknown word."""
    text = word.strip().casefold()
    own = parse_priority(text) if text else None
    if own is not None:
        return own, True
    text = re.sub(r"^(?:priority|prio|severity)\s*[:/\-_ ]\s*", "", text).strip()
    own = parse_priority(text) if text else None
    if own is not None:
        return own, False
    for words, priority in ((_HIGH, Priority.HIGH), (_MEDIUM, Priority.MEDIUM), (_LOW, Priority.LOW)):
        if text in words:
            return priority, False
    return None, False


def state_of(word: str) -> str | None:
    """Return `done`, `dropped` or `open` for a word of any tool, None where it says something else (such as *in progress*)."""
    text = word.strip().strip("[]*_").strip().casefold()
    if text in _DONE:
        return "done"
    if text in _DROPPED:
        return "dropped"
    return "open" if text in _OPEN else None


@dataclass(slots=True)
class Account:
    """Collects what a person should know of an import."""

    remarks: list[str] = field(default_factory=list)
    left: list[str] = field(default_factory=list)


def folded(text: str, where: str, account: Account) -> str:
    """Return a text as one line, with a remark where line ends or control characters went."""
    shown = text.strip()
    if _CONTROL.search(shown):
        account.remarks.append(f"{where}: control characters were taken out")
        shown = _CONTROL.sub("", shown)
    if _BREAKS.search(shown):
        account.remarks.append(f"{where}: several lines were joined into one")
        shown = _BREAKS.sub(" ", shown)
    return " ".join(shown.split())


def clean_name(text: str, where: str, account: Account) -> str:
    """Return a name that can be written, with a remark where a ` - Key:` in it had to become another sign."""
    name = folded(text, where, account)
    found = next((part for part in read_line(name).parts if part.key is not None), None)
    if found is not None:
        start, end = found.whole
        name = " ".join(
            f"{name[:start].rstrip()}, {name[start:end].strip(' -[]()').replace('::', '')}{name[end:]}".replace(":", " ").split()
        )
        account.remarks.append(f"{where}: {found.key} in the name is part of the name now: {name!r}")
    return name


def filled(task: NewTask, attribute: str, text: str, where: str, zone: tzinfo, account: Account) -> NewTask:
    """Return the task with an attribute read from a cell or field; what can't be read so goes into the notes, with a remark."""
    value = folded(text, f"{where}, {attribute.replace('_', ' ')}", account)
    if value.casefold() in _EMPTY:
        return task
    if attribute == "priority":
        return with_priority(task, value, where, account)
    if attribute in _TIMES:
        moment = parse_when(value, zone)
        return _put(task, attribute, moment) if moment else _noted(task, attribute, value, where, account)
    if attribute == "estimate" and parse_estimate(value) is None:
        hours = parse_estimate(f"{value} h")
        if hours is None:
            return _noted(task, attribute, value, where, account)
        account.remarks.append(f"{where}: the estimate {value!r} was taken as hours")
        value = f"{value} h"
    if attribute == "label":
        slug = slugify(value)
        if not is_label(slug) or slug.isdigit():
            return _noted(task, "id", value, where, account)
        return replace(task, label=slug)
    if attribute in _LISTS:
        parts = tuple(part.strip() for part in re.split(r"\s*[;,]\s*" if attribute != "criteria" else r"\s*;\s*", value) if part.strip())
        return _put(task, attribute, parts)
    if attribute == "notes" and task.notes:
        value = f"{task.notes}; {value}"
    return _put(task, attribute, value)


def with_priority(task: NewTask, word: str, where: str, account: Account) -> NewTask:
    """Return the task with the priority that a word means; an unknown word leaves it at Medium, with a remark."""
    priority, own = priority_of(word)
    if priority is None:
        return _noted(replace(task, priority=Priority.MEDIUM), "priority", word, where, account, "unknown, so Medium")
    if not own:
        account.remarks.append(f"{where}: the priority {word!r} was taken as {priority.value.capitalize()}")
    return replace(task, priority=priority)


def _noted(task: NewTask, attribute: str, value: str, where: str, account: Account, why: str = "can't be read") -> NewTask:
    account.remarks.append(f"{where}: {attribute.replace('_', ' ')} {value!r} {why}; it stands in the notes")
    note = f"{attribute.replace('_', ' ').capitalize()}: {value}"
    return replace(task, notes=f"{task.notes}; {note}" if task.notes else note)


def noted(task: NewTask, title: str, value: str) -> NewTask:
    """Return the task with a field of another tool kept in its notes."""
    note = f"{title.strip()}: {value}"
    return replace(task, notes=f"{task.notes}; {note}" if task.notes else note)


def _put(task: NewTask, attribute: str, value: str | tuple[str, ...] | datetime | None) -> NewTask:
    changes: dict[str, str | tuple[str, ...] | datetime | None] = {attribute: value}
    return replace(task, **changes)  # type: ignore[arg-type]


def with_state(task: NewTask, word: str, where: str, account: Account) -> NewTask | None:
    """Return the task under the section that a state means, or None for one that was dropped there."""
    state = state_of(word)
    if state == "dropped":
        account.left.append(f"{where}: {task.name!r} is {word.strip()!r}, not taken over")
        return None
    if state is None:
        account.remarks.append(f"{where}: the state {word.strip()!r} was taken as open; it stands in the notes")
        return noted(task, "Status", folded(word, where, account))
    return replace(task, done=state == "done")
