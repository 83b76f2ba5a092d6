"""The port of authority: what proves, outside the repository, that an approval is the owner's."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from autobuilds.domain.build import Approval


class Proofs(Protocol):
    """Proofs of one workspace's approvals, kept where no build and no commit can write them."""

    def proven(self, approvals: Sequence[Approval]) -> frozenset[str]:
        """Return the labels of those approvals that were given here, by this user, exactly as they stand; never raises."""
        ...

    def give(self, approval: Approval) -> None:
        """Prove an approval, in place of an earlier one of its label.

        Raises StorageFailure where the proof can't be kept, Refused where the key is open to others.
        """
        ...

    def withdraw(self, label: str) -> None:
        """Forget the proof of a label; raises StorageFailure."""
        ...

    def doubted(self) -> frozenset[str]:
        """Return the labels whose line `Approved: yes` appeared while a build could have written it; never raises."""
        ...

    def doubt(self, labels: frozenset[str]) -> None:
        """Remember exactly these labels as doubted; raises StorageFailure."""
        ...
