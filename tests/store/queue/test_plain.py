"""The quick way through a queue against the thorough one, on many random queues, and what it leaves for later."""

from __future__ import annotations

import copy
import pickle
from dataclasses import FrozenInstanceError, fields, replace
from random import Random
from zoneinfo import ZoneInfo

import pytest
from benchmarks.reader import queue_text

from autobuilds.domain.labels import slugify, slugify_all
from autobuilds.domain.model import Queue, Task
from autobuilds.store.queue.plain import read_plain
from autobuilds.store.queue.reader import read_queue, read_thoroughly

from .queues import NAMES, queue

ZONE = ZoneInfo("America/Chicago")


def thorough(text: str) -> Queue:
    return read_thoroughly(text.encode(), text, ZONE, "BUILD_QUEUE.md", bom=False).queue


def _agree(seeds: range) -> int:
    """Return how many of the queues were read the quick way; each as the thorough way reads it."""
    quick = 0
    for seed in seeds:
        text = queue(Random(seed))
        found = read_plain(text, ZONE, thorough)
        if found is not None:
            quick += 1
            assert found == thorough(text), f"seed {seed}:\n{text}"
    return quick


def test_both_ways_agree_on_random_queues() -> None:
    assert _agree(range(400)) > 80


@pytest.mark.slow
def test_both_ways_agree_on_many_random_queues() -> None:
    assert _agree(range(1000, 7000)) > 1200


def _one(text: str) -> Task:
    found = read_plain(text, ZONE, thorough)
    assert found is not None
    return found.tasks[0]


TEXT = queue_text(3) + "- [x] Old - Priority: High - Completed: 2026-01-01\n"


@pytest.mark.parametrize("name", [field.name for field in fields(Task)])
def test_any_field_may_be_the_first_that_is_asked_for(name: str) -> None:
    assert getattr(_one(TEXT), name) == getattr(thorough(TEXT).tasks[0], name)


def test_a_task_that_waits_is_as_frozen_and_whole_as_any() -> None:
    whole = thorough(TEXT).tasks[0]
    assert replace(_one(TEXT), notes="x") == replace(whole, notes="x")
    assert copy.copy(_one(TEXT)) == whole
    assert pickle.loads(pickle.dumps(_one(TEXT))) == whole
    assert hash(_one(TEXT)) == hash(whole)
    assert repr(_one(TEXT)) == repr(whole)
    with pytest.raises(FrozenInstanceError):
        _one(TEXT).name = "x"  # type: ignore[misc]
    with pytest.raises(AttributeError, match="nothing"):
        _one(TEXT).nothing  # type: ignore[attr-defined]  # noqa: B018


def test_the_common_spellings_need_no_thorough_reading() -> None:
    nested = (
        "- [ ] Foo - Added: 2026-02-06\n  - **Description:** x\n  - **Steps:**\n    ```sh\n    # a comment\n    make\n    ```\n"
        "- [ ] Bar\n- [ ] Qux\n  - **Steps:** `make all`\n- [ ] Baz\n\n"
    )
    details = (
        "### Bar\n\n- **Category:** Docs\n- **Description:** y\n- **Depends On:** Foo, [[Baz]]\n- **Approved:** yes\n\n"
        "### Baz\n- **Depends On:** Bar\n- **Approved:** true\n- **Steps:** make\n- **Notes:** n\n\n---\n\n"
    ).replace("- **Approved:** yes\n", "")
    text = f"## Active Queue\n{nested}## Task Details\n{details}## Completed\n"

    def never(piece: str) -> Queue:
        raise AssertionError(piece)

    found = read_plain(text, ZONE, never)
    assert found == thorough(text)


def test_problems_of_a_piece_are_told_with_the_lines_of_the_file() -> None:
    text = TEXT.replace("Priority: ", "Priority: x", 1).replace("hours\n", "parsecs\n", 1)
    found = read_plain(text, ZONE, thorough)
    assert found is not None
    assert found.problems == thorough(text).problems
    assert len(found.problems) == 2


def test_crlf_is_read_the_quick_way_too() -> None:
    assert read_queue(TEXT.replace("\n", "\r\n").encode(), zone=ZONE).queue == thorough(TEXT)


def test_labels_of_many_names_are_those_of_each() -> None:
    odd = ["", "-", "--a--", "CON", "x" * 80, "a'b", "!?", "a  b", "é", "-x", "x-"]
    for names in ([], [""], odd, odd[:8], list(NAMES), [*odd, *NAMES]):
        assert slugify_all(names) == [slugify(name) for name in names]


@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
def test_a_link_is_known_by_its_definition_whatever_ends_the_lines(end: str) -> None:
    text = "## Active Queue\n- [ ] A [x]\n\n  [x]: /u\nlazy\n"
    assert read_queue(text.replace("\n", end).encode(), zone=ZONE).queue == thorough(text)
    assert read_queue(text.replace("\n", end).encode(), zone=ZONE).queue.tasks[0].name == "A x"


@pytest.mark.parametrize("opened", ["- ```\n  x", "> ~~~", "1. <!-- x", "- > <pre>", "```\nx\n```", "text <b>", "| a |"])
@pytest.mark.parametrize("place", ["{}\n## Active Queue\n", "## Active Queue\n- [ ] A\n\n## Notes\n{}\n"])
def test_what_is_left_open_outside_the_sections_is_told_of(opened: str, place: str) -> None:
    text = place.format(opened) + "## Task Details\n\n## Completed\n"
    assert read_queue(text.encode(), zone=ZONE).queue == thorough(text)
    assert read_plain(text, ZONE, thorough) is None
