"""What a supervisor leaves: the ending that is made for it, what is known of it meanwhile, and what is removed of it later."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import time
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from autobuilds.adapters import processes
from autobuilds.adapters.agents.schema import parse
from autobuilds.adapters.runners import recovery
from autobuilds.adapters.runners.local import LocalRunner, _ended, _modified, bury
from autobuilds.adapters.runners.recovery import recover, stop_left, why_lost
from autobuilds.adapters.runners.sweeping import sweep
from autobuilds.adapters.supervisor.records import Known, Saved, Start, StopRequest, write_record
from autobuilds.adapters.supervisor.run_folder import RunFolder
from autobuilds.domain.build import Outcome, Usage
from autobuilds.domain.moment import Ending, RunState, RunStatus
from autobuilds.ports import DiffStat, Job
from autobuilds.records import replace
from tests.adapters.attempts import job_for, wait_until
from tests.conftest import git

NOW = datetime(2026, 2, 6, 15, tzinfo=UTC)
ENDED = Ending(outcome=Outcome.PASSED, reason="fine", ended=NOW)
ELSEWHEN = Start(at=NOW, pid=os.getpid(), created=1.0, boot="another boot")
DAY = 86_400
RULES = """
format = "jsonl"
[x.picks]
session = { path = "session" }
model = { path = "model" }
said = { path = "said" }
tokens_in = { path = "in" }
tokens_out = { path = "out" }
cost_usd = { path = "cost" }
"""


class Desk:
    """A workspace with run folders in it."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.runner = LocalRunner(root)

    def folder(
        self, name: str = "demo-1", *, ending: Ending | None = None, start: Start | None = None, job: Job | None = None
    ) -> RunFolder:
        folder = RunFolder.of(self.root, name)
        folder.make()
        for path, value in ((folder.exit, ending), (folder.start, start), (folder.spec, job)):
            if value is not None:
                write_record(path, value)
        return folder

    def job(self, name: str = "demo-1", **more: Any) -> Job:
        return job_for(self.root, "true", attempt_id=name, **more)


@pytest.fixture
def desk(make_repo: Callable[..., Path]) -> Desk:
    return Desk(make_repo({"a": "a\n", ".gitignore": ".autobuilds/\nsubagents/\n"}, name="workspace"))


def filled(path: Path, size: int = 10) -> Path:
    path.mkdir(parents=True, exist_ok=True)
    (path / "file").write_bytes(b"x" * size)
    return path


# The ending of what has none.


def test_an_ending_without_an_intent_says_what_is_known(desk: Desk) -> None:
    folder = desk.folder()
    found = recover(folder, ELSEWHEN, Outcome.STOPPED, "enough")
    assert found is not None and abs((found.ended - datetime.now(UTC)).total_seconds()) < 60
    assert found == Ending(outcome=Outcome.STOPPED, reason="enough", ended=found.ended) == folder.read_exit()
    assert recover(folder, ELSEWHEN, Outcome.LOST, "later") == found, "the first record counts"


def test_an_ending_holds_what_the_agent_printed_and_what_was_saved(desk: Desk, tmp_path: Path) -> None:
    rules = parse(f'[x]\nargv = ["x"]\n{RULES}', "agents.toml", own=True)["x"].rules
    key = "sk-0123456789abcdef"
    own = tmp_path / "owner" / "auth.json"
    own.parent.mkdir()
    own.write_text('{"token": "old"}')
    job = desk.job(agent="x", rules=rules, environment={"X_KEY": key}, home=str(tmp_path / "home"), credentials=("auth.json",))
    folder = desk.folder(job=job)
    stat = DiffStat(paths=("a", "b"), added=3, removed=4)
    write_record(folder.saved, Saved(commit="c" * 40, stat=stat, notes=("odd",)))
    filled(folder.clone)
    event = {"session": "s", "model": "m", "said": f"{key} " + "x" * 700, "in": 5, "out": 6, "cost": 0.5}
    folder.stdout.write_text(json.dumps(event) + "\n")
    Path(job.log_file).parent.mkdir(parents=True)
    Path(job.log_file).write_text("x" * 5000 + f"\n{'y' * 4000}{key}\n")
    found = recover(folder, ELSEWHEN, Outcome.LOST, f"gone with {key}")
    assert found is not None
    assert found == Ending(
        outcome=Outcome.LOST,
        reason="gone with [value of X_KEY]",
        ended=found.ended,
        head_commit="c" * 40,
        changed_paths=("a", "b"),
        files_changed=2,
        lines_added=3,
        lines_removed=4,
        notes=("odd",),
        tail="y" * 4000 + "[value of X_KEY]\n",
        sandbox="none",
        session="s",
        model="m",
        said=found.said,
        usage=Usage(tokens_in=5, tokens_out=6, cost_usd=0.5),
    )
    assert found.said is not None and found.said.startswith("[value of X_KEY] xxx") and found.said.endswith("…")
    assert key not in Path(job.log_file).read_text() + folder.stdout.read_text()


def test_tokens_come_back_from_the_home_of_a_dead_supervisor(desk: Desk, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from autobuilds.adapters.supervisor.home import Home

    own = tmp_path / "owner" / "auth.json"
    own.parent.mkdir()
    own.write_text('{"token": "old"}')
    monkeypatch.setenv("HOME", str(own.parent))
    job = desk.job(home=str(tmp_path / "home"), credentials=("auth.json",))
    folder = desk.folder(job=job)
    Home(path=tmp_path / "home", credentials=("auth.json",), owner={"HOME": str(own.parent)}).prepare(folder)
    (tmp_path / "home" / "auth.json").write_text('{"token": "new"}')
    recover(folder, ELSEWHEN, Outcome.LOST, "gone")
    assert own.read_text() == '{"token": "new"}'


def test_work_is_saved_or_said_to_stay(desk: Desk) -> None:
    job = desk.job()
    folder = desk.folder(job=job)
    git(desk.root, "clone", "-q", "--shared", str(desk.root), str(folder.clone))
    (folder.clone / "new.txt").write_text("new\n")
    found = recover(folder, ELSEWHEN, Outcome.LOST, "gone")
    assert found is not None and found.reason == "gone" and found.changed_paths == ("new.txt",)
    assert git(desk.root, "rev-parse", "build/demo") == found.head_commit
    saved = json.loads(folder.saved.read_text())
    assert saved["commit"] == found.head_commit
    assert git(desk.root, "log", "-1", "--format=%s", "build/demo") == "Demo: work of attempt 1"
    other = desk.folder("other-1", job=replace(desk.job("other-1"), repository=str(desk.root / "none")))
    filled(other.clone)
    lost = recover(other, ELSEWHEN, Outcome.LOST, "gone")
    assert lost is not None and lost.head_commit is None and lost.notes == ()
    assert lost.reason.startswith("gone; its work could not be saved (") and lost.reason.endswith(f") and stays in {other.clone}")


def test_nothing_is_recorded_while_something_runs(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = desk.folder(job=desk.job())
    monkeypatch.setattr(processes, "stop_all", lambda *_, **__: False)
    assert recover(folder, replace(ELSEWHEN, boot=processes.boot_id()), Outcome.LOST, "gone") is None
    assert not folder.exit.exists()
    monkeypatch.setattr(recovery, "stop_left", lambda *_: True)
    assert recover(folder, ELSEWHEN, Outcome.LOST, "gone") is not None


def test_what_was_seen_last_is_stopped_with_all_below_it(desk: Desk) -> None:
    folder = desk.folder(f"left-{os.getpid()}")
    start = replace(ELSEWHEN, boot=processes.boot_id())
    script = ["sh", "-c", "trap 'exit 0' TERM; sleep 60 & wait"]
    with subprocess.Popen(script, start_new_session=True) as child:
        assert wait_until(lambda: len(processes.descendants(child.pid)) == 1)
        (below,) = processes.descendants(child.pid)
        who = processes.identity(child.pid)
        assert who is not None
        for known in (
            Known(boot="another", processes=((who.pid, who.created),)),
            Known(boot=start.boot, processes=((who.pid, who.created - 60),)),
        ):
            write_record(folder.known, known)
            assert stop_left(folder, start) and processes.alive(who)
        folder.known.write_text("{")
        assert stop_left(folder, start) and processes.alive(who)
        write_record(folder.known, Known(boot=start.boot, processes=((who.pid, who.created),)))
        assert stop_left(folder, ELSEWHEN) and processes.alive(who), "after another start of the machine it is somebody else's"
        assert stop_left(folder, start) and not processes.alive(who) and not processes.alive(below)
    marked = subprocess.Popen(["sleep", "60"], env={**os.environ, processes.MARKER: folder.attempt_id})
    assert wait_until(lambda: bool(processes.marked(folder.attempt_id)))
    assert stop_left(folder, start)
    assert not processes.marked(folder.attempt_id)
    marked.wait()


def test_why_there_is_no_record(desk: Desk) -> None:
    folder = desk.folder()
    plain = "the supervisor ended without an exit record (reboot or kill)"
    assert why_lost(folder) == plain
    word = "the supervisor could not record how the attempt ended"
    folder.own_log.write_text(f"x {word}\n")
    assert why_lost(folder) == plain
    folder.own_log.write_text(f"{word} (1)\nnoise\n{word} (2) {'x' * 700}\nmore\n")
    found = why_lost(folder)
    assert found.startswith(f"{word} (2) xxx") and len(found) == 600


# What is known meanwhile.


def test_what_is_known_of_a_running_attempt(desk: Desk) -> None:
    folder = desk.folder()
    assert desk.runner._running(folder) == RunStatus(state=RunState.RUNNING)
    start = Start(at=NOW, pid=7, created=1.5, boot="b")
    write_record(folder.start, start)
    assert desk.runner._running(folder) == RunStatus(state=RunState.RUNNING)
    job = desk.job()
    write_record(folder.spec, job)
    status = desk.runner._running(folder)
    assert status == RunStatus(state=RunState.RUNNING, pid=7, pid_created=1.5, active_at=NOW)
    write_record(folder.usage, Usage(tokens_in=5))
    Path(job.progress_file).parent.mkdir(parents=True)
    Path(job.log_file).parent.mkdir(parents=True)
    folder.scratch.mkdir()
    moment = NOW.timestamp()
    for number, path in enumerate((Path(job.log_file), Path(job.progress_file), folder.progress, folder.stdout, folder.pulse), 1):
        path.write_text("---\npercent: 40\n---\n")
        os.utime(path, (0, moment + 60 * number))
        found = desk.runner._running(folder)
        assert found.active_at is not None and found.active_at.timestamp() == moment + 60 * number, path
    assert (found.percent, found.usage) == (40, Usage(tokens_in=5))
    write_record(folder.start, replace(start, tombstone=True))
    assert desk.runner._running(folder) == RunStatus(state=RunState.RUNNING)
    assert _modified(folder.path / "none") is None and _modified(folder.pulse) == datetime.fromtimestamp(moment + 300, UTC)


def test_an_ending_names_its_process(desk: Desk) -> None:
    folder = desk.folder()
    lost = replace(ENDED, outcome=Outcome.LOST)
    assert _ended(folder, ENDED) == RunStatus(state=RunState.ENDED, ending=ENDED)
    assert _ended(folder, lost) == RunStatus(state=RunState.LOST, ending=lost)
    write_record(folder.start, Start(at=NOW, pid=7, created=1.5, boot="b"))
    assert _ended(folder, ENDED) == RunStatus(state=RunState.ENDED, pid=7, pid_created=1.5, ending=ENDED)
    write_record(folder.start, Start(at=NOW, tombstone=True))
    assert _ended(folder, lost) == RunStatus(state=RunState.LOST, ending=lost)


def test_a_look_changes_nothing(desk: Desk) -> None:
    runner = desk.runner
    assert runner.peek("demo-1") == runner.peek("none-1") == RunStatus(state=RunState.NOT_STARTED)
    folder = desk.folder()
    assert runner.peek("demo-1").state is RunState.NOT_STARTED
    write_record(folder.start, Start(at=NOW, tombstone=True))
    assert runner.peek("demo-1").state is RunState.NOT_STARTED
    write_record(folder.start, ELSEWHEN)
    assert runner.peek("demo-1").state is RunState.LOST
    with folder.locked() as held:
        assert held and runner.peek("demo-1").state is RunState.RUNNING
    folder.exit.write_text("{")
    assert runner.peek("demo-1").state is RunState.UNKNOWN
    assert runner.peek("../x").state is RunState.UNKNOWN
    write_record(folder.exit, ENDED)
    assert runner.peek("demo-1").ending == ENDED


def test_a_poll_settles_what_nobody_holds(desk: Desk) -> None:
    runner = desk.runner
    folder = desk.folder(job=desk.job())
    with folder.locked("submitting") as held:
        assert held and runner.poll("demo-1").state is RunState.QUEUED
    assert folder.read_start() is None
    assert runner.poll("demo-1").state is RunState.NOT_STARTED
    start = folder.read_start()
    assert start is not None and start.tombstone and abs((start.at - datetime.now(UTC)).total_seconds()) < 60
    assert not folder.exit.exists()
    lost = desk.folder("lost-1", start=ELSEWHEN)
    write_record(lost.stop, StopRequest(outcome=Outcome.REJECTED, reason="no"))
    status = runner.poll("lost-1")
    assert status.ending is not None and (status.ending.outcome, status.ending.reason) == (Outcome.REJECTED, "no")
    killed = desk.folder("killed-1", start=ELSEWHEN)
    status = runner.poll("killed-1")
    assert status.state is RunState.LOST and status.ending is not None
    assert status.ending.reason == "the supervisor ended without an exit record (reboot or kill)"
    assert runner.poll("killed-1") == status and killed.read_exit() == status.ending
    assert runner.capacity() is None


def test_a_tombstone_is_put_once_and_failing_to_is_no_fault(desk: Desk) -> None:
    folder = desk.folder(start=ELSEWHEN)
    bury(folder)
    assert folder.read_start() == ELSEWHEN
    bury(RunFolder(folder.path / "none"))


def test_only_the_supervisor_of_this_boot_is_signalled(desk: Desk) -> None:
    with subprocess.Popen(["sleep", "60"]) as child:
        who = processes.identity(child.pid)
        assert who is not None
        mine = Start(at=NOW, pid=who.pid, created=who.created, boot=processes.boot_id())
        folder = desk.folder()
        desk.runner._signal(folder, signal.SIGKILL)
        for start in (replace(mine, boot="another"), replace(mine, tombstone=True), replace(mine, created=who.created - 60)):
            write_record(folder.start, start)
            desk.runner._signal(folder, signal.SIGKILL)
        assert processes.alive(who)
        write_record(folder.start, mine)
        desk.runner._signal(folder, signal.SIGTERM)
        assert child.wait() == -signal.SIGTERM
        assert desk.runner._wait_free(folder, 0.0)
        with folder.locked():
            assert not desk.runner._wait_free(folder, 0.0)


def test_the_end_of_a_log_is_shown(desk: Desk) -> None:
    runner, job = desk.runner, desk.job(environment={"X_KEY": "sk-0123456789abcdef"})
    assert runner.logs("demo-1") == runner.logs("../x") == ""
    folder = desk.folder()
    assert runner.logs("demo-1") == ""
    write_record(folder.spec, job)
    Path(job.log_file).parent.mkdir(parents=True)
    Path(job.log_file).write_text("x" * 70_000)
    assert len(runner.logs("demo-1")) == len(runner.logs("demo-1", raw=True)) == 65_536
    assert runner.logs("demo-1", 5) == "xxxxx"
    folder.stdout.write_text("raw sk-0123456789abcdef\n")
    assert runner.logs("demo-1", raw=True) == "raw [value of X_KEY]\n"
    assert runner.logs("demo-1", 5) == "xxxxx"
    folder.spec.write_text("{")
    assert runner.logs("demo-1") == ""


def test_supervisors_that_ended_are_gathered(desk: Desk) -> None:
    child = os.posix_spawn("/bin/true", ["true"], {})
    sleeper = subprocess.Popen(["sleep", "60"])
    desk.runner._started += [child, sleeper.pid, 2**30]

    def gathered() -> bool:
        desk.runner._collect()
        return desk.runner._started == [sleeper.pid]

    assert wait_until(gathered)
    sleeper.kill()
    sleeper.wait()
    desk.runner._collect()
    assert desk.runner._started == []


# What is removed later.

PARTS = ("merging", "scratch", "check_home", "checks", "merged_checks")


def parts(folder: RunFolder) -> list[Path]:
    return [folder.clone, folder.half_clone, *(getattr(folder, name) for name in PARTS)]


def test_what_an_ended_attempt_needs_no_more_is_removed(desk: Desk, tmp_path: Path) -> None:
    folder = desk.folder(ending=replace(ENDED, head_commit="c"), start=ELSEWHEN, job=desk.job())
    for number, path in enumerate(parts(folder)):
        filled(path / "sub", 2**number)
    precious = filled(tmp_path / "precious", 1000)
    (folder.clone / "way").symlink_to(precious)
    (folder.clone / "way-to-a-file").symlink_to(precious / "file")
    os.mkfifo(folder.clone / "fifo")
    folder.prompt.write_text("x")
    assert sweep(desk.root, {"demo-1"}) == 0 and folder.clone.exists()
    assert sweep(desk.root, set()) == 127
    assert not [path for path in parts(folder) if path.exists()] and (precious / "file").exists()
    assert folder.swept.exists() and folder.prompt.exists() and folder.exit.exists() and folder.spec.exists()
    filled(folder.checks)
    assert sweep(desk.root, set()) == 0 and folder.checks.exists(), "it is looked at once"


def test_what_has_not_ended_or_is_not_saved_stays(desk: Desk) -> None:
    running = desk.folder("running-1", start=ELSEWHEN, job=desk.job("running-1"))
    unsaved = desk.folder("unsaved-1", ending=ENDED, start=ELSEWHEN, job=desk.job("unsaved-1"))
    held = desk.folder("held-1", ending=replace(ENDED, head_commit="c"), job=desk.job("held-1"))
    broken = desk.folder("broken-1", ending=replace(ENDED, head_commit="c"))
    broken.start.write_text("{")
    stranger = desk.root / ".autobuilds" / "runs" / "-stranger"
    filled(stranger)
    for folder in (running, unsaved, held, broken):
        filled(folder.clone)
        filled(folder.scratch)
    with held.locked():
        assert sweep(desk.root, set()) == 0
    assert all(folder.clone.exists() and folder.scratch.exists() for folder in (running, unsaved, held, broken)) and stranger.exists()
    assert sweep(desk.root, set()) == 20
    assert not held.clone.exists() and unsaved.clone.exists()
    shutil_gone(unsaved.clone)
    assert sweep(desk.root, set()) == 10
    assert not unsaved.scratch.exists() and unsaved.swept.exists()


def shutil_gone(path: Path) -> None:
    (path / "file").unlink()
    path.rmdir()


def test_what_never_began_leaves_nothing_but_its_record(desk: Desk) -> None:
    buried = desk.folder(start=replace(ELSEWHEN, tombstone=True), job=desk.job())
    filled(buried.clone)
    filled(buried.scratch)
    filled(desk.root / ".autobuilds" / "homes" / "demo")
    assert sweep(desk.root, set()) == 30
    assert buried.start.exists() and not buried.clone.exists()


def test_a_clone_and_a_home_that_another_attempt_needs_stay(desk: Desk) -> None:
    state = desk.root / ".autobuilds"
    first = desk.folder("first-1", ending=replace(ENDED, head_commit="c"), start=ELSEWHEN, job=desk.job("first-1"))
    home = filled(state / "homes" / "demo")
    gone = filled(state / "homes" / "gone")
    (state / "homes" / "link").symlink_to(home)
    desk.folder("second-1", start=ELSEWHEN, job=desk.job("second-1", clone=str(first.clone), home=str(home)))
    for path in (first.clone, first.scratch):
        filled(path)
    assert sweep(desk.root, set()) == 20
    assert first.clone.exists() and home.exists() and not gone.exists() and not first.scratch.exists()
    third = desk.folder("third-1", ending=ENDED, start=ELSEWHEN, job=desk.job("third-1", home=str(filled(state / "homes" / "third"))))
    assert sweep(desk.root, {"third-1"}) == 0 and (state / "homes" / "third").exists()
    broken = desk.folder("a-broken-1")
    broken.spec.write_text("{")
    assert sweep(desk.root, {"third-1"}) == 0 and home.exists() and third.path.exists()
    assert sweep(desk.root, set()) == 10 and not (state / "homes" / "third").exists()


@pytest.mark.parametrize(("days", "stays"), [(29.99, True), (30.01, False)])
def test_records_stay_for_thirty_days(desk: Desk, days: float, stays: bool) -> None:
    ended = desk.folder("ended-1", ending=replace(ENDED, head_commit="c"), start=ELSEWHEN)
    buried = desk.folder("buried-1", start=replace(ELSEWHEN, tombstone=True))
    ended.swept.touch()
    then = time.time() - days * DAY
    os.utime(ended.exit, (then, then))
    os.utime(buried.start, (then, then))
    os.utime(ended.start, (0, 0))
    size = sum(path.stat().st_size for folder in (ended, buried) for path in folder.path.iterdir())
    freed = sweep(desk.root, set())
    assert (ended.path.exists(), buried.path.exists(), freed) == (stays, stays, 0 if stays else size)


def test_a_workspace_without_builds_has_nothing_to_sweep(tmp_path: Path) -> None:
    assert sweep(tmp_path, set()) == 0
    assert list(tmp_path.iterdir()) == []
