"""Programs planted in Git's configuration by a build, or by the owner for himself: our Git runs none of them."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import pytest

from autobuilds.adapters.git import GitRepo
from autobuilds.adapters.git.harvest import harvest
from autobuilds.cli.app import run
from autobuilds.errors import AutobuildsError
from autobuilds.runtime import deliver
from tests.conftest import git
from tests.hostile import git_plants
from tests.hostile.git_plants import HOOKS, PLANTS, REPLACING, evil_program, plant
from tests.runtime.loop import details, make_loop

Make = Callable[..., Path]
#: What people and careless managers do in a folder that a build has worked in.
EVERYDAY = (
    ("status",),
    ("diff",),
    ("add", "-A"),
    ("commit", "-m", "x"),
    ("log", "-p", "-1"),
    ("show", "--textconv"),
    ("blame", "a.txt"),
    ("checkout", "-q", "-b", "other"),
    ("checkout", "-q", "HEAD~1", "--", "a.txt"),
    ("commit", "-m", "y"),
    ("commit", "--amend", "-m", "z"),
    ("checkout", "-q", "-"),
    ("commit", "--allow-empty", "-m", "w"),
    ("merge", "--no-edit", "other"),
    ("fetch", "origin"),
    ("push", "origin", "HEAD:refs/heads/pushed"),
    ("submodule", "update", "--init"),
    ("st",),
    ("gc", "--auto"),
)


def everyday(tree: Path, tmp_path: Path, mark: Path) -> bool:
    """Run plain Git as it is set up there until a plant has run; return whether one has."""
    calls = [(["git", *words], tree) for words in EVERYDAY]
    calls.append((["git", "clone", "-q", str(tree), str(tmp_path / "copy")], tmp_path))
    calls += [(["git", "status"], folder) for folder in tree.iterdir() if folder.is_dir()]
    for call, folder in calls:
        # Git may wait for a plant that says nothing.
        with suppress(subprocess.TimeoutExpired):
            subprocess.run(call, cwd=folder, capture_output=True, check=False, stdin=subprocess.DEVNULL, timeout=3)
        if mark.exists():
            return True
    return False


def through_our_hands(root: Path, clone: Path, tmp_path: Path) -> None:
    """Take a build's work, offer it, merge it, take it back, prune."""
    repo = GitRepo(root)
    base = repo.head().commit
    assert base is not None
    taken = harvest(clone, root, tmp_path / "bare", base, "build/x", "work")
    repo.adopt(tmp_path / "bare", taken.commit, "build/x")
    repo.diff(base, taken.commit)
    repo.diff_text(base, taken.commit)
    merged = repo.merge("main", taken.commit, tmp_path / "scratch", "merge\n\nBuild: x")
    repo.deliver(merged, "main")
    assert merged.commit is not None
    repo.deliver(repo.revert("main", merged.commit, tmp_path / "undo", "undo"), "main")
    repo.line_origin("HEAD", "a.txt", 1)
    repo.converts("a.txt")
    list(repo.history())
    repo.delete_branch("build/x")


def cloned(make_repo: Make, tmp_path: Path) -> tuple[Path, Path]:
    root = make_repo({"a.txt": "1\n", "sub/b.txt": "1\n"})
    repo = GitRepo(root)
    base = repo.head().commit
    assert base is not None
    repo.clone(tmp_path / "clone", base, "build/x")
    (tmp_path / "clone" / "a.txt").write_text("agent\n")
    return root, tmp_path / "clone"


def test_there_are_at_least_38_plants() -> None:
    assert len(PLANTS) >= 38


@pytest.mark.slow
@pytest.mark.parametrize("name", PLANTS)
def test_a_plant_in_the_clone_runs_nothing(make_repo: Make, tmp_path: Path, name: str) -> None:
    evil, mark = evil_program(tmp_path)
    root, clone = cloned(make_repo, tmp_path)
    plant(clone, evil, name)
    through_our_hands(root, clone, tmp_path)
    assert not mark.exists(), mark.read_text()


@pytest.mark.slow
def test_most_plants_run_for_plain_git(make_repo: Make, tmp_path: Path) -> None:
    """Guards this file: were the plants or the program broken, none would run here either."""
    ran = set()
    for number, name in enumerate(PLANTS):
        folder = tmp_path / str(number)
        folder.mkdir()
        evil, mark = evil_program(folder)
        root = make_repo({"a.txt": "1\n"}, name=f"repo-{number}")
        (root / "a.txt").write_text("2\n")
        git(root, "commit", "-qam", "second")
        plant(root, evil, name)
        (root / "a.txt").write_text("3\n")
        ran |= {name} if everyday(root, folder, mark) else set()
    assert len(ran) >= 24, sorted(set(PLANTS) - ran)


def test_plain_git_runs_what_is_planted(make_repo: Make, tmp_path: Path) -> None:
    evil, mark = evil_program(tmp_path)
    _, clone = cloned(make_repo, tmp_path)
    plant(clone, evil, "core.fsmonitor")
    subprocess.run(["git", "status"], cwd=clone, capture_output=True, check=True)
    assert mark.exists()


@pytest.mark.parametrize("replacing", [None, *sorted(REPLACING)])
def test_all_plants_at_once_run_nothing(make_repo: Make, tmp_path: Path, replacing: str | None) -> None:
    evil, mark = evil_program(tmp_path)
    root, clone = cloned(make_repo, tmp_path)
    plant(clone, evil, *(PLANTS.keys() - REPLACING if replacing is None else {replacing, "core.fsmonitor", "filter clean"}))
    through_our_hands(root, clone, tmp_path)
    assert not mark.exists(), mark.read_text()


@pytest.mark.slow
def test_nothing_runs_from_the_start_of_a_build_to_its_end(make_repo: Make, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """The owner's repository has hooks and filters of his own, and the build plants all it can before it ends."""
    (tmp_path / "owners").mkdir()
    evil, mark = evil_program(tmp_path)
    owners, owners_mark = evil_program(tmp_path / "owners")
    names = " ".join(f"'{name}'" for name in PLANTS.keys() - REPLACING)
    work = tmp_path / "work.sh"
    work.write_text(f"echo hello > a.txt\n{sys.executable} {git_plants.__file__} {evil} {names}\nrm .gitattributes .gitmodules\n")
    loop = make_loop(make_repo, details("Say hello", steps=f"sh -e {work}"))
    for name in HOOKS:
        PLANTS[f"hook {name}"](loop.root, owners)
    for name in ("core.fsmonitor", "filter clean", "filter smudge", "diff textconv", "merge driver", "gpg.program"):
        PLANTS[name](loop.root, owners)
    (loop.root / ".gitattributes").unlink()
    (loop.root / ".git/info/exclude").write_text("go\ntools\n")
    loop.run()
    assert loop.state() == "review", loop.build().last
    assert run(["review", "say-hello", "--workspace", str(loop.root)]) == 0
    assert "+hello" in capsys.readouterr().out
    deliver.accept(loop.context, "say-hello", lambda _: None)
    loop.beat()
    deliver.undo(loop.context, "say-hello")
    loop.context.runner.sweep(set())
    loop.beat(start=False)
    assert not mark.exists(), mark.read_text()
    assert not owners_mark.exists(), owners_mark.read_text()


def test_a_clone_that_is_no_repository_any_more_is_said(make_repo: Make, tmp_path: Path) -> None:
    evil, mark = evil_program(tmp_path)
    root, clone = cloned(make_repo, tmp_path)
    plant(clone, evil, "gitfile")
    (clone / ".git").unlink()
    (clone / ".git").mkdir()
    try:
        through_our_hands(root, clone, tmp_path)
    except AutobuildsError as said:
        assert str(said)
    assert not mark.exists()
