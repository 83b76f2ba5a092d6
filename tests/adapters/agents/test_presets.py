"""Presets: the shipped ones, the owner's own, and what is refused."""

from __future__ import annotations

from pathlib import Path

import pytest

from autobuilds.adapters.agents.presets import Presets
from autobuilds.domain.sandbox import Network
from autobuilds.errors import BadInput

VERIFIED = ["command", "claude", "codex", "opencode", "gemini", "aider", "openclaw", "pi", "qwen", "copilot", "mini-swe-agent"]
SHIPPED = [*VERIFIED, "goose", "cursor", "amp"]


def test_the_shipped_presets() -> None:
    presets = Presets.load(None)
    assert list(presets.table) == SHIPPED
    assert all(p.install for p in presets.table.values() if p.name != "command")
    assert [p.name for p in presets.table.values() if p.verified] == VERIFIED
    assert [name for name in VERIFIED if presets.find(name).rules.ok] == VERIFIED[1:]
    assert [p.name for p in presets.table.values() if p.nests] == ["codex"]


#: The command lines as they were tried with the real programs: for a first run with the model M and the prompt P.
_LINES = {
    "claude": "claude -p --output-format stream-json --verbose --session-id {sid} --permission-mode acceptEdits --allowedTools Bash --add-dir {scratch} --model M",
    "codex": 'codex exec --json -s workspace-write -C {repo} --add-dir {scratch} -c shell_environment_policy.exclude=["*KEY*","*TOKEN*","*SECRET*"] -m M -',
    "opencode": "opencode run --format json -m M --title autobuilds",
    "gemini": "gemini -o stream-json --approval-mode yolo --skip-trust --session-id {sid} -m M",
    "openclaw": "openclaw agent exec --cwd {repo} --message-file - --json --timeout 86400 --model M",
    "pi": "pi -p --mode json --model M",
    "qwen": "qwen -o stream-json --approval-mode yolo --session-id {sid} -m M",
    "copilot": "copilot --allow-all-tools --output-format json --disable-builtin-mcps --trust-folder --model M",
    "mini-swe-agent": "mini -m M -y --exit-immediately -o {scratch}/agent-out -t P",
}
_RESUMED = {
    "claude": "claude -p --output-format stream-json --verbose --resume S-1 --permission-mode acceptEdits --allowedTools Bash --add-dir {scratch}",
    "codex": 'codex exec resume S-1 --json -c sandbox_mode="workspace-write" -c shell_environment_policy.exclude=["*KEY*","*TOKEN*","*SECRET*"] -',
    "opencode": "opencode run --format json -s S-1",
    "gemini": "gemini -o stream-json --approval-mode yolo --skip-trust --resume S-1",
    "pi": "pi -p --mode json --session S-1",
    "qwen": "qwen -o stream-json --approval-mode yolo --resume S-1",
}


@pytest.mark.parametrize("name", VERIFIED)
def test_command_lines(tmp_path: Path, name: str) -> None:
    folder = tmp_path / "runs" / "a-1"
    presets = Presets.load(None)
    first = presets.invocation(name, run_folder=folder, steps="true", model="M", prompt="P")
    bare = presets.invocation(name, run_folder=folder, steps="true", prompt="P")
    again = presets.invocation(name, run_folder=folder, steps="true", resume="S-1")
    places = {"{sid}": first.session or "", "{repo}": str(tmp_path / "clones" / "a-1"), "{scratch}": str(folder / "scratch")}

    def filled(line: str) -> tuple[str, ...]:
        for place, value in places.items():
            line = line.replace(place, value)
        return tuple(line.split())

    if name in _LINES:
        assert first.argv == filled(_LINES[name])
        assert bare.argv == filled(_LINES[name].replace(" --model M", "").replace(" -m M", ""))
    assert not first.resumes
    assert again.resumes is (name in _RESUMED)
    if name in _RESUMED:
        assert (again.argv, again.session) == (filled(_RESUMED[name]), "S-1")
    assert bare.stop == () if name == "command" else bare.stop[-1].signal == "SIGKILL"


@pytest.mark.parametrize("resume", ["--dangerously-skip-permissions", "", "a b", "x" * 200])
def test_what_is_no_session_is_not_resumed(tmp_path: Path, resume: str) -> None:
    made = Presets.load(None).invocation("claude", run_folder=tmp_path / "a-1", steps=None, resume=resume)
    assert not made.resumes
    assert "--session-id" in made.argv and "--resume" not in made.argv


@pytest.mark.parametrize("model", ["--yolo", "", "a{session}", "a\nb"])
def test_what_is_no_model_is_refused(tmp_path: Path, model: str) -> None:
    with pytest.raises(BadInput, match="no name of a model"):
        Presets.load(None).invocation("claude", run_folder=tmp_path / "a-1", steps=None, model=model)


def test_a_prompt_as_argument_has_a_limit(tmp_path: Path) -> None:
    presets, folder = Presets.load(None), tmp_path / "runs" / "a-1"
    longest = "ä" * 60_000
    assert presets.invocation("mini-swe-agent", run_folder=folder, steps=None, prompt=longest).argv[-1] == longest
    with pytest.raises(BadInput, match=r"120002 bytes.*holds 120000; shorten the task"):
        presets.invocation("mini-swe-agent", run_folder=folder, steps=None, prompt=longest + "ä")
    with pytest.raises(BadInput, match="NUL"):
        presets.invocation("mini-swe-agent", run_folder=folder, steps=None, prompt="a\0b")
    unknown = presets.invocation("mini-swe-agent", run_folder=folder, steps=None)
    assert str(folder / "prompt.md") in unknown.argv[-1]
    tricky = "{out} {steps} $(id) '"
    assert presets.invocation("mini-swe-agent", run_folder=folder, steps=None, prompt=tricky).argv[-1] == tricky


def test_what_a_sandbox_must_leave_open(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    presets, folder = Presets.load(None), tmp_path / "runs" / "a-1"
    for url, ports in (
        ("http://127.0.0.1:18777/v1", (18777,)),
        ("https://proxy.example/x", (443,)),
        ("http://proxy.example", (80,)),
        ("http://[broken", ()),
        ("http://x:99999", ()),
        ("nothing", ()),
    ):
        monkeypatch.setenv("ANTHROPIC_BASE_URL", url)
        made = presets.invocation("claude", run_folder=folder, steps=None)
        assert (made.ports, made.environment["ANTHROPIC_BASE_URL"]) == (ports, url)
    assert made.credentials == (".claude/.credentials.json",)
    assert made.environment["DISABLE_AUTOUPDATER"] == "1"
    assert made.network is None and not made.nests
    mini = presets.invocation("mini-swe-agent", run_folder=folder, steps=None)
    assert mini.rules.result_file == str(folder / "scratch" / "agent-out")


OWN = """
[mine]
argv = ["mine", "{model...}", "--at={repo}"]
model = ["-m", "{model}", "--think"]
network = "web"
ports = [11434]
readable = [".local/share/mine"]
stop = [["SIGHUP", 1.5], ["SIGKILL", 0]]
format = "jsonl"
[mine.picks]
done = { path = "done" }
[mine.ok]
done = true

[local]
based_on = "codex"
argv = ["codex", "exec", "--oss", "-"]
base_urls = []
ports = [11434]

[local-too]
based_on = "local"
nests = false
"""


def test_an_agent_of_the_owners_own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    (tmp_path / "agents.toml").write_text(OWN)
    presets = Presets.load(tmp_path)
    assert list(presets.table)[:3] == ["mine", "local", "local-too"]
    mine = presets.invocation("mine", run_folder=tmp_path / "r" / "a", steps=None, model="m1", clone=tmp_path / "c")
    assert mine.argv == ("mine", "-m", "m1", "--think", f"--at={tmp_path / 'c'}")
    assert (mine.network, mine.ports, mine.readable) == (Network.WEB, (11434,), (str(tmp_path / ".local/share/mine"),))
    assert [(s.signal, s.seconds) for s in mine.stop] == [("SIGHUP", 1.5), ("SIGKILL", 0)]
    assert mine.rules.ok[0].equals is True
    local, codex = presets.find("local"), presets.find("codex")
    assert (local.argv[2], local.rules, local.credentials, local.nests) == ("--oss", codex.rules, codex.credentials, True)
    assert (presets.find("local-too").argv, presets.find("local-too").nests) == (local.argv, False)


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
