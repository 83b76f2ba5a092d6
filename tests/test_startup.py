"""What a command costs before it does anything: counted in modules that it imports, never in time."""

from __future__ import annotations

import importlib
import os
import pkgutil
import re
import shutil
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

import autobuilds
from autobuilds.cli import answers
from autobuilds.cli.formatters.style import Style
from autobuilds.domain import patterns
from autobuilds.runtime.heartbeat import beat
from autobuilds.runtime.looking import look
from autobuilds.runtime.standstill import keep, keep_reading, watch, watch_queue
from autobuilds.store.queue.belief import BIG_LOSS
from autobuilds.wiring import make_context
from tests.conftest import git

#: Packages that take long to import, and what of our own takes long to build up.
HEAVY = frozenset({"click", "frontmatter", "git", "jinja2", "mistune", "msgspec", "psutil", "yaml"})
PAGES = frozenset({"frontmatter", "git", "jinja2", "mistune", "yaml"})
RULES = frozenset({"autobuilds.policies.risk.model", "autobuilds.policies.requirements.judge"})

_DUMP = """
import sys
bare = set(sys.modules)
sys.argv[0] = "autobuilds"
from autobuilds.__main__ import main
try:
    main()
finally:
    with open({out!r}, "w") as file:
        file.write("\\n".join(sorted(set(sys.modules) - bare)))
"""
#: All that an answer at once imports besides what a bare interpreter has.
AT_ONCE = {
    "__future__",
    "autobuilds",
    "autobuilds.__main__",
    "autobuilds.cli",
    "autobuilds.cli.quick",
    "autobuilds.store",
    "autobuilds.store.standstill",
}
#: The most modules of ours that a command imports with one task in the queue; a new one has to be worth its price.
# (The workspace has no ledger yet: that it never had one, a whole look asks of the last commit, read without a process of Git.)
# (Where the answer of a heartbeat holds, `next` keeps its own beside it: two small modules for a tenth of the time from then on.)
# (What a commit holds is a module of its own, `runtime.committing`; the diary is imported by what writes an entry.)
MOST = {"list": 111, "add": 187, "set": 137, "complete": 165, "status": 181, "plan": 184, "next": 178, "heartbeat": 197}
#: The most modules in all; those of the standard library cost as much as ours.
MOST_IN_ALL = {"list": 171, "add": 321, "set": 271, "complete": 328, "status": 256, "plan": 261, "next": 252, "heartbeat": 274}
#: What a look can do without: each takes as long to import as a dozen modules of ours, or loads a library of megabytes.
NEEDLESS = frozenset({"click", "ctypes", "dataclasses", "decimal", "difflib", "fractions", "html", "inspect", "platform", "random", "secrets", "socket",
                      "ssl", "tempfile", "tomllib", "traceback"})  # fmt: skip
#: The most patterns that a look compiles when those of the program are kept (`kept`): of a few texts that are made at run time.
PATTERNS = 30
HEARTBEAT = "---\ntimezone: UTC\nsandbox: none\nagent: command\ndisk_limit: 100\nmemory_limit: 100\nload_limit: 1000\n---\n# Heartbeat\n"
QUEUE = """# Build Queue

## Active Queue
- [ ] Area - Added: 2026-02-06 15:00 - Priority: High

## Task Details

### Area
- **Description:** `area(w, h)` in shapes.py returns `w * h`.
- **Completion Criteria:**
  - [ ] It is tested: `python3 -m unittest`
- **Category:** Bug fixes
- **Blockers:** the vendor

## Completed
"""


def _imported(workspace: Path, *args: str, status: int = 0) -> set[str]:
    """Return the modules that a command has imported when it ends, with the exit status that is expected."""
    out = workspace.parent / "modules.json"
    environment = {k: v for k, v in os.environ.items() if not k.startswith("AUTOBUILDS_")}
    script = _DUMP.format(out=str(out))
    done = subprocess.run([sys.executable, "-c", script, *args], cwd=workspace, env=environment, capture_output=True, text=True)
    assert done.returncode == status, done.stderr
    return set(out.read_text().split("\n"))


def _beaten(root: Path) -> None:
    """Run a heartbeat and a status in which all counts as left alone for long, so that their answers are kept."""
    context = make_context(root)
    for command, see in (("heartbeat", beat), ("status", look)):
        before = watch(context)
        found = see(context)
        text = "".join(answers.heartbeat_text(found, as_json=False, style=Style()) if command == "heartbeat" else "status\n")
        assert keep(context, before, found, f"{command}-text", lambda _, text=text: text, rested=-60.0)
    assert keep_reading(context, watch_queue(context), "list-text", "list\n", rested=-60.0)


def _rest(root: Path) -> None:
    """Wait until the queue is at rest: one that was saved a moment ago may be half a save, and is held against the commit."""
    while time.time() - (root / "BUILD_QUEUE.md").stat().st_ctime <= BIG_LOSS:
        time.sleep(0.1)


def _state(root: Path) -> dict[str, tuple[int, int, int]]:
    """Return what tells whether a file was written: inode, size and time of every one below a folder."""
    found = {}
    for path in sorted(root.rglob("*")):
        info = path.lstat()
        found[str(path.relative_to(root))] = (info.st_ino, info.st_size, info.st_mtime_ns)
    return found


@pytest.fixture
def gits(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., list[str]]:
    """Return a function that runs a command line and returns the Git commands that it starts."""
    bin_, log = tmp_path / "bin", tmp_path / "git.log"
    bin_.mkdir()
    (bin_ / "git").write_text(f'#!/bin/sh\necho "$*" >> {log}\nexec {shutil.which("git")} "$@"\n')
    (bin_ / "git").chmod(0o755)
    monkeypatch.setenv("PATH", f"{bin_}{os.pathsep}{os.environ['PATH']}")

    def run(workspace: Path, *args: str) -> list[str]:
        log.write_text("")
        done = subprocess.run([sys.executable, "-m", "autobuilds", *args], cwd=workspace, capture_output=True, text=True)
        assert done.returncode == 0, done.stderr
        return log.read_text().split("\n")[:-1]

    return run


@pytest.fixture
def workspace(make_repo: Callable[..., Path]) -> Path:
    """A workspace with settings and rules as shipped, and no task."""
    root = make_repo()
    _imported(root, "init", "--yes")
    (root / "BUILD_QUEUE.md").write_text("## Active Queue\n\n## Task Details\n\n## Completed\n")
    return root


def test_the_version_needs_none_of_the_packages(tmp_path: Path) -> None:
    folder = tmp_path / "folder"
    folder.mkdir()
    modules = _imported(folder, "--version")
    assert modules & HEAVY == set()
    assert {m for m in modules if m.startswith("autobuilds.")} <= {"autobuilds.__main__"}


@pytest.fixture
def quiet(make_repo: Callable[..., Path]) -> Path:
    """A workspace in which nothing is left to do."""
    root = make_repo({"BUILD_QUEUE.md": QUEUE, "HEARTBEAT.md": HEARTBEAT, ".gitignore": ".autobuilds/\n"})
    beat(make_context(root))
    beat(make_context(root))
    return root


@pytest.mark.parametrize("command", ["heartbeat", "status", "list"])
def test_what_has_not_changed_is_answered_with_next_to_nothing(quiet: Path, gits: Callable[..., list[str]], command: str) -> None:
    _beaten(quiet)
    before = _state(quiet)
    assert _imported(quiet, command) <= AT_ONCE
    assert gits(quiet, command) == []
    assert _state(quiet) == before


def test_what_is_ready_is_answered_at_once_while_the_answer_of_a_heartbeat_holds(quiet: Path) -> None:
    def following() -> tuple[int, str]:
        done = subprocess.run([sys.executable, "-m", "autobuilds", "next"], cwd=quiet, capture_output=True, text=True)
        return done.returncode, done.stdout

    _beaten(quiet)
    first = following()
    assert first[0] == 1 and "Nothing is ready" in first[1]
    assert _imported(quiet, "next", status=1) <= AT_ONCE
    assert following() == first
    (quiet / "HEARTBEAT.md").touch()
    assert not _imported(quiet, "next", status=1) <= AT_ONCE
    assert following() == first


def test_a_whole_idle_heartbeat_writes_and_starts_nothing(quiet: Path, gits: Callable[..., list[str]]) -> None:
    before = _state(quiet)
    assert gits(quiet, "heartbeat", "--monitor") == []
    assert _state(quiet) == before


@pytest.mark.parametrize(
    "words",
    [
        ("add", "Area of a rectangle", "--desc", "Add `area` to shapes.py"),
        ("set", "area", "priority", "low"),
        ("block", "area", "the font"),
    ],
    ids=lambda words: words[0],
)
def test_a_change_is_one_commit_of_at_most_two_processes(quiet: Path, gits: Callable[..., list[str]], words: tuple[str, ...]) -> None:
    before = git(quiet, "rev-list", "--count", "HEAD")
    processes = gits(quiet, *words)
    assert len(processes) <= 2, processes
    assert int(git(quiet, "rev-list", "--count", "HEAD")) == int(before) + 1


@pytest.mark.parametrize("command", sorted(MOST))
def test_a_command_imports_what_it_needs(quiet: Path, command: str) -> None:
    words = {
        "add": ("Area of a rectangle", "--desc", "Add `area` to shapes.py"),
        "set": ("area", "priority", "low"),
        "complete": ("area",),
    }.get(command, ())
    if command in {"list", "next", "plan"}:
        _rest(quiet)
    everything = _imported(quiet, command, *words, status=command == "next")
    modules = {m for m in everything if m.startswith("autobuilds")}
    assert len(modules) <= MOST[command], sorted(modules)
    assert len(everything) <= MOST_IN_ALL[command], sorted(everything - modules)
    if not words:
        assert everything & (NEEDLESS | HEAVY) == set()
    assert modules & {"autobuilds.runtime.report_view", "autobuilds.runtime.starting", "autobuilds.adapters.runners.local"} == set()


_COMPILED = """
import os, re, sys
from re import _compiler
compiled, code = [], _compiler._code
_compiler._code = lambda *given: compiled.append(given) or code(*given)
sys.argv[0] = "autobuilds"
from autobuilds import kept
kept.__file__ = os.environ["KEPT"]
from autobuilds.__main__ import main
try:
    main()
finally:
    sys.stderr.write(str(len(compiled)))
"""


@pytest.mark.parametrize("command", ["status", "list", "plan"])
def test_a_second_look_compiles_next_to_nothing(quiet: Path, tmp_path: Path, command: str) -> None:
    (tmp_path / "__pycache__").mkdir()
    environment = {k: v for k, v in os.environ.items() if k != "PYTHONDONTWRITEBYTECODE"}
    environment |= {"KEPT": str(tmp_path / "kept.py"), "AUTOBUILDS_WHOLE": "1"}
    runs = []
    for _ in range(2):
        done = subprocess.run([sys.executable, "-c", _COMPILED, command], cwd=quiet, env=environment, capture_output=True, text=True)
        assert done.returncode == 0, done.stderr
        runs.append((done.stdout, int(done.stderr)))
    assert runs[0][0] == runs[1][0]
    assert runs[1][1] <= PATTERNS < runs[0][1], runs


def test_a_slow_pipe_gets_all_of_a_long_list(quiet: Path) -> None:
    names = [f"Task number {n} of a queue that is longer than any pipe holds at a time" for n in range(2000)]
    (quiet / "BUILD_QUEUE.md").write_text("## Active Queue\n" + "".join(f"- [ ] {name}\n" for name in names) + "\n## Completed\n")
    with subprocess.Popen([sys.executable, "-m", "autobuilds", "list"], cwd=quiet, stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        said = process.stdout.read(100)
        time.sleep(0.5)
        said += process.stdout.read()
    assert process.returncode == 0
    assert said.count(b"task-number-") == len(names)


def test_list_reads_the_queue_alone(workspace: Path) -> None:
    _rest(workspace)
    modules = _imported(workspace, "list")
    assert modules & (HEAVY - {"click"}) == set()
    assert modules & RULES == set()
    assert [m for m in modules if m.startswith(("autobuilds.planning", "autobuilds.adapters.git"))] == []
    assert "autobuilds.runtime.heartbeat" not in modules


def test_add_renders_nothing(workspace: Path) -> None:
    modules = _imported(workspace, "add", "Area of a rectangle", "--desc", "Add `area` to shapes.py")
    assert modules & PAGES == set()
    assert "autobuilds.runtime.heartbeat" not in modules


def test_an_idle_heartbeat_judges_nothing_and_renders_its_page_once(workspace: Path) -> None:
    assert "jinja2" in _imported(workspace, "heartbeat")
    modules = _imported(workspace, "heartbeat")
    assert modules & PAGES == set()
    assert modules & RULES == set()


def test_every_pattern_that_waits_for_its_first_use_compiles() -> None:
    found = 0
    for module in pkgutil.walk_packages(autobuilds.__path__, "autobuilds."):
        if module.name.endswith("__main__"):
            continue
        for name, value in vars(importlib.import_module(module.name)).items():
            if isinstance(value, patterns._Compiled):
                found += 1
                assert isinstance(value.flags, int), f"{module.name}.{name}"  # type: ignore[attr-defined]
    assert found > 50


def test_a_pattern_is_what_re_compiles() -> None:
    late, made = patterns.pattern(r"(a)(?P<b>B)", re.IGNORECASE), re.compile(r"(a)(?P<b>B)", re.IGNORECASE)
    assert late.sub("x", "abAB") == made.sub("x", "abAB")
    assert late.findall("ab") == made.findall("ab")
    assert (late.pattern, late.flags, late.groups, dict(late.groupindex)) == (made.pattern, made.flags, made.groups, dict(made.groupindex))
    with pytest.raises(re.error):
        patterns.pattern("(").search("")
