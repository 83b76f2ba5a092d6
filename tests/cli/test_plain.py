"""Command lines of the plainest form answer as they do through click."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

from autobuilds.cli import plain
from autobuilds.cli.app import run
from autobuilds.cli.guard import MARKER
from tests.cli.conftest import Desk

LINES = (
    ("status",),
    ("status", "--json"),
    ("list",),
    ("list", "--all"),
    ("list", "--json"),
    ("list", "--all", "--json"),
    ("plan",),
    ("plan", "--json"),
    ("heartbeat", "--json"),
    ("list", "--workspace", "."),
    ("status", "--workspace=."),
)
OTHERS = (
    ("list", "--workspace", "BUILD_QUEUE.md"),
    ("list", "--workspace", "nowhere"),
    ("status", "--jsn"),
    ("plan", "--hours", "2"),
    ("next",),
    ("next", "--json"),
    ("next", "--for", "90m"),
    ("next", "--for", "soon"),
    ("list", "--help"),
    ("heartbeat", "--check"),
    ("nothing",),
    (),
)


def _answers(capfd: pytest.CaptureFixture[str], line: tuple[str, ...]) -> list[tuple[int, str, str]]:
    found = []
    for call in (run, plain.run):
        capfd.readouterr()
        status = call(list(line))
        said = capfd.readouterr()
        found.append((status, said.out, said.err))
    return found


@pytest.mark.parametrize("line", (*LINES, *OTHERS), ids=" ".join)
def test_the_answer_is_the_same(desk: Desk, capfd: pytest.CaptureFixture[str], line: tuple[str, ...]) -> None:
    if line and line[0] == "heartbeat":
        # The first starts a task and the second finds it running; what a heartbeat says of nothing to do is compared.
        desk.type("pause")
        desk.type("heartbeat")
    through_click, plainly = _answers(capfd, line)
    assert plainly == through_click


@pytest.mark.parametrize("line", [("status",), ("list",), ("plan",), ("heartbeat",), ("heartbeat", "--json")], ids=" ".join)
def test_inside_a_build(desk: Desk, capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, line: tuple[str, ...]) -> None:
    monkeypatch.delenv("AUTOBUILDS_NOW")
    monkeypatch.setenv(MARKER, "fix-the-clock-1")
    through_click, plainly = _answers(capfd, line)
    assert (plainly[0], plainly[2]) == (through_click[0], through_click[2])
    assert (plainly[0] != 0) == (line[0] == "heartbeat")


def test_a_build_that_took_its_marker_away_is_found_out(
    desk: Desk, capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("autobuilds.wiring.build_above", lambda root: "fix-the-clock-1")
    for call in (run, plain.run):
        assert call(["heartbeat"]) == 2
        assert "refused inside a build" in capfd.readouterr().err
        assert call(["status"]) == 0


def test_plain_lines_need_no_click(desk: Desk, capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    for name in [n for n in sys.modules if n.partition(".")[0] == "click"]:
        monkeypatch.setitem(sys.modules, name, None)
    for line in LINES:
        assert plain.run(list(line)) == 0
    for line in (("next",), ("next", "--json")):
        assert plain.run(list(line)) == 1
    capfd.readouterr()


@pytest.mark.parametrize(
    "line", [("list",), ("plan", "--json"), ("plan", "--json", "--hours", "12"), ("check",), ("status", "--json")], ids=" ".join
)
def test_a_reader_that_has_had_enough_is_no_failure(desk: Desk, line: tuple[str, ...]) -> None:
    read, write = os.pipe()
    os.close(read)
    environment = {**os.environ, "AUTOBUILDS_WHOLE": "1"}
    argv = [sys.executable, "-m", "autobuilds", *line]
    done = subprocess.run(argv, stdout=write, stderr=subprocess.PIPE, cwd=desk.root, env=environment, check=False)
    os.close(write)
    assert (done.returncode, done.stderr) == (0, b"")
