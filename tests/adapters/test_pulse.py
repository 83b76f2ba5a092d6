"""Signs of life beside a clock that is set, and a machine that sleeps."""

from __future__ import annotations

import time
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from autobuilds.adapters import processes, pulse

HOUR = 3600.0


def seen(path: Path, *, silent: float, jump: float, boot: str | None = None) -> float:
    """Return for how long nothing was seen, in seconds, after a beat `silent` seconds ago; since then the clock was moved by `jump`."""
    now, here = time.time(), time.monotonic()
    path.write_text(f"{boot or processes.boot_id()} {now - silent - jump:.3f} {here - silent:.3f}\n")
    files = [datetime.fromtimestamp(now - silent - jump, UTC)]
    return (datetime.fromtimestamp(now, UTC) - pulse.active_at(path, files)).total_seconds()


@pytest.mark.parametrize("silent", [0.0, 90.0, 5 * HOUR])
@pytest.mark.parametrize("jump", [0.0, HOUR, -HOUR, 24 * HOUR, -24 * HOUR, 10 * HOUR])
def test_silence_is_what_really_passed(tmp_path: Path, silent: float, jump: float) -> None:
    assert seen(tmp_path / "pulse", silent=silent, jump=jump) == pytest.approx(silent, abs=5)


def test_files_tell_where_no_clock_was_set(tmp_path: Path) -> None:
    path = tmp_path / "pulse"
    pulse.beat(path)
    later = datetime.now(UTC) + timedelta(seconds=2)
    assert pulse.active_at(path, [later]) == later


@pytest.mark.parametrize("text", ["", "x", "a b c", "\xff"])
def test_a_beat_that_cannot_be_read_leaves_it_to_the_files(tmp_path: Path, text: str) -> None:
    path = tmp_path / "pulse"
    path.write_text(text, encoding="latin-1")
    assert pulse.active_at(path, [datetime(2026, 1, 1, tzinfo=UTC)]) == datetime(2026, 1, 1, tzinfo=UTC)


def test_a_beat_of_another_boot_says_nothing(tmp_path: Path) -> None:
    assert seen(tmp_path / "pulse", silent=60, jump=HOUR, boot="another") == pytest.approx(HOUR + 60, abs=5)


def test_a_beat_that_cannot_be_written_stops_nothing(tmp_path: Path) -> None:
    pulse.beat(tmp_path / "gone" / "pulse")
    assert not (tmp_path / "gone").exists()
