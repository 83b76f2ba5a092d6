"""Small rules of the queue that one line each depends on."""

from __future__ import annotations

from datetime import UTC

import pytest

from autobuilds.errors import BadInput
from autobuilds.store.queue.document import Document
from autobuilds.store.queue.edit import apply
from autobuilds.store.queue.keys import Key
from autobuilds.store.queue.reader import read_queue
from autobuilds.store.queue.setting import SetField, key_named
from autobuilds.store.queue.values import suggest_priority

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


@pytest.mark.parametrize(
    ("name", "key"),
    [
        ("prio", None),
        ("time", Key.ESTIMATE),
        ("estimate", Key.ESTIMATE),
        ("tech", Key.TECH_STACK),
        ("stack", Key.TECH_STACK),
        ("blocker", Key.BLOCKERS),
        ("depends", Key.DEPENDS_ON),
        ("repo", Key.REPOSITORY),
        ("note", Key.NOTES),
        ("deliverable", Key.DELIVERABLES),
        ("touch", Key.TOUCHES),
        *((key.value, key) for key in Key),
        *((key.value.upper().replace(" ", "_"), key) for key in Key),
    ],
)
def test_a_field_goes_by_short_names_too(name: str, key: Key | None) -> None:
    if key is None:
        with pytest.raises(BadInput, match="did you mean 'Priority'"):
            key_named(name)
    else:
        assert key_named(name) is key
    assert key_named("Name") is None


@pytest.mark.parametrize("mark", ["**", "__", "*", "_"])
def test_a_name_or_a_whole_line_may_be_stressed(mark: str) -> None:
    found = read(f"{ACTIVE}- [ ] {mark}Fix the clock{mark} - {mark}Priority:{mark} High\n").queue
    assert [(task.name, task.label, task.priority.value) for task in found.tasks] == [("Fix the clock", "fix-the-clock", "high")]
    whole = read(f"{ACTIVE}- [ ] {mark}Fix the clock - Priority: High{mark}\n").queue
    assert [(task.name, task.priority.value) for task in whole.tasks] == [("Fix the clock", "high")]


def test_criteria_with_remarks_are_read_without_them() -> None:
    rows = "  - [ ] one <!-- a remark -->\n  - [x]  a < b \n"
    text = f"{ACTIVE}- [ ] Fix\n\n## Task Details\n\n### Fix\n- **Completion Criteria:**\n{rows}"
    assert [(one.text, one.checked) for one in read(text).queue.tasks[0].criteria] == [("one", False), ("a < b", True)]


@pytest.mark.parametrize("steps", ["make\nmake test", "make\r\nmake test", "make\rmake test", "\nmake\nmake test\n"])
def test_steps_are_lines_whatever_ends_them(steps: str) -> None:
    document = read(f"{ACTIVE}- [ ] Fix\n")
    after = apply(document, [SetField(label="fix", field="Steps", value=steps)], lambda data: read_queue(data, zone=UTC), UTC)
    assert after.queue.tasks[0].steps == "make\nmake test\n"


@pytest.mark.parametrize(
    ("words", "priority"),
    [
        ("p0 p1 1 urgent Critical asap highest very-high hi important hgih", "High"),
        ("p2 2 normal moderate med mid default average meduim", "Medium"),
        ("p3 p4 3 minor lowest very-low someday lo trivial", "Low"),
    ],
)
def test_what_was_meant_by_another_word_for_a_priority(words: str, priority: str) -> None:
    for word in words.split():
        assert suggest_priority(word.replace("-", " ")) == f'did you mean "{priority}"?', word
    assert suggest_priority("purple") == "High, Medium or Low"
    assert suggest_priority("urgent!!") == 'did you mean "High"?'
