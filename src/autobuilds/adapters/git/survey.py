"""What init and doctor ask of Git besides one repository's work: what stands in a folder, Git's version, its configuration."""

from __future__ import annotations

import re
import time
from pathlib import Path

from autobuilds.adapters.git import place
from autobuilds.adapters.git.locks import Claim, replace
from autobuilds.adapters.git.process import Git, words
from autobuilds.errors import BadInput, GitFailure

#: The oldest Git that is tested.
OLDEST = (2, 32)


class GitSurvey:
    """Implements `ports.Survey`."""

    def top_level(self, folder: Path) -> Path:
        """Return the top level of the working tree that begins in a folder; raises BadInput that says what to do where none does."""
        if not folder.is_dir():
            raise BadInput(f"there is no folder {folder}; make a repository with `git init {folder}`")
        git = Git(folder)
        done = git.run("rev-parse", "--is-bare-repository", "--is-inside-git-dir", ok=(0, 128))
        if done.returncode != 0:
            if b"not a git repository" in done.stderr:
                raise BadInput(f"{folder} is not a Git repository. Run `git init {folder}` first; the history of the files is kept by Git")
            raise GitFailure(f"Git refuses {folder}: {words(done.stderr)}")
        bare, inside = done.stdout.split()
        if bare == b"true":
            raise BadInput(
                f"{folder} is a bare repository: there are no files in it to work on. Clone it and run `autobuilds init` in the clone"
            )
        if inside == b"true":
            raise BadInput(f"{folder} is a Git folder, not a working tree; run `autobuilds init` in the folder above it")
        top = Path(git.text("rev-parse", "--show-toplevel"))
        if top.resolve() != folder.resolve():
            raise BadInput(f"{folder} is a sub-folder of the Git repository {top}; the workspace is its top level: `autobuilds init {top}`")
        return folder.resolve()

    def version(self) -> str | None:
        """Return Git's version, or None where it can't be run."""
        try:
            said = Git(Path("/")).text("--version")
        except (BadInput, GitFailure):
            return None
        match = re.search(r"\d+\.\d+(?:\.\d+)*", said)
        return match.group() if match else None

    def outdated(self, version: str) -> bool:
        """Whether a version is older than the oldest that is tested."""
        return tuple(int(part) for part in version.split(".")[:2]) < OLDEST

    def setting(self, root: Path, key: str) -> str | None:
        """Return a value of the repository's own configuration, or None."""
        done = Git(root).run("config", "--local", "--get", key, ok=(0, 1))
        return done.stdout.decode("utf-8", "replace").rstrip("\n") if done.returncode == 0 else None

    def change_setting(self, root: Path, key: str, value: str) -> None:
        """Set a value of the repository's own configuration; raises GitFailure, GitBusy, StorageFailure.

        A copy is changed and put in its place, so that no kill leaves a lock that somebody has to remove.
        """
        config = place.find(root).common / "config"
        lock = config.with_name("config.lock")
        with Claim(config.parent) as claim:
            held, copy = claim.path("setting"), claim.path("config")
            held.touch()
            claim.hold(lock, held)
            try:
                copy.write_bytes(config.read_bytes())
                copy.chmod(config.stat().st_mode & 0o777)
                Git(root).run("config", "--file", str(copy), key, value)
                replace(copy, config)
            finally:
                lock.unlink()

    def untouched(self, root: Path, path: str) -> bool:
        """Whether a file is as it was last committed, in the index and on disk (or in neither)."""
        return not Git(root).run("status", "--porcelain", "-z", "--untracked-files=all", "--", path).stdout

    def hooks(self, root: Path) -> tuple[str, ...]:
        """Return the names of the repository's hooks that Git would run for the owner's own commits."""
        chosen = Git(root).run("config", "--global", "--get", "core.hooksPath", ok=(0, 1)).stdout.decode("utf-8", "surrogateescape")
        own = self.setting(root, "core.hooksPath") or chosen.rstrip("\n")
        folder = root / Path(own).expanduser() if own else place.find(root).common / "hooks"
        if not folder.is_dir():
            return ()
        return tuple(sorted(p.name for p in folder.iterdir() if p.is_file() and p.suffix != ".sample" and p.stat().st_mode & 0o111))

    def locks(self, root: Path) -> tuple[tuple[Path, float], ...]:
        """Return Git's own lock files that stand there, each with its age in seconds."""
        here = place.find(root)
        found = []
        for path in (
            here.git_dir / "index.lock",
            here.git_dir / "HEAD.lock",
            here.common / "config.lock",
            here.common / "packed-refs.lock",
        ):
            try:
                found.append((path, time.time() - path.lstat().st_mtime))
            except FileNotFoundError:
                continue
        return tuple(found)
