"""Run a command where there is no network but the loopback, as far as the system lets us: `python -m tests.agents.alone COMMAND ...`.

What a program says to anybody but the stub then fails, and shows. Where namespaces are not allowed, the command runs all the same, and
that is said.
"""

from __future__ import annotations

import ctypes
import fcntl
import os
import socket
import struct
import sys
from pathlib import Path
from typing import NoReturn

_NEWUSER, _NEWNET = 0x10000000, 0x40000000
_SIOCSIFFLAGS, _UP = 0x8914, 0x1
#: Set for the command: whether it is alone.
VARIABLE = "AGENTS_ALONE"


def leave_the_network() -> str | None:
    """Put this process into a network of its own with the loopback up; return why that is not possible."""
    if not sys.platform.startswith("linux"):
        return "only Linux has network namespaces"
    libc = ctypes.CDLL(None, use_errno=True)
    user, group = os.geteuid(), os.getegid()
    flags = _NEWNET if user == 0 else _NEWNET | _NEWUSER
    if libc.unshare(flags) != 0:
        return os.strerror(ctypes.get_errno())
    try:
        if user != 0:
            Path("/proc/self/setgroups").write_text("deny")
            Path("/proc/self/uid_map").write_text(f"{user} {user} 1")
            Path("/proc/self/gid_map").write_text(f"{group} {group} 1")
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as control:
            fcntl.ioctl(control, _SIOCSIFFLAGS, struct.pack("16sH14s", b"lo", _UP, b""))
    except OSError as error:
        return str(error)
    return None


def main(arguments: list[str]) -> NoReturn:
    """Replace this process by the command."""
    if not arguments:
        sys.exit("usage: python -m tests.agents.alone COMMAND ...")
    why = leave_the_network()
    if why is not None:
        sys.stderr.write(f"agents: no network of its own ({why}); the programs could reach the internet\n")
    os.execvpe(arguments[0], arguments, {**os.environ, VARIABLE: "no" if why else "yes"})


if __name__ == "__main__":
    main(sys.argv[1:])
