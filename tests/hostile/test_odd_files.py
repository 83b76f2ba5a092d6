"""What stands where a file should: a message and an exit status, never a wait, a traceback or a loss."""

from __future__ import annotations

import os
import time
from pathlib import Path

import pytest

from autobuilds.adapters.supervisor.records import Start, read_record
from autobuilds.adapters.supervisor.tail import read_tail, read_whole
from autobuilds.errors import BadInput
from autobuilds.store.growing_file import GrowingFile
from tests.cli.conftest import QUEUE, Desk
from tests.conftest import git

COMMANDS = (["status", "--json"], ["why", "--json"], ["heartbeat"], ["approve", "fix-the-clock", "--json"])


def place(root: Path, name: str, kind: str) -> None:
    path = root / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.unlink(missing_ok=True)
    if kind == "pipe":
        os.mkfifo(path)
    elif kind == "folder":
        path.mkdir()
    else:
        path.write_bytes(bytes(range(256)))


@pytest.mark.parametrize("kind", ["pipe", "folder", "binary"])
@pytest.mark.parametrize("name", ["BUILD_QUEUE.md", "HEARTBEAT.md", "DECISION_FRAMEWORK.md", "subagents/active.json", "agents.toml"])
def test_no_command_waits_or_breaks(desk: Desk, name: str, kind: str) -> None:
    place(desk.root, name, kind)
    for command in COMMANDS:
        said = desk.type(*command)
        assert said.status in {0, 1, 2, 3}, command
        assert "unexpected" not in said.err, said.err
        if said.status > 1:
            assert name.rpartition("/")[2] in said.err and said.err.count("\n") == 1, said.err
            assert said.out == "" or "--json" not in command


@pytest.mark.parametrize("place_of_it", ["kept/queue.md", "../outside.md"])
def test_a_queue_that_is_a_link_is_no_edit_by_hand_for_ever(desk: Desk, place_of_it: str) -> None:
    target = (desk.root / place_of_it).resolve()
    target.parent.mkdir(exist_ok=True)
    target.write_text(QUEUE, encoding="utf-8")
    link = desk.root / "BUILD_QUEUE.md"
    link.unlink()
    link.symlink_to(place_of_it)
    git(desk.root, "add", "-A")
    git(desk.root, "commit", "-qm", "a link")
    assert desk.type("set", "fix-the-clock", "Priority", "Low").status == 0
    assert desk.type("set", "fix-the-clock", "Priority", "Medium").status == 0
    assert link.is_symlink()
    assert "Priority: Medium" in target.read_text(encoding="utf-8")
    assert "by hand" not in git(desk.root, "log", "--format=%s")
    assert git(desk.root, "status", "--short") == ""


def test_agents_nested_without_end_are_a_message(desk: Desk) -> None:
    (desk.root / "agents.toml").write_text("x=" + "[" * 5000)
    said = desk.type("why")
    assert "unexpected" not in said.err and "nested too deep" in said.out


def test_a_log_that_is_a_second_name_of_another_file_is_not_shown(tmp_path: Path) -> None:
    (tmp_path / "key").write_text("the secret\n")
    (tmp_path / "log").hardlink_to(tmp_path / "key")
    assert read_tail(tmp_path / "log", 1000) == ""
    assert read_whole(tmp_path / "log", 1000) is None
    assert GrowingFile(tmp_path / "log").lines() == []


def test_the_last_lines_of_gibibytes_of_nothing_are_there_at_once(tmp_path: Path) -> None:
    (tmp_path / "log").touch()
    os.truncate(tmp_path / "log", 8 * 1024**3)
    with (tmp_path / "log").open("ab") as log:
        log.write(b"\nthe end\n")
    file = GrowingFile(tmp_path / "log")
    began = time.process_time()
    file.skip_to_last(1)
    assert file.lines() == ["the end"]
    file.close()
    file.skip_to_last(50)
    assert "the end" not in file.lines()  # a part of it now, the rest with the next calls
    file.close()
    assert time.process_time() - began < 2


def test_a_run_record_that_is_a_folder_or_no_text_is_said(tmp_path: Path) -> None:
    (tmp_path / "start.json").mkdir()
    (tmp_path / "exit.json").write_bytes(b'{"boot": "\xe4"}')
    for name in ("start.json", "exit.json"):
        with pytest.raises(BadInput, match=name):
            read_record(tmp_path / name, Start)
