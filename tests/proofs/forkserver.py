"""Runs command lines in forked children of one process that has imported everything, so that thousands of kills are possible.

`python -m tests.proofs.forkserver` is that process: one JSON request a line on standard input, one JSON answer a line on standard output.
It is the reaper of what its children leave behind, so that it knows when a supervisor or a heartbeat that outlived its parent has ended.
"""

from __future__ import annotations

import atexit
import contextlib
import ctypes
import gc
import importlib
import json
import os
import pkgutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from types import TracebackType
from typing import Any, Final, Self

from tests.proofs.shim import MISSING, Control, attach, library

_ROOT: Final = Path(__file__).parents[2]
_PR_SET_CHILD_SUBREAPER: Final = 36
#: What the commands import late, imported before the first fork.
_HEAVY: Final = ("mistune", "frontmatter", "jinja2", "psutil", "msgspec.json", "click", "autobuilds")


@dataclass(frozen=True, slots=True, kw_only=True)
class Done:
    """How a command ended."""

    #: Exit status; the negative number of the signal that killed it.
    status: int
    #: What it printed, on both streams.
    said: str
    #: Processes that outlived it and were waited for; those that had to be killed are negative.
    left: int
    seconds: float


class ForkServer:
    """The process, from outside; `with` starts and ends it. Commands see `environment` and nothing else."""

    def __init__(self, environment: Mapping[str, str]) -> None:
        self.environment = {**environment, "PYTHONPATH": str(_ROOT / "src")}
        self._process: subprocess.Popen[str] | None = None

    def __enter__(self) -> Self:
        found = library()
        assert found is not None, MISSING
        own = {**self.environment, "LD_PRELOAD": str(found), "PYTHONPATH": f"{_ROOT}:{_ROOT / 'src'}"}
        argv = [sys.executable, "-m", "tests.proofs.forkserver"]
        self._process = subprocess.Popen(argv, env=own, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, cwd=_ROOT)
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        assert self._process is not None
        self._process.communicate(timeout=60)

    def run(
        self,
        folder: Path,
        *argv: str,
        control: Control | None = None,
        counted: bool = True,
        code: str = "tests.proofs.forkserver:autobuilds",
        patience: float = 60.0,
        linger: bool = False,
    ) -> Done:
        """Run a command line (or another function of a list of texts) in a folder and wait until nothing of it runs any more.

        With `linger` what outlives it goes on. `counted` is whether the command itself is; its children are told by the control file.
        """
        environment = {**self.environment, **(control.environment() if control is not None else {})}
        request = {
            "folder": str(folder),
            "argv": argv,
            "code": code,
            "environment": environment,
            "control": str(control.path) if control is not None else None,
            "counted": counted,
            "patience": patience,
            "linger": linger,
        }
        return Done(**self._ask(request))

    def quiet(self, patience: float = 60.0) -> int:
        """Wait until nothing that a command left behind runs any more; return how many ended, negative when they had to be killed."""
        return int(self._ask({"quiet": patience})["left"])

    def _ask(self, request: Mapping[str, Any]) -> dict[str, Any]:
        assert self._process is not None and self._process.stdin is not None and self._process.stdout is not None
        self._process.stdin.write(json.dumps(request) + "\n")
        self._process.stdin.flush()
        line = self._process.stdout.readline()
        assert line, f"the fork server ended with status {self._process.wait()}"
        answer = json.loads(line)
        assert isinstance(answer, dict)
        return answer


def _import_all() -> None:
    for name in _HEAVY:
        module = importlib.import_module(name)
        if name == "autobuilds":
            for info in pkgutil.walk_packages(module.__path__, "autobuilds."):
                if not info.name.endswith("__main__") and ".launcher" not in info.name:
                    importlib.import_module(info.name)
    # Trying the sandbox out takes longer than all else in a heartbeat; builds here run in none, and it has tests of its own.
    wiring = importlib.import_module("autobuilds.wiring")
    wiring.LateSandbox.probe = lambda _: ()


_WARM = """# Build Queue

## Active Queue
- [ ] Say hello - Added: 2026-02-06 15:00 - Priority: High

## Task Details

### Say hello
- **Description:** `a.txt` of the project holds the single line `hello`, as app.py reads it.
- **Completion Criteria:**
  - [ ] The unit test passes: `grep -qx hello a.txt`
- **Blockers:**
  - [ ] waits
- **Steps:**
  ```sh
  true
  ```

## Completed
"""


def _warm_up() -> None:
    """Use what is made at its first use (patterns, word lists, templates), in a workspace that is thrown away."""
    lines = (["heartbeat"], ["add", "Another", "--blocker", "waits"], ["set", "say-hello", "priority", "low"], ["heartbeat"])
    out = os.dup(1)
    null = os.open(os.devnull, os.O_WRONLY)
    with tempfile.TemporaryDirectory() as folder:
        try:
            os.dup2(null, 1)
            os.chdir(folder)
            for command in (["init", "-q", "--template="], ["config", "user.name", "Warm"], ["config", "user.email", "warm@example.org"]):
                subprocess.run(["git", *command], check=True)
            Path("BUILD_QUEUE.md").write_text(_WARM)
            Path("HEARTBEAT.md").write_text("---\nsandbox: none\n---\n# Heartbeat\n")
            for argv in lines:
                autobuilds(argv)
                sys.stdout.flush()
        finally:
            os.chdir("/")
            os.dup2(out, 1)
            os.close(out)
            os.close(null)


def autobuilds(argv: list[str]) -> int:
    """Run a command line of the product as its entry point does; returns the exit status."""
    from autobuilds.__main__ import main

    sys.argv = ["autobuilds", *argv]
    try:
        main()
    except SystemExit as leave:
        return leave.code if isinstance(leave.code, int) else 1
    return 0


def _child(request: Mapping[str, Any], output: int) -> int:
    os.setsid()
    signal.pthread_sigmask(signal.SIG_UNBLOCK, [signal.SIGCHLD])
    null = os.open(os.devnull, os.O_RDONLY)
    for number, fd in enumerate((null, output, output)):
        os.dup2(fd, number)
    os.closerange(3, 256)
    os.environ.clear()
    os.environ.update(request["environment"])
    time.tzset()
    os.chdir(request["folder"])
    module, _, name = request["code"].partition(":")
    run = getattr(importlib.import_module(module), name)
    if request["control"] is not None:
        attach(Path(request["control"]), counted=request["counted"])
    status = run(list(request["argv"]))
    sys.stdout.flush()
    sys.stderr.flush()
    atexit._run_exitfuncs()
    return int(status)


def _run(request: Mapping[str, Any]) -> Done:
    began = time.monotonic()
    output = os.memfd_create("output")
    pid = os.fork()
    if pid == 0:
        status = 70
        try:
            status = _child(request, output)
        except BaseException:
            import traceback

            traceback.print_exc()
            sys.stderr.flush()
        finally:
            os._exit(status)
    deadline = began + request["patience"]
    status, left = _wait(pid, deadline)
    if not request["linger"]:
        left += _quiet(deadline)
    said = os.pread(output, 1 << 20, 0).decode("utf-8", "replace")
    os.close(output)
    return Done(status=status, said=said, left=left, seconds=time.monotonic() - began)


def _wait(pid: int, deadline: float) -> tuple[int, int]:
    """Return a child's status and how many others ended on the way; a child that is late is killed with its group."""
    left = 0
    late = False
    while True:
        if time.monotonic() > deadline and not late:
            late = True
            with contextlib.suppress(ProcessLookupError):
                os.killpg(pid, signal.SIGKILL)
        ended, status = _reap(0.05)
        if ended == pid:
            return (-97 if late else os.waitstatus_to_exitcode(status)), left
        left += ended > 0


def _reap(patience: float) -> tuple[int, int]:
    """Wait a moment for any child; returns 0 for none, -1 where there is no child left."""
    try:
        ended, status = os.waitpid(-1, os.WNOHANG)
        if ended == 0:
            signal.sigtimedwait([signal.SIGCHLD], patience)
            ended, status = os.waitpid(-1, os.WNOHANG)
    except ChildProcessError:
        return -1, 0
    return ended, status


def _quiet(deadline: float) -> int:
    """Wait for everything that was left behind; what is late is killed."""
    left = 0
    while True:
        ended, _ = _reap(0.05)
        if ended < 0:
            return left
        left += ended > 0
        if time.monotonic() > deadline:
            killed = _kill_children()
            return -killed if killed else left


def _kill_children() -> int:
    killed = 0
    me = os.getpid()
    while True:
        children = [int(p) for p in Path(f"/proc/{me}/task/{me}/children").read_text().split()]
        if not children:
            return killed
        for pid in children:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
                killed += 1
        while _reap(0.05)[0] > 0:
            pass


def serve(lines: Iterable[str]) -> None:
    """Answer requests until the input ends."""
    ctypes.CDLL(None).prctl(_PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)
    signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGCHLD])
    _import_all()
    _warm_up()
    gc.freeze()
    for line in lines:
        request = json.loads(line)
        if "quiet" in request:
            answer: dict[str, Any] = {"left": _quiet(time.monotonic() + request["quiet"])}
        else:
            answer = asdict(_run(request))
        sys.stdout.write(json.dumps(answer) + "\n")
        sys.stdout.flush()
    _kill_children()


if __name__ == "__main__":
    serve(sys.stdin)
