"""Duties are run when due, alone, and leave nothing behind; with real processes."""

from __future__ import annotations

import json
import os
import sys
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from autobuilds.runtime.duties import DutyOutcome, DutyRun, anything_due, outcome_of, run_due
from autobuilds.store.config import Config, read_settings
from autobuilds.store.files import Lock, private_folder

NOW = datetime(2026, 2, 6, 10, 0, tzinfo=UTC)


def config(*sections: str) -> Config:
    read = read_settings(f"---\nduty_timeout: 30s\n---\n\n{chr(10).join(sections)}\n".encode())
    assert read.problems == ()
    return read


def python(tmp_path: Path, name: str, code: str) -> str:
    """Write a program and return the duty item that runs it."""
    (tmp_path / f"{name}.py").write_text(code)
    return f"- `'{sys.executable}' {name}.py`"


def log(root: Path) -> list[dict[str, object]]:
    return [json.loads(line) for line in (root / ".autobuilds" / "duties.log").read_text().split("\n")[:-1]]


def outcomes(runs: tuple[DutyRun, ...]) -> list[tuple[str, DutyOutcome]]:
    return [(r.duty, r.outcome) for r in runs]


def gone(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return True
    stat = Path(f"/proc/{pid}/stat")
    return stat.exists() and stat.read_text().rpartition(")")[2].split()[0] == "Z"


def until_gone(pid: int) -> bool:
    limit = time.monotonic() + 10
    while not gone(pid) and time.monotonic() < limit:
        time.sleep(0.02)
    return gone(pid)


def test_a_workspace_without_duties_writes_nothing(tmp_path: Path) -> None:
    assert run_due(tmp_path, read_settings(None), NOW) == ()
    assert list(tmp_path.iterdir()) == []


def test_a_duty_runs_when_due_and_not_again(tmp_path: Path) -> None:
    item = python(tmp_path, "hello", "import os; print('hello', os.getcwd(), os.environ['AUTOBUILDS_DUTY'])")
    duty = config("## Hello (2x daily)", item)
    runs = run_due(tmp_path, duty, NOW)
    assert outcomes(runs) == [("Hello", DutyOutcome.OK)]
    assert runs[0].ok
    assert runs[0].tail == f"hello {tmp_path} 1"
    assert runs[0].line == 6
    record = (tmp_path / ".autobuilds" / "duties.json").read_bytes()
    assert run_due(tmp_path, duty, NOW + timedelta(hours=1)) == ()
    assert (tmp_path / ".autobuilds" / "duties.json").read_bytes() == record
    assert len(run_due(tmp_path, duty, NOW + timedelta(days=30))) == 1
    assert run_due(tmp_path, duty, NOW + timedelta(days=29)) == ()
    assert [entry["at"] for entry in log(tmp_path)] == ["2026-02-06T10:00:00+00:00", "2026-03-08T10:00:00+00:00"]


def test_a_duty_with_a_time_waits_for_it(tmp_path: Path) -> None:
    duty = config("## Brief (daily at 09:00)", "- `true`")
    assert run_due(tmp_path, duty, NOW) == ()
    assert run_due(tmp_path, duty, NOW + timedelta(hours=22)) == ()
    assert len(run_due(tmp_path, duty, NOW + timedelta(hours=23))) == 1


def test_a_failing_duty_stops_no_other(tmp_path: Path) -> None:
    fail = python(tmp_path, "fail", "import sys; sys.exit('it broke')")
    duty = config("## A (daily)", fail, "- `./not-there`", "## B (daily)", "- `true`")
    runs = run_due(tmp_path, duty, NOW)
    assert outcomes(runs) == [("A", DutyOutcome.FAILED), ("A", DutyOutcome.NOT_FOUND), ("B", DutyOutcome.OK)]
    assert (runs[0].exit_code, runs[0].tail) == (1, "it broke")
    assert "No such file" in runs[1].tail
    assert str(runs[0]).startswith("A: ")
    assert str(runs[0]).endswith(': failed (exit status 1): "it broke"')
    assert str(runs[2]) == 'B: "true": ok'
    assert [entry["outcome"] for entry in log(tmp_path)] == ["failed", "not-found", "ok"]


def test_no_shell_reads_a_command(tmp_path: Path) -> None:
    item = python(tmp_path, "argv", "import sys; print(sys.argv[1:])").rstrip("`") + " $HOME ; touch x | 'a b' * > y`"
    runs = run_due(tmp_path, config("## A (daily)", item), NOW)
    assert runs[0].tail == "['$HOME', ';', 'touch', 'x', '|', 'a b', '*', '>', 'y']"
    assert not (tmp_path / "x").exists()


def test_a_command_of_ours_runs_this_installation(tmp_path: Path) -> None:
    run = run_due(tmp_path, config("## A (daily)", "- `autobuilds --no-such-option`"), NOW)[0]
    assert run.outcome is DutyOutcome.FAILED
    assert run.command == "autobuilds --no-such-option"


def test_a_command_that_takes_too_long_is_stopped_with_all_it_started(tmp_path: Path) -> None:
    code = (
        "import os, signal, subprocess, sys, time\n"
        "signal.signal(signal.SIGTERM, lambda *_: print('asked', flush=True) or os._exit(3))\n"
        "child = subprocess.Popen([sys.executable, '-c', 'import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); time.sleep(99)'])\n"
        "open('child', 'w').write(str(child.pid))\n"
        "time.sleep(99)\n"
    )
    item = python(tmp_path, "slow", code)
    duty = read_settings(f"---\nduty_timeout: 1s\n---\n## A (daily)\n{item}\n- `true`\n".encode())
    runs = run_due(tmp_path, duty, NOW)
    assert outcomes(runs) == [("A", DutyOutcome.TIMEOUT), ("A", DutyOutcome.OK)]
    assert runs[0].tail == "asked"
    assert until_gone(int((tmp_path / "child").read_text()))


def test_what_a_command_leaves_behind_is_stopped(tmp_path: Path) -> None:
    code = "import subprocess, sys\nchild = subprocess.Popen([sys.executable, '-c', 'import time; time.sleep(99)'])\nprint(child.pid)\n"
    began = time.monotonic()
    run = run_due(tmp_path, config("## A (daily)", python(tmp_path, "leave", code)), NOW)[0]
    assert run.ok
    assert time.monotonic() - began < 20
    assert until_gone(int(run.tail))


def test_a_flood_of_output_is_stopped_and_only_its_end_kept(tmp_path: Path) -> None:
    code = "import sys\nwhile True: sys.stdout.write('x' * 65536)\n"
    run = run_due(tmp_path, config("## A (daily)", python(tmp_path, "flood", code)), NOW)[0]
    assert run.outcome is DutyOutcome.FLOOD
    assert 0 < len(run.tail) <= 4096


def test_inside_a_duty_nothing_is_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AUTOBUILDS_DUTY", "1")
    assert run_due(tmp_path, config("## A (every heartbeat)", "- `true`"), NOW) == ()
    assert list(tmp_path.iterdir()) == []


def test_a_damaged_record_is_said_and_begun_anew(tmp_path: Path) -> None:
    duty = config("## A (daily)", "- `true`", "## B (daily at 09:00)", "- `true`")
    run_due(tmp_path, duty, NOW)
    (tmp_path / ".autobuilds" / "duties.json").write_text("{")
    runs = run_due(tmp_path, duty, NOW + timedelta(minutes=5))
    assert outcomes(runs) == [("", DutyOutcome.RECORD_LOST), ("A", DutyOutcome.OK)]
    assert "duties.json can't be read" in runs[0].tail
    assert run_due(tmp_path, duty, NOW + timedelta(minutes=10)) == ()


def test_a_clock_that_was_far_ahead_does_not_silence_a_duty(tmp_path: Path) -> None:
    duty = config("## A (daily)", "- `true`")
    assert len(run_due(tmp_path, duty, NOW.replace(year=2038))) == 1
    assert run_due(tmp_path, duty, NOW) == ()
    assert len(run_due(tmp_path, duty, NOW + timedelta(days=1))) == 1


def test_a_duty_that_was_removed_is_forgotten(tmp_path: Path) -> None:
    run_due(tmp_path, config("## A (daily)", "- `true`", "## B (daily)", "- `true`"), NOW)
    run_due(tmp_path, config("## B (daily)", "- `true`"), NOW + timedelta(days=1))
    assert list(json.loads((tmp_path / ".autobuilds" / "duties.json").read_text())["last"]) == ["b"]


def test_what_was_missed_is_made_up_for_in_the_order_of_its_times(tmp_path: Path) -> None:
    duty = config("## Brief (daily at 07:00)", "- `true`", "## Always (hourly)", "- `true`", "## Report (daily at 06:30)", "- `true`")
    run_due(tmp_path, duty, NOW)
    assert [r.duty for r in run_due(tmp_path, duty, NOW + timedelta(days=3))] == ["Report", "Always", "Brief"]


def test_a_night_that_was_missed_is_not_begun_by_day(tmp_path: Path) -> None:
    duty = config("## Night (daily at 23:00, until 06:00)", "- `true`", "## Report (daily at 06:30)", "- `true`")
    run_due(tmp_path, duty, NOW)
    assert [r.duty for r in run_due(tmp_path, duty, NOW + timedelta(hours=23))] == ["Report"]
    assert [r.duty for r in run_due(tmp_path, duty, NOW + timedelta(hours=38))] == ["Night"]


def test_two_processes_never_run_the_same_duty(tmp_path: Path) -> None:
    duty = config("## A (daily)", "- `true`")
    assert anything_due(tmp_path, duty, NOW)
    with Lock(private_folder(tmp_path) / "duties.lock"):
        assert run_due(tmp_path, duty, NOW) == ()
    assert len(run_due(tmp_path, duty, NOW)) == 1
    assert not anything_due(tmp_path, duty, NOW)


def test_what_is_not_so_is_no_failure(tmp_path: Path) -> None:
    run = run_due(tmp_path, config("## A (daily)", "- `autobuilds fail nothing-of-that-name`"), NOW)[0]
    assert (run.outcome, run.ok) == (DutyOutcome.FAILED, False), "here is no workspace: that is bad input"
    (tmp_path / "BUILD_QUEUE.md").write_text("## Active Queue\n## Completed\n")
    duty = config("## B (daily)", "- `autobuilds show nothing-of-that-name`", "- `false`")
    runs = run_due(tmp_path, duty, NOW)
    assert [(r.outcome, r.ok) for r in runs] == [(DutyOutcome.NOT_SO, True), (DutyOutcome.FAILED, False)]
    assert "nothing-of-that-name" in str(runs[0])


def test_a_breakdown_of_ours_is_a_failure() -> None:
    command = config("## A (daily)", "- `autobuilds check`").duties[0].commands[0]
    assert outcome_of(command, 1, "x\nThis is a bug in autobuilds; a report stands in y") is DutyOutcome.FAILED
    assert outcome_of(command, 1, "2 problems") is DutyOutcome.NOT_SO
    assert outcome_of(command, 3, "busy") is DutyOutcome.FAILED
