"""Runs tests in forked children of one process that has imported pytest and the libraries, but nothing of the project.

`python -m tests.mutation.server` in the copy is that process: one JSON request a line on standard input, one JSON answer a line on standard
output. Every child imports the source as it stands on the disk then; what a child leaves running is killed.
"""

from __future__ import annotations

import contextlib
import ctypes
import importlib
import json
import os
import shutil
import signal
import subprocess
import sys
import time
import traceback
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final, Self

from coverage import Coverage, CoverageData

from tests.mutation import mutants
from tests.mutation.ground import Ground

PR_SET_CHILD_SUBREAPER: Final = 36
#: Status of a child that found no function to give the mutated code to.
UNSWAPPED: Final = 71
_HEAVY: Final = ("hypothesis", "mistune", "frontmatter", "jinja2", "psutil", "msgspec.json", "msgspec.toml", "click", "git", "markdown_it")
#: What pytest is told: nothing that others left, only the fast tests; `hypothesis` is imported before it could be rewritten.
OPTIONS: Final = (
    *("-p", "no:xdist", "-p", "no:cacheprovider", "-q", "-m", "not slow and not long and not real"),
    *("-W", "ignore::pytest.PytestAssertRewriteWarning"),
)


class Stopped(Exception):
    """The process that runs tests has ended."""


class Server:
    """The process, from outside; `with` starts and ends it. With files it is one that stays with their tests collected (`staying.py`)."""

    def __init__(self, ground: Ground, files: Sequence[str] = ()) -> None:
        self.ground, self.files = ground, files
        self._process: subprocess.Popen[str] | None = None
        self._stopped = False

    def __enter__(self) -> Self:
        module = ["staying", str(self.ground.folder), *self.files] if self.files else ["server"]
        argv = [str(self.ground.python), "-m", f"tests.mutation.{module[0]}", *module[1:]]
        kept = {name: value for name, value in os.environ.items() if name not in {"PYTHONDONTWRITEBYTECODE", "PYTHONPATH"}}
        with (self.ground.folder / f"{module[0]}.output").open("w") as output:
            self._process = subprocess.Popen(
                argv, cwd=self.ground.tree, env=kept, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=output, text=True
            )
        try:
            if self._stopped:
                self.stop()
            if self.files:
                self._answer()
        except BaseException as error:
            self.__exit__(type(error))
            raise
        return self

    def __exit__(self, kind: type[BaseException] | None = None, *_: object) -> None:
        assert self._process is not None
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        if kind is not None:
            self.stop()
        with contextlib.suppress(BrokenPipeError):
            self._process.stdin.close()
        self._process.wait()
        self._process.stdout.close()

    def stop(self) -> None:
        """End it, and the tests that it runs, without waiting; from any thread, begun or not. Who waits for an answer gets `Stopped`."""
        self._stopped = True
        if self._process is not None:
            self._process.terminate()

    def ask(self, **request: object) -> dict[str, Any]:
        """Run tests; the answer holds what `Watching` noted. Raises `Stopped` where the process ends meanwhile."""
        assert self._process is not None
        assert self._process.stdin is not None
        try:
            self._process.stdin.write(json.dumps({"ground": str(self.ground.folder), "switch": str(self.ground.switch), **request}) + "\n")
            self._process.stdin.flush()
        except BrokenPipeError as error:
            raise Stopped(self.files or "server") from error
        return self._answer()

    def _answer(self) -> dict[str, Any]:
        assert self._process is not None
        assert self._process.stdout is not None
        line = self._process.stdout.readline()
        if not line.endswith("\n"):
            raise Stopped(self.files or "server")
        answer: dict[str, Any] = json.loads(line)
        return answer


class Watching:
    """What a run of pytest tells: outcome and seconds of each test, the first failure; the calls, where they are asked for."""

    def __init__(self, request: dict[str, Any], notes: Path) -> None:
        self.order = {name: number for number, name in enumerate(request.get("tests") or ())}
        self.notes, self.tests, self.failed, self.why = notes, dict[str, dict[str, Any]](), "", ""
        traced, self.switch = request.get("trace", False), Path(request["switch"])
        self.log = notes.with_suffix(".calls")
        self.source = f"{Path.cwd()}/"
        self.lines = Coverage(config_file=False, data_file=None, source=[f"{self.source}src"]) if traced else None
        if self.lines is not None:
            self.lines.start()

    def pytest_collection_modifyitems(self, config: Any, items: list[Any]) -> None:
        if self.order:
            config.hook.pytest_deselected(items=[item for item in items if item.nodeid not in self.order])
            items[:] = sorted((item for item in items if item.nodeid in self.order), key=lambda item: self.order[item.nodeid])

    def pytest_collectreport(self, report: Any) -> None:
        if report.failed and not self.failed:
            self.failed, self.why = report.nodeid, str(report.longrepr)[-2000:]
            self.save()

    def pytest_runtest_logstart(self, nodeid: str) -> None:
        self.tests[nodeid] = {"seconds": 0.0, "passed": False}
        self.waited = _waited()
        self.save()
        if self.lines is not None:
            self.lines.switch_context(nodeid)
            self.log.write_bytes(b"")
            self.switch.write_text(f"{self.source}\n{self.log}\n")

    def pytest_runtest_logreport(self, report: Any) -> None:
        note = self.tests[report.nodeid]
        note["seconds"] += report.duration
        if report.when == "call":
            note["passed"] = report.passed
        if report.failed:
            note["passed"] = False
            if not self.failed:
                self.failed, self.why = report.nodeid, str(report.longrepr)[-2000:]

    def pytest_runtest_logfinish(self, nodeid: str) -> None:
        note = self.tests[nodeid]
        note["seconds"] = max(note["seconds"] - (_waited() - self.waited), 0.001)
        if self.lines is not None:
            self.lines.switch_context("")
            self.switch.unlink()
            told = self.log.read_text(encoding="utf-8", errors="replace").split("\n")
            self.tests[nodeid]["calls"] = {line for line in told if line.startswith("src/") and ":" in line}

    def pytest_sessionfinish(self) -> None:
        if self.lines is not None:
            self.lines.stop()
            self.add_calls(self.lines.get_data())
        self.save()

    def add_calls(self, data: CoverageData) -> None:
        """Note the functions of whose bodies a test ran a line."""
        for file in data.measured_files():
            functions = mutants.functions_of(Path(file).read_bytes())
            path = file.removeprefix(self.source)
            for line, tests in data.contexts_by_lineno(file).items():
                if line in functions:
                    for test in filter(None, tests):
                        self.tests[test]["calls"].add(f"{path}:{functions[line]}")

    def save(self) -> None:
        self.notes.write_text(json.dumps({"tests": self.tests, "failed": self.failed, "why": self.why}, default=sorted))


def _waited() -> float:
    """Return the seconds for which this thread was ready and others ran: how fast a test is does not hang on who else is busy."""
    try:
        return int(Path("/proc/thread-self/schedstat").read_text().split()[1]) / 1e9
    except (OSError, ValueError, IndexError):
        return 0.0


def quiet(notes: Path) -> None:
    """Make this process the leader of a session whose output goes to a file."""
    os.setsid()
    nothing = os.open(os.devnull, os.O_RDWR)
    output = os.open(notes.with_suffix(".output"), os.O_WRONLY | os.O_CREAT | os.O_TRUNC)
    os.dup2(nothing, 0)
    os.dup2(output, 1)
    os.dup2(output, 2)


def _child(request: dict[str, Any], notes: Path) -> None:
    quiet(notes)
    import pytest

    own = [f"--basetemp={request['ground']}/temporary", f"-otimeout={request['limit']}", *([] if request.get("trace") else ["-x"])]
    os._exit(pytest.main([*request["files"], *OPTIONS, *own], plugins=[Watching(request, notes)]))


def _left() -> list[int]:
    """Return the processes that children left behind, ended ones included."""
    found = Path(f"/proc/self/task/{os.getpid()}/children").read_text().split()
    return [int(pid) for pid in found]


def _run(request: dict[str, Any]) -> dict[str, Any]:
    notes = Path(request["ground"]) / "notes.json"
    notes.unlink(missing_ok=True)
    child = os.fork()
    if child == 0:
        try:
            _child(request, notes)
        except BaseException:
            traceback.print_exc()
        finally:
            sys.stderr.flush()
            os._exit(70)
    return ended(child, request, notes)


def ended(child: int, request: dict[str, Any], notes: Path) -> dict[str, Any]:
    """Wait for a child, end it where it takes too long or we are told to end, end what it left, and return what it noted."""
    began, status = time.monotonic(), None
    usual = signal.signal(signal.SIGTERM, _ending)
    try:
        while status is None and time.monotonic() - began < request["all"]:
            pid, how = os.waitpid(child, os.WNOHANG)
            status = os.waitstatus_to_exitcode(how) if pid else None
            if status is None:
                time.sleep(0.01)
    finally:
        _end_left()
    signal.signal(signal.SIGTERM, usual)
    Path(request["switch"]).unlink(missing_ok=True)
    shutil.rmtree(Path(request["ground"]) / "temporary", ignore_errors=True)
    try:
        told = json.loads(notes.read_text())
    except (OSError, ValueError):
        told = {"tests": {}, "failed": "", "why": ""}
    return {"status": status, "seconds": time.monotonic() - began, **told}


def _ending(number: int, _frame: object) -> None:
    """Leave in order, once: what is on the way out is not stopped by a second signal."""
    signal.signal(number, signal.SIG_IGN)
    sys.exit(128 + number)


def _end_left() -> None:
    deadline = time.monotonic() + 10
    while (left := _left()) and time.monotonic() < deadline:
        for pid in left:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        with contextlib.suppress(ChildProcessError):
            while os.waitpid(-1, os.WNOHANG)[0]:
                pass
        time.sleep(0.005)


def main() -> None:
    """Answer requests until standard input ends."""
    ctypes.CDLL(None).prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)
    import pytest

    assert pytest
    for name in _HEAVY:
        with contextlib.suppress(ImportError):
            importlib.import_module(name)
    assert not [name for name in sys.modules if name.split(".")[0] == "autobuilds"], "the source was imported before it was spoiled"
    for line in sys.stdin:
        sys.stdout.write(f"{json.dumps(_run(json.loads(line)))}\n")
        sys.stdout.flush()


if __name__ == "__main__":
    main()
