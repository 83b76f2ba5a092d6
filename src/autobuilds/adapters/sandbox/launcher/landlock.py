"""Landlock by system call (landlock(7)): what a program may read, change, connect to and signal."""

from __future__ import annotations

import os
import sys

#: For the type checker alone: the two modules below take four times as long to import as all the rest of this program.
TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from typing import Any

_CREATE_RULESET, _ADD_RULE, _RESTRICT_SELF = 444, 445, 446
_VERSION_FLAG, _PATH_BENEATH, _NET_PORT = 1, 1, 2
#: The versions of the interface that brought control of truncating, of TCP connections, of signals and abstract sockets.
TRUNCATES, CONNECTS, SCOPES = 3, 4, 6
_CONNECT_TCP = 1 << 1
_SCOPE_ABSTRACT_SOCKETS, _SCOPE_SIGNALS = 1 << 0, 1 << 1
_EXECUTE, WRITE_FILE, _READ_FILE, _READ_DIR, _IOCTL = 1 << 0, 1 << 1, 1 << 2, 1 << 3, 1 << 15
#: All rights over files by the first version of Landlock, and what later ones added: refer, truncate, ioctl of devices.
_FS_FIRST, _FS_SINCE = (1 << 13) - 1, ((2, 1 << 13), (TRUNCATES, 1 << 14), (5, _IOCTL))
#: Rights that a rule for something else than a folder may name.
_FS_OF_FILES = _EXECUTE | WRITE_FILE | _READ_FILE | 1 << 14 | _IOCTL
#: Devices without state of their own that programs write to.
_DEVICES = ("/dev/null", "/dev/zero", "/dev/full", "/dev/random", "/dev/urandom", "/dev/tty")
#: The ports of the web: HTTPS, HTTP, DNS over TCP, SSH (Git).
WEB_PORTS = (443, 80, 53, 22)


class Uncontained(Exception):
    """A right could not be given up; the program must not be started."""


def libc() -> Any:
    """Return the C library, with the errors of its calls kept."""
    import ctypes

    return ctypes.CDLL(None, use_errno=True)


def version() -> int:
    """Return the version of the kernel's Landlock interface; 0 where it has none or it is switched off."""
    if not sys.platform.startswith("linux"):
        return 0
    return max(0, int(libc().syscall(_CREATE_RULESET, None, 0, _VERSION_FLAG)))


def listening() -> frozenset[int]:
    """Return the TCP ports on which something listens in this network namespace (Linux)."""
    found: set[int] = set()
    for name in ("/proc/net/tcp", "/proc/net/tcp6"):
        try:
            with open(name, "rb") as file:  # noqa: PTH123 - pathlib costs a third of this program's start
                lines = file.read().split(b"\n")[1:]
        except OSError:
            continue
        for line in lines:
            parts = line.split()
            if len(parts) > 3 and parts[3] == b"0A":
                found.add(int(parts[1].rpartition(b":")[2], 16))
    return frozenset(found)


def reachable(network: str, ports: Iterable[int]) -> set[int]:
    """Return the TCP ports that a build may connect to under a network setting: `open`, `web` or `none`."""
    if network == "none":
        return set(ports)
    if network == "web":
        return {*ports, *WEB_PORTS}
    return (set(range(1, 65536)) - listening()) | {*ports, *WEB_PORTS}


class Rules:
    """A Landlock ruleset that is being written; `enforce` binds the calling thread and everything it starts from then on."""

    def __init__(self, abi: int, *, files: bool = False, network: bool = False) -> None:
        import ctypes

        self._pair = ctypes.c_uint64 * 2
        self._address = ctypes.addressof
        self._why: Callable[[], str] = lambda: os.strerror(ctypes.get_errno())
        self._call: Any = libc().syscall
        self._call.argtypes = [ctypes.c_long, ctypes.c_long, ctypes.c_long, ctypes.c_void_p, ctypes.c_long]
        self.files = (_FS_FIRST | sum(bits for since, bits in _FS_SINCE if abi >= since)) if files else 0
        self.network = _CONNECT_TCP if network and abi >= CONNECTS else 0
        scopes = _SCOPE_ABSTRACT_SOCKETS | _SCOPE_SIGNALS if abi >= SCOPES else 0
        attributes = (ctypes.c_uint64 * 3)(self.files, self.network, scopes)
        self.fd = -1
        if any(attributes):
            libc_call: Any = libc().syscall
            libc_call.argtypes = [ctypes.c_long, ctypes.c_void_p, ctypes.c_size_t, ctypes.c_uint32]
            size = 24 if abi >= SCOPES else 16 if abi >= CONNECTS else 8
            self.fd = int(libc_call(_CREATE_RULESET, ctypes.addressof(attributes), size, 0))
            if self.fd < 0:
                raise Uncontained(f"Landlock refused a ruleset: {self._why()}")

    def allow_ports(self, ports: Iterable[int]) -> None:
        """Allow TCP connections to these ports; nothing to do where connections are not restricted."""
        if not self.network:
            return
        rule = self._pair(self.network, 0)
        call, fd, address = self._call, self.fd, self._address(rule)
        for port in ports:
            rule[1] = port
            if call(_ADD_RULE, fd, _NET_PORT, address, 0):
                raise Uncontained(f"Landlock refused the port {port}: {self._why()}")

    def allow_path(self, path: str, rights: int) -> None:
        """Allow rights over a file, or over a folder and all below it; what isn't there is left out."""
        try:
            fd = os.open(path, os.O_PATH | os.O_CLOEXEC)
        except OSError:
            return
        try:
            if os.fstat(fd).st_mode & 0o170000 != 0o040000:
                rights &= _FS_OF_FILES
            # The kernel's struct is packed: eight bytes of rights, four of the file.
            rule = self._pair(rights & self.files, fd)
            if self._call(_ADD_RULE, self.fd, _PATH_BENEATH, self._address(rule), 0):
                raise Uncontained(f"Landlock refused {path!r}: {self._why()}")
        finally:
            os.close(fd)

    def allow_files(self, *, read: Iterable[str], write: Iterable[str], hide: Iterable[str]) -> None:
        """Allow reading everything but the hidden folders, and changing `write`; names may be listed everywhere."""
        # Not the devices: the user root may read disks even without a capability.
        hidden = {os.path.realpath(path) for path in ("/dev", *hide)}
        self.allow_path("/", _READ_DIR)
        for path in _beside(hidden):
            self.allow_path(path, _READ_FILE | _EXECUTE)
        for path in read:
            self.allow_path(path, _READ_FILE | _READ_DIR | _EXECUTE)
        for path in write:
            self.allow_path(path, self.files)
        for path in _DEVICES:
            self.allow_path(path, _READ_FILE | WRITE_FILE | _IOCTL)

    def again(self) -> Rules:
        """Return the same rules once more, to be enforced or closed on their own."""
        from copy import copy

        made = copy(self)
        made.fd = os.dup(self.fd) if self.fd >= 0 else -1
        return made

    def close(self) -> None:
        """Give the rules up without enforcing them."""
        if self.fd >= 0:
            os.close(self.fd)
            self.fd = -1

    def enforce(self) -> None:
        """Restrict the calling thread, which must have given up new privileges; the ruleset is closed."""
        if self.fd < 0:
            return
        failed = self._call(_RESTRICT_SELF, self.fd, 0, None, 0)
        why = self._why()
        os.close(self.fd)
        self.fd = -1
        if failed:
            raise Uncontained(f"Landlock could not be put in force: {why}")


def _beside(hidden: set[str]) -> Iterable[str]:
    """Yield everything that is neither hidden nor holds something hidden: the rules of Landlock only ever add rights."""
    above = {path[:at] or "/" for path in hidden for at, letter in enumerate(path) if letter == "/"}
    for folder in sorted(above):
        if any(folder == path or folder.startswith(path + "/") for path in hidden):
            continue
        try:
            with os.scandir(folder) as entries:
                found = [entry.path for entry in entries if not entry.is_symlink()]
        except OSError:
            continue
        yield from (path for path in found if path not in hidden and path not in above)
