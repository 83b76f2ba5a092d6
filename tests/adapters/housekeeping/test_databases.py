"""Real SQLite files: looked at without a byte written, written anew only where nobody is at work and nothing can be lost."""

from __future__ import annotations

import gzip
import os
import shutil
import sqlite3
import stat
from pathlib import Path

import pytest

from autobuilds.adapters.housekeeping import databases
from autobuilds.domain.house import Database, DatabaseState, FixKind, Urgency
from autobuilds.records import replace
from tests.adapters.housekeeping.conftest import Yard
from tests.conftest import git

NUMBERED = "create table t (id integer primary key, a text)"


def make(path: Path, schema: str = NUMBERED, *, empty: bool = True, more: str = "") -> Path:
    """Make a database with 4 MiB of rows, most of which are deleted again."""
    base = sqlite3.connect(path)
    base.execute("pragma synchronous = off")
    base.execute(schema)
    base.executemany("insert into t (a) values (?)", [(f"{n}" + "y" * 1000,) for n in range(3000)])
    base.commit()
    if empty:
        base.execute("delete from t where rowid % 1000 <> 0")
    base.executescript(more)
    base.commit()
    base.close()
    return path


def rows(path: Path) -> list[tuple[int, str]]:
    base = sqlite3.connect(path)
    found = base.execute("select rowid, a from t order by a").fetchall()
    base.close()
    return found


def of(yard: Yard, path: Path) -> Database:
    (found,) = (b for b in yard.read().databases if b.place.path == str(path))
    return found


def test_unused_pages_are_given_back_and_the_rows_stay(yard: Yard) -> None:
    path = make(yard.data / "app.db")
    path.chmod(0o640)
    before, size = rows(path), path.stat().st_size
    assert of(yard, path).unused > size // 2
    (done,) = yard.fix(FixKind.VACUUM)
    assert (done.done, done.trashed, done.freed) == (True, 0, size - path.stat().st_size)
    assert done.freed > size // 2
    assert (rows(path), stat.S_IMODE(path.stat().st_mode)) == (before, 0o640)
    assert sorted(p.name for p in yard.data.iterdir()) == ["app.db"]
    assert yard.problems() == ()
    assert yard.house.days(yard.scope) == ()


@pytest.mark.parametrize(
    "schema",
    [
        "create table t (a text)",
        "create table t (id integer primary key desc, a text)",
        'create table t (id int primary key, a text) /* "x */',
    ],
)
def test_where_rows_may_be_renumbered_a_copy_goes_to_the_trash(yard: Yard, schema: str) -> None:
    path = make(yard.data / "app.db", schema)
    path.chmod(0o600)
    before = rows(path)
    (done,) = yard.fix(FixKind.VACUUM)
    assert done.done
    assert done.trashed > 0
    (day,) = yard.house.days(yard.scope)
    folder = yard.root / ".autobuilds" / "trash" / day.isoformat()
    (copy,) = (p for p in folder.iterdir() if p.name != "manifest.jsonl")
    assert stat.S_IMODE(copy.stat().st_mode) == 0o600
    plain = yard.data / "copy.db"
    plain.write_bytes(gzip.decompress(copy.read_bytes()))
    assert rows(plain) == before
    assert [text for _, text in rows(path)] == [text for _, text in before]
    (left,) = yard.house.restore(day, yard.scope)
    assert (left.done, "by hand" in left.said) == (False, True)


def test_a_look_writes_nothing_and_leaves_no_file(yard: Yard) -> None:
    path = make(yard.data / "app.db", more="pragma journal_mode = wal; insert into t (a) values ('x');")
    before = (path.read_bytes(), path.stat().st_mtime_ns, sorted(os.listdir(yard.data)))
    assert of(yard, path).state is DatabaseState.SOUND
    assert (path.read_bytes(), path.stat().st_mtime_ns, sorted(os.listdir(yard.data))) == before
    assert [m.done for m in yard.fix(FixKind.VACUUM)] == [True]
    assert sorted(os.listdir(yard.data)) == ["app.db"]


def test_a_database_that_is_in_use_is_left_alone(yard: Yard) -> None:
    path = make(yard.data / "app.db")
    (fix,) = yard.fixes()
    base = sqlite3.connect(path)
    base.execute("begin immediate")
    base.execute("insert into t (a) values ('mine')")
    try:
        assert of(yard, path).state is DatabaseState.BUSY
        assert yard.problems() == ()
        assert yard.house.mend(fix, yard.scope).done is False
        base.commit()
    finally:
        base.close()
    assert [text for _, text in rows(path)][-1] == "mine"
    assert yard.house.mend(fix, yard.scope).done is False, "it changed meanwhile"


def test_a_journal_that_was_left_is_for_its_own_program(yard: Yard) -> None:
    path = make(yard.data / "app.db")
    (yard.data / "app.db-journal").write_bytes(b"x" * 512)
    assert of(yard, path).state is DatabaseState.BUSY
    assert yard.problems() == ()


def test_damage_is_critical_and_nothing_is_done_about_it(yard: Yard) -> None:
    path = make(yard.data / "app.db")
    data = bytearray(path.read_bytes())
    data[8192 : 8192 * 4] = b"z" * (8192 * 3)
    path.write_bytes(data)
    (found,) = yard.problems()
    assert (found.kind, found.urgency, found.fix) == ("database", Urgency.CRITICAL, None)
    cut = make(yard.data / "cut.db")
    os.truncate(cut, 100)
    assert of(yard, cut).state is DatabaseState.DAMAGED
    assert path.read_bytes() == bytes(data)


def test_damage_that_only_the_whole_check_finds_stops_the_fix(yard: Yard) -> None:
    path = make(yard.data / "app.db", more="create index i on t (a);")
    base = sqlite3.connect(path)
    base.execute("pragma writable_schema = on")
    # The index promises another order than its pages have.
    base.execute("update sqlite_master set sql = 'create index i on t (a desc)' where name = 'i'")
    base.commit()
    base.close()
    before = path.read_bytes()
    assert of(yard, path).state is DatabaseState.SOUND
    (done,) = yard.fix(FixKind.VACUUM)
    assert (done.done, path.read_bytes()) == (False, before)


def test_what_is_named_like_one_and_is_none(yard: Yard) -> None:
    for name in ("a.db", "b.sqlite", "empty.sqlite"):
        (yard.data / name).write_bytes(b"" if name.startswith("empty") else b"not a database\n" * 100)
    (found,) = yard.problems()
    assert (found.where, found.urgency, found.fix) == (str(yard.data / "b.sqlite"), Urgency.NOTE, None)


def test_a_hostile_schema_is_not_trusted(yard: Yard) -> None:
    evil = "create view v as select load_extension('/tmp/evil'); create trigger r after delete on t begin delete from t; end;"
    path = make(yard.data / "app.db", more=evil)
    before = rows(path)
    assert [m.done for m in yard.fix(FixKind.VACUUM)] == [True]
    assert rows(path) == before


def test_a_name_may_hold_what_an_address_can_not(yard: Yard) -> None:
    path = make(yard.data / "a?mode=rwc#%41\n.db")
    assert of(yard, path).state is DatabaseState.SOUND
    assert [m.done for m in yard.fix(FixKind.VACUUM)] == [True]
    assert os.listdir(yard.data) == [path.name]


def test_time_and_room_are_bounded(yard: Yard, monkeypatch: pytest.MonkeyPatch) -> None:
    path = make(yard.data / "app.db")
    fixes = yard.fixes()
    with monkeypatch.context() as full:
        full.setattr(databases, "free_bytes", lambda _: 1000)
        assert "no room" in yard.house.mend(fixes[0], yard.scope).said
    monkeypatch.setattr(databases, "_STEPS", 10)
    monkeypatch.setattr(databases, "_CHECK_SECONDS", 1e-9)
    monkeypatch.setattr(databases, "_FIX_SECONDS", 0.0)
    before = path.read_bytes()
    assert of(yard, path).state is DatabaseState.UNREAD
    assert yard.house.mend(fixes[0], yard.scope).done is False
    assert path.read_bytes() == before


def test_what_git_keeps_is_looked_at_and_not_changed(yard: Yard) -> None:
    path = make(yard.root / "fixture.sqlite")
    git(yard.root, "init", "-q")
    git(yard.root, "add", "fixture.sqlite")
    (found,) = yard.problems()
    assert (found.where, found.fix, "Git keeps it" in found.said) == ("fixture.sqlite", None, True)
    shutil.move(path, yard.root / "loose.sqlite")
    assert [t.safe for t in yard.problems()] == [True]


def test_a_database_in_overlapping_folders_counts_once(yard: Yard) -> None:
    inner = yard.root / "inner"
    inner.mkdir()
    make(inner / "app.db")
    scope = replace(yard.scope, folders=(str(inner), str(yard.data)))
    assert [b.place.root for b in yard.read(scope).databases] == [str(inner)]


def test_what_is_read_while_it_is_written_is_busy_and_not_damaged(yard: Yard, monkeypatch: pytest.MonkeyPatch) -> None:
    path = make(yard.data / "app.db")
    real = databases._checked

    def written_meanwhile(path: Path, seconds: float) -> tuple[DatabaseState, str, int]:
        with path.open("r+b") as file:
            file.seek(8192)
            file.write(b"z" * 20000)
        return real(path, seconds)

    monkeypatch.setattr(databases, "_checked", written_meanwhile)
    assert of(yard, path).state is DatabaseState.BUSY
