"""The library of `shim.c` from Python: compiled on demand, told what to do by a control file, its count and its log read back."""

from __future__ import annotations

import ctypes
import hashlib
import mmap
import os
import shutil
import struct
import subprocess
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from enum import IntEnum, IntFlag
from pathlib import Path
from typing import Final

SOURCE: Final = Path(__file__).with_name("shim.c")
#: Why nothing of this can be tried on a machine, for `Figures.skipped`.
MISSING = "no C compiler (cc) that makes a Linux library: calls can't be counted, killed or failed here"

_HEAD = struct.Struct("=8sIIIIiIQQ")
_TEXT, _WHAT = 512, 1024
_TEXTS = ("only", "never", "follow", "ignore", "under", "log")
_SIZE = _HEAD.size + _TEXT * len(_TEXTS) + _WHAT
_MAGIC = b"PROOFS1\0"


class Mode(IntEnum):
    """What is done with the calls; each but OFF counts them."""

    OFF = 0
    COUNT = 1
    #: SIGKILL right before call `at` is made.
    KILL = 2
    #: Call `at` fails with `error` and is not made.
    FAIL = 3
    #: If call `at` writes, it writes half of what it was given.
    SHORT = 4


class Calls(IntFlag):
    """Kinds of calls."""

    #: Opening a file for writing or making it: open, openat, creat, fopen, mkstemp.
    OPEN = 1
    #: write, pwrite, writev, sendfile, copy_file_range, and fflush or fclose of a stream with something left in it; on files alone.
    WRITE = 2
    RENAME = 4
    #: link and symlink.
    LINK = 8
    #: unlink, remove and rmdir.
    UNLINK = 16
    #: mkdir, mkfifo, mkdtemp.
    MKDIR = 32
    #: truncate and ftruncate.
    TRUNCATE = 64
    #: fsync and fdatasync.
    SYNC = 128
    #: Modes, owners and times of files.
    MODE = 256
    #: fork, vfork, posix_spawn, and execve of a program that is there.
    SPAWN = 512
    #: kill and pidfd_send_signal; not with signal 0, which only asks.
    SIGNAL = 1024
    #: Opening for reading, and read of files; changes nothing and is not in CHANGES.
    READ = 2048
    CHANGES = 2047


@dataclass(frozen=True, slots=True, kw_only=True)
class Orders:
    """What the library is told. Lists are texts of which one must be a part of what they are held against."""

    mode: Mode = Mode.COUNT
    #: The call meant, 1 for the first.
    at: int = 0
    #: Whether every call from `at` on is meant.
    sticky: bool = False
    #: Whether a kill takes the whole process group of the calling process with it.
    group: bool = False
    #: The errno of a call that fails.
    error: int = 0
    calls: Calls = Calls.CHANGES
    #: Command lines of the processes that are counted, with their children; empty: all that are loaded with the library.
    only: tuple[str, ...] = ()
    #: Command lines of the processes that are not counted, nor their children.
    never: tuple[str, ...] = ()
    #: Command lines of the programs that get the library even where the environment that they are given leaves it out.
    follow: tuple[str, ...] = ()
    #: Parts of paths whose calls are not counted, besides /dev, /proc and __pycache__.
    ignore: tuple[str, ...] = ()
    #: Parts of paths of which a counted call must have one; starts of processes and signals are always counted.
    under: tuple[str, ...] = ()
    #: A file that takes a record of each call and of what was written; see `read_log`.
    log: Path | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Call:
    """One call as it was logged, after it was made; a call that was made to fail has `result` -1 and no data."""

    seq: int
    pid: int
    name: str
    result: int
    error: int
    #: The descriptor given, or the one returned by an open; -1 where there is none.
    fd: int
    inode: int
    #: Where in the file a write began, the flags of an open or renameat2, the size of a truncate; -1: not known.
    number: int
    #: Absolute paths; `one` is the file of a descriptor too.
    one: str
    two: str
    #: What was written, whole.
    data: bytes


class Control:
    """A control file and its mapping; processes of a tree see each change at once."""

    def __init__(self, path: Path, orders: Orders | None = None) -> None:
        self.path = path
        path.write_bytes(_MAGIC + b"\0" * (_SIZE - len(_MAGIC)))
        with path.open("r+b") as file:
            self._page = mmap.mmap(file.fileno(), _SIZE)
        if orders is not None:
            self.order(orders)

    def order(self, orders: Orders) -> None:
        """Give new orders and begin to count anew."""
        texts = [*(getattr(orders, name) for name in _TEXTS[:-1]), (str(orders.log or ""),)]
        fields = [os.fsencode("\n".join(lines)) for lines in texts]
        assert all(len(field) < _TEXT for field in fields), "a list is too long for the control file"
        body = b"".join(field.ljust(_TEXT, b"\0") for field in fields) + b"\0" * _WHAT
        self._page[_HEAD.size :] = body
        numbers = (orders.mode, orders.at, orders.sticky, orders.group, orders.error, orders.calls, 0, 0)
        self._page[: _HEAD.size] = _HEAD.pack(_MAGIC, *numbers)

    @property
    def count(self) -> int:
        """Calls counted since the orders were given."""
        return int(_HEAD.unpack(self._page[: _HEAD.size])[7])

    @property
    def fired(self) -> int:
        """How often a call was met that was to be killed, failed or shortened."""
        return int(_HEAD.unpack(self._page[: _HEAD.size])[8])

    @property
    def what(self) -> str:
        """The first call that was met so, with its paths."""
        return os.fsdecode(self._page[_SIZE - _WHAT :].partition(b"\0")[0]).strip()

    def environment(self) -> dict[str, str]:
        """Return the variables that load the library into a program and its children; only where `library` found one."""
        found = library()
        assert found is not None, MISSING
        return {"LD_PRELOAD": str(found), "PROOF_SHIM": str(self.path)}

    def close(self) -> None:
        """Unmap the file and remove it."""
        self._page.close()
        self.path.unlink(missing_ok=True)


def library() -> Path | None:
    """Return the compiled library, made when it is first asked for; None where there is no compiler or it can't."""
    folder = Path(tempfile.gettempdir()) / f"autobuilds-proofs-{os.getuid()}"
    folder.mkdir(mode=0o700, exist_ok=True)
    assert folder.stat().st_uid == os.getuid(), f"{folder} belongs to somebody else"
    made = folder / f"shim-{hashlib.sha256(SOURCE.read_bytes()).hexdigest()[:16]}.so"
    if made.exists():
        return made
    compiler = shutil.which("cc")
    if compiler is None or os.uname().sysname != "Linux":
        return None
    half = made.with_name(f"{made.stem}-{os.getpid()}.tmp")
    command = [compiler, "-shared", "-fPIC", "-O2", "-fvisibility=hidden", "-o", str(half), str(SOURCE), "-ldl"]
    if subprocess.run(command, capture_output=True, check=False, stdin=subprocess.DEVNULL).returncode != 0:
        return None
    half.rename(made)
    return made


def attach(control: Path, *, counted: bool = True) -> None:
    """Take a control file in a process that was loaded with the library and then forked; its children follow."""
    loaded = ctypes.CDLL(None)
    if loaded.proof_attach(os.fsencode(control), int(counted)) != 0:
        raise OSError(f"{control} is no control file")
    os.environ["PROOF_SHIM"], os.environ["PROOF_SHIM_IN"] = str(control), str(int(counted))


def read_log(path: Path) -> Iterator[Call]:
    """Yield the calls of a log in the order in which they came to their end; a half-written last one is left out."""
    raw = path.read_bytes()
    at = 0
    while (end := raw.find(b"\n", at)) >= 0:
        seq, pid, name, result, error, fd, inode, number, *sizes = raw[at:end].split(b"\t")
        one, two, size = (int(n) for n in sizes)
        start = end + 1
        at = start + one + two + size + 1
        if at > len(raw):
            return
        yield Call(
            seq=int(seq),
            pid=int(pid),
            name=name.decode(),
            result=int(result),
            error=int(error),
            fd=int(fd),
            inode=int(inode),
            number=int(number),
            one=os.fsdecode(raw[start : start + one]),
            two=os.fsdecode(raw[start + one : start + one + two]),
            data=raw[start + one + two : at - 1],
        )
