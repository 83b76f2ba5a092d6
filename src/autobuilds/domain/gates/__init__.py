"""The gates: one small pure question each, asked before a task may start; this table is their order and their names."""

from __future__ import annotations

from collections.abc import Callable

from autobuilds.domain.gates import authority, budget, machine, order, standing, timing
from autobuilds.domain.situation import Situation
from autobuilds.domain.verdicts import Assessment, GateResult

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


def assess(situation: Situation) -> Assessment:
    """Ask every gate, so that the owner sees all obstacles at once."""
    return Assessment(label=situation.task.label, gates=tuple(gate(situation) for gate in GATES.values()))
