"""One commit of exactly the given paths, by plumbing: no index of the person's, no hook, no filter takes part."""

from __future__ import annotations

import os
import re
import stat
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import datetime
from pathlib import Path

from autobuilds.adapters.git import index
from autobuilds.adapters.git.locks import Claim
from autobuilds.adapters.git.objects import TREE_MODE, Changes, Objects
from autobuilds.adapters.git.place import Place, check_branch, checked_out, read_ref
from autobuilds.adapters.git.process import Git
from autobuilds.adapters.git.refs import Moved, holding
from autobuilds.domain.patterns import pattern
from autobuilds.errors import BadInput, GitBusy, GitFailure
from autobuilds.ports import Head, Identity

TOOL = Identity(name="autobuilds", email="autobuilds@localhost")

_LINK, _SUBMODULE, _PLAIN, _PROGRAM = b"120000", b"160000", b"100644", b"100755"
_TRAILER = pattern(r"^[A-Za-z][A-Za-z0-9-]*: \S")
_WAYS_OUT = {
    "merge": "finish it with `git commit` or leave it with `git merge --abort`",
    "rebase": "finish it with `git rebase --continue` or leave it with `git rebase --abort`",
    "cherry-pick": "finish it with `git cherry-pick --continue` or leave it with `git cherry-pick --abort`",
    "revert": "finish it with `git revert --continue` or leave it with `git revert --abort`",
    "am": "finish it with `git am --continue` or leave it with `git am --abort`",
    "bisect": "end it with `git bisect reset`",
}
#: Tries when the person commits at the same time.
_TRIES = 20
#: The first of them, that do not keep the person's Git from its branch while objects are written.
_PATIENT = 3
#: What paths hold on disk: mode and object id, None for a path that is gone.
Found = dict[str, tuple[bytes, str] | None]


def check_path(root: Path, path: str) -> tuple[bytes, ...]:
    """Return the parts of a path inside the working tree.

    Raises BadInput for one that leaves it, goes through a symbolic link, or names Git's own files.
    """
    parts = path.split("/")
    if not path or "\0" in path or any(p in {"", ".", ".."} or p.casefold() in {".git", "git~1"} for p in parts):
        raise BadInput(f"{path!r} is not a path inside the repository that can be committed")
    for depth in range(1, len(parts)):
        if root.joinpath(*parts[:depth]).is_symlink():
            raise BadInput(f"{path} lies beyond the symbolic link {'/'.join(parts[:depth])}; commit the file that it points to")
    return tuple(os.fsencode(part) for part in parts)


def check_free(head: Head) -> str:
    """Return the branch that HEAD is on; raises GitBusy, with the way out, when it can't take a commit now."""
    if head.busy is not None:
        raise GitBusy(
            f"a {head.busy} is in progress: {_WAYS_OUT[head.busy]}. Until then nothing is committed; files are right, "
            "and the first heartbeat after it catches up"
        )
    if head.branch is None:
        raise GitBusy(
            f"HEAD is detached at {(head.commit or '?')[:12]}: run `git switch BRANCH`, or set `commits:` in HEARTBEAT.md to a "
            "branch of its own. Until then nothing is committed; files are right"
        )
    return head.branch


class Committer:
    """Makes commits in one repository; `clock` gives their time, `head` says where it stands."""

    def __init__(
        self, place: Place, git: Git, algorithm: str, head: Callable[[], Head], clock: Callable[[], datetime] | None = None
    ) -> None:
        self._place = place
        self._git = git
        self._algorithm = algorithm
        self._head = head
        self._clock = clock
        self._convert: dict[str, str] = {}
        #: What is committed of a path in place of what the disk holds at that moment.
        self._texts: Mapping[str, bytes] = {}

    def commit(
        self, paths: Sequence[str], message: str, author: Identity | None, branch: str, texts: Mapping[str, bytes] | None = None
    ) -> str | None:
        """Commit the paths onto `current`, a branch of record, or (`none`) nowhere; see `ports.Repo.commit`."""
        if branch == "none":
            return None
        self._texts = texts or {}
        wanted = {path: check_path(self._place.root, path) for path in dict.fromkeys(paths)}
        for attempt in range(_TRIES):
            head = self._head()
            current = branch in {"current", head.branch}
            name = check_free(head) if current else self._own_branch(branch)
            try:
                return self._once(wanted, message, author, name, current, patient=attempt < _PATIENT)
            except Moved:
                continue
        raise GitBusy(f"{branch} was moved by others {_TRIES} times while the tool tried to commit; the next heartbeat tries again")

    def _own_branch(self, branch: str) -> str:
        if checked_out(self._place, check_branch(branch)):
            raise GitBusy(
                f"branch {branch} is checked out in another working tree; check out another branch there, the next heartbeat catches up"
            )
        return branch

    def _once(
        self, wanted: dict[str, tuple[bytes, ...]], message: str, author: Identity | None, branch: str, current: bool, *, patient: bool
    ) -> str | None:
        """Make the commit and move the branch; `patient` holds the branch's lock as shortly as can be, and may raise Moved."""
        ref, why = f"refs/heads/{branch}", f"commit: {message.strip().partition(chr(10))[0]}"
        with Objects(self._git, self._place.objects, self._algorithm) as objects, Claim(self._place.common) as claim:
            who = self.signature(TOOL)
            parent = self._head().commit if current else read_ref(self._place, ref)
            found, made = self._build(objects, wanted, message, author, parent)
            if made is None:
                return None
            objects.settle()
            with holding(self._place, self._git, claim, ref, who, why) as held:
                if held.old != parent:
                    if patient:
                        raise Moved
                    found, made = self._build(objects, wanted, message, author, held.old)
                    objects.settle()
                held.new = made
            if current and found and made is not None:
                index.refresh(self._place, self._git, claim, found, len(made))
            return made

    def _build(
        self, objects: Objects, wanted: dict[str, tuple[bytes, ...]], message: str, author: Identity | None, parent: str | None
    ) -> tuple[Found, str | None]:
        """Write the commit on `parent`; return what the paths hold and its id, None when there is nothing to commit."""
        before = objects.tree_of(parent) if parent else None
        found: Found = {}
        changes: Changes = {}
        for path, parts in wanted.items():
            known = objects.lookup(before, parts) if before else None
            folder = known[1] if known is not None and known[0] == TREE_MODE else None
            known = None if folder else known
            found[path] = self.on_disk(objects, path, known)
            if found[path] == known:
                continue
            if before and known is None:
                changes.update(dict.fromkeys(self._in_the_way(objects, before, path, folder)))
            changes[parts] = found[path]
        if not changes and not any(_TRAILER.match(line) for line in message.rstrip().split("\n\n")[-1].split("\n")):
            return found, None
        tree = before if not changes and before else objects.edited(before, changes) or objects.write("tree", b"")
        who = self.signature(TOOL)
        return found, objects.write("commit", commit_text(tree, parent, self.signature(author) if author else who, who, message))

    def _in_the_way(self, objects: Objects, tree: str, path: str, folder: str | None) -> Iterator[tuple[bytes, ...]]:
        """Yield what the tree holds in place of a file or of a folder above it, and the disk does not hold any more.

        `folder` is the tree in the file's own place.
        """
        parts = tuple(os.fsencode(part) for part in path.split("/"))
        if folder is not None:
            yield from ((*parts, *inner) for inner in _files(objects, folder))
        for depth in range(1, len(parts)):
            entry = objects.lookup(tree, parts[:depth])
            if entry is None or entry[0] != TREE_MODE:
                above = self._place.root.joinpath(*path.split("/")[:depth])
                if entry is not None and entry[0] != _SUBMODULE and (above.is_dir() or not os.path.lexists(above)):
                    yield parts[:depth]
                return

    def signature(self, who: Identity) -> str:
        """Return who and when as Git writes it in a commit."""
        return signed(who, self._clock)

    def on_disk(self, objects: Objects, path: str, known: tuple[bytes, str] | None) -> tuple[bytes, str] | None:
        """Return mode and object id (written if new) of a path as it is on disk, or None if it is gone; `known` is the committed one.

        Raises BadInput for what is no file or symbolic link.
        """
        full = self._place.root / path
        try:
            status = full.lstat()
        except (FileNotFoundError, NotADirectoryError):
            if path not in self._texts:
                return None
            return known[0] if known is not None else _PLAIN, objects.write("blob", self._texts[path])
        if stat.S_ISLNK(status.st_mode):
            return _LINK, objects.write("blob", os.fsencode(full.readlink()))
        if not stat.S_ISREG(status.st_mode):
            raise BadInput(f"{path} is not a regular file (a folder, pipe, socket or device); it can't be committed")
        handle = os.open(full, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
        with os.fdopen(handle, "rb") as file:
            data = file.read() if path not in self._texts else self._texts[path]
        if b"\r\n" in data:
            data = self._as_stored(objects, path, data, known)
        mode = _PROGRAM if status.st_mode & 0o100 else _PLAIN
        if known is not None and known[0] in {_PLAIN, _PROGRAM} and self._place.setting_is("filemode", "false"):
            mode = known[0]
        if known is not None and known[0] == _LINK and self._place.setting_is("symlinks", "false"):
            mode = _LINK
        oid = objects.oid("blob", data)
        return mode, oid if known is not None and known[1] == oid else objects.write("blob", data)

    def _as_stored(self, objects: Objects, path: str, data: bytes, known: tuple[bytes, str] | None) -> bytes:
        """Return the bytes that Git would store for a file with CRLF, so that the person sees no change that is none."""
        asked = self._git.run("check-attr", "-z", "text", "eol", "crlf", "--", path).stdout.split(b"\0")
        attribute = dict(zip(asked[1::3], asked[2::3], strict=False))
        text, eol, crlf = (attribute.get(name, b"unspecified") for name in (b"text", b"eol", b"crlf"))
        if text == b"unspecified" and crlf != b"unspecified":
            text = b"set" if crlf == b"input" else crlf
        if text == b"unset":
            return data
        lines_only = data.replace(b"\r\n", b"\n")
        if text in {b"set", b"input"} or (eol in {b"lf", b"crlf"} and text != b"auto"):
            return lines_only
        if text != b"auto" and self._autocrlf() not in {"true", "input"}:
            return data
        # Git guesses: binary content, and files that were committed with CRLF, stay as they are.
        if b"\0" in data or b"\r" in lines_only:
            return data
        old = objects.read(known[1]) if known is not None else None
        return data if old is not None and b"\r\n" in old[1] else lines_only

    def _autocrlf(self) -> str:
        if "autocrlf" not in self._convert:
            done = self._git.run("config", "--type=bool-or-str", "core.autocrlf", ok=(0, 1, 128, 129))
            self._convert["autocrlf"] = done.stdout.decode("utf-8", "replace").strip().casefold()
        return {"yes": "true", "on": "true", "1": "true"}.get(self._convert["autocrlf"], self._convert["autocrlf"])


def _files(objects: Objects, tree: str) -> Iterator[tuple[bytes, ...]]:
    """Yield the path of everything below a tree that is no tree itself."""
    for name, (mode, oid) in objects.entries(tree).items():
        if mode == TREE_MODE:
            yield from ((name, *parts) for parts in _files(objects, oid))
        else:
            yield (name,)


def signed(who: Identity, clock: Callable[[], datetime] | None = None) -> str:
    """Return who and when as Git writes it in a commit; characters that Git forbids in a name are left out."""
    if clock is not None:
        now = clock()
        seconds, offset = int(now.timestamp()), int((now.utcoffset() or now - now).total_seconds())
    else:
        seconds = int(time.time())
        offset = time.localtime(seconds).tm_gmtoff
    sign, minutes = ("-" if offset < 0 else "+"), abs(offset) // 60
    name, email = (re.sub(r"[\x00-\x1f<>]", "", text).strip(" .,:;\"'\\") for text in (who.name, who.email))
    return f"{name or 'unknown'} <{email}> {seconds} {sign}{minutes // 60:02d}{minutes % 60:02d}"


def commit_text(tree: str, parent: str | None, author: str, committer: str, message: str) -> bytes:
    """Return the content of a commit; who made it is given as `signed` returns it."""
    lines = [f"tree {tree}", *([f"parent {parent}"] if parent else []), f"author {author}", f"committer {committer}", ""]
    return "\n".join([*lines, message.replace("\0", "").strip("\n") + "\n"]).encode("utf-8", "replace")


def algorithm_of(git: Git, place: Place, oid: str | None) -> str:
    """Return the hash of a repository's object ids, `sha1` or `sha256`."""
    if oid is not None:
        return "sha1" if len(oid) == 40 else "sha256"
    if not place.setting_is("objectformat", "sha256"):
        return "sha1"
    name = git.text("rev-parse", "--show-object-format")
    if name not in {"sha1", "sha256"}:
        raise GitFailure(f"{place.root} uses the object format {name}, which is not known here; use a newer autobuilds")
    return name
