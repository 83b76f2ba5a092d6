"""Records, run folders and files of agents: whole, durable, bounded, and never through a link."""

from __future__ import annotations

import os
import stat
import time
from datetime import UTC, datetime
from pathlib import Path

import pytest

from autobuilds.adapters.supervisor.records import Start, StopRequest, read_record, write_bytes, write_record
from autobuilds.adapters.supervisor.run_folder import RunFolder, is_attempt_id, state_folder
from autobuilds.adapters.supervisor.tail import open_plain, read_tail, read_whole
from autobuilds.domain.build import Outcome, Usage
from autobuilds.errors import BadInput, StorageFailure

NOON = datetime(2026, 2, 6, 12, tzinfo=UTC)


class TestRecords:
    def test_what_is_written_is_read(self, tmp_path: Path) -> None:
        path, start = tmp_path / "start.json", Start(at=NOON, pid=7, created=1.5, boot="b")
        assert write_record(path, start)
        assert read_record(path, Start) == start
        assert path.read_text() == (
            '{\n  "at": "2026-02-06T12:00:00Z",\n  "pid": 7,\n  "created": 1.5,\n  "boot": "b",\n  "tombstone": false\n}\n'
        )
        assert stat.S_IMODE(path.stat().st_mode) == 0o600
        assert os.listdir(tmp_path) == ["start.json"]
        assert read_record(tmp_path / "none", Start) is None

    def test_once_means_once(self, tmp_path: Path) -> None:
        path = tmp_path / "stop.json"
        first, second = (StopRequest(outcome=Outcome.STOPPED, reason=reason) for reason in ("first", "second"))
        assert write_record(path, first, once=True)
        assert not write_record(path, second, once=True)
        assert read_record(path, StopRequest) == first
        assert write_record(path, second)
        assert read_record(path, StopRequest) == second
        assert os.listdir(tmp_path) == ["stop.json"]

    def test_what_can_not_be_written_is_said(self, tmp_path: Path) -> None:
        with pytest.raises(StorageFailure, match=r"could not be written: No such file or directory\. Free some space"):
            write_bytes(tmp_path / "gone" / "x", b"")
        assert write_bytes(tmp_path / "x", b"1", mode=0o640, named=False)
        assert stat.S_IMODE((tmp_path / "x").stat().st_mode) == 0o640

    @pytest.mark.parametrize("content", [b"", b"{", b"[]", b'{"at": 1}', b"\xff", b"[" * 100_000])
    def test_what_is_no_record_is_said(self, tmp_path: Path, content: bytes) -> None:
        (tmp_path / "x").write_bytes(content)
        with pytest.raises(BadInput, match=r"is no record of ours|can't be read"):
            read_record(tmp_path / "x", Start)

    def test_a_record_is_no_link_and_no_folder(self, tmp_path: Path) -> None:
        write_record(tmp_path / "x", Start(at=NOON))
        (tmp_path / "link").symlink_to("x")
        for name in ("link", "."):
            with pytest.raises(BadInput, match="can't be read"):
                read_record(tmp_path / name, Start)


class TestRunFolder:
    @pytest.mark.parametrize(
        ("text", "plain"),
        [("fix-1", True), ("a.b", True), ("", False), (".a", False), ("-a", False), ("a/b", False), ("a\\b", False), ("a\n", False)],
    )
    def test_an_id_is_a_plain_name(self, tmp_path: Path, text: str, plain: bool) -> None:
        assert is_attempt_id(text) is plain
        if plain:
            assert RunFolder.of(tmp_path, text).path == state_folder(tmp_path) / "runs" / text
        else:
            with pytest.raises(BadInput, match="can't name an attempt"):
                RunFolder.of(tmp_path, text)

    def test_an_id_has_230_bytes(self) -> None:
        assert is_attempt_id("a" * 230) and not is_attempt_id("a" * 231)
        assert is_attempt_id("é" * 115) and not is_attempt_id("é" * 116)

    def test_where_things_are(self, tmp_path: Path) -> None:
        folder = RunFolder.of(tmp_path, "fix-1")
        state = tmp_path / ".autobuilds"
        assert folder.attempt_id == "fix-1"
        assert (folder.clone, folder.half_clone) == (state / "clones" / "fix-1", state / "clones" / "fix-1.making")
        assert folder.merging == state / "runs" / "fix-1" / "merge"
        assert folder.progress == folder.scratch / "progress.md"
        assert folder.temporary == folder.scratch / "tmp"

    def test_files_have_names_that_a_later_version_finds_again(self, tmp_path: Path) -> None:
        folder = RunFolder.of(tmp_path, "fix-1")
        names = {
            "check_home": "check-home",
            "stdout": "stdout",
            "stderr": "stderr",
            "session": "session.json",
            "usage": "usage.json",
            "credentials": "credentials.json",
            "spec": "spec.json",
            "start": "start.json",
            "stop": "stop.json",
            "saved": "harvest.json",
            "known": "known.json",
            "exit": "exit.json",
            "prompt": "prompt.md",
            "pulse": "pulse",
            "checks": "checks",
            "merged_checks": "merged-checks",
            "swept": "swept",
            "own_log": "supervisor.log",
        }
        assert {name: getattr(folder, name).relative_to(folder.path).as_posix() for name in names} == names

    def test_it_is_made_and_its_records_are_read(self, tmp_path: Path) -> None:
        folder = RunFolder.of(tmp_path, "fix-1")
        folder.make()
        folder.make()
        assert [folder.read_job(), folder.read_start(), folder.read_stop(), folder.read_exit(), folder.read_usage()] == [None] * 5
        write_record(folder.usage, Usage(tokens_in=3))
        assert folder.read_usage() == Usage(tokens_in=3)
        folder.usage.write_text("{")
        assert folder.read_usage() is None
        assert folder.clone_of(None) == folder.clone

    def test_a_lock_is_held_by_one(self, tmp_path: Path) -> None:
        folder = RunFolder.of(tmp_path, "fix-1")
        folder.make()
        with folder.locked(wait=0) as first, folder.locked(wait=0) as second, folder.locked("other", wait=0) as other:
            assert (first, second, other) == (True, False, True)
            began = time.monotonic()
            with folder.locked(wait=0.1) as late:
                assert not late
            assert 0.1 <= time.monotonic() - began < 10
        with folder.locked() as again:
            assert again
        assert stat.S_IMODE((folder.path / "lock").stat().st_mode) == 0o600


class TestFilesOfAgents:
    def test_only_a_plain_file_of_one_name_is_read(self, tmp_path: Path) -> None:
        (tmp_path / "x").write_bytes(b"12345")
        fd = open_plain(tmp_path / "x")
        assert fd is not None
        os.close(fd)
        (tmp_path / "link").symlink_to("x")
        os.mkfifo(tmp_path / "fifo")
        for name in ("link", "fifo", ".", "gone", "a\0b"):
            assert open_plain(tmp_path / name) is None
            assert read_whole(tmp_path / name, 10) is None
            assert read_tail(tmp_path / name, 10) == ""
        assert read_whole(tmp_path / "x", 5) == b"12345"
        assert read_whole(tmp_path / "x", 4) is None
        os.link(tmp_path / "x", tmp_path / "y")
        assert open_plain(tmp_path / "x") is None

    @pytest.mark.parametrize(
        ("content", "limit", "tail"),
        [
            (b"one\ntwo\n", 100, "one\ntwo\n"),
            (b"one\ntwo\n", 8, "one\ntwo\n"),
            (b"one\ntwo\n", 7, "two\n"),
            (b"one\ntwo\n", 4, "two\n"),
            (b"one\ntwo\n", 3, "wo\n"),
            (b"one\ntwo\n", 0, ""),
            (b"one\ntwo\n", -1, ""),
            (b"a\xffb", 10, "a\ufffdb"),
        ],
    )
    def test_the_end_of_a_file_begins_with_a_whole_line(self, tmp_path: Path, content: bytes, limit: int, tail: str) -> None:
        (tmp_path / "x").write_bytes(content)
        assert read_tail(tmp_path / "x", limit) == tail
