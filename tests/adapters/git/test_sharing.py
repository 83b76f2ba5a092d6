"""What is made in a shared repository may be used by those with whom it is shared: the modes are those that Git gives."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from autobuilds.adapters.git import clones
from autobuilds.adapters.git.objects import Objects
from autobuilds.adapters.git.place import find
from autobuilds.adapters.git.process import Git
from autobuilds.adapters.git.sharing import sharing_of
from tests.conftest import git

Make = Callable[..., Path]


@pytest.fixture(params=[0o022, 0o077], ids=["022", "077"])
def umask(request: pytest.FixtureRequest) -> Iterator[int]:
    before = os.umask(request.param)
    yield request.param
    os.umask(before)


def _mode(path: Path) -> str:
    return f"{path.stat().st_mode & 0o7777:o}"


@pytest.mark.parametrize("value", [None, "umask", "group", "true", "all", "0640", "0660", "2"])
def test_modes_are_those_that_git_gives(make_repo: Make, umask: int, value: str | None) -> None:
    root = make_repo()
    if value is not None:
        git(root, "config", "core.sharedRepository", value)
    folder = root / ".git" / "objects"
    with Objects(Git(root), folder) as objects:
        fresh = [text for text in (b"%d" % n for n in range(40)) if not (folder / objects.oid("blob", text)[:2]).exists()]
        ours = objects.write("blob", fresh[0])
    (root / "f").write_bytes(next(text for text in fresh if objects.oid("blob", text)[:2] != ours[:2]))
    gits = git(root, "hash-object", "-w", "f")
    assert _mode(folder / ours[:2]) == _mode(folder / gits[:2])
    assert _mode(folder / ours[:2] / ours[2:]) == _mode(folder / gits[:2] / gits[2:])
    git(root, "branch", "other/x")
    clones.set_ref(find(root), Git(root), "refs/heads/build/x", git(root, "rev-parse", "HEAD"), "made")
    for above in ("refs/heads", "logs/refs/heads"):
        for name in ("", "/x"):
            assert _mode(root / f".git/{above}/build{name}") == _mode(root / f".git/{above}/other{name}")


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", 0),
        ("[core]\n\tsharedRepository\n", 0o660),
        ("[core] sharedrepository = world ; all\n", 0o664),
        ('[core]\n\tsharedRepository = "group"\n\tSHAREDREPOSITORY=false\n', 0),
        ("[core]\n\tsharedRepository = 0600\n", -0o600),
    ],
)
def test_the_last_word_of_the_configuration_counts(tmp_path: Path, text: str, expected: int) -> None:
    (tmp_path / "config").write_text(text)
    assert sharing_of(tmp_path) == expected
