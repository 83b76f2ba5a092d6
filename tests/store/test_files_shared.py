"""Writing a file that a person saves at the same time, step by step."""

from __future__ import annotations

import os
import shutil
import stat
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from autobuilds.store import files
from autobuilds.store.files import exchange as swapping
from autobuilds.store.files import shared
from autobuilds.store.files.merge import merge_late, split_lines
from autobuilds.store.files.vault import Vault


class Desk:
    """A folder with one shared file and its vault."""

    def __init__(self, root: Path) -> None:
        self.file = root / "BUILD_QUEUE.md"
        self.file.write_bytes(b"one\ntwo\n")
        self.private = files.private_folder(root)

    def put(self, expect: bytes, data: bytes) -> bool:
        return files.replace_guarded(self.file, expect, data, private=self.private)

    def rescue(self) -> list[str]:
        return [r.how for r in files.rescue_late_saves(self.file, private=self.private)]

    def age(self, seconds: float = 1.0) -> None:
        """Let what was displaced look as if it had been saved a while ago."""
        for held in Vault(self.private, self.file.name).all():
            info = held.path.stat()
            os.utime(held.path, ns=(info.st_atime_ns, info.st_mtime_ns - int(seconds * 1e9)))


@pytest.fixture
def desk(tmp_path: Path) -> Desk:
    return Desk(tmp_path)


@pytest.fixture(params=["exchange", "fallback"])
def way(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    if request.param == "fallback":

        def missing(one: Path, other: Path) -> None:
            raise swapping.NoExchange

        monkeypatch.setattr(shared, "exchange", missing)
        monkeypatch.setattr(swapping, "exchange", missing)
    return str(request.param)


def test_what_was_expected_is_replaced(desk: Desk, way: str) -> None:
    desk.file.chmod(0o600)
    assert desk.put(b"one\ntwo\n", b"one\ntwo\nthree\n")
    assert desk.file.read_bytes() == b"one\ntwo\nthree\n"
    assert stat.S_IMODE(desk.file.stat().st_mode) == 0o600
    assert desk.file.stat().st_nlink == 1
    assert sorted(os.listdir(desk.file.parent)) == [".autobuilds", "BUILD_QUEUE.md"]


def test_what_was_not_expected_stays(desk: Desk, way: str) -> None:
    assert not desk.put(b"another\n", b"mine\n")
    assert desk.file.read_bytes() == b"one\ntwo\n"


def test_a_symbolic_link_is_written_through(tmp_path: Path, way: str) -> None:
    desk = Desk(tmp_path)
    real = tmp_path / "real.md"
    desk.file.rename(real)
    desk.file.symlink_to("real.md")
    assert desk.put(b"one\ntwo\n", b"new\n")
    assert desk.file.is_symlink()
    assert real.read_bytes() == b"new\n"


def test_a_save_into_the_displaced_file_comes_back(desk: Desk, way: str) -> None:
    with desk.file.open("ab") as editor:
        assert desk.put(b"one\ntwo\n", b"one\ntwo!\n")
        editor.write(b"by hand\n")
    assert desk.file.read_bytes() == b"one\ntwo!\n"
    assert desk.rescue() == []  # it may still be going on
    desk.age()
    assert desk.rescue() == ["late"]
    assert desk.file.read_bytes() == b"one\ntwo!\nby hand\n"
    desk.age()
    assert desk.rescue() == []
    assert desk.file.read_bytes() == b"one\ntwo!\nby hand\n"


def test_a_slow_save_comes_back_in_parts(desk: Desk) -> None:
    with desk.file.open("ab") as editor:
        assert desk.put(b"one\ntwo\n", b"zero\none\ntwo\n")
        for part in (b"by ", b"hand\n", b"and more\n"):
            editor.write(part)
            editor.flush()
            desk.age()
            desk.rescue()
    assert desk.file.read_bytes() == b"zero\none\ntwo\nby hand\nand more\n"


def test_an_emptied_displaced_file_empties_nothing(desk: Desk) -> None:
    with desk.file.open("r+b") as editor:
        assert desk.put(b"one\ntwo\n", b"one\ntwo\nthree\n")
        editor.truncate(0)
        desk.age()
        desk.rescue()
    assert desk.file.read_bytes() == b"one\ntwo\nthree\n"


def _in_between(monkeypatch: pytest.MonkeyPatch, act: Callable[[], None]) -> None:
    """Run `act` once right before the names are swapped."""
    real = shared.exchange
    left = [act]

    def hooked(one: Path, other: Path) -> None:
        if left:
            left.pop()()
        real(one, other)

    monkeypatch.setattr(shared, "exchange", hooked)


@pytest.mark.parametrize("how", ["in place", "rename"])
def test_a_save_in_the_last_microsecond_is_given_back(desk: Desk, monkeypatch: pytest.MonkeyPatch, how: str) -> None:
    def save() -> None:
        if how == "in place":
            desk.file.write_bytes(b"one\ntwo\nby hand\n")
        else:
            other = desk.file.with_name("other")
            other.write_bytes(b"one\ntwo\nby hand\n")
            other.rename(desk.file)

    _in_between(monkeypatch, save)
    assert not desk.put(b"one\ntwo\n", b"mine\n")
    assert desk.file.read_bytes() == b"one\ntwo\nby hand\n"
    desk.age()
    assert desk.rescue() == []
    assert desk.file.read_bytes() == b"one\ntwo\nby hand\n"


def test_a_writer_killed_after_the_swap_loses_nobodys_save(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    def save() -> None:
        desk.file.write_bytes(b"one\ntwo\nby hand\n")

    def killed(*_: object) -> bool:
        raise SystemExit

    _in_between(monkeypatch, save)
    with monkeypatch.context() as patched, pytest.raises(SystemExit):
        patched.setattr(shared, "_settle", killed)
        desk.put(b"one\ntwo\n", b"zero\none\ntwo\n")
    assert desk.file.read_bytes() == b"zero\none\ntwo\n"
    desk.age()
    assert desk.rescue() == ["late"]
    assert desk.file.read_bytes() == b"zero\none\ntwo\nby hand\n"


def test_a_writer_killed_before_the_swap_leaves_nothing(desk: Desk) -> None:
    vault = Vault(desk.private, desk.file.name)
    vault.prepare(b"one\ntwo\n", b"never\n", desk.file)
    (vault.folder / "1-2.tmp").write_bytes(b"half")
    assert desk.rescue() == []
    assert desk.file.read_bytes() == b"one\ntwo\n"
    assert os.listdir(vault.folder) == []


@pytest.mark.parametrize("base_is_known", [True, False])
def test_nor_does_one_whose_files_are_copies_by_now(desk: Desk, base_is_known: bool) -> None:
    """As after a restored backup, or a power cut that took the text that stood there before."""
    vault = Vault(desk.private, desk.file.name)
    held = vault.prepare(b"one\ntwo\n", b"one\nnever\n", desk.file)
    shutil.copy(held.path, vault.folder / "copy")
    (vault.folder / "copy").replace(held.path)
    if not base_is_known:
        (vault.folder / f"{held.base}.text").write_bytes(b"")
    desk.age()
    assert desk.rescue() == []
    assert desk.file.read_bytes() == b"one\ntwo\n"
    assert not held.path.exists()


def test_a_stale_save_over_ours_is_united_with_it(desk: Desk) -> None:
    assert desk.put(b"one\ntwo\n", b"one\ntwo [x]\n")
    desk.file.write_bytes(b"one\ntwo\nby hand\n")
    assert desk.rescue() == ["over"]
    assert desk.file.read_bytes() == b"one\ntwo [x]\nby hand\n"


def test_a_return_to_the_old_text_is_meant_so(desk: Desk) -> None:
    assert desk.put(b"one\ntwo\n", b"one\ntwo [x]\n")
    desk.file.write_bytes(b"one\ntwo\n")
    assert desk.rescue() == []
    assert desk.file.read_bytes() == b"one\ntwo\n"


def test_another_file_put_in_its_place_is_not_united(desk: Desk) -> None:
    desk.file.write_bytes(b"# A\n- one\n- two\n- three\n\nend\n")
    assert desk.put(b"# A\n- one\n- two\n- three\n\nend\n", b"# A\n- one\n- two\n- three\n- four\n\nend\n")
    other = b"# B\n* one\n- two\n* three\n\nEnd\n"
    desk.file.write_bytes(other)
    assert desk.rescue() == []
    assert desk.file.read_bytes() == other


def test_an_edit_of_ours_seen_by_the_person_is_theirs_to_change(desk: Desk) -> None:
    assert desk.put(b"one\ntwo\n", b"one\ntwo\nthree\n")
    desk.file.write_bytes(b"one\ntwo\nthree, better\n")
    assert desk.rescue() == []
    assert desk.file.read_bytes() == b"one\ntwo\nthree, better\n"


def test_old_displaced_files_go_after_a_day(desk: Desk) -> None:
    vault = Vault(desk.private, desk.file.name)
    assert desk.put(b"one\ntwo\n", b"one\n")
    (held,) = vault.all()
    held.path.rename(held.path.with_name(held.path.name.replace(str(held.at), str(held.at - 25 * 3600 * 10**9))))
    assert desk.rescue() == []
    assert os.listdir(vault.folder) == []


def test_exchange_is_tried_out_and_leaves_nothing(tmp_path: Path, way: str) -> None:
    assert files.exchange_supported(tmp_path) is (way == "exchange")
    assert os.listdir(tmp_path) == []


@pytest.mark.parametrize(
    ("base", "theirs", "current", "merged"),
    [
        (b"a\nb\n", b"a\nb\nh\n", b"a\nb\nt\n", b"a\nb\nt\nh\n"),
        (b"a\nb\n", b"a\nb\nh\n", b"a\nb\nh\nt\n", b"a\nb\nh\nt\n"),
        (b"- [ ] a b\n", b"- [ ] a c\n", b"- [x] a b\n", b"- [x] a c\n"),
        (b"a\r\nb\r\n", b"a\r\nh\r\nb\r\n", b"a\r\nb2\r\n", b"a\r\nh\r\nb2\r\n"),
        (b"a\nb", b"a\nb\nh", b"a\nb\nt", b"a\nb\nt\nh\n"),
        (b"a\nb", b"h\na\nb", b"a\nb\nt", b"h\na\nb\nt"),
        (b"a\n", b"a\nh\n", b"a\nhalf a", b"a\nhalf a\nh\n"),
        (b"a\nb\nc\n", b"a2\nb", b"a\nb\nc\nt\n", b"a2\nb\nc\nt\n"),
        (b"a\nb\nc\n", b"a\nc\n", b"a\nb\nc\nt\n", b"a\nc\nt\n"),
        (b"a\nb\n", b"a\nb h\n", b"a\n", b"a\nb h\n"),
        (b"x\n", b"x\n", b"y\n", b"y\n"),
        (b"w1\nw2\n", b"mine\nw2\n", b"yours\nw2\n", b"mine\nyours\nw2\n"),
        (b"by me w1\nw2\n", b"by me mine\nw2\n", b"by me yours\nw2\n", b"by me mine\nw2\n"),
    ],
)
def test_two_changes_are_united(base: bytes, theirs: bytes, current: bytes, merged: bytes) -> None:
    assert merge_late(base, theirs, current) == merged


_TEXTS = st.lists(st.sampled_from([b"a\n", b"b\n", b"c\r\n", b"\n", b"- [ ] t\n"]), max_size=12).map(b"".join)


@given(base=_TEXTS, current=_TEXTS, at=st.integers(0, 12))
def test_an_added_line_is_never_lost(base: bytes, current: bytes, at: int) -> None:
    lines = split_lines(base)
    theirs = b"".join([*lines[:at], b"by hand 17\n", *lines[at:]])
    assert b"by hand 17" in merge_late(base, theirs, current)


@given(base=_TEXTS, other=_TEXTS)
def test_one_sided_changes_are_taken_as_they_are(base: bytes, other: bytes) -> None:
    assert merge_late(base, base, other) == other
    if not base.startswith(other):
        merged = merge_late(base, other, base)
        assert merged.startswith(other[: len(other) // 2]) or set(split_lines(other)) <= set(split_lines(merged))


@given(st.binary(max_size=60))
def test_lines_make_up_the_whole(data: bytes) -> None:
    assert b"".join(split_lines(data)) == data
