"""The block layer against markdown-it-py (CommonMark's rules, exact lines) and mistune (structure)."""

# ruff: noqa: SIM905 - rows of sample text read better as one string
from __future__ import annotations

import sys

from hypothesis import strategies as st

from autobuilds.store.markdown.blocks import parse_blocks
from tests.examples import for_all, swept
from tests.store.markdown.referees import markdown_it, mistune_shapes, ours, starts

CASES = (
    "# a\n\n## b ##\n###c\n",
    "a\n===\nb\n---\n\n---\n",
    "- a\n- b\n\n  c\n- d\n",
    "1. a\n  - b\n   - c\n",
    "- a\n  ```\n  - [ ] x\n  ```\n",
    "- a\n  ```\n  x\n## b\n",
    "```\n## a\n",
    "~~~ x\n```\n~~~\n",
    "    code\n\n    more\ntext\n    lazy\n",
    "- a\n\n      code\n",
    "> a\nb\n> - c\nd\n",
    "<!-- a\n\n# b -->\nc\n",
    "<div>\n- a\n\n- b\n</div>\n",
    "<pre>\n\n# a\n</pre>\n",
    "a\n<b>\n- c\n",
    "<b>\n- c\n\n- d\n",
    "-\n  a\n-\n\n  b\n",
    "\t- a\n\t\t- b\n",
    "-\ta\n\n\tb\n",
    "10) a\n11) b\n12. c\n",
    "a\n2. b\n1. c\n",
    "a\n-\n- \nb\n",
    "- a\n---\n- b\n***\n",
    "* * *\n+ a\n* b\n",
    "- a\n -b\n - c\n  - d\n   - e\n    - f\n",
)

well_formed = st.lists(
    st.sampled_from(
        (
            "# T|## Active Queue|### Group|- [ ] A|- [x] B - Priority: High|* c|1. d|2. e|  - f|    - g|   - h|text|more text|  wrapped|||"
            "```sh\nmake\n```|  ```\n  in\n  ```|~~~\n- [ ] x\n~~~|<!-- c -->|<!--\n- [ ] x\n-->|<details>\n\n- i\n\n</details>|> q\n> - r|---|***|Head\n====|    code"
        ).split("|")
    ),
    max_size=14,
).map("\n".join)


def test_hand_made_cases() -> None:
    for case in CASES:
        for text in (case, case.rstrip("\n"), case.replace("\n", "\r\n"), case.replace("\n", "\r")):
            assert ours(text) == markdown_it(text), text


@swept(150, 500)
def test_as_commonmark(examples: int) -> None:
    @for_all(examples, well_formed)
    def _(text: str) -> None:
        assert ours(text) == markdown_it(text)


simple = st.lists(
    st.sampled_from(
        "# T|## Active Queue|- [ ] A|- [x] B - Priority: High|  - f|  - **Key:** v|text||```sh\nmake\n```|<!-- c -->|> q|***".split("|")
    ),
    max_size=12,
).map(lambda parts: "\n\n".join(parts))


@swept(100, 300)
def test_as_mistune(examples: int) -> None:
    @for_all(examples, simple)
    def _(text: str) -> None:
        assert starts_only_kinds(ours(text)) == mistune_shapes(text)


def starts_only_kinds(shapes: object) -> object:
    return [(kind, starts_only_kinds(children)) for kind, _, _, children in shapes]  # type: ignore[attr-defined]


@swept(150, 500)
def test_lines_cover_the_text(examples: int) -> None:
    @for_all(examples, st.text(alphabet="-*+>#`~<!=[]()| \t\nax1.\r\x0c\u2028", max_size=120))
    def _(text: str) -> None:
        blocks = parse_blocks(text)
        rebuilt = "".join(text[blocks.starts[n] : blocks.starts[n + 1]] for n in range(len(blocks.ends)))
        assert rebuilt == text
        last = 0
        for block in blocks.root.walk():
            assert block.first <= block.last
            if block.parent is not None and block.kind != "definition":
                assert block.parent.first <= block.first
                assert block.last <= max(block.parent.last, block.last)
        for child in blocks.root.children:
            assert child.first >= last
            last = child.last


def test_starts_are_kinds_and_lines() -> None:
    assert starts(ours("- a\n")) == [("list", 0, [("item", 0, [("paragraph", 0, [])])])]


HOSTILE = (
    "> " * 400,
    "- " * 400,
    "[" * 400,
    "`" * 7 + "a`" * 200,
    "<!--" * 100,
    "* " * 300 + "a",
    "1. " * 300,
    "\t" * 300 + "- a",
    "|-" * 200,
    "a\n" * 100,
    "- a\n\n" * 100,
)


def test_work_grows_with_length_alone() -> None:
    """Ten times the text takes about ten times the calls, however odd; a quadratic pass would take a hundred."""
    for piece in HOSTILE:
        assert calls((piece * 3 + "\n") * 10) < 14 * calls(piece * 3 + "\n") + 2000, piece[:12]


def calls(text: str) -> int:
    count = 0

    def tick(frame: object, event: str, arg: object) -> None:
        nonlocal count
        count += 1

    sys.setprofile(tick)
    try:
        parse_blocks(text)
    finally:
        sys.setprofile(None)
    return count
