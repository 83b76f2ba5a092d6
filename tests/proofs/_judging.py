"""What must hold of a workspace after a command met an error: how it ended, what it said, that nothing is torn, lost or left."""

from __future__ import annotations

import hashlib
import json
import re
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from tests.proofs._ground import Ground
from tests.proofs._stages import plain
from tests.proofs.forkserver import Done

#: docs/reference/exit-codes.md.
DOCUMENTED = frozenset({0, 1, 2, 3, 130})
#: What no person should read.
_BUG = re.compile(r"Traceback|unexpected \w+Error|This is a bug|proofs/")
#: Files that are being written: ours, Git's, Git's locks, half a clone.
_TEMPORARY = re.compile(r"\.tmp$|tmp_obj|/\.git/.*\.lock$|/\.git/autobuilds-|\.making$")
#: What the tool keeps for later: announced commits, attempts and what belongs to them, displaced files, locks.
_OWN = "workspace/.autobuilds/"
#: A message names a place: a path, a file of the workspace, a program, or what is at its limit.
_PLACE = re.compile(r"/|\.md\b|\.json\b|git\b|`|this process|the machine")


@dataclass(frozen=True, slots=True, kw_only=True)
class Picture:
    """What is seen of a workspace from the outside."""

    #: Lines of the queue without times and ids.
    queue: tuple[str, ...]
    #: The queue is a file that ends as one.
    whole: bool
    #: Builds of the ledger and their attempts; None where it is no JSON.
    builds: frozenset[str] | None
    #: The commits of HEAD, the newest first; empty where Git can't tell.
    history: tuple[str, ...]
    #: Every file's path without what varies.
    files: frozenset[str]

    @classmethod
    def of(cls, ground: Ground) -> Picture:
        """Look at a workspace and at the home beside it."""
        queue = ground.root / "BUILD_QUEUE.md"
        text = queue.read_bytes().decode("utf-8", "replace") if queue.is_file() else ""
        return cls(
            queue=tuple(plain(text).split("\n")),
            whole=text.endswith("\n") and "\0" not in text,
            builds=_builds(ground.root / "subagents" / "active.json"),
            history=_history(ground),
            files=frozenset(_files(ground.root.parent)),
        )


def _builds(path: Path) -> frozenset[str] | None:
    if not path.exists():
        return frozenset()
    try:
        found = json.loads(path.read_bytes())["builds"]
        return frozenset(b["label"] for b in found) | frozenset(a["id"] for b in found for a in b["attempts"])
    except (ValueError, KeyError, TypeError):
        return None


def _history(ground: Ground) -> tuple[str, ...]:
    done = subprocess.run(
        ["git", "rev-list", "HEAD"], cwd=ground.root, env=ground.env, capture_output=True, text=True, stdin=subprocess.DEVNULL, check=False
    )
    return tuple(done.stdout.split())


def _files(place: Path) -> Iterator[str]:
    """Yield what stands there; run folders, clones and Git's objects are told by their kind alone."""
    for path in place.rglob("*"):
        name = path.relative_to(place).as_posix()
        if "/.git/objects/" in f"/{name}":
            if "tmp_obj" in name:
                yield plain(name)
        elif name.endswith(".tmp") or ("/.autobuilds/clones/" not in f"/{name}" and "/retired/" not in f"/{name}"):
            yield plain(name)


#: What differs from run to run though the state is the same: ids, moments, durations, numbers of processes and files.
_PASSING = re.compile(rb"[0-9a-f]{7,}|\d{4}-\d\d-\d\d[T ]\d\d:\d\d(?::\d\d)?(?:\.\d+)?|\d+\.\d+|\d{3,}")


def fingerprint(ground: Ground) -> bytes:
    """Return what two workspaces have in common that stand alike: every file's path, mode and text, and what Git says of its own."""
    rows: list[bytes] = []
    place = ground.root.parent
    for path in place.rglob("*"):
        name = path.relative_to(place).as_posix()
        if "/.git/objects/" in name or name.endswith("/.git/index"):
            continue
        info = path.lstat()
        text = path.read_bytes() if path.is_file() and not path.is_symlink() else b""
        rows.append(b"%b %o %b" % (_PASSING.sub(b"#", name.encode()), info.st_mode, _PASSING.sub(b"#", text)))
    rows.sort()
    for asked in (("log", "--branches", "--format=%D%n%B"), ("status", "--porcelain"), ("fsck", "--connectivity-only", "--no-dangling")):
        done = subprocess.run(
            ["git", *asked],
            cwd=ground.root,
            env={**ground.env, "GIT_OPTIONAL_LOCKS": "0"},
            capture_output=True,
            stdin=subprocess.DEVNULL,
            check=False,
        )
        rows.append(b"%d %b" % (done.returncode, _PASSING.sub(b"#", done.stdout + done.stderr)))
    return hashlib.sha256(b"\0".join(rows)).digest()


def misbehaved(done: Done) -> str:
    """Return what is wrong with how a command ended and with what it said; empty where nothing is."""
    if done.status not in DOCUMENTED:
        return f"ended with status {done.status}"
    bug = _BUG.search(done.said)
    if bug:
        return f"said {done.said[max(0, bug.start() - 200) : bug.end() + 300]!r}"
    if done.status in {0, 130}:
        return ""
    lines = [line for line in done.said.strip().split("\n") if line]
    if not lines:
        return f"ended with status {done.status} and not a word"
    if done.status == 3 and not (_PLACE.search(lines[-1]) and len(lines[-1].split()) > 4):
        return f"its message does not say what, where and what to do: {lines[-1]!r}"
    return ""


def harmed(before: Picture, after: Picture, now: Picture, settled: Picture | None = None) -> Iterator[str]:
    """Yield what is torn or lost: `before` and `after` are the same command's without an error, `now` is to be judged.

    `settled` is what stands there after a heartbeat more, where builds run that may end before or after the command does.
    """
    settled = settled or after
    if not now.whole:
        yield "the queue is torn"
    if lost := [line for line in before.queue if line not in now.queue and line in after.queue and line in settled.queue]:
        yield f"lines of the queue are lost: {lost[:3]}"
    if foreign := [line for line in now.queue if line not in before.queue and line not in after.queue and line not in settled.queue]:
        yield f"lines of the queue are nobody's: {foreign[:3]}"
    if now.builds is None:
        yield "the ledger is torn"
    elif before.builds and not (before.builds & (after.builds or before.builds)) <= now.builds:
        yield f"builds are lost: {sorted(before.builds - now.builds)}"
    if not now.history:
        yield "the history can't be read"
    elif not set(before.history) <= set(now.history):
        yield "commits are lost"


def temporary(before: Picture, after: Picture, now: Picture, *, git: bool = True) -> list[str]:
    """Return the temporary files that are left; those of Git's objects, which its own clean-up takes, only with `git`."""
    new = now.files - before.files - after.files
    return sorted(name for name in new if _TEMPORARY.search(name) and (git or "tmp_obj" not in name))


def left_over(before: Picture, after: Picture, now: Picture, settled: Picture | None = None) -> list[str]:
    """Return the temporary files, and any other outside of the tool's own folders that is not there when all goes well."""
    new = now.files - before.files - after.files - (settled or after).files
    return sorted(name for name in new if _TEMPORARY.search(name) or not name.startswith(_OWN))
