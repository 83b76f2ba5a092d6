"""A workspace at one place that is put back to a known state before every point of a sweep."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

GITCONFIG = (
    '[user]\n\tname = Olive Owner\n\temail = olive@example.org\n[init]\n\tdefaultBranch = main\n[protocol "file"]\n\tallow = always\n'
)
#: Names that programs give to what they have not finished.
_UNFINISHED = re.compile(r"(\.tmp|\.lock|\.part|~)$|^tmp_|^\.tmp|^index-|\.new$|^tmp")
_TIME = re.compile(r"\d{4}-\d\d-\d\d([ T]\d\d:\d\d(:\d\d(\.\d+)?)?(Z|[+-]\d\d:\d\d)?)?")
#: The note of a build's processes: there if one lived while somebody looked, whatever else is done.
_SEEN = "known.json"
_NUMBERED = re.compile(r"[0-9a-f]{6,}|\d+")
#: Files of `.autobuilds` that are meant to stay: locks of the kernel, which nobody has to remove.
_FLOCKS = re.compile(r"^\.autobuilds/.*\.lock(\.turn)?$|^\.autobuilds/.*/lock$")


def unfinished(name: str) -> bool:
    """Whether a path within a workspace is one that a program gives to what it has not finished, or a lock that somebody has to remove."""
    return bool(_UNFINISHED.search(name.rpartition("/")[2])) and not _FLOCKS.match(name)


@dataclass(frozen=True, slots=True, kw_only=True)
class State:
    """What stands in a workspace, without the times: two runs of the same thing leave the same."""

    queue: str
    #: Label to state, and how often each was tried.
    builds: tuple[tuple[str, str], ...]
    #: Why nothing starts, by the ledger; empty where it may.
    pause: str
    #: What Git says of the person's index and working tree.
    status: str
    #: All files of the workspace but Git's, numbers in their names left out.
    files: frozenset[str]
    #: The entries of the diary without their times.
    diary: tuple[str, ...] = ()


@dataclass(slots=True, kw_only=True)
class Bench:
    """One folder with a workspace, a home, a place for temporary files and what the agents noted."""

    base: Path
    _kept: dict[str, Path] = field(default_factory=dict)

    @property
    def root(self) -> Path:
        """The workspace."""
        return self.base / "live" / "workspace"

    @property
    def count(self) -> Path:
        """Where each agent notes the attempt that it is."""
        return self.base / "live" / "count"

    @property
    def temporary(self) -> Path:
        """Where temporary files of the machine go."""
        return self.base / "live" / "tmp"

    def environment(self) -> dict[str, str]:
        """Return what commands see of the environment."""
        return {
            "HOME": str(self.base / "live" / "home"),
            "PATH": os.environ["PATH"],
            "TMPDIR": str(self.temporary),
            "TZ": "UTC",
            "LC_ALL": "C.UTF-8",
            "NO_COLOR": "1",
            "GIT_CONFIG_NOSYSTEM": "1",
            "GIT_TERMINAL_PROMPT": "0",
        }

    def make(self, files: Mapping[str, str]) -> None:
        """Make the workspace anew with these files in a first commit; `{count}` in them is where agents note themselves."""
        shutil.rmtree(self.base / "live", ignore_errors=True)
        for folder in (self.root, self.base / "live" / "home", self.temporary):
            folder.mkdir(parents=True)
        (self.base / "live" / "home" / ".gitconfig").write_text(GITCONFIG)
        self.git("init", "-q", "--template=", "-b", "main")
        (self.root / ".git" / "info").mkdir(exist_ok=True)
        for name, text in files.items():
            path = self.root / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text.replace("{count}", str(self.count)).replace("{go}", str(self.base / "live" / "go")))
        if files:
            self.git("add", "-A")
            self.git("commit", "-q", "-m", "first")

    def work(self) -> None:
        """Do what a person does: stage one file, change another, begin a third."""
        (self.root / "staged.txt").write_text("staged\n")
        self.git("add", "staged.txt")
        (self.root / "staged.txt").write_text("and changed\n")
        (self.root / "app.py").write_text("print('changed')\n")
        (self.root / "new.txt").write_text("begun\n")

    def keep(self, name: str) -> None:
        """Keep the state as it is now under a name."""
        self._kept[name] = self.base / f"kept-{name}"
        shutil.copytree(self.base / "live", self._kept[name], symlinks=True)

    def kept(self, name: str) -> bool:
        """Whether a state was kept under the name."""
        return name in self._kept

    def restore(self, name: str) -> None:
        """Put a kept state back to its place."""
        shutil.rmtree(self.base / "live")
        shutil.copytree(self._kept[name], self.base / "live", symlinks=True)

    def git(self, *arguments: str, ok: tuple[int, ...] = (0,)) -> str:
        """Run git in the workspace as the person does."""
        done = subprocess.run(
            ["git", *arguments],
            cwd=self.root,
            env=self.environment(),
            capture_output=True,
            text=True,
            check=False,
            stdin=subprocess.DEVNULL,
        )
        assert done.returncode in ok, f"git {' '.join(arguments)}: {done.stderr}"
        return done.stdout

    def builds(self) -> dict[str, str]:
        """Return the state of every build of the ledger; raises ValueError for a ledger that is torn."""
        return {b["label"]: b["state"] for b in self._ledger().get("builds", ())}

    def _ledger(self) -> dict[str, Any]:
        path = self.root / "subagents" / "active.json"
        return json.loads(path.read_text()) if path.exists() else {}

    def state(self) -> State:
        """Return what stands in the workspace."""
        queue = self.root / "BUILD_QUEUE.md"
        found = (
            str(p.relative_to(self.root))
            for p in self.root.rglob("*")
            if p.name != _SEEN and not p.is_dir() and ".git/" not in f"{p.relative_to(self.root)}/"
        )
        return State(
            queue=_TIME.sub("T", queue.read_text()) if queue.exists() else "",
            builds=tuple(sorted(self.builds().items())),
            pause=_TIME.sub("T", json.dumps(self._ledger().get("pause") or "")),
            status=self.git("status", "--porcelain"),
            files=frozenset(_NUMBERED.sub("#", name) for name in found),
            diary=tuple(sorted(self.entries().elements())),
        )

    def entries(self) -> Counter[str]:
        """Return the titles of the diary's entries, each with how often it stands there."""
        rows = [row for path in self.root.glob("memory/*.md") for row in path.read_text().split("\n")]
        return Counter(row.partition("] ")[2] for row in rows if row.startswith("## ["))

    def objects(self) -> list[Path]:
        """Return half-written objects in Git's own store, under the name that `git gc` clears away."""
        objects = self.root / ".git" / "objects"
        return [*objects.glob("??/tmp_obj_*"), *objects.glob("pack/tmp_*")]

    def wrong(self) -> list[str]:
        """Return what is wrong whatever was done: torn objects, files that nobody finished, an attempt that ran twice."""
        found = []
        done = subprocess.run(
            ["git", "fsck", "--strict", "--no-dangling"], cwd=self.root, env=self.environment(), capture_output=True, text=True, check=False
        )
        if done.returncode:
            found.append(f"git fsck: {done.stdout.strip()} {done.stderr.strip()}")
        for folder in (self.root, self.temporary):
            for path in folder.rglob("*"):
                name = str(path.relative_to(folder))
                if unfinished(name) and path not in self.objects() and not path.is_dir():
                    found.append(f"left behind: {name}")
        runs = Counter(self.count.read_text().split() if self.count.exists() else [])
        found += [f"attempt {attempt} ran {number} times" for attempt, number in runs.items() if number > 1]
        return found
