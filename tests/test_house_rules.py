"""The house rules that no linter keeps: sizes, a pure core, names, docstrings, what is forbidden where (AGENTS.md)."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from functools import cache
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
SOURCE = ROOT / "src" / "autobuilds"
MODULES = sorted(SOURCE.rglob("*.py"))
SCRIPTS = sorted((ROOT / "scripts").glob("*.py"))
CORE = ("domain", "policies", "operations", "planning")
#: Calls that the core never makes, by the name that is called.
IMPURE = {"open", "print", "input", "now", "utcnow", "today", "getenv"}
FORBIDDEN_NAMES = {"utils", "util", "helpers", "helper", "common", "base", "misc"}
#: Modules above the limit that are one thing nevertheless, with the lines that they may have; at most one in twenty.
LONGER: dict[str, int] = {}

Def = ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef


@cache
def _tree(path: Path) -> ast.Module:
    return ast.parse(path.read_text(encoding="utf-8"), str(path))


def _name(path: Path) -> str:
    return path.relative_to(SOURCE).as_posix()


def _in(*layers: str) -> list[Path]:
    return [p for p in MODULES if p.relative_to(SOURCE).parts[0] in layers]


def _lines(path: Path) -> int:
    return path.read_text(encoding="utf-8").count("\n")


def _calls(path: Path) -> Iterator[tuple[str, str, ast.Call]]:
    """Yield every call: where it is, the last part of the name that is called, the call."""
    for node in ast.walk(_tree(path)):
        if isinstance(node, ast.Call):
            called = node.func
            name = called.id if isinstance(called, ast.Name) else called.attr if isinstance(called, ast.Attribute) else ""
            yield f"{_name(path)}:{node.lineno}", name, node


def _defs(body: list[ast.stmt], prefix: str = "") -> Iterator[tuple[str, Def]]:
    """Yield every definition of a module or class by its dotted name; what a function defines inside is its own business."""
    for node in body:
        if isinstance(node, Def):
            yield f"{prefix}{node.name}", node
            if isinstance(node, ast.ClassDef):
                yield from _defs(node.body, f"{prefix}{node.name}.")


def test_modules_are_short() -> None:
    assert len(MODULES) > 100
    assert [f"{_name(p)}: {_lines(p)} lines" for p in MODULES if _lines(p) > LONGER.get(_name(p), 300)] == []


def test_few_modules_are_longer_and_each_needs_it() -> None:
    assert len(LONGER) <= len(MODULES) / 20
    assert [name for name in LONGER if _lines(SOURCE / name) <= 300] == []


def test_functions_are_short() -> None:
    long = []
    for path in MODULES:
        for node in ast.walk(_tree(path)):
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
                first = min([node.lineno, *(d.lineno for d in node.decorator_list)])
                if (lines := (node.end_lineno or node.lineno) - first + 1) > 60:
                    long.append(f"{_name(path)}:{node.lineno}: {node.name} has {lines} lines")
    assert long == []


def test_modules_are_named_after_what_they_do() -> None:
    assert [_name(p) for p in MODULES if FORBIDDEN_NAMES & {p.stem, p.parent.name}] == []


def test_no_shell_and_no_eval() -> None:
    found = []
    for path in MODULES:
        for where, name, call in _calls(path):
            shell = next((k.value for k in call.keywords if k.arg == "shell"), None)
            if shell is not None and not (isinstance(shell, ast.Constant) and shell.value is False):
                found.append(f"{where}: shell=")
            # The one exception: `__init__` of a record, made of the names of its fields, as `dataclasses` does.
            own_names = name == "exec" and _name(path) == "records.py"
            if isinstance(call.func, ast.Name) and name in {"eval", "exec"} and not own_names:
                found.append(f"{where}: {name}()")
            if name in {"system", "popen"} and isinstance(call.func, ast.Attribute):
                owner = call.func.value
                if isinstance(owner, ast.Name) and owner.id == "os":
                    found.append(f"{where}: os.{name}()")
    assert found == []


def test_the_core_does_nothing_but_think() -> None:
    assert [f"{where}: {name}()" for p in _in(*CORE) for where, name, _ in _calls(p) if name in IMPURE] == []


def test_the_store_knows_three_line_ends() -> None:
    """`str.splitlines()` splits at more than LF, CRLF and CR; that of bytes, by which merges go, does not."""
    assert [where for p in _in("store") if p.name != "merge.py" for where, name, _ in _calls(p) if name == "splitlines"] == []


def test_what_is_public_says_what_it_is() -> None:
    silent = []
    for path in MODULES:
        tree = _tree(path)
        if not ast.get_docstring(tree):
            silent.append(_name(path))
        for name, node in _defs(tree.body):
            if not any(part.startswith("_") for part in name.split(".")) and not ast.get_docstring(node):
                silent.append(f"{_name(path)}:{node.lineno}: {name}")
    assert silent == []


def test_scripts_are_doorways() -> None:
    assert SCRIPTS
    assert [f"{p.name}: {_lines(p)} lines" for p in SCRIPTS if _lines(p) > 15] == []
