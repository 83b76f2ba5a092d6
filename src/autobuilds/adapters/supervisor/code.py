"""The attempt's code: a private clone, its work saved in the owner's repository, the merge tried in a scratch clone."""

from __future__ import annotations

import shutil
from pathlib import Path

from autobuilds import errors
from autobuilds.adapters.git import GitRepo
from autobuilds.adapters.git.harvest import harvest
from autobuilds.adapters.supervisor.leaks import leaks
from autobuilds.adapters.supervisor.records import MAX_NOTES, Saved
from autobuilds.adapters.supervisor.secrecy import secrets_of_job
from autobuilds.ports import CheckedMerge, Job
from autobuilds.records import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class ClonedCode:
    """Implements `attempt.Code` with a clone of the job's repository."""

    job: Job
    clone_folder: Path
    scratch: Path

    def prepare(self) -> None:
        """Make the private clone on the build's branch, in place of the one in which a resumed session began."""
        if self.job.clone is not None and self.clone_folder.is_dir():
            shutil.rmtree(self.clone_folder)
        self.clone_folder.parent.mkdir(parents=True, exist_ok=True)
        self._repo().clone(self.clone_folder, self.job.start_commit, self.job.branch)

    def save(self, message: str) -> Saved:
        """Save everything in the clone as a commit on the build's branch in the owner's repository; nothing of the clone's Git runs.

        Where the owner has that branch checked out, the work goes to `<branch>.attempt-<number>` instead.
        """
        job = self.job
        bare = self.scratch.with_name("harvest.git")
        shutil.rmtree(bare, ignore_errors=True)
        try:
            found = harvest(self.clone_folder, Path(job.repository), bare, job.base_commit, job.branch, message)
            kept = _left(bare)
            leaked = leaks(bare, job.base_commit, (found.commit, *kept), secrets_of_job(job))
            repo = self._repo()
            try:
                repo.adopt(bare, found.commit, job.branch)
            except errors.Refused:
                repo.adopt(bare, found.commit, f"{job.branch}.attempt-{job.number}")
            for left in kept:
                repo.adopt(bare, left, f"{job.branch}.attempt-{job.number}-left-{left[:12]}")
        finally:
            shutil.rmtree(bare, ignore_errors=True)
        changed = set(found.changed_paths)
        return Saved(
            commit=found.commit,
            stat=found.stat,
            notes=(*found.notes, *leaked.notes)[:MAX_NOTES],
            secrets=leaked.found,
            outside_links=tuple(link for link in found.outside_links if link in changed),
            submodules=found.submodules,
        )

    def merge(self, commit: str, message: str) -> CheckedMerge:
        """Merge the build's commit onto the tip of the base branch in the scratch clone."""
        assert self.job.base_branch is not None
        return self._repo().merge(self.job.base_branch, commit, self.scratch, message)

    def _repo(self) -> GitRepo:
        return GitRepo(Path(self.job.repository))


def _left(bare: Path) -> list[str]:
    """Return the commits that the harvest kept beside the branch: history that the agent had rewritten."""
    folder = bare / "refs" / "autobuilds" / "left"
    return sorted(p.read_text(encoding="ascii").strip() for p in folder.iterdir()) if folder.is_dir() else []
