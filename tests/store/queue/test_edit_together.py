"""Many tasks added at once stand as if each had been added alone, and take as few readings as two."""

from __future__ import annotations

from collections.abc import Callable
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from autobuilds.errors import AutobuildsError
from autobuilds.store.queue.document import Document
from autobuilds.store.queue.edit import apply, first_refused
from autobuilds.store.queue.operations import Add, NewTask
from autobuilds.store.queue.reader import read_queue
from tests.counting import calls

ZONE = ZoneInfo("Europe/Berlin")

_DETAILS = "## Task Details\n### one\n- **Description:** d\n\n### two\n- **Description:** e\n\n"
_MANY = "".join(f"- [ ] task {n} - Priority: Low\n" for n in range(80))
#: Files by their habit.
SHAPES = {
    "empty": "",
    "a title": "# Build Queue\n",
    "no final line end": "## Active Queue\n- [ ] one",
    "sections without tasks": "## Active Queue\n\n## Task Details\n\n## Completed\n",
    "documented": f"## Active Queue\n- [ ] one\n- [ ] two\n\n{_DETAILS}## Completed\n- [x] old\n",
    "details last": f"## Active Queue\n- [ ] one\n- [ ] two\n\n## Completed\n- [x] old\n\n{_DETAILS}",
    "loose": "## Active Queue\n\n- [ ] one\n\n- [ ] two\n\n## Completed\n\n- [x] old\n\n- [x] older\n",
    "numbered": "## Active Queue\n1. [ ] one\n2. [ ] two\n\n## Completed\n1. [x] old\n2. [x] older\n",
    "some number all alike": "## Active Queue\n1. [ ] one\n1. [ ] two\n",
    "one with a number": "## Active Queue\n7) [ ] one\n\n## Completed\n3) [x] old\n",
    "nested": "## Active Queue\n- [ ] one\n  - **Description:** d\n- [ ] two\n  - **Notes:** e\n",
    "nested and numbered": "## Active Queue\n8. [ ] one\n   - Description: d\n9. [ ] two\n   - Notes: e\n",
    "indented": "## Active Queue\n  * [ ] one\n  * [ ] two\n",
    "carriage returns": f"## Active Queue\n- [ ] one\n- [ ] two\n\n{_DETAILS}".replace("\n", "\r\n"),
    "a completed namesake": "## Active Queue\n- [ ] one\n\n## Completed\n- [x] plain 3\n- [x] plain 5\n",
    "large": f"## Active Queue\n{_MANY}\n{_DETAILS}## Completed\n- [x] old\n",
    "large and numbered": "## Active Queue\n" + "".join(f"{n}. [ ] task {n} - Priority: Low\n" for n in range(1, 80)),
}


def read(data: bytes) -> Document:
    return read_queue(data, zone=ZONE)


def task(n: int, name: str = "", *, done: bool = False) -> Add:
    more = {"description": f"What {n} means.", "criteria": ("It works",)} if n % 3 else {}
    return Add(task=NewTask(name=name or f"plain {n}", done=done, **more))  # type: ignore[arg-type]


def singly(text: str, tasks: list[Add]) -> str:
    document = read(text.encode())
    for one in tasks:
        document = apply(document, [one], read, ZONE)
    return document.text


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("done", [lambda _: False, lambda _: True, lambda n: n % 4 == 1], ids=["open", "done", "both"])
def test_they_stand_as_if_added_one_by_one(shape: str, done: Callable[[int], bool]) -> None:
    tasks = [task(n, done=done(n) and shape != "a completed namesake") for n in range(9)]
    text = SHAPES[shape]
    assert apply(read(text.encode()), tasks, read, ZONE).text == singly(text, tasks)


_NAMES = st.sampled_from(
    ["", "", "", "Fix *this* now", "snake_case", "a `b` c", "<!-- x", "[link](y)", "# head", "~~~", "1. x", "p: <b>", "*"]
)


@settings(max_examples=15, deadline=None)
@given(shape=st.sampled_from(["documented", "loose", "nested", "numbered", "large"]), names=st.lists(_NAMES, min_size=2, max_size=8))
def test_odd_names_are_read_as_given_among_others(shape: str, names: list[str]) -> None:
    tasks = [task(n, f"{name} {n}" if name else "") for n, name in enumerate(names)]
    text = SHAPES[shape]
    try:
        expected = read(singly(text, tasks).encode()).queue.tasks
    except AutobuildsError as refusal:
        found = first_refused(read(text.encode()), tasks, read, ZONE)
        assert found is not None
        assert str(found[1]) == str(refusal)
        return
    document = apply(read(text.encode()), tasks, read, ZONE)
    assert [(one.label, one.name, one.description) for one in document.queue.tasks] == [
        (one.label, one.name, one.description) for one in expected
    ]


def test_the_one_that_is_refused_is_found() -> None:
    tasks = [task(n) for n in range(40)]
    wrong = [*tasks[:30], Add(task=NewTask(name="holds nothing", criteria=("",))), *tasks[30:], task(3)]
    found = first_refused(read(b"## Active Queue\n"), wrong, read, ZONE)
    assert found is not None
    assert found[0] == 30
    found = first_refused(read(b"## Active Queue\n"), [*tasks, task(3), task(4)], read, ZONE)
    assert found is not None
    assert found[0] == 40
    assert first_refused(read(b"## Active Queue\n"), tasks, read, ZONE) is None


@pytest.mark.parametrize("shape", ["empty", "documented", "nested", "numbered", "large"])
@pytest.mark.parametrize("odd", ["", "Fix *this* now"])
def test_many_take_as_many_readings_as_ten(shape: str, odd: str) -> None:
    counts = [_readings(SHAPES[shape], [task(n, f"{odd} {n}" if odd and n % 7 == 0 else "") for n in range(size)]) for size in (10, 100)]
    assert counts[1] <= counts[0] + 1  # from some size on a view is made
    assert counts[1] <= 12


def _readings(text: str, tasks: list[Add]) -> int:
    count = 0

    def counted(data: bytes) -> Document:
        nonlocal count
        count += 1
        return read(data)

    apply(read(text.encode()), tasks, counted, ZONE)
    return count


def test_steps_grow_with_the_number_of_tasks() -> None:
    text = SHAPES["documented"].encode()
    few, many = ([task(n) for n in range(size)] for size in (20, 200))
    apply(read(text), few, read, ZONE)
    counts = [calls(lambda tasks=tasks: apply(read(text), tasks, read, ZONE)) for tasks in (few, many)]  # type: ignore[misc]
    assert counts[1] <= 11 * counts[0]
