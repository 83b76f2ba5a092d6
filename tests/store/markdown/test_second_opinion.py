"""Mistune's reading beside ours: silent where readers agree, exact where they part."""

from __future__ import annotations

import time

from hypothesis import given, settings
from hypothesis import strategies as st

from autobuilds.store.markdown.blocks import parse_blocks
from autobuilds.store.markdown.second_opinion import Disagreement, our_marks, second_opinion, their_marks
from tests.examples import for_all, swept

PIECES = (
    "# T|## Active Queue|### Group|- [ ] A|- [x] B - Priority: High\n- [ ] b|* c|1. d\n2. e|- f\n  - [ ] g\n    - h|text|more\nwrapped text|"
    "```sh\nmake\n```|- i\n  ```\n  - [ ] in\n  ```|~~~\n- [ ] x\n~~~|<!-- - [ ] c -->|<!--\n- [ ] x\n-->|<details>\n\n- i\n\n</details>|> q\n> - r|"
    "***|Head\n====|Head\n----|    code|[ref]: http://x.y|- **Description:** [ref] and `code`\n- **Steps:**\n  1. [ ] one\n  2. two"
)
separate = st.lists(st.sampled_from(PIECES.split("|")), max_size=14).map(lambda parts: "\n\n".join(parts) + "\n")


def opinion(text: str) -> tuple[Disagreement, ...]:
    return second_opinion(parse_blocks(text))


@swept(120, 400)
def test_well_formed_text_is_read_alike(examples: int) -> None:
    @for_all(examples, separate)
    def _(text: str) -> None:
        assert opinion(text) == ()
        assert [mark.key for mark in our_marks(parse_blocks(text))] == [mark.key for mark in their_marks(text)]


@given(separate)
@settings(max_examples=50, deadline=None)
def test_line_ends_change_nothing(text: str) -> None:
    assert opinion(text.replace("\n", "\r\n")) == opinion(text.replace("\n", "\r")) == ()


def test_marks_tell_kind_depth_and_text() -> None:
    marks = list(their_marks("## Two\n\n- [ ] a b\n  - [x] c\n- d\n"))
    assert [mark.key for mark in marks] == [("heading", 2, "Two"), ("box", 1, "ab"), ("tick", 2, "c"), ("item", 1, "d")]


def test_a_heading_that_a_quotation_swallows() -> None:
    text = "- [ ] One\n\n> - quoted\n## Completed\n\n- [x] Two\n"
    assert opinion(text) == (Disagreement(line=4, ours="a heading of level 2", theirs="text"),)


def test_a_task_that_an_underline_makes_a_heading() -> None:
    found = opinion("- [ ] One\n\n- [ ] Two\nmore\n===\n\n- [ ] Three\n")
    assert [one.line for one in found] == [3]
    assert found[0].ours == "a box"


def test_front_matter_is_not_looked_at() -> None:
    text = "---\na: b\n---\n- [ ] One\n"
    blocks = parse_blocks(text, 3)
    assert second_opinion(blocks, 3) == ()


def test_lines_are_those_of_the_whole_file() -> None:
    text = "---\na: b\n---\n> - q\n## Head\n"
    assert [one.line for one in second_opinion(parse_blocks(text, 3), 3)] == [5]


HOSTILE = (
    "> " * 400,
    "- " * 400,
    "* " * 300 + "a",
    "1. " * 300,
    "[" * 400,
    "`" * 7 + "a`" * 200,
    "<!--" * 100,
    "[a](" * 100,
    "- a\n\n" * 80,
)


def test_hostile_text_takes_bounded_time() -> None:
    for piece in HOSTILE:
        begin = time.process_time()
        opinion((piece + "\n") * 20)
        assert time.process_time() - begin < 3, piece[:12]


def test_a_very_long_text_gets_none() -> None:
    assert opinion("> - q\n## Head\n" * 20_000) == ()


def test_many_differences_are_told_by_their_first() -> None:
    found = opinion("> - q\n## Head\n\n" * 1000)
    assert [one.line for one in found] == [2]
