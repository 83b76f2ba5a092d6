from __future__ import annotations

import sys
import time
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from autobuilds.domain import inert

#: Text that wants to be a link, an image, HTML, a heading, a list, a table cell, a mention, math or a comment.
PAYLOADS = [
    "[a](http://evil)",
    "![a](http://evil/x.png)",
    "[a][b]",
    "[b]: http://evil",
    "<http://evil>",
    "<script>alert(1)</script>",
    "<img src=x onerror=1>",
    "<!-- x -->",
    "http://evil.example/x",
    "HTTPS://evil.example",
    "www.evil.example",
    "me@evil.example",
    "mailto:me@evil.example",
    "@octocat #12 octo/repo#3",
    "# heading",
    "a\n# heading",
    "a\r\n\r\n# heading",
    "a\n===",
    "---",
    "***",
    "___",
    "- item",
    "+ item",
    "* item",
    "1. item",
    "12) item",
    "- [x] done",
    "> quote",
    "> [!WARNING]",
    "```\ncode",
    "~~~",
    "`code`",
    "``a ` b``",
    "    code",
    "\tcode",
    "a | b",
    "| a | b |",
    "|---|---|",
    "*a* **b** ***c***",
    "_a_ __b__ a_b_c _a",
    "~~strike~~ ~s~",
    "==mark== %%comment%% ^^up^^",
    "$x$ $$y$$",
    "&lt;b&gt; &#60; &amp; &copy; AT&T",
    "\\",
    "\\[a](b)",
    "a\\",
    "a  ",
    "[[wiki]] ![[embed]]",
    "[^1]: note [^1]",
    "{{ x }} {% y %}",
    ": definition",
    "\x1b[31mred\x1b[0m \x1b]8;;http://evil\x07link\x1b]8;;\x07",
    "\u202egnp.exe",
    "a\u200bb\ufeff",
    "\U000e0041\U000e0042",
    "\x9b31m",
    "<a href='x'\ny>z</a>",
    "</div><div>",
    "<![CDATA[x]]>",
    "<?php ?>",
    "x\u2028# y\u2029z",
]


def _parse(text: str) -> list[dict[str, Any]]:
    import mistune

    markdown = mistune.create_markdown(
        renderer=None, plugins=["table", "url", "strikethrough", "task_lists", "footnotes", "math", "mark", "def_list"]
    )
    tokens = markdown(text)
    assert isinstance(tokens, list)
    return tokens


def _kinds(tokens: list[dict[str, Any]]) -> list[str]:
    found = []
    for token in tokens:
        if token["type"] not in {"blank_line", "softbreak"}:
            found.append(token["type"])
        found += _kinds(token.get("children", []))
    return [k for k, before in zip(found, ["", *found], strict=False) if not (k == before == "text")]


def _text(tokens: list[dict[str, Any]]) -> str:
    return "".join(t.get("raw", "") if t["type"] == "text" else _text(t.get("children", [])) for t in tokens)


def _shown(text: str) -> str:
    return inert.line(text)


_HOSTILE = st.one_of(
    st.sampled_from(PAYLOADS),
    st.lists(st.sampled_from([*PAYLOADS, " ", "\n", "\\", "a", "_", "*"]), max_size=4).map("".join),
    st.text(alphabet="ab1 \n\\`*_{}[]<>()#+-.!|~$&;:/@=%^\"'\t", max_size=30),
    st.text(max_size=30),
)


@given(_HOSTILE)
@example("a_b_c __x__ _")
@example("1. 2) - x")
@example("&amp;amp; &#x26;")
def test_a_paragraph_shows_the_text_and_nothing_else(text: str) -> None:
    shown = _shown(text)
    tokens = _parse(f"{inert.markdown(text)}\n")
    if shown:
        assert _kinds(tokens) == ["paragraph", "text"], tokens
        assert _text(tokens).replace(inert.JOINER, "") == shown


@given(_HOSTILE)
def test_a_list_item_stays_one_item(text: str) -> None:
    tokens = _parse(f"- before\n- **x** {inert.markdown(text)}\n- {inert.markdown(text)}\n- after\n")
    lists = [t for t in tokens if t["type"] == "list"]
    assert len(lists) == 1 and len(lists[0]["children"]) == 4
    assert set(_kinds(tokens)) <= {"list", "list_item", "block_text", "text", "strong"}


@given(_HOSTILE)
def test_a_table_keeps_its_cells(text: str) -> None:
    tokens = _parse(f"| a | b |\n|---|---|\n| {inert.markdown(text)} | end |\n")
    rows = next(t for t in tokens if t["type"] == "table")["children"][1]["children"]
    assert len(rows) == 1 and len(rows[0]["children"]) == 2
    assert _text(rows[0]["children"][1]["children"]) == "end"


@given(_HOSTILE)
def test_a_heading_stays_a_heading(text: str) -> None:
    tokens = _parse(f"## T: {inert.markdown(text)}\n\nnext\n")
    assert [t["type"] for t in tokens if t["type"] != "blank_line"] == ["heading", "paragraph"]
    assert _text(tokens[0]["children"]).replace(inert.JOINER, "").strip() == f"T: {_shown(text)}".strip()


@given(_HOSTILE)
def test_a_code_span_holds_all_of_it(text: str) -> None:
    tokens = _parse(f"x {inert.code_span(text)} y\n")
    children = tokens[0]["children"]
    assert [c["type"] for c in children] == ["text", "codespan", "text"]


@given(_HOSTILE)
def test_a_fence_can_not_be_closed_from_inside(text: str) -> None:
    tokens = [t for t in _parse(f"{inert.code_block(text)}\n\nafter\n") if t["type"] != "blank_line"]
    assert [t["type"] for t in tokens] == ["block_code", "paragraph"]


@pytest.mark.parametrize("text", PAYLOADS)
def test_no_payload_becomes_active_html(text: str) -> None:
    import mistune

    html = mistune.create_markdown(escape=False, plugins=["table", "url", "strikethrough", "task_lists"])(f"- {inert.markdown(text)}\n")
    assert isinstance(html, str)
    assert not any(tag in html for tag in ("<a", "<img", "<script", "<h1", "<code", "<input", "<div", "<em", "<strong", "<del", "<!--"))


@given(_HOSTILE)
def test_a_terminal_line_moves_nothing(text: str) -> None:
    shown = inert.terminal(text)
    assert inert.clean(shown) == shown
    assert not any(ord(c) < 32 or 0x7F <= ord(c) < 0xA0 or 0xD800 <= ord(c) < 0xE000 for c in shown)


@given(st.text(max_size=200), st.sampled_from(["n0nce", "a1"]))
def test_a_quotation_ends_only_where_it_should(text: str, nonce: str) -> None:
    rows = inert.quoted(f"{text}\ndata {nonce}>>>\n{text}", nonce).split("\n")
    assert rows[0] == f"<<<data {nonce}" and rows[-1] == f"data {nonce}>>>"
    assert all(row.startswith("|") and nonce not in row for row in rows[1:-1])


def test_what_stands_around_a_nonce_does_not_close_up_to_another() -> None:
    assert "k3j4x9" not in inert.quoted("kk3j4x93j4x9\nk3kk3j4x93j4x9j4x9", "k3j4x9").replace("data k3j4x9", "")


def test_a_nonce_must_be_there() -> None:
    with pytest.raises(ValueError, match="nonce"):
        inert.quoted("x", "")


@given(_HOSTILE)
def test_what_was_escaped_reads_back(text: str) -> None:
    assert inert.unescaped(inert.markdown(text)) == _shown(text)


def test_plain_text_stays_readable_in_its_source() -> None:
    text = "Add OAuth 2.0 (PKCE) to the client's login - see docs/auth.md, snake_case kept; 50 % done!"
    assert inert.markdown(text) == text


@pytest.mark.skipif(sys.gettrace() is not None, reason="what watches every line takes longer than what is watched")
@pytest.mark.parametrize("shape", ["`", "*", "[", "\\", "_", "@a", "&", "\x1b]", "\x9d", "\x9b", " ", "\n", "w.", "=%", "# "])
def test_no_shape_is_slow(shape: str) -> None:
    began = time.process_time()
    for function in (inert.markdown, inert.code_span, inert.code_block, inert.terminal, inert.terminal_block):
        function(shape * (100_000 // len(shape)))  # type: ignore[operator]
    assert time.process_time() - began < 2


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("run `a*b` and *c*", "run `a*b` and \\*c\\*"),
        ("`x`", "`x`"),
        ("`a` `b`", "`a` `b`"),
        (" - item", "\\- item"),
        ("``x``", "\\`\\`x\\`\\`"),
        ("", ""),
    ],
)
def test_code_in_what_is_said_stays_code_and_the_rest_is_inert(text: str, shown: str) -> None:
    assert inert.said(text) == shown


def test_a_long_block_shows_its_end_and_a_long_quotation_its_beginning() -> None:
    assert inert.code_block("ab\ncd", limit=3) == "```text\n[…]\n\ncd\n```"
    assert inert.code_block("x", indent=2) == "```text\n  x\n  ```"
    assert inert.quoted("abcdef", "n0", limit=3) == "<<<data n0\n| abc\n| [cut here: the text is longer]\ndata n0>>>"


@pytest.mark.parametrize(
    ("text", "limit", "shown"), [("abc", 3, "abc"), ("abcd", 3, "ab…"), ("a  b", None, "a b"), ("ab cd", 4, "ab…"), ("é x", 2, "é…")]
)
def test_a_line_has_at_most_so_many_signs(text: str, limit: int | None, shown: str) -> None:
    assert inert.line(text, limit) == shown


def test_the_last_lines_of_a_terminal_block() -> None:
    assert inert.terminal_block("a\tb\r\nc\x1b[2Jd\n", limit=2) == ("cd", "")
    assert inert.terminal_block("a\tb") == ("a       b",)
