"""A stand-in for `gh`, `glab` and `tea`: keeps its pull requests in a file and takes the options that the real ones take.

What it was called with is appended to `calls.jsonl` beside the pull requests, with the names of its environment.
"""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path

import pytest

_SCRIPT = """#!{python}
import json, os, sys, time
from pathlib import Path
home = Path({home!r})
name = os.path.basename(sys.argv[0])
args = sys.argv[1:]
body = sys.stdin.read()
with (home / "calls.jsonl").open("a") as log:
    log.write(json.dumps({{"name": name, "args": args, "body": body, "env": sorted(os.environ), "cwd": os.getcwd()}}) + "\\n")
mood = (home / "mood").read_text() if (home / "mood").exists() else ""
if mood == "signed-out":
    sys.exit("error: not signed in with https://olive:secret@example.org")
if mood == "hangs":
    time.sleep(60)
if mood == "babbles":
    print("<html>")
    sys.exit(0)
given = dict(a[2:].split("=", 1) for a in args if a.startswith("--") and "=" in a)
noun, verb = args[0], args[1]
assert noun == {{"gh": "pr", "glab": "mr", "tea": "pulls"}}[name], args
known = json.loads((home / "open.json").read_text()) if (home / "open.json").exists() else []
head = given.get("head") or given.get("source-branch")
part = {{"gh": "pull", "glab": "-/merge_requests", "tea": "pulls"}}[name]
if verb == "list":
    rows = [p for p in known if name == "tea" or p["head"] == head]
    shapes = {{
        "gh": lambda p: {{"url": p["url"], "headRefName": p["head"], "isCrossRepository": p.get("fork", False)}},
        "glab": lambda p: {{"web_url": p["url"], "source_branch": p["head"], "source_project_id": 2 if p.get("fork") else 1, "target_project_id": 1}},
        "tea": lambda p: {{"index": "1", "url": p["url"], "head": ("fork:" if p.get("fork") else "") + p["head"]}},
    }}
    print(json.dumps([shapes[name](p) for p in rows]))
elif verb == "create":
    if mood != "" and mood.startswith("raced"):
        known.append({{"head": head, "url": f"https://forge.example/olive/words/{{part}}/41"}})
        (home / "open.json").write_text(json.dumps(known))
        sys.exit("a pull request already exists")
    url = f"https://forge.example/olive/words/{{part}}/{{len(known) + 1}}"
    known.append({{"head": head, "url": url, "base": given.get("base") or given.get("target-branch"), "title": given["title"]}})
    (home / "open.json").write_text(json.dumps(known))
    print("Creating pull request\\n" + url)
else:
    sys.exit(f"unknown: {{args}}")
"""


class StandIn:
    """The stand-in forge: its programs on a search path of their own, its pull requests, its calls."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.home, self.bin = folder / "forge", folder / "bin"
        self.home.mkdir()
        self.bin.mkdir()
        for name in ("gh", "glab", "tea"):
            (self.bin / name).write_text(_SCRIPT.format(python=sys.executable, home=str(self.home)))
            (self.bin / name).chmod(0o755)

    @property
    def path(self) -> str:
        """The search path with the programs in front."""
        return f"{self.bin}{os.pathsep}{os.environ['PATH']}"

    @property
    def open(self) -> list[dict[str, str]]:
        """What is open."""
        file = self.home / "open.json"
        found: list[dict[str, str]] = json.loads(file.read_text()) if file.exists() else []
        return found

    def add(self, **row: object) -> None:
        """Open something as if somebody else had."""
        (self.home / "open.json").write_text(json.dumps([*self.open, row]))

    @property
    def calls(self) -> list[dict[str, list[str]]]:
        """What was called, in order."""
        file = self.home / "calls.jsonl"
        return [json.loads(line) for line in file.read_text().split("\n") if line] if file.exists() else []

    def feels(self, mood: str) -> None:
        """Let the programs answer otherwise: `signed-out`, `hangs`, `babbles`, `raced`."""
        (self.home / "mood").write_text(mood)


@pytest.fixture
def forge(tmp_path: Path) -> StandIn:
    """Return a stand-in forge."""
    return StandIn(tmp_path)
