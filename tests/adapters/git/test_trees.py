"""Trees changed here, held against what Git makes of the same changes: nothing goes that nobody took away."""

from __future__ import annotations

import subprocess
from collections.abc import Callable
from pathlib import Path
from random import Random

import pytest

from autobuilds.adapters.git import GitRepo
from autobuilds.adapters.git.harvest import harvest
from autobuilds.adapters.git.objects import TREE_MODE, Changes, Objects
from autobuilds.adapters.git.process import Git
from autobuilds.errors import GitFailure
from tests.conftest import git

Make = Callable[..., Path]
Files = dict[tuple[bytes, ...], tuple[bytes, str]]

#: What Git reads as the modes that it writes.
ODD = {b"40000": b"040000", b"100644": b"100664", b"100755": b"0100775", b"120000": b"0120000", b"160000": b"0160000"}


def _objects(root: Path) -> Objects:
    return Objects(Git(root), root / ".git" / "objects", durable=False)


def _written(objects: Objects, files: Files, odd: Callable[[], bool]) -> str:
    """Write a tree of files, some modes as `ODD` has them, and return its id."""
    rows: dict[bytes, tuple[bytes, str]] = {}
    for name in {parts[0] for parts in files}:
        inner = {parts[1:]: entry for parts, entry in files.items() if parts[0] == name and len(parts) > 1}
        rows[name] = (TREE_MODE, _written(objects, inner, odd)) if inner else files[(name,)]
    ordered = sorted(rows.items(), key=lambda row: row[0] + b"/" if row[1][0] == TREE_MODE else row[0])
    return objects.write(
        "tree", b"".join((ODD[mode] if odd() else mode) + b" " + name + b"\0" + bytes.fromhex(oid) for name, (mode, oid) in ordered)
    )


def _drawn(pick: Random, oids: list[str]) -> Files:
    files: Files = {}
    for _ in range(pick.randrange(1, 14)):
        parts = tuple(pick.choice([b"a", b"a.b", b"a-", b"d", b"\xff"]) for _ in range(pick.randrange(1, 4)))
        if not any(parts[: len(other)] == other or other[: len(parts)] == parts for other in files):
            files[parts] = (pick.choice([b"100644", b"100644", b"100755", b"120000", b"160000"]), pick.choice(oids))
    return files


def _by_git(root: Path, tree: str, changes: Changes) -> str:
    git(root, "read-tree", tree)
    rows = [(parts, entry or (b"0", "0" * 40)) for parts, entry in sorted(changes.items(), key=lambda change: change[1] is not None)]
    data = b"".join(mode + b" " + oid.encode() + b"\t" + b"/".join(parts) + b"\0" for parts, (mode, oid) in rows)
    subprocess.run(["git", "update-index", "-z", "--index-info"], cwd=root, input=data, check=True)
    return git(root, "write-tree", "--missing-ok")


def test_changed_trees_are_as_git_makes_them(make_repo: Make) -> None:
    root, pick = make_repo(), Random(5)
    with _objects(root) as objects:
        oids = [objects.write("blob", text) for text in (b"1\n", b"2\n", b"3\n")]
        for number in range(30):
            odd = number % 2 == 1
            before, after = _drawn(pick, oids), _drawn(pick, oids)
            after = after if number % 3 else {**dict(list(before.items())[1:]), (b"new",): (b"100644", oids[0])}
            tree = _written(objects, before, lambda odd=odd: odd and pick.random() < 0.6)  # type: ignore[misc]
            changes: Changes = {parts: after.get(parts) for parts in {*before, *after} if before.get(parts) != after.get(parts)}
            made = objects.edited(tree, changes) if changes else tree
            expected = _by_git(root, tree, changes)
            assert made is not None
            assert git(root, "ls-tree", "-r", made) == git(root, "ls-tree", "-r", expected), (number, before, after)
            assert odd or made == expected, (number, before, after)
            assert {parts: objects.lookup(made, parts) for parts in after} == after


def _padded(root: Path) -> tuple[str, str]:
    """Commit a tree with padded modes to main; return the commit and a folder in it that nobody will touch."""
    with _objects(root) as objects:
        blob = objects.write("blob", b"one\n")
        inner: Files = {(name,): (b"100644", blob) for name in (b"a.txt", b"b.txt", b"c.txt")}
        same = _written(objects, {(b"deep", *parts): entry for parts, entry in inner.items()}, lambda: True)
        folder = _written(objects, inner, lambda: False)
        rows = [(b"dir", b"040000", folder), (b"same", b"040000", same), (b"top.txt", b"100644", blob)]
        tree = objects.write("tree", b"".join(mode + b" " + name + b"\0" + bytes.fromhex(oid) for name, mode, oid in rows))
    commit = git(root, "commit-tree", tree, "-m", "Old")
    git(root, "update-ref", "refs/heads/main", commit)
    git(root, "reset", "-q", "--hard")
    return commit, same


def test_a_build_on_a_tree_with_padded_modes_takes_nothing_away(make_repo: Make, tmp_path: Path) -> None:
    root = make_repo()
    base, same = _padded(root)
    clone, bare = tmp_path / "clone", tmp_path / "bare.git"
    GitRepo(root).clone(clone, base, "build/x")
    (clone / "dir" / "a.txt").write_text("two\n")
    taken = harvest(clone, root, bare, base, "build/x", "Work")
    GitRepo(root).adopt(bare, taken.commit, "build/x")
    assert git(root, "diff", "--name-status", "main", "build/x") == "M\tdir/a.txt"
    assert git(root, "rev-parse", "build/x:same") == same
    assert b"040000 " not in subprocess.run(["git", "cat-file", "tree", "build/x^{tree}"], cwd=root, capture_output=True, check=True).stdout


def test_a_commit_on_a_tree_with_padded_modes_takes_nothing_away(make_repo: Make) -> None:
    root = make_repo()
    _padded(root)
    (root / "same" / "deep" / "b.txt").write_text("two\n")
    assert GitRepo(root).read("HEAD", "same/deep/b.txt") == b"one\n"
    GitRepo(root).commit(["same/deep/b.txt"], "Change")
    assert git(root, "diff", "--name-status", "HEAD~1", "HEAD") == "M\tsame/deep/b.txt"
    assert git(root, "status", "--porcelain") == ""


@pytest.mark.parametrize("parts", [(b"file", b"new"), (b"folder",), (b"module", b"new")])
def test_what_no_change_removes_gives_way_to_nothing(make_repo: Make, parts: tuple[bytes, ...]) -> None:
    root = make_repo()
    with _objects(root) as objects:
        blob = objects.write("blob", b"1\n")
        plain = (b"100644", blob)
        tree = _written(
            objects, {(b"file",): plain, (b"folder", b"x"): plain, (b"folder", b"y"): plain, (b"module",): (b"160000", blob)}, bool
        )
        with pytest.raises(GitFailure, match="nobody took away"):
            objects.edited(tree, {parts: plain, (b"folder", b"x"): None})


def test_a_malformed_tree_is_named(make_repo: Make) -> None:
    with _objects(make_repo()) as objects:
        for data in (b"100644 a", b"1x0644 a\0" + bytes(20), b"nothing\0" + bytes(20)):
            with pytest.raises(GitFailure, match="git fsck"):
                objects.entries(objects.write("tree", data))


def test_a_file_that_became_a_folder_and_the_reverse_are_committed(make_repo: Make) -> None:
    root = make_repo({"was-file": "1\n", "was-folder/a": "1\n", "was-folder/b/c": "1\n", "other": "1\n"})
    (root / "was-file").unlink()
    (root / "was-file").mkdir()
    (root / "was-file" / "new").write_text("2\n")
    for path in ("was-folder/b/c", "was-folder/a"):
        (root / path).unlink()
    (root / "was-folder" / "b").rmdir()
    (root / "was-folder").rmdir()
    (root / "was-folder").write_text("2\n")
    GitRepo(root).commit(["was-file/new", "was-folder"], "Change")
    assert git(root, "ls-tree", "-r", "--name-only", "HEAD").split() == ["other", "was-file/new", "was-folder"]
    assert git(root, "status", "--porcelain") == ""


def test_a_file_that_stands_is_not_committed_away_for_a_text_below_it(make_repo: Make) -> None:
    root = make_repo({"notes": "mine\n"})
    with pytest.raises(GitFailure, match="nobody took away"):
        GitRepo(root).commit(["notes/one.md"], "Change", texts={"notes/one.md": b"1\n"})
    assert git(root, "ls-tree", "--name-only", "HEAD").split() == ["notes"]


def test_a_path_that_is_gone_takes_no_folder_of_its_name_along(make_repo: Make) -> None:
    root = make_repo({"notes/a": "1\n", "other": "1\n"})
    (root / "notes" / "a").unlink()
    (root / "notes").rmdir()
    assert GitRepo(root).commit(["notes"], "Change") is None
