"""Git objects, read and written here; what can't be read here is asked of one `git cat-file` for all questions."""

from __future__ import annotations

import contextlib
import hashlib
import os
import subprocess
import threading
import zlib
from collections.abc import Callable, Sequence
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Self

from autobuilds.adapters.git.process import TIMEOUT, Git
from autobuilds.errors import GitFailure, StorageFailure

if TYPE_CHECKING:
    from autobuilds.adapters.git.packs import Packs

TREE_MODE = b"40000"
#: Name, mode as Git writes it, object id.
Entries = dict[bytes, tuple[bytes, str]]
#: Changes of a tree by path parts; None takes the path out.
Changes = dict[tuple[bytes, ...], tuple[bytes, str] | None]


class Objects:
    """The object store of one repository; `algorithm` is `sha1` or `sha256`. Use it in a `with`.

    `borrowed` are folders of objects that it borrows from. With `durable` False nothing waits for the disk: for a repository
    of ours that can be made again.
    """

    def __init__(self, git: Git, folder: Path, algorithm: str = "sha1", *, borrowed: Sequence[Path] = (), durable: bool = True) -> None:
        self._git = git
        self._folder = folder
        self._algorithm = algorithm
        self._durable = durable
        self._folders = (folder, *borrowed)
        self._packs: list[Packs] | None = None
        #: Folders in which something was named that a power cut could take away.
        self._unsettled: dict[Path, None] = {}
        self._reader: subprocess.Popen[bytes] | None = None
        self._watch: threading.Timer | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        if self._watch is not None:
            self._watch.cancel()
        if self._reader is not None:
            with contextlib.suppress(BrokenPipeError):
                self._reader.communicate()

    @property
    def raw_length(self) -> int:
        """Bytes of an object id inside a tree."""
        return 20 if self._algorithm == "sha1" else 32

    def oid(self, kind: str, data: bytes) -> str:
        """Return the id that an object has."""
        digest = hashlib.new(self._algorithm, f"{kind} {len(data)}\0".encode(), usedforsecurity=False)
        digest.update(data)
        return digest.hexdigest()

    def read(self, oid: str) -> tuple[str, bytes] | None:
        """Return kind and content of an object by its id, or None if it is not there."""
        for folder in self._folders:
            found = self._loose(folder / oid[:2] / oid[2:])
            if found is not None:
                return found
        if self._packs is None:
            from autobuilds.adapters.git.packs import Packs

            self._packs = [Packs(folder, self.raw_length, self.oid) for folder in self._folders]
        for packs in self._packs:
            found = packs.read(oid)
            if found is not None:
                return found
        return self._ask(oid)

    def _loose(self, path: Path) -> tuple[str, bytes] | None:
        try:
            raw = zlib.decompress(path.read_bytes())
        except (FileNotFoundError, zlib.error):
            return None
        except OSError as error:
            raise StorageFailure(
                f"can't read {path}: {error.strerror}; mend its permissions, or check the disk and run `git fsck`"
            ) from error
        header, _, data = raw.partition(b"\0")
        return header.split(b" ")[0].decode(), data

    def _ask(self, oid: str) -> tuple[str, bytes] | None:
        if self._reader is None:
            self._reader = subprocess.Popen(
                self._git.command(["cat-file", "--batch"]),
                cwd=self._git.folder,
                env=self._git.environment(),
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.DEVNULL,
            )
            self._watch = threading.Timer(TIMEOUT, self._reader.kill)
            self._watch.daemon = True
            self._watch.start()
        into, out = self._reader.stdin, self._reader.stdout
        if into is None or out is None:
            raise GitFailure("`git cat-file` has no pipes")
        try:
            into.write(f"{oid}\n".encode())
            into.flush()
            header = out.readline().split()
            if len(header) == 2 and header[1] == b"missing":
                return None
            data = out.read(int(header[2]))
            out.read(1)
        except (BrokenPipeError, IndexError, ValueError) as error:
            raise GitFailure(f"`git cat-file` in {self._git.folder} stopped while {oid} was read; run `git fsck` there") from error
        return header[1].decode(), data

    def write(self, kind: str, data: bytes) -> str:
        """Write an object unless it is there as a loose one, and return its id; `settle` makes what was written last."""
        oid = self.oid(kind, data)
        self.put(oid, lambda: zlib.compress(f"{kind} {len(data)}\0".encode() + data, 1))
        return oid

    def put(self, oid: str, packed: Callable[[], bytes]) -> None:
        """Write an object as Git keeps it, compressed, unless it is there as a loose one. Raises StorageFailure."""
        target = self._folder / oid[:2] / oid[2:]
        # Who found it there may have been quicker than its writer's sync.
        self._unsettled[target.parent] = None
        if target.exists():
            return
        try:
            if not target.parent.is_dir():
                target.parent.mkdir(parents=True, exist_ok=True)
                self._unsettled[self._folder] = None
            # Git's own name for it, so that Git's own clean-up takes what a crash leaves.
            half = target.with_name(f"tmp_obj_{os.urandom(6).hex()}")
            try:
                with half.open("xb") as file:
                    file.write(packed())
                    file.flush()
                    os.fchmod(file.fileno(), 0o444)
                    if self._durable:
                        os.fsync(file.fileno())
                half.rename(target)
            except BaseException:
                half.unlink(missing_ok=True)
                raise
        except OSError as error:
            raise _unwritten(target.parent, error) from error

    def settle(self) -> None:
        """Make what was written survive a power cut: before anything names it. Raises StorageFailure."""
        for folder in sorted(self._unsettled, key=lambda f: len(f.parts)) if self._durable else ():
            try:
                sync_folder(folder)
            except OSError as error:
                raise _unwritten(folder, error) from error
        self._unsettled.clear()

    def tree_of(self, commit: str) -> str:
        """Return the tree of a commit; raises GitFailure when it is none."""
        found = self.read(commit)
        if found is None or found[0] != "commit":
            raise GitFailure(f"{commit} is not a commit of {self._git.folder}; run `git fsck` there")
        return found[1].split(b"\n", 1)[0].removeprefix(b"tree ").decode()

    def entries(self, tree: str) -> Entries:
        """Return the entries of a tree; raises GitFailure when it is none."""
        found = self.read(tree)
        if found is None or found[0] != "tree":
            raise GitFailure(f"{tree} is not a tree of {self._git.folder}; run `git fsck` there")
        entries, data, at = Entries(), found[1], 0
        while at < len(data):
            end = data.index(b"\0", at)
            mode, name = data[at:end].split(b" ", 1)
            at = end + 1 + self.raw_length
            entries[name] = (mode, data[end + 1 : at].hex())
        return entries

    def lookup(self, tree: str, parts: tuple[bytes, ...]) -> tuple[bytes, str] | None:
        """Return mode and id of a path in a tree, or None."""
        entry = self.entries(tree).get(parts[0])
        if entry is None or len(parts) == 1:
            return entry
        return self.lookup(entry[1], parts[1:]) if entry[0] == TREE_MODE else None

    def edited(self, tree: str | None, changes: Changes) -> str | None:
        """Write the tree with the changes made and return its id, or None when nothing is left in it."""
        entries = self.entries(tree) if tree else Entries()
        below: dict[bytes, Changes] = {}
        for parts, entry in changes.items():
            if len(parts) > 1:
                below.setdefault(parts[0], {})[parts[1:]] = entry
            elif entry is None:
                entries.pop(parts[0], None)
            else:
                entries[parts[0]] = entry
        for name, inner in below.items():
            mode, oid = entries.get(name, (b"", ""))
            if mode != TREE_MODE and all(entry is None for entry in inner.values()):
                continue
            changed = self.edited(oid if mode == TREE_MODE else None, inner)
            if changed is None:
                entries.pop(name, None)
            else:
                entries[name] = (TREE_MODE, changed)
        if not entries:
            return None
        ordered = sorted(entries.items(), key=lambda item: item[0] + b"/" if item[1][0] == TREE_MODE else item[0])
        return self.write("tree", b"".join(mode + b" " + name + b"\0" + bytes.fromhex(oid) for name, (mode, oid) in ordered))


def _unwritten(folder: Path, error: OSError) -> StorageFailure:
    return StorageFailure(f"could not write to {folder}: {error.strerror}; free some space or mend the permissions")


def make_folder(folder: Path) -> None:
    """Make a folder and those above it where they are missing, so that a power cut does not take them away again. Raises OSError."""
    if folder.is_dir():
        return
    make_folder(folder.parent)
    folder.mkdir(exist_ok=True)
    sync_folder(folder.parent)


def sync_folder(folder: Path) -> None:
    """Make the names in a folder survive a power cut, where the system can."""
    handle = os.open(folder, os.O_RDONLY)
    try:
        with contextlib.suppress(OSError):
            os.fsync(handle)
    finally:
        os.close(handle)
