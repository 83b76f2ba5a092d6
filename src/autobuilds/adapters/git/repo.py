"""The Repo port on one Git repository of the owner's; what a heartbeat without news does not need is imported where it is used."""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path

from autobuilds.adapters.git import place
from autobuilds.adapters.git.committing import Committer, algorithm_of, check_path
from autobuilds.adapters.git.objects import Objects
from autobuilds.adapters.git.process import Git
from autobuilds.errors import BadInput, Refused
from autobuilds.ports import CheckedMerge, Commit, DiffStat, FileStat, Head, Identity, LineOrigin, Maker

#: The committer of a commit object: address and seconds since 1970.
_COMMITTER = re.compile(rb"(?m)^committer [^\n]*<([^>\n]*)> (\d{1,12}) ")


class GitRepo:
    """One repository; `records` is the branch of record when commits do not go to the current one.

    `clock` gives the time of commits (default: the machine's). Raises BadInput where `root` is no top level of a working tree.
    """

    def __init__(self, root: Path, *, records: str | None = None, clock: Callable[[], datetime] | None = None) -> None:
        self._place = place.find(root)
        self._git = Git(self._place.root, git_dir=self._place.git_dir, work_tree=self._place.root)
        self._records = records
        self._clock = clock
        self._known_algorithm: str | None = None

    @property
    def root(self) -> Path:
        """Return the absolute path of its working tree."""
        return self._place.root

    @property
    def _algorithm(self) -> str:
        if self._known_algorithm is None:
            self._known_algorithm = algorithm_of(self._git, self._place, self.head().commit)
        return self._known_algorithm

    @property
    def _committer(self) -> Committer:
        return Committer(self._place, self._git, self._algorithm, self.head, self._clock)

    def head(self) -> Head:
        """Return where HEAD stands and whether an operation is in progress."""
        if place.refs_in_files(self._place):
            return place.head(self._place)
        name = self._git.run("symbolic-ref", "--quiet", "--short", "HEAD", ok=(0, 1)).stdout.decode().strip()
        return Head(branch=name or None, commit=self.resolve("HEAD"), busy=place.busy(self._place.git_dir))

    def resolve(self, ref: str) -> str | None:
        """Return the commit a branch or id stands for, or None."""
        if place.refs_in_files(self._place) and ref != "HEAD":
            found = place.read_ref(self._place, ref if ref.startswith("refs/") else f"refs/heads/{ref}") if _is_name(ref) else None
            if found is not None:
                return found
            if ref.startswith("refs/heads/"):
                return None
        if place.is_oid(ref):
            with self._objects(ref) as objects:
                there = objects.read(ref)
            if there is None or there[0] != "tag":
                return ref if there is not None and there[0] == "commit" else None
        if not ref or ref.startswith("-") or "\n" in ref or "\0" in ref:
            return None
        done = self._git.run("rev-parse", "--verify", "--quiet", "--end-of-options", f"{ref}^{{commit}}", ok=(0, 1, 128))
        oid = done.stdout.decode("ascii", "replace").strip()
        return oid if done.returncode == 0 and place.is_oid(oid) else None

    def contains(self, branch: str, commit: str) -> bool:
        """Whether a commit is part of a branch's history; False where either is not there."""
        tip, wanted = self.resolve(branch), self.resolve(commit)
        if tip is None or wanted is None:
            return False
        return self._git.run("merge-base", "--is-ancestor", wanted, tip, ok=(0, 1)).returncode == 0

    def identity(self) -> Identity | None:
        """Return the owner's identity as Git would use it, or None where none is set."""
        from autobuilds.adapters.git.origins import identity

        return identity(self._git, os.environ)

    def read(self, commit: str, path: str) -> bytes | None:
        """Return a file's bytes at a commit, or None if it is not there."""
        full = commit if place.is_oid(commit) else self.resolve(commit)
        if full is None:
            return None
        parts = tuple(os.fsencode(part) for part in path.split("/"))
        with self._objects(full) as objects:
            entry = objects.lookup(objects.tree_of(full), parts) if objects.read(full) else None
            found = objects.read(entry[1]) if entry is not None and entry[0].startswith(b"1") and entry[0] != b"160000" else None
        return found[1] if found is not None else None

    def heal(self) -> None:
        """Remove the locks and files that killed commands of ours left in the Git folder; nobody else's."""
        from autobuilds.adapters.git.locks import sweep

        sweep(self._place.common)

    def commit(
        self,
        paths: Sequence[str],
        message: str,
        *,
        author: Identity | None = None,
        branch: str = "current",
        texts: Mapping[str, bytes] | None = None,
    ) -> str | None:
        """Commit exactly these paths as they are on disk, or as `texts` gives them, and leave the owner's index and work alone; see the port."""
        return self._committer.commit(paths, message, author, branch, texts or {})

    def clone(self, target: Path, commit: str, branch: str) -> None:
        """Make a private clone at `target` on `branch` at `commit`, objects borrowed, nothing of this `.git` writable."""
        from autobuilds.adapters.git import clones

        full = self.resolve(commit)
        if full is None:
            raise BadInput(f"there is no commit {commit} in {self.root}; fetch it, or start the build afresh (`--fresh`)")
        clones.keep(self._place, self._git, branch, full)
        clones.make(self._place, self._algorithm, target.absolute(), full, branch)

    def adopt(self, source: Path, commit: str, branch: str) -> None:
        """Fetch `commit` from a repository of ours and set `refs/heads/<branch>` to it (never the checked-out branch)."""
        from autobuilds.adapters.git import clones

        clones.adopt(self._place, self._git, source, commit, branch)

    def diff(self, base: str, head: str) -> DiffStat:
        """Return what changed between two commits (renames as two paths)."""
        from autobuilds.adapters.git import reading

        return reading.diff(self._place, self._must(base), self._must(head))

    def file_stats(self, base: str, head: str) -> tuple[FileStat, ...]:
        """Return what changed between two commits file by file, by path (renames as two paths)."""
        from autobuilds.adapters.git import reading

        return reading.file_stats(self._place, self._must(base), self._must(head))

    def diff_text(self, base: str, head: str, limit: int = 200_000) -> str:
        """Return the unified diff between two commits, cut at `limit` characters with a word that it was."""
        from autobuilds.adapters.git import reading

        return reading.diff_text(self._git, self._must(base), self._must(head), limit)

    def merge(self, base_branch: str, commit: str, scratch: Path, message: str) -> CheckedMerge:
        """Merge `commit` onto the tip of `base_branch` in a scratch clone, always with a merge commit.

        Raises Refused when it is in that branch already.
        """
        from autobuilds.adapters.git.merging import Scratch

        return Scratch(self._place, self._algorithm, base_branch, scratch.absolute()).merge(self._must(commit), message)

    def revert(self, base_branch: str, commit: str, scratch: Path, message: str) -> CheckedMerge:
        """Make one commit in a scratch clone that takes `commit` (a merge) back on the tip of `base_branch`.

        Raises Refused when nothing of it is left there.
        """
        from autobuilds.adapters.git.merging import Scratch

        return Scratch(self._place, self._algorithm, base_branch, scratch.absolute()).revert(self._must(commit), message)

    def revert_all(self, base_branch: str, commits: Sequence[str], scratch: Path, message: str) -> CheckedMerge:
        """Make one commit in a scratch clone that takes all these commits back on the tip of `base_branch`; see the port."""
        from autobuilds.adapters.git.merging import Scratch

        return Scratch(self._place, self._algorithm, base_branch, scratch.absolute()).revert_all([self._must(c) for c in commits], message)

    def check_delivery(self, merged: CheckedMerge, base_branch: str) -> None:
        """Raise what `deliver` would raise now, and change nothing."""
        from autobuilds.adapters.git.merging import Delivery

        Delivery(self._place, self._git, self._algorithm, self._committer, self.head()).check(merged, base_branch)

    def tag(self, name: str, commit: str) -> None:
        """Set a tag of ours (`autobuilds/…`) to a commit. Raises Refused for any other tag."""
        from autobuilds.adapters.git import committing, snapshots

        snapshots.tag(self._place, self._git, self._committer.signature(committing.TOOL), name, self._must(commit))

    def untag(self, name: str) -> None:
        """Delete a tag of ours (`autobuilds/…`); no error when it is not there. Raises Refused for any other tag."""
        from autobuilds.adapters.git import snapshots

        snapshots.untag(self._place, self._git, name)

    def loose(self) -> tuple[str, ...]:
        """Return the paths of the working tree that HEAD does not hold as they are, without what is ignored."""
        from autobuilds.adapters.git import snapshots

        return snapshots.loose(self._git)

    def deliver(self, merged: CheckedMerge, base_branch: str) -> None:
        """Move `base_branch` forward to the checked merge, files of the checkout included, or raise and change nothing."""
        from autobuilds.adapters.git.merging import Delivery

        Delivery(self._place, self._git, self._algorithm, self._committer, self.head()).deliver(merged, base_branch)

    def delete_branch(self, branch: str) -> None:
        """Delete a branch of ours (`build/…`); no error when it is not there. Raises Refused for any other branch."""
        from autobuilds.adapters.git import clones, locks, refs

        if not place.check_branch(branch).startswith("build/"):
            raise Refused(f"{branch} is not a branch of autobuilds' own (build/…); delete it with `git branch -D`")
        where = place.checked_out(self._place, branch)
        if where:
            raise Refused(f"branch {branch} is checked out in {where[0]}; check out another one there, then try again")
        with locks.Claim(self._place.common) as claim:
            for ref in (f"refs/heads/{branch}", clones.KEEP + branch.removeprefix("build/")):
                refs.delete(self._place, self._git, claim, ref)

    def cut_off(self) -> bool:
        """Whether its history ends where a shallow clone was cut."""
        return self._place.cut_off

    def history(self, *, since: str | None = None) -> Iterator[Commit]:
        """Yield the commits with a `Build:` or `Event:` trailer, oldest first, after the commit `since` if given."""
        from autobuilds.adapters.git import reading

        tips = [self.head().commit, self.resolve(f"refs/heads/{self._records}") if self._records else None]
        known = list(dict.fromkeys(tip for tip in tips if tip is not None))
        start = self._must(since) if since else None
        yield from reading.history(self._place, known, start) if known else ()

    def mainline(self, tip: str, *, since: str | None = None, limit: int = 100_000) -> tuple[Commit, ...]:
        """Return the commits of a branch by its first parents alone, oldest first; see the port."""
        from autobuilds.adapters.git import reading

        return reading.mainline(self._git, self._must(tip), self._must(since) if since else None, limit)

    def before(self, when: datetime) -> str | None:
        """Return the last commit made at or before a moment, by first parents from where the tool's commits go."""
        tip = (self.resolve(f"refs/heads/{self._records}") if self._records else None) or self.head().commit
        if tip is None:
            return None
        latest = f"--min-age={max(0, int(when.timestamp()))}"
        return self._git.run("rev-list", "--max-count=1", "--first-parent", latest, tip, "--").stdout.decode("ascii").strip() or None

    def scratch(self, target: Path, commit: str) -> None:
        """Make a throw-away clone at `target` that stands at `commit`; the repository is left without a trace."""
        from autobuilds.adapters.git import clones

        clones.make(self._place, self._algorithm, target.absolute(), self._must(commit), "scratch")

    def made(self, commit: str) -> Maker | None:
        """Return who made a commit and when, or None where there is no such commit."""
        full = commit if place.is_oid(commit) else self.resolve(commit)
        if full is None:
            return None
        with self._objects(full) as objects:
            found = objects.read(full)
        match = _COMMITTER.search(found[1]) if found is not None and found[0] == "commit" else None
        if match is None:
            return None
        return Maker(by=match[1].decode("utf-8", "replace"), when=datetime.fromtimestamp(int(match[2]), UTC))

    def line_origin(self, commit: str, path: str, line: int) -> LineOrigin | None:
        """Return who brought a line of a file, as it stands at `commit`, into the history; None where that can't be told."""
        from autobuilds.adapters.git import origins

        check_path(self.root, path)
        return origins.line_origin(self._git, self._must(commit), path, line)

    def converts(self, path: str) -> bool:
        """Whether attributes have Git turn the committed text of a file into another on disk, line ends apart."""
        from autobuilds.adapters.git import origins

        check_path(self.root, path)
        return origins.converts(self._git, path)

    def ignores(self, path: str) -> bool:
        """Whether Git is told to leave a file that it does not know out of commits."""
        check_path(self.root, path)
        asked = ("--no-literal-pathspecs", "check-ignore", "-z", "--stdin")
        return self._git.run(*asked, data=path.encode() + b"\0", ok=(0, 1)).returncode == 0

    def _objects(self, oid: str) -> Objects:
        return Objects(self._git, self._place.objects, "sha1" if len(oid) == 40 else "sha256")

    def _must(self, ref: str) -> str:
        found = self.resolve(ref)
        if found is None:
            raise BadInput(f"there is no commit {ref} in {self.root}; it may have been deleted or never fetched")
        return found


def _is_name(ref: str) -> bool:
    try:
        return bool(place.check_branch(ref)) and not place.is_oid(ref)
    except BadInput:
        return False
