"""Where the search for secrets in the work ends, and what it takes for new."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from pathlib import Path

import pytest

from autobuilds.adapters.git.harvest import TOGETHER
from autobuilds.adapters.supervisor.leaks import Leaks, leaks
from autobuilds.domain.redaction import secrets_of
from tests.conftest import git

ONE, TWO = "sk-0123456789abcdef", "tk-fedcba9876543210"
SECRETS = secrets_of({"ONE_KEY": ONE, "TWO_KEY": TWO})


@pytest.fixture
def repo(make_repo: Callable[..., Path]) -> Path:
    return make_repo({"a.txt": f"{TWO}\n"})


def committed(repo: Path, files: dict[str, str], message: str = "work") -> str:
    for name, text in files.items():
        (repo / name).write_text(text)
    git(repo, "add", "-A")
    git(repo, "commit", "-q", "-m", message)
    return git(repo, "rev-parse", "HEAD")


def test_what_another_variable_had_there_before_excuses_nothing(repo: Path) -> None:
    base = git(repo, "rev-parse", "HEAD")
    head = committed(repo, {"a.txt": f"{TWO}\n{ONE}\n"})
    found = leaks(repo / ".git", base, [base, head], SECRETS)
    assert found == Leaks(found=(("a.txt", "ONE_KEY"),))
    assert leaks(repo / ".git", base, [base], SECRETS) == Leaks()


def test_a_value_that_is_no_text_is_found_too(repo: Path) -> None:
    base = git(repo, "rev-parse", "HEAD")
    (repo / "b.bin").write_bytes(b"x abcdefgh\xff y")
    head = committed(repo, {"c.txt": "abcdefgh"})
    assert leaks(repo / ".git", base, [head], secrets_of({"X_KEY": "abcdefgh\udcff"})) == Leaks(found=(("b.bin", "X_KEY"),))


def test_twenty_places_are_told(repo: Path) -> None:
    base = git(repo, "rev-parse", "HEAD")
    head = committed(repo, {f"{number:02}": f"{ONE} {number}" for number in range(25)})
    found = leaks(repo / ".git", base, [head], SECRETS)
    assert found == Leaks(found=tuple((f"{number:02}", "ONE_KEY") for number in range(20)))


def test_the_last_byte_that_is_searched(repo: Path) -> None:
    base = git(repo, "rev-parse", "HEAD")
    head = committed(repo, {"b.txt": f"{ONE}\n"})
    size = int(git(repo, "cat-file", "-s", head)) + len(ONE) + 1
    whole = Leaks(found=(("b.txt", "ONE_KEY"),))
    assert leaks(repo / ".git", base, [head], SECRETS, most=size) == whole
    assert leaks(repo / ".git", base, [head], SECRETS, most=size - 1) == Leaks(
        notes=("only 0 MiB of the changes were searched for secrets",)
    )
    assert inspect.signature(leaks).parameters["most"].default > TOGETHER, "all that a harvest takes is searched"
