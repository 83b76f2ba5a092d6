"""What was proposed for a weekend, kept in the private folder, so that the owner's choice is of what he saw."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from autobuilds.domain.weekend import Proposal
from autobuilds.errors import AutobuildsError
from autobuilds.records import dataclass
from autobuilds.store import files

#: In the workspace's private folder.
NAME = "weekend.json"
_VERSION = 1
#: Proposals that are kept for one weekend, the newest of them.
_MOST = 30
_LARGEST = 4 * 1024 * 1024


@dataclass(frozen=True, slots=True, kw_only=True)
class Suggested:
    """All proposals for one weekend (the date of its first day); `shown` are the ids of the newest ones in their order."""

    version: int = _VERSION
    weekend: str
    shown: tuple[str, ...] = ()
    proposals: tuple[Proposal, ...] = ()


def read_suggested(private: Path) -> Suggested | None:
    """Return what was proposed, or None where nothing was, or the file can't be read: then it is proposed anew."""
    import msgspec

    path = private / NAME
    try:
        found = msgspec.json.decode(files.read_stable(path, limit=_LARGEST, wait=1.0), type=Suggested)
    except (AutobuildsError, OSError, msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return None
    whole = {proposal.id for proposal in found.proposals}.issuperset(found.shown)
    return found if found.version == _VERSION and whole else None


def keep_suggested(private: Path, weekend: str, proposals: Sequence[Proposal]) -> Suggested:
    """Add proposals for a weekend to those that were made for it before, and return them all; those for another weekend go.

    Raises StorageFailure.
    """
    import msgspec

    before = read_suggested(private)
    known = before.proposals if before is not None and before.weekend == weekend else ()
    ids = {proposal.id for proposal in proposals}
    merged = (*(p for p in known if p.id not in ids), *proposals)[-_MOST:]
    kept = Suggested(weekend=weekend, shown=tuple(p.id for p in proposals), proposals=merged)
    if kept != before:
        files.write_atomic(private / NAME, msgspec.json.format(msgspec.json.encode(kept)) + b"\n")
    return kept
