"""The vault: what is kept of displaced files, for how long, and what goes first."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from pathlib import Path

import pytest

from autobuilds.errors import BadInput, Busy
from autobuilds.store.files.lock import Lock
from autobuilds.store.files.reading import Stamp
from autobuilds.store.files.vault import Held, Vault, digest

DAY = 24 * 3600
OLD, NEW = "a" * 32, "b" * 32


@pytest.fixture
def vault(tmp_path: Path) -> Vault:
    found = Vault(tmp_path, "QUEUE.md")
    found.folder.mkdir(parents=True)
    return found


def put(vault: Vault, ago: float, size: int = 1, base: str = OLD) -> Held:
    at = time.time_ns() - int(ago * 1e9)
    held = Held(folder=vault.folder, file="", at=at, inode=7, base=base, ours=NEW)
    held = Held(folder=vault.folder, file=held.name(), at=at, inode=7, base=base, ours=NEW)
    held.path.write_bytes(b"x")
    os.truncate(held.path, size)
    return held


def left(vault: Vault) -> set[str]:
    return {path.name for path in vault.folder.iterdir()}


@pytest.mark.parametrize(("ago", "stays"), [(10, True), (DAY - 60, True), (DAY + 60, False), (-DAY + 60, True), (-DAY - 60, False)])
def test_a_displaced_file_is_watched_for_a_day_whatever_the_clock_does(vault: Vault, ago: float, stays: bool) -> None:
    held = put(vault, ago)
    vault.prune(vault.all())
    assert (held.file in left(vault)) is stays


@pytest.mark.parametrize(("oldest", "gone"), [(590, 0), (610, 3)])
def test_of_very_many_the_oldest_go_after_ten_minutes(vault: Vault, oldest: float, gone: int) -> None:
    old = [put(vault, oldest + n) for n in range(3)]
    for n in range(512):
        put(vault, n / 10)
    vault.prune(vault.all())
    assert sum(not held.path.exists() for held in old) == gone
    assert len(vault.all()) == 515 - gone


def test_of_512_none_goes(vault: Vault) -> None:
    for n in range(512):
        put(vault, 700 + n)
    vault.prune(vault.all())
    assert len(vault.all()) == 512


@pytest.mark.parametrize(("size", "gone"), [(32 << 20, 0), ((32 << 20) + 1, 1)])
def test_of_very_large_ones_the_oldest_go_after_ten_minutes(vault: Vault, size: int, gone: int) -> None:
    old, young = put(vault, 700, size), put(vault, 650, size)
    vault.prune(vault.all())
    assert (old.path.exists(), young.path.exists()) == (not gone, True)


def test_texts_that_nothing_refers_to_go_where_they_are_many(vault: Vault) -> None:
    first = put(vault, 10, base=vault.keep(b"first"))
    spare = [vault.keep(f"spare {n}".encode()) for n in range(17)]
    vault.prune(vault.all())
    assert {f"{name}.text" for name in spare} <= left(vault)
    vault.keep(b"one more")
    vault.prune(vault.all())
    assert left(vault) == {first.file, f"{first.base}.text"}
    assert vault.text(first.base) == b"first"


def test_what_killed_writers_left_goes_and_what_is_not_ours_stays(vault: Vault) -> None:
    held = put(vault, 10)
    (vault.folder / "1-ab.tmp").touch()
    (vault.folder / "readme").touch()
    vault.prune(vault.all())
    assert left(vault) == {held.file, "readme"}


def test_notes_on_looks_go_with_the_last_write(vault: Vault) -> None:
    held, stamp = put(vault, 10), Stamp(device=1, inode=2, size=3, changed=4)
    vault.judge(stamp)
    vault.note_stale(held)
    vault.prune(vault.all())
    assert (vault.judged(stamp), vault.noted_stale(held)) == (True, True)
    held.path.unlink()
    vault.prune(vault.all())
    assert (vault.judged(stamp), vault.noted_stale(held)) == (False, False)


def test_one_look_and_one_stale_save_are_noted_the_last(vault: Vault) -> None:
    first, second = (Stamp(device=1, inode=2, size=size, changed=4) for size in (3, 4))
    vault.judge(first)
    vault.judge(second)
    assert (vault.judged(first), vault.judged(second)) == (False, True)
    one, two = put(vault, 10), put(vault, 5)
    vault.note_stale(one)
    vault.note_stale(two)
    assert (vault.noted_stale(one), vault.noted_stale(two)) == (False, True)


def test_debts_are_told_oldest_first_and_64_are_remembered(vault: Vault) -> None:
    put(vault, 10)
    for n in range(66):
        vault.owe(b"before %d" % n, b"after", [b"line", b"another"], 30 + n)
    debts = vault.owed()
    assert [debt.seconds for debt in debts] == list(range(30, 96))
    assert debts[0].lines() == [b"line", b"another"]
    assert (debts[0].before, debts[0].after) == (digest(b"before 0"), digest(b"after"))
    vault.prune(vault.all())
    assert [debt.seconds for debt in vault.owed()] == list(range(32, 96))
    assert vault.text(digest(b"before 0")) is None
    assert vault.text(digest(b"before 2")) == b"before 2"


def test_a_debt_is_over_after_a_day(vault: Vault) -> None:
    put(vault, 10)
    vault.owe(b"before", b"after", [b"line"], 30)
    (debt,) = vault.owed()
    debt.path.rename(debt.path.with_name(debt.path.name.replace(str(debt.at), str(debt.at - (DAY + 60) * 10**9))))
    (vault.folder / "1-ab.tmp").touch()
    vault.prune(vault.all())
    assert vault.owed() == []


def test_a_text_that_was_damaged_is_none(vault: Vault) -> None:
    name = vault.keep(b"whole")
    assert vault.text(name) == b"whole"
    (vault.folder / f"{name}.text").write_bytes(b"half")
    assert vault.text(name) is None
    assert vault.text(digest(b"never kept")) is None


def test_a_name_says_what_was_seen_and_is_read_again(vault: Vault, tmp_path: Path) -> None:
    like = tmp_path / "QUEUE.md"
    like.write_bytes(b"before")
    held = vault.prepare(b"before", b"after", like)
    assert held.path.read_bytes() == b"after" and held.inode == held.path.stat().st_ino
    assert (held.holds, held.withdrawn, held.seen) == (digest(b"before"), False, None)
    seen = vault.seen(held, vault.keep(b"saved later"), Stamp(device=1, inode=2, size=11, changed=5))
    assert vault.all() == [seen]
    assert (seen.holds, seen.seen) == (digest(b"saved later"), (11, 5))
    assert list(vault.versions(vault.all())) == [b"after", b"saved later", b"before"]
    back = vault.withdraw(seen)
    assert vault.all() == [back] and back.withdrawn and back.holds == back.ours
    assert vault.writes() == []
    assert list(vault.versions(vault.all())) == [b"before"]


def test_of_the_versions_that_are_wanted_those_that_are_whole_are_given(vault: Vault, tmp_path: Path) -> None:
    like = tmp_path / "QUEUE.md"
    like.touch()
    texts = [b"one", b"two", b"three", b"four"]
    writes = [vault.prepare(before, after, like) for before, after in zip(texts, texts[1:], strict=False)]  # noqa: RUF007
    (vault.folder / f"{digest(b'three')}.text").write_bytes(b"thrxx")
    seen: list[bytes] = []
    assert list(vault.versions(writes, lambda text: seen.append(text) is None and text != b"two")) == [b"four", b"one"]
    assert seen == [b"four", b"thrxx", b"two", b"one"]


def test_a_write_is_later_than_every_other_whatever_the_clock_says(vault: Vault, tmp_path: Path) -> None:
    like = tmp_path / "QUEUE.md"
    like.touch()
    ahead = put(vault, -3600)
    assert vault.prepare(b"a", b"b", like).at == ahead.at + 1


class TestLock:
    def test_its_folder_is_made(self, tmp_path: Path) -> None:
        lock = Lock(tmp_path / "a" / "b" / "lock")
        assert not lock.held
        with lock:
            assert lock.held
        assert not lock.held

    def test_it_is_lent_and_taken_again(self, tmp_path: Path) -> None:
        path = tmp_path / "lock"
        with Lock(path) as lock:
            with lock.lent(5.0):
                assert not lock.held
                with Lock(path):
                    pass
            assert lock.held
            with pytest.raises(Busy), Lock(path):
                pass

    def test_a_lock_that_another_keeps_does_not_come_back(self, tmp_path: Path) -> None:
        path = tmp_path / "lock"
        other = Lock(path)
        with pytest.raises(Busy), Lock(path) as lock, lock.lent(0.01):
            other.__enter__()
        assert not lock.held and other.held
        other.__exit__(None, None, None)

    def test_who_waits_is_told_who_holds_it_and_what_for(self, tmp_path: Path) -> None:
        path = tmp_path / "lock"
        with Lock(path, what="w" * 90), pytest.raises(Busy) as told, Lock(path):
            pass
        said = str(told.value)
        assert f"{path} is locked by process {os.getpid()} since " in said
        assert said.endswith(f"({'w' * 80}). Try again in a moment")
        with Lock(path), pytest.raises(Busy) as told, Lock(path):
            pass
        assert "()" not in str(told.value)

    @pytest.mark.parametrize("note", [b"", b"[1]", b'{"pid": 1}', b'{"pid": "x", "since": 1, "what": 2}', b"\xff", b"[" * 4000])
    def test_a_note_that_says_nothing_is_not_believed(self, tmp_path: Path, note: bytes) -> None:
        path = tmp_path / "lock"
        with Lock(path):
            path.write_bytes(note)
            with pytest.raises(Busy, match="another autobuilds process holds"), Lock(path):
                pass

    def test_a_note_of_a_process_that_is_gone_is_not_believed(self, tmp_path: Path) -> None:
        path = tmp_path / "lock"
        gone = subprocess.run([sys.executable, "-c", "import os; print(os.getpid())"], capture_output=True, text=True, check=True).stdout
        with Lock(path):
            path.write_text(json.dumps({"pid": int(gone), "since": "now", "what": "x"}))
            with pytest.raises(Busy, match="another autobuilds process holds"), Lock(path):
                pass

    def test_it_is_no_link(self, tmp_path: Path) -> None:
        (tmp_path / "lock").symlink_to(tmp_path / "elsewhere")
        with pytest.raises(BadInput, match="symbolic link"), Lock(tmp_path / "lock"):
            pass

    def test_it_is_not_entered_twice_and_leaves_no_trace(self, tmp_path: Path) -> None:
        path = tmp_path / "lock"
        with Lock(path):
            pass
        before = path.stat().st_mtime_ns
        lock = Lock(path, what="again")
        with lock, pytest.raises(RuntimeError, match="already"):
            lock.__enter__()
        assert (path.read_bytes(), path.stat().st_mtime_ns) == (b"", before)
        assert not lock.held


def test_a_text_that_was_damaged_is_kept_once_more(vault: Vault) -> None:
    name = vault.keep(b"one\n")
    (vault.folder / f"{name}.text").write_bytes(b"")
    assert vault.keep(b"one\n") == name
    assert vault.text(name) == b"one\n"
