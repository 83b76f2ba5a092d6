"""What a power cut or a failure in the middle must not leave behind in a repository."""

from __future__ import annotations

import os
import shutil
import zlib
from collections.abc import Callable
from pathlib import Path

import pytest

from autobuilds.adapters.git import GitRepo, clones
from autobuilds.adapters.git.objects import Objects
from autobuilds.adapters.git.place import find
from autobuilds.adapters.git.process import Git
from autobuilds.errors import GitFailure
from tests.conftest import git

Make = Callable[..., Path]


@pytest.fixture
def synced(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The folders and files that were synced, in order."""
    found: list[str] = []
    real = os.fsync

    def fsync(fd: int) -> None:
        found.append(os.readlink(f"/proc/self/fd/{fd}"))
        real(fd)

    monkeypatch.setattr(os, "fsync", fsync)
    return found


@pytest.mark.skipif(not Path("/proc/self/fd").is_dir(), reason="names of descriptors are asked of /proc")
def test_a_new_folder_of_objects_is_named_durably_before_anything_refers_to_it(make_repo: Make, synced: list[str]) -> None:
    root = make_repo()
    folder = root / ".git" / "objects"
    for there in folder.iterdir():
        if len(there.name) == 2:
            shutil.rmtree(there)
    with Objects(Git(root), folder) as objects:
        oid = objects.write("blob", b"new")
        again = objects.write("blob", b"new")
        objects.settle()
    assert oid == again
    assert synced.count(str(folder)) == 1
    assert synced.index(str(folder)) < synced.index(str(folder / oid[:2]))


def test_a_clone_that_could_not_be_made_leaves_nothing(make_repo: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    root = make_repo()
    real = Git.run

    def run(self: Git, *arguments: str, **more: object) -> object:
        if arguments[0] == "reset":
            raise GitFailure("`git reset` failed (128): No space left on device")
        return real(self, *arguments, **more)  # type: ignore[arg-type]

    monkeypatch.setattr(Git, "run", run)
    target = root / ".git" / "clones" / "one"
    with pytest.raises(GitFailure, match="No space left"):
        clones.make(find(root), "sha1", target, git(root, "rev-parse", "HEAD"), "build/one")
    assert list(target.parent.iterdir()) == []


@pytest.mark.skipif(not Path("/proc/self/fd").is_dir(), reason="names of descriptors are asked of /proc")
def test_fetched_objects_are_named_durably_before_the_branch_is(make_repo: Make, synced: list[str]) -> None:
    root, other = make_repo(), make_repo({"new.txt": "new\n"}, name="other")
    commit = git(other, "rev-parse", "HEAD")
    place = find(root)
    clones.adopt(place, Git(root), other, commit, "build/new")
    objects, heads = root / ".git" / "objects", root / ".git" / "refs" / "heads"
    fetched = [path.parent for path in objects.rglob(commit[2:])] or [objects / "pack"]
    assert git(root, "rev-parse", "build/new") == commit
    for folder in (*fetched, objects):
        assert synced.index(str(folder)) < synced.index(str(heads / "build"))
    assert synced.index(str(heads)) < synced.index(str(heads / "build"))


@pytest.mark.parametrize("damage", [b"", b"x", None, zlib.compress(b"blob 3\0old"), zlib.compress(b"blob 3\0new") + b"more"])
def test_a_damaged_loose_object_is_written_over(make_repo: Make, damage: bytes | None) -> None:
    root = make_repo()
    folder = root / ".git" / "objects"
    with Objects(Git(root), folder) as objects:
        oid = objects.oid("blob", b"new")
        path = folder / oid[:2] / oid[2:]
        path.parent.mkdir(exist_ok=True)
        path.write_bytes(zlib.compress(b"blob 3\0new")[:-2] if damage is None else damage)
        assert objects.write("blob", b"new") == oid
        objects.settle()
    assert git(root, "cat-file", "blob", oid) == "new"
    assert git(root, "fsck", "--no-dangling") == ""


@pytest.mark.skipif(not Path("/proc/self/fd").is_dir(), reason="names of descriptors are asked of /proc")
def test_an_object_that_is_there_is_kept_and_made_to_last(make_repo: Make, synced: list[str]) -> None:
    root = make_repo({"a.txt": "a\n"})
    oid = git(root, "rev-parse", "HEAD:a.txt")
    path = root / ".git" / "objects" / oid[:2] / oid[2:]
    before = path.stat()
    with Objects(Git(root), root / ".git" / "objects") as objects:
        assert objects.write("blob", b"a\n") == oid
        objects.settle()
    assert path.stat().st_ino == before.st_ino
    assert synced == [str(path), str(path.parent)]


def test_a_clone_is_made_where_modes_can_not_be_set(make_repo: Make, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    root = make_repo({"a.txt": "a\n"})

    def chmod(path: object, mode: int, **more: object) -> None:
        raise PermissionError(1, "Operation not permitted", str(path))

    monkeypatch.setattr(os, "chmod", chmod)
    GitRepo(root).clone(tmp_path / "clone", git(root, "rev-parse", "HEAD"), "build/x")
    assert git(tmp_path / "clone", "config", "core.filemode") == "false"
    assert git(tmp_path / "clone", "status", "--porcelain") == ""
