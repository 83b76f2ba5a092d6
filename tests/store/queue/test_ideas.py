"""Ideas under a heading of their own: read as they stand, and never as tasks."""

from __future__ import annotations

from datetime import UTC

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from autobuilds.store.queue.ideas import Idea, read_ideas
from autobuilds.store.queue.reader import read_queue

HEAD = "# Queue\n\n## Active Queue\n- [ ] A task\n\n"


def ideas(text: str) -> list[tuple[str, int]]:
    return [(idea.text, idea.line) for idea in read_ideas(read_queue(text.encode(), zone=UTC))]


@pytest.mark.parametrize("heading", ["## Ideas", "## 💡 Ideas:", "### Backlog", "## Someday / Maybe", "## *Later*", "# Wishlist ##"])
def test_headings_that_are_meant(heading: str) -> None:
    assert ideas(f"{HEAD}{heading}\n- One **bold** idea\n") == [("One bold idea", 7)]


@pytest.mark.parametrize("heading", ["## Notes", "## Ideas that failed", "Ideas", "## Completed"])
def test_headings_that_are_not(heading: str) -> None:
    assert ideas(f"{HEAD}{heading}\n- One\n") == []


@pytest.mark.parametrize("newline", ["\n", "\r\n", "\r"])
def test_what_is_an_idea(newline: str) -> None:
    text = f"{HEAD}## Ideas\nSome words.\n- One\n  - more of it\n* [ ] Two\n1. Three\n```\n- code\n```\n~~~~\n- code\n~~~\n- code\n~~~~\n#### Deeper\n- Four\n\n## Completed\n- [x] Done\n"
    assert [said for said, _ in ideas(text.replace("\n", newline))] == ["One", "Two", "Three", "Four"]


def test_there_is_an_end_to_it() -> None:
    text = HEAD + "## Ideas\n" + "".join(f"- {'x' * 500}{n}\n" for n in range(90))
    found = ideas(text)
    assert (len(found), {len(said) for said, _ in found}) == (50, {200})


@settings(max_examples=60)
@given(st.text(alphabet="#-*[]x `~\n\rIdeas", max_size=80))
def test_no_text_breaks_it(text: str) -> None:
    found = read_ideas(read_queue((HEAD + "## Ideas\n" + text).encode(), zone=UTC))
    assert all(isinstance(idea, Idea) and "\n" not in idea.text for idea in found)
