"""autobuilds simulate: what it answers, that it is the same for the same seed, and that nothing of the owner's is touched."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from autobuilds.cli.app import run
from tests.conftest import git
from tests.runtime.loop import details, queue

CONFIG = """---
timezone: Europe/Berlin
sandbox: none
---
# Heartbeat

## Backup (daily at 20:00)
- `touch {outside}`
"""
SPAN = ("--days", "1", "--from", "2026-03-06 18:00")


@pytest.fixture
def workspace(make_repo: Callable[..., Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    block = details("Say hello")
    root = make_repo(
        {"BUILD_QUEUE.md": queue(block), "HEARTBEAT.md": CONFIG.format(outside=tmp_path / "outside"), "app.py": ""}, name="workspace"
    )
    monkeypatch.chdir(root)
    return root


def state(root: Path) -> list[tuple[str, bytes]]:
    """Return every file of a folder with its content."""
    return sorted((str(p.relative_to(root)), p.read_bytes()) for p in root.rglob("*") if p.is_file())


def test_a_workspace_is_simulated_and_left_alone(workspace: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    before = state(workspace)
    assert run(["simulate", *SPAN, "--calm", "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert state(workspace) == before, "not a file of the owner's differs"
    assert not (tmp_path / "outside").exists(), "a program of others is not run"
    assert [(r["label"], r["outcome"]) for r in told["runs"]] == [("say-hello", "passed")]
    assert told["figures"]["heartbeats"] >= 48 and told["figures"]["violations"] == 0
    assert told["tasks"] == [{"label": "say-hello", "name": "Say hello", "state": "review", "why": ""}]
    assert any("left out of the simulation" in line["text"] for line in told["story"] if line["what"] == "duty")
    assert told["folder"] is None
    assert list((Path.home() / ".local/state/autobuilds/simulations").iterdir()) == [], "nothing is left behind"


def test_the_throw_away_workspace_is_kept_when_asked_for(workspace: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["simulate", *SPAN, "--calm", "--keep", "--zone", "America/Chicago"]) == 0
    said = capsys.readouterr().out
    assert "Friday 06 March 2026" in said and "18:00   say-hello: start: attempt 1 with command" in said
    assert max(len(line) for line in said.split("\n")[:-2]) <= 80
    kept = Path(said.strip().rpartition(" ")[2])
    assert kept != workspace and "timezone: America/Chicago" in (kept / "HEARTBEAT.md").read_text()
    assert git(kept, "show", "build/say-hello:simulated/say-hello.txt") == "Say hello: attempt 1, simulated."
    assert git(kept, "log", "-1", "--format=%cI", "--", "BUILD_QUEUE.md").startswith("2026-03-06T19:00")


@pytest.mark.slow
@pytest.mark.usefixtures("workspace")
def test_the_same_seed_gives_the_same_course_of_things(capsys: pytest.CaptureFixture[str]) -> None:
    answers = []
    for _ in range(2):
        assert run(["simulate", *SPAN, "--days", "2", "--seed", "4", "--json"]) == 0
        told = json.loads(capsys.readouterr().out)
        runs = [(r["label"], r["number"], r["begun"], r["ended"], r["outcome"]) for r in told["runs"]]
        answers.append((runs, [(line["at"], line["what"], line["text"]) for line in told["story"]]))
    assert answers[0] == answers[1] and len(answers[0][0]) >= 2


@pytest.mark.parametrize(
    ("args", "words"),
    [(["--from", "yesterday"], "is no date"), (["--zone", "Mars/Base"], "is no time zone"), (["--workspace", "nowhere"], "no such folder")],
)
def test_what_can_not_be_simulated_is_said(
    args: list[str], words: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    assert run(["simulate", *args]) == 2
    assert words in capsys.readouterr().err


def test_a_build_may_not_simulate(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("AUTOBUILDS_ATTEMPT", "x-1-00000000")
    assert run(["simulate"]) != 0
    assert "refused inside a build" in capsys.readouterr().err
