"""Saves that missed the file: when they count as finished, what they were begun from, and how often a rescue begins anew."""

from __future__ import annotations

import errno
import os
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from autobuilds.errors import NotDurable, StorageFailure
from autobuilds.store import files
from autobuilds.store.files import exchange as swapping
from autobuilds.store.files import rescue, shared
from autobuilds.store.files.debris import remove_debris
from autobuilds.store.files.exchange import NoExchange, exchange, exchange_supported
from autobuilds.store.files.reading import read_stamped
from autobuilds.store.files.rescue import repay, rescue_displaced, rescue_late_saves, unite_stale
from autobuilds.store.files.vault import Vault
from tests.store.files.test_io_limits import open_files
from tests.store.files.test_vault_limits import left

BASE = b"".join(b"line %d\n" % n for n in range(12))


class Desk:
    """A file that the tool writes, and the files that its writes displaced."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.file = root / "QUEUE.md"
        self.file.write_bytes(BASE)
        self.private = files.private_folder(root)
        self.vault = Vault(self.private, "QUEUE.md")

    def put(self, data: bytes) -> None:
        assert shared.replace_guarded(self.file, self.file.read_bytes(), data, private=self.private)

    def late(self, data: bytes, ago: float = 1.0, which: int = -1) -> Path:
        """Let somebody have saved into a displaced file a while ago."""
        path = self.vault.all()[which].path
        path.write_bytes(data)
        at = time.time() - ago
        os.utime(path, (at, at))
        return path

    def age(self, seconds: float, monkeypatch: pytest.MonkeyPatch) -> None:
        """Let the file have been left alone for so long, and time stand still."""
        now = self.file.stat().st_ctime + seconds
        monkeypatch.setattr(time, "time", lambda: now)

    @property
    def text(self) -> bytes:
        return self.file.read_bytes()


@pytest.fixture
def desk(tmp_path: Path) -> Desk:
    found = Desk(tmp_path)
    found.put(BASE + b"ours\n")
    return found


class TestLateSaves:
    @pytest.mark.parametrize(("ago", "found"), [(0.0, False), (0.5, True), (-0.05, False), (-5.0, True), (3600.0, True)])
    def test_a_save_counts_a_tenth_of_a_second_later(self, desk: Desk, monkeypatch: pytest.MonkeyPatch, ago: float, found: bool) -> None:
        desk.age(5, monkeypatch)
        desk.late(b"mine\n" + BASE, ago)
        told = rescue_late_saves(desk.file, private=desk.private)
        assert [(one.how, one.size) for one in told] == ([("late", 5)] if found else [])
        assert desk.text == (b"mine\n" if found else b"") + BASE + b"ours\n"

    def test_it_is_put_back_once(self, desk: Desk) -> None:
        path = desk.late(b"mine\n" + BASE)
        assert len(rescue_displaced(desk.file, private=desk.private)) == 1
        (held,) = (one for one in desk.vault.all() if one.seen is not None and one.later is not None)
        assert desk.vault.text(held.holds) == b"mine\n" + BASE
        assert held.path.stat().st_ino != path.exists()
        assert rescue_displaced(desk.file, private=desk.private) == ()
        assert [debt.lines() for debt in desk.vault.owed()] == [[b"mine"]]
        assert desk.vault.owed()[0].seconds == 20

    def test_the_same_text_saved_again_is_nothing_new(self, desk: Desk) -> None:
        desk.late(BASE)
        assert rescue_displaced(desk.file, private=desk.private) == ()
        desk.late(BASE + b"ours\n")
        assert rescue_displaced(desk.file, private=desk.private) == ()
        assert (desk.text, desk.vault.owed()) == (BASE + b"ours\n", [])

    def test_what_was_never_swapped_is_gone(self, desk: Desk) -> None:
        held = desk.vault.prepare(desk.text, b"new\n", desk.file)
        assert rescue_displaced(desk.file, private=desk.private) == ()
        assert not held.path.exists() and desk.text == BASE + b"ours\n"

    def test_it_goes_on_from_what_was_saved_there_before(self, desk: Desk) -> None:
        desk.late(BASE + b"one\n")
        assert len(rescue_displaced(desk.file, private=desk.private)) == 1
        desk.put(desk.text.replace(b"one\n", b"uno\n"))
        desk.late(BASE + b"one\ntwo\n", which=0)
        assert len(rescue_displaced(desk.file, private=desk.private)) == 1
        assert sorted(desk.text.removeprefix(BASE).split()) == [b"ours", b"two", b"uno"]

    def test_it_was_begun_from_the_nearest_of_what_stood_there(self, desk: Desk) -> None:
        desk.late(BASE.replace(b"line 3\n", b"line three\n"))
        assert len(rescue_displaced(desk.file, private=desk.private)) == 1
        desk.late(BASE.replace(b"line 3\n", b"line three\n").replace(b"line 8\n", b"line eight\n"))
        assert len(rescue_displaced(desk.file, private=desk.private)) == 1
        assert desk.text == BASE.replace(b"line 3\n", b"line three\n").replace(b"line 8\n", b"line eight\n") + b"ours\n"
        desk.late(BASE.replace(b"line 5\n", b"line five\n"))
        assert len(rescue_displaced(desk.file, private=desk.private)) == 1
        assert b"line five\n" in desk.text and b"line 3\n" not in desk.text

    def test_what_a_stale_save_took_away_comes_back_with_it(self, desk: Desk) -> None:
        """Our write of the late save hides from then on that the text beneath it was an old buffer."""
        desk.late(b"mine\n" + BASE)
        desk.file.write_bytes(BASE + b"typed\n")
        assert len(rescue_displaced(desk.file, private=desk.private)) == 1
        assert desk.text == b"mine\n" + BASE + b"ours\ntyped\n"

    def test_what_was_put_back_already_does_not_come_twice(self, desk: Desk) -> None:
        """An old buffer was united with ours, somebody wrote on into the very buffer, and below it the file went on."""
        desk.file.write_bytes(BASE + b"one\n")
        assert unite_stale(desk.file, read_stamped(desk.file), private=desk.private)
        assert desk.text == BASE + b"ours\none\n"
        desk.put(BASE + b"one\nours\nmore\n")
        desk.late(BASE + b"one\ntwo\n", which=1)
        assert len(rescue_displaced(desk.file, private=desk.private)) == 1
        assert sorted(desk.text.removeprefix(BASE).split()) == [b"more", b"one", b"ours", b"two"]

    def test_what_ours_changed_is_not_changed_twice(self, desk: Desk) -> None:
        """What the old buffer lacks are rows in place of others; they stand there already, and further writes came upon them."""
        done = BASE.replace(b"line 3\n", b"done 3\n").replace(b"line 7\n", b"done 7\n")
        desk.put(done + b"ours\n")
        stale = BASE + b"ours\none\n"
        desk.file.write_bytes(stale)
        assert unite_stale(desk.file, read_stamped(desk.file), private=desk.private)
        assert desk.text == done + b"ours\none\n"
        desk.put(desk.text.replace(b"done 7\n", b"done 7, twice\n"))
        desk.late(stale + b"two\n", which=2)
        assert len(rescue_displaced(desk.file, private=desk.private)) == 1
        assert desk.text == done.replace(b"done 7\n", b"done 7, twice\n") + b"ours\none\ntwo\n"

    def test_what_ours_put_back_and_a_later_write_changed_stays_so(self, desk: Desk) -> None:
        """A task that an old buffer lacked was put back and then moved: it is not to come back where it was."""
        desk.put(BASE.replace(b"line 3\n", b"line 3\nnew\n") + b"ours\n")
        desk.file.write_bytes(BASE + b"ours\none\n")
        assert unite_stale(desk.file, read_stamped(desk.file), private=desk.private)
        desk.put(desk.text.replace(b"new\n", b"").replace(b"ours\n", b"ours\nnew, done\n"))
        desk.late(BASE + b"ours\none\ntwo\n", which=2)
        assert len(rescue_displaced(desk.file, private=desk.private)) == 1
        assert desk.text == BASE + b"ours\nnew, done\none\ntwo\n"

    @pytest.mark.parametrize("gone", ["base", "ours", "both"])
    def test_nothing_is_deleted_where_what_it_was_begun_from_is_gone(self, desk: Desk, gone: str) -> None:
        desk.put(desk.text.replace(b"line 3\n", b"line 3\nof ours\n"))
        held = desk.vault.all()[0]
        for name in {held.base: ("base", "both"), held.ours: ("ours", "both")}.items():
            if gone in name[1]:
                (desk.vault.folder / f"{name[0]}.text").unlink()
        desk.late(b"mine\n" + BASE.replace(b"line 9\n", b""), which=0)
        assert len(rescue_displaced(desk.file, private=desk.private)) == 1
        assert desk.text.startswith(b"mine\nline 0\n") and b"of ours\n" in desk.text and desk.text.endswith(b"ours\n")
        assert (b"line 9\n" in desk.text) is (gone != "ours")

    @pytest.mark.parametrize(("ago", "put_back"), [(0.3, False), (0.7, True)])
    def test_half_a_line_is_waited_for(self, desk: Desk, monkeypatch: pytest.MonkeyPatch, ago: float, put_back: bool) -> None:
        desk.late(b"mine\n" + BASE, 10)
        desk.file.write_bytes(BASE + b"half a")
        desk.age(ago, monkeypatch)
        assert bool(rescue_displaced(desk.file, private=desk.private)) is put_back
        # What lacks our line was begun before it: that is put back with the save.
        assert desk.text == (b"mine\n" + BASE + b"ours\nhalf a\n" if put_back else BASE + b"half a")

    @pytest.mark.parametrize(("ago", "put_back"), [(0.3, False), (0.7, True)])
    def test_an_emptied_file_is_waited_for(self, desk: Desk, monkeypatch: pytest.MonkeyPatch, ago: float, put_back: bool) -> None:
        desk.late(b"mine\n" + BASE, 10)
        desk.file.write_bytes(b"")
        desk.age(ago, monkeypatch)
        assert bool(rescue_displaced(desk.file, private=desk.private)) is put_back
        assert desk.text == (b"mine\n" if put_back else b"")

    @pytest.mark.parametrize("text", [BASE + b"ours\n", BASE + b"x\r"])
    def test_whole_lines_are_not(self, desk: Desk, text: bytes) -> None:
        desk.late(b"mine\n" + BASE)
        desk.file.write_bytes(text)
        assert len(rescue_displaced(desk.file, private=desk.private)) == 1

    def test_our_own_open_end_is_no_half_line(self, tmp_path: Path) -> None:
        desk = Desk(tmp_path)
        desk.put(BASE + b"open")
        desk.late(b"mine\n" + BASE)
        assert len(rescue_displaced(desk.file, private=desk.private)) == 1
        assert desk.text == b"mine\n" + BASE + b"open"

    def test_it_begins_anew_five_times(self, desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
        tried: list[bytes] = []

        def refused(path: Path, expect: bytes, data: bytes, *, private: Path) -> bool:
            tried.append(data)
            return False

        monkeypatch.setattr(rescue, "replace_guarded", refused)
        desk.late(b"mine\n" + BASE)
        assert rescue_displaced(desk.file, private=desk.private) == ()
        assert tried == [b"mine\n" + BASE + b"ours\n"] * 5
        del tried[:]
        desk.late(BASE)
        desk.file.write_bytes(b"mine\n" + BASE)
        assert rescue_late_saves(desk.file, private=desk.private) == ()
        assert tried == [b"mine\n" + BASE + b"ours\n"] * 5

    def test_a_file_that_is_gone_or_a_folder_is_left_for_the_next_time(self, desk: Desk) -> None:
        desk.late(b"mine\n" + BASE)
        desk.file.unlink()
        assert rescue_late_saves(desk.file, private=desk.private) == ()
        desk.file.write_bytes(BASE + b"ours\n")
        assert [one.how for one in rescue_late_saves(desk.file, private=desk.private)] == ["late"]


class TestSavesOver:
    def test_a_stale_save_is_united_and_looked_at_once(self, desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
        desk.file.write_bytes(b"mine\n" + BASE)
        told = rescue_late_saves(desk.file, private=desk.private)
        assert [(one.how, one.size) for one in told] == [("over", 5)]
        assert desk.text == b"mine\n" + BASE + b"ours\n"
        desk.file.write_bytes(desk.text + b"by hand\n")
        assert rescue_late_saves(desk.file, private=desk.private) == ()
        looked: list[Path] = []
        monkeypatch.setattr(rescue, "read_stamped", lambda path, **_: looked.append(path))
        assert rescue_late_saves(desk.file, private=desk.private) == ()
        assert looked == []

    def test_an_edit_asks_of_the_very_bytes(self, desk: Desk) -> None:
        assert unite_stale(desk.file, read_stamped(desk.file), private=desk.private) is None
        desk.file.write_bytes(b"mine\n" + BASE)
        found = read_stamped(desk.file)
        desk.file.write_bytes(b"mine too\n" + BASE)
        assert unite_stale(desk.file, found, private=desk.private) is False
        assert unite_stale(desk.file, read_stamped(desk.file), private=desk.private) is True
        assert desk.text == b"mine too\n" + BASE + b"ours\n"

    def test_what_is_owed_is_paid_back_once_it_was_left_alone(self, desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
        desk.late(b"mine\n" + BASE)
        assert [one.how for one in rescue_late_saves(desk.file, private=desk.private)] == ["late"]
        assert repay(desk.file, read_stamped(desk.file), private=desk.private) is None
        text = BASE.replace(b"line 4\n", b"line four\n") + b"ours\n"
        desk.file.write_bytes(text)
        assert repay(desk.file, read_stamped(desk.file), private=desk.private) is True
        assert desk.text == b"mine\n" + text
        desk.put(desk.text + b"more of ours\n")
        desk.file.write_bytes(text + b"more of ours\nx\n")  # somebody who has seen ours
        pauses: list[float] = []
        began = desk.file.stat().st_ctime
        monkeypatch.setattr(time, "sleep", pauses.append)
        monkeypatch.setattr(time, "time", lambda: began + sum(pauses))
        assert [one.how for one in rescue_late_saves(desk.file, private=desk.private)] == ["over"]
        assert desk.text == b"mine\n" + text + b"more of ours\nx\n"
        assert 0.4 < sum(pauses) < 0.6

    def test_without_writes_nothing_is_read(self, tmp_path: Path) -> None:
        desk = Desk(tmp_path)
        assert rescue_late_saves(desk.file, private=desk.private) == ()
        assert rescue_displaced(desk.file, private=desk.private) == ()


class TestReplacing:
    def refuse(self, monkeypatch: pytest.MonkeyPatch, act: Callable[[Path, Path], None]) -> None:
        monkeypatch.setattr(shared, "exchange", act)

    def test_nothing_is_done_for_the_same_text_or_another(self, desk: Desk) -> None:
        before, names = desk.file.stat(), left(desk.vault)
        assert shared.replace_guarded(desk.file, desk.text, desk.text, private=desk.private)
        assert not shared.replace_guarded(desk.file, BASE, b"new\n", private=desk.private)
        assert not shared.replace_guarded(desk.root / "none", b"", b"new\n", private=desk.private)
        assert (desk.file.stat().st_mtime_ns, left(desk.vault)) == (before.st_mtime_ns, names)

    def test_what_was_displaced_is_known_as_it_is(self, desk: Desk) -> None:
        newest = desk.vault.writes()[-1]
        info = newest.path.stat()
        assert (newest.path.read_bytes(), newest.seen) == (BASE, (info.st_size, info.st_mtime_ns))
        assert newest.inode == desk.file.stat().st_ino

    @pytest.mark.parametrize("kind", ["refused", "gone", "stopped"])
    def test_a_swap_that_fails_leaves_all_as_it_was(self, desk: Desk, monkeypatch: pytest.MonkeyPatch, kind: str) -> None:
        errors: dict[str, BaseException] = {
            "refused": OSError(errno.EIO, "x"),
            "gone": FileNotFoundError(errno.ENOENT, "x"),
            "stopped": KeyboardInterrupt(),
        }

        def failing(one: Path, other: Path) -> None:
            raise errors[kind]

        names, text = {name for name in left(desk.vault) if name.endswith(".held")}, desk.text
        self.refuse(monkeypatch, failing)
        if kind == "gone":
            assert not shared.replace_guarded(desk.file, text, b"new\n", private=desk.private)
        else:
            with pytest.raises(StorageFailure if kind == "refused" else KeyboardInterrupt):
                shared.replace_guarded(desk.file, text, b"new\n", private=desk.private)
        assert {name for name in left(desk.vault) if name.endswith((".held", ".tmp"))} == names
        assert desk.text == text

    @pytest.mark.parametrize("ending", [b"\n", b"\r", b""])
    def test_what_came_out_otherwise_is_given_back_and_owed(self, desk: Desk, monkeypatch: pytest.MonkeyPatch, ending: bytes) -> None:
        text = desk.text
        saved = text + b"by hand" + ending
        forced: list[Path] = []
        monkeypatch.setattr(shared, "sync_folder", forced.append)

        def late(one: Path, other: Path) -> None:
            if desk.text == text:
                desk.file.write_bytes(saved)
            exchange(one, other)

        self.refuse(monkeypatch, late)
        assert not shared.replace_guarded(desk.file, text, b"new\n", private=desk.private)
        assert desk.text == saved
        assert forced == [desk.root]
        newest = desk.vault.all()[-1]
        assert newest.withdrawn and newest.path.read_bytes() == b"new\n"
        assert [(debt.lines(), debt.seconds) for debt in desk.vault.owed()] == ([([b"by hand"], 2)] if ending else [])

    def test_a_swap_back_over_nothing_puts_the_file_there(self, desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
        text = desk.text

        def late(one: Path, other: Path) -> None:
            if desk.file.exists() and desk.text == text:
                desk.file.write_bytes(text + b"by hand\n")
                exchange(one, other)
                desk.file.unlink()
                return
            exchange(one, other)

        self.refuse(monkeypatch, late)
        assert not shared.replace_guarded(desk.file, text, b"new\n", private=desk.private)
        assert desk.text == text + b"by hand\n"

    @pytest.mark.parametrize("error", [NoExchange("no"), OSError(errno.EIO, "x")])
    def test_what_cannot_be_given_back_is_told(self, desk: Desk, monkeypatch: pytest.MonkeyPatch, error: Exception) -> None:
        text, swaps = desk.text, list[Path]()

        def once(one: Path, other: Path) -> None:
            swaps.append(one)
            if len(swaps) > 1:
                raise error
            desk.file.write_bytes(text + b"by hand\n")
            exchange(one, other)

        self.refuse(monkeypatch, once)
        with pytest.raises(StorageFailure, match=r"can't write .*QUEUE\.md: (no|the disk reports)"):
            shared.replace_guarded(desk.file, text, b"new\n", private=desk.private)

    def test_without_a_disk_that_confirms_it_is_written_and_told(self, desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
        def refused(folder: Path) -> None:
            raise OSError(errno.EIO, "x")

        monkeypatch.setattr("autobuilds.store.files.writing.sync_folder", refused)
        with pytest.raises(NotDurable):
            shared.replace_guarded(desk.file, desk.text, b"new\n", private=desk.private)
        assert desk.text == b"new\n"


class TestReplacingWithoutExchange:
    @pytest.fixture(autouse=True)
    def _none(self, monkeypatch: pytest.MonkeyPatch) -> None:
        def missing(one: Path, other: Path) -> None:
            raise NoExchange

        monkeypatch.setattr(shared, "exchange", missing)

    def test_the_old_file_is_kept_under_another_name(self, desk: Desk) -> None:
        inode = desk.file.stat().st_ino
        desk.file.chmod(0o640)
        desk.put(b"new\n")
        assert desk.text == b"new\n" and desk.file.stat().st_mode & 0o777 == 0o640
        assert desk.vault.all()[-1].path.stat().st_ino == inode
        assert {path.name for path in desk.root.iterdir()} == {"QUEUE.md", ".autobuilds"}

    def test_what_is_saved_at_the_last_moment_stays(self, desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
        text, real = desk.text, os.link
        held = len(desk.vault.all())

        def late(source: Path, target: Path, **more: bool) -> None:
            real(source, target, **more)
            desk.file.write_bytes(text + b"by hand\n")

        monkeypatch.setattr(os, "link", late)
        assert not shared.replace_guarded(desk.file, text, b"new\n", private=desk.private)
        assert desk.text == text + b"by hand\n"
        assert len(desk.vault.all()) == held
        assert {path.name for path in desk.root.iterdir()} == {"QUEUE.md", ".autobuilds"}

    def test_it_is_written_where_no_second_name_can_be_given(self, desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
        def refused(source: Path, target: Path, **more: bool) -> None:
            raise PermissionError

        monkeypatch.setattr(os, "link", refused)
        desk.put(b"new\n")
        assert desk.text == b"new\n"
        desk.file.write_bytes(b"other\n")
        assert not shared.replace_guarded(desk.file, b"new\n", b"newer\n", private=desk.private)

    @pytest.mark.parametrize("error", [OSError(errno.EIO, "x"), KeyboardInterrupt()])
    def test_a_failure_leaves_all_as_it_was(self, desk: Desk, monkeypatch: pytest.MonkeyPatch, error: BaseException) -> None:
        def failing(path: Path, target: Path) -> None:
            raise error

        text, held = desk.text, len(desk.vault.all())
        monkeypatch.setattr(Path, "replace", failing)
        monkeypatch.setattr(Vault, "keep", lambda self, data: "0" * 32)
        with pytest.raises(StorageFailure if isinstance(error, OSError) else KeyboardInterrupt):
            shared.replace_guarded(desk.file, text, b"new\n", private=desk.private)
        assert (desk.text, len(desk.vault.all())) == (text, held)
        assert {path.name for path in desk.root.iterdir()} == {"QUEUE.md", ".autobuilds"}


class TestExchange:
    def test_two_names_are_swapped(self, tmp_path: Path) -> None:
        one, other = tmp_path / "öne", tmp_path / "other"
        one.write_bytes(b"1")
        other.write_bytes(b"2")
        exchange(one, other)
        assert (one.read_bytes(), other.read_bytes()) == (b"2", b"1")
        with pytest.raises(FileNotFoundError) as told:
            exchange(one, tmp_path / "none")
        assert (told.value.filename, told.value.strerror) == (str(tmp_path / "none"), os.strerror(errno.ENOENT))

    @pytest.mark.parametrize("number", [errno.EINVAL, errno.ENOSYS, errno.ENOTSUP, errno.EXDEV])
    def test_what_cannot_swap_says_so(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, number: int) -> None:
        import ctypes

        monkeypatch.setattr(swapping, "_call", lambda: lambda one, other: -1)
        monkeypatch.setattr(ctypes, "get_errno", lambda: number)
        with pytest.raises(NoExchange):
            exchange(tmp_path / "one", tmp_path / "other")
        assert not exchange_supported(tmp_path)
        monkeypatch.setattr(swapping, "_call", lambda: None)
        with pytest.raises(NoExchange):
            exchange(tmp_path / "one", tmp_path / "other")
        assert list(tmp_path.iterdir()) == []

    def test_a_folder_is_tried_and_left_as_it_was(self, tmp_path: Path) -> None:
        before = open_files()
        assert exchange_supported(tmp_path)
        assert (list(tmp_path.iterdir()), open_files()) == ([], before)
        with pytest.raises(OSError):
            exchange_supported(tmp_path / "none")

    def test_debris_of_ours_goes_and_what_only_looks_alike_stays(self, tmp_path: Path) -> None:
        ours = [".QUEUE.md.99999999-0123abcd.tmp", "99999999-0123abcd.tmp", ".exchange-99999999-0123abcd-a.tmp"]
        others = [f".QUEUE.md.{os.getpid()}-0123abcd.tmp", ".x.99999999-0123abcd.tmp.bak", "x99999999-0123abcd.tmp", ".x.99999999-0123.tmp"]
        for name in (*ours, *others):
            (tmp_path / name).touch()
        (tmp_path / ".y.99999999-0123abcd.tmp").mkdir()
        assert remove_debris([tmp_path / "none", tmp_path]) == 3
        assert {path.name for path in tmp_path.iterdir()} == {*others, ".y.99999999-0123abcd.tmp"}
