"""Taking what an agent left in its clone, without ever running Git on anything that the agent could configure.

Uncommitted work is committed through a pristine bare repository of ours; the agent's own commits are fetched by path.
"""

from __future__ import annotations

import os
import re
import stat
from pathlib import Path

from autobuilds.adapters.git import clones
from autobuilds.adapters.git.committing import TOOL, algorithm_of, commit_text, signed
from autobuilds.adapters.git.entries import TELLING, Change, changes_in, odd_entries, stat_of
from autobuilds.adapters.git.handing import vouch
from autobuilds.adapters.git.objects import Changes, Objects
from autobuilds.adapters.git.place import Place, check_branch, find, is_oid
from autobuilds.adapters.git.process import Git, paths_of, words
from autobuilds.domain.patterns import pattern
from autobuilds.errors import BadInput, GitFailure
from autobuilds.ports import DiffStat
from autobuilds.records import dataclass

#: A file larger than this many bytes is not taken.
LARGEST = 50 * 1024 * 1024
#: Nor is anything after this many bytes in all.
TOGETHER = 1024 * 1024 * 1024
#: Most files that are looked at.
MOST_FILES = 200_000
#: How HFS+ and NTFS would read a name as `.git`.
_IGNORED_BY_HFS = pattern("[\u200c-\u200f\u202a-\u202e\u206a-\u206f\ufeff]")
_GITS_OWN = pattern(r"(?i)(\.git|git~\d+)([ .]*|:.*)")


@dataclass(frozen=True, slots=True, kw_only=True)
class HarvestResult:
    """What was taken: `commit` is in the bare repository, `stat` its difference to the base.

    `notes` say in words what was left out or looks odd; `outside_links` are symbolic links that leave the clone.
    """

    commit: str
    changed_paths: tuple[str, ...]
    stat: DiffStat
    #: The agent left work that it had not committed.
    uncommitted: bool
    notes: tuple[str, ...] = ()
    outside_links: tuple[str, ...] = ()
    #: Repositories that the work only refers to.
    submodules: tuple[str, ...] = ()


def harvest(clone: Path, owner_repo: Path, bare: Path, base_commit: str, branch: str, message: str) -> HarvestResult:
    """Take an agent's work out of its clone into `bare` (made if missing), on `branch`, and compare it to `base_commit`.

    Raises BadInput when `clone` is no folder, GitFailure when the bare repository can't be used.
    """
    check_branch(branch)
    if clone.is_symlink() or not clone.is_dir():
        raise BadInput(f"{clone} is not a folder (any more); the attempt left nothing to take")
    owner, algorithm = _prepare(owner_repo, bare, base_commit)
    notes: list[str] = []
    git = clones.ours(bare, **{"user.name": TOOL.name, "user.email": TOOL.email, "core.protectHFS": "true"})
    git.git_dir = bare.absolute()
    tip = _agents_commits(git, clone, base_commit, branch, notes)
    with Objects(git, bare / "objects", algorithm, borrowed=[owner.objects], durable=False) as objects:
        head, links, changes = _work_tree(git, objects, clone, tip, message, notes)
        clones.first_ref(bare, f"refs/heads/{branch}", head)
        vouch(bare, [change.path for change in changes])
        if tip != base_commit:
            changes = changes_in(git.run("diff-tree", "-r", *TELLING, base_commit, head, "--").stdout)
        odd = odd_entries(changes, lambda oid: (objects.read(oid) or ("", b""))[1])
    stat_ = stat_of(changes)
    return HarvestResult(
        commit=head,
        changed_paths=stat_.paths,
        stat=stat_,
        uncommitted=head != tip,
        notes=tuple(notes),
        outside_links=tuple(dict.fromkeys([*links, *odd.links])),
        submodules=odd.submodules,
    )


def _prepare(owner_repo: Path, bare: Path, base: str) -> tuple[Place, str]:
    """Make the bare repository if it is missing; return where the owner's is and the hash of its ids."""
    owner = find(owner_repo)
    algorithm = algorithm_of(Git(owner_repo), owner, base)
    if not (bare / "HEAD").is_file():
        clones.laid_out(bare, algorithm, bare=True)
    clones.borrow(owner, bare)
    return owner, algorithm


def _guarded(path: Path, limit: int = 1024 * 1024) -> str | None:
    """Return the start of a file that an agent may have made something else of, or None if it is no plain file."""
    try:
        handle = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    except OSError:
        return None
    with os.fdopen(handle, "rb") as file:
        if not stat.S_ISREG(os.fstat(file.fileno()).st_mode):
            return None
        return file.read(limit).decode("utf-8", "replace")


def _tip_of(clone: Path, branch: str) -> str | None:
    """Return the commit that the clone's HEAD, or else its branch, stands at; read from its files alone."""
    folder = clone / ".git"
    if folder.is_symlink() or not folder.is_dir():
        return None
    text = (_guarded(folder / "HEAD", 4096) or "").strip()
    if is_oid(text):
        return text
    ref = text[5:].strip() if text.startswith("ref: refs/heads/") else f"refs/heads/{branch}"
    if ".." in ref:
        return None
    loose = (_guarded(folder / ref, 4096) or "").strip()
    if is_oid(loose):
        return loose
    packed = re.search(rf"(?m)^([0-9a-f]{{40,64}}) {re.escape(ref)}$", _guarded(folder / "packed-refs") or "")
    return packed.group(1) if packed else None


def _agents_commits(git: Git, clone: Path, base: str, branch: str, notes: list[str]) -> str:
    tip = _tip_of(clone, branch)
    if tip is None:
        notes.append("the clone's .git folder is gone or replaced: its commits could not be taken, the files were")
        return base
    if tip == base:
        return base
    try:
        clones.fetch(git, clone.absolute(), tip)
        if git.run("merge-base", "--is-ancestor", base, tip, ok=(0, 1)).returncode == 0:
            return tip
    except GitFailure as error:
        notes.append(f"the agent's commits could not be taken, the files were: {error}")
        return base
    git.run("update-ref", f"refs/autobuilds/left/{tip[:16]}", tip)
    notes.append(
        f"the agent rewrote the history that it was given: its files were taken on top of the base, its commits are kept as {tip[:12]}"
    )
    return base


def _work_tree(
    git: Git, objects: Objects, clone: Path, tip: str, message: str, notes: list[str]
) -> tuple[str, list[str], tuple[Change, ...]]:
    """Commit what differs from `tip` in the clone's files; return the commit, links that leave the clone, and what differs."""
    assert git.git_dir is not None
    private = git.git_dir / "harvest.index"
    private.unlink(missing_ok=True)
    tree_git = Git(clone, git_dir=git.git_dir, work_tree=clone.absolute(), isolated=True, config=git.config)
    variables = {"GIT_INDEX_FILE": str(private)}
    tree_git.run("read-tree", tip, variables=variables)
    listed = paths_of(tree_git.run("ls-files", "-z", "--cached", "--others", "--exclude-standard", variables=variables, timeout=600).stdout)
    paths = _with_nested(tree_git, clone, listed, notes)
    take, drop, links = _sorted_out(clone, paths, notes)
    for option, names in (("--force-remove", drop), ("--add", take)):
        data = b"".join(os.fsencode(name) + b"\0" for name in names)
        if not data:
            continue
        done = tree_git.run("update-index", "--replace", "--add", "--remove", *([option] if option != "--add" else []), "-z", "--stdin",
                            data=data, variables=variables, ok=(0, 1, 128), timeout=600)  # fmt: skip
        if done.returncode:
            notes.append(f"some files could not be taken: {words(done.stderr, 300)}")
    changes = changes_in(git.run("diff-index", "--cached", *TELLING, tip, "--", variables=variables, timeout=600).stdout)
    private.unlink(missing_ok=True)
    if not changes:
        return tip, links, changes
    entries: Changes = {tuple(c.path.split(b"/")): None if c.mode is None else (c.mode, c.oid) for c in changes}
    tree = objects.edited(objects.tree_of(tip), entries) or objects.write("tree", b"")
    who = signed(TOOL)
    return objects.write("commit", commit_text(tree, tip, who, who, message)), links, changes


def _with_nested(git: Git, clone: Path, listed: tuple[str, ...], notes: list[str]) -> list[str]:
    """Return the paths with the files of repositories inside the clone in place of their folders."""
    paths: list[str] = []
    for path in listed:
        if not path.endswith("/"):
            paths.append(path)
            continue
        inside: list[str] = []
        for where, folders, names in os.walk(clone / path):
            folders[:] = [name for name in folders if not _is_gits(name)]
            inside += [os.path.relpath(os.path.join(where, name), clone) for name in names if not _is_gits(name)]  # noqa: PTH118
            inside += [os.path.relpath(os.path.join(where, name), clone) for name in folders if os.path.islink(os.path.join(where, name))]  # noqa: PTH114, PTH118
            if len(inside) > MOST_FILES:
                break
        data = b"".join(os.fsencode(name) + b"\0" for name in inside)
        ignored = (
            set(
                paths_of(git.run("--no-literal-pathspecs", "check-ignore", "--no-index", "-z", "--stdin", data=data, ok=(0, 1, 128)).stdout)
            )
            if inside
            else set()
        )
        paths += sorted(name for name in inside if name not in ignored)
        notes.append(f"{path} is a repository of its own: its files were taken, its history was not")
    if len(paths) > MOST_FILES:
        notes.append(f"more than {MOST_FILES} files: the rest was not taken")
    return paths[:MOST_FILES]


def _is_gits(name: str) -> bool:
    return _GITS_OWN.fullmatch(_IGNORED_BY_HFS.sub("", name)) is not None


def _sorted_out(clone: Path, paths: list[str], notes: list[str]) -> tuple[list[str], list[str], list[str]]:
    take: list[str] = []
    drop: list[str] = []
    links: list[str] = []
    total = 0
    top = clone.resolve()
    for path in paths:
        full = clone / path
        try:
            status = full.lstat()
        except OSError:
            drop.append(path)
            continue
        if stat.S_ISDIR(status.st_mode):
            continue
        if any(_is_gits(part) for part in path.split("/")):
            notes.append(f"{path} was not taken: the name is one of Git's own")
        elif stat.S_ISLNK(status.st_mode):
            take.append(path)
            if not _stays_inside(top, full):
                links.append(path)
        elif not stat.S_ISREG(status.st_mode):
            drop.append(path)
            notes.append(f"{path} was not taken: not a regular file")
        elif status.st_size > LARGEST or total + status.st_size > TOGETHER:
            notes.append(f"{path} was not taken: {status.st_size} bytes are more than a build may add")
        elif not os.access(full, os.R_OK):
            notes.append(f"{path} was not taken: not readable")
        else:
            total += status.st_size
            take.append(path)
    if links:
        notes.append(f"symbolic links that leave the clone: {', '.join(links[:10])}")
    return take, drop, links


def _stays_inside(top: Path, link: Path) -> bool:
    try:
        target = Path(os.path.normpath(link.parent.resolve() / link.readlink()))
        return target.is_relative_to(top) and link.resolve().is_relative_to(top)
    except (OSError, RuntimeError):
        return False
