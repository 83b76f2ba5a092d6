"""How autobuilds is driven by the benchmark: a workspace with the common list, and every operation through its commands."""

from __future__ import annotations

import json
import subprocess
from datetime import UTC, datetime
from pathlib import Path

from benchmarks.gen import free, key, queue_text
from benchmarks.runner import Run
from benchmarks.tools import Site, Tool, environment, git, repository

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


def autobuilds(program: Path, home: Path) -> Tool:
    """Return autobuilds as it is installed beside the Python that runs the benchmark."""
    said = subprocess.run([program, "--version"], check=True, capture_output=True, text=True, env=environment(home)).stdout
    following = ["next"] if _asked(program, "next") else ["plan", "--json"]

    def ready(said: str) -> str:
        if following == ["next"]:
            return "" if said.strip() else "no output"
        plan = json.loads(said)
        return "" if plan["slots"] or plan["not_reached"] else "the plan is empty"

    def add(site: Site, turn: int) -> Run:
        name, model = f"{key(900000 + turn)} Show the total on the page", site.tasks[0]
        criteria = [word for text in model.criteria for word in ("--criterion", text)]
        argv = [
            "add",
            name,
            "--desc",
            model.description,
            *criteria,
            "--priority",
            "low",
            "--tech",
            "docs, cli",
            "--category",
            "Documentation",
        ]
        return site.run(program, *argv, check=site.holds("BUILD_QUEUE.md", f"^- \\[ \\] {name} "))

    def change(site: Site, turn: int) -> Run:
        target = site.tasks[free(site.count, turn, digit=8) - 1]
        hours = f"{3 + turn} hours"
        pattern = f"### {target.title}\\n(?:.+\\n)*?- \\*\\*Estimated Time:\\*\\* {hours}"
        return site.run(program, "set", target.slug, "estimated-time", hours, check=site.holds("BUILD_QUEUE.md", pattern))

    def done(site: Site, turn: int) -> Run:
        target = site.tasks[free(site.count, turn, digit=7) - 1]
        return site.run(program, "complete", target.slug, check=site.holds("BUILD_QUEUE.md", f"^- \\[x\\] {target.title} .*Completed: "))

    def full(site: Site, turn: int) -> Run:
        def edit() -> None:
            queue = site.folder / "BUILD_QUEUE.md"
            queue.write_text(queue.read_text().replace("in one short line.", f"in {turn + 2} short lines.", 1))
            git(site, "commit", "-q", "-a", "-m", "An edit by hand")

        return site.run(program, "heartbeat", before=edit, check=_rested)

    def cycle(site: Site, turn: int) -> Run:
        def edit() -> None:
            _insert(site, _BUILD.format(title=_build_title(turn), turn=turn))

        def built(_: str) -> str:
            label = _build_title(turn).lower().replace(" ", "-")
            branches = _told(site, "branch", "--list", f"build/{label}")
            page = _told(site, "show", "HEAD:BUILD_STATUS.md")
            dirty = _told(site, "status", "--porcelain")
            wrong = ["no branch with the work"] * (label not in branches) + ["not on the committed status page"] * (label not in page)
            return "; ".join(wrong + [f"left uncommitted: {dirty}"] * bool(dirty))

        return site.run(program, "heartbeat", "--wait", before=edit, check=built)

    return Tool(
        name="autobuilds",
        version=said.split()[-1],
        store="one Markdown file; each change is a commit",
        write=lambda site: _set_up(program, site),
        operations={
            "version": lambda site, _: site.run(program, "--version"),
            "list": lambda site, _: site.run(program, "list", check=site.listed()),
            "next": lambda site, _: site.run(program, *following, check=ready, accepted=(0, 1)),
            "add": add,
            "set": change,
            "done": done,
            "status": lambda site, _: site.run(program, "status", check=lambda said: "" if said.strip() else "no output"),
            "idle": lambda site, _: site.run(program, "heartbeat", check=_rested),
            "full": full,
            "cycle": cycle,
        },
        remarks=(
            f"autobuilds: what is ready is asked with `{' '.join(following)}`, which decides by every gate; `done` is `complete LABEL`",
        ),
    )


def _rested(said: str) -> str:
    started = [line for line in said.splitlines() if ": start: " in line]
    return f"the heartbeat started something: {started[0]}" if started else ""


def _told(site: Site, *argv: str) -> str:
    return subprocess.run(["git", *argv], cwd=site.folder, env=site.env, check=False, capture_output=True, text=True).stdout.strip()
