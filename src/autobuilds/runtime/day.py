"""The owner's day: what he is doing now, his word on it, and a change of it told once, as an event and in the diary."""

from __future__ import annotations

from datetime import datetime, timedelta

from autobuilds.domain.context import Answer, with_word
from autobuilds.domain.day import Context as Doing
from autobuilds.domain.day import Day, Word
from autobuilds.domain.manner import BY, doing
from autobuilds.domain.moment import Moment
from autobuilds.domain.settings import Settings
from autobuilds.domain.times import after, format_when, reached
from autobuilds.errors import NotSo, Refused
from autobuilds.policies.context_scheduler import Detected, detect, turned
from autobuilds.records import dataclass, replace
from autobuilds.runtime.context import Context
from autobuilds.runtime.looking import Seen
from autobuilds.runtime.observe import CALENDAR_AFTER, CALENDAR_BEFORE
from autobuilds.runtime.record import Recorder, recording
from autobuilds.runtime.view_values import count

#: Events of the history: the context became another one; the owner gave his word on it, or took it back.
TURNED, SAID = "context", "context-word"
#: The day before may have had 25 hours.
_MORE = timedelta(hours=2)


@dataclass(frozen=True, slots=True, kw_only=True)
class Today:
    """What the answers on the owner's day are made of."""

    settings: Settings
    day: Day | None
    moment: Moment
    #: What is worth knowing of his calendars and stops nothing.
    notes: tuple[str, ...] = ()


def today(context: Context, ahead: timedelta = CALENDAR_AFTER) -> Today:
    """Look at the configuration, the ledger and the calendars; nothing else is read, nothing changed."""
    settings = context.workspace.config().settings
    zone = context.workspace.zone(settings)
    now = context.now(zone)
    day = context.workspace.ledger().day
    if not settings.calendar:
        return Today(settings=settings, day=day, moment=Moment(now=now))
    found = context.calendar.busy(settings.calendar, after(now, -CALENDAR_BEFORE - _MORE), after(now, max(ahead, CALENDAR_AFTER)), zone)
    moment = Moment(now=now, busy=found.busy, calendar_fault="; ".join(found.faults) or None)
    return Today(settings=settings, day=day, moment=moment, notes=found.notes)


def turn(context: Context, recorder: Recorder, seen: Seen) -> bool:
    """Record that the context is not the one that was told last; return whether it was so.

    The diary is told when the context began. Names of events stand in neither: a calendar is private, the history may be published.
    """
    snapshot, moment = seen.loaded.snapshot, seen.moment
    found = turned(snapshot.settings, snapshot.ledger.day, moment)
    if found is None:
        return False
    with recorder.transaction("context"):
        ledger = context.workspace.ledger()
        day = ledger.day or Day()
        fresh = replace(day, context=found.context, since=_began(found, day, moment.now))
        said = f"the context is {found.context.value} now, {BY[found.source]}"
        recorder.note(TURNED, "", said, day=fresh)
        recorder.put(replace(ledger, day=fresh))
        _tell(context, recorder, snapshot.settings, fresh, moment, day.context)
    return True


def _began(found: Answer, day: Day, now: datetime) -> datetime:
    """Return since when a context holds: as far as is known, but not before the one that was told last."""
    since = now if found.since is None or not reached(found.since, now) else found.since
    return since if day.since is None or reached(day.since, since) or not reached(day.since, now) else now


def _tell(context: Context, recorder: Recorder, settings: Settings, day: Day, moment: Moment, before: Doing | None) -> None:
    """Write a change of the context into the diary, with what it changes."""
    from autobuilds.runtime.diary import remember

    found = detect(settings, day, moment)
    answer = found.answer
    was = f", before that {before.value}" if before is not None else ""
    until = f", until {format_when(answer.until)}" if answer.until is not None else ""
    open_ = ", ".join(w.window.name for w in found.windows if w.open)
    facts = [
        _sentence(f"{doing(answer.context, answer.source)}{until}{was}"),
        f"{count(found.slots, 'build')} at the same time; windows open: {open_ or 'none'}",
        "You may be interrupted" if found.interrupt else "What can wait is kept for the next brief",
    ]
    remember(context, recorder, day.since or moment.now, f"Context: {answer.context.value}", facts)


def _sentence(text: str) -> str:
    return text[:1].upper() + text[1:]


def say(context: Context, wanted: Doing, until: datetime | None) -> Detected:
    """Take the owner's word on what he is doing, until a time or until he takes it back; raises Refused for a time that has passed."""
    with recording(context, "context set") as (recorder, ledger):
        now = recorder.now
        if until is not None and reached(until, now):
            raise Refused(f"{format_when(until)} has passed; give a time to come, or none for until `autobuilds context clear`")
        word = Word(context=wanted, since=now, until=until)
        ends = f"until {format_when(until)}" if until is not None else "until you take it back"
        return _spoken(context, recorder, word, f"{wanted.value} by the owner's word, {ends}", ledger.day or Day())


def unsay(context: Context) -> Detected:
    """Take the owner's word back, so that calendar and timetable speak again; raises NotSo where there is none that holds."""
    with recording(context, "context clear") as (recorder, ledger):
        day = ledger.day or Day()
        if day.word is None or (day.word.until is not None and reached(day.word.until, recorder.now)):
            raise NotSo("you gave no word that still holds; calendar and timetable say what the context is")
        return _spoken(context, recorder, None, f"the owner's word ({day.word.context.value}) is taken back", day)


def _spoken(context: Context, recorder: Recorder, word: Word | None, said: str, day: Day) -> Detected:
    """Record a word of the owner's, and the change of the context that comes with it, as one event."""
    seen = today(context)
    fresh = with_word(day, word, recorder.now)
    moment = replace(seen.moment, now=recorder.now)
    found = detect(seen.settings, fresh, moment)
    other = found.answer.context is not day.context
    if other:
        fresh = replace(fresh, context=found.answer.context, since=recorder.now)
    recorder.note(SAID, "", said, day=fresh)
    recorder.put(replace(context.workspace.ledger(), day=fresh))
    if other:
        _tell(context, recorder, seen.settings, fresh, moment, day.context)
    return found
