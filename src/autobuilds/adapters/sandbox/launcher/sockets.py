"""A filter of system calls (seccomp(2)) against ways round Landlock's rules for TCP: sockets of other kinds that reach the same services.

Landlock knows TCP alone. A socket of MPTCP connects to every service that listens on TCP; sockets between a virtual machine and its host and
those of SMC are not looked at either; `io_uring` makes sockets without the system call that is filtered here.
"""

from __future__ import annotations

import os

from .landlock import Uncontained, libc

_PR_SET_SECCOMP, _FILTER = 22, 2
_LOAD, _EQUAL, _AT_LEAST, _RETURN = 0x20, 0x15, 0x35, 0x06
_ALLOW, _FAIL = 0x7FFF0000, 0x00050000
_NOT_IMPLEMENTED, _NOT_SUPPORTED = 38, 93
#: Where the kernel puts what a filter looks at: the number of the call, the machine, the first and third argument (low half, little end).
_NUMBER, _MACHINE, _FAMILY, _PROTOCOL = 0, 4, 16, 32
_IO_URING_SETUP = 425
_X32 = 0x40000000
_VSOCK, _SMC = 40, 43
#: MPTCP, SCTP, DCCP, SMC over the Internet's families.
_PROTOCOLS = (262, 132, 33, 256)
#: By machine: its number, its call `socket`, and the same of the older machine that it can run programs of (with `socketcall`).
_MACHINES: dict[str, tuple[int, int, int, tuple[int, ...]]] = {
    "x86_64": (0xC000003E, 41, 0x40000003, (102, 359, _IO_URING_SETUP)),
    "aarch64": (0xC00000B7, 198, 0x40000028, (281, _IO_URING_SETUP)),
    "riscv64": (0xC00000F3, 198, 0, ()),
    "loongarch64": (0xC0000102, 198, 0, ()),
}
_Step = tuple[int, int, int, int]


def known() -> bool:
    """Whether this machine is one that the filter is written for."""
    return os.uname().machine in _MACHINES


def program(machine: str) -> list[_Step]:
    """Return the filter for a machine as steps of (code, steps to skip if true, if false, value); KeyError for one that is not known."""
    number, socket, older, theirs = _MACHINES[machine]
    fail, unsupported, allow = (_RETURN, 0, 0, _FAIL | _NOT_IMPLEMENTED), (_RETURN, 0, 0, _FAIL | _NOT_SUPPORTED), (_RETURN, 0, 0, _ALLOW)
    native: list[_Step] = [(_LOAD, 0, 0, _NUMBER)]
    if machine == "x86_64":
        native += [(_AT_LEAST, 0, 1, _X32), fail]
    native += [(_EQUAL, 0, 1, _IO_URING_SETUP), fail, (_EQUAL, 1, 0, socket), allow, (_LOAD, 0, 0, _FAMILY)]
    for family in (_VSOCK, _SMC):
        native += [(_EQUAL, 0, 1, family), unsupported]
    native += [(_LOAD, 0, 0, _PROTOCOL)]
    for protocol in _PROTOCOLS:
        native += [(_EQUAL, 0, 1, protocol), unsupported]
    native.append(allow)
    foreign: list[_Step] = [(_EQUAL, 1, 0, older), fail, (_LOAD, 0, 0, _NUMBER)]
    for call in theirs:
        foreign += [(_EQUAL, 0, 1, call), fail]
    foreign.append(allow)
    return [(_LOAD, 0, 0, _MACHINE), (_EQUAL, 0, len(native), number), *native, *foreign]


def restrict() -> None:
    """Put the filter in force for the calling thread, which must have given up new privileges; raises Uncontained.

    On a machine that is not known nothing is done, and `known` says so.
    """
    if not known():
        return
    import ctypes
    import struct

    steps = b"".join(struct.pack("=HBBI", *step) for step in program(os.uname().machine))
    held = ctypes.create_string_buffer(steps, len(steps))
    header = struct.pack("@HP", len(steps) // 8, ctypes.addressof(held))
    if libc().prctl(_PR_SET_SECCOMP, _FILTER, ctypes.create_string_buffer(header, len(header)), 0, 0):
        raise Uncontained("the filter of system calls was refused")
