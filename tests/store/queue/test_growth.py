"""Reading takes as many steps as there is text, whatever its shape; steps are counted, as a clock tells the machine's load."""

from __future__ import annotations

import sys
from collections.abc import Callable
from datetime import UTC

import pytest
from benchmarks.reader import queue_text

from autobuilds.store.queue.reader import read_queue, read_thoroughly
from tests.counting import calls


def _lines(work: Callable[[], object]) -> int:
    """Return how many lines of Python some work runs."""
    count = 0

    def see(_frame: object, event: str, _arg: object) -> object:
        nonlocal count
        count += event == "line"
        return see

    before = sys.gettrace()
    sys.settrace(see)  # type: ignore[arg-type]
    try:
        work()
    finally:
        sys.settrace(before)
    return count


def _tasks(size: int, details: Callable[[int], str] = lambda number: "", part: str = "") -> str:
    head = "".join(f"- [ ] some task {number}{part}\n" for number in range(size))
    return f"## Active Queue\n{head}## Task Details\n{''.join(map(details, range(size)))}## Completed\n"


#: Texts by what is many in them, for a number of it. They grow with that number but for those nested, whose indentation does.
SHAPES: dict[str, Callable[[int], str]] = {
    "tasks": queue_text,
    "headings": lambda size: "".join(f"# h{n}\n" for n in range(size)),
    "headings of other sections": lambda size: _tasks(1) + "".join(f"## h{n}\n" for n in range(size)),
    "details of no task": lambda size: _tasks(size, lambda n: f"### wrong name {n}\n- **Notes:** x\n"),
    "groups in groups": lambda size: _tasks(1) + "## Task Details\n" + "### g\n#### x\n##### y\n###### z\n" * size,
    "unknown dependencies": lambda size: _tasks(size, part=" - Depends On: nobody"),
    "one label": lambda size: "## Active Queue\n" + "- [ ] same\n" * size,
    "leaning numbers": lambda size: "## Active Queue\n1. a\n" + "  2. x\n" * size,
    "unknown priorities": lambda size: _tasks(size, part=" - Priority: hgih"),
    "approvals": lambda size: _tasks(size, lambda n: f"### some task {n}\n- **Approved:** yes\n"),
    "pieces that are not plain": lambda size: _tasks(size, lambda n: f"### some task {n}\n- **Owner:** me\n"),
}


@pytest.mark.parametrize("shape", SHAPES)
def test_reading_grows_with_the_text(shape: str) -> None:
    few, many = (SHAPES[shape](size).encode() for size in (20, 200))
    read_queue(few, zone=UTC)
    counts = [calls(lambda data=data: read_queue(data, zone=UTC)) for data in (few, many)]  # type: ignore[misc]
    assert counts[1] <= 12 * counts[0]


@pytest.mark.parametrize("mark", ["- [ ] a", "> a", "1. a"])
def test_what_is_nested_deeply_takes_few_steps_for_a_character(mark: str) -> None:
    """Most of such a text is indentation, which every container that a line continues might look at anew."""
    data = ("## Active Queue\n" + "".join(" " * 3 * level + f"{mark}\n" for level in range(150))).encode()
    assert _lines(lambda: read_queue(data, zone=UTC)) <= 15 * len(data)


def test_a_plain_task_takes_few_calls() -> None:
    """The 13 lines of a task with four criteria are one piece: no line, and no value, is looked at before it is asked for."""
    data = queue_text(100).encode()
    read_queue(data, zone=UTC)
    assert calls(lambda: read_queue(data, zone=UTC)) < 60 * 100
    thorough = calls(lambda: read_thoroughly(data, data.decode(), UTC, "BUILD_QUEUE.md", bom=False))
    assert thorough > 180 * 100
