"""A repository that can't be read at this moment is said, wherever it is noticed."""

from __future__ import annotations

import shutil
import sys
from collections.abc import Callable
from importlib.abc import MetaPathFinder
from pathlib import Path

import pytest

from autobuilds.adapters.git import GitRepo
from autobuilds.errors import GitBusy, GitFailure
from tests.conftest import git


def test_a_git_folder_that_is_no_whole_one_any_more(make_repo: Callable[..., Path]) -> None:
    root = make_repo({"a": "1\n"})
    repo = GitRepo(root)
    git(root, "pack-refs", "--all")
    shutil.rmtree(root / ".git" / "refs")
    with pytest.raises(GitFailure, match=r"\.git can't be read as a Git folder; check the disk"):
        list(repo.history())


class Unstartable(MetaPathFinder):
    """Fails as GitPython does where no process can be started: it starts Git when it is imported."""

    def find_spec(self, name: str, path: object, target: object = None) -> None:
        if name == "git":
            raise ImportError("Failed to initialize: [Errno 11] Resource temporarily unavailable: 'git'")


def test_a_machine_that_starts_no_process_is_no_bug(make_repo: Callable[..., Path], monkeypatch: pytest.MonkeyPatch) -> None:
    repo = GitRepo(make_repo({"a": "1\n"}))
    monkeypatch.delitem(sys.modules, "git", raising=False)
    monkeypatch.setattr(sys, "meta_path", [Unstartable(), *sys.meta_path])
    with pytest.raises(GitBusy, match=r"git can't be started now .*Try again in a moment"):
        list(repo.history())
