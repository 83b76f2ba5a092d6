"""What a program gives up besides files and network: numbers of things, capabilities, the owner's keyring."""

from __future__ import annotations

import os
import sys

from .landlock import Uncontained, libc

_LINUX: bool = sys.platform.startswith("linux")
_PR_SET_NO_NEW_PRIVS, _PR_CAPBSET_DROP = 38, 24
_LAST_CAPABILITY = 63
_CAPABILITIES_VERSION = 0x20080522
#: The number of the system call keyctl, by machine.
_KEYCTL = {"x86_64": 250, "aarch64": 219, "riscv64": 219, "loongarch64": 219, "ppc64le": 271, "s390x": 280, "i686": 288, "armv7l": 311}
_JOIN_SESSION_KEYRING = 1
#: Where control groups that count processes are found: the first is version 2, with its own way of switching the count on.
_GROUPS = "/sys/fs/cgroup"
_OLD_GROUPS = "/sys/fs/cgroup/pids"
GROUP = "autobuilds"


def no_new_privileges() -> None:
    """Give up gaining rights by executing a program (setuid), which Linux alone has; raises Uncontained."""
    if _LINUX and libc().prctl(_PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0):
        raise Uncontained("new privileges could not be given up")


def drop_capabilities() -> None:
    """Give up the capabilities of root, which Linux alone has, now and for all programs to come; raises Uncontained."""
    if not _LINUX:
        return
    import ctypes

    library = libc()
    for capability in range(_LAST_CAPABILITY + 1):
        library.prctl(_PR_CAPBSET_DROP, capability, 0, 0, 0)
    if library.capset((ctypes.c_uint32 * 2)(_CAPABILITIES_VERSION, 0), (ctypes.c_uint32 * 6)()):
        raise Uncontained("capabilities could not be given up")


def leave_keyring() -> None:
    """Take an empty session keyring in place of the owner's; no harm where the kernel has none."""
    number = _KEYCTL.get(os.uname().machine)
    if number is not None and _LINUX:
        libc().syscall(number, _JOIN_SESSION_KEYRING, None, 0, 0, 0)


def own_threads() -> int:
    """Return how many threads this user runs now, all of which the kernel's limit of processes counts (Linux)."""
    me, found = os.getuid(), 0
    try:
        with os.scandir("/proc") as entries:
            names = [entry.name for entry in entries if entry.name.isdigit()]
    except OSError:
        return 0
    for name in names:
        try:
            status = os.stat(f"/proc/{name}/task")  # noqa: PTH116 - pathlib costs a third of this program's start
        except OSError:
            continue
        if status.st_uid == me:
            found += max(1, status.st_nlink - 2)
    return found


def bounds(*, processes: int | None, memory: int | None, file: int | None) -> dict[str, int]:
    """Return the limits of a build by the kernel's names, never above what is allowed already.

    No core files, bytes of each file, bytes of memory of each process, processes besides those that the user runs now. Memory is what a process may write to, not its address space: JavaScript, Go and Java reserve many times what they use.
    """
    import resource

    asked = {"RLIMIT_CORE": 0, "RLIMIT_FSIZE": file, "RLIMIT_DATA": memory}
    if processes is not None:
        asked["RLIMIT_NPROC"] = own_threads() + processes
    found: dict[str, int] = {}
    for name, value in asked.items():
        which = getattr(resource, name, None)
        if value is not None and which is not None:
            hard = resource.getrlimit(which)[1]
            found[name] = value if hard == resource.RLIM_INFINITY else min(value, hard)
    return found


def set_limits(limits: dict[str, int]) -> None:
    """Put limits in force for this process and what it starts."""
    import resource

    for name, value in limits.items():
        resource.setrlimit(getattr(resource, name), (value, value))


def group_root() -> str | None:
    """Return the folder below which root may make control groups that count processes; None where it can't."""
    if os.geteuid() != 0:
        return None
    if os.access(f"{_OLD_GROUPS}/cgroup.procs", os.W_OK):
        return _OLD_GROUPS
    return _GROUPS if os.access(f"{_GROUPS}/cgroup.subtree_control", os.W_OK) else None


def make_group(processes: int, name: str) -> str | None:
    """Make a control group that holds so many processes and return the file that takes them in; None where that can't be.

    For root, whom the limit of a user's processes does not bind. `name` begins with the number of the process that makes it; groups
    of processes that have ended are removed on the way.
    """
    root = group_root()
    if root is None:
        return None
    top = f"{root}/{GROUP}"
    mine = f"{top}/{name}"
    try:
        os.makedirs(top, exist_ok=True)  # noqa: PTH103
        if root == _GROUPS:
            _write(f"{root}/cgroup.subtree_control", "+pids")
            _write(f"{top}/cgroup.subtree_control", "+pids")
        _sweep(top)
        os.makedirs(mine, exist_ok=True)  # noqa: PTH103
        _write(f"{mine}/pids.max", str(processes))
    except OSError:
        return None
    return f"{mine}/cgroup.procs"


def _write(path: str, text: str) -> None:
    with open(path, "w", encoding="ascii") as file:  # noqa: PTH123
        file.write(text)


def _sweep(top: str) -> None:
    with os.scandir(top) as entries:
        names = [entry.name for entry in entries if entry.is_dir(follow_symlinks=False)]
    for name in names:
        if os.path.exists(f"/proc/{name.partition('-')[0]}"):  # noqa: PTH110
            continue
        try:
            os.rmdir(f"{top}/{name}")  # noqa: PTH106
        except OSError:
            continue


def join_group(processes: int) -> None:
    """Put this process into a control group of its own with a limit, where root may make one."""
    entrance = make_group(processes, f"{os.getpid()}-0")
    if entrance is not None:
        try:
            _write(entrance, "0")
        except OSError:
            return


def temporary_folder(set_to: str | None, own: str, writable: list[str]) -> str:
    """Return the folder for temporary files: what TMPDIR is set to where a build may write that, else its own, made if need be.

    In bubblewrap its own is /tmp, which is empty and its own there: what TMPDIR says below it outside does not stand in it.
    """
    if set_to and (set_to.rstrip("/") == own or any(f"{set_to}/".startswith(f"{folder}/") for folder in writable)):
        return set_to
    os.makedirs(own, mode=0o700, exist_ok=True)  # noqa: PTH103
    return own
