"""What can be found out about a repository from its files."""

from __future__ import annotations

from pathlib import Path

import pytest

from autobuilds.store import discovery


@pytest.mark.parametrize(
    ("files", "command"),
    [
        ({}, None),
        ({"README.md": "tests"}, None),
        ({"tests/test_a.py": "def test_a():\n    pass\n"}, "python3 -m pytest -q"),
        ({"pyproject.toml": "[tool.pytest.ini_options]\n", "uv.lock": ""}, "uv run pytest -q"),
        ({"conftest.py": "", "poetry.lock": ""}, "poetry run pytest -q"),
        ({"test_a.py": "import unittest\nclass T(unittest.TestCase):\n    def test_a(self): pass\n"}, "python3 -m unittest -q"),
        ({"tests/test_a.py": "import unittest\n"}, "python3 -m unittest discover -q -s tests -t ."),
        ({"package.json": '{"scripts": {"test": "node --test"}}'}, "npm test"),
        (
            {"package.json": '{"scripts": {"test": "jest"}, "devDependencies": {"jest": "1"}}', "package-lock.json": ""},
            "npm ci && npm test",
        ),
        (
            {"package.json": '{"scripts": {"test": "jest"}, "dependencies": {"jest": "1"}}', "pnpm-lock.yaml": ""},
            "pnpm install --frozen-lockfile && pnpm test",
        ),
        ({"package.json": '{"scripts": {"test": "echo \\"Error: no test specified\\" && exit 1"}}'}, None),
        ({"package.json": "{broken"}, None),
        ({"package.json": "[1]"}, None),
        ({"Cargo.toml": ""}, "cargo test"),
        ({"go.mod": ""}, "go test ./..."),
        ({"Makefile": "build:\n\ttrue\n\ntest: build\n\ttrue\n"}, "make test"),
        ({"Makefile": "test := 1\ntesting:\n\ttrue\n"}, None),
        ({"justfile": "test:\n  true\n"}, "just test"),
        ({".rspec": "", "Gemfile": ""}, "bundle exec rspec"),
    ],
)
def test_the_command_of_the_tests(files: dict[str, str], command: str | None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path / "nothing"))
    for name, text in files.items():
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(text)
    assert discovery.test_command(tmp_path) == command


def test_lists_of_open_boxes_are_counted_but_not_our_own(tmp_path: Path) -> None:
    (tmp_path / "TODO.md").write_text("- [ ] a\n  * [ ] b\n- [x] c\n1. [ ] d\n- [ ]\n")
    (tmp_path / "TODO").write_text("- [ ] a\n")
    (tmp_path / "BUILD_QUEUE.md").write_text("- [ ] a\n")
    (tmp_path / "README.md").write_text("text\n")
    (tmp_path / "LINK.md").symlink_to("/etc/passwd")
    assert discovery.checklists(tmp_path) == (("TODO", 1), ("TODO.md", 3))
