"""Ground to stand on: a workspace of its own, an environment without the owner's, and what must hold of it from the outside."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

GITCONFIG = (
    '[user]\n\tname = Olive Owner\n\temail = olive@example.org\n[init]\n\tdefaultBranch = main\n[protocol "file"]\n\tallow = always\n'
)
CONFIG = (
    "---\ntimezone: UTC\nsandbox: none\nretry_delay: 0s\nretries: 5\ndisk_limit: 100\nmemory_limit: 100\nload_limit: 1000\n"
    "review_limit: 1000\n{more}---\n# Heartbeat\n"
)
ROW = "- [ ] {name} - Added: 2026-02-06 15:00 - Priority: High"
DETAILS = """
### {name}
- **Description:** `{file}` of the project holds the line `hello`, read by `app.py`.
- **Completion Criteria:**
  - [ ] The unit test passes: `grep -qx hello {file}`
- **Category:** Bug fixes
- **Steps:**
  ```sh
  echo "$AUTOBUILDS_ATTEMPT" >> "{count}"
  echo hello > {file}
  ```
"""


def environment(home: Path, **more: str) -> dict[str, str]:
    """Return an environment in which neither the owner's Git nor a build's variables are seen; makes the home."""
    home.mkdir(parents=True, exist_ok=True)
    (home / ".gitconfig").write_text(GITCONFIG, encoding="utf-8")
    kept = {k: v for k, v in os.environ.items() if not k.startswith(("GIT_", "AUTOBUILDS_", "XDG_", "PYTEST_"))}
    clean = {"TZ": "UTC", "GIT_CONFIG_NOSYSTEM": "1", "GIT_TERMINAL_PROMPT": "0", "LC_ALL": "C.UTF-8", "NO_COLOR": "1"}
    return {**kept, **clean, "HOME": str(home), **more}


def queue_of(names: Sequence[str], count: Path) -> str:
    """Return a queue of harmless tasks that note the id of each attempt in the file `count`."""
    rows, blocks = _texts(names, count)
    return f"# Build Queue\n\n## Active Queue\n{rows}\n## Task Details\n{blocks}\n## Completed\n"


def _texts(names: Sequence[str], count: Path) -> tuple[str, str]:
    rows = "".join(f"{ROW.format(name=name)}\n" for name in names)
    return rows, "".join(DETAILS.format(name=name, file=f"{name.split()[-1]}.txt", count=count) for name in names)


@dataclass(frozen=True, slots=True, kw_only=True)
class Ground:
    """A committed workspace, and how the tool is run on it."""

    root: Path
    env: Mapping[str, str]

    @classmethod
    def make(cls, folder: Path, queue: str, *, more: str = "") -> Ground:
        """Make a workspace `folder/workspace` with this queue; `more` are further lines of HEARTBEAT.md's front matter."""
        ground = cls(root=folder / "workspace", env=environment(folder / "home"))
        ground.root.mkdir(parents=True)
        ground.git("init", "-q", "-b", "main")
        files = {"BUILD_QUEUE.md": queue, "HEARTBEAT.md": CONFIG.format(more=more), "app.py": "print(open('a.txt').read())\n"}
        for name, text in files.items():
            (ground.root / name).write_text(text, encoding="utf-8")
        ground.git("add", "-A")
        ground.git("commit", "-q", "-m", "first")
        return ground

    def git(self, *args: str) -> str:
        """Run git in the workspace and return what it printed."""
        done = subprocess.run(
            ["git", *args], cwd=self.root, env=self.env, capture_output=True, text=True, stdin=subprocess.DEVNULL, check=True
        )
        return done.stdout.rstrip("\n")

    def argv(self, *args: str) -> list[str]:
        """Return the argument list of a command of the tool."""
        return [sys.executable, "-m", "autobuilds", *args, "--workspace", str(self.root)]

    def run(self, *args: str, timeout: float = 300, **more: str) -> subprocess.CompletedProcess[str]:
        """Run a command of the tool; `more` are further variables."""
        env = {**self.env, **more}
        return subprocess.run(
            self.argv(*args), cwd=self.root, env=env, capture_output=True, text=True, stdin=subprocess.DEVNULL, timeout=timeout, check=False
        )

    def append(self, names: Sequence[str], count: Path) -> None:
        """Add tasks to the queue as a person does, in one save: the lines at the end of Active Queue, their details with the others."""
        path = self.root / "BUILD_QUEUE.md"
        text = path.read_text(encoding="utf-8")
        rows, blocks = _texts(names, count)
        head, _, rest = text.partition("\n## Task Details\n")
        details, _, done = rest.partition("\n## Completed\n")
        saved = path.with_name("BUILD_QUEUE.md~")
        saved.write_text(f"{head}{rows}\n## Task Details\n{details}{blocks}\n## Completed\n{done}", encoding="utf-8")
        saved.replace(path)

    def states(self) -> dict[str, str]:
        """Return each build's state by label; empty where there is no ledger yet."""
        path = self.root / "subagents" / "active.json"
        return {b["label"]: b["state"] for b in json.loads(path.read_bytes())["builds"]} if path.exists() else {}

    def disagreements(self) -> list[str]:
        """Return what `fsck` and `git fsck` find that is not as it should be."""
        found = json.loads(self.run("fsck", "--json").stdout or "{}").get("findings", [{"kind": "fsck", "message": "no answer"}])
        return [f"{one['kind']}: {one['message']}" for one in found] + self.git_disagreements()

    def git_disagreements(self) -> list[str]:
        """Return what `git fsck` finds that is not as it should be."""
        done = subprocess.run(
            ["git", "fsck", "--strict", "--full"],
            cwd=self.root,
            env=self.env,
            capture_output=True,
            text=True,
            stdin=subprocess.DEVNULL,
            check=False,
        )
        return [f"git fsck: {done.stderr.strip()[:300]}"] if done.returncode else []
