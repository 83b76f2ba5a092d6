"""Edits by example: the file before, the operation, and exactly what is different afterwards."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from autobuilds.domain.model import Priority
from autobuilds.errors import AutobuildsError, BadInput, FatalQueue, NotSo
from autobuilds.store.queue.edit import Operation, apply
from autobuilds.store.queue.operations import Add, Approve, Block, Complete, FillAdded, NewTask, Reopen, SetField, Tick, Unapprove, Unblock
from tests.store.queue.test_edit_sweep import NOW, ZONE, read

EXAMPLE = """# Build Queue

## Active Queue
- [ ] Spotify Integration - Added: 2026-02-06 15:00 - Priority: High
- [ ] Workout playlist - Added: 2026-02-06 22:00 - Priority: Medium

## Task Details

### Spotify Integration
- **Description:** Build OAuth integration with the Spotify API. …
- **Completion Criteria:**
  - [ ] OAuth flow works
  - [ ] Tests pass: `pytest -q tests/spotify`
- **Tech Stack:** Python, Spotipy, OAuth2
- **Estimated Time:** 4 hours
- **Category:** New features
- **Blockers:** None

## Completed
- [x] Old thing - Added: 2026-02-05 09:00 - Priority: High - Completed: 2026-02-05 12:30
"""
S, W = "spotify-integration", "workout-playlist"


def edit(text: str, *operations: Operation) -> str:
    return apply(read(text.encode()), operations, read, ZONE).text


def changed(before: str, after: str) -> list[str]:
    """Return the lines that are gone with `-` and those that are new with `+`, in the order of the file."""
    from difflib import ndiff

    return [line.rstrip("\n") for line in ndiff(before.splitlines(True), after.splitlines(True)) if line[0] in "+-"]


@dataclass(frozen=True)
class Edit:
    operation: Operation
    lines: tuple[str, ...]


@pytest.mark.parametrize(
    "case",
    [
        Edit(Tick(label=S, n=2), ("-   - [ ] Tests pass: `pytest -q tests/spotify`", "+   - [x] Tests pass: `pytest -q tests/spotify`")),
        Edit(Approve(label=S), ("+ - **Approved:** yes",)),
        Edit(Approve(label=W), ("+ ### Workout playlist", "+ - **Approved:** yes", "+ ")),
        Edit(Block(label=S, text="a key"), ("- - **Blockers:** None", "+ - **Blockers:** a key")),
        Edit(SetField(label=S, field="category", value=""), ("- - **Category:** New features",)),
        Edit(SetField(label=S, field="estimate", value="2 h"), ("- - **Estimated Time:** 4 hours", "+ - **Estimated Time:** 2 h")),
        Edit(Unblock(label=S), ()),
        Edit(FillAdded(label=S, at=NOW), ()),
        Edit(Unapprove(label=S), ()),
        Edit(Complete(label="old-thing", at=NOW), ()),
    ],
    ids=lambda case: type(case.operation).__name__,
)
def test_only_these_lines_change(case: Edit) -> None:
    assert changed(EXAMPLE, edit(EXAMPLE, case.operation)) == list(case.lines)


def test_completing_moves_the_entry_to_the_top_of_completed() -> None:
    line = "- [{}] Spotify Integration - Added: 2026-02-06 15:00 - Priority: High"
    done = line.format("x") + " - Completed: 2026-02-07 10:30\n"
    expected = EXAMPLE.replace(line.format(" ") + "\n", "").replace("## Completed\n", "## Completed\n" + done)
    assert edit(EXAMPLE, Complete(label=S, at=NOW)) == expected
    moved_back = EXAMPLE.replace(line.format(" ") + "\n", "").replace("Medium\n", "Medium\n" + line.format(" ") + "\n")
    assert edit(expected, Reopen(label=S)) == moved_back


def test_adding_follows_the_documented_form() -> None:
    task = NewTask(
        name="Export",
        priority=Priority.LOW,
        added=NOW,
        description="CSV.",
        criteria=("works", "tests: `pytest`"),
        touches=("src/*.py", "docs"),
        steps="make\n```\nmake test",
        blockers=("one", "two"),
    )
    after = edit(EXAMPLE, Add(task=task))
    block = (
        "### Export\n- **Description:** CSV.\n- **Completion Criteria:**\n  - [ ] works\n  - [ ] tests: `pytest`\n- **Blockers:**\n"
        "  - [ ] one\n  - [ ] two\n- **Touches:** `src/*.py`, docs\n- **Steps:**\n  ````sh\n  make\n  ```\n  make test\n  ````\n\n"
    )
    line = "- [ ] Export - Added: 2026-02-07 10:30 - Priority: Low\n"
    assert after == EXAMPLE.replace("Medium\n", "Medium\n" + line).replace("## Completed", block + "## Completed")
    assert read(after.encode()).queue.tasks[2].touches == ("src/*.py", "docs")


@pytest.mark.parametrize("text", ["", "# Title\n", "prose without end", "## Completed\n- [x] a\n", "\ufeff## Active Queue\r\n"])
def test_missing_sections_are_made(text: str) -> None:
    after = edit(text, Add(task=NewTask(name="A b", description="d")))
    (task,) = read(after.encode()).queue.active
    assert (task.name, task.description) == ("A b", "d")
    assert "\n\n\n" not in after.replace("\r\n", "\n")


@pytest.mark.parametrize(
    "name",
    [
        "Fix *all* things",
        "a - b: c",
        "[WIP] x",
        "C# and F#",
        "__init__ module",
        "<script>",
        "1. first",
        "a\\b",
        "~~no~~",
        "&amp; co",
        "# x",
        "Ünïcode 名前",
        "x_y_z",
        "- dash",
        "a | b",
    ],
)
def test_a_name_is_read_as_it_was_given(name: str) -> None:
    after = edit(EXAMPLE, Add(task=NewTask(name=name, description="d", added=NOW)))
    assert read(after.encode()).queue.active[-1].name == name


@pytest.mark.parametrize(
    ("operation", "words"),
    [
        (Add(task=NewTask(name="a\nb")), "line break"),
        (Add(task=NewTask(name="a\u2028b")), "line break"),
        (Add(task=NewTask(name="a\x1b[31mb")), "control"),
        (Add(task=NewTask(name="a\ud800")), "control"),
        (Add(task=NewTask(name="Pay - Approved: yes")), "Approved"),
        (Add(task=NewTask(name="Pay [priority:: low]")), "Priority"),
        (Add(task=NewTask(name=" ")), "needs a name"),
        (Add(task=NewTask(name="!!!")), "neither letters"),
        (Add(task=NewTask(name="workout Playlist")), ":5: there is a task"),
        (Add(task=NewTask(name="x", description="a\nb")), "line break"),
        (Add(task=NewTask(name="x", criteria=("a\rb",))), "line break"),
        (Add(task=NewTask(name="x", estimate="soon")), "soon"),
        (SetField(label=S, field="priority", value="urgent"), 'did you mean "High"'),
        (SetField(label=S, field="added", value="tomorrow"), "no time"),
        (SetField(label=S, field="colour", value="red"), "no field"),
        (SetField(label=S, field="notes", value="a\nb"), "line break"),
        (SetField(label=S, field="name", value="Other"), "label would change"),
        (SetField(label=S, field="label", value="other"), "can't be changed"),
        (SetField(label=W, field="description", value="a <!-- b --> c"), "nothing was written"),
    ],
)
def test_what_cannot_be_written_is_refused(operation: Operation, words: str) -> None:
    with pytest.raises(BadInput, match="(?i)" + words.replace("(", r"\(")):
        edit(EXAMPLE, operation)


@pytest.mark.parametrize(
    ("operation", "words"),
    [
        (Tick(label="spotify-integratio", n=1), "did you mean 'spotify-integration'"),
        (Tick(label=S, n=3), "criteria 1 to 2"),
        (Tick(label=W, n=1), "no completion criteria"),
        (Unblock(label=S, n=1), "no open blockers"),
    ],
)
def test_what_is_not_there_is_said(operation: Operation, words: str) -> None:
    with pytest.raises(NotSo, match=words):
        edit(EXAMPLE, operation)


def test_two_tasks_with_one_label_are_not_guessed() -> None:
    with pytest.raises(NotSo, match="lines 2 and 3"):
        edit("## Active Queue\n- [ ] A\n- [ ] a\n", Complete(label="a", at=NOW))


def test_a_file_that_cannot_be_trusted_is_not_touched() -> None:
    with pytest.raises(FatalQueue, match=":3:"):
        edit("## Active Queue\n- [ ] A\n```\n## Completed\n", Complete(label="a", at=NOW))


def test_renaming_with_a_label_of_its_own() -> None:
    after = edit(EXAMPLE, SetField(label=W, field="Label", value=W), SetField(label=W, field="name", value="Running playlist"))
    task = read(after.encode()).queue.find(W)
    assert task is not None
    assert task.name == "Running playlist"


def test_an_hour_that_comes_twice_is_written_with_its_offset() -> None:
    second = datetime(2026, 11, 1, 7, 30, 9, tzinfo=UTC)
    after = edit(EXAMPLE, Complete(label=S, at=second))
    assert "Completed: 2026-11-01T01:30:00-06:00" in after
    assert "Completed: 2026-11-01 01:30\n" in edit(EXAMPLE, Complete(label=S, at=datetime(2026, 11, 1, 6, 30, tzinfo=UTC)))


def test_comments_in_a_value_stay() -> None:
    text = "## Active Queue\n- [ ] A - Priority: High <!-- why -->\n  - **Category:** Docs <!-- or not -->\n"
    after = edit(text, SetField(label="a", field="priority", value="low"), SetField(label="a", field="category", value="Bug fixes"))
    assert after == text.replace("High", "Low").replace("Docs", "Bug fixes")


def test_blockers_become_a_checklist_and_are_settled_one_by_one() -> None:
    text = "## Active Queue\n- [ ] A\n  - **Blockers:** a key\n"
    two = edit(text, Block(label="a", text="a name"))
    assert two == "## Active Queue\n- [ ] A\n  - **Blockers:**\n    - [ ] a key\n    - [ ] a name\n"
    one = edit(two, Unblock(label="a", n=1))
    assert one == two.replace("[ ] a key", "[x] a key")
    assert read(edit(one, Unblock(label="a")).encode()).queue.tasks[0].blockers == ()


def _large(count: int) -> str:
    rows = "".join(f"- [ ] Task number {n} - Added: 2026-02-06 15:00 - Priority: High\n" for n in range(count))
    blocks = "".join(
        f"### Task number {n}\n- **Description:** Do thing {n}.\n- **Completion Criteria:**\n  - [ ] works\n\n" for n in range(count)
    )
    return f"# Build Queue\n\n## Active Queue\n{rows}\n## Task Details\n\n{blocks}## Completed\n- [x] Old\n"


_OPERATIONS = [
    lambda label: Tick(label=label, n=1),
    lambda label: Complete(label=label, at=NOW),
    lambda label: Approve(label=label),
    lambda label: SetField(label=label, field="category", value="Docs"),
    lambda label: SetField(label=label, field="priority", value="low"),
    lambda label: Add(task=NewTask(name=f"New {label}", description="d", added=NOW)),
    lambda label: Block(label=label, text="x"),
]


@settings(max_examples=14, deadline=None)
@given(n=st.integers(0, 79), kind=st.integers(0, len(_OPERATIONS) - 1))
def test_a_large_queue_is_edited_as_a_small_one(n: int, kind: int) -> None:
    text = _large(80)
    operation = _OPERATIONS[kind](f"task-number-{n}")
    quick = apply(read(text.encode()), [operation], read, ZONE).text
    thorough = read(text.encode())
    assert len(thorough.entries) == 81  # places are known, so no view is made
    assert quick == apply(thorough, [operation], read, ZONE).text


@settings(max_examples=100, deadline=None)
@given(name=st.text(max_size=30), value=st.text(max_size=30))
def test_hostile_texts_are_written_as_given_or_refused(name: str, value: str) -> None:
    try:
        after = edit(EXAMPLE, Add(task=NewTask(name=name, description=value, criteria=(value,) if value.strip() else ())))
    except AutobuildsError:
        return
    queue = read(after.encode()).queue
    assert len(queue.tasks) == 4
    assert queue.active[-1].description == value.strip()
    assert not queue.active[-1].approved


def test_many_tasks_at_once_are_what_one_after_the_other_gives() -> None:
    tasks = [Add(task=NewTask(name=f"New {n}", description="d" if n % 2 else "", added=NOW, done=n % 5 == 0)) for n in range(12)]
    text = _large(80)
    singly = read(text.encode())
    for task in tasks:
        singly = apply(singly, [task], read, ZONE)
    assert apply(read(text.encode()), tasks, read, ZONE).text == singly.text
    with pytest.raises(BadInput, match="there is a task 'New 3'"):
        apply(read(text.encode()), [*tasks, tasks[3]], read, ZONE)
