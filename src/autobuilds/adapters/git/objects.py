"""Git objects, read and written here; what can't be read here is asked of one `git cat-file` for all questions."""

from __future__ import annotations

import contextlib
import hashlib
import os
import stat
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
_SUBMODULE = b"160000"
_MODES = frozenset({TREE_MODE, b"100644", b"100755", b"120000", _SUBMODULE})
_NOTHING = (b"", "")
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
        self._sharing: int | None = None
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
        """Write an object as Git keeps it, compressed, unless it is there whole as a loose one. Raises StorageFailure."""
        target = self._folder / oid[:2] / oid[2:]
        # Who found it there may have been quicker than its writer's sync.
        self._unsettled[target.parent] = None
        if self._is_whole(target, oid):
            return
        from autobuilds.adapters.git.sharing import share, sharing_of

        try:
            if self._sharing is None:
                self._sharing = sharing_of(self._folder.parent)
            if not target.parent.is_dir():
                target.parent.mkdir(parents=True, exist_ok=True)
                share(target.parent, self._sharing)
                self._unsettled[self._folder] = None
            # Git's own name for it, so that Git's own clean-up takes what a crash leaves.
            half = target.with_name(f"tmp_obj_{os.urandom(6).hex()}")
            try:
                # Read-only for all that the umask lets, as Git has it.
                handle = os.open(half, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o444)
                with os.fdopen(handle, "wb") as file:
                    file.write(packed())
                    file.flush()
                    share(handle, self._sharing)
                    if self._durable:
                        os.fsync(file.fileno())
                half.rename(target)
            except BaseException:
                half.unlink(missing_ok=True)
                raise
        except OSError as error:
            raise _unwritten(target.parent, error) from error

    def _is_whole(self, path: Path, oid: str) -> bool:
        """Whether a loose object is what its name says, as a power cut soon after it was written does not always leave it."""
        try:
            with path.open("rb") as file:
                inflater = zlib.decompressobj()
                raw = inflater.decompress(file.read())
                if not inflater.eof or inflater.unused_data or hashlib.new(self._algorithm, raw, usedforsecurity=False).hexdigest() != oid:
                    return False
                if self._durable:
                    os.fsync(file.fileno())
                return True
        except (OSError, zlib.error):
            return False

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
        """Return the entries of a tree, with modes as Git writes them today; raises GitFailure when it is none."""
        found = self.read(tree)
        if found is None or found[0] != "tree":
            raise GitFailure(f"{tree} is not a tree of {self._git.folder}; run `git fsck` there")
        entries, data, at = Entries(), found[1], 0
        try:
            while at < len(data):
                end = data.index(b"\0", at)
                mode, name = data[at:end].split(b" ", 1)
                at = end + 1 + self.raw_length
                entries[name] = (mode if mode in _MODES else _normal(mode), data[end + 1 : at].hex())
        except ValueError as error:
            raise GitFailure(f"{tree} is a malformed tree of {self._git.folder}; run `git fsck` there") from error
        return entries

    def lookup(self, tree: str, parts: tuple[bytes, ...]) -> tuple[bytes, str] | None:
        """Return mode and id of a path in a tree, or None."""
        entry = self.entries(tree).get(parts[0])
        if entry is None or len(parts) == 1:
            return entry
        return self.lookup(entry[1], parts[1:]) if entry[0] == TREE_MODE else None

    def edited(self, tree: str | None, changes: Changes) -> str | None:
        """Write the tree with the changes made and return its id, or None when nothing is left in it.

        Raises GitFailure, before anything is lost, when a file would give way to a folder, or a folder to a file, that no change removes.
        """
        entries = self.entries(tree) if tree else Entries()
        below: dict[bytes, Changes] = {}
        own: dict[bytes, tuple[bytes, str] | None] = {}
        for parts, entry in changes.items():
            if len(parts) > 1:
                below.setdefault(parts[0], {})[parts[1:]] = entry
            else:
                own[parts[0]] = entry
        # What is a file now goes first; what is a folder goes by what is in it.
        for name in [name for name, entry in own.items() if entry is None and entries.get(name, _NOTHING)[0] != TREE_MODE]:
            entries.pop(name, None)
        for name, inner in below.items():
            mode, oid = entries.get(name, _NOTHING)
            if mode != TREE_MODE and all(entry is None for entry in inner.values()):
                continue
            if mode not in {TREE_MODE, b""}:
                raise _lost(tree, name, "a folder")
            changed = self.edited(oid if mode == TREE_MODE else None, inner)
            if changed is None:
                entries.pop(name, None)
            else:
                entries[name] = (TREE_MODE, changed)
        for name, entry in own.items():
            if entry is not None:
                if entries.get(name, _NOTHING)[0] == TREE_MODE:
                    raise _lost(tree, name, "a file")
                entries[name] = entry
        if not entries:
            return None
        ordered = sorted(entries.items(), key=lambda item: item[0] + b"/" if item[1][0] == TREE_MODE else item[0])
        return self.write("tree", b"".join(mode + b" " + name + b"\0" + bytes.fromhex(oid) for name, (mode, oid) in ordered))


def _lost(tree: str | None, name: bytes, what: str) -> GitFailure:
    what = f"{os.fsdecode(name)!r} in the tree {tree} would give way to {what}, and nobody took away what stands there"
    return GitFailure(f"{what}; nothing is committed. Move it away and commit that, or choose another name")


def _normal(mode: bytes) -> bytes:
    """Return the mode for which Git takes one that it would not write (any more): padded with a zero, or with bits for a group."""
    number = int(mode, 8)
    if stat.S_ISREG(number):
        return b"100755" if number & 0o100 else b"100644"
    return b"120000" if stat.S_ISLNK(number) else TREE_MODE if stat.S_ISDIR(number) else _SUBMODULE


def _unwritten(folder: Path, error: OSError) -> StorageFailure:
    return StorageFailure(f"could not write to {folder}: {error.strerror}; free some space or mend the permissions")


def make_folder(folder: Path, sharing: int = 0, *, durable: bool = True) -> None:
    """Make a folder and those above it where they are missing, so that no power cut takes them away if `durable`. Raises OSError."""
    if folder.is_dir():
        return
    make_folder(folder.parent, sharing, durable=durable)
    folder.mkdir(exist_ok=True)
    if sharing:
        from autobuilds.adapters.git.sharing import share

        share(folder, sharing)
    if durable:
        sync_folder(folder.parent)


def sync_folder(folder: Path) -> None:
    """Make the names in a folder survive a power cut, where the system can."""
    handle = os.open(folder, os.O_RDONLY)
    try:
        with contextlib.suppress(OSError):
            os.fsync(handle)
    finally:
        os.close(handle)
