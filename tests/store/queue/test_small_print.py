"""Small rules of the queue that one line each depends on."""

from __future__ import annotations

from datetime import UTC

import pytest

from autobuilds.store.queue.document import Document
from autobuilds.store.queue.reader import read_queue

ACTIVE = "## Active Queue\n"


def read(text: str) -> Document:
    return read_queue(text.encode(), zone=UTC)


def kinds(text: str) -> list[str]:
    return [problem.kind for problem in read(text).queue.problems if problem.kind != "missing-section"]


@pytest.mark.parametrize(
    ("second", "problems"),
    [
        ("Label: My X", []),
        ("Label: my-x", []),
        ("Label: another", ["repeated-key"]),
    ],
)
def test_a_label_said_twice_is_one_where_both_mean_the_same(second: str, problems: list[str]) -> None:
    text = f"{ACTIVE}- [ ] Fix - Label: my-x - {second} - Priority: High\n"
    assert kinds(text) == problems
    assert read(text).queue.tasks[0].label == "my-x"


def test_a_time_or_an_estimate_said_twice_in_other_words_is_one() -> None:
    same = "- Estimated Time: 2 hours - Estimated Time: 120 min"
    assert kinds(f"{ACTIVE}- [ ] Fix - Priority: High {same}\n") == []
    assert kinds(f"{ACTIVE}- [ ] Fix - Priority: High {same[:-7]}121 min\n") == ["repeated-key"]


def test_a_name_means_the_active_task_before_the_completed_one() -> None:
    done = "## Completed\n- [x] Base - Label: old - Completed: 2026-02-06 17:00\n"
    text = f"{ACTIVE}- [ ] Top - Depends On: Base\n- [ ] Base - Label: new\n{done}"
    assert read(text).queue.find("top").depends_on == ("new",)
    alone = f"{ACTIVE}- [ ] Top - Depends On: Base\n{done}"
    assert read(alone).queue.find("top").depends_on == ("old",)


def test_a_field_without_a_task_is_an_orphan() -> None:
    text = f"{ACTIVE}- [ ] Fix\n\n## Task Details\n\n- **Description:** lost\n"
    assert kinds(text) == ["orphan-details"]


def test_front_matter_without_an_end_is_text() -> None:
    found = read(f"---\n\nwords\n\n{ACTIVE}- [ ] Fix\n")
    assert [task.label for task in found.queue.tasks] == ["fix"]
    assert not found.queue.fatal
    assert read(f"---\nkey: value\n{ACTIVE}- [ ] Fix\n").queue.fatal
    assert not read(f"---\nkey: value\n---\n{ACTIVE}- [ ] Fix\n").queue.fatal
    assert read(f"---\nkey: value\n...\n{ACTIVE}- [ ] Fix\n").queue.tasks[0].line == 5


@pytest.mark.parametrize(
    ("value", "texts"),
    [
        ("these must hold:\n  - [ ] one\n  - two", ["one", "two"]),
        ("these must hold\n  - [ ] one", ["these must hold", "one"]),
        ("these must hold:", ["these must hold:"]),
        ("[x] one\n  - none", ["one"]),
    ],
)
def test_a_sentence_before_the_list_is_a_criterion_unless_it_ends_with_a_colon(value: str, texts: list[str]) -> None:
    text = f"{ACTIVE}- [ ] Fix\n\n## Task Details\n\n### Fix\n- **Completion Criteria:** {value}\n"
    criteria = read(text).queue.tasks[0].criteria
    assert [one.text for one in criteria] == texts
    assert [one.checked for one in criteria] == [value.startswith("[x]")] * len(texts)


def test_rows_of_tables_are_counted_where_they_stand() -> None:
    text = f"{ACTIVE}- [ ] Fix\n\nwords\n\n| a | b |\n|---|---|\n| c | d |\n| e | f |\n"
    counts = read(text).queue.counts
    assert counts is not None
    assert (counts.tasks, counts.notes, counts.problems) == (1, 4, 0)


@pytest.mark.parametrize(
    ("rows", "fatal"),
    [
        (("<<<<<<< ours", "=======", ">>>>>>> theirs"), True),
        (("<<<<<<< ours", "||||||| base", "=======", ">>>>>>> theirs"), True),
        (("<<<<<<< ours", ">>>>>>> theirs"), False),
        (("=======", "<<<<<<< ours", ">>>>>>> theirs"), False),
        ((">>>>>>> theirs", "<<<<<<< ours", "======="), False),
        (("<<<<<<< ours", "=======", "<<<<<<< again", ">>>>>>> theirs"), False),
        (("=======", ">>>>>>> theirs"), False),
    ],
)
def test_a_conflict_is_a_whole_set_of_marks(rows: tuple[str, ...], fatal: bool) -> None:
    text = f"{ACTIVE}- [ ] Fix\n\n" + "".join(f"{row}\nwords\n\n" for row in rows)
    found = read(text).queue
    assert found.fatal is fatal
    if fatal:
        assert [(problem.kind, problem.line) for problem in found.problems] == [("conflict-markers", 4)]
        assert found.problems[0].message.startswith(f"conflict markers from line 4 to {4 + 3 * (len(rows) - 1)};")
