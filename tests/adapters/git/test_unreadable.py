"""A repository that can't be read at this moment is said, wherever it is noticed."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from autobuilds.adapters.git import GitRepo
from autobuilds.errors import GitFailure
from tests.conftest import git


def test_a_git_folder_that_is_no_whole_one_any_more(make_repo: Callable[..., Path]) -> None:
    root = make_repo({"a": "1\n"})
    repo = GitRepo(root)
    git(root, "pack-refs", "--all")
    shutil.rmtree(root / ".git" / "refs")
    with pytest.raises(GitFailure, match=r"\.git can't be read as a Git folder; check the disk"):
        list(repo.history())
