"""Who belongs to an attempt, and how all of them are stopped."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace

import psutil
import pytest

from autobuilds.adapters import processes
from autobuilds.adapters.processes import MARKER, Identity, Rung
from tests.adapters.attempts import wait_until


@pytest.fixture
def sleeper(tmp_path: Path) -> Iterator[subprocess.Popen[bytes]]:
    child = subprocess.Popen(["sleep", "60"], env={**os.environ, MARKER: "tested-1"}, start_new_session=True, cwd=tmp_path)
    yield child
    child.kill()
    child.wait()


def test_a_process_is_known_by_number_and_creation(sleeper: subprocess.Popen[bytes]) -> None:
    who = processes.identity(sleeper.pid)
    assert who is not None
    assert processes.alive(who)
    other = Identity(pid=who.pid, created=who.created - 60)
    assert not processes.alive(other)
    assert not processes.send(other, signal.SIGKILL)
    assert sleeper.poll() is None
    assert processes.send(who, signal.SIGKILL)
    sleeper.wait()
    assert not processes.alive(who)
    assert processes.identity(sleeper.pid) is None


def test_a_process_that_takes_no_signal_was_not_there(sleeper: subprocess.Popen[bytes], monkeypatch: pytest.MonkeyPatch) -> None:
    who = processes.identity(sleeper.pid)
    assert who is not None

    def refused(*_: object) -> None:
        raise psutil.AccessDenied(sleeper.pid)

    monkeypatch.setattr(psutil.Process, "send_signal", refused)
    assert not processes.send(who, signal.SIGKILL)


def test_who_does_not_end_is_looked_at_less_and_less_often(sleeper: subprocess.Popen[bytes], monkeypatch: pytest.MonkeyPatch) -> None:
    who = processes.identity(sleeper.pid)
    assert who is not None
    pauses, clock = list[float](), [0.0]

    def sleep(seconds: float) -> None:
        pauses.append(seconds)
        clock[0] += seconds

    monkeypatch.setattr(processes, "time", SimpleNamespace(sleep=sleep, monotonic=lambda: clock[0]))
    assert not processes.stop_all(lambda: {who}, ladder=(Rung(number=signal.SIGCONT, seconds=1.0),), collect=lambda: None)
    assert pauses[:3] == pytest.approx([0.01, 0.015, 0.0225])
    assert pauses[-1] == 0.1


def test_marked_processes_are_found_by_their_whole_marker(sleeper: subprocess.Popen[bytes]) -> None:
    assert wait_until(lambda: {p.pid for p in processes.marked("tested-1")} == {sleeper.pid})
    assert not processes.marked("tested-")
    assert not processes.marked("tested-12")


def test_processes_in_a_folder(sleeper: subprocess.Popen[bytes], tmp_path: Path) -> None:
    assert wait_until(lambda: sleeper.pid in {p.pid for p in processes.working_below(tmp_path)})
    assert not processes.working_below(tmp_path / "other")


def test_everything_is_stopped_though_it_ignores_and_multiplies() -> None:
    code = "import os,signal,time\nsignal.signal(15, signal.SIG_IGN)\nfor _ in range(3): os.fork()\nos.setsid() if os.getpid() != os.getpgid(0) else 0\ntime.sleep(60)"
    child = subprocess.Popen([sys.executable, "-c", code], env={**os.environ, MARKER: "tested-2"}, start_new_session=True)
    assert wait_until(lambda: len(processes.marked("tested-2")) == 8)
    ladder = (Rung(number=signal.SIGTERM, seconds=0.2), Rung(number=signal.SIGKILL, seconds=10))
    assert processes.stop_all(lambda: processes.marked("tested-2"), ladder=ladder, collect=lambda: None)
    assert not processes.marked("tested-2")
    child.wait()


def test_what_can_not_be_stopped_is_said(sleeper: subprocess.Popen[bytes]) -> None:
    who = processes.identity(sleeper.pid)
    assert who is not None
    assert not processes.stop_all(lambda: {who}, ladder=(Rung(number=signal.SIGCONT, seconds=0.1),), collect=lambda: None)


def test_nothing_to_stop() -> None:
    assert processes.stop_all(set)


def test_samples_add_up(sleeper: subprocess.Popen[bytes]) -> None:
    busy = subprocess.Popen([sys.executable, "-c", "while True: pass"])
    try:
        who = processes.identity(busy.pid)
        assert who is not None
        sampler = processes.Sampler(lambda: {who, Identity(pid=2**22 + 1, created=0.0)})
        assert wait_until(lambda: sampler.sample()[1] > 0 and sampler.cpu_seconds > 0.1)
        assert sampler.peak_rss_bytes > 1_000_000
    finally:
        busy.kill()
        busy.wait()


def test_the_boot_has_a_name() -> None:
    assert processes.boot_id() == processes.boot_id() != ""
