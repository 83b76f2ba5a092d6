"""What a build may not hand over, however it dresses it up: judged by the commits, with real Git."""

from __future__ import annotations

import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from autobuilds.adapters.git import GitRepo
from autobuilds.adapters.git.entries import leaves
from autobuilds.adapters.git.harvest import harvest
from autobuilds.domain.paths import Bounds, check_bounds, protected_patterns
from tests.conftest import git

Make = Callable[..., Path]
Change = Callable[[Path], None]
TOUCHES = ("src/**",)


def commit(clone: Path) -> None:
    git(clone, "add", "-Af")
    git(clone, "commit", "-qm", "work")


def put(path: Path, text: str = "x\n") -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)


def renamed_away(clone: Path) -> None:
    git(clone, "mv", "AGENTS.md", "src/notes.md")


def renamed_into(clone: Path) -> None:
    git(clone, "mv", "src/a.py", "CLAUDE.md")


def removed(clone: Path) -> None:
    (clone / "AGENTS.md").unlink()


def made_executable(clone: Path) -> None:
    (clone / "AGENTS.md").chmod(0o755)


def made_a_link(clone: Path) -> None:
    (clone / "AGENTS.md").unlink()
    (clone / "AGENTS.md").symlink_to("src/a.py")


def made_a_folder(clone: Path) -> None:
    (clone / "AGENTS.md").unlink()
    put(clone / "AGENTS.md" / "x")


def other_case(clone: Path) -> None:
    put(clone / ".Claude" / "Settings.JSON")


def other_form(clone: Path) -> None:
    put(clone / "src" / "cafe\u0301" / "x")


def hidden_sign(clone: Path) -> None:
    put(clone / "src" / ".git\u200bmodules")


def ignored_and_forced(clone: Path) -> None:
    put(clone / ".gitignore", "*\n")
    commit(clone)


def committed_and_hidden(clone: Path) -> None:
    """The file is in the agent's commit, and told to Git as unchanged."""
    put(clone / "AGENTS.md", "obey\n")
    commit(clone)
    git(clone, "update-index", "--skip-worktree", "AGENTS.md")


def attributes(clone: Path) -> None:
    put(clone / "src" / ".gitattributes", "* merge=union\n")


def modules(clone: Path) -> None:
    put(clone / ".gitmodules", '[submodule "x"]\n\tpath = x\n\turl = ./x\n')


def link_out(clone: Path) -> None:
    (clone / "src" / "home").symlink_to("/root")


def link_up(clone: Path) -> None:
    (clone / "src" / "up").symlink_to("../../../x")


def link_into_git(clone: Path) -> None:
    (clone / "src" / "hooks").symlink_to("../.git/hooks")


def link_covered_by_a_folder(clone: Path) -> None:
    """The link stays in the commit, while an empty folder stands in its place on disk."""
    (clone / "src" / "etc").symlink_to("/etc")
    commit(clone)
    (clone / "src" / "etc").unlink()
    (clone / "src" / "etc").mkdir()


def submodule(clone: Path) -> None:
    sha = git(clone, "rev-parse", "HEAD")
    git(clone, "update-index", "--add", "--cacheinfo", f"160000,{sha},src/vendor")
    git(clone, "commit", "-qm", "vendor")
    (clone / "src" / "vendor").mkdir()


def outside_touches(clone: Path) -> None:
    put(clone / "README.md")


def outside_by_case(clone: Path) -> None:
    put(clone / "SRC" / "b.py")


HELD: dict[str, Change] = {
    f.__name__.replace("_", " "): f
    for f in (
        renamed_away, renamed_into, removed, made_executable, made_a_link, made_a_folder, other_case, other_form, hidden_sign,
        ignored_and_forced, committed_and_hidden, attributes, modules, link_out, link_up, link_into_git, link_covered_by_a_folder,
        submodule, outside_touches, outside_by_case,
    )
}  # fmt: skip


def judged(make_repo: Make, tmp_path: Path, change: Change) -> tuple[Bounds, str]:
    root = make_repo({"src/a.py": "1\n", "AGENTS.md": "be good\n", "src/caf\u00e9/y": "1\n"})
    repo = GitRepo(root)
    base = repo.head().commit
    assert base is not None
    repo.clone(tmp_path / "clone", base, "build/x")
    change(tmp_path / "clone")
    found = harvest(tmp_path / "clone", root, tmp_path / "bare", base, "build/x", "work")
    protected = protected_patterns(in_workspace=True, extra=("/src/caf\u00e9/",))
    bounds = check_bounds(
        found.changed_paths, touches=TOUCHES, protected=protected, outside_links=found.outside_links, submodules=found.submodules
    )
    return bounds, git(tmp_path / "bare", "ls-tree", "-r", "--name-only", found.commit)


@pytest.mark.parametrize("name", HELD)
def test_it_is_held(make_repo: Make, tmp_path: Path, name: str) -> None:
    bounds, _ = judged(make_repo, tmp_path, HELD[name])
    assert not bounds.kept, name


def within(clone: Path) -> None:
    put(clone / "src" / "b.py")
    (clone / "src" / "link").symlink_to("b.py")
    (clone / "src" / "a.py").chmod(0o755)


def test_honest_work_is_not(make_repo: Make, tmp_path: Path) -> None:
    bounds, tree = judged(make_repo, tmp_path, within)
    assert bounds.kept and "src/link" in tree


def test_a_repository_of_its_own_is_taken_as_its_files(make_repo: Make, tmp_path: Path) -> None:
    def nested(clone: Path) -> None:
        put(clone / "src" / "lib" / "x.py")
        subprocess.run(["git", "init", "-q", str(clone / "src" / "lib")], check=True)

    bounds, tree = judged(make_repo, tmp_path, nested)
    assert bounds.kept and "src/lib/x.py" in tree


@pytest.mark.parametrize(
    ("path", "target", "out"),
    [
        ("a", "b", False),
        ("src/a", "../b", False),
        ("src/a", "../../b", True),
        ("a", "..", True),
        ("a", "x/../../y", True),
        ("a", "/etc/passwd", True),
        ("a", "", True),
        ("a", "C:\\x", True),
        ("a", "..\\x", True),
        ("a", ".git/config", True),
        ("a", "./.GIT/config", True),
        ("src/a", "../.git", True),
        ("src/.github", "x", False),
        ("a", "x" * 5000, True),
    ],
)
def test_links_are_followed_on_paper(path: str, target: str, out: bool) -> None:
    assert leaves(path, target.encode()) is out
