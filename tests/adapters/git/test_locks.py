"""Locks of a dead process of ours are healed; those of a living one are waited for."""

from __future__ import annotations

import errno
import os
import resource
from collections.abc import Callable
from pathlib import Path

import pytest

from autobuilds.adapters.git import GitRepo, locks
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


def test_what_the_disk_does_not_let_go_at_the_end_the_next_sweep_removes(
    make_repo: Callable[..., Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    root = make_repo()
    for name in ("index.lock", "autobuilds-"):
        claim, unlink = take(root), Path.unlink

        def failing(path: Path, missing_ok: bool = False, *, name: str = name, unlink: Callable[..., None] = unlink) -> None:
            if path.name.startswith(name):
                raise OSError(errno.EACCES, os.strerror(errno.EACCES))
            unlink(path, missing_ok)

        with monkeypatch.context() as patched:
            patched.setattr(Path, "unlink", failing)
            claim.__exit__(None, None, None)
            sweep(root / ".git")
            assert held(root) != []
        sweep(root / ".git")
        assert held(root) == []


def test_a_folder_that_can_not_be_listed_at_the_end_the_next_sweep_removes(
    make_repo: Callable[..., Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    root = make_repo()
    claim = take(root)

    def failing(*_: object, **__: object) -> None:
        raise OSError(errno.EIO, os.strerror(errno.EIO))

    with monkeypatch.context() as patched:
        patched.setattr("shutil.rmtree", failing)
        claim.__exit__(None, None, None)
        assert any(name.endswith(".files") for name in held(root))
    sweep(root / ".git")
    assert held(root) == []


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


def test_where_no_further_file_can_be_opened_nothing_is_left_either(make_repo: Callable[..., Path]) -> None:
    root = make_repo()
    before = resource.getrlimit(resource.RLIMIT_NOFILE)
    opened: list[int] = []
    claim = Claim(root / ".git").__enter__()
    claim.path("hold").touch()
    resource.setrlimit(resource.RLIMIT_NOFILE, (min(256, before[1]), before[1]))
    try:
        with pytest.raises(OSError, match="Too many open files"):
            while True:
                opened.append(os.open(os.devnull, os.O_RDONLY))
        claim.__exit__(None, None, None)
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, before)
        for handle in opened:
            os.close(handle)
    assert opened and held(root) == []


@pytest.mark.parametrize("number", [errno.ENOSPC, errno.EIO, errno.EACCES], ids=errno.errorcode.get)
def test_an_index_that_can_not_be_put_in_place_leaves_no_lock(
    make_repo: Callable[..., Path], monkeypatch: pytest.MonkeyPatch, number: int
) -> None:
    root = make_repo({"a": "1\n"})
    real, met = Path.rename, []

    def rename(self: Path, target: Path) -> Path:
        if target.name == "index":
            met.append(target)
            raise OSError(number, os.strerror(number), str(target))
        return real(self, target)

    monkeypatch.setattr(Path, "rename", rename)
    (root / "a").write_text("2\n")
    assert GitRepo(root).commit(["a"], "x") is not None
    assert met
    assert held(root) == []
    monkeypatch.undo()
    (root / "a").write_text("3\n")
    assert GitRepo(root).commit(["a"], "y") is not None
    assert git(root, "status", "--porcelain") == ""


@pytest.mark.parametrize("what", ["unlink", "sync"])
def test_a_commit_that_is_made_is_not_taken_for_a_failure(
    make_repo: Callable[..., Path], monkeypatch: pytest.MonkeyPatch, what: str
) -> None:
    """Its own files can't be removed, or its folder can't be synced: a second commit of the same is not the answer."""
    root = make_repo({"a": "1\n"})
    unlink = Path.unlink

    def keep(self: Path, missing_ok: bool = False) -> None:
        if self.name.startswith("autobuilds-"):
            raise OSError(errno.EIO, os.strerror(errno.EIO), str(self))
        unlink(self, missing_ok)

    def fails(_: Path) -> None:
        raise OSError(errno.EMFILE, os.strerror(errno.EMFILE))

    if what == "unlink":
        monkeypatch.setattr(Path, "unlink", keep)
    else:
        monkeypatch.setattr(locks, "sync_folder", fails)
    (root / "a").write_text("2\n")
    made = GitRepo(root).commit(["a"], "x")
    assert made == git(root, "rev-parse", "HEAD")
    monkeypatch.undo()
    (root / "a").write_text("3\n")
    assert GitRepo(root).commit(["a"], "y") is not None
    assert held(root) == []
    assert git(root, "status", "--porcelain") == ""
