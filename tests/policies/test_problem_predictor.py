"""From readings to problems: how urgent, whether there is a safe fix, what is left alone and why."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from pathlib import PurePosixPath

import pytest

from autobuilds.domain.house import (
    Ahead,
    Database,
    DatabaseState,
    Disk,
    FailingDuty,
    FixKind,
    GitLock,
    LeftClone,
    LeftProcess,
    LogFile,
    LogKind,
    Mark,
    Place,
    Readings,
    Repository,
    TrashDay,
    Trouble,
    Urgency,
)
from autobuilds.domain.settings import Settings
from autobuilds.policies.problem_files import shown, size, span
from autobuilds.policies.problem_predictor import problems
from autobuilds.records import replace

NOW = datetime(2026, 2, 6, 22, 0, tzinfo=UTC)
ROOT = "/home/olive/site"
MIB = 1024 * 1024
SETTINGS = Settings()
QUIET = Readings(at=NOW, root=ROOT)


def place(path: str) -> Place:
    return Place(path=str(PurePosixPath(ROOT) / path), root=ROOT)


def mark(size: int) -> Mark:
    return Mark(inode=1, size=size, changed=0)


def log(size_: int = 11 * MIB, *, days: float = 0, kind: LogKind = LogKind.CURRENT, **more: object) -> LogFile:
    values = {"own": False, "in_use": False, **more}
    return LogFile(place=place("logs/a.log"), mark=mark(size_), kind=kind, idle=timedelta(days=days), **values)  # type: ignore[arg-type]


def of(readings: Readings, settings: Settings = SETTINGS) -> Trouble:
    (found,) = problems(readings, settings)
    return found


def test_where_all_is_well_there_is_nothing_to_say() -> None:
    disk = Disk(path=ROOT, percent=40.0, free_bytes=10, total_bytes=20, names_percent=10.0)
    well = replace(
        QUIET,
        disks=(disk, replace(disk, path="/data", names_percent=None)),
        memory_percent=50.0,
        load_per_core=0.5,
        logs=(log(MIB), log(MIB, days=40)),
        databases=(Database(place=place("a.db"), mark=mark(8 * MIB), state=DatabaseState.SOUND, unused=MIB - 1),),
        repositories=(Repository(place=place(".git"), loose=10, packs=1, locks=(GitLock(path="/x", age=timedelta(seconds=1)),)),),
        clones=(LeftClone(place=place("c"), mark=mark(1), size=1, idle=timedelta(minutes=59), recorded=False),),
        trash=(TrashDay(place=place("t"), day=date(2026, 2, 1), size=1, items=1),),
    )
    assert problems(well, SETTINGS) == ()
    assert problems(QUIET, SETTINGS) == ()


@pytest.mark.parametrize(
    ("path", "percent", "urgency", "words"),
    [
        (ROOT, 80.0, Urgency.CRITICAL, "nothing starts while it is above 80 %"),
        (ROOT, 70.0, Urgency.WARNING, "from 80 % on nothing starts"),
        ("/data", 95.0, Urgency.WARNING, "95.0 % is used, 3.0 GiB free"),
        ("/data", 75.0, Urgency.NOTE, "75.0 % is used"),
    ],
)
def test_a_filling_disk(path: str, percent: float, urgency: Urgency, words: str) -> None:
    found = of(replace(QUIET, disks=(Disk(path=path, percent=percent, free_bytes=3 * 1024**3, total_bytes=0),)))
    assert (found.kind, found.urgency, found.where, found.safe) == ("disk", urgency, path, False)
    assert words in found.said
    assert ("starts" in found.said) is (path == ROOT)


@pytest.mark.parametrize(("names", "urgency"), [(90.0, Urgency.WARNING), (98.5, Urgency.CRITICAL)])
def test_a_disk_can_run_out_of_names(names: float, urgency: Urgency) -> None:
    found = of(replace(QUIET, disks=(Disk(path=ROOT, percent=1.0, free_bytes=1, total_bytes=1, names_percent=names),)))
    assert (found.urgency, "inodes" in found.said) == (urgency, True)


def test_memory_and_load_at_their_limits() -> None:
    found = problems(replace(QUIET, memory_percent=90.0, load_per_core=4.0), SETTINGS)
    assert [(t.kind, t.urgency) for t in found] == [("memory", Urgency.WARNING), ("load", Urgency.WARNING)]
    assert "memory 90.0 %; nothing starts from 90 on (memory_limit)" in found[0].said


def test_a_clock_that_is_replaced_or_behind() -> None:
    found = problems(replace(QUIET, replaced_clock=True, ahead=(Ahead(what="duty scan", at=NOW + timedelta(days=1)),)), SETTINGS)
    assert [(t.kind, t.where, t.safe) for t in found] == [("clock", "AUTOBUILDS_NOW", False), ("clock", "duty scan", False)]
    assert "2026-02-07 22:00" in found[1].said


def test_a_zone_that_is_in_doubt_matters_where_none_is_set() -> None:
    doubt = replace(QUIET, zone_fault="no zone is named")
    assert of(doubt).said.startswith("this machine's zone is in doubt: no zone is named; ")
    assert problems(doubt, replace(SETTINGS, timezone="Europe/Berlin")) == ()


@pytest.mark.parametrize(
    ("given", "kind", "urgency"),
    [
        (log(), FixKind.ROTATE, Urgency.WARNING),
        (log(days=40), FixKind.ROTATE, Urgency.WARNING),
        (log(days=40, own=True), FixKind.COMPRESS, Urgency.NOTE),
        (log(1, days=30, kind=LogKind.ROTATED), FixKind.COMPRESS, Urgency.NOTE),
        (log(1, days=60, kind=LogKind.ROTATED), FixKind.TRASH, Urgency.NOTE),
        (log(1, days=60, kind=LogKind.COMPRESSED), FixKind.TRASH, Urgency.NOTE),
    ],
)
def test_what_is_done_about_a_log(given: LogFile, kind: FixKind, urgency: Urgency) -> None:
    found = of(replace(QUIET, logs=(given,)))
    assert found.fix is not None
    assert (found.fix.kind, found.fix.place, found.fix.mark, found.urgency) == (kind, given.place, given.mark, urgency)
    assert found.where == "logs/a.log"


@pytest.mark.parametrize(
    "given",
    [
        log(10 * MIB),
        log(10 * MIB, days=400),
        log(99 * MIB, kind=LogKind.ROTATED),
        log(99 * MIB, days=59, kind=LogKind.COMPRESSED),
        log(0, days=90, own=True),
    ],
)
def test_logs_of_which_nothing_is_to_be_said(given: LogFile) -> None:
    assert problems(replace(QUIET, logs=(given,)), SETTINGS) == ()


def test_the_limits_of_logs_are_settings() -> None:
    given = replace(QUIET, logs=(log(2 * MIB, days=2, kind=LogKind.ROTATED), log(2 * MIB)))
    assert problems(given, SETTINGS) == ()
    found = problems(given, replace(SETTINGS, log_limit=1, log_age=timedelta(days=1)))
    assert [t.fix.kind for t in found if t.fix] == [FixKind.ROTATE, FixKind.TRASH]


@pytest.mark.parametrize(
    ("given", "why"),
    [
        (log(build="fix-it"), "the ledger still knows fix-it"),
        (log(tracked=True), "Git keeps it"),
        (log(in_use=None), "can't be told"),
        (log(in_use=True), "a program has it open"),
        (log(5 * 1024 * MIB, days=31, kind=LogKind.ROTATED), "too large to be compressed here"),
    ],
)
def test_a_log_that_others_need_is_named_and_left(given: LogFile, why: str) -> None:
    found = of(replace(QUIET, logs=(given,)))
    assert (found.fix, found.urgency, why in found.said) == (None, Urgency.NOTE, True)


def test_databases() -> None:
    def base(state: DatabaseState, **more: object) -> Readings:
        return replace(QUIET, databases=(Database(place=place("a.db"), mark=mark(8 * MIB), state=state, said="row 7", **more),))  # type: ignore[arg-type]

    damaged = of(base(DatabaseState.DAMAGED))
    assert (damaged.urgency, damaged.said, damaged.fix) == (Urgency.CRITICAL, "the database is damaged: row 7", None)
    assert of(base(DatabaseState.FOREIGN)).urgency is Urgency.NOTE
    assert of(base(DatabaseState.UNREAD)).said == "not checked: row 7"
    assert problems(base(DatabaseState.BUSY), SETTINGS) == ()
    wasteful = of(base(DatabaseState.SOUND, unused=2 * MIB))
    assert wasteful.fix is not None
    assert (wasteful.fix.kind, wasteful.said) == (FixKind.VACUUM, "2.0 MiB of 8.0 MiB are unused pages")
    kept = of(base(DatabaseState.SOUND, unused=2 * MIB, tracked=True))
    assert (kept.fix, "Git keeps it" in kept.said) == (None, True)
    huge = Database(place=place("a.db"), mark=mark(5 * 1024 * MIB), state=DatabaseState.SOUND, unused=2 * 1024 * MIB)
    assert (of(replace(QUIET, databases=(huge,))).fix, "too large" in of(replace(QUIET, databases=(huge,))).said) == (None, True)


def test_repositories() -> None:
    def repository(loose: int = 0, packs: int = 0, **more: object) -> Readings:
        return replace(QUIET, repositories=(Repository(place=place(".git"), loose=loose, packs=packs, **more),))  # type: ignore[arg-type]

    for counts in ((2000, 0), (0, 20)):
        found = of(repository(*counts))
        assert found.fix is not None
        assert found.fix.kind is FixKind.MAINTAIN
    away = of(repository(5000, kept_away="it is another user's"))
    assert (away.fix, away.way, "another user's" in away.said) == (None, "it is another user's", True)
    assert "half-written" in of(repository(debris=10 * MIB)).said
    assert of(repository(lost_worktrees=("a", "b"))).said.endswith("a, b")
    locks = (GitLock(path=f"{ROOT}/.git/index.lock", age=timedelta(hours=3)), GitLock(path="/l", age=timedelta(hours=3), in_use=True))
    left, used = problems(repository(locks=locks), SETTINGS)
    assert (left.kind, left.urgency, left.where, left.fix) == ("lock", Urgency.WARNING, ".git/index.lock", None)
    assert (used.urgency, "a program has it open" in used.said) == (Urgency.NOTE, True)


def test_what_builds_left() -> None:
    clone = LeftClone(place=place(".autobuilds/clones/a-1"), mark=mark(1), size=3 * MIB, idle=timedelta(days=2), recorded=False)
    found = of(replace(QUIET, clones=(clone,)))
    assert found.fix is not None
    assert (found.fix.kind, found.fix.place) == (FixKind.TRASH, clone.place)
    unsaved = of(replace(QUIET, clones=(replace(clone, recorded=True),)))
    assert (unsaved.fix, "could not be saved" in unsaved.said) == (None, True)
    process = of(replace(QUIET, processes=(LeftProcess(pid=7, created=1.5, attempt="a-1", command="sleep 99"),)))
    assert process.fix is not None
    assert (process.fix.kind, process.fix.pid, process.fix.created, process.fix.attempt) == (FixKind.STOP, 7, 1.5, "a-1")


def test_the_trash_is_emptied_by_a_clock_that_can_be_trusted() -> None:
    old = replace(QUIET, trash=(TrashDay(place=place(".autobuilds/trash/2026-01-07"), day=date(2026, 1, 7), size=5, items=2),))
    found = of(old)
    assert found.fix is not None
    assert (found.fix.kind, found.fix.day) == (FixKind.PURGE, date(2026, 1, 7))
    assert problems(replace(old, at=NOW - timedelta(days=1)), SETTINGS) == ()
    for doubt in (replace(old, replaced_clock=True), replace(old, ahead=(Ahead(what="build a", at=NOW),))):
        (trash,) = (t for t in problems(doubt, SETTINGS) if t.kind == "trash")
        assert (trash.fix, "can't be trusted" in trash.said) == (None, True)


def test_failing_duties_are_warnings_however_often_they_fail() -> None:
    duty = FailingDuty(duty="Scan", command="autobuilds problems scan", line=12, times=1, outcome="failed", at=NOW)
    found = of(replace(QUIET, duties=(duty,)))
    assert (found.where, found.urgency) == ("HEARTBEAT.md:12", Urgency.WARNING)
    assert (found.said, found.way) == (
        "autobuilds problems scan failed the last time (failed)",
        "run it by hand: `autobuilds problems scan`",
    )
    again = of(replace(QUIET, duties=(replace(duty, times=9, said="no such file", command="echo `x`"),)))
    assert (again.urgency, again.way) == (Urgency.WARNING, "run it by hand")
    assert again.said == "echo `x` failed 9 times in a row (failed): no such file"


def test_what_was_not_looked_at_is_said() -> None:
    assert of(replace(QUIET, unfinished=("/data",))).where == "/data"
    assert "no folder" in of(replace(QUIET, unusable=("/data",))).said


def test_the_most_urgent_come_first() -> None:
    disk = Disk(path=ROOT, percent=99.0, free_bytes=1, total_bytes=1)
    found = problems(replace(QUIET, unfinished=("/data",), memory_percent=99.0, disks=(disk,)), SETTINGS)
    assert [t.urgency for t in found] == [Urgency.CRITICAL, Urgency.WARNING, Urgency.NOTE]


@pytest.mark.parametrize(
    ("count", "text"),
    [
        (0, "0 bytes"),
        (1, "1 byte"),
        (1023, "1023 bytes"),
        (1024, "1.0 KiB"),
        (10 * MIB, "10.0 MiB"),
        (3 * 1024**3, "3.0 GiB"),
        (1024**5, "1024.0 TiB"),
    ],
)
def test_bytes_for_people(count: int, text: str) -> None:
    assert size(count) == text


@pytest.mark.parametrize(
    ("length", "text"),
    [
        (timedelta(seconds=59), "less than a minute"),
        (timedelta(seconds=61), "1 minute"),
        (timedelta(minutes=119), "119 minutes"),
        (timedelta(hours=47), "47 hours"),
        (timedelta(days=2), "2 days"),
    ],
)
def test_spans_for_people(length: timedelta, text: str) -> None:
    assert span(length) == text


def test_paths_are_shown_as_short_as_they_stay_clear() -> None:
    assert shown(f"{ROOT}/a/b", ROOT) == "a/b"
    assert shown("/data/b", ROOT) == "/data/b"
