"""What a command costs before it does anything: counted in modules that it imports, never in time."""

from __future__ import annotations

import importlib
import json
import os
import pkgutil
import re
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

import autobuilds
from autobuilds.domain import patterns
from autobuilds.store.queue.belief import BIG_LOSS

#: Packages that take long to import, and what of our own takes long to build up.
HEAVY = frozenset({"click", "frontmatter", "git", "jinja2", "mistune", "msgspec", "psutil", "yaml"})
PAGES = frozenset({"frontmatter", "git", "jinja2", "mistune", "yaml"})
RULES = frozenset({"autobuilds.policies.risk.model", "autobuilds.policies.requirements.judge"})

_DUMP = """
import json, sys
sys.argv[0] = "autobuilds"
from autobuilds.__main__ import main
try:
    main()
finally:
    with open({out!r}, "w") as file:
        json.dump(sorted(sys.modules), file)
"""


def _imported(workspace: Path, *args: str) -> set[str]:
    """Return the modules that a command has imported when it ends."""
    out = workspace.parent / "modules.json"
    environment = {k: v for k, v in os.environ.items() if not k.startswith("AUTOBUILDS_")}
    script = _DUMP.format(out=str(out))
    done = subprocess.run([sys.executable, "-c", script, *args], cwd=workspace, env=environment, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return set(json.loads(out.read_text()))


@pytest.fixture
def workspace(make_repo: Callable[..., Path]) -> Path:
    """A workspace with settings and rules as shipped, and no task."""
    root = make_repo()
    _imported(root, "init", "--yes")
    (root / "BUILD_QUEUE.md").write_text("## Active Queue\n\n## Task Details\n\n## Completed\n")
    return root


def test_the_version_needs_none_of_the_packages(tmp_path: Path) -> None:
    folder = tmp_path / "folder"
    folder.mkdir()
    modules = _imported(folder, "--version")
    assert modules & HEAVY == set()
    assert {m for m in modules if m.startswith("autobuilds.")} <= {"autobuilds.__main__"}


def test_list_reads_the_queue_alone(workspace: Path) -> None:
    # A queue that was saved a moment ago may be half a save, and is held against the commit; one that is at rest is not.
    while time.time() - (workspace / "BUILD_QUEUE.md").stat().st_ctime <= BIG_LOSS:
        time.sleep(0.1)
    modules = _imported(workspace, "list")
    assert modules & (HEAVY - {"click"}) == set()
    assert modules & RULES == set()
    assert [m for m in modules if m.startswith(("autobuilds.planning", "autobuilds.adapters.git"))] == []
    assert "autobuilds.runtime.heartbeat" not in modules


def test_add_renders_nothing(workspace: Path) -> None:
    modules = _imported(workspace, "add", "Area of a rectangle", "--desc", "Add `area` to shapes.py")
    assert modules & PAGES == set()
    assert "autobuilds.runtime.heartbeat" not in modules


def test_an_idle_heartbeat_judges_nothing_and_renders_its_page_once(workspace: Path) -> None:
    assert "jinja2" in _imported(workspace, "heartbeat")
    modules = _imported(workspace, "heartbeat")
    assert modules & PAGES == set()
    assert modules & RULES == set()


def test_every_pattern_that_waits_for_its_first_use_compiles() -> None:
    found = 0
    for module in pkgutil.walk_packages(autobuilds.__path__, "autobuilds."):
        if module.name.endswith("__main__"):
            continue
        for name, value in vars(importlib.import_module(module.name)).items():
            if isinstance(value, patterns._Compiled):
                found += 1
                assert isinstance(value.flags, int), f"{module.name}.{name}"  # type: ignore[attr-defined]
    assert found > 50


def test_a_pattern_is_what_re_compiles() -> None:
    late, made = patterns.pattern(r"(a)(?P<b>B)", re.IGNORECASE), re.compile(r"(a)(?P<b>B)", re.IGNORECASE)
    assert late.sub("x", "abAB") == made.sub("x", "abAB")
    assert late.findall("ab") == made.findall("ab")
    assert (late.pattern, late.flags, late.groups, dict(late.groupindex)) == (made.pattern, made.flags, made.groups, dict(made.groupindex))
    with pytest.raises(re.error):
        patterns.pattern("(").search("")
