"""What is counted instead of timed: Git processes, commits and writes of a transition, output through a slow pipe, what was read."""

from __future__ import annotations

import json
import shutil
import subprocess
import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from benchmarks.runner import Failed, Launcher
from benchmarks.tools import KEY, Site, Tool

#: Operations that change something or could, in the order in which they are counted; `idle` first, while nothing is new.
TRANSITIONS = ("idle", "add", "set", "done", "full", "cycle")
#: The turn of counting lies behind all that are timed; a list of 100 has room for ten.
LATER = 9


@dataclass(frozen=True, slots=True, kw_only=True)
class Transition:
    """What one operation cost in Git and on the disk."""

    operation: str
    git_processes: int
    commits: int
    #: Files of the workspace, `.git` and `.autobuilds` included, that were written, made or removed.
    files_written: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Piped:
    """How much of `list` comes out of a pipe that is read slowly; `whole` is what goes into a file."""

    tool: str
    count: int
    tasks: int
    whole: int
    status: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Agreement:
    """How many of the fields that were written are read back as they were meant."""

    count: int
    fields: int
    differing: int


def _watched(folder: Path) -> Path:
    """Make a `git` that writes a line for each start of the real one, and return its folder."""
    shim = folder / "counted"
    shim.mkdir(exist_ok=True)
    real = shutil.which("git")
    program = shim / "git"
    program.write_text(f"#!/bin/sh\necho \"$@\" >> '{shim}/starts'\nexec '{real}' \"$@\"\n")
    program.chmod(0o755)
    return shim


def _files(folder: Path) -> dict[str, tuple[int, int]]:
    found = {}
    for path in folder.rglob("*"):
        try:
            state = path.lstat()
        except FileNotFoundError:
            continue
        if not path.is_dir():
            found[str(path)] = (state.st_mtime_ns, state.st_ino)
    return found


def _commits(site: Site) -> int:
    argv = ["git", "rev-list", "--count", "HEAD"]
    return int(subprocess.run(argv, cwd=site.folder, env=site.env, check=True, capture_output=True, text=True).stdout)


def transitions(tool: Tool, site: Site, folder: Path, launcher: Launcher) -> list[Transition]:
    """Count every transition of a tool once. Raises `Failed` where one does not do its work."""
    shim = _watched(folder)
    watched = replace(site, env={**site.env, "PATH": f"{shim}:{site.env['PATH']}"})
    found = []
    for operation in TRANSITIONS:
        run = tool.operations[operation](watched, LATER)
        if operation == "idle":
            # What is counted is the second of two without a change between them: the first one takes note of what it found.
            launcher.measure(run)
        if run.before:
            run.before()
        (shim / "starts").unlink(missing_ok=True)
        commits, files = _commits(site), _files(site.folder)
        launcher.measure(replace(run, before=None), check=True)
        after = _files(site.folder)
        starts = shim / "starts"
        found.append(
            Transition(
                operation=operation,
                git_processes=starts.read_text().count("\n") if starts.exists() else 0,
                commits=_commits(site) - commits,
                files_written=sum(files.get(path) != after.get(path) for path in files.keys() | after.keys()),
            )
        )
    return found


def piped(tool: Tool, site: Site, folder: Path, *, pause: float = 2.0) -> Piped:
    """Read the output of `list` from a pipe, after a pause and in small pieces. Raises `Failed` where it can't be run."""
    run = tool.operations["list"](site, LATER)
    into = folder / "whole"
    try:
        with into.open("wb") as file:
            subprocess.run(
                run.argv, cwd=run.cwd, env=run.env, stdin=subprocess.DEVNULL, stdout=file, stderr=subprocess.DEVNULL, check=False
            )
        process = subprocess.Popen(
            run.argv, cwd=run.cwd, env=run.env, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, bufsize=0
        )
    except OSError as word:
        raise Failed(f"{tool.name}: {word}") from None
    assert process.stdout
    time.sleep(pause)
    pieces = []
    while piece := process.stdout.read(4096):
        pieces.append(piece)
        time.sleep(0.0005)
    process.stdout.close()
    status = process.wait()
    through, whole = _keys(b"".join(pieces)), _keys(into.read_bytes())
    return Piped(tool=tool.name, count=site.count, tasks=through, whole=whole, status=status)


def _keys(said: bytes) -> int:
    return len(set(KEY.findall(said.decode(errors="replace"))))


def agreement(tool: Tool, site: Site) -> Agreement:
    """Compare every field that was written with what `list --all --json` says of it; for autobuilds alone, on a fresh site."""
    argv = [*tool.operations["list"](site, 0).argv, "--all", "--json"]
    said = subprocess.run(argv, cwd=site.folder, env=site.env, check=True, capture_output=True, text=True).stdout
    read = {task["name"]: task for task in json.loads(said)["tasks"]}
    by_number = {item.number: item for item in site.tasks}
    fields = differing = 0
    for item in site.tasks:
        task = read.get(item.title)
        wanted: dict[str, object] = {
            "label": item.slug,
            "priority": item.priority,
            "description": item.description,
            "section": "completed" if item.state == "done" else "active",
            "depends_on": [] if item.depends_on is None else [by_number[item.depends_on].slug],
            "tech_stack": ", ".join(item.labels),
        }
        pairs = [(wanted[name], task[name] if task else None) for name in wanted]
        pairs.append((list(item.criteria), [c["text"] for c in task["criteria"]] if task else None))
        fields += len(pairs)
        differing += sum(want != got for want, got in pairs)
    return Agreement(count=site.count, fields=fields, differing=differing + len(read.keys() - {i.title for i in site.tasks}))


def complete(found: Sequence[Piped]) -> list[str]:
    """Return a line on every tool whose output a slow reader does not get whole."""
    return [f"{p.tool}: {p.tasks:,} of {p.whole:,} tasks, exit status {p.status}" for p in found if p.tasks < p.whole]
