"""Commits of exactly our paths: the owner's index and work stay, whatever state the repository is in."""

from __future__ import annotations

import os
import subprocess
import threading
from collections.abc import Callable
from datetime import datetime, timedelta, timezone
from pathlib import Path

import pytest

from autobuilds.adapters.git import GitRepo, locks
from autobuilds.errors import BadInput, GitBusy
from autobuilds.ports import Identity
from tests.conftest import git

Make = Callable[..., Path]
QUEUE = {"BUILD_QUEUE.md": "# Queue\n", "src/app.py": "print(1)\n", "deep/er/x.txt": "x\n"}


@pytest.fixture
def root(make_repo: Make) -> Path:
    return make_repo(dict(QUEUE))


def status(root: Path) -> str:
    return git(root, "status", "--porcelain", "--untracked-files=all")


def sound(root: Path) -> None:
    done = subprocess.run(["git", "fsck", "--strict", "--no-dangling"], cwd=root, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (0, ""), done.stderr


def test_staged_unstaged_and_untracked_work_of_the_owner_stays(root: Path) -> None:
    (root / "src/app.py").write_text("print(2)\n")
    git(root, "add", "src/app.py")
    (root / "src/app.py").write_text("print(3)\n")
    (root / "scratch").write_text("mine")
    (root / "staged-new").write_text("new")
    git(root, "add", "staged-new")
    before = status(root)
    (root / "BUILD_QUEUE.md").write_text("# Queue\n- [ ] x\n")
    (root / "subagents").mkdir()
    (root / "subagents/active.json").write_text("{}\n")
    made = GitRepo(root).commit(["BUILD_QUEUE.md", "subagents/active.json"], "ours")
    assert made == git(root, "rev-parse", "HEAD")
    assert git(root, "show", "--name-only", "--format=", "HEAD").split() == ["BUILD_QUEUE.md", "subagents/active.json"]
    assert status(root) == before
    assert git(root, "show", ":src/app.py") == "print(2)"
    assert git(root, "log", "-1", "--format=%an <%ae> %cn") == "autobuilds <autobuilds@localhost> autobuilds"
    sound(root)


def test_hand_edits_carry_their_author_and_every_commit_its_time(root: Path) -> None:
    zone = timezone(timedelta(hours=-5, minutes=-30))
    repo = GitRepo(root, clock=lambda: datetime(2026, 3, 8, 23, 0, tzinfo=zone))
    assert repo.identity() == Identity(name="Olive Owner", email="olive@example.org")
    (root / "BUILD_QUEUE.md").write_text("# Mine\n")
    repo.commit(["BUILD_QUEUE.md"], "by hand", author=Identity(name="Eve <x>\nextra", email="e@x"))
    assert git(root, "log", "-1", "--format=%an|%ae|%ad", "--date=iso-strict") == "Eve xextra|e@x|2026-03-08T23:00:00-05:30"
    sound(root)


def test_an_identity_may_stand_where_the_environment_says(root: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "elsewhere").write_text("[user]\nname = Nora\nemail = nora@example.org\n")
    monkeypatch.setenv("GIT_CONFIG_GLOBAL", str(tmp_path / "elsewhere"))
    assert GitRepo(root).identity() == Identity(name="Nora", email="nora@example.org")
    monkeypatch.setenv("GIT_AUTHOR_NAME", "N. Other")
    assert GitRepo(root).identity() == Identity(name="N. Other", email="nora@example.org")


def test_without_an_identity_the_tool_still_commits(root: Path) -> None:
    Path(os.environ["HOME"], ".gitconfig").unlink()
    repo = GitRepo(root)
    assert repo.identity() is None
    (root / "BUILD_QUEUE.md").write_text("# New\n")
    assert repo.commit(["BUILD_QUEUE.md"], "x", author=repo.identity()) is not None


def test_the_first_commit_of_an_unborn_branch(tmp_path: Path) -> None:
    git(tmp_path, "init", "-q", "-b", "trunk")
    (tmp_path / "BUILD_QUEUE.md").write_text("# Queue\n")
    (tmp_path / "other").write_text("x")
    repo = GitRepo(tmp_path)
    assert repo.head().commit is None
    assert repo.commit(["BUILD_QUEUE.md"], "first") == git(tmp_path, "rev-parse", "trunk")
    assert status(tmp_path) == "?? other"
    sound(tmp_path)


def test_modes_links_deletions_and_odd_names(root: Path) -> None:
    run = root / "run.sh"
    run.write_text("#!/bin/sh\n")
    run.chmod(0o755)
    (root / "link").symlink_to("BUILD_QUEUE.md")
    odd = ['with "quotes" and\ttab', "new\nline", "-rf", "ünï.md", "deep/er/y.txt"]
    for name in odd:
        (root / name).write_text("x\n")
    (root / "deep/er/x.txt").unlink()
    GitRepo(root).commit(["run.sh", "link", "deep/er/x.txt", *odd], "odd")
    assert status(root) == ""
    listed = git(root, "-c", "core.quotePath=false", "ls-tree", "-r", "HEAD")
    assert "100755 blob" in listed and "120000 blob" in listed and "deep/er/x.txt" not in listed
    (root / "deep/er/y.txt").unlink()
    GitRepo(root).commit(["deep/er/y.txt"], "last of a folder")
    assert "deep" not in git(root, "ls-tree", "HEAD")
    assert status(root) == ""
    sound(root)


def test_a_file_takes_the_place_of_a_folder_and_back(root: Path) -> None:
    (root / "deep/er/x.txt").unlink()
    (root / "deep/er").rmdir()
    (root / "deep/er").write_text("file now\n")
    GitRepo(root).commit(["deep/er", "deep/er/x.txt"], "file")
    assert status(root) == ""
    (root / "deep/er").unlink()
    (root / "deep/er").mkdir()
    (root / "deep/er/x.txt").write_text("x\n")
    GitRepo(root).commit(["deep/er/x.txt"], "folder")
    assert status(root) == ""
    sound(root)


def test_packed_objects_and_references_are_read(root: Path) -> None:
    git(root, "gc", "-q")
    (root / "BUILD_QUEUE.md").write_text("# After gc\n")
    (root / "deep/er/x.txt").write_text("too\n")
    repo = GitRepo(root)
    assert repo.commit(["BUILD_QUEUE.md", "deep/er/x.txt"], "x") is not None
    assert repo.read("HEAD~1", "BUILD_QUEUE.md") == b"# Queue\n"
    assert status(root) == ""
    sound(root)


def test_sha256_repositories(tmp_path: Path) -> None:
    git(tmp_path, "init", "-q", "-b", "main", "--object-format=sha256")
    (tmp_path / "q").write_text("1")
    repo = GitRepo(tmp_path)
    for text in ("1", "2"):
        (tmp_path / "q").write_text(text)
        assert len(repo.commit(["q"], text) or "") == 64
    assert status(tmp_path) == ""
    sound(tmp_path)


@pytest.mark.parametrize(
    ("config", "attributes", "stored"),
    [
        ({"core.autocrlf": "true"}, "", b"a\nb\n"),
        ({"core.autocrlf": "input"}, "", b"a\nb\n"),
        ({}, "*.md text\n", b"a\nb\n"),
        ({}, "*.md text=auto\n", b"a\nb\n"),
        ({}, "*.md eol=crlf\n", b"a\nb\n"),
        ({"core.autocrlf": "true"}, "*.md -text\n", b"a\r\nb\r\n"),
        ({}, "", b"a\r\nb\r\n"),
    ],
)
def test_line_ends_are_stored_as_git_would(make_repo: Make, config: dict[str, str], attributes: str, stored: bytes) -> None:
    root = make_repo({"q.md": "a\n", ".gitattributes": attributes})
    for key, value in config.items():
        git(root, "config", key, value)
    (root / "q.md").write_bytes(b"a\r\nb\r\n")
    made = GitRepo(root).commit(["q.md"], "crlf")
    assert made is not None
    assert GitRepo(root).read(made, "q.md") == stored
    assert status(root) == ""
    assert GitRepo(root).commit(["q.md"], "again") is None


def test_files_committed_with_crlf_stay_so(make_repo: Make) -> None:
    root = make_repo({"q.md": "a\r\n"})
    git(root, "config", "core.autocrlf", "true")
    (root / "q.md").write_bytes(b"a\r\nb\r\n")
    made = GitRepo(root).commit(["q.md"], "crlf")
    assert made is not None and GitRepo(root).read(made, "q.md") == b"a\r\nb\r\n"


@pytest.mark.parametrize("path", ["../x", "/etc/passwd", ".git/config", "a//b", "", "sub/.GIT/x", "deep", "out/secret", "nul\0"])
def test_paths_that_are_no_files_of_ours_are_refused(root: Path, tmp_path: Path, path: str) -> None:
    outside = tmp_path / "outside"
    outside.mkdir()
    (outside / "secret").write_text("s")
    (root / "out").symlink_to(outside)
    before = git(root, "rev-parse", "HEAD")
    with pytest.raises(BadInput):
        GitRepo(root).commit([path], "x")
    assert git(root, "rev-parse", "HEAD") == before


def test_a_pipe_is_refused_at_once(root: Path) -> None:
    os.mkfifo(root / "pipe")
    with pytest.raises(BadInput, match="regular file"):
        GitRepo(root).commit(["pipe"], "x")


def busy_merge(root: Path) -> None:
    git(root, "switch", "-qc", "side")
    (root / "src/app.py").write_text("print('side')\n")
    git(root, "commit", "-qam", "side")
    git(root, "switch", "-q", "main")
    (root / "src/app.py").write_text("print('main')\n")
    git(root, "commit", "-qam", "main")


@pytest.mark.parametrize("kind", ["merge", "rebase", "cherry-pick", "revert", "bisect"])
def test_an_operation_in_progress_refuses_with_the_way_out(root: Path, kind: str) -> None:
    busy_merge(root)
    command = {
        "merge": ["merge", "side"],
        "rebase": ["rebase", "side"],
        "cherry-pick": ["cherry-pick", "side"],
        "revert": ["revert", "--no-edit", "side"],
        "bisect": ["bisect", "start"],
    }[kind]
    subprocess.run(["git", *command], cwd=root, capture_output=True, check=False)
    repo = GitRepo(root)
    assert repo.head().busy == kind
    before = git(root, "rev-parse", "HEAD")
    (root / "BUILD_QUEUE.md").write_text("# New\n")
    with pytest.raises(GitBusy, match=kind):
        repo.commit(["BUILD_QUEUE.md"], "x")
    assert git(root, "rev-parse", "HEAD") == before
    # A branch of record does not care.
    assert repo.commit(["BUILD_QUEUE.md"], "x", branch="record") is not None


def test_a_detached_head_refuses_with_the_way_out(root: Path) -> None:
    git(root, "switch", "-q", "--detach")
    with pytest.raises(GitBusy, match="git switch"):
        GitRepo(root).commit(["BUILD_QUEUE.md"], "x\n\nEvent: y")


def test_linked_worktrees_and_gitfiles(root: Path, tmp_path: Path) -> None:
    git(root, "worktree", "add", "-q", "-b", "other", str(tmp_path / "linked"))
    linked = tmp_path / "linked"
    (linked / "BUILD_QUEUE.md").write_text("# Linked\n")
    repo = GitRepo(linked)
    assert repo.head().branch == "other"
    assert repo.commit(["BUILD_QUEUE.md"], "linked") == git(root, "rev-parse", "other")
    assert status(linked) == "" and status(root) == ""
    assert "commit: linked" in git(linked, "reflog")
    with pytest.raises(GitBusy, match="checked out"):
        GitRepo(root).commit(["BUILD_QUEUE.md"], "x\n\nEvent: y", branch="other")


def test_submodules_have_a_git_file(root: Path, make_repo: Make) -> None:
    inner = make_repo({"q.md": "1\n"}, name="inner")
    git(root, "submodule", "add", "-q", str(inner), "sub")
    (root / "sub/q.md").write_text("2\n")
    assert GitRepo(root / "sub").commit(["q.md"], "in the submodule") is not None
    assert status(root / "sub") == ""


def test_only_the_top_level_is_a_workspace(root: Path, tmp_path: Path) -> None:
    with pytest.raises(BadInput, match=str(root)):
        GitRepo(root / "src")
    (tmp_path / "plain").mkdir()
    with pytest.raises(BadInput, match="git init"):
        GitRepo(tmp_path / "plain")


def test_a_held_index_lock_is_respected_and_the_commit_made(root: Path) -> None:
    lock = root / ".git/index.lock"
    lock.write_text("somebody")
    (root / "BUILD_QUEUE.md").write_text("# New\n")
    repo = GitRepo(root)
    assert repo.commit(["BUILD_QUEUE.md"], "x") == git(root, "rev-parse", "HEAD")
    assert lock.read_text() == "somebody"
    lock.unlink()
    repo.commit(["BUILD_QUEUE.md"], "x\n\nEvent: later")
    assert status(root) == ""


def test_a_ref_lock_that_somebody_holds_is_busy(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(locks.Claim.hold, "__kwdefaults__", {"patience": 0.1})
    lock = root / ".git/refs/heads/main.lock"
    lock.write_text("")
    (root / "BUILD_QUEUE.md").write_text("# New\n")
    with pytest.raises(GitBusy, match="lock"):
        GitRepo(root).commit(["BUILD_QUEUE.md"], "x")
    assert lock.exists()
    assert list((root / ".git").glob("autobuilds-*")) == []
    # Held for as long as this, and open nowhere: its process is dead.
    os.utime(lock, (1, 1))
    assert GitRepo(root).commit(["BUILD_QUEUE.md"], "x") is not None
    assert not lock.exists()


def test_an_old_lock_that_is_open_is_never_removed(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(locks.Claim.hold, "__kwdefaults__", {"patience": 0.1})
    lock = root / ".git/refs/heads/main.lock"
    with lock.open("w"):
        os.utime(lock, (1, 1))
        with pytest.raises(GitBusy):
            GitRepo(root).commit(["BUILD_QUEUE.md"], "x\n\nEvent: y")
    assert lock.exists()


@pytest.mark.slow
def test_commits_of_the_owner_in_between_are_kept(root: Path) -> None:
    """The owner commits all the time; no commit of either side is lost."""
    stop = threading.Event()
    theirs = 0

    def owner() -> None:
        nonlocal theirs
        while not stop.is_set():
            (root / "src/app.py").write_text(f"print({theirs})\n")
            done = subprocess.run(
                ["git", "commit", "-qm", f"theirs {theirs}", "--", "src/app.py"], cwd=root, capture_output=True, check=False
            )
            theirs += done.returncode == 0

    thread = threading.Thread(target=owner)
    thread.start()
    try:
        ours = 0
        for number in range(25):
            (root / "BUILD_QUEUE.md").write_text(f"# {number}\n")
            ours += GitRepo(root).commit(["BUILD_QUEUE.md"], f"ours {number}") is not None
    finally:
        stop.set()
        thread.join()
    log = git(root, "log", "--format=%s").split("\n")
    assert sum(line.startswith("ours") for line in log) == ours == 25
    assert sum(line.startswith("theirs") for line in log) == theirs > 0
    sound(root)
    GitRepo(root).commit(["BUILD_QUEUE.md"], "last\n\nEvent: x")
    assert "BUILD_QUEUE.md" not in status(root)


def test_eight_committers_at_once(root: Path) -> None:
    def work(number: int) -> None:
        for round_ in range(5):
            (root / f"f{number}").write_text(f"{round_}\n")
            GitRepo(root).commit([f"f{number}"], f"{number}/{round_}")

    threads = [threading.Thread(target=work, args=(n,)) for n in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert git(root, "rev-list", "--count", "HEAD") == "41"
    sound(root)


def test_the_environment_of_a_hook_does_not_lead_astray(root: Path, make_repo: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    other = make_repo({"x": "x\n"}, name="other")
    monkeypatch.setenv("GIT_DIR", str(other / ".git"))
    monkeypatch.setenv("GIT_WORK_TREE", str(other))
    monkeypatch.setenv("GIT_INDEX_FILE", str(other / ".git/index"))
    (root / "BUILD_QUEUE.md").write_text("# New\n")
    repo = GitRepo(root)
    made = repo.commit(["BUILD_QUEUE.md"], "x\n\nEvent: y")
    assert made is not None
    assert [c.sha for c in repo.history()] == [made]
    assert repo.diff("HEAD~1", "HEAD").paths == ("BUILD_QUEUE.md",)
    for name in ("GIT_DIR", "GIT_WORK_TREE", "GIT_INDEX_FILE"):
        monkeypatch.delenv(name)
    assert git(other, "log", "--format=%s") == "first"
    assert git(root, "rev-parse", "HEAD") == made


def test_two_processes_at_most_for_a_commit(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    git(root, "gc", "-q")
    started: list[object] = []
    real = subprocess.Popen.__init__

    def counted(self: subprocess.Popen[bytes], *args: object, **kwargs: object) -> None:
        started.append(args[0])
        real(self, *args, **kwargs)  # type: ignore[call-overload]

    monkeypatch.setattr(subprocess.Popen, "__init__", counted)
    repo = GitRepo(root)
    (root / "BUILD_QUEUE.md").write_text("# New\n")
    repo.commit(["BUILD_QUEUE.md"], "x\n\nEvent: y")
    assert len(started) <= 2
    started.clear()
    assert repo.commit(["BUILD_QUEUE.md"], "nothing") is None
    assert started == []


def test_a_change_right_after_an_index_was_written_is_still_seen(root: Path) -> None:
    """The owner's file changes in the same instant, at the same length: the index must not call it clean."""
    for number in range(10):
        (root / "src/app.py").write_text(f"print({number})\n")
        git(root, "add", "src/app.py")
        (root / "src/app.py").write_text(f"print({9 - number})\n")
        (root / "BUILD_QUEUE.md").write_text(f"# {number}\n")
        GitRepo(root).commit(["BUILD_QUEUE.md"], "x")
        assert git(root, "diff", "--name-only") == "src/app.py"
