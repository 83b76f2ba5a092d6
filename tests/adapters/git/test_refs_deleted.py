"""A branch of ours that is deleted is gone wherever it stood, and a kill in the middle leaves no lock in the way."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import pytest

from autobuilds.adapters.git import GitRepo, refs
from autobuilds.adapters.git.locks import Claim
from tests.conftest import git

Make = Callable[..., Path]
WHERE = ("loose", "packed", "both", "nowhere")


def _prepared(root: Path, where: str) -> dict[str, str]:
    """Make the branch `build/gone` stand somewhere among others; return the others."""
    git(root, "tag", "-a", "-m", "one", "v1")
    for name in ("build/a", "build/gone-not", "build/z"):
        git(root, "branch", name)
    others = _refs(root)
    if where != "nowhere":
        git(root, "branch", "build/gone")
    if where in {"packed", "both"}:
        git(root, "pack-refs", "--all")
    if where == "both":
        git(root, "commit", "-q", "--allow-empty", "-m", "more")
        git(root, "branch", "-f", "build/gone")
        others |= {"refs/heads/main": git(root, "rev-parse", "main").strip()}
    return others


def _refs(root: Path) -> dict[str, str]:
    lines = git(root, "for-each-ref", "--format=%(refname) %(objectname)").split("\n")
    return dict(line.split(" ") for line in lines if line)


def _locks(root: Path) -> list[str]:
    return [p.name for p in (root / ".git").rglob("*.lock")] + [p.name for p in (root / ".git").glob("autobuilds-*")]


@pytest.mark.parametrize("where", WHERE)
def test_it_is_gone_and_the_others_stand(make_repo: Make, where: str) -> None:
    root = make_repo({"a": "1\n"})
    others = _prepared(root, where)
    repo = GitRepo(root)
    for _ in range(2):
        repo.delete_branch("build/gone")
        assert _refs(root) == others
    assert git(root, "rev-parse", "v1^{commit}")
    assert not (root / ".git/logs/refs/heads/build/gone").exists()
    assert _locks(root) == []
    git(root, "branch", "build/gone")


@pytest.mark.parametrize("where", ["loose", "packed", "both"])
@pytest.mark.parametrize("at", range(12))
def test_a_kill_at_any_step_leaves_nothing_in_the_way(make_repo: Make, where: str, at: int) -> None:
    root = make_repo({"a": "1\n"})
    others = _prepared(root, where)
    child = os.fork()
    if child == 0:
        left = [at]
        for owner, name in ((Path, "unlink"), (os, "fsync"), (os, "link"), (refs, "replace"), (Path, "touch")):
            _die_after(owner, name, left)
        GitRepo(root).delete_branch("build/gone")
        os._exit(0)
    os.waitpid(child, 0)
    assert _refs(root) in (others, {**others, "refs/heads/build/gone": git(root, "rev-parse", "main").strip()})
    with Claim(root / ".git"):
        pass
    assert _locks(root) == []
    GitRepo(root).delete_branch("build/gone")
    assert _refs(root) == others


def _die_after(owner: object, name: str, left: list[int]) -> None:
    made = getattr(owner, name)

    def step(*given: object, **more: object) -> object:
        if left[0] == 0:
            os._exit(1)
        left[0] -= 1
        return made(*given, **more)

    setattr(owner, name, step)
