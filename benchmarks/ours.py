"""How autobuilds is driven by the benchmark: a workspace with the common list, and every operation through its commands."""

from __future__ import annotations

import json
import re
import subprocess
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

from benchmarks.gen import free, key, queue_text
from benchmarks.runner import Run
from benchmarks.tools import Operation, Site, Tool, environment, git, repository

#: The limits of the machine are set aside: the machine that measures is a busy one.
_SETTINGS = """---
timezone: UTC
off_hours: {first:02}:00-{last:02}:00
disk_limit: 100
memory_limit: 100
load_limit: 1000
review_limit: 1000
deliver: review
agent: command
---
# Heartbeat
"""

#: The words of a description that an edit changes.
_LINES = re.compile(r"in (?:one short line|(\d+) short lines)\.")
#: Seconds after which what was saved counts as left alone.
_PAUSE = 3.5
_BUILD = """- [ ] {title} - Added: 2026-10-01 12:00 - Priority: High
  - **Description:** `notes/{turn}.txt` holds one line: `{turn}`.
  - **Completion Criteria:** the file is there: `test -s notes/{turn}.txt`
  - **Category:** Documentation
  - **Steps:** `mkdir -p notes && echo {turn} > notes/{turn}.txt`
"""


def _set_up(program: Path, site: Site) -> None:
    """Make the workspace as `init` does, give it the list, and let a heartbeat bring everything up to date."""
    (site.folder / "README.md").write_text("# A repository\n")
    repository(site)

    def call(*argv: str) -> None:
        subprocess.run([program, *argv], cwd=site.folder, env=site.env, check=True, capture_output=True, stdin=subprocess.DEVNULL)

    call("init", "--yes")
    hour = datetime.now(UTC).hour
    (site.folder / "HEARTBEAT.md").write_text(_SETTINGS.format(first=(hour + 8) % 24, last=(hour + 9) % 24))
    (site.folder / "BUILD_QUEUE.md").write_text(queue_text(site.tasks))
    git(site, "commit", "-q", "-a", "-m", "The tasks")
    git(site, "gc", "-q")
    call("heartbeat")
    call("heartbeat")


def _insert(site: Site, text: str) -> None:
    """Write a task to the top of the queue as a person does: in an editor, saved, not committed."""
    queue = site.folder / "BUILD_QUEUE.md"
    head, mark, rest = queue.read_text().partition("## Active Queue\n")
    queue.write_text(head + mark + text + rest)


def _build_title(turn: int) -> str:
    return f"Write note {turn}"


def _asked(program: Path, *argv: str) -> bool:
    return subprocess.run([program, *argv, "--help"], check=False, capture_output=True).returncode == 0


@dataclass(frozen=True, slots=True, kw_only=True)
class _Commands:
    """The operations, each by its command."""

    program: Path
    #: What is ready, as this release is asked.
    following: tuple[str, ...]
    #: Folders in which nothing changed since a heartbeat found nothing to do.
    resting: set[Path] = field(default_factory=set)

    def ready(self, said: str) -> str:
        """Return what is wrong with an answer to what is ready."""
        if self.following == ("next",):
            return _told_something(said)
        plan = json.loads(said)
        return "" if plan["slots"] or plan["not_reached"] else "the plan is empty"

    def add(self, site: Site, turn: int) -> Run:
        """Return the run that adds a task."""
        name, model = f"{key(900000 + turn)} Show the total on the page", site.tasks[0]
        criteria = [word for text in model.criteria for word in ("--criterion", text)]
        described = ["--desc", model.description, *criteria, "--priority", "low", "--tech", "docs, cli", "--category", "Documentation"]
        return site.run(self.program, "add", name, *described, check=site.holds("BUILD_QUEUE.md", f"^- \\[ \\] {name} "))

    def change(self, site: Site, turn: int) -> Run:
        """Return the run that sets a field."""
        target = site.tasks[free(site.count, turn, digit=8) - 1]
        hours = f"{3 + turn} hours"
        pattern = f"### {target.title}\\n(?:.+\\n)*?- \\*\\*Estimated Time:\\*\\* {hours}"
        return site.run(self.program, "set", target.slug, "estimated-time", hours, check=site.holds("BUILD_QUEUE.md", pattern))

    def done(self, site: Site, turn: int) -> Run:
        """Return the run that marks a task as done."""
        target = site.tasks[free(site.count, turn, digit=7) - 1]
        done = site.holds("BUILD_QUEUE.md", f"^- \\[x\\] {target.title} .*Completed: ")
        return site.run(self.program, "complete", target.slug, check=done)

    def looking(self, *argv: str, new: bool, check: Callable[[Site], Callable[[str], str]], accepted: tuple[int, ...] = (0,)) -> Operation:
        """Return a command that looks: where the last heartbeat found nothing to do, or (`new`) just after a change."""

        def look(site: Site, turn: int) -> Run:
            def before() -> None:
                if new:
                    _edit(site)
                    self.resting.discard(site.folder)
                elif turn == 0 and site.folder not in self.resting:
                    _rest(self.program, site)
                    self.resting.add(site.folder)

            return site.run(self.program, *argv, before=before, check=check(site), accepted=accepted)

        return look

    def cycle(self, site: Site, turn: int) -> Run:
        """Return the run that builds what was just written into the queue."""

        def edit() -> None:
            _insert(site, _BUILD.format(title=_build_title(turn), turn=turn))

        def built(_: str) -> str:
            label = _build_title(turn).lower().replace(" ", "-")
            branches = _told(site, "branch", "--list", f"build/{label}")
            page = _told(site, "show", "HEAD:BUILD_STATUS.md")
            dirty = _told(site, "status", "--porcelain")
            wrong = ["no branch with the work"] * (label not in branches) + ["not on the committed status page"] * (label not in page)
            return "; ".join(wrong + [f"left uncommitted: {dirty}"] * bool(dirty))

        return site.run(self.program, "heartbeat", "--wait", before=edit, check=built)


def autobuilds(program: Path, home: Path) -> Tool:
    """Return autobuilds as it is installed beside the Python that runs the benchmark."""
    said = subprocess.run([program, "--version"], check=True, capture_output=True, text=True, env=environment(home)).stdout
    following = ("next",) if _asked(program, "next") else ("plan", "--json")
    ours = _Commands(program=program, following=following)
    operations: dict[str, Operation] = {
        "version": lambda site, _: site.run(program, "--version"),
        "add": ours.add,
        "set": ours.change,
        "done": ours.done,
        "idle": ours.looking("heartbeat", new=False, check=lambda _: _rested),
        "full": ours.looking("heartbeat", new=True, check=lambda _: _rested),
        "cycle": ours.cycle,
    }
    for ending, new in (("", False), ("-new", True)):
        operations[f"list{ending}"] = ours.looking("list", new=new, check=lambda site: site.listed())
        operations[f"next{ending}"] = ours.looking(*following, new=new, check=lambda _: ours.ready, accepted=(0, 1))
        operations[f"status{ending}"] = ours.looking("status", new=new, check=lambda _: _told_something)
    remark = f"autobuilds: what is ready is asked with `{' '.join(following)}`, which decides by every gate; `done` is `complete LABEL`"
    return Tool(
        name="autobuilds",
        version=said.split()[-1],
        store="one Markdown file; each change is a commit",
        write=lambda site: _set_up(program, site),
        operations=operations,
        remarks=(remark,),
    )


def _told_something(said: str) -> str:
    return "" if said.strip() else "no output"


def _edit(site: Site) -> None:
    """Change a description by hand and commit that."""
    queue = site.folder / "BUILD_QUEUE.md"
    text = queue.read_text()
    queue.write_text(_LINES.sub(lambda found: f"in {int(found[1] or 1) + 1} short lines.", text, count=1))
    git(site, "commit", "-q", "-a", "-m", "An edit by hand")


def _rest(program: Path, site: Site) -> None:
    """Let heartbeats pass until one finds nothing to do, as half an hour after a change."""
    for pause in (0.0, _PAUSE):
        time.sleep(pause)
        subprocess.run([program, "heartbeat"], cwd=site.folder, env=site.env, check=True, capture_output=True, stdin=subprocess.DEVNULL)


def _rested(said: str) -> str:
    started = [line for line in said.splitlines() if ": start: " in line]
    return f"the heartbeat started something: {started[0]}" if started else ""


def _told(site: Site, *argv: str) -> str:
    return subprocess.run(["git", *argv], cwd=site.folder, env=site.env, check=False, capture_output=True, text=True).stdout.strip()
