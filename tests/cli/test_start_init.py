"""`autobuilds init` as its user sees it: real repositories, real Git, a real terminal where there are questions."""

from __future__ import annotations

import json
import os
import pty
import select
import subprocess
import sys
import time
from collections.abc import Callable
from datetime import UTC
from pathlib import Path

import pytest

from autobuilds.cli.app import run
from autobuilds.store.config import read_settings
from autobuilds.store.queue.reader import read_queue
from tests.conftest import git

MakeRepo = Callable[..., Path]
OURS = {"BUILD_QUEUE.md", "HEARTBEAT.md", "DECISION_FRAMEWORK.md", "AUTONOMOUS_BUILDS.md", ".gitattributes"}


@pytest.fixture(autouse=True)
def _bare_path(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """No agent of this machine is found."""
    monkeypatch.setenv("PATH", "/usr/bin:/bin")


def agent_on_path(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    folder = tmp_path / "bin"
    folder.mkdir(exist_ok=True)
    (folder / name).write_text("#!/bin/sh\nexit 0\n")
    (folder / name).chmod(0o755)
    monkeypatch.setenv("PATH", f"{folder}:/usr/bin:/bin")


def files_of(root: Path) -> dict[str, bytes]:
    return {p.relative_to(root).as_posix(): p.read_bytes() for p in root.rglob("*") if p.is_file() and ".git" not in p.parts}


def test_a_repository_becomes_a_workspace_in_one_commit(make_repo: MakeRepo, capsys: pytest.CaptureFixture[str]) -> None:
    root = make_repo({"README.md": "# R\n", "src/m.go": "package m\n", "go.mod": "module m\n"})
    assert run(["init", str(root), "--yes"]) == 0
    said = capsys.readouterr().out
    assert set(git(root, "show", "--name-only", "--format=", "HEAD").split("\n")) == OURS
    assert git(root, "status", "--porcelain") == ""
    assert git(root, "log", "-1", "--format=%an <%ae>") == "Olive Owner <olive@example.org>"
    assert git(root, "rev-list", "--count", "HEAD") == "2"
    assert "BUILD_QUEUE.md" in said and " lines" in said
    assert said.rstrip().split("\n")[-2].startswith("  autobuilds heartbeat --wait")
    assert said.rstrip().split("\n")[-1].startswith("  autobuilds install")


def test_the_first_task_has_no_problem_and_may_start(make_repo: MakeRepo, capsys: pytest.CaptureFixture[str]) -> None:
    root = make_repo({"README.md": "# R\n", "Cargo.toml": "[package]\n", "src/m.rs": ""})
    run(["init", str(root), "--yes"])
    capsys.readouterr()
    assert run(["check", "--workspace", str(root)]) == 0, capsys.readouterr().out
    queue = read_queue((root / "BUILD_QUEUE.md").read_bytes(), zone=UTC).queue
    (task,) = queue.active
    assert [c for criterion in task.criteria for c in criterion.commands][-1] == "cargo test"
    capsys.readouterr()
    assert run(["why", "--json", "--workspace", str(root)]) == 0
    (held,) = json.loads(capsys.readouterr().out)["tasks"]
    gates = {gate["gate"]: gate["verdict"] for gate in held["gates"]}
    assert gates["requirements"] == gates["risk"] == gates["category"] == gates["well-formed"] == gates["priority"] == "go"


def test_the_first_task_is_gated_the_same_with_an_agent(
    make_repo: MakeRepo, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    agent_on_path(tmp_path, monkeypatch, "codex")
    root = make_repo()
    run(["init", str(root), "--yes"])
    assert read_settings((root / "HEARTBEAT.md").read_bytes()).settings.agent == "codex"
    assert "Steps" not in (root / "BUILD_QUEUE.md").read_text()
    capsys.readouterr()
    run(["why", "--json", "--workspace", str(root)])
    (held,) = json.loads(capsys.readouterr().out)["tasks"]
    assert {g["gate"]: g["verdict"] for g in held["gates"] if g["gate"] in {"requirements", "risk", "agent"}} == {
        "requirements": "go",
        "risk": "go",
        "agent": "go",
    }


def test_from_init_to_the_first_finished_build(make_repo: MakeRepo) -> None:
    test = "import unittest\n\n\nclass T(unittest.TestCase):\n    def test_it(self):\n        self.assertTrue(True)\n"
    root = make_repo({"README.md": "# R\n", "src/a b/m.py": "", "test_it.py": test})
    began = time.monotonic()
    assert run(["init", str(root), "--yes"]) == 0
    config = root / "HEARTBEAT.md"
    config.write_text(
        config.read_text().replace("---\n# Heartbeat", "load_limit: 1000\ndisk_limit: 100\nmemory_limit: 100\n---\n# Heartbeat")
    )
    assert run(["heartbeat", "--wait", "--workspace", str(root)]) == 0
    branch = "build/describe-the-layout-of-the-repository"
    assert "- `src`: 1 files" in git(root, "show", f"{branch}:docs/layout.md")
    assert time.monotonic() - began < 300


def test_work_in_progress_is_left_alone(make_repo: MakeRepo) -> None:
    root = make_repo({"a.txt": "a\n", "b.txt": "b\n"})
    (root / "a.txt").write_text("staged\n")
    git(root, "add", "a.txt")
    (root / "b.txt").write_text("unstaged\n")
    (root / "new.txt").write_text("untracked\n")
    before = git(root, "status", "--porcelain")
    run(["init", str(root), "--yes"])
    assert git(root, "status", "--porcelain") == before


def test_what_is_there_is_kept_and_said(make_repo: MakeRepo, capsys: pytest.CaptureFixture[str]) -> None:
    root = make_repo({"HEARTBEAT.md": "---\ninterval: 1h\n---\nmine\n", ".gitattributes": "*.png binary"})
    assert run(["init", str(root), "--yes"]) == 0
    said = capsys.readouterr().out
    assert (root / "HEARTBEAT.md").read_text() == "---\ninterval: 1h\n---\nmine\n"
    assert "is there and kept as it is" in said
    assert (root / ".gitattributes").read_text() == "*.png binary\nBUILD_QUEUE.md merge=autobuilds-queue\n"


def test_a_second_init_changes_nothing_and_adds_what_is_missing(make_repo: MakeRepo, capsys: pytest.CaptureFixture[str]) -> None:
    root = make_repo()
    run(["init", str(root), "--yes"])
    head, before = git(root, "rev-parse", "HEAD"), files_of(root)
    capsys.readouterr()
    assert run(["init", str(root), "--yes"]) == 0
    assert "a workspace already; nothing is missing" in capsys.readouterr().out
    assert git(root, "rev-parse", "HEAD") == head and files_of(root) == before
    git(root, "rm", "-q", "DECISION_FRAMEWORK.md")
    git(root, "commit", "-q", "-m", "gone")
    git(root, "config", "--unset", "merge.autobuilds-queue.driver")
    assert run(["init", str(root), "--yes"]) == 0
    assert git(root, "show", "--name-only", "--format=", "HEAD") == "DECISION_FRAMEWORK.md"
    assert "merge-driver %O %A %B" in git(root, "config", "merge.autobuilds-queue.driver")


def test_an_attributes_file_with_work_of_the_owner_is_not_committed(make_repo: MakeRepo, capsys: pytest.CaptureFixture[str]) -> None:
    root = make_repo({".gitattributes": "*.png binary\n"})
    (root / ".gitattributes").write_text("*.png binary\n*.jpg binary\n")
    run(["init", str(root), "--yes"])
    assert "committing it is left to you" in capsys.readouterr().out
    assert git(root, "show", "HEAD:.gitattributes") == "*.png binary"
    assert (root / ".gitattributes").read_text().endswith("*.jpg binary\nBUILD_QUEUE.md merge=autobuilds-queue\n")


def test_a_dry_run_shows_every_text_and_writes_nothing(make_repo: MakeRepo, capsys: pytest.CaptureFixture[str]) -> None:
    root = make_repo()
    before = files_of(root)
    assert run(["init", str(root), "--dry-run"]) == 0
    said = capsys.readouterr().out
    assert "+## Active Queue" in said and "+# Decision framework" in said and "Nothing was written." in said
    assert "git config --local merge.autobuilds-queue.driver" in said
    assert files_of(root) == before
    assert "autobuilds-queue" not in (root / ".git/config").read_text()


def test_no_commit_writes_the_files_alone(make_repo: MakeRepo) -> None:
    root = make_repo()
    assert run(["init", str(root), "--yes", "--no-commit"]) == 0
    assert git(root, "rev-list", "--count", "HEAD") == "1"
    assert set(files_of(root)) >= OURS


def test_nobody_to_answer_names_yes(make_repo: MakeRepo, capsys: pytest.CaptureFixture[str]) -> None:
    root = make_repo()
    assert run(["init", str(root)]) == 2
    assert "--yes" in capsys.readouterr().err
    assert not (root / "BUILD_QUEUE.md").exists()


def test_json(make_repo: MakeRepo, capsys: pytest.CaptureFixture[str]) -> None:
    root = make_repo({"TODO.md": "- [ ] one\n- [x] two\n"})
    assert run(["init", str(root), "--yes", "--json"]) == 0
    answer = json.loads(capsys.readouterr().out)
    assert answer["kind"] == "init" and answer["commit"] == git(root, "rev-parse", "HEAD")
    assert {f["path"] for f in answer["files"]} == OURS
    assert any("autobuilds import TODO.md" in remark for remark in answer["remarks"])
    assert answer["next"] == ["autobuilds heartbeat --wait", "autobuilds install"]


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (lambda p: p, "is not a Git repository. Run `git init"),
        (lambda p: p / "missing", "there is no folder"),
        (lambda p: _made(p, "init", "-q", "--bare"), "is a bare repository"),
        (lambda p: _made(p, "init", "-q") / ".git", "is a Git folder"),
        (lambda p: _made(p, "init", "-q", sub="sub"), "is a sub-folder of the Git repository"),
    ],
)
def test_a_folder_that_can_be_no_workspace(
    make: Callable[[Path], Path], words: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = make(tmp_path)
    assert run(["init", str(folder), "--yes"]) == 2
    said = capsys.readouterr().err
    assert words in said and said.count("\n") == 1


def _made(folder: Path, *arguments: str, sub: str = "") -> Path:
    git(folder, *arguments)
    (folder / sub).mkdir(exist_ok=True)
    return folder / sub


def test_a_detached_head_gets_the_files_and_the_words_for_later(make_repo: MakeRepo, capsys: pytest.CaptureFixture[str]) -> None:
    root = make_repo()
    git(root, "checkout", "-q", "--detach")
    assert run(["init", str(root), "--yes"]) == 0
    said = capsys.readouterr().out
    assert "written but not committed: HEAD is detached" in said and "git add -- BUILD_QUEUE.md" in said
    assert set(files_of(root)) >= OURS
    git(root, "checkout", "-q", "-b", "main-again")
    assert run(["heartbeat", "--monitor", "--workspace", str(root)]) == 0
    assert git(root, "log", "--format=%s", "-1", "--", "HEARTBEAT.md") == "autobuilds: workspace set up"


def test_without_an_identity_the_tools_own_is_used_and_said(
    make_repo: MakeRepo, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    root = make_repo()
    (tmp_path / "nobody").mkdir()
    monkeypatch.setenv("HOME", str(tmp_path / "nobody"))
    assert run(["init", str(root), "--yes"]) == 0
    assert "Git knows no name and e-mail of yours" in capsys.readouterr().out
    assert git(root, "log", "-1", "--format=%an") == "autobuilds"


def test_a_fresh_repository_without_a_commit(tmp_path: Path) -> None:
    git(tmp_path, "init", "-q", "-b", "main")
    assert run(["init", str(tmp_path), "--yes"]) == 0
    assert git(tmp_path, "rev-list", "--count", "HEAD") == "1"


def test_inside_a_build_it_is_refused(make_repo: MakeRepo, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setenv("AUTOBUILDS_ATTEMPT", "x")
    for command in ("init", "install", "uninstall"):
        assert run([command]) == 2
        assert "refused inside a build" in capsys.readouterr().err


def typed(root: Path, *answers: str) -> tuple[str, int]:
    """Run init on a terminal, give the answers to its questions one by one, and return what stood there and the status."""
    main, terminal = pty.openpty()
    argv = [sys.executable, "-m", "autobuilds", "init", str(root)]
    child = subprocess.Popen(argv, stdin=terminal, stdout=terminal, stderr=terminal, env={**os.environ, "TERM": "dumb"})
    os.close(terminal)
    seen, left, asked = "", list(answers), 0
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        ready, _, _ = select.select([main], [], [], 0.1)
        try:
            seen += os.read(main, 65536).decode() if ready else ""
        except OSError:
            break
        if seen.count("]: ") > asked and seen.endswith("]: "):
            asked += 1
            assert left, f"more questions than answers:\n{seen}"
            os.write(main, left.pop(0).encode() + b"\n")
    os.close(main)
    assert not left, seen
    return seen, child.wait(10)


def test_three_questions_with_found_defaults(make_repo: MakeRepo, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    agent_on_path(tmp_path, monkeypatch, "codex")
    root = make_repo({"Makefile": "test:\n\ttrue\n"})
    seen, status = typed(root, "", "make -s test", "y")
    assert status == 0 and "[codex]" in seen and "[make test]" in seen
    assert "Tests pass: `make -s test`" in (root / "BUILD_QUEUE.md").read_text()
    assert read_settings((root / "HEARTBEAT.md").read_bytes()).settings.agent == "codex"


def test_a_no_at_the_end_writes_nothing(make_repo: MakeRepo) -> None:
    root = make_repo()
    _, status = typed(root, "none", "none", "n")
    assert status == 1 and not (root / "BUILD_QUEUE.md").exists()


def test_git_merges_the_queue_through_the_driver(make_repo: MakeRepo) -> None:
    root = make_repo()
    run(["init", str(root), "--yes"])
    queue = root / "BUILD_QUEUE.md"
    first = queue.read_text()

    def commit(name: str) -> None:
        queue.write_text(first.replace("Priority: High\n", f"Priority: High\n- [ ] {name} - Priority: Low\n", 1))
        git(root, "commit", "-q", "-am", name)

    git(root, "checkout", "-q", "-b", "side")
    commit("Side task")
    git(root, "checkout", "-q", "main")
    commit("Main task")
    git(root, "merge", "-q", "--no-edit", "side")
    names = [t.name for t in read_queue(queue.read_bytes(), zone=UTC).queue.active]
    assert names == ["Describe the layout of the repository", "Main task", "Side task"]
    git(root, "checkout", "-q", "-b", "clash", "HEAD")
    queue.write_text(queue.read_text().replace("15 min", "20 min"))
    git(root, "commit", "-q", "-am", "one")
    git(root, "checkout", "-q", "main")
    queue.write_text(queue.read_text().replace("15 min", "30 min"))
    git(root, "commit", "-q", "-am", "two")
    done = subprocess.run(["git", "merge", "clash"], cwd=root, capture_output=True, text=True)
    assert done.returncode == 1 and git(root, "diff", "--name-only", "--diff-filter=U") == "BUILD_QUEUE.md"
    assert queue.read_text().count("<<<<<<< ours") == 1


def test_git_merges_by_lines_where_autobuilds_is_gone(make_repo: MakeRepo) -> None:
    root = make_repo()
    run(["init", str(root), "--yes"])
    driver = git(root, "config", "merge.autobuilds-queue.driver")
    git(root, "config", "merge.autobuilds-queue.driver", driver.replace("-m autobuilds", "-m gone_autobuilds"))
    queue = root / "BUILD_QUEUE.md"
    first = queue.read_text()
    git(root, "checkout", "-q", "-b", "side")
    queue.write_text(first.replace("15 min", "20 min"))
    git(root, "commit", "-q", "-am", "side")
    git(root, "checkout", "-q", "main")
    queue.write_text(first.replace("# Build Queue", "# Our queue"))
    git(root, "commit", "-q", "-am", "main")
    git(root, "merge", "-q", "--no-edit", "side")
    assert queue.read_text() == first.replace("15 min", "20 min").replace("# Build Queue", "# Our queue")
    queue.write_text(queue.read_text().replace("20 min", "30 min"))
    git(root, "commit", "-q", "-am", "ours")
    git(root, "checkout", "-q", "side")
    queue.write_text(queue.read_text().replace("20 min", "40 min"))
    git(root, "commit", "-q", "-am", "theirs")
    assert subprocess.run(["git", "merge", "main"], cwd=root, capture_output=True).returncode == 1
    assert "30 min" in queue.read_text() and "40 min" in queue.read_text()
