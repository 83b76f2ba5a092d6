"""The first files of a workspace: they are read as meant, and the first task passes the gates whatever runs the tests."""

from __future__ import annotations

import os
import re
import subprocess
from datetime import UTC, datetime
from pathlib import Path

import pytest

from autobuilds.errors import BadInput
from autobuilds.policies.requirements import judge_requirements
from autobuilds.policies.risk import judge_risk
from autobuilds.store import starter
from autobuilds.store.config import read_settings
from autobuilds.store.policy import read_policy
from autobuilds.store.queue.reader import read_queue

NOW = datetime(2026, 2, 6, 15, 0, tzinfo=UTC)
COMMANDS = [
    None,
    "pytest -q",
    "npm ci && npm test",
    "cargo test",
    "go test ./...",
    "make test",
    "dotnet test",
    "./gradlew test",
    "mvn -q test",
]


@pytest.mark.parametrize("steps", [True, False])
@pytest.mark.parametrize("tests", COMMANDS)
def test_the_first_task_is_clear_and_harmless(tests: str | None, steps: bool, tmp_path: Path) -> None:
    text = starter.queue_text(tmp_path, NOW, tests=tests, steps=steps)
    queue = read_queue(text.encode(), zone=UTC).queue
    (task,) = queue.active
    assert not queue.problems and queue.counts.problems == 0
    assert (task.steps is not None) is steps
    rules = read_policy(None, starter.packaged("DECISION_FRAMEWORK.md").encode()).rules
    criteria = [c.text for c in task.criteria]
    assert judge_requirements(task.name, task.description, criteria, task.steps, task.estimate_text, rules).verdict == "go"
    assert judge_risk(task.name, task.description, criteria, task.steps, task.category, rules).verdict == "go"


@pytest.mark.parametrize("tests", ["a `b`", "a\nb", "", "a\u2028b", "a\x1bb"])
def test_a_command_that_can_be_no_criterion(tests: str, tmp_path: Path) -> None:
    with pytest.raises(BadInput, match="one line without backticks"):
        starter.queue_text(tmp_path, NOW, tests=tests, steps=False)


def test_the_steps_do_what_the_criterion_checks(tmp_path: Path) -> None:
    for name in ("src/a.py", "with blank/b.py", "docs/c.md", "ünïcode/d.py", "-dash/e.py"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text("x")
    git = {**os.environ, "HOME": str(tmp_path.parent)}
    for command in (["init", "-q"], ["add", "-A"], ["-c", "user.name=o", "-c", "user.email=o@e", "commit", "-qm", "1"]):
        subprocess.run(["git", *command], cwd=tmp_path, check=True, env=git)
    queue = read_queue(starter.queue_text(tmp_path, NOW, tests=None, steps=True).encode(), zone=UTC).queue
    (task,) = queue.active
    ((check,),) = [c.commands for c in task.criteria]
    assert subprocess.run(["sh", "-e", "-c", check], cwd=tmp_path).returncode != 0
    assert task.steps is not None
    subprocess.run(["sh", "-e", "-c", task.steps], cwd=tmp_path, check=True)
    assert subprocess.run(["sh", "-e", "-c", check], cwd=tmp_path).returncode == 0
    lines = (tmp_path / "docs/layout.md").read_text().split("\n")
    assert "- `ünïcode`: 1 files" in lines and "- `with blank`: 1 files" in lines


def test_a_page_that_is_there_is_not_written_over(tmp_path: Path) -> None:
    (tmp_path / "docs").mkdir()
    (tmp_path / "docs/layout.md").touch()
    assert "docs/repository-layout.md" in starter.queue_text(tmp_path, NOW, tests=None, steps=True)


@pytest.mark.parametrize(("zone", "agent"), [(None, None), ("Europe/Berlin", "claude")])
def test_the_configuration_is_read_as_meant(zone: str | None, agent: str | None) -> None:
    config = read_settings(starter.config_text(zone=zone, agent=agent).encode())
    assert not config.problems and (config.settings.timezone, config.settings.agent) == (zone, agent)
    assert config.duties


def test_what_the_configuration_offers_is_read_as_meant_when_it_is_taken() -> None:
    """Every line that is commented out but looks like a setting is one."""
    text = starter.config_text(zone=None, agent=None)
    taken = re.sub(r"(?m)^# ([a-z_]+: \S.*#.*)$", r"\1", text)
    config = read_settings(taken.encode())
    assert not config.problems
    offered = {"agent", "model", "sandbox", "require_sandbox", "network", "cost_per_day"}
    assert offered <= {key for key, origin in config.origins.items() if origin != "default"}


@pytest.mark.parametrize(
    ("before", "line"),
    [
        (None, "BUILD_QUEUE.md merge=autobuilds-queue\n"),
        ("", "BUILD_QUEUE.md merge=autobuilds-queue\n"),
        ("*.png binary", "\nBUILD_QUEUE.md merge=autobuilds-queue\n"),
        ("*.png binary\r\n", "BUILD_QUEUE.md merge=autobuilds-queue\r\n"),
        ("BUILD_QUEUE.md text merge=union\n", None),
        ("# BUILD_QUEUE.md merge=x\n", "BUILD_QUEUE.md merge=autobuilds-queue\n"),
    ],
)
def test_the_line_for_gitattributes(before: str | None, line: str | None, tmp_path: Path) -> None:
    path = tmp_path / ".gitattributes"
    if before is not None:
        path.write_bytes(before.encode())
    assert starter.attributes_line(path) == line


def test_a_file_is_made_but_never_written_over(tmp_path: Path) -> None:
    path = tmp_path / "new.md"
    assert starter.create(path, "one\n")
    assert not starter.create(path, "two\n")
    (tmp_path / "dangling").symlink_to("nowhere")
    assert not starter.create(tmp_path / "dangling", "three\n")
    assert path.read_text() == "one\n" and sorted(p.name for p in tmp_path.iterdir()) == ["dangling", "new.md"]


def test_the_first_policy_is_short_and_decides_as_the_packaged_one_does() -> None:
    whole = starter.packaged("DECISION_FRAMEWORK.md").encode()
    first = starter.policy_text()
    assert len(first) < 6000
    assert first.count("autobuilds config --rules") == 2
    read, packaged = read_policy(first.encode(), whole), read_policy(None, whole)
    assert read.problems == ()
    assert read.rules == packaged.rules
    assert read.categories == packaged.categories


def test_a_table_copied_into_the_workspace_replaces_the_packaged_one() -> None:
    whole = starter.packaged("DECISION_FRAMEWORK.md").encode()
    own = (
        starter.policy_text()
        + "\n## Risk\n\n### Risk acts\n\n| kind | phrases | weight | note |\n|---|---|---|---|\n| destructive act | ^defenestrate | 9 | mine |\n"
    )
    acts = [r for r in read_policy(own.encode(), whole).rules if r.table == "risk-acts"]
    assert [r.phrases for r in acts] == [("^defenestrate",)]
