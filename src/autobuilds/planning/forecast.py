"""The forecast: what would start when, by the same gates that decide (`plan`, `schedule`, the simulator's comparison).

Every step is a moment at which an answer may change: a build ends, a gate opens, the context changes, a night begins or ends.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta

from autobuilds.domain import gates, night
from autobuilds.domain.build import Build, BuildState
from autobuilds.domain.context import Stretch, stretches, word_as_of
from autobuilds.domain.lengths import UNKNOWN_LENGTH as UNKNOWN_LENGTH
from autobuilds.domain.lengths import Basis, Length, Lengths
from autobuilds.domain.manner import shift
from autobuilds.domain.model import Task
from autobuilds.domain.moment import Moment, Resources, Snapshot
from autobuilds.domain.retry import later
from autobuilds.domain.times import reached
from autobuilds.domain.verdicts import Assessment, GateResult, Verdict
from autobuilds.domain.week import in_span, window_named
from autobuilds.domain.windows import DayWindow
from autobuilds.planning.decision import Start, assess_all, in_turn
from autobuilds.planning.futures import begun, finished
from autobuilds.planning.nights import Nightly, caught_up, next_start, with_night
from autobuilds.planning.nights import nightly_of as nightly_of
from autobuilds.planning.timeline import Forecast as Forecast
from autobuilds.planning.timeline import Slot as Slot
from autobuilds.planning.timeline import Span as Span
from autobuilds.records import replace

#: Steps of the simulation before it gives up, and says so; two weeks of a thousand short builds take fewer.
MAX_STEPS = 5000
#: What opens a gate at which finished builds wait that are not finished yet.
_REVIEW_THEN = "review what is finished by then"
#: Python's own order of moments of one zone goes by the clock on the wall; this is the real one.
_real = datetime.timestamp


def forecast(
    snapshot: Snapshot,
    moment: Moment,
    hours: int = 12,
    *,
    lengths: Lengths | None = None,
    nightly: Nightly | None = None,
    reviewed: bool = False,
) -> Forecast:
    """Return what would run in the coming hours if every build passes and takes as long as its kind does, or as estimated.

    `lengths` is what history tells of that; `nightly` when duties begin and end the overnight session; with `reviewed` finished builds are
    accepted at once, else they wait for the owner as in life.
    """
    return _Future(snapshot, moment, hours, lengths or Lengths(), nightly, reviewed=reviewed).run()


class _Future:
    """One walk along the clock."""

    def __init__(
        self, snapshot: Snapshot, moment: Moment, hours: int, lengths: Lengths, nightly: Nightly | None, *, reviewed: bool
    ) -> None:
        self._files, self._moment, self._lengths, self._nightly, self._reviewed = snapshot, moment, lengths, nightly, reviewed
        self._now, self._end = moment.now, later(moment.now, timedelta(hours=hours))
        day = snapshot.ledger.day
        word = word_as_of(day.word, moment.now) if day is not None else None
        self._contexts = stretches(moment.now, self._end, word, moment.busy, snapshot.settings.contexts)
        self._reviews = {b.label for b in snapshot.ledger.builds if b.state is BuildState.REVIEW}
        self._begins: datetime | None = None
        self._first = True
        self._slots: list[Slot] = []
        self._taken: dict[str, Slot] = {}
        self._asking: set[str] = set()
        self._crowded: set[str] = set()
        self._spans: list[Span] = []

    def run(self) -> Forecast:
        for build in sorted(self._files.ledger.active, key=lambda b: _real(_started(b))):
            self._take(self._running(build))
        self._files = caught_up(self._files, self._nightly, self._now)
        self._begins = next_start(self._files, self._nightly, self._now)
        complete = False
        for _ in range(MAX_STEPS):
            following = self._step()
            if following is None or reached(self._end, following):
                complete = True
                break
            self._now = following
        started = {s.label for s in self._slots}
        held, _ = assess_all(self._files, self._at())
        left = tuple(self._said(a) for a in held if a.label not in started)
        return Forecast(
            start=self._moment.now,
            end=self._end,
            slots=tuple(sorted(self._slots, key=lambda s: (_real(s.start), s.slot))),
            not_reached=left,
            kept_out=frozenset(self._crowded),
            spans=tuple(self._spans),
            complete=complete,
        )

    def _said(self, found: Assessment) -> Assessment:
        """Return the verdicts without commands for builds that are not finished yet."""
        if not any(self._is_ahead(g) for g in found.sketch.gates):
            return found
        then = tuple(replace(g, fix=_REVIEW_THEN) if self._is_ahead(g) else g for g in found.gates)
        return Assessment(label=found.label, gates=then)

    def _is_ahead(self, gate: GateResult) -> bool:
        words = (gate.fix or "").split(" ")
        return words[:2] in (["autobuilds", "review"], ["autobuilds", "accept"]) and words[-1] not in self._reviews

    def _step(self) -> datetime | None:
        """End, begin and start what is due now, and return the next moment at which something may be otherwise."""
        now = self._now
        over = [label for label, slot in self._taken.items() if reached(slot.end, now)]
        self._files = finished(self._files, over, now, reviewed=self._reviewed)
        for label in over:
            del self._taken[label]
        if self._begins is not None and self._nightly is not None and reached(self._begins, now):
            self._files = with_night(self._files, self._nightly, now)
            self._begins = next_start(self._files, self._nightly, now)
        self._mark()
        openings = self._start()
        on = night.running(self._files.ledger.day, now)
        others = (self._begins, on.ends.astimezone(now.tzinfo) if on is not None else None)
        ahead = (
            *(s.end for s in self._taken.values()),
            *openings,
            *(s.start for s in self._contexts),
            *(t for t in others if t is not None),
        )
        return min((t for t in ahead if not reached(t, now)), key=_real, default=None)

    def _start(self) -> list[datetime]:
        """Start what may start now, and return when gates of the others open.

        What only the owner can open stays shut. Where every slot is taken only those are looked at that are kept out by what starts now.
        """
        openings: list[datetime] = []
        starts: list[Start] = []
        full = False

        def passed_over(task: Task) -> bool:
            return task.label in self._asking or (full and (not starts or task.label in self._crowded))

        for found, start in in_turn(self._files, self._at(), passed_over):
            if start is not None:
                starts.append(start)
                continue
            held = _held(found)
            full = full or any(g.gate in gates.COMMON for g in held)
            if any(g.verdict is Verdict.ASK for g in held):
                self._asking.add(found.label)
            elif [g.gate for g in held] == ["capacity"]:
                self._crowded.add(found.label)
            openings += [g.until for g in held if g.until is not None]
            if self._first and any(g.gate == "resources" for g in held):
                openings.append(later(self._now, self._files.settings.interval))
        for start in starts:
            self._take(self._begin(start))
        self._first = False
        return openings

    def _at(self) -> Moment:
        """Return the moment at this step: memory and load come and go, so nobody knows them later; the disk stays as it is."""
        measured = self._moment.resources
        return replace(self._moment, now=self._now, resources=measured if self._first else Resources(disk_percent=measured.disk_percent))

    def _mark(self) -> None:
        """Remember the context and the number of slots from now on, where they are not as before."""
        context, day = self._stretch(self._now).context, self._files.ledger.day
        number = night.slots(self._files.settings, day, context, self._now)
        fresh = Span(start=self._now, end=self._end, context=context, slots=number, night=night.is_on(day, self._now))
        last = self._spans[-1] if self._spans else None
        if last is not None and (last.context, last.slots, last.night) == (fresh.context, fresh.slots, fresh.night):
            return
        if last is not None:
            self._spans[-1] = replace(last, end=self._now)
        self._spans.append(fresh)

    def _stretch(self, when: datetime) -> Stretch:
        return next((s for s in reversed(self._contexts) if reached(s.start, when)), self._contexts[0])

    def _running(self, build: Build) -> Slot:
        task, started, now = self._files.queue.find(build.label), _started(build), self._moment.now
        length = self._lengths.of(task, build.last.agent if build.last is not None else "")
        left = length.span
        while reached(later(started, left), now):
            left *= 2
        slot = self._slot(build.label, build.name, started, length, task)
        return replace(slot, end=later(started, left), running=True, overdue=left > length.span)

    def _begin(self, start: Start) -> Slot:
        task = self._files.queue.find(start.label)
        assert task is not None, "what starts stands in the queue"
        self._files = begun(self._files, task, start.agent, self._now)
        return self._slot(task.label, task.name, self._now, self._lengths.of(task, start.agent), task)

    def _slot(self, label: str, name: str, start: datetime, length: Length, task: Task | None) -> Slot:
        return Slot(
            label=label,
            name=name,
            start=start,
            end=later(start, length.span),
            guessed=length.basis is Basis.GUESS,
            slot=_free(s.slot for s in self._taken.values()),
            context=self._stretch(start).context,
            window=window_of(task, start, length.span, self._files.settings.windows, self._stretch(start)),
            night=night.is_on(self._files.ledger.day, start),
            basis=length.basis,
            why=length.words,
            stopped_after=_stopped(task, length.span, self._files),
        )

    def _take(self, slot: Slot) -> None:
        self._slots.append(slot)
        self._taken[slot.label] = slot


def _started(build: Build) -> datetime:
    return build.last.started if build.last is not None else build.created


def _stopped(task: Task | None, length: timedelta, snapshot: Snapshot) -> timedelta | None:
    """Return the limit at which an attempt is stopped, where it is expected to take longer."""
    told = task.timeout_minutes if task is not None else None
    limit = snapshot.settings.timeout if told is None else timedelta(minutes=told)
    return limit if limit < length else None


def _held(found: Assessment) -> tuple[GateResult, ...]:
    """Return the gates that hold a task; the text is read of one that capacity alone seems to hold, which may ask all the same."""
    held = tuple(g for g in found.sketch.gates if g.verdict is not Verdict.GO)
    return found.obstacles if [g.gate for g in held] == ["capacity"] else held


def _free(taken: Iterable[int]) -> int:
    """Return the lowest slot that is free."""
    known = set(taken)
    return next(n for n in range(1, len(known) + 2) if n not in known)


def window_of(task: Task | None, start: datetime, length: timedelta, windows: Sequence[DayWindow], stretch: Stretch) -> str | None:
    """Return the window that a build falls into: the one that its task names, else the one open at its start that is meant for its length.

    Where none is meant for it, one that is meant for longer builds; None where only shorter ones are, or none is open.
    """
    named = window_named(task.window, windows) if task is not None and task.window is not None else None
    if named is not None:
        return named.name
    minutes = length / timedelta(minutes=1)
    roomy = [w for w in windows if minutes <= w.most and _is_open(w, start, stretch)]
    return next((w.name for w in roomy if w.least <= minutes), roomy[0].name if roomy else None)


def _is_open(window: DayWindow, when: datetime, stretch: Stretch) -> bool:
    moved = shift(stretch.context, stretch.source, window.name)
    return in_span(when, window.span) if moved is None else moved
