"""Making a repository that was not there before."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime
from pathlib import Path

from autobuilds.adapters.git.process import Git
from autobuilds.adapters.git.repo import GitRepo
from autobuilds.errors import BadInput, StorageFailure


def create_repository(folder: Path, contents: Mapping[str, str], message: str, *, clock: Callable[[], datetime] | None = None) -> GitRepo:
    """Make a repository on branch `main` whose first commit holds `contents` (texts by path); `clock` gives its time.

    Raises BadInput when the folder holds something already, StorageFailure when it can't be written.
    """
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise BadInput(f"{folder} is not an empty folder; name one that is empty or not there yet")
    try:
        folder.mkdir(parents=True, exist_ok=True)
        Git(folder, isolated=True).run("init", "--quiet", "--template=", "--initial-branch=main")
        for path, text in contents.items():
            target = folder / path
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_bytes(text.encode())
    except OSError as error:
        raise StorageFailure(f"could not make {folder}: {error.strerror}; free some space or mend the permissions") from error
    repo = GitRepo(folder, clock=clock)
    repo.commit(list(contents), message)
    return repo
