"""Branches of a person that edited the queue, merged into the workspace of a `World`."""

from __future__ import annotations

import subprocess
from contextlib import suppress
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tests.proofs._world import World


def merge(world: World, n: int) -> None:
    """Merge a branch that began some commits ago and added a remark and a task to the queue."""
    git = world.life.git
    try:
        commits = git("log", "--first-parent", "-n", "8", "--format=%H").split("\n")
        base = commits[n % len(commits)]
        word, number = world.new_word(), world.life.made + 1
        text = git("show", f"{base}:BUILD_QUEUE.md") + "\n"
        text = text.replace("\n## Task Details\n", f"- [ ] Say hello {number} - Priority: Low\n\n## Task Details\n", 1)
        text = text.replace("## Completed", f"Merged: {word}.\n\n## Completed", 1)
        blob = _piped(world, ["hash-object", "-w", "--stdin"], text)
        rows = [row for row in git("ls-tree", base).split("\n") if not row.endswith("\tBUILD_QUEUE.md")]
        tree = _piped(world, ["mktree"], "\n".join([*rows, f"100644 blob {blob}\tBUILD_QUEUE.md", ""]))
        theirs = git("commit-tree", tree, "-p", base, "-m", "a branch")
    except subprocess.CalledProcessError:
        world.count["git: no branch"] += 1
        return
    before = world.life.queue.read_bytes()
    try:
        git("merge", "-q", "--no-edit", theirs)
    except subprocess.CalledProcessError:
        world.count["git: a merge with conflicts, taken back"] += 1
        for way in (["merge", "--quit"], ["reset", "-q"]):
            with suppress(subprocess.CalledProcessError):
                git(*way)
        world.life.queue.write_bytes(before)
        return
    world.count["git: merged"] += 1
    world.life.made = number
    world.words.add(word)
    world.tasks.add(f"say-hello-{number}")


def _piped(world: World, call: list[str], text: str) -> str:
    done = subprocess.run(["git", *call], cwd=world.life.root, check=True, capture_output=True, input=text.encode())
    return done.stdout.decode().strip()
