"""The machine's clock and resources."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

import psutil
import pytest

from autobuilds.adapters import host
from autobuilds.adapters.host import MachineHost
from autobuilds.errors import BadInput, Refused


def test_the_clock_is_the_machines() -> None:
    host = MachineHost(environment={})
    assert abs(host.now("UTC") - datetime.now(UTC)) < timedelta(seconds=5)
    assert str(host.now("America/Chicago").tzinfo) == "America/Chicago"
    assert host.now(None).tzinfo is not None


def test_a_given_time_replaces_the_clock() -> None:
    host = MachineHost(environment={"AUTOBUILDS_NOW": "2026-02-06T22:00:00+01:00"})
    assert host.now("America/Chicago").isoformat() == "2026-02-06T15:00:00-06:00"
    assert MachineHost(environment={"AUTOBUILDS_NOW": "2026-02-06T21:00:00Z"}).now("UTC") == host.now(None)


def test_a_given_time_is_refused_inside_a_build() -> None:
    with pytest.raises(Refused, match="AUTOBUILDS_NOW"):
        MachineHost(environment={"AUTOBUILDS_NOW": "2026-02-06T22:00:00+01:00", "AUTOBUILDS_ATTEMPT": "x"}).now(None)


@pytest.mark.parametrize("given", ["", "noon", "2026-02-06 22:00", "2026-13-01T00:00:00Z", "9999-12-31T23:30:00Z", "0001-01-01T00:30:00Z"])
def test_a_time_that_can_not_be_read(given: str) -> None:
    with pytest.raises(BadInput, match="AUTOBUILDS_NOW"):
        MachineHost(environment={"AUTOBUILDS_NOW": given}).now(None)


@pytest.mark.parametrize("zone", ["Mars/Olympus", "../etc/passwd", "", "\0"])
def test_a_zone_that_is_none(zone: str) -> None:
    with pytest.raises(BadInput, match="time zone"):
        MachineHost(environment={}).now(zone)


def test_resources(tmp_path: Path) -> None:
    found = MachineHost(environment={}).resources(tmp_path)
    assert found.disk_percent is not None and 0 <= found.disk_percent <= 100
    assert found.memory_percent is not None and 0 < found.memory_percent <= 100
    assert found.load_per_core is not None and found.load_per_core >= 0
    assert MachineHost(environment={}).resources(tmp_path / "gone").disk_percent is None


@pytest.mark.parametrize("told", [True, False], ids=["by the system's file", "by psutil"])
def test_resources_are_those_of_psutil(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, told: bool) -> None:
    if not told:
        monkeypatch.setattr(host, "_MEMINFO", tmp_path / "gone")
    found = MachineHost(environment={}).resources(tmp_path)
    memory, disk = psutil.virtual_memory(), psutil.disk_usage(str(tmp_path))
    assert found.memory_percent == pytest.approx(memory.percent, abs=10)
    assert found.memory_free_mib == pytest.approx(memory.available / 1024**2, rel=0.2)
    assert found.disk_percent == pytest.approx(disk.percent, abs=1)


@pytest.mark.parametrize(
    "text", ["", "MemTotal: 1 kB\n", "MemTotal: 1 kB\nMemAvailable: 2 kB\n", "MemTotal:\nMemAvailable:\n", "MemTotal: x kB\n"]
)
def test_a_file_of_the_system_that_says_nothing_is_not_believed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, text: str) -> None:
    (tmp_path / "meminfo").write_text(text)
    monkeypatch.setattr(host, "_MEMINFO", tmp_path / "meminfo")
    assert MachineHost(environment={}).resources(tmp_path).memory_percent == pytest.approx(psutil.virtual_memory().percent, abs=10)


def test_agents(tmp_path: Path) -> None:
    (tmp_path / "agents.toml").write_text('[mine]\nargv = ["sh"]\n')
    found = MachineHost(workspace=tmp_path, environment={"PATH": "/bin:/usr/bin"}).agents()
    assert (found[0].name, found[0].found) == ("mine", True)
