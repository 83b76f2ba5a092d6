"""What contains the programs of an attempt: the tier proved right before the agent starts, every program started in it."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

from autobuilds.adapters.sandbox import MachineSandbox, prepare
from autobuilds.adapters.supervisor import places
from autobuilds.adapters.supervisor.home import Home
from autobuilds.adapters.supervisor.run_folder import RunFolder
from autobuilds.adapters.supervisor.watch import Starter
from autobuilds.domain.sandbox import Confinement, Tier
from autobuilds.ports import Job

#: The exit status of a program that the launcher could not start.
NOT_STARTED = 125


@dataclass(frozen=True, slots=True, kw_only=True)
class Container:
    """Starts programs by one confinement; `environment` is what the agent is given, `check_environment` what checks are."""

    confinement: Confinement
    environment: dict[str, str]
    check_environment: dict[str, str]

    @classmethod
    def of(cls, job: Job, folder: RunFolder, owner: Mapping[str, str]) -> Container:
        """Return what contains an attempt; `owner` is the environment of this process."""
        home = Home.of(job, owner)
        environment, checks = (
            dict(given) if home is None else home.environment(given)
            for given in (job.environment, job.environment if job.check_environment is None else job.check_environment)
        )
        confinement = job.confinement
        if confinement.tier is Tier.NONE:
            return cls(confinement=confinement, environment=environment, check_environment=checks)
        readable = [*confinement.readable, str(folder.prompt), *places.borrowed(Path(job.repository))]
        readable += places.programs(job.argv, environment, confinement.hidden)
        if owner.get("HOME"):
            needed, told = places.tool_chains(environment, Path(owner["HOME"]))
            readable += needed
            environment, checks = {**environment, **told}, {**checks, **told}
        contained = replace(confinement, readable=tuple(dict.fromkeys(readable)), home=job.home)
        return cls(confinement=contained, environment=environment, check_environment=checks)

    def missing(self, program: str) -> str | None:
        """Return in words that a program is not there, or None."""
        if shutil.which(program, path=self.environment.get("PATH", os.defpath)) is None:
            return f"{program} is not installed or not on the PATH"
        return None

    def fault(self) -> str | None:
        """Try the tier out, and return why it does not hold now with what mends it; None when it does."""
        if self.confinement.tier is Tier.NONE:
            return None
        found = MachineSandbox().probe_one(self.confinement.tier)
        if found.works:
            return None
        mend = f" Mend it: {found.fix}" if found.fix else ""
        return f"the sandbox {found.tier.value} does not work any more: {found.why}.{mend}"

    @contextmanager
    def agent(self) -> Iterator[Starter]:
        """Yield what starts the agent contained; what it started in bubblewrap ends with the block."""
        with prepare(self.confinement, environment=os.environ) as prepared:
            yield prepared.popen

    @contextmanager
    def checks(self, tree: Path) -> Iterator[Starter]:
        """Yield what starts checks contained, which may change their tree and nothing else."""
        with prepare(replace(self.confinement, writable=(str(tree),)), environment=os.environ) as prepared:
            yield prepared.popen
