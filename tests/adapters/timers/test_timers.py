"""The schedulers, each against a fake program that acts as the real one does."""

from __future__ import annotations

import os
import plistlib
import sys
from datetime import timedelta
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from autobuilds.adapters.timers import TIMERS
from autobuilds.adapters.timers.cron import CronTimer, added, line, removed, schedule
from autobuilds.adapters.timers.intervals import every
from autobuilds.adapters.timers.launchd import calendar as moments
from autobuilds.adapters.timers.systemd import calendar, quoted, service_text
from autobuilds.errors import BadInput, TimerFailure
from autobuilds.ports import Timer, TimerJob
from autobuilds.runtime import installing
from tests.adapters.timers.programs import put, snapshot

#: A folder whose name every scheduler must escape.
ODD = "my 100% \"odd\" $HOME 'folder'"


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return a home of its own, with all fake schedulers on the PATH."""
    folder = tmp_path / "olive"
    folder.mkdir()
    put(tmp_path / "bin", "crontab", "systemctl", "launchctl")
    monkeypatch.setenv("HOME", str(folder))
    monkeypatch.setenv("PATH", f"{tmp_path / 'bin'}:/usr/bin:/bin")
    return folder


def job_of(tmp_path: Path, name: str = "ws", minutes: int = 30) -> TimerJob:
    root = tmp_path / name
    root.mkdir(exist_ok=True)
    return installing.job_for(root, timedelta(minutes=minutes))


@pytest.mark.parametrize("name", list(TIMERS))
class TestEveryScheduler:
    """What all of them promise."""

    def test_install_is_idempotent_and_uninstall_leaves_no_byte(self, name: str, home: Path, tmp_path: Path) -> None:
        timer, before, job = TIMERS[name], snapshot(home), job_of(tmp_path)
        assert timer.missing() is None and not timer.state(job).installed
        assert timer.install(job)
        state = timer.state(job)
        assert state.installed and state.current
        after = snapshot(home)
        assert after != before
        assert not timer.install(job)
        assert snapshot(home) == after
        assert timer.uninstall(job)
        assert snapshot(home) == before
        assert not timer.uninstall(job)

    def test_workspaces_side_by_side(self, name: str, home: Path, tmp_path: Path) -> None:
        timer, one = TIMERS[name], job_of(tmp_path, "a/ws".replace("/", "-"))
        (tmp_path / "other").mkdir()
        two = job_of(tmp_path, "other/" + one.workspace.name)
        timer.install(one)
        alone = snapshot(home)
        timer.install(two)
        assert timer.state(one).installed and timer.state(two).installed
        timer.uninstall(two)
        assert snapshot(home) == alone and timer.state(one).current

    def test_a_new_interval_replaces_the_old(self, name: str, home: Path, tmp_path: Path) -> None:
        timer, job, slower = TIMERS[name], job_of(tmp_path), job_of(tmp_path, minutes=60)
        timer.install(job)
        assert timer.state(slower).installed and not timer.state(slower).current
        assert timer.install(slower)
        assert timer.state(slower).current and not timer.state(job).current
        timer.uninstall(slower)
        assert not snapshot(home)

    def test_an_odd_folder_comes_through_and_the_probe_proves_it(self, name: str, home: Path, tmp_path: Path) -> None:
        (home / "cron.runs").touch()
        job, timer = odd_job(tmp_path), awake(TIMERS[name])
        before = snapshot(home)
        timer.install(job)
        installed = snapshot(home)
        proof = installing.prove_it(timer, job, patience=30)
        assert proof.ok, proof.said
        assert snapshot(home) == installed
        timer.uninstall(job)
        assert snapshot(home) == before

    def test_a_probe_that_never_runs_is_said(self, name: str, home: Path, tmp_path: Path) -> None:
        job = job_of(tmp_path)
        idle = TimerJob(key=job.key, workspace=job.workspace, argv=job.argv, probe=("/bin/true", "x"), interval=job.interval, path=job.path)
        before = snapshot(home)
        proof = installing.prove_it(awake(TIMERS[name]), idle, patience=0.2)
        assert not proof.ok and "did not run the probe within" in proof.said
        assert snapshot(home) == before


def awake(timer: Timer) -> Timer:
    """Return the scheduler; cron as if its daemon ran."""

    class AwakeCron(CronTimer):
        def dormant(self) -> str | None:
            return None

    return AwakeCron() if timer.name == "cron" else timer


def odd_job(tmp_path: Path) -> TimerJob:
    """Return the job of a workspace with an odd name, whose probe is the real one's writing in a few lines."""
    root = tmp_path / ODD
    (root / ".autobuilds").mkdir(parents=True)
    job = installing.job_for(root, timedelta(minutes=30))
    code = (
        "import json, os, sys; root, nonce = sys.argv[1:]; "
        "json.dump(dict(nonce=nonce, at='2026-02-06T22:00:00+00:00', path=os.environ['PATH'], programs=dict(git='/usr/bin/git')), "
        "open(root + '/.autobuilds/timer-probe.json', 'w'))"
    )
    probe = (sys.executable, "-c", code, str(root), job.probe[-1])
    return TimerJob(key=job.key, workspace=root, argv=job.argv, probe=probe, interval=job.interval, path=job.path)


@pytest.mark.parametrize(
    ("minutes", "cron", "systemd"),
    [
        (1, "* * * * *", "*-*-* *:0/1:00"),
        (30, "*/30 * * * *", "*-*-* *:0/30:00"),
        (60, "0 * * * *", "*-*-* 0/1:00:00"),
        (360, "0 */6 * * *", "*-*-* 0/6:00:00"),
        (1440, "0 0 * * *", "*-*-* 00:00:00"),
    ],
)
def test_intervals(minutes: int, cron: str, systemd: str) -> None:
    rhythm = every(timedelta(minutes=minutes))
    assert (schedule(rhythm), calendar(rhythm)) == (cron, systemd)
    assert len(moments(timedelta(minutes=minutes))) == (60 // minutes if minutes <= 60 else 1440 // minutes)


@pytest.mark.parametrize(("minutes", "near"), [(45, "30m or 1h"), (7, "6m or 10m"), (0.5, "1m or 2m"), (5000, "12h or 24h")])
def test_an_interval_that_no_calendar_keeps_names_the_nearest(minutes: float, near: str) -> None:
    with pytest.raises(BadInput) as refused:
        every(timedelta(minutes=minutes))
    words = str(refused.value)
    assert "divide an hour or a day" in words
    if minutes in {45, 5000}:
        assert near in words


def test_the_service_leaves_builds_alive_and_stores_the_path(tmp_path: Path) -> None:
    job = job_of(tmp_path)
    text = service_text(job, job.argv)
    assert "Type=oneshot\nKillMode=process\n" in text and f'Environment="PATH={job.path}"' in text
    assert f'ExecStart="{sys.executable}" "-P" "-m" "autobuilds" "heartbeat" "--workspace" "{job.workspace}"' in text


def test_a_unit_file_takes_no_control_characters() -> None:
    with pytest.raises(BadInput, match="control characters"):
        quoted("/a\nExecStart=/bin/evil")
    assert quoted("/a $b %c") == '"/a $$b %%c"'


def test_the_launch_agent_is_a_property_list_with_a_path(tmp_path: Path) -> None:
    (piece,) = TIMERS["launchd"].pieces(job_of(tmp_path))
    content = plistlib.loads(piece.text.encode())
    assert content["StartCalendarInterval"] == [{"Minute": 0}, {"Minute": 30}]
    assert content["AbandonProcessGroup"] is True and content["EnvironmentVariables"]["PATH"]


def test_a_refused_unit_leaves_nothing(home: Path, tmp_path: Path) -> None:
    (home / "systemd.refuses").touch()
    before = snapshot(home)
    with pytest.raises(TimerFailure, match="does not please me"):
        TIMERS["systemd"].install(job_of(tmp_path))
    assert snapshot(home) == before


def test_a_crontab_that_may_not_be_read_is_never_taken_for_an_empty_one(home: Path, tmp_path: Path) -> None:
    (home / "spool").write_bytes(b"0 0 * * * mine\n")
    (home / "crontab.denied").touch()
    with pytest.raises(TimerFailure, match="not allowed"):
        TIMERS["cron"].install(job_of(tmp_path))
    assert (home / "spool").read_bytes() == b"0 0 * * * mine\n"
    assert (home / "crontab.calls").read_text() == "-l\n"


def test_an_edited_block_is_left_alone(home: Path, tmp_path: Path) -> None:
    timer, job = TIMERS["cron"], job_of(tmp_path)
    timer.install(job)
    table = (home / "spool").read_bytes().replace(b"# <<<", b"1 1 * * * mine\n2 2 * * * mine\n# <<<")
    (home / "spool").write_bytes(table)
    with pytest.raises(TimerFailure, match="crontab -e"):
        timer.uninstall(job)
    assert (home / "spool").read_bytes() == table


def classic_of(tmp_path: Path, minutes: int = 30) -> TimerJob:
    root = tmp_path / "ws"
    root.mkdir(exist_ok=True)
    return installing.job_for(root, timedelta(minutes=minutes), classic=True)


def test_the_classic_lines_stand_beside_the_heartbeat(home: Path, tmp_path: Path) -> None:
    timer, job, table = TIMERS["cron"], classic_of(tmp_path), b"# mine\n\n1 2 * * * x\n"
    (home / "spool").write_bytes(table)
    assert timer.install(job) and not timer.install(job)
    rows = (home / "spool").read_text().removeprefix(table.decode()).split("\n")
    assert rows[0].startswith("# >>> autobuilds ") and rows[-2].startswith("# <<< autobuilds ")
    assert [" ".join(row.split(" ")[:5]) for row in rows[1:-2]] == ["*/30 * * * *", "0 23 * * *", "30 6 * * *", "0 7 * * *", "0 18 * * 5"]
    for row, command in zip(
        rows[1:-2], ["heartbeat", "overnight start", "overnight report", "brief --write", "weekend suggest --write"], strict=True
    ):
        assert f"-P -m autobuilds {command} --workspace {job.workspace} >" in row, row
    state = timer.state(job_of(tmp_path))
    assert state.installed and state.current, "whoever asks need not know which of the two it is"
    assert timer.install(job_of(tmp_path)), "the heartbeat alone takes the place of all"
    assert (home / "spool").read_text().count("-m autobuilds") == 1
    timer.install(job)
    (tmp_path / "ws" / ".autobuilds").mkdir()
    (tmp_path / "ws" / ".autobuilds" / "cron-brief.log").touch()
    assert installing.uninstall({"cron": timer}, job_of(tmp_path)) == ("cron",)
    assert (home / "spool").read_bytes() == table and not list((tmp_path / "ws" / ".autobuilds").iterdir())


def test_a_line_of_somebody_among_the_classic_ones_is_left_alone(home: Path, tmp_path: Path) -> None:
    timer, job = TIMERS["cron"], classic_of(tmp_path)
    timer.install(job)
    table = (home / "spool").read_bytes().replace(b"\n30 6 ", b"\n5 5 * * * mine\n30 6 ")
    (home / "spool").write_bytes(table)
    with pytest.raises(TimerFailure, match="crontab -e"):
        timer.uninstall(job)
    assert (home / "spool").read_bytes() == table


@given(st.binary(max_size=200), st.lists(st.booleans(), min_size=1, max_size=4))
def test_any_crontab_comes_back_to_the_byte_from_the_classic_lines(table: bytes, ways: list[bool]) -> None:
    """Installed again and again, with the classic lines and without."""
    now = table
    for classic in ways:
        job = installing.job_for(Path("/w"), timedelta(minutes=30), "/bin", classic=classic)
        now = added(now, bool(table) or now != table, job, job.argv, "*/30 * * * *", job.key)
    assert removed(now, job.key).data == table


def test_an_empty_crontab_stays_one(home: Path, tmp_path: Path) -> None:
    timer, job = TIMERS["cron"], job_of(tmp_path)
    (home / "spool").write_bytes(b"")
    timer.install(job)
    timer.uninstall(job)
    assert (home / "spool").read_bytes() == b""


def test_a_line_that_cron_would_cut_is_refused(tmp_path: Path) -> None:
    job = job_of(tmp_path)
    long = TimerJob(key="k", workspace=job.workspace, argv=job.argv, probe=(), interval=job.interval, path="/x" * 600)
    with pytest.raises(BadInput, match="shorter PATH"):
        line(long, job.argv, "* * * * *")


@given(st.binary(max_size=200), st.integers(1, 3), st.permutations([0, 1, 2]), st.booleans())
def test_any_crontab_comes_back_to_the_byte(table: bytes, count: int, order: list[int], there: bool) -> None:
    there = there or bool(table)
    jobs = [
        TimerJob(key=f"k{n}", workspace=Path(f"/w{n}"), argv=("/bin/true",), probe=(), interval=timedelta(minutes=30), path="/bin")
        for n in range(count)
    ]
    now, exists = table, there
    for job in jobs:
        now = added(now, exists, job, job.argv, "*/30 * * * *", job.key)
        exists = True
        assert added(now, True, job, job.argv, "*/30 * * * *", job.key) == now
    for n in order:
        if n < count:
            now, exists = removed(now, jobs[n].key)
    assert (now, exists) == (table, there)


def test_the_stored_path_has_only_folders_that_are_there(tmp_path: Path) -> None:
    given_path = os.pathsep.join(["bin", "", str(tmp_path), "/nowhere-at-all", str(tmp_path), "/bin"])
    assert installing.search_path(given_path) == f"{tmp_path}:/bin"


@pytest.mark.parametrize(
    ("executable", "passes"),
    [
        ("/home/o/.cache/uv/archive-v0/x7/bin/python", True),
        ("/home/o/.cache/pipx/ab12/bin/python", True),
        ("/tmp/venv/bin/python", True),
        ("/home/o/.local/share/uv/tools/autobuilds/bin/python", False),
        ("/usr/bin/python3", False),
    ],
)
def test_an_interpreter_that_will_not_stay_is_told(executable: str, passes: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(installing.tempfile, "gettempdir", lambda: "/tmp")
    assert (installing.passing(executable) is not None) is passes


def test_uninstall_goes_on_where_one_scheduler_can_not_be_asked(home: Path, tmp_path: Path) -> None:
    job = job_of(tmp_path)
    TIMERS["systemd"].install(job)
    (home / "crontab.denied").touch()
    assert installing.uninstall(TIMERS, job) == ("systemd",)
    with pytest.raises(TimerFailure, match="not allowed"):
        installing.uninstall(TIMERS, job)
