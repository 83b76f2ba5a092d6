"""Merges and reverts in a scratch clone, and their delivery to the owner's branch and working tree."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path

from autobuilds.adapters.git import checkout, clones, index
from autobuilds.adapters.git.committing import TOOL, Committer, check_free
from autobuilds.adapters.git.locks import Claim, replace, sweep
from autobuilds.adapters.git.objects import TREE_MODE, Objects
from autobuilds.adapters.git.place import Place, check_branch, checked_out, read_ref
from autobuilds.adapters.git.process import Git, paths_of, words
from autobuilds.adapters.git.refs import Moved, holding
from autobuilds.errors import BadInput, GitBusy, GitFailure, Refused, StorageFailure
from autobuilds.ports import CheckedMerge, Head

_WHO = {"user.name": TOOL.name, "user.email": TOOL.email, "rerere.enabled": "false", "merge.conflictStyle": "merge"}
#: An entry of a tree or an index: mode and object id.
_Entry = tuple[bytes, str] | None
_SUBMODULE = b"160000"


class Scratch:
    """A clone of the owner's branch in which something is tried."""

    def __init__(self, owner: Place, algorithm: str, base_branch: str, folder: Path) -> None:
        onto = read_ref(owner, f"refs/heads/{check_branch(base_branch)}")
        if onto is None:
            raise Refused(f"there is no branch {base_branch} any more; create it again, or set the task's Base to another one")
        self.onto = onto
        self.folder = clones.make(owner, algorithm, folder, onto, base_branch)
        self.git = clones.ours(folder, **_WHO)

    def merge(self, commit: str, message: str) -> CheckedMerge:
        """Merge a commit, always with a merge commit; raises Refused when it is in the branch already."""
        if self.git.run("merge-base", "--is-ancestor", commit, self.onto, ok=(0, 1)).returncode == 0:
            raise Refused(f"{commit[:12]} is in the branch already; there is nothing to merge")
        done = self.git.run("merge", "--no-ff", "--no-commit", "--no-verify", "--no-edit", "--quiet", commit, ok=(0, 1, 2))
        return self._finish(done.returncode, done.stderr, message, (self.onto, commit))

    def revert(self, commit: str, message: str) -> CheckedMerge:
        """Take a commit back, for a merge what it brought in; raises Refused when there is nothing left of it."""
        parents = self.git.text("rev-list", "--parents", "-n1", commit, "--").split()[1:]
        mainline = ["--mainline=1"] if len(parents) > 1 else []
        done = self.git.run("revert", "--no-commit", *mainline, commit, ok=(0, 1))
        merged = self._finish(done.returncode, done.stderr, message, (self.onto,))
        if merged.commit is not None and self._tree(merged.commit) == self._tree(self.onto):
            raise Refused(f"nothing of {commit[:12]} is left in the branch; there is nothing to undo")
        return merged

    def revert_all(self, commits: Sequence[str], message: str) -> CheckedMerge:
        """Take several commits back, the newest first, in one commit; where nothing is left of them the branch stays where it is."""
        for commit in commits:
            parents = self.git.text("rev-list", "--parents", "-n1", commit, "--").split()[1:]
            mainline = ["--mainline=1"] if len(parents) > 1 else []
            done = self.git.run("revert", "--no-commit", *mainline, commit, ok=(0, 1))
            if done.returncode:
                return self._finish(done.returncode, done.stderr, message, (self.onto,))
        merged = self._finish(0, b"", message, (self.onto,))
        if merged.commit is not None and self._tree(merged.commit) == self._tree(self.onto):
            return CheckedMerge(commit=self.onto, onto=self.onto, scratch=self.folder)
        return merged

    def _tree(self, commit: str) -> str:
        return self.git.text("rev-parse", "--verify", "--end-of-options", f"{commit}^{{tree}}")

    def _finish(self, status: int, said: bytes, message: str, parents: Sequence[str]) -> CheckedMerge:
        conflicts = paths_of(
            b"\0".join(row.partition(b"\t")[2] for row in self.git.run("ls-files", "--unmerged", "-z").stdout.split(b"\0"))
        )
        if status or conflicts:
            if not conflicts:
                raise GitFailure(f"the merge in {self.folder} failed: {words(said)}")
            return CheckedMerge(commit=None, onto=self.onto, scratch=self.folder, conflicts=conflicts)
        tree = self.git.text("write-tree")
        above = [part for parent in parents for part in ("-p", parent)]
        commit = self.git.text("commit-tree", tree, *above, "-F", "-", data=(message.strip("\n") + "\n").encode("utf-8", "replace"))
        self.git.run("reset", "--hard", "--quiet", commit)
        return CheckedMerge(commit=commit, onto=self.onto, scratch=self.folder)


class Delivery:
    """Moves the owner's branch forward to a checked merge, with the working tree where it is checked out."""

    def __init__(self, place: Place, git: Git, algorithm: str, committer: Committer, head: Head) -> None:
        self._place = place
        self._git = git
        self._algorithm = algorithm
        self._committer = committer
        self._head = head

    def check(self, merged: CheckedMerge, branch: str) -> None:
        """Raise what `deliver` would raise now, and change nothing."""
        here = self._may_move(merged, branch)
        if merged.commit is None or self._tip(branch) == merged.commit:
            return
        self._check(branch, merged)
        if here:
            clones.fetch(self._git, merged.scratch.absolute(), merged.commit, into=self._place.objects)
            with Claim(self._place.common) as claim:
                copy, _ = index.private_copy(self._place, claim)
                self._wanted(copy, merged.onto, merged.commit)

    def _may_move(self, merged: CheckedMerge, branch: str) -> bool:
        """Return whether the branch is the checked-out one; raises Refused where it can't be moved at all."""
        if merged.commit is None:
            raise Refused(f"the merge has conflicts in {_names(merged.conflicts)}; nothing was delivered")
        elsewhere = [folder for folder in checked_out(self._place, check_branch(branch)) if folder != self._place.git_dir]
        if elsewhere:
            raise Refused(
                f"branch {branch} is checked out in another working tree ({elsewhere[0]}); check out another branch there, then try again"
            )
        here = branch == self._head.branch
        if here:
            check_free(self._head)
        return here

    def deliver(self, merged: CheckedMerge, branch: str) -> None:
        """Move the branch; see `ports.Repo.deliver`."""
        here = self._may_move(merged, branch)
        assert merged.commit is not None, "conflicts were refused"
        # An earlier try that was killed at its very end may have left its locks.
        sweep(self._place.common)
        if self._tip(branch) == merged.commit:
            return
        self._check(branch, merged)
        clones.fetch(self._git, merged.scratch.absolute(), merged.commit, into=self._place.objects)
        who = self._committer.signature(TOOL)
        ref = f"refs/heads/{branch}"
        try:
            with Claim(self._place.common) as claim:
                if here:
                    self._with_files(claim, merged.commit, merged.onto, ref, who)
                else:
                    with holding(self._place, self._git, claim, ref, who, "autobuilds: delivered") as held:
                        held.expect(merged.onto)
                        held.new = merged.commit
        except Moved:
            self._check(branch, merged)
            raise

    def _tip(self, branch: str) -> str | None:
        return read_ref(self._place, f"refs/heads/{branch}")

    def _check(self, branch: str, merged: CheckedMerge) -> None:
        tip = self._tip(branch)
        if tip != merged.onto:
            raise Refused(
                f"{branch} moved from {merged.onto[:12]} to {(tip or 'nowhere')[:12]} since the merge was checked; it has to be checked again"
            )

    def _with_files(self, claim: Claim, new: str, old: str, ref: str, who: str) -> None:
        """Hold index and branch, change files, then index, then branch: a crash in between is carried on by the next try."""
        quiet = self._without_filters()
        lock = self._place.git_dir / "index.lock"
        placeholder = claim.path("hold")
        placeholder.touch()
        claim.hold(lock, placeholder)
        try:
            copy, _ = index.private_copy(self._place, claim)
            wanted = self._wanted(copy, old, new)
            removed = {path for path, entry in wanted.items() if entry is None}
            written = [path for path, entry in wanted.items() if entry is not None and entry[0] != _SUBMODULE]
            with holding(self._place, self._git, claim, ref, who, "autobuilds: delivered") as held:
                held.expect(old)
                checkout.change(self._place, quiet, claim, new, written, removed)
                index.write_entries(quiet, copy, wanted, len(new))
                quiet.run("update-index", "-q", "--refresh", ok=(0, 1), variables={"GIT_INDEX_FILE": str(copy)})
                replace(copy, self._place.git_dir / "index")
                held.new = new
        except OSError as error:
            raise StorageFailure(f"the merge could not be written to {self._place.root}: {error}. Mend that, then accept again") from error
        finally:
            lock.unlink(missing_ok=True)

    def _wanted(self, copy: Path, old: str, new: str) -> dict[str, _Entry]:
        """Return what the merge changes, path by path; raises Refused where the owner's work is in the way.

        Files that are as the merge wants them already (an earlier try was killed) are not in the way.
        """
        changed = paths_of(self._git.run("diff-tree", "-r", "-z", "--name-only", "--no-renames", old, new).stdout)
        staged = self._staged(copy)
        in_the_way: list[str] = []
        wanted: dict[str, _Entry] = {}
        with Objects(self._git, self._place.objects, self._algorithm) as objects:
            trees = objects.tree_of(old), objects.tree_of(new)
            for path in changed:
                parts = tuple(os.fsencode(part) for part in path.split("/"))
                before, after = (_file(objects.lookup(tree, parts)) for tree in trees)
                wanted[path] = after
                if staged.get(path) not in (before, after) or not self._fits(objects, path, before, after):
                    in_the_way.append(path)
        removed = {path for path, entry in wanted.items() if entry is None}
        in_the_way += [path for path, entry in wanted.items() if entry and checkout.blocked(self._place.root, path, removed)]
        if in_the_way:
            raise Refused(f"your uncommitted work in {_names(in_the_way)} is in the way. Commit or move it, then accept again")
        return wanted

    def _fits(self, objects: Objects, path: str, before: _Entry, after: _Entry) -> bool:
        kinds = {entry[0] for entry in (before, after) if entry is not None}
        if _SUBMODULE in kinds:
            return kinds == {_SUBMODULE}
        if (self._place.root / path).is_dir() and not (self._place.root / path).is_symlink():
            return True
        try:
            return self._committer.on_disk(objects, path, before) in (before, after)
        except BadInput:
            return False

    def _staged(self, copy: Path) -> dict[str, _Entry]:
        found: dict[str, _Entry] = {}
        rows = self._git.run("ls-files", "--stage", "-z", variables={"GIT_INDEX_FILE": str(copy)}).stdout.split(b"\0")
        for row in rows:
            if row:
                facts, _, name = row.partition(b"\t")
                mode, oid, stage = facts.split(b" ")
                if stage != b"0":
                    raise GitBusy(f"{os.fsdecode(name)} has an unresolved conflict; resolve it, then accept again")
                found[os.fsdecode(name)] = (mode, oid.decode())
        return found

    def _without_filters(self) -> Git:
        """Return a runner for which no filter program of any configuration is defined."""
        known = self._git.run("config", "--name-only", "-z", "--get-regexp", r"^filter\..*", ok=(0, 1)).stdout
        off: dict[str, str] = {}
        for key in known.decode("utf-8", "surrogateescape").split("\0"):
            driver = key.rpartition(".")[0]
            if driver:
                off.update({f"{driver}.clean": "", f"{driver}.smudge": "", f"{driver}.process": "", f"{driver}.required": "false"})
        return Git(self._git.folder, git_dir=self._git.git_dir, work_tree=self._git.work_tree, config={**self._git.config, **off})


def _file(entry: _Entry) -> _Entry:
    return None if entry is not None and entry[0] == TREE_MODE else entry


def _names(paths: Sequence[str], most: int = 10) -> str:
    more = f" and {len(paths) - most} more" if len(paths) > most else ""
    return ", ".join(paths[:most]) + more
