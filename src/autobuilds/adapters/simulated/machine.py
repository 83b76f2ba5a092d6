"""The machine of a simulation: a clock that is set, resources that are told, agents that are there, proofs kept in memory."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, tzinfo
from pathlib import Path
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from autobuilds.domain.build import Approval, Check
from autobuilds.domain.model import Criterion
from autobuilds.domain.moment import AgentStatus, Resources
from autobuilds.domain.sandbox import Confinement, TierProbe
from autobuilds.errors import BadInput
from autobuilds.ports import Invocation, Limits, Proposal, Proposed
from autobuilds.records import dataclass, field, replace

#: What the machine uses while nothing is wrong with it.
_AT_EASE = Resources(disk_percent=41.0, memory_percent=35.0, load_per_core=0.3, memory_free_mib=16384)


@dataclass(slots=True, kw_only=True)
class SimulatedHost:
    """Implements `ports.StagedHost`."""

    clock: datetime
    #: The zone of the machine.
    zone: tzinfo = UTC
    known: tuple[AgentStatus, ...] = ()
    use: Resources = field(default_factory=lambda: _AT_EASE)

    def set_clock(self, now: datetime) -> None:
        """Set the clock."""
        self.clock = now

    def fill_disk(self, percent: float) -> None:
        """Set the use of the disk."""
        self.use = replace(self.use, disk_percent=percent)

    def now(self, zone: str | None) -> datetime:
        """Return the clock in a zone (None: the machine's); raises BadInput for an unknown one."""
        if zone is None:
            return self.clock.astimezone(self.zone)
        try:
            return self.clock.astimezone(UTC if zone == "UTC" else ZoneInfo(zone))
        except (ZoneInfoNotFoundError, ValueError, OSError) as error:
            raise BadInput(f"{zone!r} is no time zone; use an IANA name such as Europe/Berlin") from error

    def resources(self, path: Path) -> Resources:
        """Return what was told."""
        return self.use

    def agents(self, wanted: Sequence[str] | None = None) -> tuple[AgentStatus, ...]:
        """Return the agents that are there."""
        return tuple(a for a in self.known if wanted is None or a.name in wanted)

    def examine(self, wanted: Sequence[str] | None = None) -> tuple[AgentStatus, ...]:
        """Return the same: no program is asked."""
        return self.agents(wanted)


@dataclass(slots=True)
class SimulatedSandbox:
    """Implements `ports.Sandbox` with tiers that were found before."""

    tiers: tuple[TierProbe, ...]

    def probe(self) -> tuple[TierProbe, ...]:
        """Return the tiers."""
        return self.tiers

    def tried(self) -> tuple[TierProbe, ...]:
        """Return the tiers."""
        return self.tiers

    def forget(self) -> None:
        """Keep what was found: this machine does not change."""


@dataclass(slots=True)
class SimulatedProofs:
    """Implements `ports.Proofs` in memory; `given` are approvals that the owner gave before the simulation."""

    given: dict[str, Approval] = field(default_factory=dict)
    in_doubt: frozenset[str] = frozenset()

    def proven(self, approvals: Sequence[Approval]) -> frozenset[str]:
        """Return the labels of the approvals that were given here as they stand."""
        return frozenset(a.label for a in approvals if a.label in self.given and _said(self.given[a.label]) == _said(a))

    def give(self, approval: Approval) -> None:
        """Remember an approval."""
        self.given[approval.label] = approval
        self.in_doubt -= {approval.label}

    def withdraw(self, label: str) -> None:
        """Forget it."""
        self.given.pop(label, None)

    def doubted(self) -> frozenset[str]:
        """Return the labels in doubt."""
        return self.in_doubt

    def doubt(self, labels: frozenset[str]) -> None:
        """Remember these labels."""
        self.in_doubt = labels


def _said(approval: Approval) -> tuple[str, str, str, float, str]:
    """Return what an approval says, its moment as an instant: it is compared in zones of its own and of the ledger's text."""
    return approval.label, approval.fingerprint, approval.by, approval.at.timestamp(), approval.how


@dataclass(slots=True)
class SimulatedChecker:
    """Implements `ports.Checker`: no command is run, every check of a merged tree passes."""

    def check(
        self,
        folder: Path,
        criteria: Sequence[Criterion],
        limits: Limits,
        environment: Mapping[str, str],
        confinement: Confinement | None = None,
    ) -> tuple[Check, ...]:
        """Return that every criterion's commands passed."""
        return passed(criteria, merged=True)


def passed(criteria: Sequence[Criterion], *, merged: bool = False, failing: bool = False) -> tuple[Check, ...]:
    """Return the checks of criteria as if their commands had been run; with `failing` the first that has a command fails."""
    found: list[Check] = []
    for criterion in criteria:
        commands: tuple[str | None, ...] = criterion.commands or (None,)
        for command in commands:
            broken = failing and command is not None
            failing = failing and not broken
            code = None if command is None else int(broken)
            said = "AssertionError: not yet (simulated)" if broken else ""
            found.append(
                Check(text=criterion.text, passed=not broken, command=command, exit_code=code, seconds=1.0, tail=said, merged=merged)
            )
    return tuple(found)


class SimulatedForge:
    """Implements `ports.Forge`: every pull request is opened, at an address that leads nowhere."""

    def propose(self, proposal: Proposal) -> Proposed:
        """Return where it would be."""
        return Proposed(address=f"https://forge.invalid/{proposal.branch}", remote="origin", command="simulated")


class SimulatedAgents:
    """Implements `ports.Agents`: every agent that is named can be invoked, and none is ever run."""

    def invocation(
        self,
        name: str,
        *,
        run_folder: Path,
        steps: str | None,
        passed: Sequence[str] = (),
        model: str | None = None,
        resume: str | None = None,
        clone: Path | None = None,
        prompt: str | None = None,
        money: float | None = None,
    ) -> Invocation:
        """Return a command line that says what it stands for."""
        return Invocation(argv=("simulated", name), session=None, resumes=False)

    def describe(self, name: str) -> dict[str, object]:
        """Return that there is nothing to tell of a simulated agent."""
        return {"name": name, "own": False}
