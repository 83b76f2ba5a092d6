"""Queues of another shape become tasks, and everything in them is accounted for."""

from __future__ import annotations

import json
from datetime import datetime
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from autobuilds.domain.model import Priority
from autobuilds.errors import AutobuildsError, BadInput
from autobuilds.store.importers import Imported, import_text, preview, without_known
from autobuilds.store.queue.document import Document
from autobuilds.store.queue.edit import apply
from autobuilds.store.queue.operations import Add
from autobuilds.store.queue.reader import read_queue

ZONE = ZoneInfo("America/Chicago")

TABLE = """# Backlog

Some intro.

| Task | Status | Prio | Notes | Est. | Owner | Depends |
|------|--------|:----:|-------|------|-------|---------|
| Build login | todo | P1 | use `oauth` | 4h | me | - |
| [Docs](http://x.y) update | ✅ | low | | 3 | | Build login |
| Old | cancelled | | | | | |
| A \\| B | in progress | weird | a<br>b | soon | | |

- a list item
"""
HEADINGS = """# My todo

## In progress

### Spotify integration
Priority: urgent
Build the thing.
More text.

- [ ] works
- [x] tests: `pytest`

### Other thing (P0)
- Estimate: 2h
- Acceptance criteria:
  - [ ] one
- just a note

## Done
### Shipped thing
```
code
```
"""
CHECKLIST = """# TODO
- [ ] First - Priority: High - Added: 2026-02-06 15:00
- [x] ~~Second~~ (high)
- [ ] Third #urgent

  with more
  - [ ] sub one
  - [x] sub two
  - Notes: hello
- a plain one

## Backend
1. [ ] P2: Fourth [task](https://a.b/c)

## Done
- [ ] Fifth
"""
ISSUES = [
    {
        "number": 12,
        "title": "Crash on start - Priority: Low",
        "body": "It crashes.\r\n\r\nBadly.\r\n- [ ] fixed\r\n- [x] test: `pytest`\r\n```\n- [ ] shown\n```\n<!-- hi -->",
        "labels": [{"name": "bug"}, {"name": "P0"}, {"name": "good first issue"}],
        "state": "OPEN",
        "url": "https://github.com/o/r/issues/12",
        "createdAt": "2026-01-02T03:04:05Z",
    },
    {
        "number": 13,
        "title": "Old",
        "body": None,
        "labels": ["docs"],
        "state": "closed",
        "html_url": "https://github.com/o/r/issues/13",
        "created_at": "2026-01-02T03:04:05Z",
        "closed_at": "2026-01-03T03:04:05Z",
    },
    {"number": 14, "title": "Please merge", "pull_request": {"url": "x"}, "state": "open"},
    {"number": 15, "title": "Never", "state": "CLOSED", "stateReason": "NOT_PLANNED"},
]


def load(text: str, shape: str | None = None) -> Imported:
    return import_text(text.encode(), shape, ZONE)


def read(data: bytes) -> Document:
    return read_queue(data, zone=ZONE)


def names(found: Imported) -> list[tuple[str, bool, Priority | None]]:
    return [(task.name, task.done, task.priority) for task in found.tasks]


def test_a_table_by_the_sense_of_its_columns() -> None:
    found = load(TABLE)
    assert names(found) == [("Build login", False, Priority.HIGH), ("Docs update", True, Priority.LOW), ("A | B", False, Priority.MEDIUM)]
    login, docs, mid = found.tasks
    assert (login.notes, login.estimate, login.depends_on) == ("use `oauth`; Owner: me", "4h", ())
    assert (docs.notes, docs.estimate, docs.depends_on) == ("Link: http://x.y", "3 h", ("Build login",))
    assert mid.notes == "Status: in progress; Priority: weird; a b; Estimate: soon"
    assert [line.split(":")[0] for line in found.left] == ["line 3", "line 9", "line 12"]
    assert any("'P1' was taken as High" in remark for remark in found.remarks)


def test_headings_with_text_below() -> None:
    found = load(HEADINGS)
    assert names(found) == [
        ("Spotify integration", False, Priority.HIGH),
        ("Other thing", False, Priority.HIGH),
        ("Shipped thing", True, None),
    ]
    assert found.tasks[0].description == "Build the thing. More text."
    assert found.tasks[0].criteria == ("works", "tests: `pytest`")
    assert found.tasks[0].ticked == {2}
    assert (found.tasks[1].estimate, found.tasks[1].criteria, found.tasks[1].description) == ("2h", ("one",), "just a note")
    assert found.left == ("line 21: ``` code ```",)


def test_bare_headings() -> None:
    assert names(load("# A\n# B\n# C ✅\n")) == [("A", False, None), ("B", False, None), ("C", True, None)]


def test_a_list_with_boxes() -> None:
    found = load(CHECKLIST)
    assert names(found) == [
        ("First", False, Priority.HIGH),
        ("Second", True, Priority.HIGH),
        ("Third", False, Priority.HIGH),
        ("Fourth task", False, Priority.MEDIUM),
        ("Fifth", True, None),
    ]
    assert found.tasks[0].added == datetime(2026, 2, 6, 15, 0, tzinfo=ZONE)
    third = found.tasks[2]
    assert (third.description, third.criteria, third.ticked, third.notes) == ("with more", ("sub one", "sub two"), {2}, "hello")
    assert found.tasks[3].notes == "Link: https://a.b/c; Section: Backend"
    assert found.left == ("line 10: - a plain one",)


def test_a_list_without_boxes() -> None:
    assert names(load("- buy milk\n- write code (urgent)\n")) == [("buy milk", False, None), ("write code", False, Priority.HIGH)]


def test_issues_of_both_interfaces() -> None:
    found = load(json.dumps(ISSUES))
    assert names(found) == [("Crash on start, Priority Low", False, Priority.HIGH), ("Old", True, None)]
    crash, old = found.tasks
    assert crash.description == "It crashes. Badly. ``` - [ ] shown ```"
    assert (crash.criteria, crash.ticked, crash.category) == (("fixed", "test: `pytest`"), {2}, "Bug fixes")
    assert crash.source == "https://github.com/o/r/issues/12"
    assert (old.category, old.completed) == ("Documentation", datetime(2026, 1, 2, 21, 4, 5, tzinfo=ZONE))
    assert [line[:9] for line in found.left] == ["issue #14", "issue #15"]
    assert names(load(json.dumps({"items": ISSUES}))) == names(found)
    assert names(load("\n".join(json.dumps(issue) for issue in ISSUES), "github")) == names(found)


@pytest.mark.parametrize("text", [TABLE, HEADINGS, CHECKLIST, json.dumps(ISSUES)])
def test_what_was_found_is_written_once(text: str) -> None:
    found = without_known(load(text), [])
    document = apply(read(b"# Queue\n\n## Active Queue\n"), [Add(task=task) for task in found.tasks], read, ZONE)
    queue = document.queue
    assert len(queue.tasks) == len(found.tasks)
    assert {task.name for task in queue.completed} == {task.name for task in found.tasks if task.done}
    again = without_known(load(text), [task.label for task in queue.tasks])
    assert again.tasks == ()
    assert sum("already" in line for line in again.left) == len(found.tasks)


@pytest.mark.parametrize("text", [TABLE, HEADINGS, CHECKLIST, json.dumps(ISSUES)])
def test_the_preview_shows_everything(text: str) -> None:
    found = load(text)
    shown = preview(found, ZONE)
    for part in [*(task.name for task in found.tasks), *found.remarks, *found.left]:
        assert part in shown


@pytest.mark.parametrize(
    ("data", "shape", "words"),
    [
        (b"", None, "no table"),
        (b"only prose\n", None, "no table"),
        (b"\xff\xfe", None, "not UTF-8"),
        (b"a\0b", None, "NUL"),
        (b"## Active Queue\n- [ ] a\n", None, "already"),
        (b"- [ ] a\n", "xml", "no shape"),
        (b"[1, 2]", None, "each with a title"),
        (b"{broken]", None, "no JSON"),
        (b"# Title\n", "table", "no task"),
    ],
)
def test_what_is_no_queue_is_refused_in_words(data: bytes, shape: str | None, words: str) -> None:
    with pytest.raises(BadInput, match=words):
        import_text(data, shape, ZONE)


def test_an_approval_is_never_imported() -> None:
    found = load("| Task | Approved |\n|---|---|\n| Pay | yes |\n")
    document = apply(read(b""), [Add(task=task) for task in found.tasks], read, ZONE)
    assert [task.approved for task in document.queue.tasks] == [False]
    assert found.tasks[0].notes == "Approved: yes"


_WORDS = st.lists(
    st.sampled_from(
        ["- ", "[ ] ", "[x]", "## ", "| ", "a", "Task", " - Priority: High", "\n", "```", "<!--", "P1", ": ", "(", "é", "\r\n", "|-|", "  "]
    ),
    max_size=30,
)


@settings(max_examples=200, deadline=None)
@given(_WORDS.map("".join))
def test_any_text_is_read_or_refused(text: str) -> None:
    try:
        found = load(text)
    except BadInput:
        return
    preview(found, ZONE)
    for task in without_known(found, []).tasks:
        try:
            apply(read(b"## Active Queue\n"), [Add(task=task)], read, ZONE)
        except AutobuildsError as error:
            assert str(error)
