"""Everything of a simulated machine, put together: one adapter for every port that a workspace needs."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime, tzinfo
from pathlib import Path
from typing import Any

from autobuilds.adapters.runners.scripted import ScriptedRunner
from autobuilds.adapters.simulated.calendar import SimulatedCalendar
from autobuilds.adapters.simulated.house import SimulatedHouse
from autobuilds.adapters.simulated.machine import (
    SimulatedAgents,
    SimulatedChecker,
    SimulatedForge,
    SimulatedHost,
    SimulatedProofs,
    SimulatedSandbox,
)
from autobuilds.adapters.simulated.places import Repositories
from autobuilds.adapters.simulated.places import simulation_folder as simulation_folder
from autobuilds.domain.build import Approval
from autobuilds.domain.moment import AgentStatus
from autobuilds.domain.sandbox import TierProbe
from autobuilds.ports import Identity
from autobuilds.ports.staging import Script
from autobuilds.records import dataclass, field


@dataclass(slots=True, kw_only=True)
class Staged:
    """A simulated machine in one folder."""

    host: SimulatedHost
    repositories: Repositories
    runner: ScriptedRunner
    house: SimulatedHouse
    calendar: SimulatedCalendar
    checker: SimulatedChecker = field(default_factory=SimulatedChecker)
    agents: SimulatedAgents = field(default_factory=SimulatedAgents)
    forge: SimulatedForge = field(default_factory=SimulatedForge)
    proofs: SimulatedProofs = field(default_factory=SimulatedProofs)
    sandbox: SimulatedSandbox = field(default_factory=lambda: SimulatedSandbox(()))

    @classmethod
    def begin(cls, folder: Path, start: datetime, zone: tzinfo, script: Script, *, commits: Callable[[], str]) -> Staged:
        """Return a machine whose clock stands at `start`; `commits` says where the workspace's commits go, as its settings do."""
        host = SimulatedHost(clock=start, zone=zone)

        def records() -> str | None:
            return None if commits() in {"current", "none"} else commits()

        repositories = Repositories(folder=folder, clock=lambda: host.now(None), records=records)
        return cls(
            host=host,
            repositories=repositories,
            runner=ScriptedRunner(clock=lambda: host.clock, open_repo=repositories.open, script=script),
            house=SimulatedHouse(use=lambda: host.use, since=start),
            calendar=SimulatedCalendar(repositories.root, repositories.root),
        )

    def ports(self) -> dict[str, Any]:
        """Return the adapters by the names that a context has for their ports."""
        names = ("runner", "checker", "agents", "host", "proofs", "sandbox", "forge", "calendar", "house")
        return {**{name: getattr(self, name) for name in names}, "open_repo": self.repositories.open}

    def furnish(
        self,
        files: Mapping[str, str],
        owner: Identity | None,
        agents: tuple[AgentStatus, ...],
        tiers: tuple[TierProbe, ...],
        approvals: Sequence[Approval],
        calendars: Path | None,
    ) -> None:
        """Make the workspace with its files, and tell the machine what it has; `calendars` is the workspace whose calendars are read."""
        self.repositories.begin(files, owner)
        self.host.known = agents
        self.sandbox.tiers = tiers
        self.proofs.given.update({a.label: a for a in approvals})
        self.calendar = SimulatedCalendar(self.repositories.root, calendars or self.repositories.root)
