"""A tree of files and what was done to it, call by call, as a log of the calls tells it."""

from __future__ import annotations

import os
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path

from tests.proofs.shim import Call

#: A folder's number and a name in it.
Place = tuple[int, str]
_RENAME_EXCHANGE = 2
_REMOVE_FOLDER = 0x200


@dataclass(frozen=True, slots=True)
class Named:
    """Names that change together: each leads to a file or folder, or nowhere."""

    at: int
    places: tuple[tuple[Place, int | None], ...]


@dataclass(frozen=True, slots=True)
class Written:
    """Bytes written into a file; None cuts it to `offset`."""

    at: int
    file: int
    offset: int
    data: bytes | None


@dataclass(frozen=True, slots=True)
class Synced:
    """A file or folder that was synced."""

    at: int
    what: int


@dataclass(slots=True)
class Disk:
    """A tree of files and everything that was done to it, in order."""

    root: Path
    #: What stood there: folders (True), symbolic links and files.
    start: dict[Place, int] = field(default_factory=dict)
    folders: set[int] = field(default_factory=lambda: {0})
    contents: dict[int, bytes] = field(default_factory=dict)
    links: dict[int, str] = field(default_factory=dict)
    modes: dict[int, int] = field(default_factory=dict)
    named: list[Named] = field(default_factory=list)
    written: dict[int, list[Written]] = field(default_factory=dict)
    synced: list[Synced] = field(default_factory=list)
    length: int = 0
    #: Contents, folders and inodes as they were at first.
    first: dict[int, bytes] = field(default_factory=dict)
    first_folders: set[int] = field(default_factory=set)
    first_inodes: dict[int, int] = field(default_factory=dict)
    _live: dict[Place, int] = field(default_factory=dict)
    _inodes: dict[int, int] = field(default_factory=dict)
    _next: int = 1

    @classmethod
    def of(cls, root: Path) -> Disk:
        """Read what stands in a folder."""
        disk = cls(root=root)
        disk._read(root, 0)
        disk._live = dict(disk.start)
        disk.first, disk.first_folders, disk.first_inodes = dict(disk.contents), set(disk.folders), dict(disk._inodes)
        return disk

    def again(self) -> Disk:
        """Return the tree as it stood at first, with nothing done to it."""
        made = Disk(
            root=self.root, start=dict(self.start), folders=set(self.first_folders), contents=dict(self.first), modes=dict(self.modes)
        )
        made.links = dict(self.links)
        made.first, made.first_folders = self.first, self.first_folders
        made._live, made._inodes, made._next = dict(self.start), dict(self.first_inodes), self._next
        made.first_inodes = self.first_inodes
        return made

    def _read(self, folder: Path, number: int) -> None:
        for path in sorted(folder.iterdir()):
            node = self._node()
            self.start[number, path.name] = node
            info = path.lstat()
            self.modes[node] = info.st_mode & 0o7777
            if path.is_symlink():
                self.links[node] = os.readlink(path)
            elif path.is_dir():
                self.folders.add(node)
                self._read(path, node)
            else:
                self.contents[node] = path.read_bytes()
                self._inodes[info.st_ino] = node

    def _node(self) -> int:
        self._next += 1
        return self._next

    def _place(self, path: str) -> Place | None:
        """Return where a path stands; None outside of the tree."""
        try:
            parts = Path(path).relative_to(self.root).parts
        except ValueError:
            return None
        folder = 0
        for part in parts[:-1]:
            found = self._live.get((folder, part))
            if found is None or found not in self.folders:
                return None
            folder = found
        return (folder, parts[-1]) if parts else None

    def _number(self, path: str) -> int | None:
        if Path(path) == self.root:
            return 0
        place = self._place(path)
        return None if place is None else self._live.get(place)

    def _name(self, *places: tuple[Place, int | None]) -> None:
        self.named.append(Named(self.length, places))
        for place, node in places:
            if node is None:
                self._live.pop(place, None)
            else:
                self._live[place] = node

    def _write(self, file: int, offset: int, data: bytes | None) -> None:
        self.written.setdefault(file, []).append(Written(self.length, file, offset, data))

    def take(self, calls: Iterable[Call]) -> None:
        """Follow calls as they were logged; failed ones did nothing."""
        for call in calls:
            if call.result >= 0:
                self.length += 1
                self._take(call)

    def _take(self, call: Call) -> None:
        name = call.name
        if name.startswith(("open", "creat", "fopen", "mkstemp", "mkostemp")):
            self._open(call)
        elif name in {"write", "pwrite", "writev", "fflush", "fclose", "sendfile", "copy_file_range"}:
            file = self._file(call)
            if file is not None and call.data:
                self._write(file, max(call.number, 0), call.data)
        elif name.startswith(("truncate", "ftruncate")):
            file = self._file(call)
            if file is not None:
                self._write(file, call.number, None)
        elif name in {"fsync", "fdatasync"}:
            what = self._file(call)
            if what is not None:
                self.synced.append(Synced(self.length, what))
        elif name.startswith(("rename", "link", "symlink", "unlink", "rmdir", "remove", "mkdir")):
            self._change(call)

    def _file(self, call: Call) -> int | None:
        """Return the file or folder of a descriptor."""
        there = self._number(call.one)
        return there if there is not None else self._inodes.get(call.inode)

    def _open(self, call: Call) -> None:
        place = self._place(call.one)
        if place is None:
            return
        node = self._live.get(place)
        if node is None:
            if not call.number & os.O_CREAT:
                return
            node = self._node()
            self.contents[node], self.modes[node] = b"", 0o644
            self._name((place, node))
        elif call.number & os.O_TRUNC and node in self.contents:
            self._write(node, 0, None)
        self._inodes[call.inode] = node

    def _change(self, call: Call) -> None:
        one = self._place(call.one)
        two = self._place(call.two) if call.two else None
        if call.name.startswith("rename"):
            node = self._live.get(one) if one else None
            if one is None or two is None or node is None:
                return
            swapped = call.name == "renameat2" and call.number & _RENAME_EXCHANGE
            self._name((two, node), (one, self._live.get(two) if swapped else None))
        elif call.name.startswith("link"):
            node = self._live.get(one) if one else None
            if node is not None and two is not None:
                self._name((two, node))
        elif call.name.startswith("mkdir"):
            if one is not None and one not in self._live:
                node = self._node()
                self.folders.add(node)
                self.modes[node] = 0o755
                self._name((one, node))
        elif call.name.startswith("symlink"):
            if two is not None:
                node = self._node()
                self.links[node] = call.one
                self._name((two, node))
        elif one is not None and one in self._live:
            self._name((one, None))
