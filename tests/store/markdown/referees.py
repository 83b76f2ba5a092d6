"""Other parsers' view of the same text, as nested tuples, to compare ours with."""

from __future__ import annotations

from typing import Any

from autobuilds.store.markdown.blocks import Block, Blocks, parse_blocks

Shape = tuple[Any, ...]

_THEIRS = {
    "blockquote_open": "quote",
    "bullet_list_open": "list",
    "ordered_list_open": "list",
    "list_item_open": "item",
    "paragraph_open": "paragraph",
    "heading_open": "heading",
    "fence": "fence",
    "code_block": "code",
    "html_block": "html",
    "hr": "rule",
}


def ours(text: str) -> list[Shape]:
    """Our blocks as (kind, first line, last line, children)."""
    blocks = parse_blocks(text)
    return [_shape(child, blocks) for child in blocks.root.children if child.kind != "definition"]


def _shape(block: Block, blocks: Blocks) -> Shape:
    return (block.kind, block.first, block.last, tuple(_shape(child, blocks) for child in block.children if child.kind != "definition"))


def markdown_it(text: str) -> list[Shape]:
    """Those of markdown-it-py, whose block rules are CommonMark's; ends without the blank lines after them."""
    from markdown_it import MarkdownIt

    parser = MarkdownIt("commonmark", {"maxNesting": 1000})
    lines = text.replace("\r\n", "\n").replace("\r", "\n").split("\n")
    stack: list[list[Shape]] = [[]]
    heads: list[tuple[str, int, int]] = []
    for token in parser.parse(text):
        kind = _THEIRS.get(token.type)
        if kind is None and not token.type.endswith("_close"):
            continue
        if token.type.endswith("_close"):
            children = tuple(stack.pop())
            name, first, last = heads.pop()
            stack[-1].append((name, first, last, children))
            continue
        assert kind is not None and token.map is not None
        first, last = token.map[0], token.map[1] - 1
        while last > first and (last >= len(lines) or not lines[last].strip(" \t")):
            last -= 1
        if token.nesting == 1:
            heads.append((kind, first, last))
            stack.append([])
        else:
            stack[-1].append((kind, first, last, ()))
    return stack[0]


def starts(shapes: list[Shape] | tuple[Shape, ...]) -> list[Any]:
    """The same without ends: what begins where, and what stands in what."""
    return [(kind, first, starts(children)) for kind, first, _, children in shapes]


_MISTUNE = {
    "list": "list",
    "list_item": "item",
    "task_list_item": "item",
    "paragraph": "paragraph",
    "block_text": "paragraph",
    "heading": "heading",
    "block_quote": "quote",
    "block_html": "html",
    "thematic_break": "rule",
}


def mistune_shapes(text: str) -> list[Any]:
    """Mistune's blocks as (kind, children): the referee for what a text means, without places."""
    import mistune

    tokens = mistune.create_markdown(renderer=None, plugins=["task_lists"])(text)
    assert isinstance(tokens, list)
    return _kinds(tokens)


def _kinds(tokens: list[dict[str, Any]]) -> list[Any]:
    found = []
    for token in tokens:
        kind = _MISTUNE.get(token["type"])
        if token["type"] == "block_code":
            kind = "fence" if token["style"] == "fenced" else "code"
        if kind is not None:
            leaf = kind in {"paragraph", "heading", "html", "fence", "code"}
            found.append((kind, [] if leaf else _kinds(token.get("children", []))))
    return found
