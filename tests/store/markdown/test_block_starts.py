"""Every way in which a block begins or ends, at its limits, against markdown-it-py where it reads the same rules."""

# ruff: noqa: SIM905 - rows of sample text read better as one string

from __future__ import annotations

from typing import Final

from autobuilds.store.markdown.blocks import MAX_DEPTH, parse_blocks
from autobuilds.store.markdown.starts import html_start, is_table, skip_definitions, table_row
from autobuilds.store.markdown.tree import split_lines
from tests.store.markdown.referees import markdown_it, ours, starts

#: The tags of CommonMark's sixth rule.
TAGS: Final = (
    "address article aside base basefont blockquote body caption center col colgroup dd details dialog dir div dl dt fieldset figcaption "
    "figure footer form frame frameset h1 h2 h3 h4 h5 h6 head header hr html iframe legend li link main menu menuitem nav noframes ol "
    "optgroup option p param search section summary table tbody td tfoot th thead title tr track ul"
).split(" ")


def kinds(text: str) -> list[str]:
    """Return the kinds of the outermost blocks."""
    return [block.kind for block in parse_blocks(text).root.children]


def rule(text: str, *, paragraph: bool = False) -> int:
    """Return the rule by which a line begins HTML."""
    return html_start(text, 0, len(text), paragraph=paragraph)


def test_every_block_tag_begins_html_even_under_a_paragraph() -> None:
    for tag in TAGS:
        for line in (f"<{tag}>", f"</{tag}>", f"<{tag} x", f"<{tag.upper()}/>", f"<{tag}", f"<{tag}\tx", f"<{tag}>text"):
            assert rule(line, paragraph=True) == 6, line
            assert kinds(f"text\n{line}\n# not\n\n# yes") == ["paragraph", "html", "heading"], line
        for line in (f"<{tag}-x", f"<{tag}x", f"< {tag}>", f"<{tag}/", f"<{tag}."):
            assert rule(line, paragraph=True) == 0, line
        assert starts(ours(f"a\n<{tag}>\n- b\n\n- c\n")) == starts(markdown_it(f"a\n<{tag}>\n- b\n\n- c\n"))


def test_tags_that_hold_text() -> None:
    for tag in ("script", "pre", "textarea", "style"):
        for line in (f"<{tag}>", f"<{tag} x", f"<{tag}", f"<{tag.upper()}\tx"):
            assert rule(line, paragraph=True) == 1, line
        assert rule(f"</{tag}>") == 7
        assert rule(f"<{tag}x") == 0
        for end in ("script", "pre", "TEXTAREA", "style"):
            assert kinds(f"<{tag}>\n\n# no\n</{end}> x\n# yes") == ["html", "heading"], (tag, end)


def test_html_that_ends_by_a_mark() -> None:
    for number, begin, end in ((2, "<!--", "-->"), (3, "<?", "?>"), (4, "<!X", ">"), (4, "<!x", ">"), (5, "<![CDATA[", "]]>")):
        assert rule(begin, paragraph=True) == number
        text = f"text\n{begin} a\n\n# no\nb {end} c\n# yes"
        assert kinds(text) == ["paragraph", "html", "heading"]
        assert kinds(f"{begin} a {end}\n# yes") == ["html", "heading"]
        assert [block.closed for block in parse_blocks(text).root.children] == [False, True, False]
        assert kinds(f"{begin}\n# no\n\n# no") == ["html"]
        assert not parse_blocks(f"{begin}\n# no").root.children[0].closed
        assert starts(ours(text)) == starts(markdown_it(text))
    for line in ("<!1", "<!", "<![CDATA", "<!-", "<"):
        assert rule(line) == 0, line


def test_any_other_tag_alone_on_its_line_begins_html_but_not_under_a_paragraph() -> None:
    for line in (
        "<b>",
        "</b>",
        "<b-c>",
        "<b1 x>",
        "<b x=y>",
        "<b x='y z'>",
        '<b x="y">',
        "<b x = y >",
        "<b/>",
        "<b x />",
        "</b >",
        "<b> \t",
        "<B _x:y.z-1>",
    ):
        assert rule(line) == 7, line
        assert rule(line, paragraph=True) == 0, line
        assert starts(ours(f"a\n{line}\n\n{line}\n# c\n")) == starts(markdown_it(f"a\n{line}\n\n{line}\n# c\n")), line
    for line in ("<b", "<b>x", "<b x=>", "<b x='y>", "</b x>", "<1>", "<b 1>", "<b x='y'z>", "<b x=`y`>", "< b>", "<b><c>"):
        assert rule(line) == 0, line
    assert kinds("> text\n<b>\n# x") == ["quote", "heading"]


def test_signs_that_begin_blocks_at_their_limits() -> None:
    for text in (
        "# a", "###### a", "####### a", "#", "#a", "#\ta", "   # a", "    # a", "# a #", "# a#", "# #", "## ##  ", "# a \\#",
        "```", "``", "``` x", "``` `", "~~~ `", "~~~~\n~~~\n~~~~", "```\n````", "````\n```", "```\n    ```", "```\n   ```", "```\n``` x", "```\n~~~",
        "a\n=", "a\n-", "a\n= =", "a\n    =", "a\n   =", "a\n===  ", "# a\n===", "===", "> a\n===", "> a\n---", "- a\n===",
        "***", "**", "* *\t*", "- - -", "-- -", "_ _ _", "_*_", "---a", "   ***", "    ***", "+++",
        "- a", "-a", "-", "-\n\n  a", "-\n  a", "*\ta", "+ a", "1. a", "1) a", "1a", "123456789. a", "1234567890. a", "0. a", "a\n1. b", "a\n2. b", "a\n01. b",
        "a\n- b", "a\n-", "a\n- ", "a\n1.", "-    a\n\n     b", "-     a\n\n  b", "-      a", "- a\n b", "- a\n\n b", "- a\n* b", "1. a\n2) b", "- a\n\n\n- b", "10. a\n\n    b\n\n   c",
        "> a\nb", ">a", "   > a", "    > a", "> ```\na", ">     a", "> a\n\n> b", ">\ta", "> - a\nb", ">\n> a",
        "    a", "\ta", "   \ta", "    a\n\n    b", "    a\nb", "a\n    b", "\t\ta", "-\t\ta", "- \ta", "-\ta\n\n\tb", "\t- a", "1.\ta\n\n\tb",
        "[a]: b", "[a]: b\nc", "[a]:\nb", "[a]: b 'c'", "[a]: b\n'c'", "[a]: b 'c' d", "[a]: <b c>", "[ ]: b", "[a]: b\n[c]: d\ne", "[a]: b\n===", "[a]: b\nc\n===", "[a]: b (c)", '[a]: b "c\nd"', "[a]: b 'c\n\nd'",
    ):  # fmt: skip
        # Of a definition that goes on outside its container markdown-it-py makes two blocks, where CommonMark's own reader makes one.
        inside = () if "]:" in text else (f"- {text}", f"> {text}")
        for written in (text, f"{text}\n", f"{text}\n# x", *inside, f"x\n\n{text}\n\ny", text.replace("\n", "\r\n")):
            assert starts(ours(written)) == starts(markdown_it(written)), written


def test_containers_deeper_than_the_limit_are_text() -> None:
    for sign, each in (("> ", 1), ("- ", 2), ("1. ", 2)):
        for count in (MAX_DEPTH // each, MAX_DEPTH // each + 1):
            found = [block.kind for block in parse_blocks(sign * count + "a").root.walk()]
            assert len(found) == min(count, MAX_DEPTH // each) * each + 2
            assert found[-1] == "paragraph"
    assert MAX_DEPTH == 60


def test_tables() -> None:
    for text, number in {
        "a | b\n---|---": 1,
        "| a | b |\n|---|---|": 1,
        "|a|\n|-|": 1,
        "| a\n|---": 1,
        "a |\n-|": 1,
        "x\na | b\n:-:|--:": 2,
        "a\n:-": 1,
        "a\n--": 0,
        "a | b\n---": 0,
        "a | b\n---|---|---": 0,
        "a \\| b\n---|---": 0,
        "a \\|\n|-|": 1,
        "| a \\|\n|-|": 1,
        "a\n|": 0,
        "a | b\n---|x": 0,
        "a | b\n| - | - | ": 1,
        "a": 0,
        "---|---": 0,
        "| a | b |\n|---|---|\n| c | d |\n|---|---|": 1,
    }.items():
        begins, ends = split_lines(text)
        lines = list(zip(begins, ends, strict=False))
        assert table_row(text, lines) == number, text
        assert is_table(text, lines) is (number > 0)


def test_link_definitions_are_taken_off_the_beginning() -> None:
    for text, left in {
        "[a]: b": 0,
        "[a]: b\nc": 1,
        "[a]:\n  b\nc": 1,
        "[a]: b 'c'\nd": 1,
        "[a]: b\n'c'\nd": 1,
        "[a]: b\n'c' d": 1,
        "[a]: b 'c' d": 1,
        "[a]: <b c> (d)\n[e]: f\ng\nh": 2,
        "[ ]: b": 1,
        "[]: b": 1,
        "[a]": 1,
        "[a] : b": 1,
        "a\n[b]: c": 2,
        "[a\\]]: b": 0,
        '[a]: b "c\nd"': 0,
        "[a]: <b": 1,
        "[" + "a" * 999 + "]: b": 0,
        "[" + "a" * 1000 + "]: b": 1,
    }.items():
        begins, ends = split_lines(text)
        lines = list(zip(begins, ends, strict=False))
        assert skip_definitions(text, lines) == lines[len(lines) - left :], text
    assert skip_definitions("x", []) == []


def test_a_block_says_what_and_where_it_is() -> None:
    assert [repr(block) for block in parse_blocks("- a\n\n# b\n").root.walk()] == [
        "<document 1-3>",
        "<list 1-1>",
        "<item 1-1>",
        "<paragraph 1-1>",
        "<heading 3-3>",
    ]


def test_places_of_lines() -> None:
    for text, begins, ends in (
        ("", [0], []),
        ("a", [0, 1], [1]),
        ("a\n", [0, 2], [1]),
        ("a\nb", [0, 2, 3], [1, 3]),
        ("\n\n", [0, 1, 2], [0, 1]),
        ("a\r\nb\rc\n", [0, 3, 5, 7], [1, 4, 6]),
        ("a\rb", [0, 2, 3], [1, 3]),
        ("a\n\rb", [0, 2, 3, 4], [1, 2, 4]),
        ("\r\n", [0, 2], [0]),
    ):
        assert split_lines(text) == (begins, ends), repr(text)
