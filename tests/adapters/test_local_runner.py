"""Attempts on this machine, with real processes and real Git."""

from __future__ import annotations

import errno
import os
import re
import signal
import sys
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import psutil
import pytest

from autobuilds.adapters import processes
from autobuilds.adapters.runners.local import LocalRunner
from autobuilds.adapters.supervisor.records import Known, read_record, write_record
from autobuilds.adapters.supervisor.run_folder import RunFolder
from autobuilds.domain.build import DeliverMode, Evidence, Outcome
from autobuilds.domain.moment import Ending, RunState, RunStatus
from autobuilds.errors import BadInput
from autobuilds.ports import Job, Limits
from tests.adapters.attempts import DEMO, SHORT, job_for, left, wait_until
from tests.conftest import git


@pytest.fixture
def workspace(make_repo: Callable[..., Path]) -> Path:
    return make_repo({"README.md": "# Repo\n", ".gitignore": ".autobuilds/\nsubagents/\n"}, name="workspace")


@pytest.fixture
def runner(workspace: Path) -> Iterator[LocalRunner]:
    made = LocalRunner(workspace)
    yield made
    assert wait_until(lambda: not left_in(workspace)), "processes of a build were left behind"


def left_in(workspace: Path) -> bool:
    runs = workspace / ".autobuilds" / "runs"
    return runs.is_dir() and any(left(p.name) for p in runs.iterdir())


def ended(runner: LocalRunner, attempt_id: str) -> RunStatus:
    """Wait for the end of an attempt."""
    found: list[RunStatus] = []

    def look() -> bool:
        found[:] = [runner.poll(attempt_id)]
        return found[0].state not in {RunState.RUNNING, RunState.UNKNOWN}

    assert wait_until(look, 40.0), found
    return found[0]


def ending_of(runner: LocalRunner, job: Job) -> Ending:
    runner.submit(job)
    ending = ended(runner, job.attempt_id).ending
    assert ending is not None
    return ending


def test_a_build_that_passes_its_check(runner: LocalRunner, workspace: Path) -> None:
    job = job_for(workspace, "echo hello; echo new > new.txt", checks=["grep -q new new.txt"])
    status = runner.submit(job)
    assert status.pid is not None
    ending = ended(runner, job.attempt_id).ending
    assert ending is not None
    assert (ending.outcome, ending.reason) == (Outcome.PASSED, "1 check passed")
    assert ending.evidence is Evidence.CHECKED
    assert ending.changed_paths == ("new.txt",)
    assert ending.lines_added == 1
    assert "hello" in ending.tail
    assert git(workspace, "show", "build/demo:new.txt") == "new"
    assert git(workspace, "rev-parse", "build/demo") == ending.head_commit
    assert git(workspace, "status", "--porcelain") == ""
    assert git(workspace, "branch", "--show-current") == "main"
    assert ending.usage.cpu_seconds is not None
    assert "hello" in runner.logs(job.attempt_id)
    progress = (workspace / "subagents" / "demo-progress.md").read_text()
    assert "status: done" in progress
    assert "percent: 100" in progress


def test_two_submits_of_one_id_start_one(runner: LocalRunner, workspace: Path) -> None:
    job = job_for(workspace, f"echo ran >> {workspace}/ran; echo new > new.txt")
    runner.submit(job)
    runner.submit(job)
    ended(runner, job.attempt_id)
    assert LocalRunner(workspace).submit(job).state is RunState.ENDED
    assert (workspace / "ran").read_text() == "ran\n"


def test_eight_submitters_at_once_start_one(runner: LocalRunner, workspace: Path) -> None:
    job = job_for(workspace, f"echo ran >> {workspace}/ran; echo new > new.txt")
    children = []
    for _ in range(8):
        pid = os.fork()
        if pid == 0:
            state = None
            try:
                state = LocalRunner(workspace).submit(job).state
            finally:
                os._exit(0 if state in {RunState.RUNNING, RunState.ENDED} else 1)
        children.append(pid)
    assert [os.waitpid(pid, 0)[1] for pid in children] == [0] * 8
    ended(runner, job.attempt_id)
    assert (workspace / "ran").read_text() == "ran\n"


def test_a_failing_check(runner: LocalRunner, workspace: Path) -> None:
    ending = ending_of(runner, job_for(workspace, "echo new > new.txt", checks=["true", "echo why; exit 3"]))
    assert ending.outcome is Outcome.CHECKS_FAILED
    assert "1 of 2 checks failed" in ending.reason
    assert "exit status 3" in ending.reason
    assert [c.passed for c in ending.checks] == [True, False]
    assert ending.checks[1].tail == "why\n"
    assert git(workspace, "show", "build/demo:new.txt") == "new"


def test_what_a_check_changes_is_not_delivered(runner: LocalRunner, workspace: Path) -> None:
    ending = ending_of(runner, job_for(workspace, "echo new > new.txt", checks=["echo forged > new.txt; echo more > more.txt"]))
    assert ending.outcome is Outcome.PASSED
    assert git(workspace, "show", "build/demo:new.txt") == "new"
    assert ending.changed_paths == ("new.txt",)


def test_a_failing_agent_keeps_its_work(runner: LocalRunner, workspace: Path) -> None:
    ending = ending_of(runner, job_for(workspace, "echo half > half.txt; echo oops >&2; exit 7", checks=["true"]))
    assert (ending.outcome, ending.exit_code) == (Outcome.AGENT_FAILED, 7)
    assert "oops" in ending.tail
    assert ending.checks == ()
    assert git(workspace, "show", "build/demo:half.txt") == "half"


def test_no_change(runner: LocalRunner, workspace: Path) -> None:
    assert ending_of(runner, job_for(workspace, "true", checks=["true"])).outcome is Outcome.NO_CHANGE
    allowed = ending_of(runner, job_for(workspace, "true", attempt_id="other-1", checks=["true"], may_change_nothing=True))
    assert (allowed.outcome, allowed.evidence) == (Outcome.PASSED, Evidence.CHECKED)
    unproven = ending_of(runner, job_for(workspace, "true", attempt_id="third-1", may_change_nothing=True))
    assert unproven.outcome is Outcome.NO_CHANGE


def test_an_agent_that_is_not_installed(runner: LocalRunner, workspace: Path) -> None:
    ending = ending_of(runner, job_for(workspace, "true", argv=("no-such-agent-anywhere",), agent="ghost"))
    assert ending.outcome is Outcome.SETUP
    assert "no-such-agent-anywhere is not installed" in ending.reason


def test_a_repository_that_can_not_be_cloned(runner: LocalRunner, workspace: Path) -> None:
    ending = ending_of(runner, job_for(workspace, "true", start_commit="0" * 40))
    assert ending.outcome is Outcome.SETUP
    assert "could not be cloned" in ending.reason


def test_protected_paths_and_touches(runner: LocalRunner, workspace: Path) -> None:
    steps = "mkdir -p .github/workflows src; echo x > .github/workflows/ci.yml; echo x > src/a.py; echo x > other.txt"
    ending = ending_of(runner, job_for(workspace, steps, checks=["true"], touches=("src/**",)))
    assert ending.outcome is Outcome.OUT_OF_BOUNDS
    assert ".github/workflows/ci.yml" in ending.reason
    assert "outside Touches: other.txt" in ending.reason
    assert ending.checks == ()


def test_a_link_out_of_the_repository(runner: LocalRunner, workspace: Path) -> None:
    ending = ending_of(runner, job_for(workspace, "ln -s /etc/passwd stolen", checks=["true"]))
    assert ending.outcome is Outcome.OUT_OF_BOUNDS
    assert "stolen" in ending.reason


def test_claims_of_a_program_and_of_an_agent(runner: LocalRunner, workspace: Path) -> None:
    claimed = ending_of(runner, job_for(workspace, "echo x > x", claims=["The flow works"]))
    assert (claimed.outcome, claimed.evidence) == (Outcome.PASSED, Evidence.CLAIMED)
    silent = ending_of(runner, job_for(workspace, "echo x > x", attempt_id="two-1", claims=["The flow works"], agent="robot"))
    assert silent.outcome is Outcome.CHECKS_FAILED
    report = "echo x > x; printf '## Task Breakdown\\n- [x] The flow works\\n  Evidence: tried it by hand\\n' > \"$AUTOBUILDS_PROGRESS\""
    told = ending_of(runner, job_for(workspace, report, attempt_id="three-1", claims=["The flow works"], agent="robot"))
    assert (told.outcome, told.evidence) == (Outcome.PASSED, Evidence.CLAIMED)
    assert told.checks[0].tail == "tried it by hand"


def test_the_prompt_and_the_environment(runner: LocalRunner, workspace: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CANARY_SECRET", "s3cret")
    job = job_for(workspace, "cat > prompt.txt; env > env.txt; pwd > pwd.txt", checks=["true"])
    assert ending_of(runner, job).outcome is Outcome.PASSED
    assert git(workspace, "show", "build/demo:prompt.txt") == "Please build it."
    seen = git(workspace, "show", "build/demo:env.txt")
    assert f"AUTOBUILDS_ATTEMPT={DEMO}" in seen
    assert "AUTOBUILDS_LABEL=demo" in seen
    assert "s3cret" not in seen
    assert git(workspace, "show", "build/demo:pwd.txt").endswith(f".autobuilds/clones/{DEMO}")


def test_no_prompt_on_standard_input(runner: LocalRunner, workspace: Path) -> None:
    ending_of(runner, job_for(workspace, "cat > got.txt; echo end >> got.txt", prompt_on_stdin=False))
    assert git(workspace, "show", "build/demo:got.txt") == "end"


def limits(**more: Any) -> Limits:
    return replace(SHORT, **more)


def test_the_wall_clock_stops_a_build_and_keeps_its_work(runner: LocalRunner, workspace: Path) -> None:
    job = job_for(workspace, "echo half > half.txt; while :; do :; done", limits=limits(timeout=timedelta(seconds=0.7)))
    ending = ending_of(runner, job)
    assert ending.outcome is Outcome.TIMEOUT
    assert git(workspace, "show", "build/demo:half.txt") == "half"


def test_silence_stops_a_build(runner: LocalRunner, workspace: Path) -> None:
    ending = ending_of(runner, job_for(workspace, "sleep 60", limits=limits(silence=timedelta(seconds=0.8))))
    assert ending.outcome is Outcome.STALLED
    assert "without output, progress or CPU use" in ending.reason


@pytest.mark.slow
def test_output_is_a_sign_of_life(runner: LocalRunner, workspace: Path) -> None:
    steps = "for i in 1 2 3 4 5; do echo $i; sleep 0.4; done; echo x > x"
    ending = ending_of(runner, job_for(workspace, steps, limits=limits(silence=timedelta(seconds=1.6))))
    assert ending.outcome is Outcome.PASSED


def test_a_flood_of_output_is_stopped_and_cut(runner: LocalRunner, workspace: Path) -> None:
    job = job_for(workspace, "yes", limits=limits(output_bytes=100_000))
    ending = ending_of(runner, job)
    assert (ending.outcome, "100000 bytes" in ending.reason) == (Outcome.TIMEOUT, True)
    assert Path(job.log_file).stat().st_size == 100_000
    assert len(ending.tail) <= 4096


def test_a_flood_into_a_deleted_log_is_stopped(runner: LocalRunner, workspace: Path) -> None:
    job = job_for(workspace, 'rm "$0"; yes', limits=limits(output_bytes=100_000))
    job = replace(job, argv=(*job.argv, job.log_file))
    assert ending_of(runner, job).outcome is Outcome.TIMEOUT


def test_a_grandchild_in_its_own_session_is_not_left_behind(runner: LocalRunner, workspace: Path) -> None:
    steps = "setsid sh -c 'trap \"\" TERM INT HUP; while :; do sleep 1; done' & env -i setsid sleep 300 & sleep 0.3; echo x > x"
    job = job_for(workspace, steps, checks=["true"])
    assert ending_of(runner, job).outcome is Outcome.PASSED
    assert not left(job.attempt_id)
    assert not processes.working_below(workspace / ".autobuilds" / "clones")


@pytest.mark.slow
def test_an_agent_that_ignores_every_polite_signal(runner: LocalRunner, workspace: Path) -> None:
    steps = "trap '' TERM INT HUP; while :; do sleep 0.1; done"
    job = job_for(workspace, steps, limits=limits(timeout=timedelta(seconds=0.8)))
    assert ending_of(runner, job).outcome is Outcome.TIMEOUT
    assert not left(job.attempt_id)


def test_a_check_that_hangs_is_stopped(runner: LocalRunner, workspace: Path) -> None:
    job = job_for(workspace, "echo x > x", checks=["setsid sleep 300 & sleep 300"], limits=limits(check_timeout=timedelta(seconds=0.5)))
    ending = ending_of(runner, job)
    assert ending.outcome is Outcome.CHECKS_FAILED
    assert "check_timeout" in ending.checks[0].tail
    assert not left(job.attempt_id)


def test_merge_is_checked_on_the_merged_tree(runner: LocalRunner, workspace: Path) -> None:
    job = job_for(workspace, "echo new > new.txt", checks=["test -f new.txt"], deliver=DeliverMode.MERGE)
    (workspace / "meanwhile.txt").write_text("m\n")
    git(workspace, "add", "meanwhile.txt")
    git(workspace, "commit", "-q", "-m", "meanwhile")
    ending = ending_of(runner, replace(job, criteria=(*job.criteria,)))
    assert (ending.outcome, ending.evidence) == (Outcome.PASSED, Evidence.MERGED)
    assert ending.merged_commit is not None
    assert ending.merged_onto == git(workspace, "rev-parse", "main")
    assert [c.merged for c in ending.checks] == [False, True]


def test_a_merge_that_conflicts_is_left_for_review(runner: LocalRunner, workspace: Path) -> None:
    job = job_for(workspace, "echo theirs > README.md", checks=["true"], deliver=DeliverMode.MERGE)
    (workspace / "README.md").write_text("ours\n")
    git(workspace, "commit", "-q", "-am", "meanwhile")
    ending = ending_of(runner, job)
    assert (ending.outcome, ending.evidence, ending.merged_commit) == (Outcome.PASSED, Evidence.CHECKED, None)
    assert "does not merge cleanly" in ending.reason
    assert "README.md" in ending.reason


def test_a_merge_whose_checks_fail_is_left_for_review(runner: LocalRunner, workspace: Path) -> None:
    job = job_for(workspace, "echo new > new.txt", checks=["test ! -f meanwhile.txt"], deliver=DeliverMode.MERGE)
    (workspace / "meanwhile.txt").write_text("m\n")
    git(workspace, "add", "meanwhile.txt")
    git(workspace, "commit", "-q", "-m", "meanwhile")
    ending = ending_of(runner, job)
    assert (ending.evidence, ending.merged_commit) == (Evidence.CHECKED, None)
    assert "on the merged tree" in ending.reason


def test_the_last_command_runs_after_the_end(runner: LocalRunner, workspace: Path) -> None:
    note = workspace / "then.txt"
    exit_file = workspace / ".autobuilds" / "runs" / DEMO / "exit.json"
    then = ("/bin/sh", "-c", f"test -f {exit_file} && env > {note}.part && mv {note}.part {note}")
    ending_of(runner, job_for(workspace, "echo x > x", then=then))
    assert wait_until(note.exists)
    assert "AUTOBUILDS_ATTEMPT" not in note.read_text()


def test_three_at_once(runner: LocalRunner, workspace: Path) -> None:
    jobs = [job_for(workspace, f"sleep 0.5; echo {n} > {n}.txt", attempt_id=f"b{n}-1", checks=[f"test -f {n}.txt"]) for n in range(3)]
    assert [runner.submit(j).state for j in jobs] == [RunState.RUNNING] * 3
    assert [s.ending.outcome for j in jobs if (s := ended(runner, j.attempt_id)).ending] == [Outcome.PASSED] * 3


def test_a_running_attempt_shows_life_and_percent(runner: LocalRunner, workspace: Path) -> None:
    steps = "printf -- '---\\nstatus: working\\npercent: 40\\n---\\n' > \"$AUTOBUILDS_PROGRESS\"; sleep 30"
    job = job_for(workspace, steps)
    runner.submit(job)
    assert wait_until(lambda: runner.poll(job.attempt_id).percent == 40)
    status = runner.poll(job.attempt_id)
    assert status.state is RunState.RUNNING
    assert status.active_at is not None
    assert runner.peek(job.attempt_id).state is RunState.RUNNING
    runner.cancel(job.attempt_id, Outcome.STOPPED, "enough")


def test_cancel_stops_everything_and_keeps_the_work(runner: LocalRunner, workspace: Path) -> None:
    job = job_for(workspace, f"echo half > half.txt; setsid sleep 300 & touch {workspace}/up; sleep 300")
    runner.submit(job)
    assert wait_until((workspace / "up").exists)
    status = runner.cancel(job.attempt_id, Outcome.STOPPED, "the owner cancelled it")
    assert status.ending is not None
    assert (status.ending.outcome, status.ending.reason) == (Outcome.STOPPED, "the owner cancelled it")
    assert not left(job.attempt_id)
    assert git(workspace, "show", "build/demo:half.txt") == "half"
    assert runner.cancel(job.attempt_id, Outcome.REJECTED, "again").ending == status.ending


def test_cancel_of_what_never_began(runner: LocalRunner, workspace: Path) -> None:
    status = runner.cancel(DEMO, Outcome.STOPPED, "the owner cancelled it")
    assert status.ending is not None
    assert status.ending.outcome is Outcome.STOPPED
    assert runner.submit(job_for(workspace, f"touch {workspace}/ran")).ending == status.ending
    assert not (workspace / "ran").exists()


def test_an_attempt_without_a_run_folder_never_begins_later(runner: LocalRunner, workspace: Path) -> None:
    assert runner.peek(DEMO).state is RunState.NOT_STARTED
    assert not (workspace / ".autobuilds").exists()
    assert runner.poll(DEMO).state is RunState.NOT_STARTED
    assert runner.submit(job_for(workspace, f"touch {workspace}/ran")).state is RunState.NOT_STARTED
    assert not (workspace / "ran").exists()


def test_a_supervisor_killed_while_its_agent_runs(runner: LocalRunner, workspace: Path) -> None:
    steps = f"echo half > half.txt; env -i PATH=$PATH setsid sleep 300 & setsid sleep 300 & sleep 0.5; touch {workspace}/up; sleep 300"
    job = job_for(workspace, steps)
    status = runner.submit(job)
    assert wait_until((workspace / "up").exists)
    assert wait_until(lambda: len(known_of(workspace, job)) >= 3)
    assert status.pid is not None
    os.kill(status.pid, signal.SIGKILL)
    assert wait_until(lambda: runner.peek(job.attempt_id).state is RunState.LOST)
    assert left(job.attempt_id)
    lost = runner.poll(job.attempt_id)
    assert lost.state is RunState.LOST
    assert lost.ending is not None
    assert lost.ending.outcome is Outcome.LOST
    assert not left(job.attempt_id)
    assert not processes.working_below(workspace / ".autobuilds" / "clones")
    assert git(workspace, "show", f"{lost.ending.head_commit}:half.txt") == "half"
    assert runner.submit(job) == lost
    assert runner.poll(job.attempt_id) == lost


def known_of(workspace: Path, job: Job) -> tuple[tuple[int, float], ...]:
    known = read_record(RunFolder.of(workspace, job.attempt_id).known, Known)
    return known.processes if known is not None else ()


def supervisors_of(folder: Path) -> list[int]:
    found = []
    for process in psutil.process_iter():
        with suppress(psutil.Error):
            if process.cmdline()[-2:] == ["autobuilds.adapters.supervisor", str(folder)]:
                found.append(process.pid)
    return found


@pytest.mark.parametrize("moment", ["spec.json", "lock", "start.json", "pulse", "known.json", "harvest.json", "checks"])
def test_a_supervisor_killed_at_any_moment(runner: LocalRunner, workspace: Path, moment: str) -> None:
    job = job_for(workspace, f"echo ran >> {workspace}/ran; echo half > half.txt; sleep 0.3", checks=["sleep 0.3"])
    child = os.fork()
    if child == 0:
        try:
            LocalRunner(workspace).submit(job)
        finally:
            os._exit(0)
    sign = workspace / ".autobuilds" / "runs" / job.attempt_id / moment
    assert wait_until(sign.exists)
    supervisors = supervisors_of(sign.parent)
    for pid in supervisors:
        with suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)
    os.waitpid(child, 0)
    found = ended(runner, job.attempt_id)
    assert found.state in {RunState.LOST, RunState.NOT_STARTED, RunState.ENDED}
    assert runner.submit(job) == found
    assert not left(job.attempt_id)
    ran = workspace / "ran"
    assert not ran.exists() or ran.read_text() == "ran\n"


def test_a_supervisor_told_to_stop_from_outside(runner: LocalRunner, workspace: Path) -> None:
    job = job_for(workspace, f"echo half > half.txt; touch {workspace}/up; sleep 300")
    status = runner.submit(job)
    assert wait_until((workspace / "up").exists)
    assert status.pid is not None
    os.kill(status.pid, signal.SIGTERM)
    found = ended(runner, job.attempt_id)
    assert found.state is RunState.LOST
    assert found.ending is not None
    assert git(workspace, "show", f"{found.ending.head_commit}:half.txt") == "half"


@pytest.mark.parametrize("tries", [1, 1000])
def test_an_exit_record_that_the_disk_does_not_take(runner: LocalRunner, workspace: Path, tries: int) -> None:
    """Once: it is written again. Always: the next look ends the attempt, and says why; the work is kept."""
    job = job_for(workspace, "echo done > done.txt", checks=["test -f done.txt"])
    supervisor = os.fork()
    if supervisor == 0:
        status = 70
        try:
            status = run_where_no_exit_record_can_be_written(workspace, job, tries)
        finally:
            os._exit(status)
    assert os.waitstatus_to_exitcode(os.waitpid(supervisor, 0)[1]) == 0
    found = ended(runner, job.attempt_id)
    assert found.ending is not None
    assert git(workspace, "show", f"{found.ending.head_commit}:done.txt") == "done"
    log = RunFolder.of(workspace, job.attempt_id).own_log.read_text()
    if tries == 1:
        assert (found.ending.outcome, log) == (Outcome.PASSED, "")
    else:
        assert found.state is RunState.LOST
        assert re.search(r"could not record how the attempt ended \(.*/exit\.json could not be written: No space left", found.ending.reason)
        assert found.ending.reason in log
        assert "Traceback" not in log


def run_where_no_exit_record_can_be_written(workspace: Path, job: Job, tries: int) -> int:
    """Be the supervisor of a job; the first `tries` times the name of the exit record can't be made."""
    from autobuilds.adapters.supervisor import __main__ as supervisor

    folder = RunFolder.of(workspace, job.attempt_id)
    folder.make()
    folder.prompt.write_text(job.prompt)
    write_record(folder.spec, job)
    log = os.open(folder.own_log, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
    os.dup2(log, 1)
    os.dup2(log, 2)
    sys.stderr = open(2, "w", closefd=False)  # noqa: SIM115 - this process's own, as it ends
    link, met = os.link, 0

    def full(source: Any, target: Any, **more: Any) -> None:
        nonlocal met
        if str(target).endswith("exit.json") and met < tries:
            met += 1
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        link(source, target, **more)

    os.link = full  # type: ignore[assignment]
    return supervisor.main([str(folder.path)])


def test_unreadable_records_are_unknown(runner: LocalRunner, workspace: Path) -> None:
    folder = workspace / ".autobuilds" / "runs" / DEMO
    folder.mkdir(parents=True)
    (folder / "exit.json").write_text('{"outcome": "sil')
    assert runner.poll(DEMO).state is RunState.UNKNOWN


def test_a_supervisor_that_does_not_stop_is_killed(runner: LocalRunner, workspace: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder, sent = RunFolder.of(workspace, DEMO), list[signal.Signals]()
    folder.make()
    monkeypatch.setattr(LocalRunner, "_signal", lambda _, __, number: sent.append(number))
    assert runner._kill(folder)
    assert sent == [signal.SIGKILL]


def test_a_folder_that_the_disk_does_not_give_is_unknown(runner: LocalRunner, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(_: RunFolder) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(RunFolder, "make", full)
    assert runner.poll(DEMO).state is RunState.UNKNOWN


@pytest.mark.parametrize("attempt_id", ["", ".", "..", "../x", "a/b", "-x", ".hidden", "a\nb", "a\0b", "x" * 300])
def test_an_id_that_is_no_plain_name_is_refused(workspace: Path, attempt_id: str) -> None:
    with pytest.raises(BadInput):
        LocalRunner(workspace).submit(job_for(workspace, "true", attempt_id=attempt_id))
    assert LocalRunner(workspace).poll(attempt_id).state is RunState.UNKNOWN


def test_sweep_removes_ended_attempts_alone(runner: LocalRunner, workspace: Path) -> None:
    done = job_for(workspace, "echo x > x", attempt_id="done-1")
    kept = job_for(workspace, "echo x > x", attempt_id="kept-1")
    running = job_for(workspace, "sleep 300", attempt_id="running-1")
    ending_of(runner, done)
    ending_of(runner, kept)
    runner.submit(running)
    assert wait_until((workspace / ".autobuilds" / "clones" / "running-1").exists)
    stranger = workspace / ".autobuilds" / "runs" / "stranger"
    stranger.mkdir()
    (stranger / "file").write_text("mine\n")
    assert runner.sweep({"kept-1"}) > 0
    clones = workspace / ".autobuilds" / "clones"
    assert sorted(p.name for p in clones.iterdir()) == ["kept-1", "running-1"]
    assert (stranger / "file").exists()
    assert runner.poll("done-1").state is RunState.ENDED
    assert runner.sweep({"kept-1"}) == 0
    runner.cancel("running-1", Outcome.STOPPED, "enough")


def test_sweep_removes_half_records_of_the_dead_whatever_is_kept(runner: LocalRunner, workspace: Path) -> None:
    folder = RunFolder.of(workspace, DEMO)
    folder.make()
    gone = os.fork()
    if gone == 0:
        os._exit(0)
    os.waitpid(gone, 0)
    half = folder.path / f".start.json.{gone}-0123abcd.tmp"
    at_work = folder.path / f".exit.json.{os.getpid()}-0123abcd.tmp"
    for path in (half, at_work):
        path.write_text("{")
    runner.sweep({DEMO})
    assert (half.exists(), at_work.exists()) == (False, True)


def test_sweep_follows_no_link(runner: LocalRunner, workspace: Path, tmp_path: Path) -> None:
    precious = tmp_path / "precious"
    precious.mkdir()
    (precious / "file").write_text("mine\n")
    job = job_for(workspace, f"ln -s {precious} way-out; echo x > x")
    ending_of(runner, job)
    runs = workspace / ".autobuilds" / "runs"
    (runs / "linked").symlink_to(precious)
    runner.sweep(set())
    assert (precious / "file").read_text() == "mine\n"


def test_a_stop_that_comes_while_the_work_is_saved_counts(runner: LocalRunner, workspace: Path) -> None:
    job = job_for(
        workspace, f'echo x > x; echo \'{{"outcome": "stopped", "reason": "enough"}}\' > {workspace}/.autobuilds/runs/{DEMO}/stop.json'
    )
    ending = ending_of(runner, job)
    assert (ending.outcome, ending.reason) == (Outcome.STOPPED, "enough")
    assert git(workspace, "show", "build/demo:x") == "x"


def test_history_that_an_agent_rewrote_is_kept(runner: LocalRunner, workspace: Path) -> None:
    steps = "echo x > x; git checkout -q --orphan fresh; git add -A; git commit -q -m rewritten; git branch -D build/demo"
    ending = ending_of(runner, job_for(workspace, steps, checks=["true"]))
    assert ending.outcome is Outcome.PASSED
    assert any("rewrote" in note for note in ending.notes)
    (kept,) = git(workspace, "for-each-ref", "--format=%(refname:short)", "refs/heads/build/demo.attempt-1-left-*").split("\n")
    assert git(workspace, "log", "--format=%s", kept) == "rewritten"


def test_a_branch_that_the_owner_has_checked_out_stays_as_it_is(runner: LocalRunner, workspace: Path) -> None:
    git(workspace, "checkout", "-q", "-b", "build/demo")
    before = git(workspace, "rev-parse", "HEAD")
    ending = ending_of(runner, job_for(workspace, "echo x > x", checks=["true"]))
    assert ending.outcome is Outcome.PASSED
    assert git(workspace, "rev-parse", "build/demo") == before
    assert git(workspace, "rev-parse", "build/demo.attempt-1") == ending.head_commit
    assert git(workspace, "status", "--porcelain") == ""


def test_planted_hooks_and_filters_do_not_run(runner: LocalRunner, workspace: Path) -> None:
    plants = (
        f"mkdir -p .git/hooks; printf '#!/bin/sh\\ntouch {workspace}/ran-hook\\n' > .git/hooks/pre-commit; chmod +x .git/hooks/pre-commit; "
        f"git config core.fsmonitor 'touch {workspace}/ran-monitor'; git config filter.x.clean 'touch {workspace}/ran-filter; cat'; "
        "mkdir -p .git/info; echo '* filter=x' > .git/info/attributes; echo x > x"
    )
    ending = ending_of(runner, job_for(workspace, plants, checks=["true"], deliver=DeliverMode.MERGE))
    assert ending.outcome is Outcome.PASSED
    assert not list(workspace.glob("ran-*"))
