"""`autobuilds agents`: what there is, how it is described, and a real build with each kind of agent in a scratch repository."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import psutil
import pytest

from tests.cli import agents_page
from tests.cli.conftest import Answered

Type = Callable[..., Answered]
SHIPPED = ["command", "claude", "codex", "opencode", "gemini", "aider", "openclaw", "pi", "qwen", "copilot", "mini-swe-agent"]
#: An agent that does what its first argument says; the prompt comes on standard input.
AGENT = """#!/bin/sh
cat > /dev/null
case $1 in
  --version) echo "helper 1.2.9" ;;
  works) echo "hello from helper" > greeting.txt; echo "Tokens: 120 in, 30 out. Cost: 0.02"; echo "All done." ;;
  idle) echo "All done." ;;
  wrong) echo "goodbye" > greeting.txt ;;
  unknown) echo "Error: 401 Unauthorized, invalid api key" >&2; exit 1 ;;
  hangs) echo "waiting"; sleep 600 ;;
esac
"""
PRESET = """[helper]
argv = ["helper", "{what}"]
version = ["helper", "--version"]
min_version = "1.2"
install = "npm install -g helper"
prompt = "stdin"

[helper.picks]
tokens_in = {{ regex = "Tokens: ([0-9]+) in" }}
tokens_out = {{ regex = "([0-9]+) out" }}
cost_usd = {{ regex = "Cost: ([0-9.]+)" }}
error = {{ regex = "^Error: (.*)" }}

[helper.ok]
error = {{ missing = true }}
"""


@pytest.fixture
def bare(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """Return an empty home folder on a machine without any coding agent; the current folder is no workspace."""
    home = tmp_path / "home"
    home.mkdir()
    monkeypatch.setenv("HOME", str(home))
    monkeypatch.setenv("PATH", "/usr/bin:/bin")
    monkeypatch.chdir(home)
    for name in list(os.environ):
        if name.endswith("_KEY") or "TOKEN" in name:
            monkeypatch.delenv(name)
    return home


@pytest.fixture
def place(bare: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[str], Path]:
    """Return a maker of workspaces with an agent of their own, `helper`."""
    folder = bare / "programs"
    folder.mkdir()
    program = folder / "helper"
    program.write_text(AGENT)
    program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{folder}:/usr/bin:/bin")

    def make(what: str) -> Path:
        root = bare / "workspace"
        root.mkdir()
        (root / "BUILD_QUEUE.md").write_text("# Build Queue\n\n## Active Queue\n")
        (root / "agents.toml").write_text(PRESET.format(what=what))
        return root

    return make


def _left(home: Path) -> list[str]:
    """Return what a trial left in the home folder, and the processes that still work for it."""
    files = [str(p) for p in (home / ".cache").rglob("*")]
    running = [p.info["cmdline"] or [] for p in psutil.process_iter(["cmdline"])]
    return files + [" ".join(line) for line in running if str(home) in " ".join(line)]


def test_every_agent_is_listed_with_the_way_to_get_it(bare: Path, typed: Type) -> None:
    found = {a["name"]: a for a in typed("agents", "--json").json["agents"]}
    assert list(found)[: len(SHIPPED)] == SHIPPED and set(found) - set(SHIPPED) == {"goose", "cursor", "amp"}
    assert [name for name, a in found.items() if a["found"]] == ["command"]
    assert all(a["install"] for name, a in found.items() if name != "command")
    assert {name for name, a in found.items() if not a["verified"]} == {"goose", "cursor", "amp"}
    text = typed("agents").out
    assert "npm install -g @openai/codex" in text and "No coding agent is installed" in text


def test_an_agent_that_is_found_is_shown_as_it_would_be_used(place: Callable[[str], Path], typed: Type) -> None:
    root = place("works")
    (root / "HEARTBEAT.md").write_text("---\nsandbox: none\nagent: helper\nmodel:\n  helper: large-2\n---\n")
    found = {a["name"]: a for a in typed("agents", "--workspace", str(root), "--json").json["agents"]}["helper"]
    assert (found["found"], found["version"], found["minimum"], found["outdated"]) == (True, "1.2.9", "1.2", False)
    assert (found["model"], found["sandbox"], found["default"], found["held"]) == ("large-2", "none", True, None)
    assert "your keys among them" in found["sandbox_words"]
    text = " ".join(typed("agents", "--workspace", str(root)).out.split())
    assert "helper ready, version 1.2.9 (tried from 1.2), model large-2, sandbox none, default" in text
    assert text.count("your keys among them") == 1


def test_a_preset_is_shown_with_where_it_comes_from(place: Callable[[str], Path], typed: Type) -> None:
    root = str(place("works"))
    own = typed("agents", "show", "helper", "--workspace", root)
    assert own.out.startswith("[helper]  # agents.toml\n") and 'argv = ["helper", "works"]' in own.out
    shipped = typed("agents", "show", "claude", "--workspace", root, "--json").json
    assert (shipped["origin"], shipped["agent"]["argv"][0]) == ("shipped", "claude")
    wrong = typed("agents", "show", "cluade")
    assert wrong.status == 2 and "did you mean 'claude'" in wrong.err


def test_without_any_agent_five_lines_say_what_to_install_and_what_works_without(bare: Path, typed: Type) -> None:
    answer = typed("agents", "test")
    assert (answer.status, answer.err) == (1, "")
    lines = answer.out.rstrip("\n").split("\n")
    assert len(lines) == 5
    assert "npm install -g @anthropic-ai/claude-code" in lines[1] and "codex" in lines[2]
    assert "autobuilds agents test command" in lines[3] and "autobuilds demo" in lines[4]


def test_the_embedded_agent_is_tried_without_any_other_and_leaves_nothing(bare: Path, typed: Type) -> None:
    answer = typed("agents", "test", "command", "--json")
    (trial,) = answer.json["trials"]
    assert (answer.status, trial["ok"], trial["outcome"], trial["advice"]) == (0, True, "passed", [])
    assert trial["sandbox"] in {"bubblewrap+landlock", "bubblewrap", "landlock", "none"}
    assert "started with command" in answer.err
    assert _left(bare) == [] and not (bare / ".cache" / "autobuilds").exists()


@pytest.mark.slow
def test_an_agent_that_works_is_said_to_work_with_what_it_used(place: Callable[[str], Path], typed: Type, bare: Path) -> None:
    root = place("works")
    (trial,) = typed("agents", "test", "--workspace", str(root), "--json").json["trials"]
    assert trial["ok"], trial
    assert (trial["agent"], trial["tokens"], trial["cost_usd"]) == ("helper", 150, 0.02)
    text = typed("agents", "test", "helper", "--workspace", str(root)).out
    assert text.startswith("helper works: it built the task in") and "150 tokens, 0.0200 USD" in text
    assert _left(bare) == []


@pytest.mark.slow
@pytest.mark.parametrize(
    ("what", "outcome", "failure", "advice"),
    [
        ("idle", "no-change", None, "--sandbox none"),
        ("wrong", "checks-failed", None, "stronger model"),
        ("unknown", "agent-failed", "authentication", "run `helper` once by hand and sign in"),
    ],
)
def test_an_agent_that_fails_is_said_to_fail_with_what_to_mend(
    what: str, outcome: str, failure: str | None, advice: str, place: Callable[[str], Path], typed: Type, bare: Path
) -> None:
    answer = typed("agents", "test", "helper", "--workspace", str(place(what)), "--json")
    (trial,) = answer.json["trials"]
    assert (answer.status, trial["ok"], trial["outcome"], trial["failure"]) == (1, False, outcome, failure), trial
    assert any(advice in line for line in trial["advice"]), trial["advice"]
    assert _left(bare) == []


@pytest.mark.slow
def test_an_agent_that_hangs_is_stopped_at_its_time(place: Callable[[str], Path], typed: Type, bare: Path) -> None:
    began = time.monotonic()
    answer = typed("agents", "test", "helper", "--workspace", str(place("hangs")), "--timeout", "1s")
    assert answer.status == 1 and time.monotonic() - began < 60
    assert "helper did not do it" in answer.out and "waiting" in answer.out and "--timeout 10m" in answer.out
    assert _left(bare) == []


_TRIAL = """
import os, signal, sys
from autobuilds.cli.trying import orderly, scratch
with orderly(), scratch() as folder:
    (folder / "left").mkdir()
    try:
        os.kill(os.getpid(), int(sys.argv[1]))
    finally:
        os.kill(os.getpid(), int(sys.argv[1]))
        print("cleared up")
"""


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP, signal.SIGINT])
def test_a_trial_that_is_told_to_end_twice_leaves_nothing(number: int, tmp_path: Path) -> None:
    old = tmp_path / ".cache/autobuilds/agent-tests/trial-old"
    old.mkdir(parents=True)
    os.utime(old, (0, 0))
    argv = [sys.executable, "-c", _TRIAL, str(int(number))]
    done = subprocess.run(argv, env={**os.environ, "HOME": str(tmp_path)}, capture_output=True, text=True, check=False)
    assert "cleared up" in done.stdout
    assert done.returncode == (128 + number if number != signal.SIGINT else -number)
    assert list((tmp_path / ".cache/autobuilds/agent-tests").iterdir()) == []


def test_what_the_gates_hold_is_said(place: Callable[[str], Path], typed: Type) -> None:
    root = place("works")
    (root / "HEARTBEAT.md").write_text("---\nrequire_sandbox: landlock\n---\n")
    answer = typed("agents", "test", "helper", "--sandbox", "none", "--workspace", str(root))
    assert answer.status == 1 and "landlock is demanded" in " ".join(answer.out.split())
    answer = typed("agents", "test", "codex", "--workspace", str(root))
    assert answer.status == 1 and "agent codex is not installed" in answer.out and "> npm install -g @openai/codex" in answer.out


@pytest.mark.parametrize(
    ("args", "words"),
    [
        (["--timeout", "5"], '--timeout "5" is no span'),
        (["--sandbox", "jail"], "bubblewrap"),
        (["nobody"], "unknown agent 'nobody'"),
    ],
)
def test_what_cannot_be_meant_is_refused(args: list[str], words: str, bare: Path, typed: Type) -> None:
    agent = [] if args == ["nobody"] else ["command"]
    answer = typed("agents", "test", *agent, *args)
    assert answer.status == 2 and words in answer.err


def test_a_build_may_look_but_not_test(bare: Path, typed: Type, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AUTOBUILDS_ATTEMPT", "x-1")
    assert typed("agents").status == 0
    assert "refused inside a build" in typed("agents", "test", "command").err


def test_the_reference_says_what_the_presets_say() -> None:
    """Mend it with `python3 -m tests.cli.agents_page`."""
    page = agents_page.PAGE.read_text(encoding="utf-8")
    assert agents_page.renewed(page) == page
    assert all(made in page for made in agents_page.tables().values())
