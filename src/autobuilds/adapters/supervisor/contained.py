"""What contains the programs of an attempt: the tier proved right before the agent starts, every program started in it."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path

from autobuilds.adapters.sandbox import MachineSandbox, PortRules, prepare
from autobuilds.adapters.supervisor import places
from autobuilds.adapters.supervisor.home import Home
from autobuilds.adapters.supervisor.run_folder import RunFolder
from autobuilds.adapters.supervisor.watch import Starter
from autobuilds.domain.sandbox import Confinement, Tier
from autobuilds.ports import Job
from autobuilds.records import dataclass, field, replace


@dataclass(frozen=True, slots=True, kw_only=True)
class Container:
    """Starts programs by one confinement; `environment` is what the agent is given, `check_environment` what checks are."""

    confinement: Confinement
    environment: dict[str, str]
    check_environment: dict[str, str]
    #: An empty home made for each round of checks; None: they have that of the confinement.
    check_home: Path | None = None
    #: What the agent and its checks may reach is the same, unless another service listens by then.
    ports: PortRules = field(default_factory=PortRules, compare=False, repr=False)

    @classmethod
    def of(cls, job: Job, folder: RunFolder, owner: Mapping[str, str]) -> Container:
        """Return what contains an attempt; `owner` is the environment of this process."""
        home = Home.of(job, owner)
        environment = dict(job.environment)
        checks = dict(job.environment if job.check_environment is None else job.check_environment)
        if home is not None:
            environment = _temporary(home.environment(environment), home.path, folder)
            checks = replace(home, path=folder.check_home).environment(checks)
        check_home = None if home is None else folder.check_home
        confinement = job.confinement
        if confinement.tier is Tier.NONE:
            return cls(confinement=confinement, environment=environment, check_environment=checks, check_home=check_home)
        readable = [*confinement.readable, str(folder.prompt), *places.borrowed(Path(job.repository))]
        readable += places.programs(job.argv, environment, confinement.hidden)
        if owner.get("HOME"):
            needed, told = places.tool_chains(environment, Path(owner["HOME"]))
            readable += needed
            environment, checks = {**environment, **told}, {**checks, **told}
        contained = replace(confinement, readable=tuple(dict.fromkeys(readable)), home=job.home)
        return cls(confinement=contained, environment=environment, check_environment=checks, check_home=check_home)

    def missing(self, program: str) -> str | None:
        """Return in words that a program is not there, or None."""
        if shutil.which(program, path=self.environment.get("PATH", os.defpath)) is None:
            return f"{program} is not installed or not on the PATH"
        return None

    def fault(self) -> str | None:
        """Try the tier out, and return why it does not hold now with what mends it; None when it does.

        Where it does not, what was kept of an earlier trial is removed.
        """
        if self.confinement.tier is Tier.NONE:
            return None
        found = MachineSandbox().probe_one(self.confinement.tier)
        if found.works:
            return None
        from autobuilds.adapters import trials

        trials.forget()
        mend = f" Mend it: {found.fix}" if found.fix else ""
        return f"the sandbox {found.tier.value} does not work any more: {found.why}.{mend}"

    @contextmanager
    def agent(self) -> Iterator[Starter]:
        """Yield what starts the agent contained; what it started in bubblewrap ends with the block."""
        with prepare(self.confinement, environment=os.environ, ports=self.ports) as prepared:
            yield prepared.popen

    @contextmanager
    def checks(self, tree: Path) -> Iterator[Starter]:
        """Yield what starts checks contained, which may change their tree and nothing else."""
        confinement = replace(self.confinement, writable=(str(tree),))
        home = self.check_home
        if home is not None:
            _clear(home)
            home.mkdir(mode=0o700, exist_ok=True)
            confinement = replace(confinement, home=str(home))
        try:
            with prepare(confinement, environment=os.environ, ports=self.ports) as prepared:
                yield prepared.popen
        finally:
            if home is not None:
                _clear(home)


def _clear(folder: Path) -> None:
    """Remove a folder, also what a program has made read-only in it."""
    for where, names, _ in os.walk(folder):
        for name in names:
            path = Path(where, name)
            with suppress(OSError):
                if not path.is_symlink():
                    path.chmod(0o700)
    shutil.rmtree(folder, ignore_errors=True)


def _temporary(environment: dict[str, str], home: Path, folder: RunFolder) -> dict[str, str]:
    """Return an agent's environment with a folder for temporary files that does not hold its home, as some programs demand.

    Elsewhere the usual one stays: paths of sockets in it are short.
    """
    usual = {"/tmp", environment.get("TMPDIR") or "/tmp"}  # noqa: S108 - only compared with
    if not any(Path(os.path.realpath(home)).is_relative_to(os.path.realpath(place)) for place in usual):
        return environment
    return {**environment, "TMPDIR": str(folder.temporary)}
