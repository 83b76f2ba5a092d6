"""What can be found out about a repository from its files: how its tests are run, where it keeps lists of things to do."""

from __future__ import annotations

import json
import re
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

from autobuilds.domain.patterns import pattern
from autobuilds.store.guarded import read_guarded

#: What `npm init` writes where there are no tests.
_NO_TESTS = "no test specified"
_OPEN_BOX = pattern(r"(?m)^[ \t]*(?:[-*+]|\d+[.)])[ \t]+\[ \][ \t]+\S")
_OURS = frozenset({"BUILD_QUEUE.md", "BUILD_STATUS.md", "HEARTBEAT.md", "AUTONOMOUS_BUILDS.md", "DECISION_FRAMEWORK.md", "OPERATIONS.md"})
#: Files of one folder that are looked into.
_MOST = 200


class Checklist(NamedTuple):
    """A file with open boxes: its path in the repository and how many there are."""

    path: str
    boxes: int


def test_command(root: Path) -> str | None:
    """Return the command that runs a repository's tests, or None where none is recognised; nothing is run."""
    for find in _FINDERS:
        command = find(root)
        if command is not None:
            return command
    return None


def checklists(root: Path) -> tuple[Checklist, ...]:
    """Return the Markdown files at the root (and TODO files without an ending) that hold open boxes."""
    found = []
    for path in sorted(root.iterdir()):
        named = path.suffix.lower() in {".md", ".markdown"} or path.name.upper() == "TODO"
        if named and path.name not in _OURS and path.is_file():
            boxes = len(_OPEN_BOX.findall(_text(path)))
            if boxes:
                found.append(Checklist(path.name, boxes))
    return tuple(found)


def _text(path: Path) -> str:
    return read_guarded(path).text or ""


def _node(root: Path) -> str | None:
    try:
        package: Any = json.loads(_text(root / "package.json") or "null")
    except (ValueError, RecursionError):
        return None
    scripts = package.get("scripts") if isinstance(package, dict) else None
    script = scripts.get("test") if isinstance(scripts, dict) else None
    if not isinstance(script, str) or not script.strip() or _NO_TESTS in script:
        return None
    runner, install = next((way for lock, way in _NODE_LOCKS.items() if (root / lock).exists()), ("npm", "npm install"))
    needs = any(package.get(key) for key in ("dependencies", "devDependencies"))
    return f"{install} && {runner} test" if needs else f"{runner} test"


#: By lock file: the runner, and how it fetches what the tests need (a build's clone has no node_modules).
_NODE_LOCKS = {
    "pnpm-lock.yaml": ("pnpm", "pnpm install --frozen-lockfile"),
    "yarn.lock": ("yarn", "yarn install"),
    "bun.lock": ("bun run", "bun install"),
    "bun.lockb": ("bun run", "bun install"),
    "package-lock.json": ("npm", "npm ci"),
}


def _python(root: Path) -> str | None:
    settings = _text(root / "pyproject.toml") + _text(root / "setup.cfg") + _text(root / "tox.ini")
    tests = [*sorted(root.glob("test_*.py"))[:_MOST], *sorted(root.glob("tests/**/test_*.py"))[:_MOST]]
    says = re.search(r"(?m)^\[(?:tool\.pytest\b|tool:pytest|pytest\])", settings) is not None
    if says or (root / "pytest.ini").exists() or (root / "conftest.py").exists() or (root / "tests/conftest.py").exists():
        return _pytest(root)
    if not tests:
        return None
    texts = [_text(path) for path in tests[:20]]
    if any(re.search(r"(?m)^(?:import|from) pytest\b|^(?:async )?def test_", text) for text in texts) or "pytest" in settings:
        return _pytest(root)
    if any("unittest" in text for text in texts):
        return "python3 -m unittest -q" if tests[0].parent == root else "python3 -m unittest discover -q -s tests -t ."
    return None


def _pytest(root: Path) -> str:
    if (root / "uv.lock").exists():
        return "uv run pytest -q"
    if (root / "poetry.lock").exists():
        return "poetry run pytest -q"
    return "pytest -q" if shutil.which("pytest") else "python3 -m pytest -q"


def _target(name: str, command: str) -> Callable[[Path], str | None]:
    """Return a finder of a target `test` in a file of rules."""
    return lambda root: command if re.search(r"(?m)^test\b[^=\n]*:(?!=)", _text(root / name)) else None


def _marked(pattern: str, command: str) -> Callable[[Path], str | None]:
    """Return a finder of a tool by a file that it has in every project."""
    return lambda root: command if next(root.glob(pattern), None) is not None else None


def _ruby(root: Path) -> str | None:
    if (root / ".rspec").exists() or (root / "spec/spec_helper.rb").exists():
        return "bundle exec rspec" if (root / "Gemfile").exists() else "rspec"
    return None


_FINDERS: tuple[Callable[[Path], str | None], ...] = (
    _python,
    _node,
    _marked("Cargo.toml", "cargo test"),
    _marked("go.mod", "go test ./..."),
    _marked("mix.exs", "mix test"),
    _marked("gradlew", "./gradlew test"),
    _marked("pom.xml", "mvn -q test"),
    _marked("*.sln", "dotnet test"),
    _marked("deno.json", "deno test"),
    _ruby,
    _target("Makefile", "make test"),
    _target("makefile", "make test"),
    _target("justfile", "just test"),
)
