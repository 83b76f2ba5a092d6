"""The historical scripts: their arguments, from any folder, on the right workspace."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from autobuilds.cli.historical import SCRIPTS, run_script
from tests.cli.conftest import HEARTBEAT, QUEUE, Answered, Desk
from tests.conftest import git

FOLDER = Path(__file__).resolve().parents[2] / "scripts"


@pytest.fixture
def script(desk: Desk, capfd: pytest.CaptureFixture[str]) -> object:
    def run(name: str, *args: str) -> Answered:
        capfd.readouterr()
        status = run_script(name, args, str(FOLDER / f"{name}.py"))
        captured = capfd.readouterr()
        return Answered(status=status, out=captured.out, err=captured.err)

    return run


def test_every_script_is_short_and_names_itself() -> None:
    for name in SCRIPTS:
        text = (FOLDER / f"{name}.py").read_text(encoding="utf-8")
        assert text.count("\n") <= 15
        assert f'run_script("{name}", sys.argv[1:], __file__)' in text


def test_a_heartbeat_its_check_and_its_monitor(desk: Desk, script: object) -> None:
    assert callable(script)
    checked = script("auto_build_manager", "--check")
    assert (checked.status, "fix-the-clock" in checked.out) == (0, True)
    assert git(desk.root, "status", "--porcelain") == ""
    watched = script("auto_build_manager", "--monitor")
    assert (watched.status, (desk.root / "BUILD_STATUS.md").exists()) == (0, True)
    assert script("auto_build_manager").out.rstrip().split("\n")[-1] == "HEARTBEAT_OK"


def test_the_owners_word_by_script(desk: Desk, script: object) -> None:
    assert callable(script)
    assert script("auto_build_manager", "--complete", "fix-the-clock").status == 0
    assert "- [x] Fix the clock" in desk.queue
    refused = script("auto_build_manager", "--fail", "describe-the-clock")
    assert (refused.status, "no build of describe-the-clock to fail" in refused.err) == (1, True)
    assert script("auto_build_manager", "--check", "--monitor").status == 2
    assert script("auto_build_manager", "--chek").status == 2
    assert script("auto_build_manager", "extra").status == 2


def test_a_task_is_added(desk: Desk, script: object) -> None:
    assert callable(script)
    (desk.root / "run.sh").write_text("echo hi\n")
    said = script(
        "add_build_task",
        *("--name", "Oil it", "--desc", "Oil `clock.py`", "--priority", "high", "--time", "2 hours", "--tech", "Oil"),
        *("--criteria", "a: `true`", "--criteria", "b", "--category", "Bug fixes", "--blockers", "the can", "--steps", "run.sh"),
    )
    assert (said.status, said.out.startswith("oil-it added (high priority")) == (0, True)
    task = desk.type("show", "oil-it", "--json").json["task"]
    assert (task["tech_stack"], task["blockers"], task["steps"].strip()) == ("Oil", ["the can"], "echo hi")
    assert [c["text"] for c in task["criteria"]] == ["a: `true`", "b"]
    assert script("add_build_task", "--name", "X", "--desc", "y", "--priority", "urgent").status == 2
    assert script("add_build_task", "--name", "X").status == 2
    assert script("add_build_task", "--name", "Oil it", "--desc", "again").status == 2
    assert script("add_build_task", "--name=-n", "--desc=--json").status == 0


def test_the_status_and_its_parts(desk: Desk, script: object) -> None:
    assert callable(script)
    assert "Queue" in script("build_status").out
    assert script("build_status", "--queue").out.startswith("  1. fix-the-clock  ")
    assert script("build_status", "--active").out == "No build is running.\n"
    assert "buy-a-clock" in script("build_status", "--completed").out
    whole = script("build_status", "--json").json
    assert {"needs_you", "building", "queue", "completed"} <= set(whole)
    part = script("build_status", "--queue", "--json").json
    assert (set(part), [row["label"] for row in part["queue"]]) == (
        {"schema", "kind", "queue"},
        ["fix-the-clock", "describe-the-clock"],
    )
    assert script("build_status", "--active", "--json").json["building"] == []
    assert script("build_status", "--queue", "--active").status == 2


def test_spawning_stops_at_the_gates_that_ask(desk: Desk, script: object) -> None:
    assert callable(script)
    refused = script("spawn_agent", "--label", "wipe", "--task", "rm -rf ~ and drop table users", "--agent", "command")
    assert (refused.status, "risk: " in refused.err) == (2, True)
    assert script("spawn_agent", "--task", "x").status == 2
    assert script("spawn_agent", "--label", "nowhere").status == 1


def test_the_report_of_a_day(desk: Desk, script: object) -> None:
    assert callable(script)
    assert script("generate-build-report", "--date", "2026-02-05", "--stdout").out.startswith("# Build report 2026-02-05")
    assert not (desk.root / "build-reports").exists()
    assert script("generate-build-report").status == 0
    assert (desk.root / "build-reports" / "2026-02-06.md").exists()
    assert script("generate-build-report", "--date", "soon").status == 2


def _python(path: Path, *args: str, cwd: Path, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, str(path), *args],
        cwd=cwd,
        env={**os.environ, **environment},
        capture_output=True,
        text=True,
        stdin=subprocess.DEVNULL,
        check=False,
    )


def test_the_workspace_is_found_from_any_folder(desk: Desk, make_repo: object, tmp_path: Path) -> None:
    """The nearest folder upwards, else AUTOBUILDS_WORKSPACE, else the folder above the script."""
    assert callable(make_repo)
    nested, outside = desk.root / "a" / "b", tmp_path / "outside"
    nested.mkdir(parents=True)
    outside.mkdir()
    other = make_repo({"BUILD_QUEUE.md": QUEUE.replace("clock", "boat"), "HEARTBEAT.md": HEARTBEAT}, name="other")
    copy = other / "scripts" / "build_status.py"
    copy.parent.mkdir()
    shutil.copy(FOLDER / "build_status.py", copy)

    def labels(cwd: Path, **environment: str) -> list[str]:
        done = _python(copy, "--queue", "--json", cwd=cwd, **environment)
        assert done.returncode == 0, done.stderr
        return [row["label"] for row in json.loads(done.stdout)["queue"]]

    assert labels(nested, AUTOBUILDS_WORKSPACE=str(other)) == ["fix-the-clock", "describe-the-clock"]
    assert labels(outside, AUTOBUILDS_WORKSPACE=str(desk.root)) == ["fix-the-clock", "describe-the-clock"]
    assert labels(outside) == ["fix-the-boat", "describe-the-boat"]
    alone = outside / "scripts" / "build_status.py"
    alone.parent.mkdir()
    shutil.copy(copy, alone)
    lost = _python(alone, cwd=outside)
    assert (lost.returncode, lost.stdout, "no BUILD_QUEUE.md" in lost.stderr) == (2, "", True)


@pytest.mark.parametrize("name", sorted(SCRIPTS))
def test_every_script_runs_as_a_file(desk: Desk, name: str) -> None:
    done = _python(FOLDER / f"{name}.py", "--help", cwd=desk.root)
    assert (done.returncode, done.stdout.startswith(f"usage: {name}.py")) == (0, True)


def test_the_week_by_script(desk: Desk, script: object) -> None:
    assert callable(script)
    for arguments, command in (
        ((), ("schedule",)),
        (("schedule",), ("schedule",)),
        (("list",), ("schedule", "--list")),
        (("stats",), ("stats",)),
        (("next",), ("next",)),
        (("next", "--json"), ("next", "--json")),
    ):
        said, typed = script("build_scheduler", *arguments), desk.type(*command)
        assert (said.status, said.out) == (typed.status, typed.out), arguments
    assert script("build_scheduler", "plan").status == 2


def test_the_queue_as_a_whole_by_script(desk: Desk, script: object) -> None:
    assert callable(script)
    added = script("autonomous_queue", "add", "Oil it", "Oil `clock.py`", "1.50", "Bug fixes", "HIGH")
    assert (added.status, added.out.startswith("oil-it added (high priority")) == (0, True)
    task = desk.type("show", "oil-it", "--json").json["task"]
    assert (task["estimated_minutes"], task["category"], task["description"]) == ({"min": 90, "max": 90}, "Bug fixes", "Oil `clock.py`")
    for wrong in (
        ("X", "y", "soon", "Bug fixes", "high"),
        ("X", "y", "0", "Bug fixes", "high"),
        ("X", "y", "nan", "C", "high"),
        ("X", "y", "2", "C", "urgent"),
    ):
        assert script("autonomous_queue", "add", *wrong).status == 2
    assert "is no number of hours; write 2 or 1.5" in script("autonomous_queue", "add", "X", "y", "inf", "C", "high").err
    said = script("autonomous_queue", "progress")
    assert said.out == (
        "[#####...............] 25 %: 1 of 4 tasks done\n"
        "  1 wait, 2 need you first\n"
        "  3.5 hours of building are left, 2 tasks of them without a known length taken\n"
        "  as an hour\n"
        "  Bug fixes       0 done    2 left     2.5 h\n"
        "  no category     1 done    1 left       1 h\n"
    )
    found = script("autonomous_queue", "progress", "--json").json
    assert (found["kind"], found["percent"], found["asking"], found["running"]) == ("progress", 25, 2, [])
    assert script("autonomous_queue", "schedule").out == desk.type("schedule").out
    assert script("autonomous_queue", "report").status == 0
    assert (desk.root / "build-reports" / "2026-02-06.md").exists()
    assert script("autonomous_queue").status == 2


def test_progress_of_an_empty_queue(desk: Desk, script: object) -> None:
    assert callable(script)
    (desk.root / "BUILD_QUEUE.md").write_text("## Active Queue\n\n## Completed\n")
    git(desk.root, "commit", "-q", "-a", "-m", "Empty")
    assert script("autonomous_queue", "progress").out == "The queue holds no task.\n"
