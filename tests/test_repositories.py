"""The repositories that tests begin with are what Git itself would have made."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests import repositories
from tests.conftest import git

FILES = {"README.md": "# Repo\n", "a/b/c.txt": "c\n", "a.txt": "x", "a/x": "", "ä ö.txt": "ü", ".gitignore": ".autobuilds/\n"}


def _by_git(root: Path, files: dict[str, str]) -> None:
    git(root, "init", "-q", "-b", "main")
    for path, text in files.items():
        (root / path).parent.mkdir(parents=True, exist_ok=True)
        (root / path).write_bytes(text.encode())
    git(root, "add", "-A")
    git(root, "commit", "-q", "-m", "first")


@pytest.mark.parametrize("files", [FILES, {"README.md": "# Repo\n"}], ids=["many", "one"])
def test_a_repository_written_here_is_one_that_git_made(tmp_path: Path, files: dict[str, str], monkeypatch: pytest.MonkeyPatch) -> None:
    here, theirs = tmp_path / "here", tmp_path / "theirs"
    for folder in (here, theirs):
        folder.mkdir()
    monkeypatch.setattr(repositories.time, "time", lambda: 1_700_000_000.5)
    monkeypatch.setenv("GIT_AUTHOR_DATE", "1700000000 +0000")
    monkeypatch.setenv("GIT_COMMITTER_DATE", "1700000000 +0000")
    assert repositories.is_plain(files)
    repositories.make(here, files, "Olive Owner <olive@example.org>")
    _by_git(theirs, files)
    assert git(here, "fsck", "--strict") == ""
    for question in (
        ("rev-parse", "HEAD"),
        ("ls-files", "-s", "-t"),
        ("reflog",),
        ("status", "--porcelain", "-b"),
        ("config", "--local", "-l"),
    ):
        assert git(here, *question) == git(theirs, *question)
    # As plumbing sees it, that does not look at contents again.
    assert git(here, "diff-files") == git(here, "diff-index", "HEAD") == ""


def test_what_git_would_ignore_or_convert_is_left_to_git() -> None:
    assert not repositories.is_plain({".gitattributes": "* text=auto\n"})
    assert not repositories.is_plain({".gitignore": "*.txt\n", "a.txt": ""})
    assert not repositories.is_plain({".gitignore": "out/\n", "a/out/b": ""})
    assert not repositories.is_plain({"a/.gitignore": "x\n"})
    assert repositories.is_plain({".gitignore": "out/\n", "outer/b": ""})
