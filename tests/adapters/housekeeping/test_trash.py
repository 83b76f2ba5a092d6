"""The trash: a manifest before each move, the way back, and what a forged manifest can't do."""

from __future__ import annotations

import json
import os
from datetime import timedelta
from pathlib import Path

import pytest

from autobuilds.adapters.housekeeping import trash
from autobuilds.domain.house import FixKind, Mark, Place
from autobuilds.records import replace
from tests.adapters.housekeeping.conftest import NOW, Yard, aged

DAY = NOW.date()


def put_away(yard: Yard, path: Path, root: Path) -> None:
    info = path.lstat()
    mark = Mark(inode=info.st_ino, size=info.st_size, changed=info.st_mtime_ns)
    done = trash.put_away(yard.scope, Place(path=str(path), root=str(root)), mark, "a test")
    assert done.done, done.said


def forge(yard: Yard, **entry: object) -> Path:
    folder = trash.trash_folder(str(yard.root)) / DAY.isoformat()
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / trash.MANIFEST).open("a") as file:
        file.write(json.dumps(entry) + "\n")
    return folder


def test_a_day_of_the_trash_is_read_and_removed_for_good(yard: Yard) -> None:
    for number in range(3):
        put_away(yard, aged(yard.data / f"{number}.log", 90, b"x" * 100), yard.data)
    (day,) = yard.read().trash
    assert (day.day, day.items) == (DAY, 3)
    later = replace(yard.scope, now=NOW + timedelta(days=31))
    (found,) = (t for t in yard.problems(later) if t.kind == "trash")
    assert found.fix is not None
    done = yard.house.mend(found.fix, later)
    assert (done.done, done.freed >= 300, yard.house.days(yard.scope)) == (True, True, ())
    assert yard.house.mend(found.fix, later).done is False


def test_nothing_is_put_over_what_stands_there_now(yard: Yard) -> None:
    path = aged(yard.data / "a.log", 90, b"old")
    put_away(yard, path, yard.data)
    path.write_bytes(b"new")
    (left,) = yard.house.restore(DAY, yard.scope)
    assert (left.done, path.read_bytes(), "move that away first" in left.said) == (False, b"new", True)
    path.unlink()
    assert yard.house.restore(DAY, yard.scope)[0].done
    assert path.read_bytes() == b"old"


def test_a_folder_comes_back_whole(yard: Yard) -> None:
    clone = yard.root / ".autobuilds" / "clones" / "gone-1"
    aged(clone / "deep" / "work.txt", 3, b"work")
    (clone / "link").symlink_to("/etc/passwd")
    put_away(yard, clone, yard.root)
    assert not clone.exists()
    (back,) = yard.house.restore(DAY, yard.scope)
    assert (back.done, (clone / "deep" / "work.txt").read_bytes(), (clone / "link").is_symlink()) == (True, b"work", True)


def test_over_the_border_of_a_file_system_a_file_is_copied_and_compared(yard: Yard, monkeypatch: pytest.MonkeyPatch) -> None:
    far = Path("/dev/shm") / f"autobuilds-test-{os.getpid()}"
    if not far.parent.is_dir() or far.parent.stat().st_dev == yard.root.stat().st_dev:
        pytest.skip("no second file system here")
    far.mkdir()
    try:
        scope = replace(yard.scope, folders=(str(far),))
        path = aged(far / "a.log", 90, os.urandom(5000))
        path.chmod(0o640)
        content, before = path.read_bytes(), path.stat()
        put_away(replace_scope(yard, scope), path, far)
        assert not path.exists()
        assert yard.house.restore(DAY, scope)[0].done
        after = path.stat()
        assert (path.read_bytes(), after.st_mtime_ns, after.st_mode) == (content, before.st_mtime_ns, before.st_mode)
    finally:
        for file in far.iterdir():
            file.unlink()
        far.rmdir()


def replace_scope(yard: Yard, scope: object) -> Yard:
    import dataclasses

    return dataclasses.replace(yard, scope=scope)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    "path", ["{data}/../evil", "{tmp}/evil", "{root}/BUILD_STATUS.md", "{root}/.git/hooks/post-commit", "{data}/link/evil"]
)
def test_a_forged_manifest_puts_nothing_elsewhere(yard: Yard, tmp_path: Path, path: str) -> None:
    (tmp_path / "outside").mkdir()
    (yard.data / "link").symlink_to(tmp_path / "outside")
    target = path.format(data=yard.data, tmp=tmp_path, root=yard.root)
    for root in (str(yard.data), str(yard.root), str(tmp_path), "/"):
        folder = forge(yard, name="evil", path=target, root=root, at="x", bytes=1)
        (folder / "evil").write_text("#!/bin/sh\n")
        results = yard.house.restore(DAY, yard.scope)
        assert [r.done for r in results] == [False] * len(results)
    assert not Path(target).exists()


@pytest.mark.parametrize("name", ["../../BUILD_QUEUE.md", "", ".", "..", "manifest.jsonl", 5, None])
def test_a_forged_name_takes_nothing_else(yard: Yard, name: object) -> None:
    forge(yard, name=name, path=str(yard.data / "x.log"), root=str(yard.data))
    assert yard.house.restore(DAY, yard.scope) == ()
    assert (yard.root / "BUILD_QUEUE.md").exists()


def test_a_link_in_the_trash_is_not_put_back(yard: Yard) -> None:
    folder = forge(yard, name="evil", path=str(yard.data / "x.log"), root=str(yard.data))
    (folder / "evil").symlink_to("/etc/passwd")
    (left,) = yard.house.restore(DAY, yard.scope)
    assert (left.done, os.path.lexists(yard.data / "x.log")) == (False, False)


def test_a_torn_manifest_loses_one_line_of_it(yard: Yard) -> None:
    path = aged(yard.data / "a.log", 90)
    folder = forge(yard)
    with (folder / trash.MANIFEST).open("ab") as file:
        file.write(b'{"name": "ha\xff\n[1]\nnull\n' + b"[" * 5000)
    put_away(yard, path, yard.data)
    assert [r.done for r in yard.house.restore(DAY, yard.scope)] == [True]


def test_a_trash_that_is_a_link_is_not_used(yard: Yard, tmp_path: Path) -> None:
    (yard.root / ".autobuilds").mkdir()
    (tmp_path / "elsewhere").mkdir()
    (yard.root / ".autobuilds" / "trash").symlink_to(tmp_path / "elsewhere")
    path = aged(yard.data / "a.log.1", 90)
    (done,) = yard.fix(FixKind.TRASH)
    assert (done.done, path.exists(), list((tmp_path / "elsewhere").iterdir())) == (False, True, [])
    assert yard.house.days(yard.scope) == ()


def test_what_is_no_day_is_no_trash(yard: Yard) -> None:
    top = trash.trash_folder(str(yard.root))
    for name in ("2026-02-30", "notes", "2026-1-1"):
        (top / name).mkdir(parents=True)
    (top / "2026-01-01").symlink_to(yard.data)
    (top / "2026-01-02").write_text("x")
    assert yard.house.days(yard.scope) == ()


@pytest.mark.parametrize("name", ["a\0b.log", "a\ud800b.log"])
def test_a_forged_place_that_is_no_path_is_told(yard: Yard, name: str) -> None:
    folder = forge(yard, name="evil", path=str(yard.data / name), root=str(yard.data), at=NOW.isoformat())
    (folder / "evil").write_text("x")
    (left,) = yard.house.restore(DAY, yard.scope)
    assert not left.done and "its place is no path" in left.said


def test_a_forged_time_lies_in_no_span(yard: Yard) -> None:
    folder = forge(yard, name="evil", path=str(yard.data / "a.log"), root=str(yard.data), at="0001-01-01T00:00:00+14:00")
    (folder / "evil").write_text("x")
    assert yard.house.restore(DAY, yard.scope, (NOW - timedelta(days=1), NOW)) == ()
