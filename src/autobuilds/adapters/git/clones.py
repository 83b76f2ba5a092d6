"""Repositories of our own beside the owner's: private clones that borrow its objects, and what is fetched from them."""

from __future__ import annotations

import shutil
import sys
import time
from pathlib import Path

from autobuilds.adapters.git.committing import TOOL
from autobuilds.adapters.git.handing import handed_over
from autobuilds.adapters.git.locks import Claim
from autobuilds.adapters.git.objects import sync_folder
from autobuilds.adapters.git.place import Place, check_branch, checked_out, find, read_ref
from autobuilds.adapters.git.process import Git
from autobuilds.adapters.git.refs import holding
from autobuilds.errors import BadInput, GitFailure, Refused, StorageFailure

#: References that keep the bases of builds from being collected in the owner's repository.
KEEP = "refs/autobuilds/keep/"
#: What our own repositories need no patience for: they can be made again.
_FAST = {"core.fsync": "none"}
#: Nanoseconds by which the times of files may lie behind the clock.
_CLOCK = 2_000_000_000
#: What a clone's own configuration says, so that an agent's `git commit` works and asks nothing.
_CLONE_SETTINGS = (
    ("user.name", TOOL.name),
    ("user.email", TOOL.email),
    ("commit.gpgSign", "false"),
    ("core.autocrlf", "false"),
    ("gc.auto", "0"),
)


def ours(folder: Path, **config: str) -> Git:
    """Return a runner for a repository of our own, without the person's configuration."""
    return Git(folder, isolated=True, config={**_FAST, **config})


def laid_out(git_dir: Path, algorithm: str, branch: str = "main", *, bare: bool = False) -> None:
    """Lay out a repository of ours as `git init` would, on a branch without a commit. Raises OSError."""
    if not sys.platform.startswith("linux"):
        # What else a file system can't do, Git finds out.
        folder, kind = (git_dir, ["--bare"]) if bare else (git_dir.parent, [])
        folder.mkdir(parents=True, exist_ok=True)
        ours(folder).run("init", "--quiet", *kind, "--template=", f"--object-format={algorithm}", f"--initial-branch={branch}", ".")
        return
    for name in ("objects/info", "objects/pack", "refs/heads", "refs/tags"):
        (git_dir / name).mkdir(parents=True, exist_ok=True)
    rows = [("repositoryformatversion", "0" if algorithm == "sha1" else "1"), ("bare", "true" if bare else "false")]
    rows += [] if bare else [("logallrefupdates", "true")]
    config = git_dir / "config"
    config.write_bytes(b"")
    rows += _file_system(config)
    extension = "" if algorithm == "sha1" else f"[extensions]\n\tobjectformat = {algorithm}\n"
    config.write_text("[core]\n" + "".join(f"\t{key} = {value}\n" for key, value in rows) + extension, encoding="ascii")
    (git_dir / "HEAD").write_text(f"ref: refs/heads/{branch}\n", encoding="utf-8", errors="surrogateescape")


def _file_system(file: Path) -> list[tuple[str, str]]:
    """Return what Git must know of the file system on which a file stands: modes, links, the case of names."""
    mode = file.stat().st_mode & 0o777
    try:
        file.chmod(mode ^ 0o100)
        kept = file.stat().st_mode & 0o777 == mode ^ 0o100
        file.chmod(mode)
    except OSError:
        kept = False
    # A new file that may be run at once is so by its file system alone.
    found = [("filemode", "true" if kept and not mode & 0o100 else "false")]
    if file.with_name(file.name.swapcase()).exists():
        found.append(("ignorecase", "true"))
    link = file.with_name("tried-link")
    try:
        link.symlink_to("nowhere")
        link.unlink()
    except OSError:
        found.append(("symlinks", "false"))
    return found


def first_ref(git_dir: Path, ref: str, commit: str) -> None:
    """Write a reference of a repository of ours that nobody else uses yet. Raises OSError."""
    path = git_dir / ref
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(f"{commit}\n", encoding="ascii")


def borrow(owner: Place, git_dir: Path) -> None:
    """Let a repository read the owner's objects."""
    objects = str(owner.objects.resolve())
    if "\n" in objects or objects[0] in '"#':
        raise BadInput(f"{objects!r}: Git can't borrow objects from a folder with such a name; rename it")
    info = git_dir / "objects" / "info"
    info.mkdir(parents=True, exist_ok=True)
    (info / "alternates").write_text(objects + "\n", encoding="utf-8", errors="surrogateescape")
    shallow = owner.common / "shallow"
    if shallow.is_file():
        shutil.copyfile(shallow, git_dir / "shallow")


def make(owner: Place, algorithm: str, target: Path, commit: str, branch: str) -> Path:
    """Make a private clone at `target` on `branch` at `commit`, whole or not at all.

    Raises BadInput when `target` is there and not empty, StorageFailure when it can't be written.
    """
    check_branch(branch)
    if target.exists() and (not target.is_dir() or any(target.iterdir())):
        raise BadInput(f"{target} is there already; remove it, or choose another folder for the clone")
    half = target.with_name(target.name + ".making")
    try:
        if half.is_dir() and not half.is_symlink():
            shutil.rmtree(half)
        half.mkdir(parents=True)
        laid_out(half / ".git", algorithm, branch)
        borrow(owner, half / ".git")
        with (half / ".git" / "config").open("ab") as file:
            for key, value in _CLONE_SETTINGS:
                section, name = key.split(".")
                file.write(f"[{section}]\n\t{name} = {value}\n".encode())
        first_ref(half / ".git", f"refs/heads/{branch}", commit)
        ours(half).run("reset", "--hard", "--quiet", timeout=600)
        if target.exists():
            target.rmdir()
        half.rename(target)
    except BaseException as error:
        shutil.rmtree(half, ignore_errors=True)
        if not isinstance(error, OSError):
            raise
        raise StorageFailure(f"could not make the clone {target}: {error.strerror}; free some space or mend the permissions") from error
    return target


def keep(place: Place, git: Git, branch: str, commit: str) -> None:
    """Keep a build's start alive in the owner's repository, under a reference named after its branch."""
    set_ref(place, git, KEEP + check_branch(branch).removeprefix("build/"), commit, "autobuilds: kept for a build")


def set_ref(place: Place, git: Git, ref: str, commit: str, why: str) -> None:
    """Move a reference of ours to a commit, wherever it stood."""
    who = f"{TOOL.name} <{TOOL.email}> {int(time.time())} +0000"
    if read_ref(place, ref) != commit:
        with Claim(place.common) as claim, holding(place, git, claim, ref, who, why) as held:
            held.new = commit


def fetch(git: Git, source: Path, commit: str, *, into: Path | None = None) -> None:
    """Copy a commit with all that it needs from a repository on this machine, checking every object.

    `into` is the owner's folder of objects: Git syncs what it writes there, but not the folders that name it, and a reference
    must not survive a power cut without its objects. Raises GitFailure when the commit is not there or is malformed.
    """
    began = time.time_ns()
    git.run(
        *("-c", "fetch.fsckObjects=true", "fetch", "--quiet", "--no-tags", "--no-prune", "--no-write-fetch-head", "--no-auto-gc"),
        *("--no-recurse-submodules", "--end-of-options", str(source), commit),
        fetching=True,
        timeout=600,
    )
    if into is not None:
        sync_changed(into, began)


def sync_changed(objects: Path, began: int) -> None:
    """Sync a folder of objects and those in it in which something was named since `began` (nanoseconds since 1970)."""
    for folder in (*(path for path in objects.iterdir() if path.is_dir()), objects):
        if folder.stat().st_mtime_ns >= began - _CLOCK:
            sync_folder(folder)


def adopt(place: Place, git: Git, source: Path, commit: str, branch: str) -> None:
    """Fetch a commit from a repository of ours and set a branch to it.

    Raises Refused when the branch is checked out.
    """
    folders = checked_out(place, check_branch(branch))
    if folders:
        raise Refused(f"branch {branch} is checked out in {folders[0]}; check out another one there, then try again")
    if not source.is_dir():
        raise GitFailure(f"{source} is not there any more; the build's commits can't be fetched")
    if not handed_over(git, source, place.objects, commit):
        fetch(git, source.absolute(), commit, into=place.objects)
    set_ref(place, git, f"refs/heads/{branch}", commit, "autobuilds: result of a build")


def open_place(root: Path) -> Place:
    """Return the parts of a repository of ours, bare or not."""
    return Place(root=root, git_dir=root, common=root) if (root / "HEAD").is_file() else find(root)
