"""Taking an agent's work: all of it, nothing of Git's own, whatever the agent made of its clone."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from autobuilds.adapters.git import GitRepo, harvest
from autobuilds.adapters.git.harvest import HarvestResult
from autobuilds.errors import BadInput
from tests.conftest import git

Make = Callable[..., Path]


class Bench:
    def __init__(self, root: Path, folder: Path) -> None:
        self.root = root
        self.repo = GitRepo(root)
        self.base = self.repo.head().commit or ""
        self.clone = folder / "clone"
        self.bare = folder / "bare"
        self.repo.clone(self.clone, self.base, "build/x")

    def harvest(self) -> HarvestResult:
        return harvest.harvest(self.clone, self.root, self.bare, self.base, "build/x", "what was left\n\nBuild: x\n")

    def files(self, taken: HarvestResult) -> list[str]:
        return git(self.bare, "ls-tree", "-r", "--name-only", "-z", taken.commit).rstrip("\0").split("\0")


@pytest.fixture
def bench(make_repo: Make, tmp_path: Path) -> Bench:
    return Bench(make_repo({"a.txt": "1\n", "sub/b.txt": "1\n", ".gitignore": "*.log\nbuilt/\n"}), tmp_path)


def test_the_clone_is_private(bench: Bench) -> None:
    assert git(bench.clone, "status", "--porcelain", "-b") == "## build/x"
    assert git(bench.clone, "remote") == ""
    git(bench.clone, "commit", "-q", "--allow-empty", "-m", "an agent can commit")
    assert git(bench.root, "rev-parse", "refs/autobuilds/keep/x") == bench.base


def test_the_base_survives_a_collection_in_the_owners_repository(bench: Bench) -> None:
    git(bench.root, "commit", "-q", "--amend", "-m", "rewritten")
    git(bench.root, "reflog", "expire", "--expire=now", "--all")
    git(bench.root, "gc", "-q", "--prune=now")
    assert git(bench.clone, "log", "--format=%s") == "first"


def test_a_second_clone_to_the_same_place_is_refused_and_a_half_one_is_replaced(bench: Bench, tmp_path: Path) -> None:
    with pytest.raises(BadInput, match="already"):
        bench.repo.clone(bench.clone, bench.base, "build/x")
    half = tmp_path / "next.making"
    half.mkdir()
    (half / "left").write_text("by a crash")
    bench.repo.clone(tmp_path / "next", bench.base, "build/x")
    assert not half.exists() and not (tmp_path / "next/left").exists()


def test_nothing_done_is_nothing_taken(bench: Bench) -> None:
    taken = bench.harvest()
    assert (taken.commit, taken.uncommitted, taken.changed_paths, taken.notes) == (bench.base, False, (), ())


def test_uncommitted_work_becomes_a_commit(bench: Bench) -> None:
    (bench.clone / "a.txt").write_text("1\n2\n")
    (bench.clone / "new dir").mkdir()
    (bench.clone / "new dir/ü.py").write_text("x\n")
    (bench.clone / "sub/b.txt").unlink()
    (bench.clone / "noise.log").write_text("ignored")
    (bench.clone / "built").mkdir()
    (bench.clone / "built/x.o").write_text("ignored")
    taken = bench.harvest()
    assert taken.uncommitted
    assert taken.changed_paths == ("a.txt", "new dir/ü.py", "sub/b.txt")
    assert (taken.stat.added, taken.stat.removed) == (2, 1)
    assert git(bench.bare, "log", "--format=%an %s", taken.commit).split("\n") == ["autobuilds what was left", "Olive Owner first"]
    bench.repo.adopt(bench.bare, taken.commit, "build/x")
    assert bench.repo.resolve("build/x") == taken.commit
    assert bench.harvest().changed_paths == taken.changed_paths


def test_the_agents_own_commits_are_kept(bench: Bench) -> None:
    (bench.clone / "a.txt").write_text("2\n")
    git(bench.clone, "commit", "-qam", "one")
    git(bench.clone, "switch", "-qc", "elsewhere")
    (bench.clone / "a.txt").write_text("3\n")
    git(bench.clone, "commit", "-qam", "two")
    git(bench.clone, "pack-refs", "--all")
    tip = git(bench.clone, "rev-parse", "HEAD")
    taken = bench.harvest()
    assert (taken.commit, taken.uncommitted) == (tip, False)
    assert git(bench.bare, "rev-parse", "build/x") == tip


def test_rewritten_history_is_taken_as_files_and_kept(bench: Bench) -> None:
    git(bench.clone, "checkout", "-q", "--orphan", "fresh")
    (bench.clone / "a.txt").write_text("2\n")
    git(bench.clone, "add", "-A")
    git(bench.clone, "commit", "-qm", "orphan")
    tip = git(bench.clone, "rev-parse", "HEAD")
    taken = bench.harvest()
    assert git(bench.bare, "rev-parse", f"{taken.commit}^") == bench.base
    assert taken.changed_paths == ("a.txt",)
    assert any("rewrote" in note for note in taken.notes)
    assert git(bench.bare, "cat-file", "-t", tip) == "commit"


@pytest.mark.parametrize("kind", ["gone", "gitfile", "symlink", "fifo-head", "garbage", "broken-objects"])
def test_whatever_became_of_its_git_folder_the_files_are_taken(bench: Bench, tmp_path: Path, kind: str) -> None:
    (bench.clone / "a.txt").write_text("2\n")
    folder = bench.clone / ".git"
    if kind == "fifo-head":
        (folder / "HEAD").unlink()
        os.mkfifo(folder / "HEAD")
    elif kind == "garbage":
        (folder / "HEAD").write_bytes(b"ref: refs/heads/../../../../etc/passwd\n\xff")
    elif kind == "broken-objects":
        git(bench.clone, "commit", "-qam", "lost")
        shutil.rmtree(folder / "objects")
    else:
        shutil.rmtree(folder)
    if kind == "gitfile":
        folder.write_text(f"gitdir: {bench.root}/.git\n")
    elif kind == "symlink":
        folder.symlink_to(bench.root / ".git")
    taken = bench.harvest()
    assert taken.changed_paths == ("a.txt",)
    assert git(bench.root, "log", "--format=%s", "--all") == "first"


def test_repositories_inside_are_taken_as_files(bench: Bench) -> None:
    for name in ("empty", "full"):
        (bench.clone / name).mkdir()
        git(bench.clone / name, "init", "-q")
        (bench.clone / name / "x.txt").write_text("x\n")
        (bench.clone / name / "y.log").write_text("ignored\n")
    git(bench.clone / "full", "add", "-A")
    git(bench.clone / "full", "commit", "-qm", "inner")
    taken = bench.harvest()
    assert taken.changed_paths == ("empty/x.txt", "full/x.txt")
    assert sum("repository of its own" in note for note in taken.notes) == 2


def test_odd_files_are_left_out_with_a_word(bench: Bench, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(harvest, "LARGEST", 1000)
    (tmp_path / "secret").write_text("s")
    (bench.clone / "out").symlink_to(tmp_path / "secret")
    (bench.clone / "up").symlink_to("../../secret")
    (bench.clone / "inside").symlink_to("sub/b.txt")
    (bench.clone / "loop").symlink_to("loop")
    (bench.clone / "huge.bin").write_bytes(b"x" * 1001)
    (bench.clone / "sparse").touch()
    os.truncate(bench.clone / "sparse", 8 << 30)
    (bench.clone / "a.txt").unlink()
    os.mkfifo(bench.clone / "a.txt")
    (bench.clone / "docs").mkdir()
    (bench.clone / "docs/.GIT").mkdir()
    (bench.clone / "docs/.GIT/config").write_text("x")
    (bench.clone / "docs/git~1").write_text("x")
    (bench.clone / "docs/.gi\u200ct").write_text("x")
    (bench.clone / "good.txt").write_text("good\n")
    taken = bench.harvest()
    assert set(taken.changed_paths) == {"a.txt", "good.txt", "inside", "loop", "out", "up"}
    assert "a.txt" not in bench.files(taken)
    assert set(taken.outside_links) == {"out", "up", "loop"}
    said = "\n".join(taken.notes)
    for name in ("huge.bin", "sparse", "a.txt", "docs/.GIT/config", "docs/git~1", "out"):
        assert name in said
    bench.repo.adopt(bench.bare, taken.commit, "build/x")


def test_a_folder_that_is_gone_is_said(bench: Bench) -> None:
    shutil.rmtree(bench.clone)
    with pytest.raises(BadInput, match="not a folder"):
        bench.harvest()


def test_names_with_line_ends_and_options(bench: Bench) -> None:
    for name in ("-rf", "--force", "a\nb", " lead", "t\tab", ":(top)x", "*.py"):
        (bench.clone / name).write_text("x\n")
    assert set(bench.harvest().changed_paths) == {"-rf", "--force", "a\nb", " lead", "t\tab", ":(top)x", "*.py"}
