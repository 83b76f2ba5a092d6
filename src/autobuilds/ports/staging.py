"""The ports of a simulation: a machine whose clock and strength are set, and a runner that plays what a script says."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Protocol

from autobuilds.domain.agents import FailureClass
from autobuilds.domain.build import Outcome
from autobuilds.ports.machine import Host
from autobuilds.ports.running import Job, Runner
from autobuilds.records import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Turn:
    """What a scripted attempt does: how long it works and how it ends, where nothing stops it before."""

    length: timedelta
    outcome: Outcome = Outcome.PASSED
    reason: str = ""
    failure: FailureClass | None = None
    #: How long after its end a usage limit is lifted.
    resets_after: timedelta | None = None
    #: It hangs from then on: no sign of life, and no end by itself.
    silent_after: timedelta | None = None


@dataclass(slots=True, kw_only=True)
class Run:
    """One attempt as it was really run: the runner's own record, by which the ledger can be judged."""

    attempt: str
    label: str
    number: int
    agent: str
    begun: datetime
    #: When it ends, or ended.
    ends: datetime
    outcome: Outcome
    over: bool = False
    #: How often it was submitted; more than once is right only where the first call was cut off.
    submitted: int = 1


class Script(Protocol):
    """Says what an attempt does."""

    def __call__(self, job: Job) -> Turn:
        """Return the turn of an attempt; the same for the same attempt of the same simulation."""
        ...


class StagedHost(Host, Protocol):
    """A machine that is what it is told to be."""

    def set_clock(self, now: datetime) -> None:
        """Set the clock to an aware moment."""
        ...

    def fill_disk(self, percent: float) -> None:
        """Set the use of the disk."""
        ...


class StagedRunner(Runner, Protocol):
    """A runner that plays turns on the staged clock."""

    def next_end(self) -> datetime | None:
        """Return when the next attempt ends by itself, or None where none runs."""
        ...

    def power_off(self) -> tuple[str, ...]:
        """Lose every attempt that runs, as a machine that goes down does, and return their labels."""
        ...

    def runs(self) -> Sequence[Run]:
        """Return every attempt that was ever begun, in the order of their starts."""
        ...
