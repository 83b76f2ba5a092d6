"""The script of a simulation: how long attempts take and how they end, by the seed alone."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from random import Random

from autobuilds.domain.agents import FailureClass
from autobuilds.domain.build import Outcome
from autobuilds.domain.lengths import UNKNOWN_LENGTH
from autobuilds.domain.model import Task
from autobuilds.ports import Job
from autobuilds.ports.staging import Turn
from autobuilds.records import dataclass

#: Of a hundred attempts: so many end in each way; the rest pass.
_ENDS = ((Outcome.CHECKS_FAILED, 9), (Outcome.AGENT_FAILED, 4), (Outcome.NO_CHANGE, 2))
_HANGS, _LIMITED = 3, 2


@dataclass(frozen=True, slots=True, kw_only=True)
class SeededScript:
    """Implements `ports.staging.Script`; `task` finds a task by its label."""

    seed: int
    calm: bool
    task: Callable[[str], Task | None]

    def __call__(self, job: Job) -> Turn:
        """Return the turn: the same for a label and attempt, whatever else happens."""
        length = length_of(self.task(job.label))
        if self.calm:
            return Turn(length=length)
        luck = Random(f"{self.seed}/{job.label}/{job.number}")
        length *= luck.uniform(0.5, 1.2)
        chance = luck.uniform(0, 100)
        if chance < _HANGS:
            return Turn(length=length, silent_after=length * luck.uniform(0.1, 0.9))
        chance -= _HANGS
        if chance < _LIMITED:
            after = timedelta(minutes=luck.randrange(20, 300))
            said = "the agent reached its usage limit (simulated)"
            return Turn(length=length / 3, outcome=Outcome.AGENT_FAILED, reason=said, failure=FailureClass.RATE_LIMIT, resets_after=after)
        chance -= _LIMITED
        for outcome, share in _ENDS:
            if chance < share:
                return Turn(length=length * luck.uniform(0.2, 1.0), outcome=outcome)
            chance -= share
        return Turn(length=length)


def length_of(task: Task | None) -> timedelta:
    """Return how long a build takes that takes as long as its forecast says."""
    if task is None or task.estimate is None:
        return UNKNOWN_LENGTH
    return timedelta(minutes=task.estimate.max_minutes)
