"""Locks of a dead process of ours are healed; those of a living one are waited for."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import pytest

from autobuilds.adapters.git import GitRepo
from autobuilds.adapters.git.locks import Claim, sweep
from autobuilds.errors import GitBusy
from tests.conftest import git


def held(root: Path) -> list[str]:
    return sorted(
        p.name for p in [*(root / ".git").glob("*.lock"), *(root / ".git").glob("autobuilds-*"), *(root / ".git/refs").rglob("*.lock")]
    )


def take(root: Path) -> Claim:
    claim = Claim(root / ".git").__enter__()
    for name, lock in (("hold", "index.lock"), ("ref", "refs/heads/main.lock")):
        claim.path(name).touch()
        claim.hold(root / ".git" / lock, claim.path(name))
    (claim.path("files") / "half").mkdir(parents=True)
    return claim


def test_a_dead_process_leaves_nothing_in_the_way(make_repo: Callable[..., Path]) -> None:
    root = make_repo({"a": "1\n"})
    process = os.fork()
    if process == 0:
        take(root)
        os._exit(0)
    os.waitpid(process, 0)
    assert {"index.lock", "main.lock"} < set(held(root))
    (root / "a").write_text("2\n")
    assert GitRepo(root).commit(["a"], "x") is not None
    assert held(root) == []
    assert git(root, "status", "--porcelain") == ""


def test_a_living_process_keeps_its_locks(make_repo: Callable[..., Path]) -> None:
    root = make_repo()
    claim = take(root)
    before = held(root)
    sweep(root / ".git")
    with Claim(root / ".git") as other, pytest.raises(GitBusy, match=r"index\.lock"):
        other.path("x").touch()
        other.hold(root / ".git/index.lock", other.path("x"), patience=0.05)
    assert held(root) == before
    claim.__exit__(None, None, None)
