"""How a supervisor begins and ends: what it takes from its surroundings, the exit record, the command behind it."""

from __future__ import annotations

import json
import os
import stat
import subprocess
import sys
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import pytest

from autobuilds import errors
from autobuilds.adapters import processes
from autobuilds.adapters.supervisor import __main__ as supervisor
from autobuilds.adapters.supervisor.attempt import AttemptRun
from autobuilds.adapters.supervisor.records import Start, write_record
from autobuilds.adapters.supervisor.run_folder import RunFolder
from autobuilds.adapters.supervisor.waking import Wake
from autobuilds.domain.build import Outcome
from autobuilds.domain.moment import Ending
from autobuilds.records import replace
from tests.adapters.attempts import job_for, wait_until

NOW = datetime(2026, 2, 6, 15, tzinfo=UTC)
ENDING = Ending(outcome=Outcome.PASSED, reason="it is\nfine " + "x" * 400, ended=NOW)


@pytest.fixture
def folder(make_repo: Callable[..., Path]) -> RunFolder:
    made = RunFolder.of(make_repo(), f"demo-{os.getpid()}")
    made.make()
    return made


@pytest.fixture
def pauses(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """Return how long is waited between two tries, and wait not at all."""
    found: list[float] = []
    monkeypatch.setattr("time.sleep", found.append)
    return found


def workspace_of(folder: RunFolder) -> Path:
    return folder.path.parent.parent.parent


def test_it_wants_one_run_folder(capsys: pytest.CaptureFixture[str]) -> None:
    for arguments in ([], ["a", "b"]):
        assert supervisor.main(arguments) == 2
        assert capsys.readouterr() == ("", "usage: python -m autobuilds.adapters.supervisor RUN_DIR\n")


def test_an_exit_record_is_written_once(folder: RunFolder, pauses: list[float], capsys: pytest.CaptureFixture[str]) -> None:
    supervisor._conclude(folder, ENDING)
    supervisor._conclude(folder, replace(ENDING, outcome=Outcome.LOST))
    assert folder.read_exit() == ENDING
    assert pauses == [] and capsys.readouterr() == ("", "")


def test_an_exit_record_is_tried_three_times_and_left_word_of(
    folder: RunFolder, pauses: list[float], capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    lost = RunFolder(folder.path / "gone")
    supervisor._conclude(lost, ENDING)
    assert pauses == [0.1, 0.5]
    told = f"{lost.exit} could not be written: No such file or directory. Free some space or mend its permissions."
    assert capsys.readouterr().err == (f"the supervisor could not record how the attempt ended ({told}): passed, it is fine {'x' * 288}…\n")
    monkeypatch.setattr("time.sleep", lambda _: lost.path.mkdir())
    supervisor._conclude(lost, ENDING)
    assert lost.read_exit() == ENDING and capsys.readouterr().err == ""


def test_a_log_that_can_not_be_written_stops_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    full = open("/dev/full", "w")  # noqa: SIM115 - closing it fails as writing does
    monkeypatch.setattr(sys, "stderr", full)
    supervisor._say("word")
    monkeypatch.undo()
    with pytest.raises(OSError):
        full.close()


def test_the_start_is_claimed_by_one_process(folder: RunFolder) -> None:
    assert supervisor._claim(folder)
    start, me = folder.read_start(), processes.identity(os.getpid())
    assert start is not None and me is not None
    assert start == Start(at=start.at, pid=me.pid, created=me.created, boot=processes.boot_id(), tombstone=False)
    assert abs((start.at - datetime.now(UTC)).total_seconds()) < 60
    assert not supervisor._claim(folder)


@pytest.mark.parametrize(
    ("fault", "words", "traced"),
    [
        (errors.BadInput("no such branch"), "no such branch", False),
        (OSError(28, "No space left"), "OSError: [Errno 28] No space left", False),
        (ValueError("odd"), "ValueError: odd", True),
    ],
)
def test_a_supervisor_that_fails_says_so_in_the_record(
    folder: RunFolder, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], fault: Exception, words: str, traced: bool
) -> None:
    adopted: list[int] = []
    monkeypatch.setattr(processes, "adopt_orphans", lambda: adopted.append(1))

    def fail(run: AttemptRun) -> Ending:
        assert run.boot == processes.boot_id() and run.home is None and run.folder is folder and run.now().tzinfo is not None
        assert run.container.environment == run.job.environment
        raise fault

    monkeypatch.setattr(AttemptRun, "run", fail)
    ending = supervisor._run(folder, job_for(workspace_of(folder), "true"), Wake())
    assert (ending.outcome, ending.reason) == (Outcome.LOST, f"the supervisor failed: {words}; see {folder.own_log}")
    assert abs((ending.ended - datetime.now(UTC)).total_seconds()) < 60
    assert ("Traceback" in capsys.readouterr().err) is traced and adopted == [1]


def test_the_last_command_is_started_by_itself(
    folder: RunFolder, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("PLAIN", "1")
    root = workspace_of(folder)
    supervisor._then(folder, job_for(root, "true"), {})
    log = folder.path / "then.log"
    assert not log.exists() and Path.cwd() == tmp_path
    script = "echo err >&2; echo $PLAIN $KEY; pwd; cat; ps -o sid= -p $$; echo $$; echo end"
    job = job_for(root, "true", then=("sh", "-c", script))
    log.write_text("before\n")
    supervisor._then(folder, job, {"KEY": "handed"})
    assert wait_until(lambda: log.read_text().endswith("end\n"))
    before, err, variables, where, session, pid, end = log.read_text().split("\n")[:-1]
    assert (before, err, variables, where, end) == ("before", "err", "1 handed", str(root), "end")
    assert session.strip() == pid
    os.waitpid(int(pid), 0)
    log.unlink()
    supervisor._then(folder, replace(job, then=("sh", "-c", "exit 0")), {})
    os.wait()
    assert stat.S_IMODE(log.stat().st_mode) == 0o600
    supervisor._then(folder, replace(job, then=("no-such-program-anywhere",)), {})
    assert capsys.readouterr().err == "no-such-program-anywhere could not be started: No such file or directory\n"


def run(folder: RunFolder) -> subprocess.CompletedProcess[str]:
    """Be the runner: start a supervisor with files open and variables of a build, and wait for it."""
    argv = [sys.executable, "-m", "autobuilds.adapters.supervisor", str(folder.path)]
    return subprocess.run(
        ["/bin/sh", "-c", 'exec 3</dev/null 9</dev/null; exec "$@"', "sh", *argv],
        env={**os.environ, "AUTOBUILDS_ATTEMPT": "other", "AUTOBUILDS_LABEL": "x", "AUTOBUILDS_PROGRESS": "x"},
        input=json.dumps({"KEY": "handed"}),
        capture_output=True,
        text=True,
    )


def test_a_whole_run_takes_nothing_with_it(folder: RunFolder) -> None:
    root = workspace_of(folder)
    note = root / "note"
    then = (
        "/bin/sh",
        "-c",
        f"{{ for n in 3 9; do test -e /proc/$$/fd/$n && echo open $n; done; env; }} > {note}.part; mv {note}.part {note}",
    )
    secret = {"PATH": os.environ["PATH"], "HOME": os.environ["HOME"], "X_KEY": "sk-0123456789abcdef"}
    job = job_for(root, "echo sk-0123456789abcdef; readlink /proc/$PPID/cwd; exit 3", environment=secret, then=then)
    folder.prompt.write_text("")
    write_record(folder.spec, job)
    done = run(folder)
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
    ending = folder.read_exit()
    assert ending is not None and (ending.outcome, ending.exit_code) == (Outcome.AGENT_FAILED, 3)
    assert "sk-0123456789abcdef" not in folder.exit.read_text()
    assert wait_until(note.exists)
    told = note.read_text().split("\n")
    assert "KEY=handed" in told and not [row for row in told if row.startswith(("AUTOBUILDS_", "open "))]
    assert run(folder).returncode == 1, "it was run before"


def test_what_was_never_meant_or_can_not_be_read_is_not_run(folder: RunFolder) -> None:
    assert run(folder).returncode == 1
    assert not folder.start.exists()
    folder.spec.write_text("{")
    done = run(folder)
    assert (done.returncode, done.stdout) == (3, "")
    assert done.stderr.startswith(f"the supervisor could not begin: {folder.spec} is no record of ours: ")
    no_folder = run(RunFolder(folder.spec))
    assert (no_folder.returncode, no_folder.stdout) == (3, "")
    assert no_folder.stderr.startswith("the supervisor could not begin: [Errno 20] Not a directory: ")
