"""What is written into a queue and how a document is looked things up in, form by form."""

from __future__ import annotations

from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import pytest

from autobuilds.domain.model import Priority
from autobuilds.errors import BadInput
from autobuilds.store.queue.compose import FieldHabit, NewTask, detail_fields, field_rows, joined, line_parts, value_rows
from autobuilds.store.queue.document import BOM, Document, SectionKind, Span
from autobuilds.store.queue.keys import Key
from autobuilds.store.queue.reader import read_queue
from autobuilds.store.queue.wording import escaped, fenced, one_line, stamp, task_label, task_name, to_minute

CHICAGO = ZoneInfo("America/Chicago")
MOMENT = datetime(2026, 2, 6, 21, 30, 45, 123, tzinfo=UTC)


def read(text: str) -> Document:
    return read_queue(text.encode(), zone=UTC)


def test_a_line_holds_no_break_and_no_control_character() -> None:
    for sign in "\n\r\x0b\x0c\x1c\x1d\x1e\x85\u2028\u2029":
        with pytest.raises(BadInput, match="line break"):
            one_line("a note", f"a{sign}b")
        assert one_line("a note", f"a b{sign}" if sign in "\n\r\x0b\x0c" else " a b ") == "a b"
    for number in (*range(9), *range(0x0E, 0x1C), 0x1F, *range(0x7F, 0x85), *range(0x86, 0xA0), 0xD800, 0xDFFF):
        with pytest.raises(BadInput, match="control character"):
            one_line("a note", f"a{chr(number)}b")
    assert one_line("a note", "\ta\tb \u00a0é") == "a\tb \u00a0é"


def test_names() -> None:
    assert task_name("  Fix   the\tbuild ") == "Fix the build"
    for name in ("", "  ", "Fix - Priority: High", "Fix [added:: 2026-02-06]", "Fix ⏫", "Fix - a: b - Label: x"):
        with pytest.raises(BadInput):
            task_name(name)
    assert task_name("Fix - Foo: bar") == "Fix - Foo: bar"
    assert task_label("Fix it!", None) == "fix-it"
    assert task_label("Fix it!", "other") == "other"
    for name, label in (("Fix", "Not A Label"), ("Fix", ""), ("Fix", "!!!"), ("!!!", None)):
        with pytest.raises(BadInput):
            task_label(name, label)
    with pytest.raises(BadInput, match="'not-a-label' would be one"):
        task_label("Fix", "Not A Label")
    with pytest.raises(BadInput, match=r"^'!!!' is no label$"):
        task_label("Fix", "!!!")
    assert NewTask(name=" Fix  it").slug() == "fix-it"


def test_markdown_made_plain() -> None:
    assert escaped("a\\b`c*d_e[f]g<h>i~j&k") == "a\\\\b\\`c\\*d\\_e\\[f\\]g\\<h\\>i\\~j\\&k"
    assert escaped("a-b (c) #d!") == "a-b (c) #d!"


def test_times_as_people_write_them() -> None:
    assert stamp(MOMENT, UTC) == "2026-02-06 21:30"
    assert stamp(MOMENT, CHICAGO) == "2026-02-06 15:30"
    assert stamp(MOMENT.replace(hour=6, minute=0), CHICAGO) == "2026-02-06 00:00"
    # An hour that comes twice, and is read as the first.
    assert stamp(datetime(2026, 11, 1, 6, 30, tzinfo=UTC), CHICAGO) == "2026-11-01 01:30"
    assert stamp(datetime(2026, 11, 1, 7, 30, tzinfo=UTC), CHICAGO) == "2026-11-01T01:30:00-06:00"
    assert to_minute(MOMENT, CHICAGO) == datetime(2026, 2, 6, 15, 30, tzinfo=CHICAGO)
    assert (to_minute(MOMENT, CHICAGO).second, to_minute(MOMENT, CHICAGO).microsecond) == (0, 0)


def test_steps_between_fences() -> None:
    assert fenced("make") == ["```sh", "make", "```"]
    assert fenced("\r\na\r\nb\rc\n\nd\n\n") == ["```sh", "a", "b", "c", "", "d", "```"]
    assert fenced("a ``` b") == ["````sh", "a ``` b", "````"]
    assert fenced("a ```` b `") == ["`````sh", "a ```` b `", "`````"]
    assert fenced("`` a") == ["```sh", "`` a", "```"]
    with pytest.raises(BadInput):
        fenced("a\n\x07")


def test_the_line_of_a_new_task() -> None:
    assert line_parts(NewTask(name="Fix"), UTC) == ""
    task = NewTask(name="Fix", label="other", priority=Priority.LOW, added=MOMENT, completed=MOMENT, done=True)
    assert line_parts(task, CHICAGO) == " - Added: 2026-02-06 15:30 - Priority: Low - Label: other - Completed: 2026-02-06 15:30"
    assert line_parts(NewTask(name="Fix it", label="fix-it", completed=MOMENT), UTC) == ""
    assert line_parts(NewTask(name="Fix", done=True), UTC) == ""


def test_the_details_of_a_new_task() -> None:
    assert list(detail_fields(NewTask(name="Fix"), UTC)) == []
    task = NewTask(
        name="Fix", description="d", criteria=("one", "two"), tech_stack="t", estimate="2 h", category="c", blockers=("x", "y"),
        depends_on=("A, b", "c"), touches=("src/**", "a,b"), not_before=MOMENT, window="w", repository="r", base="b", agent="a", role="o",
        timeout="1 h", steps="make", deliverables=("p",), source="s", notes="n",
    )  # fmt: skip
    assert list(detail_fields(task, CHICAGO)) == [
        (Key.DESCRIPTION, "d"),
        (Key.CRITERIA, ("one", "two")),
        (Key.TECH_STACK, "t"),
        (Key.ESTIMATE, "2 h"),
        (Key.CATEGORY, "c"),
        (Key.BLOCKERS, ("x", "y")),
        (Key.DEPENDS_ON, "[[A, b]], c"),
        (Key.TOUCHES, "`src/**`, `a,b`"),
        (Key.NOT_BEFORE, "2026-02-06 15:30"),
        (Key.WINDOW, "w"),
        (Key.REPOSITORY, "r"),
        (Key.BASE, "b"),
        (Key.AGENT, "a"),
        (Key.ROLE, "o"),
        (Key.TIMEOUT, "1 h"),
        (Key.STEPS, "make"),
        (Key.DELIVERABLES, "p"),
        (Key.SOURCE, "s"),
        (Key.NOTES, "n"),
    ]
    blank = NewTask(name="Fix", description="  ", blockers=("x",), deliverables=("p", "q"), notes="\t")
    assert list(detail_fields(blank, UTC)) == [(Key.BLOCKERS, "x"), (Key.DELIVERABLES, ("p", "q"))]


def test_several_values_in_a_line() -> None:
    for sign in "*_~<[\\,":
        assert joined(Key.TOUCHES, [f"a{sign}b"]) == f"`a{sign}b`"
    assert joined(Key.TOUCHES, ["a b", " c ", "`d*`"]) == "a b, c, `d*`"
    assert joined(Key.TOUCHES, ["`a`,b"]) == "[[`a`,b]]"
    assert joined(Key.DEPENDS_ON, ["a*b", "c, d", "[[e, f]]"]) == "a*b, [[c, d]], [[e, f]]"
    assert joined(Key.DEPENDS_ON, []) == ""


def test_rows_of_a_field() -> None:
    ticked = frozenset([2])
    assert value_rows(Key.STEPS, "a\nb") == ["", "```sh", "a", "b", "```"]
    assert value_rows(Key.NOTES, " a ") == ["a"]
    assert value_rows(Key.CRITERIA, "a", frozenset([1])) == ["", "- [x] a"]
    assert value_rows(Key.CRITERIA, ("a", "b", "c"), ticked) == ["", "- [ ] a", "- [x] b", "- [ ] c"]
    assert value_rows(Key.BLOCKERS, ("a", "b"), ticked) == ["", "- [ ] a", "- [x] b"]
    assert value_rows(Key.DELIVERABLES, ("a", "b"), ticked) == ["", "- a", "- b"]
    assert value_rows(Key.TOUCHES, ("a*", "b")) == ["`a*`, b"]
    assert value_rows(Key.DEPENDS_ON, ("a", "b, c")) == ["a, [[b, c]]"]
    for key, value in (
        (Key.STEPS, ("a", "b")),
        (Key.CRITERIA, ("a", "")),
        (Key.CRITERIA, " "),
        (Key.NOTES, "a\nb"),
        (Key.BLOCKERS, ("a\nb",)),
    ):
        with pytest.raises(BadInput):
            value_rows(key, value)
    assert field_rows(Key.NOTES, "a", FieldHabit()) == ["- **Notes:** a"]
    assert field_rows(Key.STEPS, "a\n\nb", FieldHabit()) == ["- **Steps:**", "  ```sh", "  a", "", "  b", "  ```"]
    assert field_rows(Key.CRITERIA, "a", FieldHabit(before="* ", after=": ", inner="\t")) == ["* Completion Criteria:", "\t- [ ] a"]
    assert field_rows(Key.CRITERIA, ("a", "b"), FieldHabit(), ticked)[2] == "  - [x] b"


def test_a_document_is_looked_things_up_in() -> None:
    text = "## Active Queue\r\n- [ ] A - Priority: High - Priority: High\r\n  - Notes: x\r\n## Completed\r\n- [x] A\r\n- [x] B\r\n## Completed\r\n"
    document = read(text)
    active, done = document.entry("a"), document.entry("b")
    assert active is not None
    assert done is not None
    assert active.task.is_active
    assert not done.task.is_active
    assert document.entry("c") is None
    first = active.part(Key.PRIORITY)
    assert first is not None
    assert text[slice(*first.whole)] == " - Priority: High"
    assert first.value == Span(text.index("High"), text.index("High") + 4)
    assert active.part(Key.ADDED) is None
    notes = active.field(Key.NOTES)
    assert notes is not None
    assert (text[slice(*notes.name)], text[slice(*notes.value)]) == ("Notes", "x")
    assert active.field(Key.PRIORITY) is None
    completed = document.section(SectionKind.COMPLETED)
    assert completed is not None
    assert (completed.heading.start, document.section(SectionKind.DETAILS)) == (text.index("## Completed"), None)
    for offset, place in ((0, (1, 1)), (5, (1, 6)), (17, (2, 1)), (len(text), (8, 1)), (text.index("Notes"), (3, 5))):
        assert document.position(offset) == place
    assert not document.bom
    assert document.encode("é") == "é".encode()
    assert read("\ufeffx").encode("é") == BOM + "é".encode()
    assert read_queue(b"\xff", zone=UTC).position(0) == (1, 1)
    for data, newline in (
        ("", "\n"), ("a", "\n"), ("a\nb\r\n", "\n"), ("a\r\nb\n", "\r\n"), ("a\rb\n", "\r"), ("a\r", "\r"), ("\r\n", "\r\n"), ("\n\r", "\n"), ("a\n", "\n"), ("\r\r\n", "\r"),
    ):  # fmt: skip
        assert read(data).newline == newline, repr(data)
