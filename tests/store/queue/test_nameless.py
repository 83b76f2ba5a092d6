"""Tasks whose names hold no letter or digit go by their line: edits that move them are no change of them, and nothing waits for them."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from autobuilds.domain.labels import is_nameless, known_as, tells_line
from autobuilds.errors import BadInput, NotSo
from autobuilds.store.files.vault import Vault
from autobuilds.store.queue.belief import Belief
from autobuilds.store.queue.edit import Operation, apply
from autobuilds.store.queue.file import QueueFile
from autobuilds.store.queue.marks import marks_lost
from autobuilds.store.queue.operations import Add, Block, Complete, FillAdded, NewTask, SetField, Tick
from autobuilds.store.queue.thin import thin_view
from tests.store.queue.test_edit_sweep import ZONE, read

NOW = datetime(2026, 2, 7, 10, 30, tzinfo=UTC)
PARTY = "\U0001f389"
QUEUE = f"""# Build Queue

## Active Queue
- [ ] Write a file - Priority: High
  - **Description:** of one line
- [ ] {PARTY} - Priority: High
- [ ] {PARTY} - Priority: High
- [ ] --- - Priority: Low

## Completed
- [x] Old
- [x] {PARTY}
"""


def edit(text: str, *operations: Operation) -> str:
    return apply(read(text.encode()), operations, read, ZONE).text


@pytest.mark.parametrize(
    "operation",
    [
        Complete(label="write-a-file", at=NOW),
        SetField(label="write-a-file", field="notes", value="x"),
        SetField(label="write-a-file", field="description", value=""),
        Block(label="write-a-file", text="a key"),
        Add(task=NewTask(name="New", description="d", added=NOW)),
        Add(task=NewTask(name="New", added=NOW, done=True)),
    ],
    ids=lambda operation: type(operation).__name__,
)
def test_tasks_below_one_that_changes_move_as_they_are(operation: Operation) -> None:
    after = edit(QUEUE, operation)
    assert after != QUEUE
    assert after.count(f"- [ ] {PARTY} - Priority: High\n") == 2 and after.count("- [ ] --- - Priority: Low\n") == 1


@settings(max_examples=30, deadline=None)
@given(
    names=st.lists(st.sampled_from(["Alpha", "Beta", "Gamma", PARTY, "---", "!!!"]), min_size=2, max_size=6),
    chosen=st.integers(0, 5),
    kind=st.integers(0, 2),
)
def test_an_edit_of_a_named_task_is_never_refused_for_the_nameless(names: list[str], chosen: int, kind: int) -> None:
    rows = [name if len(name) < 4 else f"{name} {n}" for n, name in enumerate(names)]
    named = [row for row in rows if row[-1].isdigit()]
    text = "## Active Queue\n" + "".join(f"- [ ] {row}\n" for row in rows) + "\n## Completed\n- [x] ???\n"
    if not named:
        return
    label = named[chosen % len(named)].lower().replace(" ", "-")
    operations: list[Operation] = [
        Complete(label=label, at=NOW),
        SetField(label=label, field="notes", value="x"),
        FillAdded(label=label, at=NOW),
    ]
    before, after = read(text.encode()), apply(read(text.encode()), [operations[kind]], read, ZONE)
    kept = [[task.name for task in document.queue.tasks if is_nameless(task)] for document in (before, after)]
    assert kept[0] == kept[1] and len(before.queue.tasks) == len(after.queue.tasks)
    assert after.queue.find(label) != before.queue.find(label)


def test_a_change_of_a_nameless_task_is_a_change() -> None:
    text = f"## Active Queue\n- [ ] A\n\n      code\n- [ ] {PARTY}\n\n## Completed\n"
    one, other = (read(text.replace(PARTY, name).encode()).queue.tasks[-1] for name in (PARTY, "---"))
    assert is_nameless(one) and is_nameless(other) and known_as(one) != known_as(other)


def test_an_edit_by_the_line_is_made_there_or_not_at_all() -> None:
    assert edit(QUEUE, SetField(label="task-at-line-7", field="notes", value="x")) == QUEUE.replace(
        f"{PARTY} - Priority: High\n- [ ] ---", f"{PARTY} - Priority: High\n  - **Notes:** x\n- [ ] ---"
    )
    with pytest.raises(BadInput, match="nothing was written"):
        edit(QUEUE, Complete(label="task-at-line-6", at=NOW))
    with pytest.raises(NotSo, match="another line"):
        edit(QUEUE, Complete(label="write-a-file", at=NOW), FillAdded(label="task-at-line-6", at=NOW))
    with pytest.raises(NotSo, match="another line"):
        edit(QUEUE, SetField(label="write-a-file", field="description", value=""), FillAdded(label="task-at-line-7", at=NOW))
    assert "Added" in edit(QUEUE, FillAdded(label="write-a-file", at=NOW), FillAdded(label="task-at-line-6", at=NOW))


def test_no_part_of_a_file_is_looked_at_for_a_label_that_says_a_line() -> None:
    text = QUEUE.replace("## Completed\n", "## Completed\n" + "".join(f"- [x] Done {n} - Priority: High\n" for n in range(120)))
    assert thin_view(read(text.encode()), "write-a-file", read) is not None
    assert thin_view(read(text.encode()), "task-at-line-6", read) is None


def test_only_a_name_without_letters_goes_by_its_line() -> None:
    tasks = read(b"## Active Queue\n- [ ] Task at line 2\n- [ ] !!! - Label: task-at-line-9\n- [ ] !!!\n").queue.tasks
    assert [is_nameless(task) for task in tasks] == [False, False, True]
    assert [known_as(task) for task in tasks] == ["task-at-line-2", "task-at-line-9", "task-at-line-!!!"]
    assert all(tells_line(task.label) for task in tasks)


def test_a_nameless_task_that_moved_is_not_waited_for(tmp_path: Path) -> None:
    (tmp_path / "BUILD_QUEUE.md").write_text(QUEUE)
    queue = QueueFile(tmp_path, UTC)
    queue.edit(FillAdded(label="write-a-file", at=NOW))
    vault = Vault(tmp_path / ".autobuilds", "BUILD_QUEUE.md")
    belief = Belief(vault, UTC, lambda: None)
    now = read(queue.path.read_bytes().replace(b"  - **Description:** of one line\n", b""))
    assert not belief.misses(now, [SetField(label="task-at-line-8", field="notes", value="x")])
    assert belief.misses(read(b"## Active Queue\n"), [SetField(label="write-a-file", field="notes", value="x")])


def test_a_mark_of_another_task_in_the_same_line_is_not_missed() -> None:
    base = f"## Active Queue\n- [ ] A\n- [ ] {PARTY}\n- [ ] ---\n\n## Completed\n"
    ours = base.replace("- [ ] A\n", "").replace("[ ] ---", "[x] ---")
    assert marks_lost(base.encode(), ours.encode(), base.encode(), UTC)
    other = f"## Active Queue\n- [x] {PARTY}\n- [ ] A\n\n## Completed\n".replace("- [x]", "- [ ] B\n- [x]")
    assert not marks_lost(base.encode().replace(PARTY.encode(), b"+++"), other.encode(), base.encode(), UTC)


def test_a_criterion_of_a_nameless_task_is_ticked() -> None:
    text = f"## Active Queue\n- [ ] A\n- [ ] {PARTY}\n  - **Completion Criteria:**\n    - [ ] it runs\n\n## Completed\n"
    assert "- [x] it runs" in edit(text, Tick(label="task-at-line-3", n=1))


@pytest.mark.parametrize("operation", [Block(label="task-at-line-8", text="a key"), Complete(label="task-at-line-8", at=NOW)])
def test_what_can_not_be_written_of_a_nameless_task_says_where_it_stands_and_what_mends_that(operation: Operation) -> None:
    queue = QUEUE.replace("## Completed", "## Task Details\n\n### Write a file\n- **Notes:** n\n\n## Completed")
    with pytest.raises(BadInput, match=r"^BUILD_QUEUE\.md:8: nothing was written: .*Give it a name, or a Label of its own"):
        edit(queue, operation)
