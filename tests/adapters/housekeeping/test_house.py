"""The machine as a house: its disks, its clock, its zone, and where nothing is there to be looked at."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from autobuilds.domain.house import Fix, FixKind, Place, Scope
from autobuilds.records import replace
from tests.adapters.housekeeping.conftest import NOW, Yard


def test_each_disk_stands_there_once_named_by_the_first_folder_on_it(yard: Yard) -> None:
    (disk,) = yard.read().disks
    found = os.statvfs(yard.root)
    assert (disk.path, disk.total_bytes) == (str(yard.root), found.f_blocks * found.f_frsize)
    assert 0 <= disk.percent <= 100
    assert 0 < disk.free_bytes <= disk.total_bytes
    shm = Path("/dev/shm")
    if shm.is_dir() and shm.stat().st_dev != yard.root.stat().st_dev:
        assert [d.path for d in yard.read(replace(yard.scope, folders=(str(shm),))).disks] == [str(yard.root), "/dev/shm"]


def test_a_folder_with_nothing_in_it_can_be_read(tmp_path: Path) -> None:
    from autobuilds.adapters.housekeeping.house import MachineHouse

    found = MachineHouse().read(Scope(root=str(tmp_path), now=NOW, folders=(str(tmp_path / "gone"),)), lambda _: None)
    assert (found.logs, found.databases, found.repositories, found.clones, found.trash) == ((), (), (), (), ())
    assert found.unusable == (str(tmp_path / "gone"),)
    assert list(tmp_path.iterdir()) == []


def test_the_clock_and_the_zone(yard: Yard, monkeypatch: pytest.MonkeyPatch) -> None:
    assert (yard.read().replaced_clock, yard.read().zone_fault) == (False, "")
    monkeypatch.setenv("AUTOBUILDS_NOW", "2026-02-06T22:00:00+01:00")
    assert yard.read().replaced_clock


@pytest.mark.parametrize(("zone", "words"), [("Nowhere/Atlantis", "Atlantis"), ("Europe/Berlin", ""), ("UTC", "")])
def test_a_zone_that_is_none(zone: str, words: str) -> None:
    code = "from autobuilds.adapters.housekeeping.house import _zone_fault; print(_zone_fault())"
    done = subprocess.run([sys.executable, "-c", code], env={**os.environ, "TZ": zone}, capture_output=True, text=True, check=True)
    assert (words in done.stdout, bool(done.stdout.strip())) == (True, bool(words))


@pytest.mark.parametrize("kind", list(FixKind))
def test_a_fix_that_says_too_little_does_nothing(yard: Yard, kind: FixKind) -> None:
    before = sorted(yard.root.rglob("*"))
    for path in (str(yard.data / "gone"), str(yard.root), "/"):
        done = yard.house.mend(Fix(kind=kind, place=Place(path=path, root=str(yard.data))), yard.scope)
        assert (done.done, bool(done.said)) == (False, True)
    assert sorted(yard.root.rglob("*")) == before
