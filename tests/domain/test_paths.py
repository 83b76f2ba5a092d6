"""Which paths a build may change."""

from __future__ import annotations

import fnmatch
import sys
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from autobuilds.domain.paths import check_bounds, match_name, matches, protected_patterns


@pytest.mark.parametrize(
    ("pattern", "path", "expected"),
    [
        ("src/**", "src/a.py", True),
        ("src/**", "src/deep/er/a.py", True),
        ("src/**", "srcs/a.py", False),
        ("src/", "src/a.py", True),
        ("src", "src/a.py", True),
        ("src/", "src", False),
        ("src", "lib/src/a.py", True),
        ("/src", "lib/src/a.py", False),
        ("./src/*.py", "src/a.py", True),
        ("src/*.py", "src/sub/a.py", False),
        ("src/**/*.py", "src/a.py", True),
        ("src/**/*.py", "src/x/y/a.py", True),
        ("*.md", "docs/a.md", True),
        ("/*.md", "docs/a.md", False),
        ("**/test_*.py", "tests/x/test_a.py", True),
        ("tests/test_?.py", "tests/test_a.py", True),
        ("tests/test_[ab].py", "tests/test_b.py", True),
        ("tests/test_[!ab].py", "tests/test_b.py", False),
        ("tests/[", "tests/[", True),
        (".", "anything/at/all", True),
        ("", "a", False),
        ("  ", "a", False),
        ("/", "a", False),
        ("CLAUDE.md", "claude.md", False),
    ],
)
def test_patterns(pattern: str, path: str, expected: bool) -> None:
    assert matches(pattern, path) is expected


@given(st.text("ab*?", max_size=8), st.text("ab", max_size=8))
def test_names_match_as_the_shell_does(pattern: str, name: str) -> None:
    assert match_name(pattern, name) is fnmatch.fnmatchcase(name, pattern)


@given(st.from_regex(r"a?\[!?[a-d](-[a-d])?[a-d-]?\][a*?]?", fullmatch=True), st.text("abcd-", max_size=4))
def test_sets_of_signs_match_as_in_the_shell(pattern: str, name: str) -> None:
    assert match_name(pattern, name) is fnmatch.fnmatchcase(name, pattern)


@pytest.mark.skipif(sys.gettrace() is not None, reason="what watches every line takes longer than what is watched")
def test_a_hostile_pattern_costs_little() -> None:
    began = time.process_time()
    assert not matches("*a" * 200 + "b", "a" * 4000)
    assert time.process_time() - began < 2


@pytest.mark.parametrize(
    "path",
    [
        ".gitattributes",
        "sub/.gitmodules",
        ".GitHub/workflows/ci.yml",
        ".gitlab-ci.yml",
        ".claude/settings.json",
        "pkg/.mcp.json",
        ".codex/config.toml",
        ".vscode/tasks.json",
        ".husky/pre-commit",
        ".envrc",
        "AGENTS.md",
        "docs/Claude.MD",
        "agents.toml",
        ".autobuilds/lock",
        ".circleci/config.yml",
        "Jenkinsfile",
        "CLAUDE.local.md",
        "AGENTS.override.md",
        "QWEN.md",
        ".hg/hgrc",
        ".goosehints",
        "sub/.exrc",
        # As other machines read them.
        "CLAUDE.md.",
        "agents.md ",
        ".Claude/settings.json",
        ".g\u200ditattributes",
        "CLAUDE\u200c.md",
        ".gitattributes::$DATA",
        "GITATT~1",
        "GITHUB~1/workflows/x.yml",
        "CLAUDE~1/settings.json",
        ".VSCODE/tasks.json",
        ".GIT/hooks/pre-commit",
    ],
)
def test_protected_in_every_repository(path: str) -> None:
    assert check_bounds([path], touches=(), protected=protected_patterns(in_workspace=False)).protected


@pytest.mark.parametrize(
    "path",
    [
        *("BUILD_QUEUE.md", "build_queue.md", "HEARTBEAT.md", "DECISION_FRAMEWORK.md", "OPERATIONS.md", "BUILD_STATUS.md", "STOP"),
        *("Templates/prompt.md.j2", "SubAgents/x", "decision_framework.MD", "BUILD_QUEUE.md.", "build_queue\u200b.md"),
        *("subagents/active.json", "memory/2026-02-06.md", "build-reports/x.md", "templates/status.md.j2"),
    ],
)
def test_protected_in_the_workspace_alone(path: str) -> None:
    assert check_bounds([path], touches=(), protected=protected_patterns(in_workspace=True)).protected
    assert check_bounds([path], touches=(), protected=protected_patterns(in_workspace=False)).kept


@pytest.mark.parametrize("path", ["README.md", "src/git.py", "src/templates/a.html", "docs/memory/x.md", "digit", "gitlike.txt"])
def test_ordinary_paths_are_free(path: str) -> None:
    assert check_bounds([path], touches=(), protected=protected_patterns(in_workspace=True)).kept


def test_the_owners_own_patterns_and_touches() -> None:
    protected = protected_patterns(in_workspace=False, extra=["infra/**", " "])
    bounds = check_bounds(["infra/main.tf", "src/a.py", "notes.txt"], touches=("src/**", "infra/**"), protected=protected)
    assert bounds.protected == (("infra/main.tf", "infra/**"),)
    assert bounds.outside == ("notes.txt",)
    assert not bounds.kept
    assert not check_bounds(["a"], touches=(), protected=(), outside_links=["a"]).kept
    assert not check_bounds(["a"], touches=("a",), protected=(), submodules=["a"]).kept
    assert check_bounds(["Src/a.py"], touches=("src/**",), protected=()).outside == ("Src/a.py",), (
        "what is allowed is meant as it is written"
    )


def test_unicode_forms_do_not_hide_a_protected_path() -> None:
    assert check_bounds(["cafe\u0301/x"], touches=(), protected=("caf\u00e9/",)).protected
