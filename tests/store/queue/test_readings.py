"""A text that is read again is not read twice, and never stands in for another."""

from __future__ import annotations

from datetime import UTC
from zoneinfo import ZoneInfo

from autobuilds.store.queue.belief import Readings

TEXTS = [f"## Active Queue\n- [ ] Task {n}\n\n## Task Details\n\n## Completed\n".encode() for n in range(3)]


def test_the_same_text_is_read_once_while_it_is_among_the_last() -> None:
    readings = Readings()
    first, second = readings.read(TEXTS[0], UTC), readings.read(TEXTS[1], UTC)
    assert readings.read(bytes(bytearray(TEXTS[0])), UTC) is first
    assert readings.read(TEXTS[2], UTC).queue.tasks[0].name == "Task 2"
    assert readings.read(TEXTS[0], UTC) is first
    assert readings.read(TEXTS[1], UTC) is not second
    assert readings.read(TEXTS[1], UTC).queue == second.queue


def test_another_zone_or_a_file_that_held_tasks_is_another_reading() -> None:
    readings = Readings()
    assert readings.read(TEXTS[0], UTC) is not readings.read(TEXTS[0], ZoneInfo("America/Chicago"))
    assert not readings.read(b"", UTC).queue.fatal
    assert readings.read(b"", UTC, had_tasks=True).queue.fatal
