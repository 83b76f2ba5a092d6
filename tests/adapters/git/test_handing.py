"""New objects handed from a repository of ours to the owner's without a fetch: when, and that all arrives whole."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from autobuilds.adapters.git import GitRepo, clones
from autobuilds.adapters.git.harvest import harvest
from autobuilds.adapters.git.place import find
from autobuilds.adapters.git.process import Git
from tests.conftest import git

Make = Callable[..., Path]


@pytest.fixture
def fetched(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Return a list that grows with each commit that is fetched."""
    found: list[str] = []
    real = clones.fetch

    def fetch(git: Git, source: Path, commit: str, *, into: Path | None = None) -> None:
        found.append(commit)
        real(git, source, commit, into=into)

    monkeypatch.setattr(clones, "fetch", fetch)
    return found


def _work(root: Path, work: Callable[[Path], None]) -> tuple[Path, str]:
    """Return the bare repository and the commit of what `work` does in a clone."""
    base = git(root, "rev-parse", "HEAD")
    clone, bare = root.parent / "clone", root.parent / "bare.git"
    GitRepo(root).clone(clone, base, "build/x")
    work(clone)
    return bare, harvest(clone, root, bare, base, "build/x", "Work").commit


def test_files_are_handed_over_whole(make_repo: Make, fetched: list[str]) -> None:
    root = make_repo({"a.txt": "a\n", ".gitattributes": "*.txt text\n", "gone/b.txt": "b\n"})

    def work(clone: Path) -> None:
        (clone / "new" / "deep").mkdir(parents=True)
        (clone / "new" / "deep" / "c.txt").write_text("c\n")
        (clone / "a.txt").write_text("changed\n")
        (clone / "gone" / "b.txt").unlink()

    bare, commit = _work(root, work)
    GitRepo(root).adopt(bare, commit, "build/x")
    assert fetched == []
    assert git(root, "fsck", "--strict", "--no-dangling") == ""
    assert git(root, "diff", "--name-status", "HEAD", "build/x") == "M\ta.txt\nD\tgone/b.txt\nA\tnew/deep/c.txt"
    assert git(root, "show", "build/x:new/deep/c.txt") == "c"


@pytest.mark.parametrize("name", [".gitmodules", "sub/.gitattributes", ".GITMODULES", ".git\u200cmodules", "GITMOD~1", ".gitmodules ."])
def test_what_git_may_read_goes_through_all_checks(make_repo: Make, fetched: list[str], name: str) -> None:
    root = make_repo()

    def work(clone: Path) -> None:
        (clone / name).parent.mkdir(exist_ok=True)
        (clone / name).write_text("# nothing\n")

    bare, commit = _work(root, work)
    GitRepo(root).adopt(bare, commit, "build/x")
    assert fetched == [commit]


def test_what_a_harvest_did_not_vouch_for_is_fetched(make_repo: Make, fetched: list[str]) -> None:
    root = make_repo()
    bare, commit = _work(root, lambda clone: (clone / "n.txt").write_text("n\n") and None)
    (bare / "autobuilds-vouched").unlink()
    GitRepo(root).adopt(bare, commit, "build/x")
    assert fetched == [commit]


def test_a_file_that_is_no_object_is_not_handed_over(make_repo: Make, fetched: list[str]) -> None:
    root = make_repo()
    bare, commit = _work(root, lambda clone: (clone / "n.txt").write_text("n\n") and None)
    forged = bare / "objects" / "ab" / ("0" * 38)
    forged.parent.mkdir(exist_ok=True)
    forged.write_bytes(next((bare / "objects").glob("[0-9a-f][0-9a-f]/*")).read_bytes())
    GitRepo(root).adopt(bare, commit, "build/x")
    assert fetched == [commit]
    assert not (root / ".git" / "objects" / "ab" / ("0" * 38)).exists()


@pytest.mark.parametrize("algorithm", ["sha1", "sha256"])
@pytest.mark.parametrize("bare", [False, True])
def test_a_laid_out_repository_is_one_to_git(tmp_path: Path, algorithm: str, bare: bool) -> None:
    folder = tmp_path / "made" / ("." if bare else ".git")
    clones.laid_out(folder, algorithm, "build/one", bare=bare)
    where = tmp_path / "made"
    assert git(where, "rev-parse", "--is-bare-repository") == str(bare).lower()
    assert git(where, "rev-parse", "--show-object-format") == algorithm
    assert git(where, "symbolic-ref", "HEAD") == "refs/heads/build/one"
    reference = tmp_path / "reference"
    made_by_git = ["init", "-q", "--template=", f"--object-format={algorithm}", *(["--bare"] if bare else []), str(reference)]
    git(tmp_path, *made_by_git)
    for key in ("core.filemode", "core.bare", "core.repositoryformatversion", "core.ignorecase", "core.symlinks", "core.logallrefupdates"):
        found, expected = (git(place, "config", "--default", "-", "--get", key) for place in (where, reference))
        assert found == expected, key


def test_a_reference_that_is_not_there_is_known_without_a_process(make_repo: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    root = make_repo()
    commit = git(root, "rev-parse", "HEAD")
    monkeypatch.setattr(Git, "run", lambda *_, **__: pytest.fail("Git was started"))
    repo = GitRepo(root)
    assert repo.resolve("refs/heads/build/none") is None
    assert repo.resolve(commit) == commit
    assert find(root).root == root
