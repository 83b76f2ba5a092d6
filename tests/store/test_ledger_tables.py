"""The ledger to the letter: where it is wrong and what is said of it, what is archived when, and where the disk refuses."""

from __future__ import annotations

import os
from datetime import timedelta
from pathlib import Path

import pytest

from autobuilds.domain.build import Approval, Build, BuildState, Ledger
from autobuilds.errors import CorruptLedger, NewerLedger, StorageFailure
from autobuilds.store import ledger as store
from tests.store.ledgers import NOW, build, full

CURE = "Nothing was changed. Run `autobuilds fsck --rebuild` to make it again from Git, or take it back with `git checkout -- {}`"
WHEN = '"created": "2026-03-08T23:00:00-06:00", "updated": "2026-03-08T23:00:00-06:00"'
ATTEMPT = '{"number": 1, "id": "x-1", "agent": "command", "started": "2026-03-08T23:00:00-06:00"}'


def one(label: str = "x", more: str = "", when: str = WHEN) -> str:
    return f'{{"label": "{label}", "name": "X", "state": "building", {when}{more}}}'


def told(data: str | bytes, name: str = "L") -> str:
    with pytest.raises(CorruptLedger) as caught:
        store.loads(data.encode() if isinstance(data, str) else data, name)
    cure = CURE.format(name)
    assert str(caught.value).endswith(f". {cure}") or isinstance(caught.value, NewerLedger)
    return str(caught.value).removesuffix(f". {cure}")


@pytest.mark.parametrize(
    ("data", "said"),
    [
        (b"{\xff", "L:1:2: not UTF-8"),
        (b'{"a":\n "\xc3\xa9\xff', "L:2:4: not UTF-8"),
        ("", "L:1:1: not JSON (Expecting value)"),
        ('{\n "a": 1 x\n}', "L:2:9: not JSON (Expecting ',' delimiter)"),
        ('{"é": x', "L:1:7: not JSON (Expecting value)"),
        ("[" * 100_000, "L:1:1: not JSON (too deeply nested)"),
        ("[]", "L:1:1: no ledger of version 1 (`version` is None)"),
        ('"version"', "L:1:1: no ledger of version 1 (`version` is None)"),
        ("{}", "L:1:1: no ledger of version 1 (`version` is None)"),
        ('{"version": 0}', "L:1:1: no ledger of version 1 (`version` is 0)"),
        ('{"version": true}', "L:1:1: no ledger of version 1 (`version` is True)"),
        ('{"version": 1.0, "builds": 5}', "L:1:13: Expected `int`, got `float` (at $.version)"),
        ('{"version": "2"}', "L:1:1: no ledger of version 1 (`version` is '2')"),
        ('{"version": 1, "builds": {}}', "L:1:26: Expected `array`, got `object` (at $.builds)"),
        ('{\r\n"version" :1,\t"builds"\n: [ 7 ]}', "L:3:5: Expected `object`, got `int` (at $.builds[0])"),
        ('{"pause": {"reason": 5}, "version": 1}', "L:1:22: Expected `str | null`, got `int` (at $.pause.reason)"),
        ('{"version": 1, "pause": {"é": "]}", "since": 5}}', "L:1:46: Expected `datetime`, got `int` (at $.pause.since)"),
        ('{"version": 1, "pause": {}}', "L:1:25: Object missing required field `since` (at $.pause)"),
        ('{"version": 1,\n "pause": {"since": "2026-03-08T23:00:00"}}', "L:2:21: Expected a time with its offset from UTC (at $.pause.since)"),
        ('{"version": 1, "builds": [' + one("Not one") + "]}", "L:1:37: Expected a label (small letters, digits, `-`) (at $.builds[0].label)"),
        ('{"version": 1, "builds": [' + one() + ",\n" + one("") + "]}", "L:2:11: Expected a label (small letters, digits, `-`) (at $.builds[1].label)"),
        (
            '{"version": 1, "builds": [' + one(more=', "attempts": [\n' + ATTEMPT.replace("1,", "0,", 1) + "]") + "]}",
            "L:2:12: Expected a number >= 1 (at $.builds[0].attempts[0].number)",
        ),
        (
            '{"version": 1, "builds": [' + one(more=', "attempts": [' + ATTEMPT + ",\n" + ATTEMPT.replace("x-1", "x-2").replace("1,", "-1,", 1) + "]") + "]}",
            "L:2:12: Expected a number >= 1 (at $.builds[0].attempts[1].number)",
        ),
        (
            '{"version": 1, "approvals": [{"label": "a b", "fingerprint": "f", "by": "o", "at": "2026-03-08T23:00:00Z"}]}',
            "L:1:40: Expected a label (small letters, digits, `-`) (at $.approvals[0].label)",
        ),
        (
            '{"version": 1, "builds": [' + one(when=WHEN.replace("-06:00", "")) + "]}",
            "L:1:87: Expected a time with its offset from UTC (at $.builds[0].created)",
        ),
        ('{"version": 1, "builds": [' + one() + ", " + one() + "]}", "L: build x of 2026-03-08T23:00:00-06:00 is there twice"),
        (
            '{"version": 1, "builds": [' + one(more=f', "attempts": [{ATTEMPT}, {ATTEMPT}]') + "]}",
            "L: attempt x-1 is there twice",
        ),
    ],
)  # fmt: skip
def test_where_a_file_is_wrong_is_told(data: str | bytes, said: str) -> None:
    assert told(data) == said


def test_newer_versions_are_told_from_broken_ones() -> None:
    said = "L: written by a newer autobuilds (version 2, this one knows 1). Update autobuilds; nothing was changed"
    assert told('{"version": 2, "builds": 5}') == said
    with pytest.raises(NewerLedger):
        store.loads(b'{"version": 2}')
    assert store.loads(b'{"version": 1}') == Ledger()
    two = '{"version": 1, "builds": [' + one() + ", " + one(when=WHEN.replace("23:00:00-06:00", "22:00:00-06:00", 1)) + "]}"
    assert len(store.loads(two.encode()).builds) == 2
    assert told("{", "subagents/active.json").startswith("subagents/active.json:1:2: not JSON")
    with pytest.raises(CorruptLedger, match=r"^subagents/active\.json:1:1: "):
        store.loads(b"")


@pytest.mark.parametrize("data", [b'{"label": "\xff"}', b'{"x": ' + b"[" * 100_000, b"5", b"", b'{"label": 5}'])
def test_what_is_no_value_of_the_ledger_is_told_as_such(data: bytes) -> None:
    with pytest.raises(store.NotALedger):
        store.decode(data, Build)


def test_a_value_is_one_line_with_sorted_keys() -> None:
    approval = Approval(label="ünï", fingerprint="f\udc80", by="o\n", at=NOW)
    assert store.encode_line(approval) == '{"at":"2026-03-08T23:00:00-06:00","by":"o\\n","fingerprint":"f?","how":"command","label":"ünï"}'
    assert store.encode_line({"b": 1, "a": None}) == '{"a":null,"b":1}'
    assert store.encode_line(None) == "null"
    assert store.decode(store.encode_line(approval), Approval).label == "ünï"
    data = store.dumps(full())
    assert data.startswith(b'{\n  "$schema": "urn:autobuilds:ledger:1",\n  "approvals": [\n    {\n      "at": ')
    assert data.endswith(b'\n  "version": 1\n}\n') and "ünï".encode() in data


class TestFiles:
    def test_what_is_no_file_of_ours_is_told(self, tmp_path: Path) -> None:
        path = tmp_path / "active.json"
        assert (store.read_ledger(path), store.standing(path)) == (None, None)
        path.mkdir()
        with pytest.raises(CorruptLedger, match=r"not a regular file; remove what stands there and run `autobuilds fsck --rebuild`$"):
            store.read_ledger(path)
        assert store.standing(path) is None
        path.rmdir()
        os.mkfifo(path)
        with pytest.raises(CorruptLedger, match="not a regular file"):
            store.read_ledger(path)
        assert store.standing(path) is None
        path.unlink()
        path.symlink_to("nowhere")
        with pytest.raises(CorruptLedger, match="a symbolic link to a file that is not there; mend or remove the link"):
            store.read_ledger(path)
        (tmp_path / "nowhere").write_bytes(store.dumps(Ledger()))
        assert store.read_ledger(path) == Ledger()
        assert store.standing(path) == store.dumps(Ledger())
        with pytest.raises(CorruptLedger, match=r"can't be read \(Not a directory\); mend its permissions\. Nothing was changed$"):
            store.read_ledger(path / "below")
        assert store.standing(path / "below") is None

    def test_no_ledger_is_larger_than_256_mib(self, tmp_path: Path) -> None:
        path = tmp_path / "active.json"
        path.touch()
        os.truncate(path, 256 * 1024 * 1024 + 1)
        with pytest.raises(CorruptLedger, match="larger than 268435456 bytes; this is no ledger of autobuilds"):
            store.read_ledger(path)

    def test_it_is_written_where_it_says_something_else(self, tmp_path: Path) -> None:
        path = tmp_path / "a" / "b" / "active.json"
        assert store.write_ledger(path, full()) is True
        before = path.stat()
        assert store.write_ledger(path, full()) is False
        assert (path.stat().st_ino, path.stat().st_mtime_ns) == (before.st_ino, before.st_mtime_ns)
        assert store.write_ledger(path, Ledger()) is True
        assert store.read_ledger(path) == Ledger()


class TestArchive:
    @pytest.mark.parametrize("state", BuildState)
    def test_what_ended_more_than_thirty_days_ago_goes(self, state: BuildState) -> None:
        month = NOW - timedelta(days=30)
        old = build("old", state=state, updated=month - timedelta(microseconds=1))
        ledger = Ledger(
            builds=(old, build("young", state=state, updated=month), build("old", created=NOW - timedelta(days=1), updated=NOW))
        )
        left, years = store.archive(ledger, NOW)
        if state in {BuildState.COMPLETED, BuildState.CANCELLED}:
            assert left == Ledger(builds=ledger.builds[1:])
            assert years == {2026: (store.encode_line(old),)}
        else:
            assert left is ledger and years == {}
        assert store.archive(ledger, NOW, keep=["old"]) == (ledger, {})

    def test_it_goes_by_year_in_its_order(self) -> None:
        times = [NOW.replace(year=year) for year in (2024, 2025, 2024)]
        builds = tuple(build(f"b{n}", state=BuildState.COMPLETED, updated=at) for n, at in enumerate(times))
        left, years = store.archive(Ledger(builds=builds), NOW)
        lines = [store.encode_line(one) for one in builds]
        assert (left, years) == (Ledger(), {2024: (lines[0], lines[2]), 2025: (lines[1],)})

    def test_lines_are_added_once_each_a_line(self, tmp_path: Path) -> None:
        lines = [store.encode_line(build(f"b{n}")) for n in range(3)]
        (tmp_path / "archive-2025.jsonl").write_text(f"\n{lines[0]}\n \n{lines[1]}")  # torn by a crash
        written = store.write_archive(tmp_path, {2026: (lines[0],), 2025: (lines[1], lines[2])})
        assert [path.name for path in written] == ["archive-2025.jsonl", "archive-2026.jsonl"]
        assert (tmp_path / "archive-2025.jsonl").read_text() == f"\n{lines[0]}\n \n{lines[1]}\n{lines[2]}\n"
        assert (tmp_path / "archive-2026.jsonl").read_text() == f"{lines[0]}\n"
        before = (tmp_path / "archive-2025.jsonl").stat().st_ino
        assert store.write_archive(tmp_path, {2025: tuple(lines)}) == written[:1]
        assert (tmp_path / "archive-2025.jsonl").stat().st_ino == before
        assert [one.label for one in store.read_archive(tmp_path)] == ["b0", "b1", "b2", "b0"]
        assert store.write_archive(tmp_path, {}) == ()

    def test_what_cannot_be_read_is_told_with_its_line(self, tmp_path: Path) -> None:
        (tmp_path / "archive-2024.jsonl").mkdir()
        with pytest.raises(StorageFailure, match=r"archive-2024\.jsonl: can't be read \(Is a directory\); mend its permissions"):
            store.write_archive(tmp_path, {2024: ("{}",)})
        (tmp_path / "archive-2024.jsonl").rmdir()
        good = store.encode_line(build())
        (tmp_path / "archive-2025.jsonl").write_text(f"{good}\n\n{{}}\n")
        (tmp_path / "other.jsonl").write_text("x")
        with pytest.raises(CorruptLedger) as caught:
            store.read_archive(tmp_path)
        assert str(caught.value) == (
            f"{tmp_path}/archive-2025.jsonl:3:1: Object missing required field `label`. Take the file back with `git checkout -- {tmp_path}/archive-2025.jsonl`, or mend the line"
        )
