"""What was tried out of the sandbox is believed only where everything is as it was."""

from __future__ import annotations

import os
import time
from pathlib import Path

import pytest

from autobuilds.adapters import traces, trials
from autobuilds.domain.sandbox import Tier, TierProbe

FOUND = (
    TierProbe(tier=Tier.BWRAP, works=True, why="connect to \u201csockets\u201d"),
    TierProbe(tier=Tier.NONE, works=True),
)


@pytest.fixture
def file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("HOME", str(tmp_path))
    return tmp_path / ".local/state/autobuilds/machine/sandbox"


def test_what_was_kept_is_recalled(file: Path) -> None:
    assert trials.recall() is None
    trials.keep(FOUND)
    assert trials.recall() == FOUND
    assert file.parent.stat().st_mode & 0o777 == 0o700


def test_a_program_that_is_missing_is_kept_until_it_is_there(file: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = tmp_path / "bin"
    folder.mkdir()
    monkeypatch.setenv("PATH", str(folder))
    wanting = (TierProbe(tier=Tier.BWRAP, works=False, wants_program=True, why="no bwrap", fix="install it"), FOUND[1])
    trials.keep(wanting)
    assert trials.recall() == wanting
    (folder / "bwrap").write_text("#!/bin/sh\n")
    (folder / "bwrap").chmod(0o755)
    assert trials.recall() is None


def test_half_a_file_of_the_dead_goes_with_the_next_trial(file: Path) -> None:
    gone = os.fork()
    if gone == 0:
        os._exit(0)
    os.waitpid(gone, 0)
    file.parent.mkdir(parents=True)
    (file.parent / f".sandbox.{gone}-0123abcd.tmp").write_text("half")
    trials.keep(FOUND)
    assert [path.name for path in file.parent.iterdir()] == ["sandbox"]


def test_not_after_an_hour_nor_from_the_future(file: Path) -> None:
    trials.keep(FOUND)
    for age in (3601, -60):
        os.utime(file, (time.time() - age,) * 2)
        assert trials.recall() is None
    trials.keep(FOUND)
    assert trials.recall() == FOUND


def test_not_where_others_could_have_written_it(file: Path) -> None:
    trials.keep(FOUND)
    file.chmod(0o666)
    assert trials.recall() is None


def test_not_with_another_bubblewrap(file: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = tmp_path / "bin"
    folder.mkdir()
    monkeypatch.setenv("PATH", f"{folder}{os.pathsep}{os.environ['PATH']}")
    trials.keep(FOUND)
    program = folder / "bwrap"
    program.write_text("#!/bin/sh\n")
    program.chmod(0o755)
    assert trials.recall() is None
    trials.keep(FOUND)
    assert trials.recall() == FOUND
    program.write_text("#!/bin/sh\nexit 1\n")
    assert trials.recall() is None


@pytest.mark.parametrize("said", ["switch", "standing"])
def test_not_on_a_machine_that_is_set_otherwise(file: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, said: str) -> None:
    switch = tmp_path / "switch"
    switch.write_text("0\n")
    monkeypatch.setattr(trials, "SWITCHES", (str(switch),))
    trials.keep(FOUND)
    assert trials.recall() == FOUND
    if said == "switch":
        switch.write_text("1\n")
    else:
        monkeypatch.setattr(trials, "_STANDING", ("Name:",))
    assert trials.recall() is None


@pytest.mark.parametrize("damage", [b"", b"\xff\xfe", b"no key", b"\x1e" * 5])
def test_what_can_not_be_read_is_not_believed(file: Path, damage: bytes) -> None:
    trials.keep(FOUND)
    file.write_bytes(damage)
    assert trials.recall() is None
    trials.keep(FOUND)
    file.write_bytes(b"?" + file.read_bytes()[1:])
    assert trials.recall() is None


@pytest.mark.parametrize(
    ("row", "damaged"),
    [
        (b"none\x1fyes", b"none\x1fno"),
        (b"none\x1fyes", b"nun\x1fyes"),
        (b"none\x1fyes\x1f\x1f", b"none\x1fyes\x1f"),
        (b"none\x1fyes", b"\xff\x1fyes"),
    ],
    ids=["word", "tier", "fields", "no text"],
)
def test_a_row_that_says_what_nobody_writes_is_not_believed(file: Path, row: bytes, damaged: bytes) -> None:
    trials.keep(FOUND)
    whole = file.read_bytes()
    assert whole.count(row) == 1
    file.write_bytes(whole.replace(row, damaged))
    assert trials.recall() is None


def test_nothing_is_kept_of_a_machine_that_changed_during_the_trial(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    before = trials.standing()
    monkeypatch.setenv("PATH", f"{os.environ['PATH']}{os.pathsep}/elsewhere")
    trials.keep(FOUND, before)
    assert not file.exists()
    trials.keep(FOUND, trials.standing())
    assert trials.recall() == FOUND


def test_without_a_path_programs_stand_where_python_looks_for_them(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("PATH")
    standing = trials.standing()
    monkeypatch.setenv("PATH", os.defpath)
    assert trials.standing() == standing
    monkeypatch.setenv("PATH", "")
    assert trials.standing() != standing


def test_nothing_is_kept_where_it_can_not_be(file: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    trials.keep((TierProbe(tier=Tier.NONE, works=True, why="a\x1eb"),))
    trials.keep((*FOUND, TierProbe(tier=Tier.LANDLOCK, works=False, why="no memory")))
    assert not file.exists()
    (tmp_path / ".local").write_text("in the way")
    trials.keep(FOUND)
    assert trials.recall() is None
    monkeypatch.setattr(trials, "standing", lambda: None)
    trials.keep(FOUND)


def test_what_is_forgotten_is_not_recalled(file: Path, tmp_path: Path) -> None:
    trials.keep(FOUND)
    trials.forget()
    assert (trials.recall(), file.exists()) == (None, False)
    trials.forget()
    (tmp_path / ".local").rename(tmp_path / "moved")
    (tmp_path / ".local").write_text("in the way")
    trials.forget()


@pytest.mark.skipif(not Path("/proc/sys/user").is_dir(), reason="this kernel has no limits of namespaces")
def test_a_limit_of_any_kind_of_namespace_that_a_sandbox_makes_is_another_machine() -> None:
    limits = {str(path) for path in Path("/proc/sys/user").glob("max_*_namespaces")}
    assert limits - {"/proc/sys/user/max_time_namespaces"} <= set(traces.SWITCHES)


def test_a_home_that_does_not_exist_is_not_made(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", str(tmp_path / "nonexistent"))
    trials.keep(FOUND)
    assert list(tmp_path.iterdir()) == []
