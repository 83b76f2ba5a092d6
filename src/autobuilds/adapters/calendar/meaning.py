"""What an event of a calendar says of its owner: the words and marks by which he is away, at work, or nothing is said of him.

The tables are those of docs/howto/calendar.md; a test holds both together.
"""

from __future__ import annotations

from collections.abc import Sequence

from autobuilds.domain.day import Context
from autobuilds.domain.patterns import pattern
from autobuilds.records import dataclass

#: An event with one of these in its title or its categories takes its owner away.
AWAY = (
    *("away", "out of office", "out of the office", "ooo", "vacation", "holiday", "holidays", "annual leave", "on leave"),
    *("parental leave", "maternity leave", "paternity leave", "pto", "time off", "day off", "sick", "sick leave"),
    *("trip", "business trip", "travel", "travelling", "traveling", "flight", "commute", "gym", "workout", "doctor", "dentist"),
    *("abwesend", "abwesenheit", "außer haus", "nicht im büro", "urlaub", "ferien", "feiertag", "krank", "krankheit"),
    *("krankgeschrieben", "elternzeit", "mutterschutz", "freier tag", "gleittag", "überstundenabbau", "unterwegs"),
    *("reise", "dienstreise", "geschäftsreise", "flug", "arbeitsweg", "fitnessstudio", "sport", "arzt", "arzttermin", "zahnarzt"),
)
#: With one of these in the title it is talked about, and those words count no more.
TALK = (
    *("meeting", "call", "sync", "planning", "plan", "review", "request", "policy", "budget", "handover", "discussion", "interview"),
    *("besprechung", "planung", "planen", "antrag", "übergabe", "abstimmung", "vorbereitung"),
)
#: An event of whole days with one of these only reminds, or says where its owner works.
REMINDERS = (
    *("birthday", "anniversary", "reminder", "deadline", "due", "home office", "homeoffice", "working from home", "wfh", "remote"),
    *("geburtstag", "jahrestag", "namenstag", "erinnerung", "frist", "fällig", "abgabe"),
)
#: Values of X-MICROSOFT-CDO-BUSYSTATUS by which an event takes no time, or takes its owner away.
FREE, OUT = frozenset({"FREE", "WORKINGELSEWHERE"}), "OOF"

_WORD = pattern(r"[^\W_]+")
_PREFIX = "autobuilds:"


@dataclass(frozen=True, slots=True, kw_only=True)
class Marks:
    """What counts of an event, as it is written there."""

    summary: str = ""
    categories: tuple[str, ...] = ()
    status: str = ""
    #: TRANSP: TRANSPARENT takes no time.
    transparency: str = ""
    #: X-MICROSOFT-CDO-BUSYSTATUS.
    busy_status: str = ""
    all_day: bool = False


def meaning(marks: Marks) -> Context | None:
    """Return the context that an event puts its owner into, or None where it takes none of his time."""
    busy_status = marks.busy_status.strip().upper()
    if marks.status.strip().upper() == "CANCELLED" or marks.transparency.strip().upper() == "TRANSPARENT" or busy_status in FREE:
        return None
    named = next((found for text in (*marks.categories, marks.summary) if (found := _named(text)) is not None), None)
    if named is not None:
        return named
    title = _words(marks.summary)
    labels = [_words(category) for category in marks.categories]
    if busy_status == OUT or any(_has(label, AWAY) for label in labels) or (_has(title, AWAY) and not _has(title, TALK)):
        return Context.AWAY
    if not marks.all_day:
        return Context.WORKING
    return None if any(_has(text, REMINDERS) for text in (title, *labels)) else Context.AWAY


def _named(text: str) -> Context | None:
    """Return the context that a text names, alone or behind `autobuilds:`."""
    word = text.strip().casefold().removeprefix(_PREFIX).strip()
    return Context(word) if word in set(Context) else None


def _words(text: str) -> str:
    """Return a text as its words alone, each between spaces."""
    return f" {' '.join(_WORD.findall(text.casefold()))} "


def _has(words: str, table: Sequence[str]) -> bool:
    return any(f" {entry.casefold()} " in words for entry in table)
