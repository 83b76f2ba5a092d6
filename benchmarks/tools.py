"""How a tool is driven from outside: where its data stands, the argument list of each operation, how its work is seen to be done."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from benchmarks.gen import Item
from benchmarks.runner import Run

KEY = re.compile(r"Q\d{6}", re.IGNORECASE)
#: Operations in the order in which they are measured. `status`, those after `done` and those just after a change only autobuilds has: for
#: the others each look is as the first.
OPERATIONS = {
    "version": "`--version`",
    "list": "list what is open",
    "next": "what is ready",
    "status": "status",
    "list-new": "list what is open, just after a change",
    "next-new": "what is ready, just after a change",
    "status-new": "status, just after a change",
    "add": "add",
    "set": "set a field",
    "done": "mark done",
    "idle": "heartbeat, nothing changed",
    "full": "heartbeat after a change that starts nothing",
    "cycle": "from queue line to committed status",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Site:
    """A tool's data for so many tasks, ready to be worked on."""

    folder: Path
    count: int
    env: dict[str, str]
    tasks: Sequence[Item]

    def run(
        self,
        *argv: str | Path,
        check: Callable[[str], str] | None = None,
        before: Callable[[], None] | None = None,
        accepted: tuple[int, ...] = (0,),
    ) -> Run:
        """Return a run of a program in the folder."""
        return Run(argv=[str(word) for word in argv], cwd=self.folder, env=self.env, check=check, before=before, accepted=accepted)

    def listed(self, *, least: int | None = None) -> Callable[[str], str]:
        """Return a check that the output names so many tasks (default: all that are open)."""
        want = sum(item.state != "done" for item in self.tasks) if least is None else least

        def check(said: str) -> str:
            found = len(set(KEY.findall(said)))
            return "" if found >= want else f"{found} tasks in the output, at least {want} expected"

        return check

    def holds(self, pattern: str, text: str) -> Callable[[str], str]:
        """Return a check that a file named by `pattern` holds a text (a regular expression) now."""

        def check(_: str) -> str:
            wanted = re.compile(text, re.MULTILINE)
            found = any(wanted.search(path.read_text(errors="replace")) for path in self.folder.glob(pattern) if path.is_file())
            return "" if found else f"no {pattern} holds {text!r} afterwards"

        return check


#: Makes the run of one operation; `turn` counts from 0 and never comes twice at one site.
Operation = Callable[[Site, int], Run]


@dataclass(frozen=True, slots=True, kw_only=True)
class Tool:
    """A tool, what it is, and how it is driven."""

    name: str
    version: str
    #: What it keeps its tasks in, and whether it commits; one line for the report.
    store: str
    #: Writes the tasks into the folder of a site, in the tool's own format.
    write: Callable[[Site], None]
    operations: dict[str, Operation]
    #: Variables of its own, besides those of `environment`.
    env: Callable[[Path], dict[str, str]] = field(default=lambda _: {})
    #: What a reader of the figures must know; one line each.
    remarks: tuple[str, ...] = ()


def environment(home: Path) -> dict[str, str]:
    """Return what every program of the benchmark gets: a home of its own, nobody's settings, no colours, a wide page."""
    here = Path(sys.executable).parent
    return {
        "HOME": str(home),
        "PATH": os.pathsep.join([str(here), *os.environ.get("PATH", os.defpath).split(os.pathsep)]),
        "LANG": "C.UTF-8",
        "TZ": "UTC",
        "NO_COLOR": "1",
        "COLUMNS": "200",
        "GIT_CONFIG_GLOBAL": os.devnull,
        "GIT_CONFIG_SYSTEM": os.devnull,
    }


def git(site: Site, *argv: str) -> None:
    """Run Git on a site, outside of what is measured."""
    identity = ["-c", "user.name=Olive Owner", "-c", "user.email=olive@example.org", "-c", "gc.auto=0"]
    subprocess.run(["git", *identity, *argv], cwd=site.folder, env=site.env, check=True, capture_output=True)


def repository(site: Site) -> None:
    """Make the site's folder a repository in which everything that is there is committed and packed."""
    git(site, "init", "-q", "-b", "main")
    for key, value in {"user.name": "Olive Owner", "user.email": "olive@example.org", "gc.auto": "0"}.items():
        git(site, "config", key, value)
    git(site, "add", "-A")
    git(site, "commit", "-q", "--allow-empty", "-m", "The tasks")
    git(site, "gc", "-q")
