"""What can be told of the agents on a machine: found, version, signed in."""

from __future__ import annotations

import os
import sys
import time
from pathlib import Path

import pytest

from autobuilds.adapters.agents import detect
from autobuilds.adapters.agents.presets import Presets
from autobuilds.domain.moment import AgentStatus


def _program(folder: Path, name: str, script: str) -> Path:
    path = folder / name
    path.write_text(f"#!/bin/sh\n{script}\n")
    path.chmod(0o755)
    return path


def _examined(folder: Path, *names: str, **environment: str) -> dict[str, AgentStatus]:
    given = {"PATH": f"{folder}:{os.environ['PATH']}", "HOME": str(folder), **environment}
    return {status.name: status for status in Presets.load(None).examine(names, given)}


def test_detection_looks_at_the_path_alone(tmp_path: Path) -> None:
    program = _program(tmp_path, "codex", f"touch {tmp_path}/ran")
    found = {a.name: a for a in Presets.load(None).detect(None, {"PATH": str(tmp_path), "HOME": str(tmp_path)})}
    assert found["codex"].found and found["codex"].detail == str(program)
    assert (found["codex"].version, found["codex"].minimum, found["codex"].outdated) == (None, None, False)
    assert not found["claude"].found and found["claude"].install == "npm install -g @anthropic-ai/claude-code"
    assert found["command"].found and found["command"].signed_in is None
    assert found["codex"].nests and found["openclaw"].reserve_mib == 1792 and not found["amp"].verified
    assert [a.found for a in Presets.load(None).detect(["ghost", "codex"], {"PATH": str(tmp_path)})] == [False, True]
    assert not (tmp_path / "ran").exists()


@pytest.mark.parametrize(
    ("said", "version", "outdated"),
    [
        ("2.1.329 (Claude Code)", "2.1.329", False),
        ("claude/2.1.300 linux-x64", "2.1.300", False),
        ("2.1.197 (Claude Code)", "2.1.197", True),
        ("v10.0", "10.0", False),
        ("GitHub Copilot CLI 2.9.9.", "2.9.9", False),
        ("0.0.1", "0.0.1", True),
        ("no version", None, False),
        ("", None, False),
    ],
)
def test_versions(tmp_path: Path, said: str, version: str | None, outdated: bool) -> None:
    _program(tmp_path, "claude", f"echo '{said}'")
    status = _examined(tmp_path, "claude")["claude"]
    assert (status.version, status.minimum, status.outdated) == (version, "2.1.300", outdated)


def test_a_version_command_gets_no_key_and_leaves_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ANTHROPIC_API_KEY", "canary")
    _program(tmp_path, "claude", f"env > {tmp_path}/env; pwd > {tmp_path}/cwd; echo 2.2.0")
    status = _examined(tmp_path, "claude", ANTHROPIC_API_KEY="canary")["claude"]
    assert (status.version, status.signed_in) == ("2.2.0", True)
    assert "canary" not in (tmp_path / "env").read_text()
    assert not Path((tmp_path / "cwd").read_text().strip()).exists()


def test_a_version_command_has_an_empty_home(tmp_path: Path) -> None:
    owner = tmp_path / "owner"
    (owner / ".pyenv").mkdir(parents=True)
    (owner / ".claude.json").write_text("canary")
    _program(tmp_path, "claude", f'ls -A "$HOME" > {tmp_path}/seen; touch "$HOME/made"; echo "$PYENV_ROOT" >> {tmp_path}/seen; echo 2.2.0')
    assert _examined(tmp_path, "claude", HOME=str(owner))["claude"].version == "2.2.0"
    assert (tmp_path / "seen").read_text() == f"{owner}/.pyenv\n"
    assert sorted(p.name for p in owner.iterdir()) == [".claude.json", ".pyenv"]


def test_a_program_that_hangs_is_killed_with_its_children(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(detect, "VERSION_SECONDS", 0.3)
    _program(tmp_path, "pi", f"sleep 300 & echo $! > {tmp_path}/pid; echo 9.9.9; wait")
    begun = time.monotonic()
    assert _examined(tmp_path, "pi")["pi"].version is None
    assert time.monotonic() - begun < 20
    pid = int((tmp_path / "pid").read_text())
    deadline = time.monotonic() + 10
    while Path(f"/proc/{pid}").exists() and "Z" not in Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[:1]:
        assert time.monotonic() < deadline
        time.sleep(0.02)


def test_programs_that_can_not_be_run(tmp_path: Path) -> None:
    broken = tmp_path / "codex"
    broken.write_bytes(b"\x7fELF broken")
    broken.chmod(0o755)
    status = _examined(tmp_path, "codex")["codex"]
    assert status.found and status.version is None


def test_signed_in(tmp_path: Path) -> None:
    unknown = None if sys.platform == "darwin" else False
    assert _examined(tmp_path, "codex")["codex"].signed_in is unknown
    assert _examined(tmp_path, "codex", OPENAI_API_KEY="")["codex"].signed_in is unknown
    assert _examined(tmp_path, "codex", OPENAI_API_KEY="x")["codex"].signed_in is True
    (tmp_path / ".codex").mkdir()
    (tmp_path / ".codex" / "auth.json").write_text("{}")
    assert _examined(tmp_path, "codex")["codex"].signed_in is True


@pytest.mark.parametrize(
    ("version", "minimum", "older"),
    [("1.9", "1.10", True), ("1.10", "1.9", False), ("1.0", "1.0.0", False), ("1", "1.0.1", True), ("2026.9.6", "2026.10", True)],
)
def test_versions_are_compared_by_number(version: str, minimum: str, older: bool) -> None:
    assert detect.older(version, minimum) is older
