"""The port of one Git repository of the owner's, and the values that pass through it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import Protocol

from autobuilds.records import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Identity:
    """Who made a commit."""

    name: str
    email: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Head:
    """Where a repository stands: branch None when detached, commit None when unborn, `busy` names an operation in progress."""

    branch: str | None
    commit: str | None
    #: `merge`, `rebase`, `cherry-pick`, `revert`, `bisect`, `am`, or None.
    busy: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Commit:
    """One commit of the history that carries trailers of ours."""

    sha: str
    when: datetime
    subject: str
    trailers: Mapping[str, str]
    #: Filled by `Repo.mainline` alone.
    parents: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Maker:
    """Who committed, by address, and when."""

    by: str
    when: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class LineOrigin:
    """Where a line of a committed file comes from."""

    #: The author's e-mail as the commit has it.
    author: str
    commit: str


@dataclass(frozen=True, slots=True, kw_only=True)
class DiffStat:
    """What lies between two commits."""

    paths: tuple[str, ...]
    added: int
    removed: int


@dataclass(frozen=True, slots=True, kw_only=True)
class FileStat:
    """What changed in one file; None for a file that is not text."""

    path: str
    added: int | None
    removed: int | None


@dataclass(frozen=True, slots=True, kw_only=True)
class CheckedMerge:
    """A merge made in a scratch clone and not yet delivered; `commit` None when it has conflicts in `conflicts`."""

    commit: str | None
    onto: str
    scratch: Path
    conflicts: tuple[str, ...] = ()


class Repo(Protocol):
    """One Git repository of the owner's; nothing here runs hooks, signs, checks out, stashes or resets."""

    @property
    def root(self) -> Path:
        """Return the absolute path of its working tree."""
        ...

    def head(self) -> Head:
        """Return where HEAD stands and whether an operation is in progress."""
        ...

    def resolve(self, ref: str) -> str | None:
        """Return the commit a branch or id stands for, or None."""
        ...

    def contains(self, branch: str, commit: str) -> bool:
        """Whether a commit is part of a branch's history; False where either is not there."""
        ...

    def identity(self) -> Identity | None:
        """Return the owner's identity as Git would use it, or None where none is set."""
        ...

    def cut_off(self) -> bool:
        """Whether its history is not all there (a shallow clone), so that what is older can't be asked."""
        ...

    def read(self, commit: str, path: str) -> bytes | None:
        """Return a file's bytes at a commit, or None if it is not there."""
        ...

    def heal(self) -> None:
        """Remove the locks and files that killed commands of ours left in the Git folder; nobody else's."""
        ...

    def commit(
        self,
        paths: Sequence[str],
        message: str,
        *,
        author: Identity | None = None,
        branch: str = "current",
        texts: Mapping[str, bytes] | None = None,
    ) -> str | None:
        """Commit exactly these paths as they are on disk, or as `texts` gives them (gone ones as deletions) and leave the owner's index and work alone.

        Returns the new commit, or None when nothing differs and `message` carries no trailer. `author` None means the
        tool's own identity. Raises GitBusy where Git cannot commit now.
        """
        ...

    def clone(self, target: Path, commit: str, branch: str) -> None:
        """Make a private clone at `target` on `branch` at `commit`, objects borrowed, nothing of this `.git` writable."""
        ...

    def adopt(self, source: Path, commit: str, branch: str) -> None:
        """Fetch `commit` from a repository of ours and set `refs/heads/<branch>` to it (never the checked-out branch)."""
        ...

    def diff(self, base: str, head: str) -> DiffStat:
        """Return what changed between two commits (renames as two paths)."""
        ...

    def file_stats(self, base: str, head: str) -> tuple[FileStat, ...]:
        """Return what changed between two commits file by file, by path (renames as two paths)."""
        ...

    def diff_text(self, base: str, head: str, limit: int = 200_000) -> str:
        """Return the unified diff between two commits, cut at `limit` characters with a word that it was."""
        ...

    def merge(self, base_branch: str, commit: str, scratch: Path, message: str) -> CheckedMerge:
        """Merge `commit` onto the tip of `base_branch` in a scratch clone, always with a merge commit."""
        ...

    def revert(self, base_branch: str, commit: str, scratch: Path, message: str) -> CheckedMerge:
        """Make one commit in a scratch clone that takes `commit` (a merge) back on the tip of `base_branch`."""
        ...

    def revert_all(self, base_branch: str, commits: Sequence[str], scratch: Path, message: str) -> CheckedMerge:
        """Make one commit in a scratch clone that takes all these commits back, in the order given, on the tip of `base_branch`.

        Where nothing is left of them there, `commit` is that tip.
        """
        ...

    def check_delivery(self, merged: CheckedMerge, base_branch: str) -> None:
        """Raise what `deliver` would raise now, and change nothing."""
        ...

    def tag(self, name: str, commit: str) -> None:
        """Set a tag of ours (`autobuilds/…`) to a commit, wherever it stood; raises Refused for any other tag."""
        ...

    def untag(self, name: str) -> None:
        """Delete a tag of ours; no error when it is not there."""
        ...

    def loose(self) -> tuple[str, ...]:
        """Return the paths of the working tree that HEAD does not hold as they are (gone ones too), without what is ignored."""
        ...

    def deliver(self, merged: CheckedMerge, base_branch: str) -> None:
        """Move `base_branch` forward to the checked merge, files of the checkout included, or raise and change nothing.

        Raises Refused when the branch moved since, or the owner's uncommitted work is in the way (it names the files).
        """
        ...

    def delete_branch(self, branch: str) -> None:
        """Delete a branch of ours (`build/…`); no error when it is not there."""
        ...

    def history(self, *, since: str | None = None) -> Iterator[Commit]:
        """Yield the commits with a `Build:` or `Event:` trailer, oldest first, from all of our branches of record."""
        ...

    def mainline(self, tip: str, *, since: str | None = None, limit: int = 100_000) -> tuple[Commit, ...]:
        """Return the commits of a branch by its first parents alone, oldest first: `tip` is the last, `since` is not among them.

        At most `limit`, the newest. Raises BadInput for a commit that is not there.
        """
        ...

    def before(self, when: datetime) -> str | None:
        """Return the last commit made at or before a moment, by first parents from where the tool's commits go; None where there is none."""
        ...

    def scratch(self, target: Path, commit: str) -> None:
        """Make a throw-away clone at `target` that stands at `commit`, objects borrowed; the repository is left without a trace."""
        ...

    def made(self, commit: str) -> Maker | None:
        """Return who made a commit and when, or None where there is no such commit."""
        ...

    def line_origin(self, commit: str, path: str, line: int) -> LineOrigin | None:
        """Return who brought a line of a file, as it stands at `commit`, into the history; None where that can't be told."""
        ...

    def converts(self, path: str) -> bool:
        """Whether attributes have Git turn the committed text of a file into another on disk, line ends apart."""
        ...

    def ignores(self, path: str) -> bool:
        """Whether Git is told to leave a file that it does not know out of commits."""
        ...
