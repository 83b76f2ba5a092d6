"""Where a repository's parts lie and where it stands, read from its files: no process is started for it."""

from __future__ import annotations

import re
from pathlib import Path

from autobuilds.domain.patterns import pattern
from autobuilds.errors import BadInput, GitFailure, StorageFailure
from autobuilds.ports import Head
from autobuilds.records import dataclass

_OID = pattern(r"[0-9a-f]{40}(?:[0-9a-f]{24})?")
#: What an operation in progress leaves in the Git folder, and its name; the first found counts.
_SIGNS = (
    ("rebase-merge", "rebase"),
    ("rebase-apply/applying", "am"),
    ("rebase-apply", "rebase"),
    ("MERGE_HEAD", "merge"),
    ("CHERRY_PICK_HEAD", "cherry-pick"),
    ("REVERT_HEAD", "revert"),
    ("sequencer", "cherry-pick"),
    ("BISECT_LOG", "bisect"),
)
#: The files and folders by which an operation in progress is known, relative to the Git folder.
SIGNS = tuple(sign for sign, _ in _SIGNS)
#: What HEAD holds where the references are not kept in files (Git's reftable).
_NOT_IN_FILES = "refs/heads/.invalid"


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """The folders of one repository: `git_dir` is this working tree's own, `common` is shared by all of them."""

    root: Path
    git_dir: Path
    common: Path

    @property
    def objects(self) -> Path:
        """Return the folder of the objects."""
        return self.common / "objects"

    @property
    def cut_off(self) -> bool:
        """Whether the history ends where a shallow clone was cut."""
        try:
            return (self.common / "shallow").stat().st_size > 0
        except OSError:
            return False

    def setting_is(self, key: str, value: str) -> bool:
        """Whether the repository's own configuration file has the line `key = value`, without regard to case."""
        try:
            text = (self.common / "config").read_bytes()
        except OSError:
            return False
        return re.search(rf"(?im)^[ \t]*{re.escape(key)}[ \t]*=[ \t]*{re.escape(value)}[ \t]*\r?$".encode(), text) is not None


def find(root: Path) -> Place:
    """Return the parts of the repository whose top level is `root`.

    Raises BadInput when `root` is no repository or lies inside one.
    """
    top = Path(root).absolute()
    entry = top / ".git"
    if not entry.exists():
        above = next((p for p in top.parents if (p / ".git").exists()), None)
        if above is not None:
            raise BadInput(f"{top} lies inside the Git repository {above}; the workspace must be its top level: use {above}")
        raise BadInput(f"{top} is not a Git repository; run `git init` there first")
    git_dir = entry
    if entry.is_file():
        match = re.match(r"gitdir: (.+)", entry.read_text(encoding="utf-8", errors="surrogateescape"))
        if match is None:
            raise BadInput(f"{entry} is a file, but does not name a Git folder; run `git worktree repair` in the main repository")
        git_dir = (top / match.group(1).rstrip("\r\n")).resolve()
    if not (git_dir / "HEAD").exists():
        raise BadInput(f"{git_dir} is not a whole Git folder (no HEAD); run `git fsck` or `git worktree repair`")
    shared = git_dir / "commondir"
    common = (git_dir / shared.read_text().strip()).resolve() if shared.is_file() else git_dir
    return Place(root=top, git_dir=git_dir, common=common)


def symbolic(git_dir: Path) -> str | None:
    """Return the reference HEAD points to, or None when it is detached.

    Raises GitFailure when HEAD can't be read.
    """
    text = read_small(git_dir / "HEAD")
    if text is None:
        raise GitFailure(f"{git_dir / 'HEAD'} can't be read; run `git fsck`")
    return text[5:].strip() if text.startswith("ref:") else None


def read_small(path: Path) -> str | None:
    """Return a small file's text without white space around it, or None if it is not there; raises StorageFailure."""
    try:
        return path.read_text(encoding="utf-8", errors="surrogateescape").strip()
    except (FileNotFoundError, NotADirectoryError, IsADirectoryError):
        return None
    except OSError as error:
        raise unreadable(path, error) from error


def unreadable(path: Path, error: OSError) -> StorageFailure:
    """Return the exception for a file of Git's that is there and can't be read."""
    return StorageFailure(f"can't read {path}: {error.strerror}; mend its permissions, or check the disk and run `git fsck`")


def refs_in_files(place: Place) -> bool:
    """Whether references are kept in files, as opposed to Git's reftable."""
    return symbolic(place.git_dir) != _NOT_IN_FILES


def is_oid(text: str) -> bool:
    """Whether a text is a whole object id."""
    return _OID.fullmatch(text) is not None


def read_ref(place: Place, ref: str) -> str | None:
    """Return the object id of a full reference name (loose or packed), or None; follows symbolic ones."""
    for _ in range(5):
        text = read_small(place.common / ref)
        if text is None:
            return _packed(place, ref)
        if not text.startswith("ref:"):
            return text if is_oid(text) else None
        ref = text[5:].strip()
    return None


def _packed(place: Place, ref: str) -> str | None:
    try:
        text = (place.common / "packed-refs").read_bytes()
    except FileNotFoundError:
        return None
    except OSError as error:
        raise unreadable(place.common / "packed-refs", error) from error
    match = re.search(rb"(?m)^([0-9a-f]{40,64}) " + re.escape(ref.encode("utf-8", "surrogateescape")) + rb"\r?$", text)
    return match.group(1).decode() if match else None


def busy(git_dir: Path) -> str | None:
    """Return the name of the operation in progress, or None."""
    return next((name for sign, name in _SIGNS if (git_dir / sign).exists()), None)


def head(place: Place) -> Head:
    """Return where HEAD stands; only for references in files."""
    target = symbolic(place.git_dir)
    if target is None:
        oid = read_small(place.git_dir / "HEAD") or ""
        return Head(branch=None, commit=oid if is_oid(oid) else None, busy=busy(place.git_dir))
    branch = target.removeprefix("refs/heads/")
    return Head(branch=branch, commit=read_ref(place, target), busy=busy(place.git_dir))


def checked_out(place: Place, branch: str) -> tuple[Path, ...]:
    """Return the Git folders of all working trees that have `branch` checked out, or are rebasing it."""
    folders = [place.common, *sorted((place.common / "worktrees").glob("*"))]
    wanted = f"refs/heads/{branch}"
    found = []
    for folder in folders:
        names = {read_small(folder / "rebase-merge/head-name"), read_small(folder / "rebase-apply/head-name")}
        text = read_small(folder / "HEAD") or ""
        bare = folder == place.common and place.setting_is("bare", "true")
        if not bare and (wanted in names or text == f"ref: {wanted}"):
            found.append(folder)
    return tuple(found)


def check_branch(name: str) -> str:
    """Return a branch name that is safe to hand to Git.

    Raises BadInput for what Git would not take, or would take for something else.
    """
    bad = re.search(r"[\x00-\x20\x7f~^:?*\[\\]|\.\.|@\{|//|/\.|\.lock(/|$)", name)
    if not name or bad or name[0] in "-./" or name[-1] in "./" or name in {"@", "HEAD"}:
        raise BadInput(f"{name!r} can't be the name of a branch; use letters, digits, `-` and `/`")
    return name
