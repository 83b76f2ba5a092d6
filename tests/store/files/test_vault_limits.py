"""The vault at its limits, to the nanosecond and the byte, and where the disk refuses."""

from __future__ import annotations

import errno
import os
import resource
import stat
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from autobuilds.store.files.reading import Stamp
from autobuilds.store.files.vault import Held, Vault, digest

DAY, TEN_MINUTES = 24 * 3600 * 10**9, 600 * 10**9
NOW = 1_770_000_000 * 10**9
MIB = 1 << 20
OLD, NEW = "a" * 32, "b" * 32


@pytest.fixture
def vault(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Vault:
    monkeypatch.setattr(time, "time_ns", lambda: NOW)
    found = Vault(tmp_path, "QUEUE.md")
    found.folder.mkdir(parents=True)
    return found


def put(vault: Vault, ago: int, size: int = 1, base: str = OLD) -> Held:
    held = Held(folder=vault.folder, file="", at=NOW - ago, inode=7, base=base, ours=NEW)
    held = Held(folder=vault.folder, file=held.name(), at=NOW - ago, inode=7, base=base, ours=NEW)
    held.path.touch()
    os.truncate(held.path, size)
    return held


def left(vault: Vault) -> set[str]:
    return {path.name for path in vault.folder.iterdir()}


def looks(vault: Vault, held: list[Held]) -> bool:
    """Whether a prune looks through the folder: then a text that nothing refers to goes."""
    spare = vault.folder / f"{'c' * 32}.text"
    spare.touch()
    vault.prune(held)
    return not spare.exists()


@contextmanager
def limited(what: int, soft: int) -> Iterator[None]:
    """Let the system refuse more than so much of a resource."""
    before = resource.getrlimit(what)
    resource.setrlimit(what, (soft, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(what, before)


@pytest.mark.parametrize("sign", [1, -1])
def test_a_displaced_file_stays_a_day_to_the_microsecond(vault: Vault, sign: int) -> None:
    held = put(vault, sign * DAY)
    (vault.folder / "1.tmp").touch()
    vault.prune([held])
    assert left(vault) == {held.file}
    assert looks(vault, [held]) is False
    over = put(vault, sign * (DAY + 1000))
    assert looks(vault, [over]) is True
    assert left(vault) == {held.file}


@pytest.mark.parametrize(("over", "size", "stays"), [(0, 32 * MIB + 1, True), (1000, 32 * MIB + 1, False), (1000, 32 * MIB, True)])
def test_more_than_64_mib_are_kept_ten_minutes(vault: Vault, over: int, size: int, stays: bool) -> None:
    old, young = put(vault, TEN_MINUTES + over, size), put(vault, 10, size)
    (vault.folder / "1.tmp").touch()
    vault.prune([old, young])
    assert left(vault) == ({old.file, young.file} if stays else {young.file})


@pytest.mark.parametrize(("sizes", "many"), [((1, 32 * MIB), False), ((1, 32 * MIB + 1), True), ((32 * MIB + 1, 1), False)])
def test_the_size_of_the_newest_tells_whether_there_may_be_too_much(vault: Vault, sizes: tuple[int, int], many: bool) -> None:
    assert looks(vault, [put(vault, 20, sizes[0]), put(vault, 10, sizes[1])]) is many


def test_512_files_and_64_debts_are_not_too_many(vault: Vault) -> None:
    held = [Held(folder=vault.folder, file=f"none-{n}", at=NOW, inode=7, base=OLD, ours=NEW) for n in range(512)]
    newest = put(vault, 0)
    assert looks(vault, [*held[:511], newest]) is False
    assert looks(vault, [*held, newest]) is True
    for n in range(64):
        (vault.folder / f"{NOW}-{OLD}-{NEW}-{n}.owed").touch()
        (vault.folder / f"readme-{n}").touch()
    assert looks(vault, [newest]) is False
    (vault.folder / f"{NOW}-{OLD}-{NEW}-64.owed").touch()
    assert looks(vault, [newest]) is True
    newest.path.unlink()
    assert looks(vault, [newest]) is True
    assert looks(vault, []) is True


def test_a_debt_is_over_after_a_day_to_the_microsecond(vault: Vault) -> None:
    names = [f"{NOW - ago}-{OLD}-{NEW}-30.owed" for ago in (DAY, DAY + 1000, -DAY, -DAY - 1000)]
    for name in names:
        (vault.folder / name).touch()
    vault.prune([])
    assert left(vault) == {names[0], names[2]}
    (vault.folder / names[1]).mkdir()  # what can't be removed stays, and stops nothing
    (vault.folder / names[3]).touch()
    vault.prune([])
    assert left(vault) == {names[0], names[1], names[2]}
    assert [debt.lines() for debt in vault.owed() if debt.path.is_dir()] == [[]]


def test_what_cannot_be_removed_stays_and_stops_nothing(vault: Vault) -> None:
    gone = put(vault, DAY + 2000)
    gone.path.unlink()
    stuck, last = put(vault, DAY + 1500), put(vault, DAY + 1000)
    stuck.path.unlink()
    stuck.path.mkdir()
    (vault.folder / "1.tmp").mkdir()
    for name in ("two.dots.tmp", "three.d.o.ts.text", "last.judged", "last.stale", "readme", "notes.txt", "bad.held", "bad.owed"):
        (vault.folder / name).touch()
    vault.prune([gone, stuck, last])
    assert left(vault) == {stuck.file, "1.tmp", "readme", "notes.txt", "bad.held", "bad.owed"}


def test_looks_are_noted_though_another_note_cannot_be_removed(vault: Vault) -> None:
    for name in ("x.judged", "x.stale"):
        (vault.folder / name).mkdir()
    vault.judge(Stamp(1, 23, 4, 5))
    vault.note_stale(put(vault, 0))
    assert left(vault) >= {"x.judged", "x.stale"}
    for name in ("x.judged", "x.stale"):
        (vault.folder / name).rmdir()
    vault.judge(Stamp(1, 23, 4, 5))
    assert vault.judged(Stamp(1, 23, 4, 5))
    assert not vault.judged(Stamp(12, 3, 4, 5))
    assert not vault.judged(Stamp(1, 2, 34, 5))


def test_only_whole_names_are_read(vault: Vault) -> None:
    held = put(vault, 0)
    (vault.folder / f"{held.file}.held").touch()
    (vault.folder / f"x{held.file}").touch()
    (vault.folder / f"{NOW}-{OLD}-{NEW}-30.owed.owed").touch()
    (vault.folder / f"{NOW}-{OLD}-{NEW}-30.text").touch()
    assert (vault.all(), vault.owed()) == ([held], [])
    none = Vault(vault.folder, "elsewhere")
    assert (none.all(), none.owed(), none.writes()) == ([], [], [])


def test_a_name_says_what_was_saved_later_only_where_it_says_when(vault: Vault) -> None:
    def named(**more: object) -> str:
        return Held(folder=vault.folder, file="", at=5, inode=6, base=OLD, ours=NEW, **more).name()  # type: ignore[arg-type]

    assert named() == named(later=NEW) == f"5-6-{OLD}-{NEW}.held"
    assert named(seen=(7, 8)) == named(seen=(7, 8), later=OLD) == f"5-6-{OLD}-{NEW}-7-8.held"
    assert named(seen=(7, 8), later=NEW) == f"5-6-{OLD}-{NEW}-7-8-{NEW}.held"


def test_a_write_that_is_taken_back_was_looked_at_by_nobody(vault: Vault) -> None:
    back = vault.withdraw(put(vault, 0))
    assert (back.inode, back.seen, back.later) == (0, (0, 0), NEW)
    assert back.file == f"{NOW}-0-{OLD}-{NEW}-0-0-{NEW}.held"
    assert vault.all() == [back]


@pytest.mark.parametrize(("over", "found"), [(0, ["newest", "later"]), (1, ["newest"])])
def test_of_older_versions_16_mib_are_read(vault: Vault, over: int, found: list[str]) -> None:
    texts = {"newest": b"n" * (16 * MIB + over), "later": b"later", "oldest": b"oldest"}
    names = {vault.keep(text): name for name, text in texts.items()}
    newest, later, oldest = names
    held = Held(folder=vault.folder, file="", at=NOW, inode=7, base=oldest, ours=newest, seen=(5, 5), later=later)
    assert [names[digest(text)] for text in vault.versions([held])] == found
    assert [
        names[digest(text)] for text in vault.versions([Held(folder=vault.folder, file="", at=1, inode=7, base=oldest, ours=later)])
    ] == [
        "later",
        "oldest",
    ]


def test_texts_and_debts_are_not_forced_to_disk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    forced: list[int] = []
    monkeypatch.setattr(os, "fsync", forced.append)
    vault = Vault(tmp_path / "not" / "there", "QUEUE.md")
    name = vault.keep(b"text")
    vault.owe(b"before", b"after", [b"one", b"two"], 20)
    assert (vault.text(name), forced) == (b"text", [])
    (debt,) = vault.owed()
    assert (debt.lines(), vault.text(debt.before), vault.text(debt.after)) == ([b"one", b"two"], b"before", b"after")
    like = tmp_path / "QUEUE.md"
    like.touch()
    like.chmod(0o640)
    held = vault.prepare(b"before", b"new", like)
    assert len(forced) == 1  # what takes the file's place
    assert stat.S_IMODE(held.path.stat().st_mode) == 0o640


def _keep(vault: Vault) -> object:
    return vault.keep(b"another text")


def _prepare(vault: Vault) -> object:
    return vault.prepare(b"before", b"after", vault.folder)


@pytest.mark.parametrize("act", [_keep, _prepare])
def test_a_refusal_is_told_and_leaves_nothing_behind(vault: Vault, act: Callable[[Vault], object]) -> None:
    kept = {f"{vault.keep(text)}.text" for text in (b"before", b"after")}
    with limited(resource.RLIMIT_FSIZE, 3), pytest.raises(OSError) as told:
        act(vault)
    assert (told.value.errno, left(vault)) == (errno.EFBIG, kept)
    if act is _keep:
        (vault.folder / f"{digest(b'another text')}.text").mkdir()
        with pytest.raises(IsADirectoryError):
            act(vault)
        assert left(vault) == {*kept, f"{digest(b'another text')}.text"}


def test_a_refusal_to_open_is_told_as_such(vault: Vault) -> None:
    with limited(resource.RLIMIT_NOFILE, 3), pytest.raises(OSError) as told:
        vault.keep(b"another text")
    assert told.value.errno == errno.EMFILE
