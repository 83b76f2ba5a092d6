"""No value of an agent's secret reaches a branch unseen: in text, in binary files, in what was deleted again, in messages and names."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import pytest

from autobuilds.adapters.supervisor.leaks import MESSAGE, leaks
from autobuilds.domain.redaction import secrets_of
from tests.conftest import git

VALUE = "sk-0123456789abcdef"
SECRETS = secrets_of({"X_API_KEY": VALUE, "PLAIN": "nothing to hide here"})


@pytest.fixture
def repo(make_repo: Callable[..., Path]) -> Path:
    return make_repo({"old.txt": f"key={VALUE}\n", "a.txt": "1\n"})


def looked(repo: Path, **more: int) -> tuple[tuple[str, str], ...]:
    """Commit what stands there and return what is found since the first commit."""
    git(repo, "add", "-A")
    git(repo, "commit", "-q", "--allow-empty", "-m", "work")
    return found(repo, **more)


def found(repo: Path, **more: int) -> tuple[tuple[str, str], ...]:
    base = git(repo, "rev-list", "--max-parents=0", "HEAD")
    return leaks(repo / ".git", base, [git(repo, "rev-parse", "HEAD")], SECRETS, **more).found


@pytest.mark.parametrize(
    "content",
    [
        VALUE.encode(),
        b"\0\1" + VALUE.encode() + b"\xff",
        b"x" * (1024 * 1024 - 5) + VALUE.encode() + b"y" * 10,
        b"x" * (1024 * 1024 - len(VALUE)) + VALUE.encode(),
        b"x" * (3 * 1024 * 1024) + VALUE.encode(),
        b"c2stMDEyMzQ1Njc4OWFiY2RlZg==",
    ],
)
def test_a_value_is_found_in_any_file(repo: Path, content: bytes) -> None:
    (repo / "sub dir").mkdir()
    (repo / "sub dir" / "\u00fc.bin").write_bytes(content)
    assert looked(repo) == (("sub dir/\u00fc.bin", "X_API_KEY"),)


def test_what_is_clean_or_was_there_before_is_nothing_new(repo: Path) -> None:
    (repo / "old.txt").write_text(f"key={VALUE}\nmore\n")
    (repo / "a.txt").write_text("sk-0123456789abcdeX nothing to hide here\n")
    assert looked(repo) == ()
    assert leaks(repo / ".git", "HEAD", ["HEAD"], SECRETS).found == ()
    assert leaks(repo / ".git", "HEAD~1", ["HEAD"], ()).found == ()


def test_a_file_that_was_deleted_again_is_found_in_the_history(repo: Path) -> None:
    (repo / "gone.txt").write_text(VALUE)
    looked(repo)
    (repo / "gone.txt").unlink()
    assert looked(repo) == (("gone.txt", "X_API_KEY"),)


def test_messages_and_names_of_commits_and_files(repo: Path) -> None:
    git(repo, "commit", "-q", "--allow-empty", "-m", f"done with {VALUE}")
    assert found(repo) == ((MESSAGE, "X_API_KEY"),)
    (repo / VALUE).write_text("x")
    assert dict(looked(repo)) == {MESSAGE: "X_API_KEY", VALUE: "X_API_KEY"}


def test_odd_names_stop_nothing(repo: Path) -> None:
    for name in (b"line\nend", b"\xff\xfe", b"-rf", b'quo"te'):
        (repo / os.fsdecode(name)).write_text(VALUE)
        assert looked(repo), name
        (repo / os.fsdecode(name)).unlink()


def test_only_so_many_bytes_are_searched_and_that_is_said(repo: Path) -> None:
    (repo / "large.bin").write_bytes(b"x" * (2 * 1024 * 1024))
    git(repo, "add", "-A")
    git(repo, "commit", "-q", "-m", "work")
    assert "1 MiB" in leaks(repo / ".git", "HEAD~1", ["HEAD"], SECRETS, most=1024 * 1024).notes[0]
