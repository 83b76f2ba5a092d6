"""The diary on disk: what is put behind, what stays, and what people save at the same moment."""

from __future__ import annotations

import os
import time
from datetime import UTC, datetime
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from autobuilds.errors import BadInput, Busy, StorageFailure
from autobuilds.store import files, memory
from autobuilds.store.files.merge import split_lines
from autobuilds.store.files.reading import read_stamped
from autobuilds.store.files.vault import KEPT, Vault
from autobuilds.store.memory import Entry, merge_diary, with_entry

AT = datetime(2026, 2, 6, 3, 45, tzinfo=UTC)
ENTRY = Entry(at=AT, title="Build completed: Spotify", facts=("3 of 3 checks passed", "4 files changed"))
LINES = "## [03:45] Build completed: Spotify\n- 3 of 3 checks passed\n- 4 files changed\n"
NAME = "memory/2026-02-06.md"


def text(root: Path) -> str:
    return (root / NAME).read_bytes().decode()


def write(root: Path, data: bytes) -> Path:
    path = root / NAME
    path.parent.mkdir(exist_ok=True)
    path.write_bytes(data)
    return path


def age(root: Path) -> None:
    """Let the diary, and what was displaced, look as if it had been saved a while ago."""
    for path in [root / NAME, *(held.path for held in Vault(root / ".autobuilds" / "memory", "2026-02-06.md").all())]:
        info = path.stat()
        os.utime(path, ns=(info.st_atime_ns, info.st_mtime_ns - 10**9))


def test_the_first_entry_of_a_day_begins_its_diary(tmp_path: Path) -> None:
    assert memory.remember(tmp_path, ENTRY)
    assert text(tmp_path) == f"# 2026-02-06\n\n{LINES}"


def test_the_same_entry_is_not_written_twice(tmp_path: Path) -> None:
    assert memory.remember(tmp_path, ENTRY)
    before = text(tmp_path)
    assert not memory.remember(tmp_path, ENTRY)
    assert text(tmp_path) == before
    assert memory.remember(tmp_path, Entry(at=AT, title=ENTRY.title, facts=("3 of 3 checks passed",)))


def test_an_entry_stands_in_the_diary_of_its_own_day_and_zone(tmp_path: Path) -> None:
    berlin = datetime(2026, 2, 6, 23, 59, tzinfo=UTC).astimezone(ZoneInfo("Europe/Berlin"))
    memory.remember(tmp_path, Entry(at=berlin, title="Late"))
    assert (tmp_path / "memory" / "2026-02-07.md").read_text() == "# 2026-02-07\n\n## [00:59] Late\n"


@pytest.mark.parametrize(
    ("before", "after"),
    [
        (b"", "# 2026-02-06\n\n" + LINES),
        (b"Notes.\n", "Notes.\n\n" + LINES),
        (b"Notes.", "Notes.\n\n" + LINES),
        (b"Notes.\n\n\n", "Notes.\n\n\n" + LINES),
        (b"- a\r\n- b\r\n", "- a\r\n- b\r\n\r\n" + LINES.replace("\n", "\r\n")),
        (b"a\r\nb", "a\r\nb\r\n\r\n" + LINES.replace("\n", "\r\n")),
        (b"a\rb\r", "a\rb\r\r" + LINES.replace("\n", "\r")),
        (b"\xef\xbb\xbfNotes\n   \n", "\ufeffNotes\n   \n" + LINES),
        ("Größe \x0c \u2028 x\n".encode(), "Größe \x0c \u2028 x\n\n" + LINES),
    ],
)
def test_what_stands_there_stays_to_the_byte(tmp_path: Path, before: bytes, after: str) -> None:
    write(tmp_path, before)
    assert memory.remember(tmp_path, ENTRY)
    assert text(tmp_path) == after


@given(st.binary(max_size=200).filter(lambda data: b"\0" not in data))
def test_any_text_is_a_beginning_of_what_it_becomes(data: bytes) -> None:
    after = with_entry(data, ENTRY)
    assert after.startswith(data)
    assert with_entry(after, ENTRY) == after
    rows = [row.rstrip(b"\r\n") for row in split_lines(after)]
    assert rows[-3:] == [line.encode() for line in ENTRY.lines()]


@given(st.text(max_size=400), st.lists(st.text(max_size=400), max_size=7))
def test_whatever_a_title_and_facts_hold_they_are_one_heading_and_list_items(title: str, facts: list[str]) -> None:
    lines = Entry(at=AT, title=title, facts=tuple(facts)).lines()
    assert lines[0].startswith("## [03:45] ") and len(lines) <= 1 + memory.MOST_FACTS
    assert all(line.startswith("- ") and len(line) > 2 for line in lines[1:])
    whole = "".join(lines)
    assert not any(sign in whole for sign in "\n\r\x0b\x0c\x1b\x07\x00\u2028\u2029\x85\u202e\u200b")
    whole.encode()


def test_hostile_facts_are_shown_and_nothing_more() -> None:
    facts = ("# a heading", "<script>alert(1)</script>", "- [x] done\n## [04:00] forged", "![](http://x)", "```")
    lines = Entry(at=AT, title="## x\n- y", facts=facts).lines()
    assert lines == [
        "## [03:45] \\## x - y",
        "- \\# a heading",
        "- \\<script>alert(1)\\</script>",
        "- \\- \\[x\\] done \\## \\[04:00\\] forged",
        "- !\\[\\](http\\://x)",
        "- \\`\\`\\`",
    ]


def test_mode_and_link_within_the_workspace_are_kept(tmp_path: Path) -> None:
    (tmp_path / "notes").mkdir()
    real = tmp_path / "notes" / "2026-02-06.md"
    real.write_text("Mine.\n")
    real.chmod(0o600)
    (tmp_path / "memory").symlink_to("notes")
    assert memory.remember(tmp_path, ENTRY)
    assert real.read_text() == "Mine.\n\n" + LINES and real.stat().st_mode & 0o777 == 0o600
    assert memory.tracked_diary(tmp_path, AT.date()) == "notes/2026-02-06.md"


@pytest.mark.parametrize("which", ["folder", "file"])
def test_a_link_out_of_the_workspace_is_refused(tmp_path: Path, which: str) -> None:
    root, outside = tmp_path / "root", tmp_path / "outside"
    root.mkdir()
    outside.mkdir()
    if which == "folder":
        (root / "memory").symlink_to(outside)
    else:
        (root / "memory").mkdir()
        (root / NAME).symlink_to(outside / "x.md")
    with pytest.raises(BadInput, match="leads out of the workspace"):
        memory.remember(root, ENTRY)
    assert list(outside.iterdir()) == []


def test_links_in_a_circle_are_refused(tmp_path: Path) -> None:
    (tmp_path / "memory").symlink_to("memory")
    with pytest.raises((BadInput, StorageFailure)):
        memory.remember(tmp_path, ENTRY)


def test_a_folder_that_is_a_file_and_a_file_that_is_a_folder_are_told(tmp_path: Path) -> None:
    (tmp_path / "memory").write_text("a file\n")
    with pytest.raises(StorageFailure, match="memory"):
        memory.remember(tmp_path, ENTRY)
    (tmp_path / "memory").unlink()
    (tmp_path / NAME).mkdir(parents=True)
    with pytest.raises((BadInput, StorageFailure), match=r"2026-02-06\.md"):
        memory.remember(tmp_path, ENTRY)


@pytest.mark.parametrize("data", [b"\xff\xfeN\0o\0", "Nö".encode("utf-16-be"), b"a\0b\n"])
def test_a_file_that_is_no_utf_8_text_is_left_alone(tmp_path: Path, data: bytes) -> None:
    path = write(tmp_path, data)
    age(tmp_path)
    with pytest.raises(BadInput, match="UTF-8"):
        memory.remember(tmp_path, ENTRY)
    assert path.read_bytes() == data


def test_a_file_that_never_rests_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write(tmp_path, b"Notes.\n")
    monkeypatch.setattr(memory, "replace_guarded", lambda *_args, **_given: False)
    with pytest.raises(Busy, match="saved all the time"):
        memory.remember(tmp_path, ENTRY, patience=0.0)


def test_a_line_appended_into_the_displaced_file_is_put_back(tmp_path: Path) -> None:
    path = write(tmp_path, b"Mine.\n")
    with path.open("ab") as other:
        assert memory.remember(tmp_path, ENTRY)
        other.write(b"Appended by a shell.\n")
    age(tmp_path)
    assert memory.rescue(tmp_path) == 1
    assert memory.rescue(tmp_path) == 0
    assert sorted(text(tmp_path).split("\n")) == sorted(("Mine.\n\n" + LINES + "Appended by a shell.\n").split("\n"))


def test_an_old_buffer_saved_over_an_entry_keeps_both(tmp_path: Path) -> None:
    path = write(tmp_path, b"Mine.\n")
    memory.remember(tmp_path, ENTRY)
    path.write_bytes(b"Mine.\n- bought milk\n\n## Later\n- bread\n")
    assert memory.remember(tmp_path, Entry(at=AT, title="Next"))
    assert text(tmp_path) == "Mine.\n- bought milk\n\n## Later\n- bread\n\n" + LINES + "\n## [03:45] Next\n"


def test_an_old_buffer_saved_an_hour_later_keeps_both(tmp_path: Path) -> None:
    path = write(tmp_path, b"Mine.\n")
    memory.remember(tmp_path, ENTRY)
    vault = Vault(tmp_path / ".autobuilds" / "memory", "2026-02-06.md")
    for held in vault.all():
        held.path.rename(held.folder / held.file.replace(str(held.at), str(held.at - 3600 * 10**9)))
    path.write_bytes(b"Mine.\nA whole paragraph.\n")
    assert memory.rescue(tmp_path) == 1
    assert text(tmp_path) == "Mine.\nA whole paragraph.\n\n" + LINES


def test_an_entry_that_is_taken_out_stays_out(tmp_path: Path) -> None:
    path = write(tmp_path, b"Mine.\n")
    memory.remember(tmp_path, ENTRY)
    path.write_bytes(b"Mine.\n")
    assert memory.rescue(tmp_path) == 0
    assert memory.remember(tmp_path, Entry(at=AT, title="Next"))
    assert text(tmp_path) == "Mine.\n\n## [03:45] Next\n"


@pytest.mark.parametrize("slow", [0.15, 0.8])
def test_a_save_in_the_middle_is_waited_for(tmp_path: Path, slow: float) -> None:
    """An editor empties the file and writes it; the entry waits until its text is whole."""
    path = write(tmp_path, b"Mine.\n")
    memory.remember(tmp_path, ENTRY)
    whole = path.read_bytes() + b"More.\n"
    child = os.fork()
    if child == 0:
        try:
            with path.open("wb") as editor:
                time.sleep(slow)
                editor.write(whole)
        finally:
            os._exit(0)
    while path.stat().st_size:
        time.sleep(0.002)
    assert memory.remember(tmp_path, Entry(at=AT, title="Next"))
    os.waitpid(child, 0)
    time.sleep(0.12)
    memory.rescue(tmp_path)
    assert path.read_bytes() == whole + b"\n## [03:45] Next\n"


@pytest.mark.parametrize(
    ("data", "known", "ago", "begun", "half"),
    [
        (b"", True, 1.9, 9.0, True),
        (b"", True, 2.1, 0.0, False),
        (b"", False, 0.0, 0.0, False),
        (b"Mine. More.", True, 0.4, 1.9, True),
        (b"Mine. More.", False, 0.4, 1.9, True),
        (b"Mine. More.", False, 0.4, 2.1, False),
        (b"Mine. More.", True, 0.6, 0.0, False),
        (b"Short.\n", True, 0.4, 1.9, True),
        (b"Short.\n", True, 0.4, 2.1, False),
        (b"Short.\n", True, 0.6, 0.0, False),
        (b"Short.\n", False, 0.4, 0.0, False),
    ],
)
def test_when_a_diary_may_be_half_saved(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, data: bytes, known: bool, ago: float, begun: float, half: bool
) -> None:
    path = write(tmp_path, b"Mine.\n")
    if known:
        memory.remember(tmp_path, ENTRY)
    path.write_bytes(data)
    found, now = read_stamped(path), time.monotonic()
    monkeypatch.setattr(time, "time", lambda: found.landed / 1e9 + ago)
    monkeypatch.setattr(time, "monotonic", lambda: now)
    vault = Vault(tmp_path / ".autobuilds" / "memory", "2026-02-06.md")
    assert memory._half_saved(found, vault, now - begun) is half


def test_a_diary_that_was_emptied_for_long_gets_its_text_back_whole(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A machine stood still between emptying and writing: what was written meanwhile comes to it, and facts that are alike stay."""
    path = write(tmp_path, b"Mine.\n")
    same = ("Always the same.",)
    memory.remember(tmp_path, Entry(at=AT, title="One", facts=same))
    whole = path.read_bytes()
    now = time.time
    with path.open("wb") as editor, monkeypatch.context() as patched:
        patched.setattr(time, "time", lambda: now() + 3)
        memory.remember(tmp_path, Entry(at=AT, title="Two", facts=same))
        memory.remember(tmp_path, Entry(at=AT, title="Three", facts=same))
        with path.open("ab") as shell:
            shell.write(b"Typed.\n")
        editor.write(whole)
    age(tmp_path)
    assert memory.rescue(tmp_path) == 1
    rows = text(tmp_path).split("\n")
    for title in ("One", "Two", "Three"):
        assert rows[rows.index(f"## [03:45] {title}") + 1] == "- Always the same."
    assert rows.count("- Always the same.") == 3 and rows.count("Typed.") == rows.count("Mine.") == 1


def test_a_file_moved_away_by_an_editor_is_waited_for(tmp_path: Path) -> None:
    path = write(tmp_path, b"Mine.\n")
    memory.remember(tmp_path, ENTRY)
    whole = path.read_bytes()
    away = path.with_suffix(".bak")
    path.rename(away)
    child = os.fork()
    if child == 0:
        try:
            time.sleep(0.1)
            away.rename(path)
        finally:
            os._exit(0)
    assert memory.remember(tmp_path, Entry(at=AT, title="Next"))
    os.waitpid(child, 0)
    assert path.read_bytes() == whole + b"\n## [03:45] Next\n"


def test_what_stood_in_the_diaries_of_long_ago_is_forgotten(tmp_path: Path) -> None:
    memory.remember(tmp_path, ENTRY)
    folder = tmp_path / ".autobuilds" / "memory" / "retired"
    past = time.time() - KEPT - 60
    os.utime(folder / "2026-02-06.md", (past, past))
    memory.remember(tmp_path, Entry(at=datetime(2026, 2, 9, tzinfo=UTC), title="Monday"))
    assert [path.name for path in folder.iterdir()] == ["2026-02-09.md"]
    assert memory.watched(tmp_path) == ["2026-02-09.md"]
    assert f"{NAME[:7]}2026-02-09.md" in set(memory.watched_files(tmp_path))


def test_no_diary_means_nothing_to_rescue(tmp_path: Path) -> None:
    assert memory.rescue(tmp_path) == 0
    assert list(tmp_path.iterdir()) == []


def test_the_lock_is_waited_for(tmp_path: Path) -> None:
    private = files.private_folder(tmp_path)
    with files.Lock(private / "memory.lock", what="somebody else"), pytest.raises(Busy, match="somebody else"):
        memory.remember(tmp_path, ENTRY, patience=0.05)


def test_what_is_an_entry_of_ours_and_what_is_a_persons() -> None:
    first = with_entry(b"", ENTRY)
    assert memory.only_entries(b"", first) and memory.only_entries(first, with_entry(first, Entry(at=AT, title="Next")))
    assert not memory.only_entries(b"", b"# Notes\n") and not memory.only_entries(first, first + b"Mine.\n")
    assert not memory.only_entries(b"Mine.\n", first)


class TestMerge:
    """What a person saved, what was written meanwhile, together."""

    BASE = b"Mine.\n"
    OURS = BASE + b"\n" + LINES.encode()

    def test_entries_come_behind_what_the_person_saved(self) -> None:
        theirs = self.BASE + b"- 4 files changed\n"
        assert merge_diary(self.BASE, theirs, self.OURS) == theirs + b"\n" + LINES.encode()

    def test_an_entry_that_the_person_has_seen_is_not_doubled(self) -> None:
        theirs = self.OURS + b"Seen.\n"
        assert merge_diary(self.BASE, theirs, self.OURS) == theirs

    def test_what_another_program_appended_meanwhile_is_merged_as_lines(self) -> None:
        merged = merge_diary(self.BASE, self.BASE + b"By hand.\n", self.OURS + b"A line of another program.\n")
        assert {b"By hand.", b"A line of another program.", b"- 4 files changed"} <= set(merged.split(b"\n"))

    def test_a_diary_begun_meanwhile_loses_only_its_title(self) -> None:
        assert merge_diary(b"", b"Mine.\n", with_entry(b"", ENTRY)) == self.OURS
        assert merge_diary(b"", b"", with_entry(b"", ENTRY)) == LINES.encode()

    def test_a_text_that_was_begun_from_another_one_is_merged_as_lines(self) -> None:
        assert merge_diary(b"a\nb\n", b"a\nb\nc\n", b"x\na\nb\n") == b"x\na\nb\nc\n"
