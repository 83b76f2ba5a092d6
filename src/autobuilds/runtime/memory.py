"""The diary as the owner uses it: looked through, shown, written into."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime, tzinfo

from autobuilds.errors import BadInput, NotSo
from autobuilds.records import dataclass
from autobuilds.runtime.context import Context
from autobuilds.runtime.diary import prepared
from autobuilds.runtime.record import recorder_for
from autobuilds.store import memory
from autobuilds.store.guarded import read_guarded
from autobuilds.store.memory_search import Answer, search


@dataclass(frozen=True, slots=True, kw_only=True)
class Page:
    """A day's diary as it stands there; `problem` says what of it was not read."""

    name: str
    day: date
    text: str
    problem: str | None = None


def zone_of(context: Context) -> tzinfo:
    """Return the zone by which the diary's days and times are meant."""
    return context.workspace.zone(context.workspace.config().settings)


def look_up(context: Context, words: Sequence[str], *, since: date | None, limit: int) -> Answer:
    """Return the entries in which all words stand; raises BadInput where none is given."""
    if not any(word.strip() for word in words):
        raise BadInput("give a word to look for, such as: autobuilds memory search deploy")
    return search(context.workspace.root, words, since=since, limit=limit)


def show(context: Context, day: date | None) -> Page:
    """Return a day's diary (default: today's); raises NotSo where there is none, BadInput where it can't be read."""
    wanted = day or context.now(zone_of(context)).date()
    root, name = context.workspace.root, memory.diary_name(wanted)
    found = read_guarded(root / memory.tracked_diary(root, wanted), head=1024 * 1024, tail=1024 * 1024)
    if found.text is None and found.problem is not None:
        raise BadInput(f"{name} {found.problem}; it was not read")
    if found.text is None:
        raise NotSo(f"nothing is written in {name}. `autobuilds memory search WORDS` looks through all days")
    return Page(name=name, day=wanted, text=found.text, problem=found.problem)


@dataclass(frozen=True, slots=True, kw_only=True)
class Added:
    """Where an entry was written; not `written` where the very entry stands there already; `trouble` keeps Git from committing it."""

    name: str
    lines: tuple[str, ...]
    written: bool
    trouble: str = ""


def add(context: Context, title: str, facts: Sequence[str], at: datetime | None) -> Added:
    """Write an entry of the owner's and commit it.

    Raises BadInput for an entry that says nothing, or too much for one, and what writing the file raises.
    """
    if not title.strip():
        raise BadInput("an entry needs a title")
    if len(facts) > memory.MOST_FACTS:
        raise BadInput(f"an entry has at most {memory.MOST_FACTS} facts; write a second one")
    recorder = recorder_for(context)
    zone = zone_of(context)
    entry = memory.Entry(at=(at or recorder.now).astimezone(zone), title=title, facts=tuple(facts))
    name = memory.tracked_diary(context.workspace.root, entry.at.date())
    with recorder.transaction("memory"):
        if prepared(recorder, name):
            recorder.note("remembered", "", f"diary of {entry.at.date().isoformat()}", paths=[name], transition=False)
        written = memory.remember(context.workspace.root, entry)
        if not written:
            recorder.withdraw()
    return Added(name=name, lines=tuple(entry.lines()), written=written, trouble=recorder.trouble)
