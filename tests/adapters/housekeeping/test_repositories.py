"""Real repositories: nothing that can be reached by any name or none is lost, and nobody's configuration runs a program."""

from __future__ import annotations

import os
import subprocess
import time
from pathlib import Path

import pytest

from autobuilds.adapters.housekeeping import repositories
from autobuilds.domain.house import FixKind, Repository
from autobuilds.policies import problem_files
from autobuilds.records import replace
from tests.adapters.housekeeping.conftest import NOW, Yard
from tests.conftest import git


@pytest.fixture(autouse=True)
def _few_are_many(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(problem_files, "LOOSE", 20)


def blobs(repo: Path, count: int, what: str = "blob") -> list[str]:
    """Write loose objects that no reference reaches."""
    paths = []
    for number in range(count):
        path = repo.parent / f"{what}-{number}"
        path.write_text(f"{what} {number}\n" * 50)
        paths.append(str(path))
    named = "\n".join(paths).encode()
    done = subprocess.run(["git", "hash-object", "-w", "--stdin-paths"], cwd=repo, input=named, capture_output=True, check=True)
    return done.stdout.decode().split()


def begun(repo: Path) -> Path:
    """Make a repository with one commit and 30 loose objects that nothing reaches."""
    repo.mkdir(exist_ok=True)
    git(repo, "init", "-q", "-b", "main")
    git(repo, "commit", "-q", "--allow-empty", "-m", "first")
    blobs(repo, 30)
    return repo


@pytest.fixture
def repo(yard: Yard) -> Path:
    """A repository in the owner's folder."""
    return begun(yard.data / "project")


def objects(repo: Path) -> set[str]:
    return {line.split()[0] for line in git(repo, "cat-file", "--batch-all-objects", "--batch-check").split("\n")}


def of(yard: Yard, repo: Path) -> Repository:
    (found,) = (r for r in yard.read().repositories if r.place.path == str(repo / ".git"))
    return found


def test_loose_objects_are_packed_and_none_is_lost_reachable_or_not(yard: Yard, repo: Path) -> None:
    git(repo, "commit", "-q", "--allow-empty", "-m", "second")
    lost = git(repo, "rev-parse", "HEAD")
    git(repo, "reset", "-q", "--hard", "HEAD~1")
    git(repo, "reflog", "expire", "--expire=now", "--all")
    for path in (repo / ".git" / "objects").rglob("*"):
        os.utime(path, (1, 1))
    before = objects(repo)
    assert lost in before
    assert of(yard, repo).loose == len(before) > 30
    (done,) = yard.fix(FixKind.MAINTAIN)
    assert done.done, done.said
    assert done.freed > 0
    after = of(yard, repo)
    assert (objects(repo), after.loose, after.packs, after.locks) == (before, 0, 1, ())
    git(repo, "fsck", "--full", "--strict")
    assert yard.problems() == ()


def test_small_packs_are_joined(yard: Yard, repo: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for number in range(4):
        names = "\n".join(blobs(repo, 5, f"pack-{number}")).encode()
        subprocess.run(["git", "pack-objects", "-q", ".git/objects/pack/pack"], cwd=repo, input=names, capture_output=True, check=True)
    before = objects(repo)
    monkeypatch.setattr(problem_files, "PACKS", 3)
    assert of(yard, repo).packs == 4
    (done,) = yard.fix(FixKind.MAINTAIN)
    assert (done.done, objects(repo)) == (True, before)
    assert of(yard, repo).packs < 4, done.said


def test_a_configuration_that_runs_programs_runs_none(yard: Yard, repo: Path, tmp_path: Path) -> None:
    marker = tmp_path / "ran"
    evil = tmp_path / "evil.sh"
    evil.write_text(f"#!/bin/sh\necho $0 $@ >> {marker}\nexit 0\n")
    evil.chmod(0o755)
    keys = ("core.fsmonitor", "core.sshCommand", "core.pager", "core.editor", "core.alternateRefsCommand", "core.askPass", "core.gitProxy")
    keys += ("gc.recentObjectsHook", "credential.helper", "gpg.program", "uploadpack.packObjectsHook", "diff.external", "sequence.editor")
    for key in keys:
        git(repo, "config", key, str(evil))
    git(repo, "config", "core.hooksPath", str(tmp_path / "hooks"))
    git(repo, "config", "alias.maintenance", f"!{evil}")
    git(repo, "config", "alias.ls-files", f"!{evil}")
    git(repo, "config", "filter.x.clean", str(evil))
    git(repo, "config", "gc.pruneExpire", "now")
    git(repo, "config", "maintenance.gc.enabled", "true")
    git(repo, "config", "trace2.eventTarget", str(tmp_path / "trace"))
    git(repo, "config", "maintenance.strategy", "incremental")
    (repo / ".gitattributes").write_text("* filter=x\n")
    for folder in (tmp_path / "hooks", repo / ".git" / "hooks"):
        folder.mkdir(exist_ok=True)
        for hook in ("pre-auto-gc", "post-index-change", "reference-transaction", "post-checkout"):
            (folder / hook).write_text(evil.read_text())
            (folder / hook).chmod(0o755)
    marker.unlink(missing_ok=True)
    (repo / "big.log").write_bytes(b"x" * 2_000_000)
    before = objects(repo)
    marker.unlink(missing_ok=True)
    found = yard.problems()
    assert {t.kind for t in found} == {"log", "repository"}
    assert all(m.done for m in yard.fix(FixKind.MAINTAIN))
    assert (marker.exists(), (tmp_path / "trace").exists(), objects(repo)) == (False, False, before)
    git(repo, "status")
    assert marker.exists(), "the trap works"


def test_the_workspaces_own_repository_is_looked_after(yard: Yard) -> None:
    begun(yard.root)
    before = objects(yard.root)
    (found,) = yard.problems()
    assert (found.where, found.safe) == (".git", True)
    assert [m.done for m in yard.fix(FixKind.MAINTAIN)] == [True]
    assert objects(yard.root) == before


def test_a_bare_repository_is_found_and_a_folder_named_git_is_not(yard: Yard, repo: Path) -> None:
    git(yard.data, "clone", "-q", "--bare", str(repo), "bare.git")
    (yard.data / "empty" / ".git").mkdir(parents=True)
    assert {Path(r.place.path).name for r in yard.read().repositories if r.place.root == str(yard.data)} == {".git", "bare.git"}


def test_a_repository_behind_a_link_is_not_followed(yard: Yard, repo: Path, tmp_path: Path) -> None:
    outside = tmp_path / "outside"
    (repo / ".git" / "objects").rename(outside)
    (repo / ".git" / "objects").symlink_to(outside)
    assert [r for r in yard.read().repositories if r.place.root == str(yard.data)] == []
    repo.rename(tmp_path / "project")
    (yard.data / "project").symlink_to(tmp_path / "project")
    assert yard.read().repositories == ()


@pytest.mark.parametrize("lock", ["gc.pid", "objects/maintenance.lock"])
def test_where_git_is_at_work_nothing_is_done(yard: Yard, repo: Path, lock: str) -> None:
    fixes = yard.fixes()
    (repo / ".git" / lock).write_text("1 host\n")
    (found,) = (t for t in yard.problems() if t.kind == "repository")
    assert (found.fix, lock in found.said) == (None, True)
    assert yard.house.mend(fixes[0], yard.scope).done is False


def test_while_builds_run_their_objects_stay_where_they_are(yard: Yard, repo: Path) -> None:
    building = replace(yard.scope, building=True)
    fixes = yard.fixes()
    (found,) = yard.problems(building)
    assert (found.fix, "builds run" in found.said) == (None, True)
    assert yard.house.mend(fixes[0], building).done is False


def test_a_partial_clone_is_left_alone(yard: Yard, repo: Path) -> None:
    git(repo, "config", "remote.origin.promisor", "true")
    (found,) = yard.problems()
    assert (found.fix, "partial clone" in found.said) == (None, True)


def test_left_over_locks_are_told_and_stay(yard: Yard, repo: Path) -> None:
    old = NOW.timestamp() - 7200
    names = ("index.lock", "refs/heads/x\ny.lock", "HEAD.lock")
    for name in names:
        (repo / ".git" / name).write_bytes(b"")
        os.utime(repo / ".git" / name, (old, old))
    (repo / ".git" / "config.lock").write_bytes(b"")
    found = [t for t in yard.problems() if t.kind == "lock"]
    assert {Path(t.where).name for t in found} == {"index.lock", "x\ny.lock", "HEAD.lock"}
    assert all(t.fix is None and "2 hours" in t.said for t in found)
    for fix in yard.fixes():
        yard.house.mend(fix, yard.scope)
    assert all((repo / ".git" / name).exists() for name in names)


def test_worktrees_whose_folder_is_gone(yard: Yard, repo: Path) -> None:
    for name in ("gone", "here", "far"):
        git(repo, "worktree", "add", "-q", str(yard.data / name))
    git(repo, "worktree", "lock", str(yard.data / "far"))
    for name in ("gone", "far"):
        (yard.data / name).rename(yard.data / f"moved-{name}")
    assert of(yard, repo).lost_worktrees == ("gone",)


def test_debris_of_killed_commands_is_counted_when_it_is_old(yard: Yard, repo: Path) -> None:
    for name, age in (("pack/tmp_pack_a", 200_000), ("pack/tmp_pack_b", 10), ("aa/tmp_obj_c", 200_000)):
        path = repo / ".git" / "objects" / name
        path.parent.mkdir(exist_ok=True)
        path.write_bytes(b"x" * 1000)
        os.utime(path, (time.time() - age, time.time() - age))
    assert of(yard, repo).debris == 2000


def test_too_little_room_changes_nothing(yard: Yard, repo: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (fix,) = yard.fixes()
    before = objects(repo)
    monkeypatch.setattr(repositories, "free_bytes", lambda _: 1)
    assert "no room" in yard.house.mend(fix, yard.scope).said
    assert objects(repo) == before


def test_a_git_that_does_not_end_is_stopped(yard: Yard, repo: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (fix,) = yard.fixes()
    slow = tmp_path / "bin"
    slow.mkdir()
    (slow / "git").write_text("#!/bin/sh\nexec sleep 60\n")
    (slow / "git").chmod(0o755)
    monkeypatch.setenv("PATH", f"{slow}{os.pathsep}{os.environ['PATH']}")
    monkeypatch.setattr(repositories, "_MOST_SECONDS", -10.0)
    done = yard.house.mend(fix, yard.scope)
    assert (done.done, "was stopped" in done.said) == (False, True)


def test_a_broken_repository_is_said_in_gits_words(yard: Yard, repo: Path) -> None:
    (fix,) = yard.fixes()
    (repo / ".git" / "config").write_text("[core\n")
    done = yard.house.mend(replace(fix), yard.scope)
    assert (done.done, "git maintenance failed" in done.said) == (False, True)
