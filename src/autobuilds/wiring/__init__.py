"""The wiring: the one place that names concrete adapters."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

from autobuilds.errors import BadInput

if TYPE_CHECKING:
    from datetime import datetime, tzinfo

    from autobuilds.domain.sandbox import TierProbe
    from autobuilds.ports import Calendar, Checker, Host, House, Invocation, Proofs, Proposal, Proposed, Repo, Runner, Survey, Timer, Traces
    from autobuilds.runtime.context import Context
    from autobuilds.runtime.diagnosis import Patient
    from autobuilds.store.workspace import Workspace

__all__ = ["build_above", "create_repository", "describe_agent", "make_context", "make_patient", "survey", "timers"]


class Late:
    """Stands for an adapter that is made, and imported, when it is first asked something."""

    __slots__ = ("_made", "_make")

    def __init__(self, make: Callable[[], object]) -> None:
        self._make = make
        self._made: object | None = None

    def __getattr__(self, name: str) -> Any:
        if self._made is None:
            self._made = self._make()
        return getattr(self._made, name)


def build_above(root: Path) -> str | None:
    """Return the attempt of the workspace at `root` that this process descends from, or None."""
    from autobuilds.adapters.ancestry import build_above as above

    return above(root)


class LateForge:
    """The forge, imported when something is offered there."""

    def propose(self, proposal: Proposal) -> Proposed:
        """Push a branch and open a pull request for it; see the port."""
        from autobuilds.adapters.forge import CommandForge

        return CommandForge().propose(proposal)


#: Seconds for which a look at the sandbox tiers counts.
_PROBE_COUNTS = 60.0


class LatePresets:
    """The agents' presets, read when they are first needed: an agents.toml that can't be read stops starts alone."""

    def __init__(self, root: Path | None) -> None:
        self._root = root

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
        """Return how the agent is run; raises BadInput for an unknown agent or an unreadable agents.toml."""
        from autobuilds.adapters.agents.presets import Presets

        presets = Presets.load(self._root)
        return presets.invocation(
            name, run_folder=run_folder, steps=steps, passed=passed, model=model, resume=resume, clone=clone, prompt=prompt, money=money
        )

    def describe(self, name: str) -> dict[str, Any]:
        """Return a preset as plain data; raises BadInput for an unknown agent or an unreadable agents.toml."""
        from autobuilds.adapters.agents.presets import Presets
        from autobuilds.domain.moment import as_json

        found: dict[str, Any] = as_json(Presets.load(self._root).find(name))
        return found


def describe_agent(root: Path | None, name: str) -> dict[str, Any]:
    """Return an agent's preset as plain data, in a workspace or outside of one; raises BadInput for an unknown agent."""
    return LatePresets(root).describe(name)


class LateSandbox:
    """The machine's sandbox, imported when it is first asked; what was tried out counts for a minute, since it takes 50 ms and more.

    That is one trial for each heartbeat. A build's own tier is tried out again by its supervisor right before it starts.
    """

    def __init__(self) -> None:
        self._tried: tuple[float, tuple[TierProbe, ...]] | None = None

    def probe(self) -> tuple[TierProbe, ...]:
        """Return what works now, the strongest tier first."""
        from autobuilds.adapters.sandbox import MachineSandbox

        now = time.monotonic()
        if self._tried is None or now - self._tried[0] > _PROBE_COUNTS:
            found = MachineSandbox().probe()
            self._tried = (now, found)
            from autobuilds.adapters import trials

            if not all(probe.lasts for probe in found) or trials.recall() not in (None, found):
                self._unkeep()
        return self._tried[1]

    def tried(self) -> tuple[TierProbe, ...]:
        """Return what is kept of the last trial, or try out what works."""
        from autobuilds.adapters import trials

        if self._tried is not None:
            return self.probe()
        known = trials.recall()
        if known is None:
            standing = trials.standing()
            known = self.probe()
            trials.keep(known, standing)
        return known

    def forget(self) -> None:
        """Drop what was found, here and in the owner's state folder."""
        self._tried = None
        self._unkeep()

    def _unkeep(self) -> None:
        from autobuilds.adapters import trials

        trials.forget()


def make_context(root: Path, *, no_commit: bool = False) -> Context:
    """Return the context of a workspace with the real machine behind every port."""
    from autobuilds.runtime.context import Context
    from autobuilds.store.workspace import Workspace

    root = root.resolve()
    host = cast("Host", Late(lambda: _host(root)))
    branches: list[str | None] = []

    def records() -> str | None:
        if not branches:
            commits = workspace.config().settings.commits
            branches.append(None if commits in {"current", "none"} else commits)
        return branches[0]

    def open_repo(path: Path) -> Repo:
        from autobuilds.adapters.git.repo import GitRepo

        return GitRepo(path, records=records() if path == root else None, clock=lambda: host.now(None))

    workspace = Workspace(root, lambda: _machine_zone(host))
    return Context(
        workspace=workspace,
        runner=cast("Runner", Late(lambda: _runner(root, workspace))),
        checker=cast("Checker", Late(_checker)),
        agents=LatePresets(root),
        host=host,
        proofs=cast("Proofs", Late(lambda: _proofs(root))),
        sandbox=LateSandbox(),
        forge=LateForge(),
        calendar=cast("Calendar", Late(lambda: _calendar(root))),
        house=cast("House", Late(_house)),
        open_repo=open_repo,
        heartbeat_argv=(sys.executable, "-P", "-m", "autobuilds", "heartbeat", "--workspace", str(root), "--patient"),
        no_commit=no_commit,
        traces=lambda zone: _traces(root, zone=zone),
    )


def _machine_zone(host: Host) -> tzinfo:
    from datetime import UTC

    return host.now(None).tzinfo or UTC


def _host(root: Path | None) -> Host:
    from autobuilds.adapters.host import MachineHost

    return MachineHost(workspace=root)


def _runner(root: Path, workspace: Workspace) -> Runner:
    from autobuilds.adapters.runners.local import LocalRunner

    return LocalRunner(root, passed=lambda: _passed(root, workspace))


def _checker() -> Checker:
    from autobuilds.adapters.runners.checker import LocalChecker

    return LocalChecker()


def _calendar(root: Path) -> Calendar:
    from autobuilds.adapters.calendar import IcsCalendar

    return IcsCalendar(root)


def _house() -> House:
    from autobuilds.adapters.housekeeping.house import MachineHouse

    return MachineHouse()


def _proofs(root: Path) -> Proofs:
    from autobuilds.adapters.proofs import KeyedProofs, state_folder

    return KeyedProofs(root=root, folder=state_folder())


def _traces(root: Path, *, zone: bool) -> Traces | None:
    """Return what the machine's answers for a workspace, or its zone alone, depend on; None where that can't be told."""
    from autobuilds.adapters import traces

    return traces.of_zone() if zone else traces.traces(root)


def _passed(root: Path, workspace: Workspace) -> frozenset[str]:
    """Return the names of all variables that some agent may be given; of an agents.toml that can't be read none."""
    from autobuilds.adapters.agents.presets import Presets

    own = frozenset(workspace.config().settings.environment)
    try:
        return own.union(*(preset.variables for preset in Presets.load(root).table.values()))
    except BadInput:
        return own


def create_repository(folder: Path, contents: Mapping[str, str], message: str) -> None:
    """Make a Git repository with these files as its first commit; raises BadInput for a folder that is in use."""
    from autobuilds.adapters.git.create import create_repository as create

    create(folder, contents, message)


def timers() -> Mapping[str, Timer]:
    """Return the schedulers of this system by name, the preferred first."""
    from autobuilds.adapters.timers import TIMERS

    return TIMERS


def survey() -> Survey:
    """Return what is asked of Git about a folder."""
    from autobuilds.adapters.git.survey import GitSurvey

    return GitSurvey()


def machine_time(zone: str | None) -> datetime:
    """Return the time in a zone (None: the machine's), as commands outside of a workspace see it; raises BadInput for an unknown zone."""
    return _host(None).now(zone)


def make_patient(folder: Path, root: Path | None) -> Patient:
    """Return what the doctor examines: the machine, and the workspace if `root` is one."""
    from autobuilds.runtime.diagnosis import Patient

    context = make_context(root) if root is not None else None
    host = context.host if context is not None else _host(None)
    sandbox = context.sandbox if context is not None else LateSandbox()
    return Patient(folder=root or folder, context=context, host=host, survey=survey(), timers=timers(), sandbox=sandbox)
