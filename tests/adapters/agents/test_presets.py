"""Presets: the shipped ones, the owner's own, and what is refused."""

from __future__ import annotations

from pathlib import Path

import pytest

from autobuilds.adapters.agents.presets import Presets, parse
from autobuilds.errors import BadInput

VERIFIED = ["command", "claude", "codex", "opencode", "gemini", "aider", "openclaw", "pi", "qwen", "copilot", "mini-swe-agent"]
SHIPPED = [*VERIFIED, "goose", "cursor", "amp"]


def test_the_shipped_presets() -> None:
    presets = Presets.load(None)
    assert list(presets.table) == SHIPPED
    assert all(p.install for p in presets.table.values() if p.name != "command")


def test_steps_are_one_argument_whatever_they_hold(tmp_path: Path) -> None:
    steps = "echo '$(id)' \"{repo}\"; {nope}\nsecond line"
    made = Presets.load(None).invocation("command", run_folder=tmp_path / "runs" / "a-1", steps=steps)
    assert made.argv == ("/bin/sh", "-e", "-c", steps)
    assert made.prompt_on_stdin is False


def test_places_are_filled_in(tmp_path: Path) -> None:
    folder = tmp_path / "runs" / "a-1"
    presets = Presets.load(None)
    assert str(tmp_path / "clones" / "a-1") in presets.invocation("codex", run_folder=folder, steps=None).argv
    aider = presets.invocation("aider", run_folder=folder, steps=None)
    assert str(folder / "prompt.md") in aider.argv
    assert aider.prompt_on_stdin is False
    claude = presets.invocation("claude", run_folder=folder, steps=None)
    assert claude == presets.invocation("claude", run_folder=folder, steps=None)
    assert claude.prompt_on_stdin is True
    assert not any("{" in item for item in claude.argv)


def test_the_environment_is_an_allow_list(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("GITHUB_TOKEN", "ANTHROPIC_API_KEY", "OPENAI_API_KEY", "LC_TIME", "EXTRA", "AUTOBUILDS_NOW"):
        monkeypatch.setenv(name, "canary")
    presets = Presets.load(None)
    folder = tmp_path / "runs" / "a-1"
    command = presets.invocation("command", run_folder=folder, steps="true").environment
    assert {"GITHUB_TOKEN", "ANTHROPIC_API_KEY", "OPENAI_API_KEY", "EXTRA"}.isdisjoint(command)
    assert {"PATH", "LC_TIME"} <= set(command)
    claude = presets.invocation("claude", run_folder=folder, steps=None, passed=["EXTRA", "AUTOBUILDS_NOW"]).environment
    assert claude["ANTHROPIC_API_KEY"] == claude["EXTRA"] == "canary"
    assert {"GITHUB_TOKEN", "OPENAI_API_KEY", "AUTOBUILDS_NOW"}.isdisjoint(claude)


@pytest.mark.parametrize(
    ("name", "steps", "words"), [("claud", None, "did you mean 'claude'"), ("command", None, "Steps"), ("command", " \n", "Steps")]
)
def test_what_can_not_be_run(tmp_path: Path, name: str, steps: str | None, words: str) -> None:
    with pytest.raises(BadInput, match=words):
        Presets.load(None).invocation(name, run_folder=tmp_path / "runs" / "a-1", steps=steps)


def test_steps_that_are_too_long(tmp_path: Path) -> None:
    with pytest.raises(BadInput, match="longer than"):
        Presets.load(None).invocation("command", run_folder=tmp_path / "runs" / "a-1", steps="x" * 130_000)


def test_the_owners_own_come_first_and_replace(tmp_path: Path) -> None:
    (tmp_path / "agents.toml").write_text('[mine]\nargv = ["mine", "{prompt_file}"]\nprompt = "file"\n[claude]\nargv = ["claude", "-p"]\n')
    presets = Presets.load(tmp_path)
    assert list(presets.table) == ["mine", "claude", *(n for n in SHIPPED if n != "claude")]
    assert presets.find("claude").argv == ("claude", "-p")
    assert presets.find("mine").own


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("x = 1", "outside a table"),
        ("[a]\n", "argv"),
        ("[a]\nargv = []", "begins with the program"),
        ("[a]\nargv = 'x'", "list of texts"),
        ("[a]\nargv = ['x', 1]", "list of texts"),
        ("[a]\nargv = ['x']\nprompts = 'stdin'", "did you mean 'prompt'"),
        ("[a]\nargv = ['x']\nprompt = 'args'", "did you mean 'arg'"),
        ("[a]\nargv = ['x', '{modle}']", "unknown place"),
        ("[a]\nargv = ['x']\nset = {A = 1}", "table of texts"),
        ("[a]\nargv = ['x']\nvariables = ['A-B']", "can't be passed"),
        ("[a]\nargv = ['x']\nset = {AUTOBUILDS_NOW = 'x'}", "can't be passed"),
        ("[a]\nargv = ['x']\ninstall = 3", "install"),
        ("['../a']\nargv = ['x']", "small letters"),
        ("[a]\nargv = ['x'\n", "agents.toml: Unclosed array"),
        ("[a]\nargv = ['x']\n[a]\nargv = ['y']", "agents.toml"),
    ],
)
def test_a_preset_that_can_not_be_read(text: str, words: str) -> None:
    with pytest.raises(BadInput, match=words):
        parse(text, "agents.toml", own=True)


def test_files_that_are_no_text(tmp_path: Path) -> None:
    (tmp_path / "agents.toml").write_bytes(b"\xff\xfe")
    with pytest.raises(BadInput, match="UTF-8"):
        Presets.load(tmp_path)
    (tmp_path / "agents.toml").write_bytes(b"#" * (1024 * 1024 + 1))
    with pytest.raises(BadInput, match="longer"):
        Presets.load(tmp_path)


def test_detection_looks_at_the_path_alone(tmp_path: Path) -> None:
    program = tmp_path / "codex"
    program.write_text("#!/bin/sh\ntouch ran\n")
    program.chmod(0o755)
    found = {a.name: a for a in Presets.load(None).detect(None, {"PATH": str(tmp_path)})}
    assert found["codex"].found and found["codex"].detail == str(program)
    assert not found["claude"].found and found["claude"].install == "npm install -g @anthropic-ai/claude-code"
    assert found["command"].found
    assert [a.found for a in Presets.load(None).detect(["ghost", "codex"], {"PATH": str(tmp_path)})] == [False, True]
