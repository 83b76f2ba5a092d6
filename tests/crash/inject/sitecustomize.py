"""Kills the process at its K-th state-changing call: `AUTOBUILDS_CRASH_AT=ROLE:K` with ROLE `heartbeat` or `supervisor`.

Loaded by Python itself from PYTHONPATH. Leaves a file at AUTOBUILDS_CRASH_FIRED when it fires, and the number of calls that it saw
at AUTOBUILDS_CRASH_COUNT when the process ends by itself, so that a sweep can prove that every point was hit.
"""

import atexit
import os
import signal
import sys

_CALLS = {
    "open",
    "os.rename",
    "os.remove",
    "os.mkdir",
    "os.rmdir",
    "os.link",
    "os.truncate",
    "subprocess.Popen",
    "os.kill",
    "fcntl.flock",
    "os.utime",
    "os.chmod",
}
_WRITING = os.O_WRONLY | os.O_RDWR | os.O_CREAT | os.O_TRUNC | os.O_APPEND


def _install(at: int) -> None:
    seen = 0

    def hook(event: str, args: tuple) -> None:
        nonlocal seen
        if event not in _CALLS or (event == "open" and not (isinstance(args[2], int) and args[2] & _WRITING)):
            return
        if event == "open" and "__pycache__" in str(args[0]):
            return
        seen += 1
        if seen == at:
            fd = os.open(os.environ["AUTOBUILDS_CRASH_FIRED"], os.O_CREAT | os.O_RDONLY)
            os.close(fd)
            os.kill(os.getpid(), signal.SIGKILL)

    def leave() -> None:
        with open(os.environ["AUTOBUILDS_CRASH_COUNT"], "w") as file:
            file.write(str(seen))

    sys.addaudithook(hook)
    atexit.register(leave)


_role, _, _at = os.environ.get("AUTOBUILDS_CRASH_AT", "").partition(":")
_argv = " ".join(sys.orig_argv)
_is = {"heartbeat": "autobuilds heartbeat" in _argv, "supervisor": "autobuilds.adapters.supervisor" in _argv}
if _is.get(_role) and not os.path.exists(os.environ["AUTOBUILDS_CRASH_FIRED"]):
    _install(int(_at))
