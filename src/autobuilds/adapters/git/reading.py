"""What GitPython reads for us: history with trailers, differences, blame, branches; imported when first needed."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime, timedelta, timezone
from typing import TYPE_CHECKING, Any

from autobuilds.adapters.git.place import Place
from autobuilds.adapters.git.process import Git, environment, words
from autobuilds.errors import GitBusy, GitFailure
from autobuilds.ports import Commit, DiffStat, FileStat
from autobuilds.store.history import trailers

if TYPE_CHECKING:
    import git

#: Seconds for one question.
_TIMEOUT = 120
#: No program of the person's or of a build's takes part in a difference.
_PLAIN_DIFF = ("--no-ext-diff", "--no-textconv", "--no-color", "--no-renames", "--ignore-submodules=dirty")


@contextmanager
def opened(place: Place) -> Iterator[git.Repo]:
    """Open a repository through GitPython for a short while, hardened as every other call of ours.

    GitPython hands on the process's environment; what is set there for another repository is overridden.
    """
    os.environ.setdefault("GIT_PYTHON_REFRESH", "quiet")
    try:
        import git
    except ModuleNotFoundError:
        raise
    except ImportError as error:
        # It starts Git when it is imported.
        raise GitBusy(f"git can't be started now ({error}): too many processes, or too little memory. Try again in a moment") from error

    hard = {name: value for name, value in environment().items() if name.startswith("GIT_") or name == "LC_ALL"}
    blank = dict.fromkeys(("GIT_ALTERNATE_OBJECT_DIRECTORIES", "GIT_NAMESPACE", "GIT_CONFIG_PARAMETERS", "GIT_PREFIX"), "")
    hard.update(blank)
    hard.update(
        GIT_DIR=str(place.git_dir),
        GIT_WORK_TREE=str(place.root),
        GIT_COMMON_DIR=str(place.common),
        GIT_OBJECT_DIRECTORY=str(place.objects),
        GIT_INDEX_FILE=str(place.git_dir / "index"),
    )
    try:
        found = git.Repo(place.root, search_parent_directories=False, expand_vars=False)
    except (git.InvalidGitRepositoryError, git.NoSuchPathError) as error:
        raise GitFailure(f"{place.git_dir} can't be read as a Git folder; check the disk, and run `git fsck` in {place.root}") from error
    with found as repo:
        repo.git.update_environment(**hard)
        try:
            yield repo
        except git.GitCommandError as error:
            raise GitFailure(f"{_command(error)} in {place.root} failed: {words(str(error.stderr).encode())}") from error


def _command(error: Any) -> str:
    parts = [part for part in getattr(error, "_cmd", []) if isinstance(part, str)] if hasattr(error, "_cmd") else []
    return f"`git {parts[1]}`" if len(parts) > 1 else "Git"


def diff(place: Place, base: str, head: str) -> DiffStat:
    """Return the paths and line counts between two commits."""
    files = file_stats(place, base, head)
    added, removed = sum(f.added or 0 for f in files), sum(f.removed or 0 for f in files)
    return DiffStat(paths=tuple(f.path for f in files), added=added, removed=removed)


def file_stats(place: Place, base: str, head: str) -> tuple[FileStat, ...]:
    """Return every changed file with its line counts."""
    with opened(place) as repo:
        raw = repo.git.diff(*_PLAIN_DIFF, "--numstat", "-z", base, head, "--", stdout_as_string=False, kill_after_timeout=_TIMEOUT)
    found = []
    for record in raw.split(b"\0"):
        if record:
            more, fewer, name = record.split(b"\t", 2)
            counts = [int(n) if n.isdigit() else None for n in (more, fewer)]
            found.append(FileStat(path=os.fsdecode(name), added=counts[0], removed=counts[1]))
    return tuple(found)


def diff_text(git_: Git, base: str, head: str, limit: int) -> str:
    """Return the unified difference between two commits, cut at `limit` characters."""
    raw = git_.run("diff", *_PLAIN_DIFF, base, head, "--").stdout
    text = raw[: limit * 4 + 4].decode("utf-8", "replace")
    if len(text) <= limit and len(raw) <= limit * 4 + 4:
        return text
    return f"{text[:limit]}\n… cut here: the whole difference has {len(raw)} bytes; see `git diff {base[:12]} {head[:12]}`\n"


def history(place: Place, tips: Sequence[str], since: str | None) -> list[Commit]:
    """Return the commits with trailers of ours, oldest first.

    A merge that the tool made brings in what a build wrote: its other parents are not followed, so that no build's
    commit message is taken for the tool's.
    """
    found: list[Commit] = []
    wanted = set(tips)
    with opened(place) as repo:
        revisions = [*tips, *([f"^{since}"] if since else [])]
        for sha in repo.git.rev_list("--topo-order", *revisions, "--", kill_after_timeout=_TIMEOUT).split():
            if sha not in wanted:
                continue
            commit = repo.commit(sha)
            message = commit.message if isinstance(commit.message, str) else commit.message.decode("utf-8", "replace")
            known = trailers(message)
            ours = "Build" in known or "Event" in known
            parents = [parent.hexsha for parent in commit.parents]
            wanted.update(parents[:1] if ours else parents)
            if ours:
                found.append(Commit(sha=commit.hexsha, when=_when(commit), subject=message.split("\n", 1)[0], trailers=known))
    return found[::-1]


def mainline(git_: Git, tip: str, since: str | None, limit: int) -> tuple[Commit, ...]:
    """Return the commits by first parents from the one after `since` to `tip`, oldest first."""
    span = [tip, *([f"^{since}"] if since else [])]
    raw = git_.run("log", "-z", "--first-parent", f"--max-count={limit}", "--format=%H%n%P%n%cI%n%B", *span, "--").stdout
    found = []
    for record in raw.decode("utf-8", "replace").split("\0"):
        if record.strip():
            sha, parents, when, message = record.split("\n", 3)
            subject = message.split("\n", 1)[0]
            at = datetime.fromisoformat(when)
            found.append(Commit(sha=sha, when=at, subject=subject, trailers=trailers(message), parents=tuple(parents.split())))
    return tuple(found[::-1])


def _when(commit: git.Commit) -> datetime:
    zone = timezone(timedelta(seconds=-commit.committer_tz_offset))
    return datetime.fromtimestamp(commit.committed_date, zone)
