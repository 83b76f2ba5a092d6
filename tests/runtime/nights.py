"""A workspace in which nights are tried: real Git and builds, with a clock that can be set forward and a machine under any load."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from pathlib import Path

from autobuilds.domain.day import Night
from autobuilds.domain.moment import AgentStatus, Resources
from autobuilds.ports import Host
from autobuilds.runtime import night
from autobuilds.wiring import make_context
from tests.runtime.loop import Loop, make_loop

QUIET = Resources(disk_percent=10.0, memory_percent=10.0, load_per_core=0.1, memory_free_mib=100_000)


@dataclass
class FakeHost:
    """Implements `ports.Host`: the machine's own clock set forward by `ahead`, and any load."""

    real: Host
    ahead: timedelta = timedelta()
    load: Resources = field(default_factory=lambda: QUIET)

    def now(self, zone: str | None) -> datetime:
        return self.real.now(zone) + self.ahead

    def resources(self, path: Path) -> Resources:
        return self.load

    def agents(self, wanted: Sequence[str] | None = None) -> tuple[AgentStatus, ...]:
        return self.real.agents(wanted)

    def examine(self, wanted: Sequence[str] | None = None) -> tuple[AgentStatus, ...]:
        return self.real.examine(wanted)


@dataclass(frozen=True, slots=True, kw_only=True)
class NightLoop(Loop):
    """A workspace with a host of its own."""

    host: FakeHost

    @property
    def now(self) -> datetime:
        return self.context.now(self.context.workspace.zone(self.context.workspace.config().settings))

    def start(self, hours: float = 8) -> night.Started:
        """Begin a session of so many hours."""
        return night.start(self.context, self.now + timedelta(hours=hours))

    def later(self, hours: float) -> None:
        """Set the clock forward."""
        self.host.ahead += timedelta(hours=hours)

    @property
    def night(self) -> Night:
        """The newest night."""
        day = self.context.workspace.ledger().day
        assert day is not None and day.night is not None
        return day.night

    def phases(self) -> list[tuple[str, str]]:
        """Return the phases of the newest night and how they went."""
        return [(p.name, p.state) for p in self.night.phases]


def make_night(make_repo: Callable[..., Path], *blocks: str, more: str = "", **files: str) -> NightLoop:
    """Return a committed workspace with these tasks."""
    loop = make_loop(make_repo, *blocks, more=more, **files)
    host = FakeHost(real=make_context(loop.root).host)
    return NightLoop(context=replace(loop.context, host=host), host=host)
