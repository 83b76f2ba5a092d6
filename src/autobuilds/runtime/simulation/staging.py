"""The stage of a simulation: which files stand in the throw-away workspace, taken from the owner's or from the sample."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime, timedelta, tzinfo
from pathlib import Path

from autobuilds.domain.build import Approval, Attempt, Build, Ledger
from autobuilds.domain.duties import DutyCommand
from autobuilds.domain.model import Queue
from autobuilds.domain.moment import AgentStatus
from autobuilds.domain.sandbox import Tier, TierProbe
from autobuilds.errors import BadInput
from autobuilds.ports import Identity
from autobuilds.records import dataclass, replace
from autobuilds.runtime.context import Context
from autobuilds.runtime.duties import DutyRun
from autobuilds.runtime.simulation.sample import contents, with_zone
from autobuilds.runtime.simulation.script import SeededScript
from autobuilds.runtime.simulation.values import Wish
from autobuilds.store.ledger import dumps
from autobuilds.store.workspace import CONFIG, LEDGER, POLICY, QUEUE

#: What stands there in any case.
_ENOUGH = {"README.md": "# A workspace in a simulation\n"}
#: Files that steer the workspace and are copied as they stand; calendars are read where they are.
_COPIED = (QUEUE, CONFIG, POLICY, "agents.toml")


#: What a simulated machine has where none is asked.
_AGENTS = (AgentStatus(name="command", found=True, signed_in=True), AgentStatus(name="claude", found=True, signed_in=True))
_TIERS = tuple(TierProbe(tier=tier, works=True) for tier in Tier)


@dataclass(frozen=True, slots=True, kw_only=True)
class Source:
    """What a stage is made of: the files of its workspace, the machine's answers, and what its builds and duties do."""

    wish: Wish
    zone: tzinfo
    #: Returns the files of the throw-away workspace at a place, by path.
    files: Callable[[Path], Mapping[str, str]]
    #: Runs a duty's command in the throw-away workspace.
    duty: Callable[[Context, DutyCommand, timedelta], DutyRun]
    owner: Identity | None = None
    agents: tuple[AgentStatus, ...] = _AGENTS
    tiers: tuple[TierProbe, ...] = _TIERS
    #: Approvals that are proven to be the owner's.
    approvals: tuple[Approval, ...] = ()
    #: The workspace whose calendars are read; None: the throw-away one.
    place: Path | None = None

    @property
    def start(self) -> datetime:
        """When it begins."""
        return self.wish.start

    def script(self, queue: Callable[[], Queue]) -> SeededScript:
        """Return what the builds do; `queue` reads the queue as it stands."""
        return SeededScript(seed=self.wish.seed, calm=self.wish.calm, task=lambda label: queue().find(label))


def of_sample(wish: Wish, zone: tzinfo, zone_name: str, duty: Callable[[Context, DutyCommand, timedelta], DutyRun]) -> Source:
    """Return the source of a simulation of the sample."""
    start = wish.start.astimezone(zone)
    return Source(wish=wish, zone=zone, duty=duty, files=lambda _: contents(start, zone_name))


def of_workspace(
    context: Context, wish: Wish, zone: tzinfo, zone_name: str | None, duty: Callable[[Context, DutyCommand, timedelta], DutyRun]
) -> Source:
    """Return the source of a simulation of a workspace as it stands, on this machine with its agents and its sandbox; reads alone."""
    approvals = context.workspace.ledger().approvals
    proven = context.proofs.proven(approvals)
    return Source(
        wish=wish,
        zone=zone,
        duty=duty,
        files=lambda root: workspace_files(context, root, zone_name),
        owner=context.repo.identity(),
        agents=context.host.agents(),
        tiers=context.sandbox.tried(),
        approvals=tuple(a for a in approvals if a.label in proven),
        place=context.workspace.root,
    )


def workspace_files(context: Context, root: Path, zone: str | None) -> Mapping[str, str]:
    """Return the files of a simulation of the owner's workspace as it stands, for a throw-away one at `root`; reads alone.

    Raises BadInput for a file that is no text in UTF-8.
    """
    found = dict(_ENOUGH)
    for name in _COPIED:
        path = context.workspace.path(name)
        if path.is_file():
            try:
                found[name] = path.read_bytes().decode("utf-8-sig" if name == CONFIG else "utf-8")
            except UnicodeDecodeError as error:
                raise BadInput(f"{path}: it is not UTF-8 (byte {error.start}); `autobuilds check` says more") from error
    if zone is not None:
        found[CONFIG] = with_zone(found.get(CONFIG, ""), zone)
    ledger = moved(context.workspace.ledger(), context.workspace.root, root)
    return {**found, LEDGER: dumps(ledger).decode()}


def moved(ledger: Ledger, before: Path, after: Path) -> Ledger:
    """Return the ledger with builds in one repository as builds in another; what was running is taken as never begun."""

    def attempt(found: Attempt) -> Attempt:
        return replace(found, repository=str(after)) if found.repository == str(before) else found

    def build(found: Build) -> Build:
        return replace(found, attempts=tuple(attempt(a) for a in found.attempts))

    return replace(ledger, builds=tuple(build(b) for b in ledger.builds))
