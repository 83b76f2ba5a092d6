"""An agent that prints events: what is shown while it runs, what it leaves, how it is stopped, how its session is kept."""

from __future__ import annotations

import json
import os
import shutil
import signal
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from autobuilds.adapters import trials
from autobuilds.adapters.runners.local import LocalRunner
from autobuilds.adapters.supervisor.run_folder import RunFolder
from autobuilds.domain.build import Outcome
from autobuilds.domain.moment import Ending, RunState
from autobuilds.domain.sandbox import Tier, TierProbe
from autobuilds.ports import Job
from tests.adapters.attempts import DEMO, SHORT, left, wait_until
from tests.adapters.supervisor.agents import agent_job
from tests.conftest import git

CONTAINED = pytest.mark.skipif(shutil.which("bwrap") is None, reason="bubblewrap is not installed")


@pytest.fixture
def workspace(make_repo: Callable[..., Path]) -> Path:
    return make_repo({"README.md": "# Repo\n", ".gitignore": ".autobuilds/\nsubagents/\n"}, name="workspace")


@pytest.fixture
def runner(workspace: Path) -> Iterator[LocalRunner]:
    made = LocalRunner(workspace)
    yield made
    runs = workspace / ".autobuilds" / "runs"
    assert wait_until(lambda: not runs.is_dir() or not any(left(p.name) for p in runs.iterdir())), "processes were left behind"


def ending_of(runner: LocalRunner, job: Job) -> Ending:
    runner.submit(job)
    assert wait_until(lambda: runner.poll(job.attempt_id).ending is not None, 40.0), runner.logs(job.attempt_id)
    ending = runner.poll(job.attempt_id).ending
    assert ending is not None
    return ending


def shown(workspace: Path) -> str:
    path = workspace / "subagents" / "demo-progress.md"
    return path.read_text() if path.exists() else ""


WORK = """
put(t="todo", items=[{"text": "look", "state": "done"}, {"text": "write", "state": "doing"}])
put(t="say", text="I begin")
Path("x.txt").write_text("x")
put(t="edit", path=os.getcwd() + "/x.txt")
print("not json")
print("a warning", file=sys.stderr)
"""


def test_what_an_agent_prints_becomes_log_progress_and_record(runner: LocalRunner, workspace: Path) -> None:
    job = agent_job(workspace, WORK + "end(cost=0.25, tokens=12)")
    ending = ending_of(runner, job)
    assert (ending.outcome, ending.session, ending.model, ending.said) == (Outcome.PASSED, "s-1", "m-1", "All done.")
    assert (ending.usage.cost_usd, ending.usage.tokens_in) == (0.25, 12)
    log = runner.logs(job.attempt_id)
    for words in ("says I begin\n", "edits x.txt\n", "not json\n", "(stderr) a warning\n", "said: All done.\n", "0.2500 USD\n"):
        assert words in log
    assert '{"t"' not in log
    assert '"t": "todo"' in runner.logs(job.attempt_id, raw=True)
    page = shown(workspace)
    for words in ("edits x.txt", "- [x] look", "- `x.txt`", "status: done", "percent: 100"):
        assert words in page


def test_progress_is_live(runner: LocalRunner, workspace: Path) -> None:
    job = agent_job(workspace, WORK + f"open({str(workspace / 'up')!r}, 'w'); time.sleep(300)")
    runner.submit(job)
    assert wait_until(lambda: "edits x.txt" in shown(workspace))
    status = runner.poll(job.attempt_id)
    assert (status.state, status.percent) == (RunState.RUNNING, 50)
    assert "says I begin" in runner.logs(job.attempt_id)
    assert json.loads(RunFolder.of(workspace, DEMO).session.read_text()) == {"id": "s-1"}
    runner.cancel(job.attempt_id, Outcome.STOPPED, "enough")


@pytest.mark.slow
def test_an_agent_that_claims_success_and_did_nothing(runner: LocalRunner, workspace: Path) -> None:
    assert ending_of(runner, agent_job(workspace, "end()")).outcome is Outcome.NO_CHANGE


@pytest.mark.slow
def test_exit_status_zero_does_not_hide_a_failure(runner: LocalRunner, workspace: Path) -> None:
    ending = ending_of(runner, agent_job(workspace, "Path('x').write_text('x')\nend(ok=False, error='401 invalid api key')"))
    assert ending.outcome is Outcome.AGENT_FAILED
    assert ending.failure == "authentication"
    assert git(workspace, "show", "build/demo:x") == "x"


@pytest.mark.slow
def test_an_agents_own_log_is_shown_instead(runner: LocalRunner, workspace: Path) -> None:
    own = "Path(os.environ['AUTOBUILDS_PROGRESS']).write_text('---\\npercent: 33\\n---\\n## Log\\n- mine\\x1b[31m\\n')\n"
    job = agent_job(workspace, own + "time.sleep(300)")
    runner.submit(job)
    assert wait_until(lambda: runner.poll(job.attempt_id).percent == 33)
    assert "- mine\n" in shown(workspace)
    assert "\x1b" not in shown(workspace)
    runner.cancel(job.attempt_id, Outcome.STOPPED, "enough")


@pytest.mark.slow
@pytest.mark.parametrize("plant", ["os.mkfifo(p)", "os.symlink('/etc/passwd', p)", "open(p, 'wb').truncate(8 << 30)", "os.mkdir(p)"])
def test_an_odd_log_is_not_read(runner: LocalRunner, workspace: Path, plant: str) -> None:
    script = f"p = os.environ['AUTOBUILDS_PROGRESS']\nos.unlink(p)\n{plant}\nPath('x').write_text('x')\nput(t='say', text='hi')\nend()"
    assert ending_of(runner, agent_job(workspace, script)).outcome is Outcome.PASSED
    assert "root:" not in shown(workspace)
    assert len(shown(workspace)) < 400_000


@pytest.mark.slow
def test_an_answer_in_the_log_leaves_it_ours(runner: LocalRunner, workspace: Path) -> None:
    entry = "- 2026-02-06 15:00 Answer of the owner: take the second one"
    add = f"p = Path(os.environ['AUTOBUILDS_PROGRESS'])\np.write_text(p.read_text().replace('## Log\\n', '## Log\\n{entry}\\n'))\n"
    job = agent_job(workspace, add + "put(t='say', text='working')\ntime.sleep(300)")
    runner.submit(job)
    assert wait_until(lambda: "says working" in shown(workspace) and "take the second one" in shown(workspace))
    runner.cancel(job.attempt_id, Outcome.STOPPED, "enough")


def test_interrupted_it_still_says_what_it_cost(runner: LocalRunner, workspace: Path) -> None:
    script = f"""
def leave(*_):
    end(ok=False, error="aborted", cost=0.5)
signal.signal(signal.SIGINT, leave)
open({str(workspace / "up")!r}, "w")
time.sleep(300)
"""
    job = agent_job(workspace, script)
    runner.submit(job)
    assert wait_until((workspace / "up").exists)
    ending = runner.cancel(job.attempt_id, Outcome.STOPPED, "enough").ending
    assert ending is not None
    assert (ending.outcome, ending.usage.cost_usd) == (Outcome.STOPPED, 0.5)


def test_the_home_is_private_and_swept_when_the_build_is_over(
    runner: LocalRunner, workspace: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    owner = tmp_path / "owner"
    (owner / ".robot").mkdir(parents=True)
    (owner / ".robot" / "auth.json").write_text('{"access": "a1"}')
    (owner / ".gitconfig").write_text("[user]\n\tname = Owner\n[commit]\n\tgpgSign = true\n")
    monkeypatch.setenv("HOME", str(owner))
    script = """
home = Path(os.environ["HOME"])
Path("seen").write_text((home / ".robot/auth.json").read_text() + str(home))
(home / ".robot/auth.json").write_text('{"access": "a2"}')
subprocess.run(["git", "commit", "-q", "--allow-empty", "-m", "mine"], check=True)
end()
"""
    job = agent_job(workspace, script, credentials=(".robot/auth.json",))
    assert ending_of(runner, job).outcome is Outcome.PASSED
    seen = git(workspace, "show", "build/demo:seen")
    assert seen.startswith('{"access": "a1"}') and str(owner) not in seen
    assert (owner / ".robot" / "auth.json").read_text() == '{"access": "a2"}'
    assert "Owner" not in git(workspace, "log", "--format=%an", "build/demo", "^main")
    home = workspace / ".autobuilds" / "homes" / "demo"
    runner.sweep({job.attempt_id})
    assert home.is_dir()
    assert runner.sweep(set()) > 0
    assert not home.exists()


@pytest.mark.slow
def test_a_resumed_session_finds_its_folder(runner: LocalRunner, workspace: Path) -> None:
    first = agent_job(
        workspace, "Path('half').write_text(os.getcwd())\ntime.sleep(300)", limits=replace(SHORT, timeout=timedelta(seconds=1.5))
    )
    cut = ending_of(runner, first)
    assert (cut.outcome, cut.session) == (Outcome.TIMEOUT, "s-1")
    clone = str(RunFolder.of(workspace, DEMO).clone)
    script = "Path('whole').write_text(Path('half').read_text() + '\\n' + os.getcwd())\nend()"
    second = agent_job(
        workspace,
        script,
        attempt_id=f"{DEMO}-again",
        clone=clone,
        session="s-1",
        resumes=True,
        start_commit=cut.head_commit,
        label="demo",
        branch="build/demo",
    )
    assert ending_of(runner, second).outcome is Outcome.PASSED
    assert git(workspace, "show", "build/demo:whole").split("\n") == [clone, clone]


def test_a_killed_supervisor_loses_no_session(runner: LocalRunner, workspace: Path) -> None:
    job = agent_job(workspace, WORK + "put(cost=0.75)\n" + f"open({str(workspace / 'up')!r}, 'w')\ntime.sleep(300)")
    status = runner.submit(job)
    assert wait_until((workspace / "up").exists)
    assert status.pid is not None
    os.kill(status.pid, signal.SIGKILL)
    assert wait_until(lambda: runner.poll(job.attempt_id).state is RunState.LOST)
    ending = runner.poll(job.attempt_id).ending
    assert ending is not None
    assert (ending.session, ending.usage.cost_usd) == ("s-1", 0.75)
    assert not left(job.attempt_id)


def test_no_key_is_in_the_environment_of_a_supervisor(runner: LocalRunner, workspace: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ROBOT_KEY", "canary-1234")
    runner.passed = lambda: frozenset({"ROBOT_KEY"})
    note = workspace / "then.txt"
    then = ("/bin/sh", "-c", f'printf %s "$ROBOT_KEY" > {note}.part && mv {note}.part {note}')
    job = agent_job(workspace, "time.sleep(300)", then=then)
    status = runner.submit(job)
    environment = Path(f"/proc/{status.pid}/environ")
    if environment.exists():
        assert b"canary-1234" not in environment.read_bytes()
    runner.cancel(job.attempt_id, Outcome.STOPPED, "enough")
    assert wait_until(note.exists)
    assert note.read_text() == "canary-1234"


@CONTAINED
@pytest.mark.parametrize("tier", [Tier.BWRAP_LANDLOCK, pytest.param(Tier.LANDLOCK, marks=pytest.mark.slow)])
def test_contained_it_works_and_reaches_nothing_else(runner: LocalRunner, workspace: Path, tier: Tier) -> None:
    script = f"""
for path in ({str(workspace / "README.md")!r}, {str(workspace / ".git/hooks/post-commit")!r}):
    try:
        Path(path).write_text("owned")
    except OSError:
        pass
Path("x.txt").write_text(os.environ["HOME"])
Path(os.environ["HOME"], "state").write_text("s")
subprocess.run(["git", "add", "-A"], check=True)
subprocess.run(["git", "commit", "-q", "-m", "mine"], check=True)
Path(os.environ["AUTOBUILDS_PROGRESS"]).write_text("---\\npercent: 70\\n---\\n")
end()
"""
    overwrite = f"echo owned > {workspace}/README.md || true"
    job = agent_job(workspace, script, tier=tier, checks=["test -s x.txt", "echo more > made-by-a-check", overwrite])
    ending = ending_of(runner, job)
    assert (ending.outcome, ending.sandbox) == (Outcome.PASSED, tier.value), (ending, runner.logs(DEMO))
    assert (workspace / "README.md").read_text() == "# Repo\n"
    assert not (workspace / ".git" / "hooks" / "post-commit").exists()
    assert "percent: 70" in shown(workspace)
    assert git(workspace, "log", "--format=%s", "build/demo", "^main") == "mine"


def test_checks_get_no_key_of_the_agent(runner: LocalRunner, workspace: Path) -> None:
    path = {"PATH": os.environ["PATH"]}
    job = agent_job(workspace, "Path('x').write_text(os.environ['ROBOT_KEY'][:6])\nend()", checks=['test -z "$ROBOT_KEY" && test -s x'])
    job = replace(job, environment={**path, "ROBOT_KEY": "canary-1234"}, check_environment=path)
    assert ending_of(runner, job).outcome is Outcome.PASSED


@pytest.mark.parametrize("tier", [None, *(pytest.param(t, marks=CONTAINED) for t in (Tier.BWRAP_LANDLOCK, Tier.BWRAP, Tier.LANDLOCK))])
def test_temporary_files_lie_beside_the_home(runner: LocalRunner, workspace: Path, tier: Tier | None) -> None:
    """Codex makes nothing of a home below the folder for temporary files; the workspace of this test lies in that of the machine."""
    assert str(workspace).startswith(tempfile.gettempdir() + "/")
    script = """
import tempfile
place, home = Path(tempfile.gettempdir()).resolve(), Path(os.environ["HOME"]).resolve()
with tempfile.NamedTemporaryFile() as file:
    Path("seen").write_text(f"{place}\\n{home}\\n{home.is_relative_to(place)} {Path(file.name).exists()}")
end()
"""
    assert ending_of(runner, agent_job(workspace, script, tier=tier)).outcome is Outcome.PASSED, runner.logs(DEMO)
    seen = git(workspace, "show", "build/demo:seen").split("\n")
    assert seen[2] == "False True", seen
    assert seen[0] == str(RunFolder.of(workspace, DEMO).temporary.resolve())


@pytest.mark.parametrize(
    "tier", [None, pytest.param(Tier.BWRAP_LANDLOCK, marks=CONTAINED), pytest.param(Tier.LANDLOCK, marks=[CONTAINED, pytest.mark.slow])]
)
def test_checks_have_an_empty_home_of_their_own(
    runner: LocalRunner, workspace: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, tier: Tier | None
) -> None:
    owner = tmp_path / "owner"
    owner.mkdir()
    (owner / "auth.json").write_text("{}")
    monkeypatch.setenv("HOME", str(owner))
    home = workspace / ".autobuilds" / "homes" / "demo"
    seen = 'test -z "$(ls -A "$HOME" | grep -v "^[.]tmp$")" && mkdir "$HOME/locked" && touch "$HOME/locked/x" && chmod 500 "$HOME/locked"'
    checks = [seen, f'test -d "$HOME/locked" && test "$HOME" != {home}', *([f"! cat {home}/auth.json"] if tier else [])]
    script = "Path('x').write_text('x')\nPath(os.environ['HOME'], 'auth.json').read_text()\nend()"
    ending = ending_of(runner, agent_job(workspace, script, tier=tier, checks=checks, credentials=("auth.json",)))
    assert ending.outcome is Outcome.PASSED, ending
    assert not RunFolder.of(workspace, DEMO).check_home.exists()


@CONTAINED
def test_contained_it_is_asked_before_it_is_ended(runner: LocalRunner, workspace: Path) -> None:
    script = """
def leave(*_):
    Path("last").write_text("words")
    end(ok=False, error="aborted", cost=0.5)
signal.signal(signal.SIGINT, leave)
subprocess.Popen(["sh", "-c", "trap '' TERM INT HUP; while :; do sleep 1; done"], start_new_session=True)
put(t="say", text="up")
time.sleep(300)
"""
    job = agent_job(workspace, script, tier=Tier.BWRAP_LANDLOCK)
    runner.submit(job)
    assert wait_until(lambda: "says up" in runner.logs(job.attempt_id))
    ending = runner.cancel(job.attempt_id, Outcome.STOPPED, "enough").ending
    assert ending is not None
    assert ending.usage.cost_usd == 0.5
    assert git(workspace, "show", f"{ending.head_commit}:last") == "words"
    assert not left(job.attempt_id)


@CONTAINED
def test_nothing_outlives_a_killed_supervisor_of_a_contained_agent(runner: LocalRunner, workspace: Path) -> None:
    script = "subprocess.Popen(['sleep', '300'], start_new_session=True, env={})\nput(t='say', text='up')\ntime.sleep(300)"
    job = agent_job(workspace, script, tier=Tier.BWRAP_LANDLOCK)
    status = runner.submit(job)
    assert wait_until(lambda: "says up" in runner.logs(job.attempt_id))
    assert status.pid is not None
    os.kill(status.pid, signal.SIGKILL)
    assert wait_until(lambda: not left(job.attempt_id), 5.0), "bubblewrap's programs end with their supervisor"
    assert wait_until(lambda: runner.poll(job.attempt_id).state is RunState.LOST)


def test_a_tier_that_does_not_hold_any_more_starts_nothing(
    runner: LocalRunner, workspace: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    fake = tmp_path / "bin" / "bwrap"
    fake.parent.mkdir()
    fake.write_text("#!/bin/sh\necho 'bwrap: setting up uid map: Permission denied' >&2\nexit 1\n")
    fake.chmod(0o755)
    monkeypatch.setenv("PATH", f"{fake.parent}:{os.environ['PATH']}")
    trials.keep([TierProbe(tier=Tier.BWRAP, works=True)])
    assert trials.recall() is not None
    ending = ending_of(runner, agent_job(workspace, f"open({str(workspace / 'ran')!r}, 'w')\nend()", tier=Tier.BWRAP))
    assert ending.outcome is Outcome.NOT_STARTED, "another sandbox may be chosen; that costs no try"
    assert trials.recall() is None, "nobody who looks is told any more that it works"
    assert "bubblewrap does not work any more" in ending.reason
    assert ending.sandbox is None
    assert not (workspace / "ran").exists()


def test_a_disk_that_fills_up_stops_the_build(runner: LocalRunner, workspace: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from autobuilds.adapters.supervisor import watch
    from autobuilds.adapters.supervisor.waking import Wake

    free = iter([100 * 1024**2, 100 * 1024**2, *[10 * 1024**2] * 1000])
    monkeypatch.setattr(watch, "free_space", lambda _: next(free))
    watcher = watch.Watcher(attempt_id="disk-1", wake=Wake(), asked=lambda: None, alone=False)
    bounds = watch.Bounds(seconds=20, silence=None, output_bytes=1000, what="", disk=workspace, free_bytes=40 * 1024**2)
    found = watcher.run(["sleep", "60"], cwd=workspace, environment={"PATH": os.environ["PATH"]}, output=workspace / "out", bounds=bounds)
    assert found.stop is not None and found.stop.outcome is Outcome.TIMEOUT
    assert "filled the disk: 10 MiB are left" in found.stop.reason


@pytest.mark.slow
def test_output_is_bounded_together(runner: LocalRunner, workspace: Path) -> None:
    script = "import itertools\nfor n in itertools.count():\n    print('x' * 999)\n    print('e' * 999, file=sys.stderr)\n"
    job = agent_job(workspace, script, limits=replace(SHORT, output_bytes=200_000))
    ending = ending_of(runner, job)
    assert ending.outcome is Outcome.TIMEOUT and "200000 bytes" in ending.reason
    folder = RunFolder.of(workspace, DEMO)
    assert folder.stdout.stat().st_size + folder.stderr.stat().st_size <= 200_000
    assert Path(job.log_file).stat().st_size <= 200_000
