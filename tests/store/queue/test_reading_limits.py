"""Every limit of the reading side, asked at the last value within it and at the first beyond."""

from __future__ import annotations

from datetime import UTC

from autobuilds.store.front_matter import MAX_BLOCK, MAX_FILE, read_front_matter
from autobuilds.store.markdown.blocks import parse_blocks
from autobuilds.store.markdown.inline import MAX_INLINE, pieces, plain_text
from autobuilds.store.markdown.second_opinion import Disagreement, our_marks, second_opinion, their_marks
from autobuilds.store.queue.document import Document
from autobuilds.store.queue.ideas import read_ideas
from autobuilds.store.queue.nearest import MOST
from autobuilds.store.queue.reader import read_queue

ACTIVE = "## Active Queue\n"


def read(text: str) -> Document:
    return read_queue(text.encode(), zone=UTC)


def opinion(text: str) -> tuple[Disagreement, ...]:
    return second_opinion(parse_blocks(text))


def test_inline_markdown_of_a_very_long_text_is_text() -> None:
    assert MAX_INLINE == 100_000
    for length, found in ((MAX_INLINE, 1), (MAX_INLINE + 1, 0)):
        text = "`x`" + "y" * (length - 3)
        assert len(pieces(text)) == found
        assert plain_text(text).startswith("xyy" if found else "`x`yy")


def test_so_many_ideas_of_so_many_characters() -> None:
    rows = [f"- idea {n}" for n in range(1, 60)]
    found = read_ideas(read("## Ideas\n" + "\n".join(rows) + "\n"))
    assert [one.line for one in found] == list(range(2, 52))
    for length in (199, 200, 201, 300):
        (one,) = read_ideas(read(f"## Ideas\n- {'x' * length}\n"))
        assert one.text == "x" * min(length, 200)


def test_names_of_sections_of_ideas_and_their_ends() -> None:
    for name in (
        "Ideas",
        "idea",
        "BACKLOG",
        "Someday",
        "Someday/maybe",
        "Later",
        "Wishlist",
        "💡 Ideas!",
        "**Ideas**",
        "Ideas ##",
        "Ideas:",
    ):
        for level in (1, 3, 6):
            assert [one.text for one in read_ideas(read(f"{'#' * level} {name}\n- a\n"))] == ["a"], name
    for name in ("My ideas", "Some day", "Laters", "2 ideas of mine", "Ideasx"):
        assert read_ideas(read(f"## {name}\n- a\n")) == ()
    for text, found in {
        "## Ideas\n- a\n### More\n- b\n## Other\n- c\n": "ab",
        "## Ideas\n- a\n# Other\n- c\n### Ideas\n- d\n": "ad",
        "### Ideas\n- a\n#### Other\n- b\n### X\n- c\n": "ab",
        "## Ideas\n- a\n  - no\n- b\n   - no\n": "ab",
        "## Ideas\n  - a\n    - no\n   - b\n - c\n  - d\n   - no\n": "abcd",
        "## Ideas\n- a\n ### X\n  - b\n": "ab",
        "## Ideas\n```\n- no\n~~~\n```\n- a\n": "a",
        "## Ideas\n````x\n- no\n```\n- no\n`````\n- a\n": "a",
        "## Ideas\n~~~\n- no\n```\n~~~ \n- a\n": "a",
        "```\n## Ideas\n```\n- no\n": "",
        "## Ideas\n1. a\n2) b\n* c\n+ d\n- [ ] e\n- [x] f\n-g\n- \n": "abcdef",
        "## Ideas\r\n- a\r\n- b\r\n": "ab",
        "## Ideas\r- a\r- b": "ab",
        "- no\n## Ideas\ntext\n- `a`\n": "a",
        "   ## Ideas\n- a\n    ## Other\n- b\n": "ab",
    }.items():
        assert "".join(one.text for one in read_ideas(read(text))) == found, text


def test_another_opinion_is_asked_for_texts_of_some_length() -> None:
    odd = "> - q\n## Head\n\n"
    for length, found in ((200_000, [2]), (200_001, [])):
        assert [one.line for one in opinion(odd + "y" * (length - len(odd)))] == found


def test_so_many_differences_are_aligned() -> None:
    odd = "> - q\n## Head\n\n"
    for count, lines in ((598, [2, 1201]), (599, [2])):
        text = odd + "".join(f"- {n}\n\n" for n in range(count)) + odd
        assert [one.line for one in opinion(text)] == lines, count


def test_items_deeper_than_four_are_not_compared() -> None:
    deep = "".join(f"{'  ' * depth}- [ ] {depth}\n" for depth in range(6))
    assert [(mark.kind, mark.depth, mark.text, mark.line) for mark in our_marks(parse_blocks(deep))] == [
        ("box", depth + 1, str(depth), depth + 1) for depth in range(4)
    ]
    assert [mark.key for mark in our_marks(parse_blocks(deep))] == [mark.key for mark in their_marks(deep)]
    assert {mark.line for mark in their_marks(deep)} == {0}
    assert second_opinion(parse_blocks("a"), 2) == ()


def test_hints_are_given_for_the_first_wrong_names() -> None:
    assert MOST == 10
    heads = "### Fooo\n" * 11
    found = [one.message for one in read(f"{ACTIVE}- [ ] Foo\n\n## Task Details\n{heads}\n## Completed\n").queue.problems]
    assert ["did you mean" in message for message in found] == [True] * 10 + [False]
    names = ", ".join(f"fooo {sign}" for sign in "abcdefghijkl")
    found = [
        one.message
        for one in read(f"{ACTIVE}- [ ] Fooo\n- [ ] B - Depends On: {names}\n\n## Task Details\n\n## Completed\n").queue.problems
    ]
    assert ["did you mean" in message for message in found] == [True] * 10 + [False] * 2


def test_lines_of_tasks_with_one_label() -> None:
    for count, where in (
        (2, "at lines 2 and 3;"),
        (3, "at lines 2, 3 and 4;"),
        (5, "at lines 2, 3, 4, 5 and 6;"),
        (6, "at lines 2, 3, 4, 5 and 2 more;"),
        (7, "at lines 2, 3, 4, 5 and 3 more;"),
    ):
        found = read(ACTIVE + "- [ ] Foo\n" * count + "\n## Task Details\n\n## Completed\n").queue.problems
        assert [(one.line, one.column, one.kind) for one in found] == [(n + 2, 7, "duplicate") for n in range(count)]
        assert all(where in one.message for one in found), found[0].message


def test_a_key_alone_is_looked_for_in_short_lines() -> None:
    for gap, found in ((21, ["near-miss"]), (22, [])):
        text = f"{ACTIVE}- [ ] Foo\n  - Completion{' ' * gap}Criteria\n    - a\n\n## Task Details\n\n## Completed\n"
        assert [one.kind for one in read(text).queue.problems] == found


def test_front_matter_of_some_length() -> None:
    assert (MAX_BLOCK, MAX_FILE) == (16 * 1024, 1024 * 1024)
    for length, found in ((MAX_BLOCK, []), (MAX_BLOCK + 1, [(1, 1, "front-matter")])):
        text = "---\na: " + "x" * (length - 3) + "\n---\nbody\n"
        read_ = read_front_matter(text.encode(), "HEARTBEAT.md")
        assert [(one.line, one.column, one.kind) for one in read_.problems] == found
        assert bool(read_.fields) is not bool(found)
    for length, count in ((MAX_FILE, 0), (MAX_FILE + 1, 1)):
        read_ = read_front_matter(b"x" * length, "HEARTBEAT.md")
        assert [(one.line, one.column, one.kind) for one in read_.problems] == [(1, 1, "front-matter")] * count


def test_front_matter_of_some_depth() -> None:
    for depth, found in ((6, []), (7, [(2, 11, "front-matter")]), (20, [(2, 11, "front-matter")])):
        text = f"---\na: {'[' * depth}x{']' * depth}\n---\n"
        assert [(one.line, one.column, one.kind) for one in read_front_matter(text.encode(), "HEARTBEAT.md").problems] == found, depth


def test_bytes_that_are_no_text() -> None:
    for data, place in (
        (b"\xff", (1, 1)),
        (b"ab\xff", (1, 3)),
        (b"a\r\nb\rc\n\xc3\xa9d\xff", (4, 3)),
        (b"\xef\xbb\xbfa\n\xff", (2, 1)),
        (b"\xef\xbb\xbf\xff\xfe", (1, 1)),
        (b"a\nb\xc3", (2, 2)),
        (b"\xef\xbb\xbfab\n\xe2\x82", (2, 1)),
    ):
        document = read_queue(data, zone=UTC)
        (one,) = document.queue.problems
        assert (one.line, one.column, one.kind, one.severity, one.label) == (*place, "not-utf8", "error", None), data
        assert document.queue.fatal
        assert document.queue.counts is not None
        assert (document.queue.counts.problems, document.queue.counts.items, document.text) == (1, 1, "")
        assert document.bom is data.startswith(b"\xef\xbb\xbf")
        bad = data[3:] if document.bom else data
        shown = (
            next(byte for byte in bad if byte > 0x7F and byte not in {0xC3, 0xA9})
            if b"\xff" in bad
            else bad[-1]
            if bad[-1] == 0xC3
            else 0xE2
        )
        assert f"(byte 0x{shown:02x})" in one.message, data
    for data, place in ((b"\xff", (1, 1)), (b"a\r\nb\r\xc3\xa9\xff", (3, 3)), (b"a\n\xff", (2, 1))):
        found = read_front_matter(data, "HEARTBEAT.md").problems
        assert [(one.line, one.column, one.kind) for one in found] == [(*place, "not-utf8")]
    for text, place in (("\0", (1, 1)), ("a\n\nb\0c\0", (3, 2)), ("---\na: b\n---\r\nx\r\0\n", (5, 1))):
        found = read_front_matter(text.encode(), "HEARTBEAT.md").problems
        assert [(one.line, one.column, one.kind) for one in found] == [(*place, "nul-bytes")]


def test_an_empty_file_that_held_tasks_was_half_written() -> None:
    for data, had, fatal in ((b"", True, True), (b" \n\t", True, True), (b"", False, False), (b"x", True, False)):
        queue = read_queue(data, zone=UTC, had_tasks=had).queue
        assert queue.fatal is fatal
        assert [(one.line, one.column, one.kind) for one in queue.problems if one.kind != "missing-section"] == (
            [(1, 1, "half-written")] if fatal else []
        )
    (one,) = read_queue(b"a\nb\0", zone=UTC, file="X.md").queue.problems
    assert (one.file, one.line, one.column, one.kind) == ("X.md", 2, 2, "nul-bytes")


def test_the_file_of_a_problem_is_the_one_that_was_read() -> None:
    for text in ("x\n", f"{ACTIVE}- [ ] Foo - Priority: hgih\n\n## Task Details\n\n## Completed\n", "```\n## Completed\n"):
        for had in (True, False):
            queue = read_queue(text.encode(), zone=UTC, file="OTHER.md", had_tasks=had).queue
            assert {one.file for one in queue.problems} == {"OTHER.md"}
    (one,) = read_queue(b"\xff", zone=UTC, file="OTHER.md").queue.problems
    assert one.file == "OTHER.md"
