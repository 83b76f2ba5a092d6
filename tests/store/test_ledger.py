"""The ledger file: strict reading, stable bytes, the archive, the published schema."""

from __future__ import annotations

import json
import os
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from autobuilds.domain.build import BuildState, Ledger
from autobuilds.errors import CorruptLedger
from autobuilds.store import ledger as store
from tests.store.ledgers import NOW, attempt, build, builds, full


def test_a_missing_file_is_told_from_an_empty_ledger(tmp_path: Path) -> None:
    assert store.read_ledger(tmp_path / "subagents/active.json") is None


def test_what_is_written_is_read_and_the_same_state_is_the_same_bytes(tmp_path: Path) -> None:
    path = tmp_path / "subagents/active.json"
    assert store.write_ledger(path, full())
    assert store.read_ledger(path) == full()
    first = path.read_bytes()
    assert not store.write_ledger(path, full())
    assert store.dumps(store.read_ledger(path)) == first
    text = first.decode()
    assert text.endswith("}\n") and not text.endswith("\n\n") and '\n  "version": 1' in text
    plain = json.loads(text)
    assert list(plain) == sorted(plain) and plain["$schema"] == store.SCHEMA_ID


@given(st.lists(st.sampled_from("abc"), unique=True).flatmap(lambda labels: st.tuples(*(builds(label) for label in labels))))
def test_any_ledger_survives_its_file(found: tuple[object, ...]) -> None:
    ledger = Ledger(builds=found)  # type: ignore[arg-type]
    assert store.loads(store.dumps(ledger)) == ledger


def test_text_that_is_no_unicode_does_not_stop_the_writer() -> None:
    odd = Ledger(builds=(build(reason="lone \udc80 surrogate"),))
    assert store.loads(store.dumps(odd)).builds[0].reason == "lone ? surrogate"


@pytest.mark.parametrize(
    ("change", "place", "said"),
    [
        (lambda t: t[: len(t) // 2], None, "not JSON"),
        (lambda t: "", ":1:1:", "not JSON"),
        (lambda t: "[]", ":1:1:", "no ledger"),
        (lambda t: "{}", ":1:1:", "no ledger"),
        (lambda t: "[" * 100_000, ":1:1:", "not JSON"),
        (lambda t: t.replace('"state": "building"', '"state": "flying"', 1), '"flying"', "flying"),
        (lambda t: t.replace('"number": 2', '"number": "two"', 1), '"two"', "number"),
        (lambda t: t.replace("23:00:00-06:00", "23:00:00", 1), None, "offset"),
        (lambda t: t.replace('"label": "ünï",\n', "", 1), None, "label"),
        (lambda t: t.replace('"version": 1', '"version": true'), None, "no ledger"),
        (lambda t: t.replace('"x-2"', '"x-1"'), None, "twice"),
    ],
)
def test_a_broken_file_is_refused_with_its_place_and_never_empty(tmp_path: Path, change: object, place: str | None, said: str) -> None:
    path = tmp_path / "active.json"
    text = change(store.dumps(full()).decode())  # type: ignore[operator]
    path.write_text(text)
    with pytest.raises(CorruptLedger) as caught:
        store.read_ledger(path)
    message = str(caught.value)
    assert said in message and "fsck --rebuild" in message and str(path) in message
    if place is not None and not place.startswith(":"):
        before = text[: text.index(place)].split("\n")
        place = f":{len(before)}:{len(before[-1]) + 1}:"
    if place is not None:
        assert f"{path}{place}" in message


def test_every_truncation_is_refused() -> None:
    data = store.dumps(full())
    for length in range(0, len(data) - 2, 7):
        with pytest.raises(CorruptLedger):
            store.loads(data[:length])


def test_bytes_that_are_no_text_and_newer_versions_are_refused(tmp_path: Path) -> None:
    with pytest.raises(CorruptLedger, match=r":1:2: not UTF-8"):
        store.loads(b"{\xff")
    with pytest.raises(CorruptLedger, match="newer"):
        store.loads(b'{"version": 2, "builds": "anything"}')
    (tmp_path / "active.json").symlink_to(tmp_path / "nowhere")
    with pytest.raises(CorruptLedger, match="symbolic link"):
        store.read_ledger(tmp_path / "active.json")


def test_finished_builds_are_archived_after_thirty_days(tmp_path: Path) -> None:
    old, older = NOW - timedelta(days=31), NOW.replace(year=2025)
    ledger = Ledger(
        builds=(
            build("done", state=BuildState.COMPLETED, updated=old),
            build("fresh", state=BuildState.COMPLETED, updated=NOW - timedelta(days=29)),
            build("waiting", state=BuildState.REVIEW, updated=old),
            build("queued-again", state=BuildState.COMPLETED, updated=old),
            build("last-year", state=BuildState.CANCELLED, updated=older),
        )
    )
    left, years = store.archive(ledger, NOW, keep=["queued-again"])
    assert [b.label for b in left.builds] == ["fresh", "waiting", "queued-again"]
    assert {year: len(lines) for year, lines in years.items()} == {2026: 1, 2025: 1}
    for _ in range(2):
        written = store.write_archive(tmp_path, years)
    assert [path.name for path in written] == ["archive-2025.jsonl", "archive-2026.jsonl"]
    assert store.read_archive(tmp_path) == (ledger.builds[4], ledger.builds[0])
    assert store.archive(left, NOW, keep=["queued-again"]) == (left, {})
    (tmp_path / "archive-2026.jsonl").write_text("{}\n")
    with pytest.raises(CorruptLedger, match=r"archive-2026.jsonl:1:1"):
        store.read_archive(tmp_path)


def test_the_published_schema_is_that_of_the_types() -> None:
    path = Path(__file__).parents[2] / "docs/reference/ledger.schema.json"
    assert json.loads(path.read_text()) == store.schema(), (
        "run: python -c 'from autobuilds.store.ledger import schema; …' (docs/reference/ledger.md)"
    )


def test_the_schema_names_what_is_written() -> None:
    made = store.schema()
    plain = json.loads(store.dumps(replace(full())))
    assert set(plain) == set(made["properties"])
    assert set(plain["builds"][0]) == set(made["$defs"]["Build"]["properties"])
    assert set(plain["builds"][0]["attempts"][0]) == set(made["$defs"]["Attempt"]["properties"])


@pytest.mark.skipif(not Path("/proc/self/fd").is_dir(), reason="names of descriptors are asked of /proc")
def test_the_folder_of_the_first_ledger_is_named_durably_too(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A power cut that takes the folder away takes the intents of all attempts with it."""
    synced: list[str] = []
    real = os.fsync

    def fsync(fd: int) -> None:
        synced.append(os.readlink(f"/proc/self/fd/{fd}"))
        real(fd)

    monkeypatch.setattr(os, "fsync", fsync)
    path = tmp_path.resolve() / "subagents" / "active.json"
    assert store.write_ledger(path, Ledger())
    assert synced[0] == str(path.parent.parent)
    assert synced[-1] == str(path.parent)
    synced.clear()
    assert store.write_ledger(path, full())
    assert str(path.parent.parent) not in synced


@pytest.mark.parametrize(
    ("changed", "place"),
    [
        (replace(full(), builds=(build("../x"),)), "$.builds[0].label"),
        (replace(full(), builds=(build("x"), build("Y"))), "$.builds[1].label"),
        (replace(full(), builds=(build("x", attempts=(attempt("x", 1), attempt("x", 0))),)), "$.builds[0].attempts[1].number"),
        (replace(full(), approvals=(replace(full().approvals[0], label="a/b"),)), "$.approvals[0].label"),
    ],
)
def test_a_number_or_a_label_that_cannot_be_is_no_ledger(changed: Ledger, place: str) -> None:
    with pytest.raises(CorruptLedger, match=r"active\.json:\d+:\d+: Expected ") as told:
        store.loads(store.dumps(changed))
    assert f"(at {place})" in str(told.value)
