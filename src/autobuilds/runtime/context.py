"""The context of a use case: the workspace and the ports, put together once by the wiring."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, tzinfo
from pathlib import Path

from autobuilds.errors import AutobuildsError
from autobuilds.ports import Agents, Checker, Host, Proofs, Repo, Runner
from autobuilds.store.workspace import Loaded, Workspace


@dataclass(frozen=True, slots=True, kw_only=True)
class Context:
    """What every use case gets; nothing in it is global."""

    workspace: Workspace
    runner: Runner
    checker: Checker
    agents: Agents
    host: Host
    #: Proves approvals outside the repository.
    proofs: Proofs
    #: Opens the Git repository at an absolute path; raises BadInput where there is none.
    open_repo: Callable[[Path], Repo]
    #: The command line that runs a heartbeat of this workspace, for a build's end.
    heartbeat_argv: tuple[str, ...] = ()
    #: Write no commits in this call (`--no-commit`).
    no_commit: bool = False

    @property
    def repo(self) -> Repo:
        """The workspace's own repository."""
        return self.open_repo(self.workspace.root)

    def load(self) -> Loaded:
        """Read all files."""
        return self.workspace.load(self.committed)

    def committed(self, path: str) -> bytes | None:
        """Return a workspace file as last committed, or None where there is no commit of it."""
        try:
            repo = self.repo
            commit = repo.head().commit
            tracked = self.workspace.tracked(path)
            return repo.read(commit, tracked) if commit and tracked else None
        except AutobuildsError:
            return None

    def now(self, zone: tzinfo) -> datetime:
        """Return the host's time in a zone."""
        return self.host.now(None).astimezone(zone)
