"""The loop of a simulation: the clock goes from one thing that happens to the next, and every heartbeat is the product's own."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta, tzinfo
from random import Random

from autobuilds.domain.retry import later
from autobuilds.domain.spelling import quoted
from autobuilds.errors import AutobuildsError
from autobuilds.records import dataclass, field
from autobuilds.runtime.heartbeat import beat
from autobuilds.runtime.looking import Beat
from autobuilds.runtime.simulation import figures, watch
from autobuilds.runtime.simulation.news import News, where
from autobuilds.runtime.simulation.owner import SimulatedOwner, looks
from autobuilds.runtime.simulation.values import EVERY, LEFT_OUT, Simulated, Stage, Tale, Told, Where, Wish
from autobuilds.runtime.simulation.weather import FULL, USUAL, Spell, weather
from autobuilds.runtime.stillness import dues, still
from autobuilds.runtime.view_values import NeedsYou

#: How long after the machine is back its timer runs the first heartbeat.
_BOOT = timedelta(minutes=2)
#: Heartbeats in a row that may leave an attempt unsettled which has ended.
_PATIENCE = 10
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Due:
    """Something that happens at a time; `kind` is `off`, `on`, `full`, `free` or `look`."""

    at: datetime
    kind: str


@dataclass(slots=True, kw_only=True)
class Play:
    """A simulation that is under way."""

    stage: Stage
    wish: Wish
    zone: tzinfo
    tale: Tale
    owner: SimulatedOwner
    due: list[_Due]
    known: frozenset[str]
    news: News
    #: Until when the machine is off; None while it is on.
    off_until: datetime | None = None
    needs: tuple[NeedsYou, ...] = ()
    #: Until when, in UTC, a heartbeat would find what the last one found; None where that is not known.
    still_until: datetime | None = None
    #: Where in the week each attempt began, in the order of their starts.
    places: dict[str, Where] = field(default_factory=dict)
    _wrong: set[str] = field(default_factory=set)

    def run(self, hear: Callable[[Told], None]) -> None:
        """Let the time pass, and have every line heard as it is told."""
        heard = 0
        for now, kind in self._moments():
            self.stage.host.set_clock(now.astimezone(self.zone))
            self._happen(now.astimezone(self.zone), kind)
            for line in self.tale.lines[heard:]:
                hear(line)
            heard = len(self.tale.lines)

    def _moments(self) -> Iterator[tuple[datetime, str]]:
        """Yield the moments at which something happens, in UTC, with what it is; of those at one moment the machine's come first."""
        end = later(self.wish.start, self.wish.span).astimezone(UTC)
        tick = _next_tick(self.wish.start - timedelta(microseconds=1))
        now, again = self.wish.start.astimezone(UTC), 0
        while True:
            ending = self.stage.runner.next_end()
            turns = [(tick, 2, "tick")]
            if ending is not None:
                turns.append((max(ending.astimezone(UTC), now), 1, "ending"))
            if self.due:
                turns.append((self.due[0].at.astimezone(UTC), 0, self.due[0].kind))
            before = now
            now, _, kind = min(turns)
            if now >= end:
                return
            if kind == "ending" and now == before:
                again += 1
                if again > _PATIENCE:
                    self._blame(now.astimezone(self.zone), "what has ended is not settled; the simulation is broken off")
                    return
            else:
                again = 0
            if kind == "tick":
                tick = _next_tick(now)
            elif kind != "ending":
                self.due.pop(0)
            yield now, kind

    def _happen(self, now: datetime, kind: str) -> None:
        if kind == "tick" and self.still_until is not None and now.astimezone(UTC) < self.still_until:
            # As the installed heartbeat does: what has not changed is not looked at again.
            self.tale.counts["beats"] += 1
            self.tale.counts["still"] += 1
            return
        self.still_until = None
        match kind:
            case "off":
                self._switch_off(now)
            case "on":
                self.off_until = None
                self.tale.tell(now, "on", "the machine is back")
            case "full" | "free":
                self.stage.host.fill_disk(FULL if kind == "full" else USUAL)
                self.tale.tell(now, kind, f"the disk is {FULL if kind == 'full' else USUAL:.0f} % full")
            case _ if self.off_until is not None:
                self.tale.counts["skipped-beats" if kind == "tick" else "missed-looks"] += 1
            case "look":
                self.owner.look(now, self.needs)
                self.news.tell(now, self.tale, his=True)
            case _:
                self._beat(now)

    def _switch_off(self, now: datetime) -> None:
        self.off_until = now
        lost = self.stage.runner.power_off()
        said = f"; it was building {', '.join(lost)}" if lost else ""
        self.tale.tell(now, "off", f"the machine is switched off{said}")

    def _beat(self, now: datetime) -> None:
        self.tale.counts["beats"] += 1
        try:
            done = beat(self.stage.context)
        except AutobuildsError as fault:
            self._blame(now, f"the heartbeat stopped: {fault}")
            return
        self.needs = done.needs_you
        for duty in done.duties:
            said = f"{duty.duty}: {quoted(duty.command)}: {LEFT_OUT}" if duty.tail == LEFT_OUT else str(duty)
            self.tale.tell(now, "duty" if duty.ok else "duty-failed", said)
        self.news.tell(now, self.tale)
        runs = self.stage.runner.runs()
        for run in runs[len(self.places) :]:
            self.places[run.attempt] = where(self.stage.context, run.begun)
        for trouble in done.faults:
            self.tale.tell(now, "fault", trouble)
        self._watch(now, done)
        if still(self.stage.context, done):
            self.still_until = min((due.astimezone(UTC) for due in dues(self.stage.context, done)), default=None)

    def _watch(self, now: datetime, done: Beat) -> None:
        for wrong in watch.after_beat(done, self.stage.runner.runs()):
            self._blame(now, wrong)

    def _blame(self, now: datetime, wrong: str) -> None:
        if wrong not in self._wrong:
            self._wrong.add(wrong)
            self.tale.wrong.append(f"{now:%Y-%m-%d %H:%M} {wrong}")
            self.tale.tell(now, "violation", wrong)


def _next_tick(now: datetime) -> datetime:
    """Return the first full or half hour after a moment, in UTC."""
    return _EPOCH + ((now.astimezone(UTC) - _EPOCH) // EVERY + 1) * EVERY


def simulate(stage: Stage, wish: Wish, hear: Callable[[Told], None] = lambda _: None) -> Simulated:
    """Run the product through the time that was wished for, and return what happened."""
    stage.host.set_clock(wish.start)
    context, tale = stage.context, Tale()
    zone = context.workspace.zone(context.workspace.config().settings)
    owner = SimulatedOwner(context=context, luck=Random(f"{wish.seed}/owner"), tale=tale)
    known = frozenset(a.id for b in context.workspace.ledger().builds for a in b.attempts)
    news = News(context=context, tip=context.repo.head().commit)
    due = sorted((*_changes(weather(wish)), *(_Due(at=at, kind="look") for at in looks(wish, zone))), key=lambda d: d.at.timestamp())
    due = [d for d in due if d.at.timestamp() >= wish.start.timestamp()]
    play = Play(stage=stage, wish=wish, zone=zone, tale=tale, owner=owner, due=due, known=known, news=news)
    play.run(hear)
    ledger = context.workspace.ledger()
    until = later(wish.start, wish.span).astimezone(zone)
    wrong = (*tale.wrong, *watch.at_the_end(ledger, stage.runner.runs(), known))
    return Simulated(
        wish=wish,
        until=until,
        lines=tuple(tale.lines),
        figures=figures.figures(ledger, stage.runner.runs(), tale, wrong),
        places=dict(play.places),
        tasks=figures.tasks(context),
        runs=tuple(stage.runner.runs()),
        violations=wrong,
    )


def _changes(spells: tuple[Spell, ...]) -> Iterator[_Due]:
    """Yield when each spell begins and ends; spells of one kind that overlap are one."""
    for begins, ends, kind in (("off", "on", "off"), ("full", "free", "full")):
        until: datetime | None = None
        for spell in (s for s in spells if s.kind == kind):
            if until is not None and spell.start <= until:
                continue
            yield _Due(at=spell.start, kind=begins)
            yield _Due(at=spell.end, kind=ends)
            if kind == "off":
                yield _Due(at=later(spell.end, _BOOT), kind="beat")
            until = spell.end
