"""Programs planted in Git's hooks, filters and configuration: none of them ever runs."""

from __future__ import annotations

import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from autobuilds.adapters.git import GitRepo
from autobuilds.adapters.git.harvest import harvest
from tests.conftest import git

Make = Callable[..., Path]

HOOKS = (
    *("applypatch-msg", "pre-applypatch", "post-applypatch", "pre-commit", "pre-merge-commit", "prepare-commit-msg", "commit-msg"),
    *("post-commit", "pre-rebase", "post-checkout", "post-merge", "pre-push", "pre-receive", "update", "post-receive", "post-update"),
    *("reference-transaction", "push-to-checkout", "pre-auto-gc", "post-rewrite", "sendemail-validate", "fsmonitor-watchman"),
    *("post-index-change", "proc-receive"),
)
#: Configuration keys that name a program; `{run}` runs the plant.
KEYS = (
    *("core.fsmonitor", "core.sshCommand", "core.pager", "core.editor", "core.askPass", "core.gitProxy", "core.alternateRefsCommand"),
    *("gpg.program", "gpg.ssh.program", "diff.external", "uploadpack.packObjectsHook", "credential.helper", "sequence.editor"),
    *("filter.evil.clean", "filter.evil.smudge", "filter.evil.process", "diff.evil.textconv", "diff.evil.command", "merge.evil.driver"),
    *("alias.commit", "alias.fetch", "alias.cat-file", "pager.diff", "pager.log", "interactive.diffFilter", "trailer.evil.command"),
    *("remote.origin.uploadpack", "remote.origin.receivepack", "submodule.sub.update", "browser.evil.cmd", "web.browser"),
)
ATTRIBUTES = "* filter=evil diff=evil merge=evil\n"


class Plant:
    """A program that leaves a mark when it runs."""

    def __init__(self, folder: Path) -> None:
        self.mark = folder / "it-ran"
        self.program = folder / "evil.sh"
        self.program.write_text(
            f'#!/bin/sh\necho "$0 $* <- $(tr "\\0" " " < /proc/$PPID/cmdline)" >> "{self.mark}"\ncat 2>/dev/null\nexit 0\n'
        )
        self.program.chmod(0o755)

    def hooks(self, git_dir: Path) -> None:
        for folder in (git_dir / "hooks", git_dir / "my-hooks"):
            folder.mkdir(exist_ok=True)
            for name in HOOKS:
                (folder / name).write_text(self.program.read_text())
                (folder / name).chmod(0o755)

    def configuration(self, git_dir: Path) -> None:
        command = str(self.program)
        values = {key: f"!{command}" if key.startswith(("alias.", "submodule.")) else command for key in KEYS}
        values |= {
            "core.hooksPath": str(git_dir / "my-hooks"),
            "commit.gpgSign": "true",
            "tag.gpgSign": "true",
            "log.showSignature": "true",
        }
        values |= {"filter.evil.required": "true", "merge.verifySignatures": "true", "extensions.worktreeConfig": "true"}
        included = git_dir / "included"
        for key, value in values.items():
            subprocess.run(["git", "config", "--file", str(included), key, value], check=True)
        with (git_dir / "config").open("a") as file:
            file.write(f"[include]\n\tpath = {included}\n")
        (git_dir / "config.worktree").write_bytes(included.read_bytes())

    def attributes(self, git_dir: Path) -> None:
        (git_dir / "info").mkdir(exist_ok=True)
        (git_dir / "info/attributes").write_text(ATTRIBUTES)

    @property
    def ran(self) -> str:
        return self.mark.read_text() if self.mark.exists() else ""


@pytest.fixture
def plant(tmp_path: Path) -> Plant:
    return Plant(tmp_path)


def test_the_plants_do_run_for_an_unguarded_git(make_repo: Make, plant: Plant) -> None:
    """Guards this file: without it the other tests could not fail."""
    root = make_repo({"a": "1\n", ".gitattributes": ATTRIBUTES})
    plant.hooks(root / ".git")
    plant.configuration(root / ".git")
    (root / "a").write_text("2\n")
    subprocess.run(["git", "add", "a"], cwd=root, capture_output=True, check=False)
    assert "evil.sh" in plant.ran


def test_nothing_planted_in_the_owners_repository_runs(make_repo: Make, plant: Plant, tmp_path: Path) -> None:
    assert len(HOOKS) + len(KEYS) >= 38
    root = make_repo({"a.txt": "1\n", "b.txt": "1\n", ".gitattributes": ATTRIBUTES})
    for planted in (plant.hooks, plant.configuration, plant.attributes):
        planted(root / ".git")
    repo = GitRepo(root)
    (root / "a.txt").write_bytes(b"2\r\n")
    base = repo.commit(["a.txt"], "x\n\nEvent: y")
    assert base is not None
    repo.clone(tmp_path / "clone", base, "build/x")
    (tmp_path / "clone/new.txt").write_text("new\n")
    (tmp_path / "clone/b.txt").write_text("changed\n")
    taken = harvest(tmp_path / "clone", root, tmp_path / "bare", base, "build/x", "work")
    repo.adopt(tmp_path / "bare", taken.commit, "build/x")
    merged = repo.merge("main", taken.commit, tmp_path / "s1", "merge\n\nBuild: x")
    repo.deliver(merged, "main")
    assert (root / "b.txt").read_text() == "changed\n"
    assert merged.commit is not None
    undone = repo.revert("main", merged.commit, tmp_path / "s2", "undo")
    repo.deliver(undone, "main")
    repo.diff(base, "HEAD")
    repo.diff_text(base, "HEAD")
    list(repo.history())
    repo.line_origin(base, "a.txt", 1)
    repo.identity()
    repo.resolve("HEAD~1")
    repo.read("HEAD", "a.txt")
    repo.delete_branch("build/x")
    assert plant.ran == ""


@pytest.mark.parametrize("commit_first", [False, True])
def test_nothing_planted_in_an_agents_clone_runs(make_repo: Make, plant: Plant, tmp_path: Path, commit_first: bool) -> None:
    root = make_repo({"a.txt": "1\n", "sub/b.txt": "1\n"})
    repo = GitRepo(root)
    base = repo.head().commit
    assert base is not None
    clone = tmp_path / "clone"
    repo.clone(clone, base, "build/x")
    (clone / "a.txt").write_text("agent\n")
    if commit_first:
        git(clone, "commit", "-qam", "the agent's own")
    (clone / ".gitattributes").write_text(ATTRIBUTES)
    nested = clone / "nested"
    nested.mkdir()
    git(nested, "init", "-q")
    (nested / "n.txt").write_text("n\n")
    git(nested, "add", "-A")
    git(nested, "commit", "-qm", "nested")
    for git_dir in (clone / ".git", nested / ".git"):
        for planted in (plant.hooks, plant.configuration, plant.attributes):
            planted(git_dir)
    (clone / "new.txt").write_text("new\n")
    taken = harvest(clone, root, tmp_path / "bare", base, "build/x", "work")
    repo.adopt(tmp_path / "bare", taken.commit, "build/x")
    merged = repo.merge("main", taken.commit, tmp_path / "scratch", "merge")
    repo.deliver(merged, "main")
    assert (root / "nested/n.txt").read_text() == "n\n"
    assert plant.ran == ""


def test_a_bare_repository_hidden_in_a_folder_is_only_files(make_repo: Make, plant: Plant, tmp_path: Path) -> None:
    root = make_repo()
    repo = GitRepo(root)
    base = repo.head().commit
    assert base is not None
    repo.clone(tmp_path / "clone", base, "build/x")
    hidden = tmp_path / "clone/docs"
    git(tmp_path, "init", "-q", "--bare", str(hidden))
    plant.hooks(hidden)
    plant.configuration(hidden)
    harvest(tmp_path / "clone", root, tmp_path / "bare", base, "build/x", "work")
    assert plant.ran == ""
