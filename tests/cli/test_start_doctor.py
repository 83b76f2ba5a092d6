"""`autobuilds doctor`: what is wrong is found, weighed, and said with the command that mends it."""

from __future__ import annotations

import json
import os
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from autobuilds.adapters.sandbox import MachineSandbox
from autobuilds.cli.app import run
from autobuilds.domain.sandbox import Tier
from autobuilds.store.files import Lock
from tests.conftest import git

MakeRepo = Callable[..., Path]


@pytest.fixture
def workspace(make_repo: MakeRepo, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Path:
    """Return a fresh workspace on a machine without agents and schedulers."""
    monkeypatch.setenv("PATH", "/usr/bin:/bin")
    root = make_repo()
    assert run(["init", str(root), "--yes"]) == 0
    capsys.readouterr()
    return root


class Doctor:
    """Asks the doctor and keeps the answer by check."""

    def __init__(self, root: Path, capsys: pytest.CaptureFixture[str]) -> None:
        self.status = run(["doctor", "--json", "--workspace", str(root)])
        answer: dict[str, Any] = json.loads(capsys.readouterr().out)
        assert answer["kind"] == "doctor" and answer["ok"] == (self.status == 0)
        self.checks: list[dict[str, str]] = answer["checks"]

    def worst(self, check: str) -> dict[str, str]:
        """Return the gravest line of a check."""
        order = ["ok", "warning", "problem"]
        return max((c for c in self.checks if c["check"] == check), key=lambda c: order.index(c["level"]))


def test_a_fresh_workspace_has_no_problem(workspace: Path, capsys: pytest.CaptureFixture[str]) -> None:
    doctor = Doctor(workspace, capsys)
    assert doctor.status == 0
    assert {c["check"] for c in doctor.checks if c["level"] == "problem"} == set()
    assert {c["check"] for c in doctor.checks} >= {
        *("python", "git", "agents", "sandbox", "resources", "file system", "time zone", "repository", "identity", "files"),
        *("queue", "configuration", "policy", "ledger", "commits", "locks", "merge driver", "clock", "timer"),
    }
    for check in doctor.checks:
        assert check["level"] == "ok" or check["fix"], check
        assert "\n" not in check["said"]


def test_the_sandbox_is_not_made_better_than_it_is(workspace: Path, capsys: pytest.CaptureFixture[str]) -> None:
    tiers = MachineSandbox().probe()
    best = next(t.tier for t in tiers if t.works)
    found = Doctor(workspace, capsys).worst("sandbox")
    assert found["said"].startswith(f"{best.value}: ")
    assert (found["level"] == "ok") is (best is Tier.BWRAP_LANDLOCK and not tiers[0].why), found


def test_a_sandbox_that_was_switched_off_is_said(workspace: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (workspace / "HEARTBEAT.md").write_text("---\nsandbox: none\n---\n")
    found = Doctor(workspace, capsys).worst("sandbox")
    assert found["level"] == "warning" and "your keys among them" in found["said"] and "sandbox:" in found["fix"]
    (workspace / "HEARTBEAT.md").write_text("---\nsandbox: none\nrequire_sandbox: landlock\n---\n")
    assert Doctor(workspace, capsys).worst("sandbox")["level"] == "problem"


def test_an_agent_that_is_old_or_not_signed_in_is_said(
    workspace: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    program = tmp_path / "bin" / "helper"
    program.parent.mkdir()
    program.write_text("#!/bin/sh\necho helper 1.2.9\n")
    program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{program.parent}{os.pathsep}{os.environ['PATH']}")
    preset = '[helper]\nargv = ["helper"]\nversion = ["helper", "--version"]\nmin_version = "1.10"\ninstall = "npm install helper"\n'
    own = workspace / "agents.toml"
    own.write_text(preset)

    def said() -> dict[str, str]:
        return next(c for c in Doctor(workspace, capsys).checks if c["check"] == "agents" and "helper" in c["said"])

    assert said() == {
        "check": "agents",
        "level": "warning",
        "said": "helper 1.2.9 is older than 1.10, the oldest that was tried",
        "fix": "npm install helper",
    }
    own.write_text(preset.replace("1.10", "1.2") + 'signed_in = ["HELPER_KEY"]\n')
    monkeypatch.setenv("HELPER_KEY", "x")
    assert said()["level"] == "ok" and said()["said"] == "helper 1.2.9"
    monkeypatch.delenv("HELPER_KEY")
    assert "not signed in" in said()["said"] and "autobuilds agents test helper" in said()["fix"]


def test_text_has_a_line_a_check_and_the_way_out(workspace: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["doctor", "--workspace", str(workspace)]) == 0
    said = capsys.readouterr().out
    assert "-> autobuilds install" in said and said.rstrip().endswith("warnings")


@pytest.mark.parametrize(
    ("file", "text", "check", "level", "fix"),
    [
        ("BUILD_QUEUE.md", "# Q\n\n## Active Queue\n- [ ] A - Priority: hgih\n", "queue", "problem", "autobuilds check"),
        ("BUILD_QUEUE.md", "# Q\n\n## Active Queue\n\0- [ ] A\n", "queue", "problem", "autobuilds check"),
        ("HEARTBEAT.md", "---\nintervall: 1h\n---\n", "configuration", "problem", "autobuilds check"),
        ("HEARTBEAT.md", "---\nagent: codex\n---\n", "agents", "problem", "npm install -g @openai/codex"),
        ("HEARTBEAT.md", "---\ndisk_limit: 1\n---\n", "resources", "warning", "disk_limit"),
        ("subagents/active.json", "{", "ledger", "problem", "autobuilds fsck"),
        ("STOP", "", "files", "warning", "rm STOP"),
        (".gitattributes", "", "merge driver", "warning", "autobuilds init"),
        (".autobuilds/outbox/000000-x.json", '{"message": "x\\n", "paths": ["STOP"], "owner": false}', "commits", "warning", "heartbeat"),
    ],
)
def test_what_is_wrong_with_a_file(
    file: str, text: str, check: str, level: str, fix: str, workspace: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    target = workspace / file
    target.parent.mkdir(parents=True, exist_ok=True)
    target.write_text(text)
    doctor = Doctor(workspace, capsys)
    found = doctor.worst(check)
    assert found["level"] == level and fix in found["fix"], found
    assert doctor.status == (1 if level == "problem" else 0)


def test_files_that_are_missing(workspace: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (workspace / "DECISION_FRAMEWORK.md").unlink()
    found = Doctor(workspace, capsys).worst("files")
    assert "DECISION_FRAMEWORK.md" in found["said"] and found["fix"] == "autobuilds init"


def test_a_repository_that_can_take_no_commit(workspace: Path, capsys: pytest.CaptureFixture[str]) -> None:
    git(workspace, "checkout", "-q", "--detach")
    found = Doctor(workspace, capsys).worst("repository")
    assert found["level"] == "warning" and "detached" in found["said"]
    (workspace / ".git/MERGE_HEAD").write_text(git(workspace, "rev-parse", "HEAD"))
    assert "a merge is in progress" in Doctor(workspace, capsys).worst("repository")["said"]


def test_hooks_are_named_as_those_that_will_not_run(workspace: Path, capsys: pytest.CaptureFixture[str]) -> None:
    hook = workspace / ".git/hooks/pre-commit"
    hook.parent.mkdir(exist_ok=True)
    hook.write_text("#!/bin/sh\nexit 1\n")
    hook.chmod(0o755)
    said = [c["said"] for c in Doctor(workspace, capsys).checks if c["check"] == "repository"]
    assert any("pre-commit" in line and "never for those of autobuilds" in line for line in said)


def test_a_lock_that_is_held_and_one_that_git_left(workspace: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with Lock(workspace / ".autobuilds/commit.lock", what="a test"):
        found = Doctor(workspace, capsys).worst("locks")
        assert found["level"] == "warning" and "a test" in found["said"]
    left = workspace / ".git/index.lock"
    left.touch()
    os.utime(left, (time.time() - 3600, time.time() - 3600))
    found = Doctor(workspace, capsys).worst("locks")
    assert found["level"] == "problem" and found["fix"].startswith(f"rm {left}")


def test_a_file_from_the_future(workspace: Path, capsys: pytest.CaptureFixture[str]) -> None:
    ahead = time.time() + 86400
    os.utime(workspace / "BUILD_QUEUE.md", (ahead, ahead))
    found = Doctor(workspace, capsys).worst("clock")
    assert found["level"] == "warning" and "in the future" in found["said"]


def test_no_identity(workspace: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    assert Doctor(workspace, capsys).worst("identity")["level"] == "warning"


def test_outside_a_workspace_the_machine_alone_is_checked(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    doctor = Doctor(tmp_path, capsys)
    assert doctor.status == 0
    assert "not in a workspace" in doctor.worst("workspace")["said"]
    assert "queue" not in {c["check"] for c in doctor.checks}
    assert list(tmp_path.iterdir()) == []


def test_it_changes_nothing(workspace: Path, capsys: pytest.CaptureFixture[str]) -> None:
    def state() -> dict[str, bytes]:
        return {p.as_posix(): p.read_bytes() for p in workspace.rglob("*") if p.is_file() and p.suffix != ".lock"}

    before = state()
    Doctor(workspace, capsys)
    assert state() == before
