"""No process inside a build acts for the owner: by its marker, and where it took that away, by whose child it is."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from autobuilds.adapters.ancestry import build_above
from autobuilds.cli import app
from autobuilds.cli.guard import INSIDE, Inside
from autobuilds.cli.historical import SCRIPTS
from tests.cli.conftest import Desk
from tests.conftest import git
from tests.runtime.loop import details, make_loop

#: A command line for each command that is refused or, with these options, acts.
ACTS: dict[str, list[str]] = {
    "simulate": ["--sample"],
    "context": ["set", "away"],
    "weekend": ["start", "1"],
    "problems": ["fix"],
    "init": ["--yes"],
    "demo": [],
    "install": ["--no-probe"],
    "uninstall": [],
    "add": ["y"],
    "set": ["x", "approved", "yes"],
    "tick": ["x", "1"],
    "approve": ["x"],
    "block": ["x", "y"],
    "unblock": ["x"],
    "cancel": ["x"],
    "reopen": ["x"],
    "import": ["BUILD_QUEUE.md", "--yes"],
    "heartbeat": [],
    "spawn": ["x"],
    "answer": ["x", "y"],
    "retry": ["x"],
    "stop": ["x"],
    "complete": ["x"],
    "fail": ["x"],
    "pr": ["x"],
    "accept": ["x"],
    "reject": ["x", "--because", "y"],
    "undo": ["x"],
    "bisect": ["x", "true"],
    "pause": [],
    "resume": [],
    "report": [],
    "brief": ["--write"],
    "memory": ["add", "x"],
    "fsck": ["--rebuild"],
    "probe": ["nonce"],
    "agents": ["test", "command"],
    "overnight": ["start"],
}
#: A command line for each command that only looks, and for those that look with these options.
LOOKS: dict[str, list[str]] = {
    "doctor": [],
    "config": [],
    "completion": ["bash"],
    "list": [],
    "show": ["fix-the-clock"],
    "check": [],
    "assess": [],
    "status": [],
    "why": [],
    "plan": [],
    "next": [],
    "log": ["fix-the-clock"],
    "review": ["fix-the-clock"],
    "heartbeat": ["--check"],
    "import": ["BUILD_QUEUE.md", "--dry-run"],
    "report": ["--stdout"],
    "brief": [],
    "context": ["detect"],
    "weekend": ["progress"],
    "problems": ["list"],
    "memory": ["search", "x"],
    "fsck": [],
    "overnight": ["status"],
}
SCRIPT_ACTS: dict[str, list[list[str]]] = {
    "auto_build_manager": [[], ["--monitor"], ["--fail", "x"], ["--complete", "x"]],
    "add_build_task": [["--name", "x", "--desc", "y"]],
    "spawn_agent": [["--label", "x"]],
    "generate-build-report": [[]],
    "generate-morning-brief": [[]],
    "overnight_runner": [["start"], ["report"], ["brief"]],
    "autonomous_queue": [["add", "x", "y", "1", "Infrastructure", "high"]],
    "problem_predictor": [["fix"]],
    "weekend_planner": [["start"]],
}
COMMANDS = {*(name for group in app.COMMANDS.values() for name in group), *app.HIDDEN}


def test_every_command_is_classified() -> None:
    assert set(INSIDE) >= COMMANDS, "say in cli/guard.py what a new command may do inside a build"
    acting = {name for name in COMMANDS if INSIDE[name] is not Inside.LOOKS}
    assert acting <= set(ACTS), "and give a command line of it here"
    assert {name for name in COMMANDS if INSIDE[name] is Inside.PARTLY} - {"agents"} <= set(LOOKS)
    assert set(SCRIPT_ACTS) | {"build_status", "build_scheduler", "context_scheduler"} == set(SCRIPTS)


@pytest.mark.parametrize("marker", ["x-1", ""])
def test_a_build_may_not_act(desk: Desk, monkeypatch: pytest.MonkeyPatch, marker: str) -> None:
    monkeypatch.delenv("AUTOBUILDS_NOW")
    monkeypatch.setenv("AUTOBUILDS_ATTEMPT", marker)
    for command, more in ACTS.items():
        if command not in COMMANDS:
            continue
        hidden = [[command, *more, "--", "--help"]] if INSIDE[command] is Inside.REFUSED else []
        for line in ([command, *more], *hidden):
            said = desk.type(*line)
            assert (said.status, said.out) == (2, ""), line
            assert "is refused inside a build" in said.err, line
    assert git(desk.root, "status", "--short") == ""
    assert not (desk.root / ".autobuilds").exists()


def test_a_build_may_look(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("AUTOBUILDS_NOW")
    monkeypatch.setenv("AUTOBUILDS_ATTEMPT", "x-1")
    for command, more in LOOKS.items():
        assert "refused inside a build" not in desk.type(command, *more).err, command
    assert "Usage" in desk.type("approve", "--help").out
    assert git(desk.root, "status", "--short") == ""


def test_the_scripts_of_the_first_generation_are_guarded_too(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    from autobuilds.cli.historical import run_script

    monkeypatch.delenv("AUTOBUILDS_NOW")
    monkeypatch.setenv("AUTOBUILDS_ATTEMPT", "x-1")
    for name, lines in SCRIPT_ACTS.items():
        for line in lines:
            assert run_script(name, line, str(desk.root / "scripts" / f"{name}.py")) == 2, (name, line)
    assert git(desk.root, "status", "--short") == ""


#: How a build may take its marker away before it calls the program.
STRIPPED = {
    "as it is": "{run}",
    "unset": "unset AUTOBUILDS_ATTEMPT; {run}",
    "emptied environment": 'env -i HOME="$HOME" PATH="$PATH" {run}',
    "own session": 'env -i HOME="$HOME" PATH="$PATH" setsid -w {run}',
    "parent gone": 'env -i HOME="$HOME" PATH="$PATH" sh -c \'({run}; echo $? > {out}.late) & exit 0\'; while ! test -s {out}.late; do sleep 0.05; done',
}


@pytest.mark.slow
@pytest.mark.skipif(sys.platform != "linux", reason="ancestors are asked of /proc")
def test_a_build_that_runs_heartbeats_and_approves_starts_nothing(make_repo: Callable[..., Path], tmp_path: Path) -> None:
    python = f"{sys.executable} -P -m autobuilds"
    rows = []
    for number, (name, form) in enumerate(STRIPPED.items()):
        for verb in ("heartbeat", "approve", "spawn") if name == "unset" else ("heartbeat",):
            out = tmp_path / f"{number}-{verb}"
            label = "" if verb == "heartbeat" else " clean-up"
            run = f"{python} {verb} --workspace {tmp_path}/workspace{label} > {out} 2>&1"
            rows.append((name, verb, out, form.format(run=run, out=out)))
    steps = "\n  ".join(["set +e", *(row[3] for row in rows), "echo hello > a.txt"])
    other = details("Clean up", file="b.txt", extra="- **Category:** External actions\n").replace("- **Category:** Bug fixes\n", "")
    loop = make_loop(make_repo, details("Say hello", steps=steps), other)
    loop.run()
    assert loop.state() == "review"
    for name, verb, out, _ in rows:
        assert "is refused inside a build" in out.read_text(), (name, verb, out.read_text())
    ledger = loop.context.workspace.ledger()
    assert [b.label for b in ledger.builds] == ["say-hello"]
    assert ledger.approvals == ()
    assert "approved" not in loop.queue.read_text().casefold()


def test_who_descends_from_a_build(tmp_path: Path) -> None:
    runs = tmp_path / ".autobuilds" / "runs"
    (runs / "x-1-0").mkdir(parents=True)
    ask = "import os, sys; from pathlib import Path; from autobuilds.adapters.ancestry import build_above; print(build_above(Path(sys.argv[1])))"

    def below(marker: str) -> str:
        inner = ["env", "-i", f"PATH={os.environ['PATH']}", sys.executable, "-P", "-c", ask, str(tmp_path)]
        outer = [sys.executable, "-c", "import subprocess, sys; print(subprocess.check_output(sys.argv[1:], text=True))", *inner]
        done = subprocess.run(outer, env={**os.environ, "AUTOBUILDS_ATTEMPT": marker}, capture_output=True, text=True, check=True)
        return done.stdout.strip()

    if sys.platform == "linux":
        assert below("x-1-0") == "x-1-0"
    for elsewhere in ("y-1-0", "", ".", "..", "../runs/x-1-0", "/"):
        assert below(elsewhere) == "None", "a workspace that a build made for itself is its own"
    assert build_above(tmp_path) is None
