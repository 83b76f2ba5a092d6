"""What a command does in a place where something that every process has is missing: a standard stream, the current folder."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from autobuilds.runtime.heartbeat import beat
from autobuilds.wiring import make_context

QUEUE = "## Active Queue\n- [ ] Area - Added: 2026-02-06 15:00 - Priority: High - Blockers: the vendor\n\n## Completed\n"


@pytest.fixture
def workspace(make_repo: Callable[..., Path]) -> Path:
    root = make_repo({"BUILD_QUEUE.md": QUEUE, "HEARTBEAT.md": "---\ntimezone: UTC\nsandbox: none\n---\n", ".gitignore": ".autobuilds/\n"})
    beat(make_context(root))
    return root


def _shell(line: str, where: Path) -> subprocess.CompletedProcess[str]:
    """Run a line of the shell in which `autobuilds` is a function."""
    script = f'autobuilds() {{ {sys.executable} -m autobuilds "$@"; }}\n{line}'
    return subprocess.run(["/bin/sh", "-c", script], cwd=where, capture_output=True, text=True)


@pytest.mark.parametrize("command", ["--version", "status", "list --json", "heartbeat"])
def test_without_a_standard_output_it_does_the_same_and_says_nothing(workspace: Path, command: str) -> None:
    done = _shell(f"autobuilds {command} >&-", workspace)
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


def test_without_any_standard_stream_no_file_takes_the_place_of_one(workspace: Path) -> None:
    before = {path.name: path.read_bytes() for path in workspace.iterdir() if path.is_file()}
    done = _shell("autobuilds why nothing <&- >&- 2>&-", workspace)
    assert (done.returncode, done.stdout, done.stderr) == (1, "", "")
    assert {path.name: path.read_bytes() for path in workspace.iterdir() if path.is_file()} == before


_PLACES = """
import os, sys
from autobuilds import __main__
__main__._at_once = lambda args: print(*(os.path.samestat(os.fstat(n), os.stat(os.devnull)) and os.get_inheritable(n) for n in range(3)),
                                       file=open(sys.argv[1], "w")) or ("", 0)
__main__.main()
"""


def test_programs_that_it_starts_find_the_null_device_there(tmp_path: Path) -> None:
    out = tmp_path / "places"
    line = f"exec {sys.executable} -c '{_PLACES}' {out} <&- >&- 2>&-"
    assert subprocess.run(["/bin/sh", "-c", line], capture_output=True).returncode == 0
    assert out.read_text() == "True True True\n"


@pytest.mark.parametrize("command", ["status", "heartbeat", "why area", "doctor", "init"])
def test_a_current_folder_that_was_removed_is_named_in_one_line(workspace: Path, command: str) -> None:
    done = _shell(f"mkdir gone; cd gone; rmdir ../gone; autobuilds {command}", workspace)
    said = "autobuilds: the current folder does not exist any more; go to one that does (`cd`) and try again\n"
    assert (done.returncode, done.stdout, done.stderr) == (2, "", said)


def test_a_workspace_that_is_named_is_found_from_nowhere(workspace: Path) -> None:
    done = _shell(f"mkdir gone; cd gone; rmdir ../gone; autobuilds list --workspace {workspace}{os.sep}", workspace)
    assert done.returncode == 0 and "area" in done.stdout, done.stderr
