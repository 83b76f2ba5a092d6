"""An edit whose text was taken back, after somebody had read it: what they save of it is the edit, once and not refused."""

from __future__ import annotations

from pathlib import Path

import pytest

from autobuilds.errors import NotSo
from autobuilds.store.files import exchange as swapping
from autobuilds.store.files import shared
from autobuilds.store.queue import file as queue_file
from autobuilds.store.queue.file import QueueFile
from autobuilds.store.queue.operations import Add, NewTask, Operation, Tick
from tests.store.queue.test_edit_sweep import ZONE

QUEUE = """# Queue

## Active Queue
- [ ] One
- [ ] Two

## Task Details

### One
- **Completion Criteria:**
  - [x] done

### Two
- **Completion Criteria:**
  - [ ] done

## Completed
"""


def _taken_back(root: Path, monkeypatch: pytest.MonkeyPatch, again: str, operation: Operation) -> QueueFile:
    """Edit while a person saves right before the exchange, reads ours before it is taken back, and saves it with `again` replaced."""
    queue = QueueFile(root, ZONE)
    real, read = swapping.exchange, list[str]()

    def exchange(one: Path, other: Path) -> None:
        if not read:
            queue.path.write_text(QUEUE + "By hand.\n")
            real(one, other)
            read.append(queue.path.read_text())
        else:
            real(one, other)

    def glance(path: Path) -> None:
        if len(read) == 1:
            read.append("saved")
            other = root / "other"
            other.write_text(read[0].replace(again, "") + "By hand.\n")
            other.rename(path)

    monkeypatch.setattr(shared, "exchange", exchange)
    monkeypatch.setattr(queue_file, "glance", glance)
    monkeypatch.setattr(queue_file, "_DOUBTFUL", 0.0)
    queue.edit(operation)
    assert len(read) == 2, "the text was taken back"
    return queue


def test_a_task_that_shares_lines_with_others_is_added_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "BUILD_QUEUE.md").write_text(QUEUE)
    queue = _taken_back(tmp_path, monkeypatch, "", Add(task=NewTask(name="Three", criteria=("done",))))
    assert [task.label for task in queue.read().queue.active] == ["one", "two", "three"]
    assert queue.path.read_text().count("By hand.") == 1


def test_a_tick_is_made_although_another_task_has_such_a_line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "BUILD_QUEUE.md").write_text(QUEUE)
    queue = _taken_back(tmp_path, monkeypatch, "", Tick(label="two", n=1))
    assert [task.criteria[0].checked for task in queue.read().queue.active] == [True, True]


def test_what_cannot_be_is_still_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "BUILD_QUEUE.md").write_text(QUEUE)
    with pytest.raises(NotSo, match="two"):
        _taken_back(tmp_path, monkeypatch, "- [ ] Two\n", Tick(label="two", n=1))
