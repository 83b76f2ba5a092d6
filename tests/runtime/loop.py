"""A workspace for tests of the build loop: real Git, real supervisors, the `command` agent, and heartbeats by hand."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

from autobuilds.domain.build import Build
from autobuilds.domain.moment import RunState
from autobuilds.runtime.context import Context
from autobuilds.runtime.heartbeat import Beat, beat, stay
from autobuilds.wiring import make_context
from tests.conftest import git

CONFIG = "---\ntimezone: UTC\nsandbox: none\nretries: 2\nretry_delay: 0s\ndisk_limit: 100\nmemory_limit: 100\nload_limit: 1000\n{more}---\n# Heartbeat\n"
DETAILS = """
### {name}
- **Description:** `{file}` of the project holds the single line `hello`, as app.py reads it.
- **Completion Criteria:**
  - [ ] The unit test passes: `{check}`
- **Category:** Bug fixes
{extra}- **Steps:**
  ```sh
  {steps}
  ```
"""
HELLO = "echo hello > a.txt"
#: Steps that run until the workspace holds a file `go`.
UNTIL_TOLD = "echo half > half.txt; until test -f {go}; do sleep 0.02; done; echo hello > a.txt"


def details(name: str, *, steps: str = HELLO, file: str = "a.txt", check: str | None = None, extra: str = "") -> str:
    """Return the details of a task that is clear, harmless and checked."""
    return DETAILS.format(name=name, file=file, steps=steps, check=check or f"grep -qx hello {file}", extra=extra)


def queue(*blocks: str) -> str:
    """Return a queue of the tasks whose details these are."""
    names = [b.strip().split("\n")[0].removeprefix("### ") for b in blocks]
    rows = "\n".join(f"- [ ] {name} - Added: 2026-02-06 15:00 - Priority: High" for name in names)
    return f"# Build Queue\n\n## Active Queue\n{rows}\n\n## Task Details\n{''.join(blocks)}\n## Completed\n"


@dataclass(frozen=True, slots=True, kw_only=True)
class Loop:
    """One workspace and its context."""

    context: Context

    @property
    def root(self) -> Path:
        """The workspace's folder."""
        return self.context.workspace.root

    @property
    def queue(self) -> Path:
        """BUILD_QUEUE.md."""
        return self.root / "BUILD_QUEUE.md"

    def beat(self, *, start: bool = True) -> Beat:
        """Run one heartbeat."""
        return beat(self.context, start=start)

    def run(self) -> Beat:
        """Run heartbeats until what was started has ended."""
        return stay(self.context, self.beat(), lambda _: None)

    def build(self, label: str = "say-hello") -> Build:
        """Return a build of the ledger."""
        found = self.context.workspace.ledger().find(label)
        assert found is not None, f"{label} has no build"
        return found

    def state(self, label: str = "say-hello") -> str:
        """Return where a build stands."""
        return self.build(label).state.value

    def replace(self, old: str, new: str) -> None:
        """Edit the queue by hand."""
        text = self.queue.read_text()
        assert old in text
        self.queue.write_text(text.replace(old, new, 1))

    def tell(self) -> None:
        """Let builds that wait for it go on."""
        (self.root / "go").touch()

    def ended(self, label: str = "say-hello", state: RunState = RunState.ENDED) -> None:
        """Wait until the running attempt of a build is over."""
        last = self.build(label).last
        assert last is not None
        deadline = time.monotonic() + 30
        while self.context.runner.peek(last.id).state is not state:
            assert time.monotonic() < deadline, self.context.runner.peek(last.id)
            time.sleep(0.02)

    def git(self, *args: str) -> str:
        """Run git in the workspace."""
        return git(self.root, *args)

    def subjects(self) -> list[str]:
        """Return the first lines of all commits, the newest first."""
        return self.git("log", "--format=%s").split("\n")


def make_loop(make_repo: Callable[..., Path], *blocks: str, more: str = "", **files: str) -> Loop:
    """Return a committed workspace with these tasks; `{go}` in their steps is the file that `tell` makes."""
    root = make_repo({"README.md": "# Repo\n"}, name="workspace")
    text = queue(*blocks).replace("{go}", str(root / "go"))
    given = {"BUILD_QUEUE.md": text, "HEARTBEAT.md": CONFIG.format(more=more), "app.py": "print(open('a.txt').read())\n", **files}
    for name, content in given.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(content)
    (root / ".git" / "info" / "exclude").write_text("go\n")
    git(root, "add", "-A")
    git(root, "commit", "-q", "-m", "workspace")
    return Loop(context=replace(make_context(root), heartbeat_argv=()))
