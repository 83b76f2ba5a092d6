"""Tasks that nobody touched are told by their texts alone; one that would change is named, whatever of it changes."""

from __future__ import annotations

from zoneinfo import ZoneInfo

import pytest

from autobuilds.domain.model import Task, later_of
from autobuilds.store.queue.edit import first_change
from autobuilds.store.queue.plain_details import written_alike
from autobuilds.store.queue.reader import read_queue

UTC, CHICAGO = ZoneInfo("UTC"), ZoneInfo("America/Chicago")
QUEUE = """# Build Queue

## Active Queue
- [ ] Base - Added: 2026-02-06 15:00 - Priority: High
- [ ] Tool - Added: 2026-02-06 15:00 - Priority: Medium

## Task Details

### Tool
- **Description:** `tool.txt` holds a line.
- **Completion Criteria:**
  - [ ] It is there: `test -s tool.txt`
- **Estimated Time:** 2 hours
- **Depends On:** Base

## Completed
- [x] Old - Added: 2026-02-01 09:00 - Completed: 2026-02-03 10:00
"""
#: What is changed in the queue, and what it becomes.
CHANGES = {
    "name": ("] Base -", "] Bass -"),
    "mark": ("- [x] Old", "- [ ] Old"),
    "priority": ("Priority: Medium", "Priority: Low"),
    "added": ("2026-02-06 15:00 - Priority: Medium", "2026-02-07 15:00 - Priority: Medium"),
    "completed": ("2026-02-03 10:00", "2026-02-04 10:00"),
    "description": ("holds a line", "holds two lines"),
    "criterion": ("test -s tool.txt", "test -f tool.txt"),
    "tick": ("- [ ] It is there", "- [x] It is there"),
    "estimate": ("2 hours", "3 hours"),
    "field less": ("- **Estimated Time:** 2 hours\n", ""),
    "field more": ("- **Depends On:** Base\n", "- **Depends On:** Base\n- **Agent:** aider\n"),
    "details gone": (QUEUE[QUEUE.index("### Tool") : QUEUE.index("## Completed")], ""),
    "order of fields": (
        "- **Estimated Time:** 2 hours\n- **Depends On:** Base\n",
        "- **Depends On:** Base\n- **Estimated Time:** 4 hours\n",
    ),
}


def tasks(text: str, zone: ZoneInfo = UTC) -> tuple[Task, ...]:
    """Return the tasks of a queue, none of whose fields was asked for yet."""
    document = read_queue(text.encode(), zone=zone)
    assert not document.queue.fatal
    return document.queue.tasks


def _named(found: tuple[Task, ...], name: str) -> Task:
    return next(task for task in found if task.name == name)


def test_the_same_texts_are_the_same_tasks_without_reading_them() -> None:
    assert all(later_of(task) is not None for task in tasks(QUEUE))
    one, other = tasks(QUEUE), tasks("\n" + QUEUE.replace("## Completed", "\n## Completed"))
    assert all(map(written_alike, one, other))
    assert first_change(one, other) is None
    assert all(object.__getattribute__(task, "_later") for task in (*one, *other))
    with pytest.raises(AttributeError):
        object.__getattribute__(one[1], "description")


@pytest.mark.parametrize("change", CHANGES)
def test_a_task_that_would_change_is_named(change: str) -> None:
    old, new = CHANGES[change]
    assert QUEUE.count(old) == 1
    one, other = tasks(QUEUE), tasks(QUEUE.replace(old, new))
    name = {"name": "Base", "mark": "Old", "completed": "Old"}.get(change, "Tool")
    assert first_change(one, other) == f"the task {name!r} in line {_named(one, name).line} would change as well"
    assert [b.name for a, b in zip(one, other, strict=True) if not written_alike(a, b)][:1] == [other[one.index(_named(one, name))].name]


def test_in_another_zone_times_are_others() -> None:
    one, other = tasks(QUEUE), tasks(QUEUE, CHICAGO)
    assert not any(map(written_alike, one, other))
    assert first_change(one, other) == "the task 'Base' in line 4 would change as well"


def test_a_task_whose_fields_are_there_is_compared_by_them() -> None:
    thorough = read_queue(QUEUE.replace("- **Description:**", "* **Description:**").encode(), zone=UTC).queue.tasks
    assert later_of(thorough[1]) is None
    assert not written_alike(tasks(QUEUE)[1], thorough[1]) and not written_alike(thorough[1], tasks(QUEUE)[1])
    assert first_change(tasks(QUEUE), thorough) is None


def test_a_task_more_or_less_is_told() -> None:
    assert first_change(tasks(QUEUE), tasks(QUEUE)[:-1]) == "another task would appear or be gone"
    assert first_change(tasks(QUEUE)[:-1], tasks(QUEUE)) == "another task would appear or be gone"
