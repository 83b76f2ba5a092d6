"""The gates: one small pure question each, asked before a task may start; this table is their order and their names."""

from __future__ import annotations

from collections.abc import Callable, Collection

from autobuilds.domain.gates import authority, budget, machine, order, standing, timing
from autobuilds.domain.situation import Situation
from autobuilds.domain.verdicts import Assessment, GateResult, Verdict, unfinished

Gate = Callable[[Situation], GateResult]

#: Every gate by name, in the order in which they are shown (chapter 3).
GATES: dict[str, Gate] = {
    "paused": standing.paused,
    "state": standing.state,
    "well-formed": standing.well_formed,
    "blockers": order.blockers,
    "requirements": authority.requirements,
    "priority": timing.priority,
    "window": timing.window,
    "category": authority.category,
    "risk": authority.risk,
    "conflict": order.conflict,
    "review": order.review,
    "agent": machine.agent,
    "capacity": order.capacity,
    "resources": machine.resources,
    "budget": budget.budget,
}


#: Gates whose answer takes long: they read all of a task's text by the tables of rules.
COSTLY = frozenset({"requirements", "risk"})
#: Gates that answer alike for every task of a snapshot and a moment, as long as nothing is started.
COMMON = frozenset({"paused", "capacity", "review"})
#: Gates that a word of the owner's opens: an approval, or a higher priority.
OWNERS = frozenset({"requirements", "priority", "window", "category", "risk"})
#: The order in which one answer is looked for that is not go: what costs least and holds most tasks first, what reads texts last.
_QUICKEST = ("paused", "capacity", "review", "priority", "window", "state", "well-formed", "agent", "category", "blockers", "resources", "budget",
             "conflict", "requirements", "risk")  # fmt: skip


def assess(situation: Situation) -> Assessment:
    """Ask every gate, so that the owner sees all obstacles at once."""
    return Assessment(label=situation.task.label, gates=_answers(situation, {}))


def assess_in_turn(situation: Situation) -> Assessment:
    """Ask the gates whose answer costs little, and the others only where all of those say go or somebody looks at their answers."""
    known = {name: gate(situation) for name, gate in GATES.items() if name not in COSTLY}
    if all(answer.verdict is Verdict.GO for answer in known.values()):
        return Assessment(label=situation.task.label, gates=_answers(situation, known))
    return unfinished(situation.task.label, tuple(known.values()), lambda: _answers(situation, known))


def open_to(situation: Situation, besides: Collection[str] = ()) -> bool:
    """Whether every gate besides those named says go; none is asked after the first that does not."""
    return all(GATES[name](situation).verdict is Verdict.GO for name in _QUICKEST if name not in besides)


def _answers(situation: Situation, known: dict[str, GateResult]) -> tuple[GateResult, ...]:
    return tuple(known.get(name) or gate(situation) for name, gate in GATES.items())
