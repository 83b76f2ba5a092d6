"""What a walk looks at, and how it ends: by entries, by time, by depth, and never through a link."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from autobuilds.adapters.housekeeping import places
from autobuilds.adapters.housekeeping.places import Budget, free_bytes, held_folder, still, tree_size, walk
from autobuilds.domain.house import Mark, Place


def names(root: Path, budget: Budget, **more: object) -> list[str]:
    return sorted(found.path.name for found in walk(root, budget, wanted=lambda name: name.endswith(".log"), **more))  # type: ignore[arg-type]


def budget(**more: object) -> Budget:
    return Budget(tell=lambda _: None, **more)  # type: ignore[arg-type]


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    for path in ("a.log", "b.txt", "in/c.log", "in/in/d.log", ".git/e.log"):
        (tmp_path / "tree" / path).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / "tree" / path).write_text("x")
    return tmp_path / "tree"


def test_a_walk_finds_what_is_wanted(tree: Path) -> None:
    assert names(tree, budget()) == ["a.log", "c.log", "d.log", "e.log"]
    assert names(tree, budget(), but=frozenset({".git"})) == ["a.log", "c.log", "d.log"]
    assert names(tree, budget(), deep=False) == ["a.log"]
    assert names(tree / "gone", budget()) == names(tree / "a.log", budget()) == []


def test_links_are_not_entered_and_what_can_not_be_read_is_passed_over(tree: Path) -> None:
    (tree / "loop").symlink_to(tree)
    (tree / "in" / "up").symlink_to("..")
    assert names(tree, budget()) == ["a.log", "c.log", "d.log", "e.log"]
    if os.geteuid() != 0:
        (tree / "in" / "in").chmod(0)
        assert names(tree, budget()) == ["a.log", "c.log", "e.log"]
        (tree / "in" / "in").chmod(0o700)


def test_a_walk_ends_with_its_budget_and_says_so(tree: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    few = budget(entries=2)
    assert len(names(tree, few)) <= 2
    assert few.unfinished == [str(tree)]
    late = budget(seconds=0.0)
    assert (names(tree, late), late.unfinished, late.left) == ([], [str(tree)], 0.0)
    monkeypatch.setattr(places, "DEEPEST", 1)
    assert names(tree, budget()) == ["a.log", "c.log", "e.log"]


def test_a_long_walk_tells_where_it_is(tree: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    told: list[str] = []
    names(tree, Budget(tell=told.append))
    assert told == []
    monkeypatch.setattr(places, "TELL_AFTER", 0.0)
    names(tree, Budget(tell=told.append))
    assert told[0] == f"looking at {tree}"


def test_a_folder_is_held_step_by_step(tree: Path) -> None:
    with held_folder(Place(path=str(tree / "in" / "in" / "d.log"), root=str(tree))) as (fd, name):
        (tree / "in").rename(tree / "moved")
        assert still(fd, name, None) is not None
        assert still(fd, name, Mark(inode=0, size=1, changed=0)) is None
        assert still(fd, "gone", None) is None
    (tree / "in").symlink_to(tree / "moved")
    for path, root in ((tree / "in" / "c.log", tree), (tree, tree), (tree.parent / "x", tree), (tree / ".." / "x", tree)):
        with pytest.raises(OSError), held_folder(Place(path=str(path), root=str(root))):
            raise AssertionError("it was opened")


def test_figures_of_what_is_not_there(tmp_path: Path) -> None:
    assert (free_bytes(tmp_path / "gone"), tree_size(tmp_path / "gone")) == (0, 0)
    assert free_bytes(tmp_path) > 0
    for number in range(3):
        (tmp_path / f"{number}").write_bytes(b"x" * 100)
    (tmp_path / "link").symlink_to("/dev/zero")
    assert tree_size(tmp_path) == 3 * (tmp_path / "0").stat().st_blocks * 512
