"""The port of a forge: where finished work is offered as a pull request (a merge request, at some)."""

from __future__ import annotations

from pathlib import Path
from typing import Protocol

from autobuilds.records import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Proposal:
    """Finished work that is to be offered; `repository` is the absolute path of the owner's repository, which holds `commit`."""

    repository: Path
    branch: str
    commit: str
    #: The branch it is meant for.
    base: str
    title: str
    body: str
    #: Earlier commits of ours that the forge's branch may stand at; nothing else there is ever replaced.
    replaces: tuple[str, ...] = ()
    #: The forge's command (`gh`, `glab`, `tea`); None: by the remote's address.
    command: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Proposed:
    """Where the work is offered; `found` says that the pull request was there already, `remote` where the branch was pushed."""

    address: str
    remote: str
    command: str
    found: bool = False


class Forge(Protocol):
    """Offers finished work on the forge of a repository."""

    def propose(self, proposal: Proposal) -> Proposed:
        """Push the branch and open a pull request for it, or keep the one that is open; safe to call again.

        Raises ForgeFailure with what stands in the way (no remote, no program, not signed in, refused), Refused where the
        forge's branch holds work that is not ours.
        """
        ...
