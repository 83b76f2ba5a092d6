"""Delivery into the owner's checkout: non-overlapping work stays, overlapping work refuses, a crash is carried on."""

from __future__ import annotations

import os
import subprocess
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from autobuilds.adapters.git import GitRepo
from autobuilds.errors import BadInput, GitBusy, Refused
from autobuilds.ports import CheckedMerge
from tests.adapters.attempts import kill_group
from tests.conftest import git

Make = Callable[..., Path]


class Bench:
    """A repository with a finished build that changes, adds and removes a file."""

    def __init__(self, root: Path, folder: Path) -> None:
        self.root, self.folder = root, folder
        self.repo = GitRepo(root)
        self.base = self.repo.head().commit or ""
        work = folder / "work"
        self.repo.clone(work, self.base, "build/x")
        (work / "changed.txt").write_text("1\nbuilt\n")
        (work / "gone.txt").unlink()
        (work / "sub/new.txt").write_text("new\n")
        git(work, "add", "-A")
        git(work, "commit", "-qm", "built")
        self.built = git(work, "rev-parse", "HEAD")
        self.repo.adopt(work, self.built, "build/x")

    def merged(self) -> CheckedMerge:
        return self.repo.merge("main", self.built, self.folder / f"scratch{time.monotonic_ns()}", "built it\n\nBuild: x\n")

    def is_delivered(self) -> bool:
        return (
            (self.root / "changed.txt").read_text() == "1\nbuilt\n"
            and not (self.root / "gone.txt").exists()
            and (self.root / "sub/new.txt").read_text() == "new\n"
        )


@pytest.fixture
def bench(make_repo: Make, tmp_path: Path) -> Bench:
    return Bench(make_repo({"changed.txt": "1\n", "gone.txt": "1\n", "sub/other.txt": "1\n", "BUILD_QUEUE.md": "q\n"}), tmp_path)


def status(root: Path) -> str:
    return git(root, "status", "--porcelain", "--untracked-files=all")


def test_the_merge_is_by_the_tool_and_names_its_build(bench: Bench) -> None:
    merged = bench.merged()
    bench.repo.deliver(merged, "main")
    assert (
        git(bench.root, "log", "-1", "--format=%an|%cn|%P|%(trailers:key=Build,valueonly)")
        == f"autobuilds|autobuilds|{bench.base} {bench.built}|x"
    )
    assert status(bench.root) == ""
    assert [c.trailers["Build"] for c in bench.repo.history()] == ["x"]
    assert "autobuilds: delivered" in git(bench.root, "reflog")


def test_staged_and_unstaged_work_beside_it_stays(bench: Bench) -> None:
    merged = bench.merged()
    (bench.root / "sub/other.txt").write_text("staged\n")
    git(bench.root, "add", "sub/other.txt")
    (bench.root / "sub/other.txt").write_text("and more\n")
    (bench.root / "BUILD_QUEUE.md").write_text("q2\n")
    (bench.root / "scratch").write_text("mine")
    before = status(bench.root)
    bench.repo.deliver(merged, "main")
    assert bench.is_delivered()
    assert status(bench.root) == before


@pytest.mark.parametrize("way", ["unstaged", "staged", "untracked", "deleted", "staged-only", "folder"])
def test_overlapping_work_refuses_by_name_and_changes_nothing(bench: Bench, way: str) -> None:
    merged = bench.merged()
    name = "sub/new.txt" if way in {"untracked", "folder"} else "changed.txt"
    file = bench.root / name
    if way == "deleted":
        file.unlink()
    elif way == "folder":
        file.mkdir()
        (file / "inside").write_text("mine")
    else:
        file.write_text("my own work\n")
    if way.startswith("staged"):
        git(bench.root, "add", name)
    if way == "staged-only":
        file.write_text("1\n")
    before = status(bench.root)
    with pytest.raises(Refused, match=name):
        bench.repo.deliver(merged, "main")
    assert status(bench.root) == before
    assert bench.repo.head().commit == bench.base
    assert not (bench.root / ".git/index.lock").exists()


def test_files_that_are_as_wanted_already_are_no_obstacle(bench: Bench) -> None:
    """What a crash in the middle of a delivery leaves behind, or the owner copied by hand."""
    merged = bench.merged()
    (bench.root / "changed.txt").write_text("1\nbuilt\n")
    (bench.root / "gone.txt").unlink()
    (bench.root / "sub/new.txt").write_text("new\n")
    bench.repo.deliver(merged, "main")
    assert status(bench.root) == ""
    bench.repo.deliver(merged, "main")


def test_a_branch_that_is_not_checked_out_moves_alone(bench: Bench) -> None:
    git(bench.root, "switch", "-qc", "elsewhere")
    (bench.root / "changed.txt").write_text("busy with something\n")
    bench.repo.deliver(bench.merged(), "main")
    assert git(bench.root, "show", "main:changed.txt") == "1\nbuilt"
    assert (bench.root / "changed.txt").read_text() == "busy with something\n"


def test_another_working_tree_with_the_branch_refuses(bench: Bench) -> None:
    git(bench.root, "switch", "-qc", "elsewhere")
    git(bench.root, "worktree", "add", "-q", str(bench.folder / "linked"), "main")
    merged = bench.merged()
    with pytest.raises(Refused, match="another working tree"):
        bench.repo.deliver(merged, "main")
    with pytest.raises(Refused, match="checked out"):
        bench.repo.adopt(bench.folder / "work", bench.built, "main")
    assert git(bench.root, "rev-parse", "main") == bench.base


def test_a_merge_of_the_owners_in_progress_is_busy(bench: Bench) -> None:
    merged = bench.merged()
    (bench.root / ".git/MERGE_HEAD").write_text(f"{bench.base}\n")
    with pytest.raises(GitBusy):
        bench.repo.deliver(merged, "main")


def test_a_base_that_is_gone_is_said(bench: Bench) -> None:
    with pytest.raises(Refused, match="nosuch"):
        bench.repo.merge("nosuch", bench.built, bench.folder / "s", "x")
    with pytest.raises(BadInput):
        bench.repo.merge("main", "0" * 40, bench.folder / "s", "x")


def test_undo_of_what_is_undone_refuses(bench: Bench) -> None:
    merged = bench.merged()
    bench.repo.deliver(merged, "main")
    assert merged.commit is not None
    bench.repo.deliver(bench.repo.revert("main", merged.commit, bench.folder / "r1", "undo"), "main")
    assert (bench.root / "gone.txt").read_text() == "1\n"
    with pytest.raises(Refused, match="nothing to undo"):
        bench.repo.revert("main", merged.commit, bench.folder / "r2", "undo")


def test_owners_with_converted_line_ends_are_delivered_to(make_repo: Make, tmp_path: Path) -> None:
    root = make_repo({"changed.txt": "1\n", "gone.txt": "1\n", "sub/other.txt": "1\n"})
    git(root, "config", "core.autocrlf", "true")
    for name in ("changed.txt", "gone.txt", "sub/other.txt"):
        (root / name).write_bytes(b"1\r\n")
    git(root, "add", "sub/other.txt")
    bench = Bench(root, tmp_path)
    bench.repo.deliver(bench.merged(), "main")
    assert (root / "changed.txt").read_bytes() == b"1\r\nbuilt\r\n"
    assert status(root) == ""


@pytest.mark.slow
def test_a_kill_in_the_middle_is_carried_on(bench: Bench) -> None:
    own = "the owner's\n"
    merged = bench.merged()
    for round_ in range(24):
        (bench.root / "sub/other.txt").write_text(own)
        process = os.fork()
        if process == 0:
            os.setsid()
            try:
                bench.repo.deliver(merged, "main")
            finally:
                os._exit(0)
        time.sleep(0.004 + round_ * 0.0025)
        kill_group(process)
        bench.repo.deliver(merged, "main")
        assert bench.is_delivered()
        assert status(bench.root) == " M sub/other.txt"
        assert not list((bench.root / ".git").glob("*.lock")) and not list((bench.root / ".git").glob("autobuilds-*"))
        git(bench.root, "checkout", "-q", "--", "sub/other.txt")
        git(bench.root, "reset", "-q", "--hard", bench.base)
    subprocess.run(["git", "fsck", "--strict", "--no-dangling"], cwd=bench.root, check=True, capture_output=True)


def test_folders_and_files_take_each_others_place(make_repo: Make, tmp_path: Path) -> None:
    root = make_repo({"was-folder/a": "1\n", "was-folder/b/c": "1\n", "was-file": "1\n", "run.sh": "1\n"})
    repo = GitRepo(root)
    base = repo.head().commit or ""
    work = tmp_path / "work"
    repo.clone(work, base, "build/x")
    git(work, "rm", "-qr", "was-folder", "was-file")
    (work / "was-folder").write_text("file\n")
    (work / "was-file/deep").mkdir(parents=True)
    (work / "was-file/deep/x").write_text("x\n")
    (work / "link").symlink_to("run.sh")
    (work / "run.sh").chmod(0o755)
    git(work, "add", "-A")
    git(work, "commit", "-qm", "built")
    built = git(work, "rev-parse", "HEAD")
    repo.adopt(work, built, "build/x")
    merged = repo.merge("main", built, tmp_path / "scratch", "x")
    (root / "was-folder/mine").write_text("untracked\n")
    with pytest.raises(Refused, match="was-folder"):
        repo.deliver(merged, "main")
    (root / "was-folder/mine").unlink()
    repo.deliver(merged, "main")
    assert status(root) == ""
    assert (root / "was-file/deep/x").read_text() == "x\n" and (root / "link").is_symlink() and os.access(root / "run.sh", os.X_OK)


def test_nothing_is_written_through_a_symbolic_link(bench: Bench) -> None:
    merged = bench.merged()
    outside = bench.folder / "outside"
    outside.mkdir()
    (outside / "other.txt").write_text("1\n")
    (bench.root / "sub/other.txt").unlink()
    (bench.root / "sub").rmdir()
    (bench.root / "sub").symlink_to(outside)
    with pytest.raises(Refused, match=r"sub/new\.txt"):
        bench.repo.deliver(merged, "main")
    assert sorted(path.name for path in outside.iterdir()) == ["other.txt"]
