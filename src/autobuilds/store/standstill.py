"""The note of a heartbeat that found nothing to do: what it looked at, until when nothing falls due, and what it answered.

A process that finds all of it unchanged may give the same answer at once. This module imports nothing that a bare
interpreter has not loaded already, and must stay so.
"""

from __future__ import annotations

import os
import sys
import time

from autobuilds import __version__

#: For the type checker alone: what it names takes as long to import as all the rest.
TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

#: The folder of the notes, below the workspace's private one; its own, since their writing must not change the other.
FOLDER = "standstill"
#: Seconds for which a note counts at most: what no file tells (a new kernel module, say) is looked at that often.
LONGEST = 3600.0
#: Bytes of a note, and of a system file that it quotes.
_MOST, _MOST_QUOTED = 16 * 1024 * 1024, 65536
#: Percent by which disk and memory must be below their limits, and the load per core.
_MARGIN, _LOAD_MARGIN = 0.5, 0.05
_BOOT = "/proc/sys/kernel/random/boot_id"
_MEMORY = "/proc/meminfo"
#: The namespaces by which one container is told from another.
_SPACES = ("cgroup", "mnt", "net", "pid", "user")


def stamp(path: str) -> str:
    """Return what tells one state of a file or folder from another: any write, replacement or change of rights changes it."""
    try:
        found = os.stat(path)  # noqa: PTH116 - pathlib costs as much as all the rest
    except OSError as error:
        return f"none {error.errno}"
    return f"{found.st_dev} {found.st_ino} {found.st_mode} {found.st_size} {found.st_mtime_ns} {found.st_ctime_ns}"


def changed_at(stamped: str) -> int:
    """Return when a stamped file last changed (nanoseconds since 1970); 0 for one that is not there."""
    parts = stamped.split(" ")
    return max(int(parts[-1]), int(parts[-2])) if len(parts) == 6 else 0


def quoted(path: str) -> str:
    """Return the content of a small system file in hexadecimal digits; `-` where it can't be read."""
    try:
        handle = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK)
    except OSError:
        return "-"
    try:
        return os.read(handle, _MOST_QUOTED).hex()
    except OSError:
        return "-"
    finally:
        os.close(handle)


def identity() -> str:
    """Return who asks: this program, this interpreter, this boot, this user, this container."""
    user = f"{os.geteuid()} {os.getegid()} {sorted(os.getgroups())}" if hasattr(os, "geteuid") else "-"
    spaces = " ".join(map(_space, _SPACES))
    return f"autobuilds {__version__} {sys.hexversion:x} {quoted(_BOOT)} {user} {spaces} {stamp(os.path.abspath(__file__))}"  # noqa: PTH100


def _space(name: str) -> str:
    try:
        return os.readlink(f"/proc/self/ns/{name}")  # noqa: PTH115
    except OSError:
        return "-"


def variable(name: str) -> str:
    """Return the value of a variable of the environment in hexadecimal digits; `-` for one that is not set."""
    value = os.environ.get(name)
    return "-" if value is None else "=" + os.fsencode(value).hex()


def given(name: str) -> str:
    """Return whether a variable of the environment has a value, which may be a secret."""
    return "1" if os.environ.get(name) else "0"


def place(root: str, form: str) -> str:
    """Return where the note of one form of the answer stands."""
    return f"{root}/.autobuilds/{FOLDER}/{form}"


def recall(root: str, form: str, now: float | None = None) -> str | None:
    """Return the answer of a heartbeat while nothing that it looked at has changed and nothing fell due, else None.

    `root` is the absolute path of the workspace without links, `form` the form of the answer, `now` the time in seconds
    since 1970 (default: the clock).
    """
    found = holding(root, form, now)
    return None if found is None else found[1]


def holding(root: str, form: str, now: float | None = None) -> tuple[list[str], str] | None:
    """Return the lines and the answer of a note that holds now, else None; arguments as for `recall`."""
    data = _read(place(root, form))
    head, _, answer = (data or b"").partition(b"\n\n")
    lines = head.decode("utf-8", "surrogateescape").split("\n")
    if data is None or lines[0] != identity() or lines[-1] != f"end {len(answer)}":
        return None
    seen = set()
    for line in lines[1:-1]:
        kind, _, rest = line.partition(" ")
        check = _CHECKS.get(kind)
        if not (_in_time(rest, now) if kind == "time" else check is not None and check(rest, root)):
            return None
        seen.add(kind)
    return (lines, answer.decode("utf-8", "replace")) if seen >= {"time", "root", "at"} else None


def _read(path: str) -> bytes | None:
    """Return a note, or None for what is none or could be somebody else's."""
    try:
        handle = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NOFOLLOW | os.O_NONBLOCK)
    except OSError:
        return None
    try:
        info = os.fstat(handle)
        if info.st_mode & 0o170022 != 0o100000 or info.st_uid != os.geteuid() or info.st_nlink != 1 or info.st_size > _MOST:
            return None
        data = os.read(handle, info.st_size + 1)
        return data if len(data) == info.st_size else None
    except OSError:
        return None
    finally:
        os.close(handle)


def _in_time(rest: str, now: float | None) -> bool:
    taken, until = (float(part) for part in rest.split(" "))
    return taken <= (time.time() if now is None else now) < until <= taken + LONGEST + 1


def _same_root(rest: str, root: str) -> bool:
    return rest == root


def _same_stamp(rest: str, root: str) -> bool:
    stamped, _, path = rest.partition("\t")
    return stamp(path if path[:1] == "/" else f"{root}/{path}") == stamped


def _same_quote(rest: str, _root: str) -> bool:
    text, _, path = rest.partition(" ")
    return quoted(path) == text


def _same_variable(rest: str, _root: str) -> bool:
    value, _, name = rest.partition(" ")
    return variable(name) == value


def _same_gift(rest: str, _root: str) -> bool:
    value, _, name = rest.partition(" ")
    return given(name) == value


def _below_limits(rest: str, root: str) -> bool:
    return below_limits(root, *(float(part) for part in rest.split(" ")))


#: How each kind of line but the time is compared with what is there now.
_CHECKS: dict[str, Callable[[str, str], bool]] = {
    "root": _same_root,
    "at": _same_stamp,
    "quote": _same_quote,
    "variable": _same_variable,
    "given": _same_gift,
    "limits": _below_limits,
}


def below_limits(root: str, disk: float, memory: float, load: float, free: float) -> bool:
    """Whether disk and memory (percent), load per core and free memory (MiB) are surely within limits; False where it can't be told."""
    try:
        used, left = _memory()
        space = os.statvfs(root)
        average = os.getloadavg()[1] / (os.cpu_count() or 1)
    except (OSError, ValueError, IndexError):
        return False
    taken = space.f_blocks - space.f_bfree
    full = 100.0 * taken / (taken + space.f_bavail) if taken + space.f_bavail else 0.0
    return full + _MARGIN < disk and used + _MARGIN < memory and average + _LOAD_MARGIN < load and left > free + 1


def _memory() -> tuple[float, float]:
    """Return the use of memory in percent and what is available in MiB; raises ValueError where the system does not say it so."""
    with open(_MEMORY, "rb") as file:  # noqa: PTH123
        found = {line.split(b":")[0]: line.split()[1] for line in file.read(4096).split(b"\n")[:8] if b":" in line}
    if b"MemTotal" not in found or b"MemAvailable" not in found:
        raise ValueError(_MEMORY)
    total, available = int(found[b"MemTotal"]), int(found[b"MemAvailable"])
    if not 0 < available <= total:
        raise ValueError(_MEMORY)
    return 100.0 * (total - available) / total, available / 1024
