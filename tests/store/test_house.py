"""What is kept of housekeeping: bounded, and read back whatever stands in the files."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from autobuilds.domain.house import Sample
from autobuilds.store import house
from autobuilds.store.house import FIXES, SAMPLES, append_fix, keep_sample, read_duty_ends, read_samples

NOW = datetime(2026, 2, 6, 22, 0, tzinfo=UTC)


def sample(minutes: float, **figures: float) -> Sample:
    return Sample(at=NOW + timedelta(minutes=minutes), **figures)  # type: ignore[arg-type]


def test_a_sample_is_kept_each_half_hour_at_most(tmp_path: Path) -> None:
    kept = [keep_sample(tmp_path, sample(m, disk_percent=50.5, disk_free=7)) for m in (0, 1, 29.9, 30, 45, 60)]
    assert kept == [True, False, False, True, False, True]
    found = read_samples(tmp_path, NOW + timedelta(hours=1))
    assert [s.at for s in found] == [NOW + timedelta(minutes=m) for m in (0, 30, 60)]
    assert (found[0].disk_percent, found[0].disk_free, found[0].memory_percent) == (50.5, 7, None)


def test_samples_are_read_for_thirty_days_and_never_from_the_future(tmp_path: Path) -> None:
    for days in (-31, -30, -1, 2):
        assert keep_sample(tmp_path, sample(days * 1440))
    assert [s.at for s in read_samples(tmp_path, NOW)] == [NOW - timedelta(days=30), NOW - timedelta(days=1)]


def test_a_clock_that_was_ahead_does_not_end_the_samples(tmp_path: Path) -> None:
    assert keep_sample(tmp_path, sample(60 * 24 * 400))
    assert keep_sample(tmp_path, sample(0))
    assert [s.at for s in read_samples(tmp_path, NOW)] == [NOW]


def test_the_file_of_samples_stays_small(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(house, "_MOST_SAMPLES", 20)
    monkeypatch.setattr(house, "KEPT", timedelta(hours=5))
    lines = []
    for number in range(100):
        assert keep_sample(tmp_path, sample(30 * number))
        lines.append((tmp_path / SAMPLES).read_bytes().count(b"\n"))
    assert max(lines) <= 23
    assert lines[-1] >= 11
    assert len(read_samples(tmp_path, NOW + timedelta(minutes=30 * 99))) == 11


@pytest.mark.parametrize(
    "line",
    [
        *(b"", b"{", b"null", b"[1]", b'{"at": "x"}', b'{"at": "2026-02-06T21:00:00"}', b'{"at": 5}', b"\xff\xfe", b"[" * 3000, b"\x00"),
        b'{"at": "0001-01-01T00:00:00+14:00"}',
    ],
)
def test_what_is_no_sample_is_passed_over(tmp_path: Path, line: bytes) -> None:
    assert keep_sample(tmp_path, sample(-60))
    with (tmp_path / SAMPLES).open("ab") as file:
        file.write(line + b"\n")
    assert keep_sample(tmp_path, sample(0))
    assert len(read_samples(tmp_path, NOW)) == 2


def test_a_link_in_place_of_the_samples_is_not_followed(tmp_path: Path) -> None:
    (tmp_path / "elsewhere").write_text("{}\n")
    (tmp_path / SAMPLES).symlink_to(tmp_path / "elsewhere")
    assert read_samples(tmp_path, NOW) == ()


def test_the_log_of_fixes_is_put_aside_when_it_is_large(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(house, "_MOST_FIXES", 300)
    for number in range(10):
        append_fix(tmp_path, {"number": number, "where": "odd \udcff\nname", "text": "x" * 50})
    lines = (tmp_path / FIXES).read_text().split("\n")[:-1]
    assert json.loads(lines[-1])["number"] == 9
    assert (tmp_path / FIXES).stat().st_size <= 300
    assert (tmp_path / f"{FIXES}.1").exists()


def test_the_ends_of_duties_are_read_as_far_as_they_are_such(tmp_path: Path) -> None:
    assert read_duty_ends(tmp_path) == ()
    good = {"at": NOW.isoformat(), "duty": "Scan", "command": "true", "outcome": "ok", "tail": ""}
    rows = [
        good,
        {**good, "outcome": "failed"},
        {**good, "outcome": "not-so"},
        {**good, "tail": 5},
        {**good, "at": "2026-02-06T22:00:00"},
        {"at": 1},
        [],
        7,
    ]
    (tmp_path / "duties.log").write_text("torn{\n" + "\n".join(map(json.dumps, rows)) + "\n" + "[" * 3000)
    assert [end.ok for end in read_duty_ends(tmp_path)] == [True, False, True]


def test_an_end_of_a_duty_at_no_time_is_passed_over(tmp_path: Path) -> None:
    record = {"at": "0001-01-01T00:00:00+14:00", "duty": "x", "command": "x", "outcome": "failed", "tail": ""}
    (tmp_path / "duties.log").write_text(json.dumps(record) + "\n")
    assert read_duty_ends(tmp_path) == ()
