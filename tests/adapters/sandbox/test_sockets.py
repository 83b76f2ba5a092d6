"""The filter of system calls: what it says for each machine, told by an interpreter of its own, and what it does on this one."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

from autobuilds.adapters.sandbox.launcher.sockets import known, program

ALLOW, FAIL, UNSUPPORTED = 0x7FFF0000, 0x00050000 | 38, 0x00050000 | 93
X86, I386, ARM64, ARM = 0xC000003E, 0x40000003, 0xC00000B7, 0x40000028


def verdict(machine: str, number: int, call: int, family: int = 0, protocol: int = 0) -> int:
    """Run the filter by hand on one system call."""
    steps, at, held = program(machine), 0, 0
    data = {0: call, 4: number, 16: family, 32: protocol}
    for _ in range(len(steps)):
        code, yes, no, value = steps[at]
        at += 1
        if code == 0x20:
            held = data[value]
        elif code == 0x06:
            return value
        else:
            at += yes if (held == value if code == 0x15 else held >= value) else no
    raise AssertionError("the filter does not end")


@pytest.mark.parametrize(("machine", "number", "call"), [("x86_64", X86, 41), ("aarch64", ARM64, 198)])
def test_sockets_of_other_kinds_are_refused(machine: str, number: int, call: int) -> None:
    for family in (1, 2, 10, 16):
        for protocol in (0, 6, 17):
            assert verdict(machine, number, call, family, protocol) == ALLOW
    for protocol in (262, 132, 33, 256):
        assert verdict(machine, number, call, 2, protocol) == UNSUPPORTED
        assert verdict(machine, number, call, 10, protocol) == UNSUPPORTED
    for family in (40, 43):
        assert verdict(machine, number, call, family) == UNSUPPORTED
    assert verdict(machine, number, 425) == FAIL


def test_other_calls_are_free() -> None:
    free = [call for call in range(600) if call not in {41, 425}]
    assert {verdict("x86_64", X86, call, 40, 262) for call in free} == {ALLOW}
    assert {verdict("aarch64", ARM64, call, 40, 262) for call in range(600) if call not in {198, 425}} == {ALLOW}


def test_programs_for_older_machines_make_no_sockets() -> None:
    for call in (102, 359, 425):
        assert verdict("x86_64", I386, call) == FAIL
    assert verdict("x86_64", I386, 1) == ALLOW
    assert verdict("aarch64", ARM, 281) == FAIL
    assert verdict("aarch64", ARM, 1) == ALLOW
    assert verdict("x86_64", X86, 0x40000000 | 41) == FAIL
    assert verdict("x86_64", 0x12345678, 1) == FAIL


def test_it_is_in_force() -> None:
    if not known() or not sys.platform.startswith("linux"):
        pytest.skip(f"the filter is not written for {os.uname().machine}")
    script = """
import socket
from autobuilds.adapters.sandbox.launcher import limits, sockets
limits.no_new_privileges()
sockets.restrict()
socket.create_server(("127.0.0.1", 0)).close()
socket.socketpair()
try:
    socket.socket(socket.AF_INET, socket.SOCK_STREAM, 262)
except OSError as error:
    print(error.errno)
"""
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert done.stdout == "93\n"
