"""What a night is measured by: a tag on the evening's commit, and what of the working tree no commit holds."""

from __future__ import annotations

import os

from autobuilds.adapters.git import refs
from autobuilds.adapters.git.locks import Claim
from autobuilds.adapters.git.place import Place, check_branch
from autobuilds.adapters.git.process import Git
from autobuilds.errors import Refused

#: Tags of ours; no other one is ever moved or deleted.
OURS = "autobuilds/"


def _ref(name: str) -> str:
    if not check_branch(name).startswith(OURS):
        raise Refused(f"{name} is not a tag of autobuilds' own ({OURS}…); set it with `git tag`")
    return f"refs/tags/{name}"


def tag(place: Place, git: Git, who: str, name: str, commit: str) -> None:
    """Set a tag of ours to a commit, wherever it stood before."""
    ref = _ref(name)
    with Claim(place.common) as claim, refs.holding(place, git, claim, ref, who, "autobuilds: snapshot") as held:
        held.new = commit


def untag(place: Place, git: Git, name: str) -> None:
    """Delete a tag of ours; no error where there is none."""
    ref = _ref(name)
    with Claim(place.common) as claim:
        refs.delete(place, git, claim, ref)


def loose(git: Git) -> tuple[str, ...]:
    """Return the paths of the working tree that HEAD does not hold as they are: changed, staged and untracked ones, without what is ignored."""
    rows = git.run("status", "--porcelain=v1", "-z", "--untracked-files=all", "--no-renames", "--ignore-submodules=all").stdout
    return tuple(sorted({os.fsdecode(row[3:]) for row in rows.split(b"\0") if len(row) > 3}))
