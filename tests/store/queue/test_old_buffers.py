"""An old buffer that is saved over the tool's writes, with many edits or with one in the very task that was completed meanwhile."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import pytest

from autobuilds.store.queue.file import QueueFile
from autobuilds.store.queue.operations import Add, Block, Complete, NewTask, Operation, SetField
from autobuilds.store.queue.reader import read_queue

NOW = datetime(2026, 2, 7, 10, 30, tzinfo=UTC)
QUEUE = (
    "## Active Queue\n"
    + "".join(
        f"- [ ] Page {n} - Added: 2026-02-06 15:00 - Priority: High\n"
        f"  - **Description:** Write `page{n}.html` with the words of chapter {n}.\n"
        f"  - **Completion Criteria:** it is there: `test -s page{n}.html`\n"
        for n in range(1, 7)
    )
    + "\n## Completed\n"
)

#: What a person did in the buffer, with search and replace.
EDITS: dict[str, Callable[[str], str]] = {
    "four descriptions": lambda text: re.sub(r"the words of chapter ([1456])", r"all the words of chapter \1", text),
    "all descriptions": lambda text: text.replace("the words", "all the words"),
    "all priorities": lambda text: text.replace("Priority: High", "Priority: Low"),
    "the description of the task that was completed": lambda text: text.replace("words of chapter 3", "letters of chapter 3"),
    "the priority of the task that was completed": lambda text: re.sub(r"(Page 3 .*Priority: )High", r"\1Low", text),
}


@pytest.mark.parametrize("looks", [True, False], ids=["a heartbeat", "an edit"])
@pytest.mark.parametrize("edit", EDITS)
def test_a_task_that_was_completed_stays_so_and_every_edit_is_there(tmp_path: Path, edit: str, looks: bool) -> None:
    queue = QueueFile(tmp_path, UTC)
    queue.path.write_text(QUEUE)
    queue.edit(Complete(label="page-3", at=NOW, insist=True))
    queue.path.write_text(EDITS[edit](QUEUE))
    if looks:
        assert [rescued.how for rescued in queue.rescue()] == ["over"]
    else:
        queue.edit(SetField(label="page-2", field="category", value="Documentation"))
    text = queue.path.read_text()
    found = read_queue(text.encode(), zone=UTC).queue
    assert [task.label for task in found.active] == ["page-1", "page-2", "page-4", "page-5", "page-6"]
    assert [task.label for task in found.completed] == ["page-3"]
    wanted = read_queue(EDITS[edit](QUEUE).encode(), zone=UTC).queue
    assert {task.label: (task.description, task.priority) for task in found.tasks} == {
        task.label: (task.description, task.priority) for task in wanted.tasks
    }


@pytest.mark.parametrize(
    "operation",
    [Add(task=NewTask(name="New", added=NOW)), Block(label="page-3", text="legal"), SetField(label="page-3", field="notes", value="ours")],
    ids=lambda operation: type(operation).__name__,
)
def test_what_the_tool_wrote_is_united_with_many_edits(tmp_path: Path, operation: Operation) -> None:
    queue = QueueFile(tmp_path, UTC)
    queue.path.write_text(QUEUE)
    written = set(queue.edit(operation).text.splitlines()) - set(QUEUE.splitlines())
    buffer = EDITS["all descriptions"](QUEUE) + "By hand.\n"
    queue.path.write_text(buffer)
    queue.rescue()
    assert set(queue.path.read_text().splitlines()) >= written | set(buffer.splitlines())


def test_half_a_save_of_an_old_buffer_takes_nothing_away(tmp_path: Path) -> None:
    queue = QueueFile(tmp_path, UTC)
    queue.path.write_text(QUEUE)
    after = queue.edit(Complete(label="page-3", at=NOW, insist=True)).text
    half = EDITS["all descriptions"](QUEUE).partition("- [ ] Page 5")[0]
    queue.path.write_text(half)
    queue.rescue()
    assert {"Page 5", "Page 6"} <= {task.name for task in read_queue(queue.path.read_bytes(), zone=UTC).queue.tasks}
    assert {task.name for task in read_queue(after.encode(), zone=UTC).queue.completed} == {"Page 3"}
