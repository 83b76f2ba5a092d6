"""What could be started now, the best first: the gates are asked task by task, only until enough are found."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import timedelta
from typing import TYPE_CHECKING, Literal

from autobuilds.domain import gates
from autobuilds.domain.gates.machine import choose_agent
from autobuilds.domain.lengths import Basis, Length, Lengths
from autobuilds.domain.situation import Claim, Shared, Situation
from autobuilds.domain.verdicts import Assessment, Verdict, ways
from autobuilds.planning.decision import claim_of, claim_of_start, in_order, situate
from autobuilds.records import dataclass

if TYPE_CHECKING:
    from autobuilds.domain.model import Task
    from autobuilds.domain.moment import Moment, Snapshot

#: How many tasks that are held are told of where none is ready.
HELD = 2


@dataclass(frozen=True, slots=True, kw_only=True)
class Candidate:
    """A task that could be started now, or after what the owner has to do for it (`needs`: commands, none where every gate says go)."""

    task: Task
    verdict: Verdict
    agent: str | None
    needs: tuple[str, ...] = ()
    #: How long it is expected to take, where a time was asked for.
    length: Length | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Ready:
    """What could be started: those that go first; `minutes` is the time that was asked for, None where it does not matter."""

    candidates: tuple[Candidate, ...]
    #: The first tasks that are held, where there is no candidate.
    held: tuple[Assessment, ...]
    #: How many tasks wait to be started, and how many of these fit into the time.
    waiting: int
    fitting: int
    #: Tasks of which nothing tells the length, where a time was asked for.
    unsized: tuple[str, ...] = ()
    minutes: int | None = None

    @property
    def any_go(self) -> bool:
        """Whether a task may be started as things stand."""
        return bool(self.candidates) and self.candidates[0].verdict is Verdict.GO


def ready(snapshot: Snapshot, moment: Moment, *, minutes: int | None = None, limit: int = 3, lengths: Lengths | None = None) -> Ready:
    """Return at most `limit` tasks that could be started now, in the order in which heartbeats start them.

    With `minutes` only tasks that fit by what their kind took before (`lengths`) or by their estimates: high priority first, then those
    that fill the time best, and behind those that go those that wait for the owner's approval, for off-hours or for their window alone.
    A task that is named claims its paths against later ones, as if it were started; its slot it does not take, since any one of them
    may be the one that is started.
    """
    waiting = _waiting(snapshot)
    known = {} if minutes is None else _lengths(waiting, snapshot, moment, lengths or Lengths())
    fitting = waiting if minutes is None else _fitting(waiting, known, timedelta(minutes=minutes))
    search = _Search(snapshot, moment, known)
    going = search.going(fitting, limit)
    askable = search.askable(fitting, limit - len(going), {c.task.label for c in going}) if minutes is not None else ()
    found = (*going, *askable)
    return Ready(
        candidates=found,
        held=() if found else tuple(search.held(fitting[:HELD])),
        waiting=len(waiting),
        fitting=len(fitting),
        unsized=tuple(label for label, length in known.items() if length.basis is Basis.GUESS),
        minutes=minutes,
    )


def _waiting(snapshot: Snapshot) -> list[Task]:
    active = {b.label for b in snapshot.ledger.active}
    return in_order(t for t in snapshot.queue.active if not t.checked and t.label not in active)


def _lengths(waiting: Iterable[Task], snapshot: Snapshot, moment: Moment, lengths: Lengths) -> dict[str, Length]:
    """Return how long each is expected to take by the agent that would build it."""
    chosen = {t.label: choose_agent(t, snapshot.settings, moment.agents) for t in waiting}
    return {t.label: lengths.of(t, agent.name if (agent := chosen[t.label]) is not None else "") for t in waiting}


def _fitting(waiting: Iterable[Task], known: dict[str, Length], time: timedelta) -> list[Task]:
    fits = [t for t in waiting if known[t.label].basis is not Basis.GUESS and known[t.label].span <= time]
    return sorted(fits, key=lambda t: (t.priority.rank, -known[t.label].span))


class _Search:
    """One search through the tasks of a snapshot."""

    def __init__(self, snapshot: Snapshot, moment: Moment, lengths: dict[str, Length]) -> None:
        self._lengths = lengths
        self._snapshot = snapshot
        self._moment = moment
        self._shared = Shared(snapshot, moment)
        self._running = tuple(claim_of(b, snapshot) for b in snapshot.ledger.active)
        self._claims: tuple[Claim, ...] = self._running

    def going(self, tasks: Sequence[Task], limit: int) -> tuple[Candidate, ...]:
        """Return the first tasks whose gates all say go; each claims its paths from then on."""
        found: list[Candidate] = []
        if not tasks or not self._any_may_start(tasks[0]):
            return ()
        for task in tasks:
            if gates.open_to(self._situation(task), besides=gates.COMMON):
                found.append(self._candidate(task, Verdict.GO))
                self._claims = (*self._claims, claim_of_start(task))
                if len(found) == limit:
                    break
        return tuple(found)

    def askable(self, tasks: Sequence[Task], limit: int, but: Iterable[str]) -> tuple[Candidate, ...]:
        """Return the first tasks that a word of the owner's would start: an approval, a higher priority."""
        found: list[Candidate] = []
        if limit <= 0 or not tasks or not self._any_may_start(tasks[0]):
            return ()
        for task in tasks:
            situation = self._situation(task)
            if task.label in but or not gates.open_to(situation, besides=gates.OWNERS | gates.COMMON):
                continue
            assessment = gates.assess_in_turn(situation)
            sketch = assessment.sketch
            if sketch.obstacles and not words_for(sketch):
                continue  # no text is read of a task that a time holds, say
            if needs := words_for(assessment):
                found.append(self._candidate(task, assessment.verdict, needs))
                if len(found) == limit:
                    break
        return tuple(found)

    def held(self, tasks: Iterable[Task]) -> Iterable[Assessment]:
        """Yield what every gate says of tasks."""
        for task in tasks:
            yield gates.assess(self._situation(task))

    def _any_may_start(self, task: Task) -> bool:
        """Whether the gates that answer alike for every task say go, asked for one."""
        return gates.open_to(self._situation(task), besides=gates.GATES.keys() - gates.COMMON)

    def _situation(self, task: Task) -> Situation:
        return situate(task, self._snapshot, self._moment, self._claims, shared=self._shared, slots_taken=len(self._running))

    def _candidate(self, task: Task, verdict: Verdict, needs: tuple[str, ...] = ()) -> Candidate:
        agent = choose_agent(task, self._snapshot.settings, self._moment.agents)
        return Candidate(
            task=task, verdict=verdict, agent=None if agent is None else agent.name, needs=needs, length=self._lengths.get(task.label)
        )


def words_for(assessment: Assessment, *, asking: bool = False) -> tuple[str, ...]:
    """Return the owner's words, as commands, that open every gate that holds a task; none where something else holds it too.

    With `asking` only gates that ask count: what waits opens by itself.
    """
    words = {word_of(assessment.label, what) for what in WORDS}
    found: list[str] = []
    for gate in assessment.obstacles:
        if asking and gate.verdict is not Verdict.ASK:
            continue
        way = next((w for w in ways(gate.fix) if w in words), None)
        if way is None:
            return ()
        if way not in found:
            found.append(way)
    return tuple(found)


#: What the owner can say of one task that lets it start: approve it, raise its priority, take it out of its window.
WORDS: tuple[Literal["approve", "raise", "unbind"], ...] = ("approve", "raise", "unbind")


def word_of(label: str, what: Literal["approve", "raise", "unbind"]) -> str:
    """Return the command by which the owner says it, as the gates name it."""
    if what == "approve":
        return f"autobuilds approve {label}"
    return f"autobuilds set {label} priority high" if what == "raise" else f'autobuilds set {label} window ""'
