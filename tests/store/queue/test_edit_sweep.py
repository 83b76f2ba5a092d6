"""Every operation on every shape of file: what was not meant stays as it is, to the byte."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from difflib import SequenceMatcher
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from autobuilds.domain.model import Priority
from autobuilds.errors import AutobuildsError
from autobuilds.store.files.merge import split_lines
from autobuilds.store.queue.document import Document
from autobuilds.store.queue.edit import Operation, apply
from autobuilds.store.queue.operations import (
    Add,
    Approve,
    Block,
    Complete,
    FillAdded,
    NewTask,
    Reopen,
    SetField,
    Tick,
    Unblock,
)
from autobuilds.store.queue.reader import read_queue

ZONE = ZoneInfo("America/Chicago")
NOW = datetime(2026, 2, 7, 10, 30, tzinfo=ZONE)


def read(data: bytes) -> Document:
    return read_queue(data, zone=ZONE)


#: Active entries of odd habits; each becomes the first, the middle, the last or the only one.
ENTRIES = {
    "plain": "- [ ] Alpha - Added: 2026-02-06 15:00 - Priority: High\n",
    "bare": "- [ ] Alpha\n",
    "star": "* [ ] Alpha - Priority: Low\n",
    "number": "1. [ ] Alpha - Added: 2026-02-06\n",
    "indented": "  - [ ] Alpha - Priority: High\n",
    "tab": "-\t[ ] Alpha - Priority: High\n",
    "spaces": "-   [ ]  Alpha   -   Priority:  High   \n",
    "wrapped": "- [ ] Alpha\n  - Added: 2026-02-06 15:00\n",
    "lazy": "- [ ] Alpha - Added: 2026-02-06 15:00\n  and more of it - Priority: High\n",
    "break": "- [ ] Alpha - Priority: High  \n  - **Category:** Docs\n",
    "nested": "- [ ] Alpha - Priority: High\n  - **Description:** Do it\n    on two lines\n  - **Completion Criteria:**\n    - [ ] one\n    - [ ] two: `true`\n",
    "nested loose": "- [ ] Alpha - Priority: High\n\n  - **Category:** Docs\n\n  ```\n  - [ ] shown\n  ```\n",
    "obsidian": "- [ ] Alpha [estimate:: 2h] [priority:: high] [id:: alpha]\n",
    "signs": "- [ ] Alpha ➕ 2026-02-06 ⏫ 🆔 alpha\n",
    "code": "- [ ] `Alpha` - Priority: High <!-- keep - Added: 2020-01-01 -->\n",
    "unknown": "- [ ] Alpha - Priority: High - Color: red\n",
    "done already": "- [ ] Alpha - Added: 2026-02-06 - Completed: 2026-02-06 18:00\n",
    "quote": "- [ ] Alpha\n  > a quotation\n  - **Notes:** x\n",
}
FRAMES = {
    "example": "# Build Queue\n\n## Active Queue\n{a}\n## Task Details\n\n### Other\n- **Category:** Docs\n\n## Completed\n- [x] Old - Completed: 2026-02-05 12:30\n",
    "only": "## Active Queue\n\n{a}",
    "no completed": "intro\n\n## Active Queue\n\n{a}\n\n## Ideas\n\n| a | b |\n|---|---|\n| 1 | 2 |\n",
    "completed empty": "## Active Queue\n{a}\n## Completed\n",
    "completed first": "## Completed\n\n- [x] Old\n\n## Active Queue\n\n{a}",
    "completed prose": "## Active Queue\n{a}\n## Completed\n\nNewest first.\n\n* [x] Old\n\n* [x] Older\n",
    "between": "## Active Queue\n- [ ] First\n<!-- a comment -->\n{a}\n- [ ] Last - Priority: Low\n\n## Completed\n\n\n",
    "groups": "## 🚀 Active Queue (now)\n\n### Soon\n\n{a}\n### Later\n\n- [ ] Last\n\n## Completed ✅\n### February\n  - [x] Old\n",
    "two": "## Active Queue\n{a}\n## Active Queue\n- [ ] Other\n\n## Completed\n1. [x] Old\n",
    "details": "Active Queue\n------------\n{a}\n## Task Details\n### Alpha\n- Completion Criteria: works\n- blockers: waits for the key\n## Completed\nNothing yet.\n",
    "checks": "## Active Queue\n{a}\n## Task Details\n#### alpha\n\n* __Blockers__:\n  * [ ] a\n  * [x] b\n* __Completion Criteria__:\n  1. one\n  2. [X] two\n\n## Notes\nmine\n",
}
SHAPES: dict[str, Callable[[bytes], bytes]] = {
    "lf": lambda data: data,
    "crlf": lambda data: data.replace(b"\n", b"\r\n"),
    "cr": lambda data: data.replace(b"\n", b"\r"),
    "bom": lambda data: b"\xef\xbb\xbf" + data,
    "open end": lambda data: data.rstrip(b"\n"),
    "crlf open end": lambda data: data.rstrip(b"\n").replace(b"\n", b"\r\n"),
    "mixed": lambda data: data.replace(b"\n", b"\r\n", 3),
}


@dataclass(frozen=True)
class Case:
    operation: Operation
    #: Whether lines may only be added (and no line may change).
    adds: bool = False


CASES = {
    "complete": Case(Complete(label="alpha", at=NOW)),
    "added": Case(FillAdded(label="alpha", at=NOW)),
    "tick 1": Case(Tick(label="alpha", n=1)),
    "tick 2": Case(Tick(label="alpha", n=2, checked=False)),
    "priority": Case(SetField(label="alpha", field="priority", value="Medium")),
    "category": Case(SetField(label="alpha", field="Category", value="Bug fixes")),
    "criteria": Case(SetField(label="alpha", field="criteria", value=("x", "y"))),
    "steps": Case(SetField(label="alpha", field="steps", value="make\n\nmake test\n")),
    "approve": Case(Approve(label="alpha")),
    "block": Case(Block(label="alpha", text="waits for c")),
    "unblock": Case(Unblock(label="alpha")),
    "add": Case(Add(task=NewTask(name="New one", priority=Priority.HIGH, added=NOW)), adds=True),
    "add more": Case(Add(task=NewTask(name="New `one`", added=NOW, description="Do.", criteria=("a", "b"))), adds=True),
}


def _text(entry: str, frame: str, shape: str) -> bytes:
    return SHAPES[shape](FRAMES[frame].format(a=ENTRIES[entry]).encode())


def _untouched(before: bytes, after: bytes, *, adds: bool) -> None:
    """All lines that a line-wise comparison finds changed must be the task's own."""
    old, new = split_lines(before), split_lines(after)
    own = (
        b"Alpha",
        b"alpha",
        b"New",
        b"one",
        b"two",
        b"Added",
        b"locker",
        b"Categ",
        b"Crit",
        b"Appr",
        b"Steps",
        b"more of",
        b"works",
        b"waits",
        b"[",
    )
    for tag, i, j, k, _ in SequenceMatcher(None, old, new, autojunk=False).get_opcodes():
        if tag == "equal":
            continue
        gone = [line for line in old[i:j] if line.strip()]
        if adds:
            # The last line may get a line end, when lines follow it.
            assert [line.rstrip(b"\r\n") for line in gone] == [line.rstrip(b"\r\n") for line in new[k : k + len(gone)]]
        for line in gone:
            # A moved entry may be indented like its new neighbours, whose child it would be otherwise.
            assert any(word in line for word in own) or line.strip() in {other.strip() for other in new}, line


def _check(entry: str, frame: str, shape: str, case: Case) -> str:
    data = _text(entry, frame, shape)
    before = read(data)
    assert not before.queue.fatal
    try:
        after = apply(before, [case.operation], read, ZONE)
    except AutobuildsError as error:
        return str(error)
    out = after.data
    assert after.text == read(out).text
    assert out.startswith(b"\xef\xbb\xbf") == data.startswith(b"\xef\xbb\xbf")
    assert out.endswith((b"\n", b"\r")) == data.endswith((b"\n", b"\r"))
    if shape in {"lf", "bom", "open end"}:
        assert b"\r" not in out
    if shape in {"crlf", "crlf open end"}:
        assert out.count(b"\n") == out.count(b"\r\n") == out.count(b"\r")
    if shape == "cr":
        assert b"\n" not in out
    _untouched(data, out, adds=case.adds)
    again = apply(after, [case.operation], read, ZONE) if not case.adds and not isinstance(case.operation, Block) else after
    assert again.data == out
    return ""


#: What may be refused, by a part of the message.
_ALLOWED = ("no completion criteria", "not number 2")


def _refused(name: str, shapes: Callable[[int, str], tuple[str, ...]]) -> list[tuple[str, ...]]:
    found: list[tuple[str, ...]] = []
    for f, frame in enumerate(FRAMES):
        for e, entry in enumerate(ENTRIES):
            for shape in shapes(f + e, entry):
                said = _check(entry, frame, shape, CASES[name])
                if said and not any(part in said for part in _ALLOWED):
                    found.append((frame, entry, shape, said))
    return found


@pytest.mark.parametrize("name", CASES)
def test_every_operation_on_a_third_of_the_entries_in_every_file(name: str) -> None:
    """With the next operation the next third: every entry in every file is there for some; all for each are a sweep."""
    third = list(CASES).index(name)
    assert _refused(name, lambda n, _: (list(SHAPES)[n % len(SHAPES)],) if (n + third) % 3 == 0 else ()) == []


@pytest.mark.slow
@pytest.mark.parametrize("name", CASES)
def test_every_operation_on_every_shape_of_file(name: str) -> None:
    assert _refused(name, lambda _, __: tuple(SHAPES)) == []


@settings(max_examples=60, deadline=None)
@given(
    entry=st.sampled_from(sorted(ENTRIES)),
    frame=st.sampled_from(sorted(FRAMES)),
    shape=st.sampled_from(sorted(SHAPES)),
    names=st.lists(st.sampled_from(sorted(CASES)), min_size=2, max_size=4, unique=True),
)
def test_operations_in_a_row_leave_a_file_that_reads_well(entry: str, frame: str, shape: str, names: list[str]) -> None:
    document = read(_text(entry, frame, shape))
    for name in names:
        try:
            document = apply(document, [CASES[name].operation], read, ZONE)
        except AutobuildsError:
            continue
        assert not document.queue.fatal
        assert sum(one.label == "alpha" for one in document.entries) == 1


@settings(max_examples=60, deadline=None)
@given(entry=st.sampled_from(sorted(ENTRIES)), frame=st.sampled_from(sorted(FRAMES)), shape=st.sampled_from(sorted(SHAPES)))
def test_reopening_undoes_completing(entry: str, frame: str, shape: str) -> None:
    before = read(_text(entry, frame, shape))
    old = before.queue.find("alpha")
    assert old is not None
    done = apply(before, [Complete(label="alpha", at=NOW)], read, ZONE)
    back = apply(done, [Reopen(label="alpha")], read, ZONE).queue.find("alpha")
    assert back is not None
    assert back.is_active
    assert (back.name, back.priority, back.criteria, back.description, back.checked) == (
        old.name,
        old.priority,
        old.criteria,
        old.description,
        False,
    )
