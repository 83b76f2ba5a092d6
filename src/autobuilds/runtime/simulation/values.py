"""What a simulation is asked for, and what it tells: the story line by line, the figures, and what was wrong."""

from __future__ import annotations

from collections import Counter
from datetime import datetime, timedelta

from autobuilds.ports.staging import Run, StagedHost, StagedRunner
from autobuilds.records import dataclass, field
from autobuilds.runtime.context import Context

#: What is said of a duty's command that is no command of ours.
LEFT_OUT = "left out of the simulation"
#: How often the installed timer runs a heartbeat.
EVERY = timedelta(minutes=30)


@dataclass(frozen=True, slots=True, kw_only=True)
class Wish:
    """What is simulated: from when, for how long, by which seed, and whether anything goes wrong on the way."""

    start: datetime
    days: int
    seed: int
    calm: bool = False

    @property
    def span(self) -> timedelta:
        """The length, by the clock of physics."""
        return timedelta(days=self.days)


@dataclass(frozen=True, slots=True, kw_only=True)
class Stage:
    """The throw-away workspace with its staged machine."""

    context: Context
    host: StagedHost
    runner: StagedRunner


@dataclass(frozen=True, slots=True, kw_only=True)
class Told:
    """One thing that happened; `what` is its kind (a transition's event, or one of the simulator's own words)."""

    at: datetime
    what: str
    text: str
    label: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Where:
    """Where in the owner's week a build began: his context, the windows that were open by the clock, and whether a night was on."""

    context: str
    windows: tuple[str, ...]
    night: bool


@dataclass(slots=True, kw_only=True)
class Tale:
    """What is gathered on the way."""

    lines: list[Told] = field(default_factory=list)
    counts: Counter[str] = field(default_factory=Counter)
    wrong: list[str] = field(default_factory=list)

    def tell(self, at: datetime, what: str, text: str, label: str = "") -> None:
        """Add a line and count its kind."""
        self.lines.append(Told(at=at, what=what, text=text, label=label))
        self.counts[what] += 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Simulated:
    """A simulation that is over."""

    wish: Wish
    until: datetime
    lines: tuple[Told, ...]
    figures: dict[str, float]
    #: Where every task stands in the end: label, state, and why.
    tasks: tuple[dict[str, str], ...]
    runs: tuple[Run, ...]
    #: Where in the owner's week each attempt began, by its id.
    places: dict[str, Where]
    #: What the product did that it must not do; none, or it is a fault of the product.
    violations: tuple[str, ...]
