"""`autobuilds install` and `uninstall` through fake schedulers that act as the real ones do."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from pathlib import Path

import pytest

from autobuilds.cli.app import run
from tests.adapters.timers.programs import put, snapshot

MakeRepo = Callable[..., Path]


@pytest.fixture
def machine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return the home on a machine with a systemd user manager and cron."""
    home = tmp_path / "olive"
    home.mkdir()
    (home / ".gitconfig").write_text("[user]\n\tname = Olive Owner\n\temail = olive@example.org\n")
    put(tmp_path / "bin", "systemctl", "crontab")
    monkeypatch.setenv("HOME", str(home))
    monkeypatch.setenv("PATH", f"{tmp_path / 'bin'}:/usr/bin:/bin")
    return home


@pytest.fixture
def workspace(make_repo: MakeRepo, machine: Path, capsys: pytest.CaptureFixture[str]) -> Path:
    root = make_repo()
    assert run(["init", str(root), "--yes"]) == 0
    capsys.readouterr()
    return root


def test_install_shows_proves_and_uninstall_takes_every_byte_away(
    workspace: Path, machine: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    before, private = snapshot(machine), snapshot(workspace / ".autobuilds")
    assert run(["install", "--workspace", str(workspace)]) == 0
    said = capsys.readouterr().out
    assert "KillMode=process" in said and "Persistent=true" in said and "OnCalendar=*-*-* *:0/30:00" in said
    assert "A probe ran through systemd" in said and "enable-linger" in said
    assert run(["doctor", "--json", "--workspace", str(workspace)]) == 0
    checks = {c["check"]: c for c in json.loads(capsys.readouterr().out)["checks"]}
    assert checks["timer's path"]["level"] == "ok" and "git" in checks["timer's path"]["said"]
    assert checks["timer"]["level"] == "warning" and "last ran" in checks["timer"]["said"]
    assert run(["install", "--workspace", str(workspace)]) == 0
    assert "already, just so; nothing was changed" in capsys.readouterr().out
    assert run(["uninstall", "--workspace", str(workspace)]) == 0
    assert "removed from systemd" in capsys.readouterr().out
    assert snapshot(machine) == before
    assert {k: v for k, v in snapshot(workspace / ".autobuilds").items() if not k.endswith(".lock")} == {
        k: v for k, v in private.items() if not k.endswith(".lock")
    }
    assert run(["uninstall", "--workspace", str(workspace)]) == 0
    assert "nothing was changed" in capsys.readouterr().out


def test_a_dry_run_writes_nothing(workspace: Path, machine: Path, capsys: pytest.CaptureFixture[str]) -> None:
    before = snapshot(machine)
    assert run(["install", "--dry-run", "--interval", "1h", "--workspace", str(workspace)]) == 0
    assert "OnCalendar=*-*-* 0/1:00:00" in capsys.readouterr().out
    assert snapshot(machine) == before


def test_the_interval_of_the_configuration_is_taken(workspace: Path, capsys: pytest.CaptureFixture[str]) -> None:
    config = workspace / "HEARTBEAT.md"
    config.write_text(config.read_text().replace("interval: 30m", "interval: 15m"))
    run(["install", "--dry-run", "--workspace", str(workspace)])
    assert "*:0/15" in capsys.readouterr().out


@pytest.mark.parametrize(("span", "words"), [("45m", "divide an hour or a day"), ("soon", "is no span of time")])
def test_an_interval_that_can_not_be_kept(
    span: str, words: str, workspace: Path, machine: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    before = snapshot(machine)
    assert run(["install", "--interval", span, "--workspace", str(workspace)]) == 2
    assert words in capsys.readouterr().err
    assert snapshot(machine) == before


def test_cron_restores_the_very_bytes(workspace: Path, machine: Path, capsys: pytest.CaptureFixture[str]) -> None:
    table = b"# mine\n\n 5  4 * * *   backup  # with  odd   spaces\n\xff\n"
    (machine / "spool").write_bytes(table)
    assert run(["install", "--cron", "--no-probe", "--workspace", str(workspace)]) == 0
    assert (machine / "spool").read_bytes().startswith(table + b"# >>> autobuilds ")
    assert (machine / "spool").read_bytes().count(b" -m autobuilds ") == 5
    assert run(["install", "--timer", "cron", "--no-probe", "--workspace", str(workspace)]) == 0
    assert (machine / "spool").read_bytes().count(b" -m autobuilds ") == 1
    assert run(["install", "--cron", "--timer", "systemd", "--workspace", str(workspace)]) == 2
    assert run(["uninstall", "--workspace", str(workspace)]) == 0
    assert (machine / "spool").read_bytes() == table


def test_another_zone_than_the_machines_is_told(workspace: Path, capsys: pytest.CaptureFixture[str]) -> None:
    config = workspace / "HEARTBEAT.md"
    config.write_text(re.sub(r"(?m)^#? ?timezone:.*$", "timezone: Pacific/Auckland", config.read_text()))
    assert run(["install", "--cron", "--dry-run", "--workspace", str(workspace)]) == 0
    said = capsys.readouterr().err
    assert "cron keeps this machine's time, the workspace that of Pacific/Auckland" in said
    assert "`autobuilds install` without --cron" in said


def test_without_a_user_manager_it_goes_to_cron_and_says_what_is_not_proven(
    workspace: Path, machine: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    (machine / "systemd.absent").touch()
    monkeypatch.setattr("autobuilds.adapters.timers.cron._DAEMONS", frozenset({"no-such-daemon"}))
    assert run(["install", "--workspace", str(workspace)]) == 0
    said = capsys.readouterr().out
    assert "The heartbeat is in cron." in said and "Not proven: no cron daemon runs here" in said
    assert run(["doctor", "--workspace", str(workspace)]) == 1
    assert "installed in cron, but not running" in capsys.readouterr().out


def test_another_scheduler_takes_it_over(workspace: Path, machine: Path, capsys: pytest.CaptureFixture[str]) -> None:
    run(["install", "--no-probe", "--workspace", str(workspace)])
    capsys.readouterr()
    run(["install", "--cron", "--no-probe", "--workspace", str(workspace)])
    assert "taken out of systemd" in capsys.readouterr().out
    assert not list((machine / ".config").rglob("*.timer"))


def test_an_agent_that_the_scheduler_does_not_find_is_a_failure(
    workspace: Path, machine: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    folder = tmp_path / "agents"
    folder.mkdir()
    (folder / "codex").write_text("#!/bin/sh\n")
    (folder / "codex").chmod(0o755)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("PATH", f"agents:{tmp_path / 'bin'}:/usr/bin:/bin")
    assert run(["install", "--workspace", str(workspace)]) == 1
    assert "does not find codex" in capsys.readouterr().out


def test_no_scheduler_at_all(workspace: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / "few").mkdir()
    (tmp_path / "few/git").symlink_to("/usr/bin/git")
    monkeypatch.setenv("PATH", str(tmp_path / "few"))
    assert run(["install", "--workspace", str(workspace)]) == 2
    said = capsys.readouterr().err
    assert "no scheduler was found" in said and "autobuilds heartbeat --workspace" in said


def test_json(workspace: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["install", "--json", "--no-probe", "--workspace", str(workspace)]) == 0
    answer = json.loads(capsys.readouterr().out)
    assert answer["kind"] == "install" and answer["timer"] == "systemd" and answer["changed"] is True
    assert run(["uninstall", "--json", "--workspace", str(workspace)]) == 0
    assert json.loads(capsys.readouterr().out) == {"schema": 1, "kind": "uninstall", "removed": ["systemd"]}


def test_a_workspace_that_is_gone_can_be_uninstalled(workspace: Path, machine: Path, capsys: pytest.CaptureFixture[str]) -> None:
    before = snapshot(machine)
    run(["install", "--no-probe", "--workspace", str(workspace)])
    workspace.rename(workspace.parent / "moved")
    workspace.mkdir()
    assert run(["uninstall", "--workspace", str(workspace)]) == 0
    assert snapshot(machine) == before
