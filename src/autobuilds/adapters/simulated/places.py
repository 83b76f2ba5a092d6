"""The places of a simulation: a private folder of its own, its repositories, and nobody else's."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path

from autobuilds.adapters.git.create import create_repository
from autobuilds.adapters.git.repo import GitRepo
from autobuilds.adapters.git.survey import GitSurvey
from autobuilds.adapters.proofs import state_folder
from autobuilds.domain.digests import sha256
from autobuilds.errors import BadInput, StorageFailure
from autobuilds.ports import Identity
from autobuilds.records import dataclass

_STAND_IN = {"README.md": "# A stand-in\n\nIt takes the place of a repository that a task of the simulation names.\n"}
#: As whom hand edits are committed where the owner has no name in Git.
_NAMELESS = Identity(name="You", email="you@localhost")


@contextmanager
def simulation_folder(*, keep: bool) -> Iterator[Path]:
    """Yield a new private folder, removed afterwards unless it is to be kept.

    It is in the session's own folder in memory (XDG_RUNTIME_DIR) where there is one: what is written there need not survive. What is
    to be kept is in the owner's state folder.

    Raises StorageFailure where it can't be made, Refused where the owner has no home.
    """
    memory = os.environ.get("XDG_RUNTIME_DIR", "")
    parent = (
        Path(memory) / "autobuilds"
        if not keep and memory.startswith("/") and os.access(memory, os.W_OK)
        else state_folder() / "simulations"
    )
    try:
        parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        folder = Path(tempfile.mkdtemp(prefix="simulation-", dir=parent)).resolve()
    except OSError as error:
        raise StorageFailure(f"could not make a folder in {parent}: {error.strerror}; free some space or mend the permissions") from error
    try:
        yield folder
    finally:
        if not keep:
            shutil.rmtree(folder, ignore_errors=True)


@dataclass(frozen=True, slots=True, kw_only=True)
class Repositories:
    """Opens the repositories of a simulation: its workspace, and a stand-in for every other that a task names."""

    folder: Path
    clock: Callable[[], datetime]
    #: The branch of record of the workspace, or None.
    records: Callable[[], str | None]

    @property
    def root(self) -> Path:
        """The throw-away workspace."""
        return self.folder / "workspace"

    def begin(self, contents: Mapping[str, str], owner: Identity | None) -> None:
        """Make the workspace with its files committed."""
        self._make(self.root, contents, owner)

    def open(self, path: Path) -> GitRepo:
        """Open a repository; raises BadInput where the one that is named is none, as without a simulation."""
        if path == self.root:
            return GitRepo(path, records=self.records(), clock=self.clock)
        if path.is_relative_to(self.folder):
            return GitRepo(path, clock=self.clock)
        stand_in = self.folder / "repositories" / f"{path.name}-{sha256(str(path).encode())[:8]}"
        if not stand_in.exists():
            if not (path / ".git").exists():
                raise BadInput(f"{path} is not the top of a Git repository; correct the task's Repository field")
            self._make(stand_in, _STAND_IN, None)
        return GitRepo(stand_in, clock=self.clock)

    def _make(self, root: Path, contents: Mapping[str, str], owner: Identity | None) -> None:
        create_repository(root, contents, "The state before the simulation", clock=self.clock)
        who, survey = owner or _NAMELESS, GitSurvey()
        survey.change_setting(root, "user.name", who.name)
        survey.change_setting(root, "user.email", who.email)
