"""Logs on a real disk: renamed, compressed, moved to the trash and brought back, with what others do in between."""

from __future__ import annotations

import gzip
import os
import stat
import subprocess
import sys
from datetime import timedelta
from pathlib import Path

import pytest

from autobuilds.adapters.housekeeping import logs, openness, packing
from autobuilds.adapters.housekeeping.logs import kind_of
from autobuilds.domain.house import Fix, FixKind, LogKind, Place
from autobuilds.records import replace
from tests.adapters.housekeeping.conftest import MIB, NOW, Yard, aged
from tests.conftest import git


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("a.log", LogKind.CURRENT),
        ("a\nb.log", LogKind.CURRENT),
        ("a.log.1", LogKind.ROTATED),
        ("a.log-20260206", LogKind.ROTATED),
        ("a.log.20260206T220000-2", LogKind.ROTATED),
        ("a.log.old", LogKind.ROTATED),
        ("a.log.1.gz", LogKind.COMPRESSED),
        ("a.log.xz", LogKind.COMPRESSED),
        (".log", None),
        ("a.logs", None),
        ("a.log.txt", None),
        ("catalog", None),
        ("a.gz", None),
    ],
)
def test_logs_are_known_by_their_names(name: str, kind: LogKind | None) -> None:
    assert kind_of(name) is kind


def test_a_large_log_is_renamed_and_an_empty_one_takes_its_place_where_others_write(yard: Yard) -> None:
    theirs, ours = yard.data / "app.log", yard.root / "subagents" / "logs" / "odd.log"
    for path in (theirs, ours):
        path.write_bytes(b"x" * (MIB + 1))
        path.chmod(0o640)
    assert [m.done for m in yard.fix(FixKind.ROTATE)] == [True, True]
    stamp = f"{NOW:%Y%m%dT%H%M%S}"
    assert (yard.data / f"app.log.{stamp}").stat().st_size == MIB + 1
    assert (theirs.stat().st_size, stat.S_IMODE(theirs.stat().st_mode)) == (0, 0o640)
    assert (ours.exists(), ours.with_name(f"odd.log.{stamp}").stat().st_size) == (False, MIB + 1)
    assert yard.problems() == ()


def test_a_second_rotation_in_the_same_second_takes_another_name(yard: Yard) -> None:
    path = yard.data / "app.log"
    for _ in range(2):
        path.write_bytes(b"x" * (MIB + 1))
        assert [m.done for m in yard.fix(FixKind.ROTATE)] == [True]
    assert sorted(p.name for p in yard.data.iterdir())[1:] == [f"app.log.{NOW:%Y%m%dT%H%M%S}", f"app.log.{NOW:%Y%m%dT%H%M%S}-2"]


def test_what_somebody_has_open_is_named_and_left(yard: Yard) -> None:
    path = yard.data / "app.log"
    path.write_bytes(b"x" * (MIB + 1))
    with path.open("ab") as writer:
        (found,) = yard.problems()
        assert (found.fix, "has it open" in found.said) == (None, True)
        late = Fix(kind=FixKind.ROTATE, place=Place(path=str(path), root=str(yard.data)))
        assert yard.house.mend(late, yard.scope).done is False
        writer.write(b"more")
    assert path.stat().st_size == MIB + 5
    assert [m.done for m in yard.fix(FixKind.ROTATE)] == [True]


def test_what_is_renamed_while_somebody_opens_it_keeps_what_he_writes(yard: Yard, monkeypatch: pytest.MonkeyPatch) -> None:
    path = yard.data / "app.log"
    path.write_bytes(b"x" * (MIB + 1))
    writers = []

    def opened_right_then(fd: int, name: str) -> bool:
        writers.append(path.open("ab", buffering=0))
        return False

    (fix,) = yard.fixes()
    monkeypatch.setattr(logs, "in_use", opened_right_then)
    assert yard.house.mend(fix, yard.scope).done
    with writers[0] as writer:
        writer.write(b"late")
    assert (yard.data / f"app.log.{NOW:%Y%m%dT%H%M%S}").read_bytes().endswith(b"xlate")


def test_an_old_log_is_compressed_and_holds_the_same(yard: Yard) -> None:
    path = aged(yard.data / "app.log.1", 31, os.urandom(1000) * 3000)
    content, before = path.read_bytes(), path.stat()
    path.chmod(0o600)
    (done,) = yard.fix(FixKind.COMPRESS)
    packed = yard.data / "app.log.1.gz"
    assert (done.done, path.exists(), gzip.decompress(packed.read_bytes())) == (True, False, content)
    assert done.freed == before.st_size - packed.stat().st_size > 0
    assert (packed.stat().st_mtime_ns, stat.S_IMODE(packed.stat().st_mode)) == (before.st_mtime_ns, 0o600)
    assert [p.name for p in yard.data.iterdir()] == ["app.log.1.gz"]


def test_a_log_that_is_written_while_it_is_compressed_stays(yard: Yard, monkeypatch: pytest.MonkeyPatch) -> None:
    path = aged(yard.data / "app.log.1", 31)
    real = packing.pack

    def written_meanwhile(fd: int, source: int, name: str, info: os.stat_result) -> int:
        size = real(fd, source, name, info)
        with path.open("ab") as file:
            file.write(b"late")
        return size

    monkeypatch.setattr(logs, "pack", written_meanwhile)
    (done,) = yard.fix(FixKind.COMPRESS)
    assert (done.done, "wrote to it meanwhile" in done.said) == (False, True)
    assert ([p.name for p in yard.data.iterdir()], path.read_bytes()[-4:]) == (["app.log.1"], b"late")


def test_a_log_that_is_opened_while_it_is_compressed_stays(yard: Yard, monkeypatch: pytest.MonkeyPatch) -> None:
    path = aged(yard.data / "app.log.1", 31)
    real, held = packing.pack, []

    def opened_meanwhile(fd: int, source: int, name: str, info: os.stat_result) -> int:
        held.append(path.open("ab"))
        return real(fd, source, name, info)

    monkeypatch.setattr(logs, "pack", opened_meanwhile)
    (done,) = yard.fix(FixKind.COMPRESS)
    held[0].close()
    assert (done.done, [p.name for p in yard.data.iterdir()]) == (False, ["app.log.1"])


def test_a_compression_that_takes_too_long_leaves_everything(yard: Yard, monkeypatch: pytest.MonkeyPatch) -> None:
    aged(yard.data / "app.log.1", 31)
    monkeypatch.setattr(packing, "_MOST_SECONDS", -1.0)
    (done,) = yard.fix(FixKind.COMPRESS)
    assert (done.done, "takes longer" in done.said, [p.name for p in yard.data.iterdir()]) == (False, True, ["app.log.1"])


def test_what_is_very_old_goes_to_the_trash_and_comes_back(yard: Yard) -> None:
    path = aged(yard.data / "deep" / "app.log.2.gz", 61)
    content, before = path.read_bytes(), path.stat()
    (done,) = yard.fix(FixKind.TRASH)
    assert (done.done, done.freed, done.trashed, path.exists()) == (True, 0, len(content), False)
    day = NOW.date()
    assert yard.house.days(yard.scope) == (day,)
    (back,) = yard.house.restore(day, yard.scope)
    assert (back.done, back.path, path.read_bytes(), path.stat().st_mtime_ns) == (True, str(path), content, before.st_mtime_ns)
    assert yard.house.restore(day, yard.scope) == ()


def test_links_pipes_files_of_several_names_and_other_peoples_folders_are_left_alone(yard: Yard, tmp_path: Path) -> None:
    outside = aged(tmp_path / "outside" / "a.log", 90, b"x" * (2 * MIB))
    (yard.data / "link.log").symlink_to(outside)
    (yard.data / "folder").symlink_to(outside.parent)
    os.mkfifo(yard.data / "pipe.log")
    twin = aged(tmp_path / "twin", 90, b"x" * (2 * MIB))
    os.link(twin, yard.data / "twin.log")
    (yard.data / "folder.log").mkdir()
    (yard.root / "subagents" / "logs" / "link.log").symlink_to(outside)
    readings = yard.read()
    assert (readings.logs, readings.skipped) == ((), 4)
    assert yard.problems() == ()
    linked = replace(yard.scope, folders=(str(yard.data / "folder"),))
    assert (yard.read(linked).logs, yard.read(linked).unusable) == ((), (str(yard.data / "folder"),))


def test_a_folder_that_becomes_a_link_before_the_fix_is_not_followed(yard: Yard, tmp_path: Path) -> None:
    inside = aged(yard.data / "deep" / "a.log", 0, b"x" * (2 * MIB))
    (fix,) = yard.fixes()
    outside = tmp_path / "outside"
    (yard.data / "deep").rename(outside)
    (yard.data / "deep").symlink_to(outside)
    assert yard.house.mend(fix, yard.scope).done is False
    assert ([p.name for p in outside.iterdir()], inside.stat().st_size) == (["a.log"], 2 * MIB)


def test_a_path_outside_of_its_root_is_refused(yard: Yard, tmp_path: Path) -> None:
    outside = aged(tmp_path / "a.log", 90)
    for path in (str(outside), f"{yard.data}/../a.log", str(yard.data)):
        for kind in (FixKind.ROTATE, FixKind.COMPRESS):
            assert not yard.house.mend(Fix(kind=kind, place=Place(path=path, root=str(yard.data))), yard.scope).done
    assert outside.exists()


def test_names_may_hold_anything(yard: Yard) -> None:
    names = [b"new\nline.log", b"\xff\xfe.log", b"-rf.log", b"a" * 235 + b".log"]
    for name in names:
        path = Path(os.fsdecode(os.fsencode(yard.data) + b"/" + name))
        path.write_bytes(b"x" * (MIB + 1))
    assert [m.done for m in yard.fix(FixKind.ROTATE)] == [True] * 4
    assert len(list(yard.data.iterdir())) == 8
    long = aged(yard.data / ("b" * 247 + ".log.old"), 31)
    (done,) = yard.fix(FixKind.COMPRESS)
    assert (done.done, long.exists(), done.said) == (False, True, "could not be compressed: File name too long")


def test_what_git_keeps_is_not_touched(yard: Yard) -> None:
    git(yard.data, "init", "-q")
    kept = aged(yard.data / "kept.log", 0, b"x" * (MIB + 1))
    loose = aged(yard.data / "loose.log", 0, b"x" * (MIB + 1))
    git(yard.data, "add", "kept.log")
    assert {t.where: t.safe for t in yard.problems()} == {str(kept): False, str(loose): True}


def test_a_log_of_a_build_that_the_ledger_knows_stays(yard: Yard) -> None:
    aged(yard.root / "subagents" / "logs" / "a-1.log", 90)
    scope = replace(yard.scope, known_logs={"subagents/logs/a-1.log": "a"})
    (found,) = yard.problems(scope)
    assert (found.fix, "the ledger still knows a" in found.said) == (None, True)
    (old,) = yard.problems()
    assert old.fix is not None
    assert old.fix.kind is FixKind.COMPRESS


def test_overlapping_folders_count_a_log_once(yard: Yard) -> None:
    aged(yard.data / "deep" / "a.log", 0, b"x" * (MIB + 1))
    scope = replace(yard.scope, folders=(str(yard.data), str(yard.data / "deep"), str(yard.root / "subagents")))
    aged(yard.root / "subagents" / "logs" / "b.log", 0, b"x" * (MIB + 1))
    assert [log.own for log in yard.read(scope).logs] == [True, False]


def test_a_time_of_change_to_come_is_no_age(yard: Yard) -> None:
    aged(yard.data / "a.log.1", -400, b"x" * (MIB + 1))
    assert [log.idle for log in yard.read().logs] == [timedelta()]


def test_openness_without_leases_is_seen_in_the_processes(yard: Yard, monkeypatch: pytest.MonkeyPatch) -> None:
    path = aged(yard.data / "a.log", 0)
    fd = os.open(yard.data, os.O_RDONLY)
    monkeypatch.setattr(openness, "lease", lambda _: None)
    try:
        assert openness.in_use(fd, "a.log") is False
        child = os.fork()
        if child == 0:
            with path.open("rb"):
                os.kill(os.getpid(), 19)
            os._exit(0)
        os.waitpid(child, os.WUNTRACED)
        try:
            assert openness.in_use(fd, "a.log") is True
        finally:
            os.kill(child, 9)
            os.waitpid(child, 0)
        assert openness.in_use(fd, "gone.log") is None
    finally:
        os.close(fd)


def test_what_a_killed_compression_left_goes_with_the_next_one(yard: Yard) -> None:
    old, young, other = (
        yard.data / name for name in (".autobuilds-half-0123456789abcdef.gz", ".autobuilds-half-fedcba9876543210.gz", ".half.gz")
    )
    for path, days in ((old, 1), (young, 0), (other, 1)):
        aged(path, days)
    os.utime(young)
    aged(yard.data / "app.log.1", 31)
    assert [m.done for m in yard.fix(FixKind.COMPRESS)] == [True]
    assert {p.name for p in yard.data.iterdir()} == {young.name, other.name, "app.log.1.gz"}


#: Writes lines until somebody says that it is enough, and how many they were: however fast the machine is, enough happens meanwhile.
_WRITER = """
import pathlib, sys
number, enough = 0, pathlib.Path(sys.argv[2])
while number < 3000 or not enough.exists():
    with open(sys.argv[1], "a") as file:
        print(number, file=file)
    number += 1
print(number)
"""


def test_not_a_line_is_lost_of_a_log_that_is_written_all_the_time(yard: Yard) -> None:
    path = yard.data / "app.log"
    path.write_text("")
    enough = yard.root / "enough"
    writer = subprocess.Popen([sys.executable, "-c", _WRITER, str(path), str(enough)], stdout=subprocess.PIPE, text=True)
    rotated = packed = 0
    while writer.poll() is None:
        if rotated > 2 and packed > 2:
            enough.touch()
        for file in yard.data.iterdir():
            place = Place(path=str(file), root=str(yard.data))
            if file.name == "app.log":
                rotated += yard.house.mend(Fix(kind=FixKind.ROTATE, place=place), yard.scope).done
            elif kind_of(file.name) is LogKind.ROTATED:
                packed += yard.house.mend(Fix(kind=FixKind.COMPRESS, place=place), yard.scope).done
    assert writer.returncode == 0 and writer.stdout is not None
    written = int(writer.stdout.read())
    writer.stdout.close()
    found: list[int] = []
    for file in yard.data.iterdir():
        data = file.read_bytes()
        found += map(int, (gzip.decompress(data) if file.suffix == ".gz" else data).split())
    assert sorted(found) == list(range(written))
    assert rotated > 2
    assert packed > 2
