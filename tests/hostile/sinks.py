"""What a text may not become in each place where it is shown."""

from __future__ import annotations

import json
import re
from typing import Any

#: What drives a terminal, or turns what is read.
DRIVES = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u200b-\u200f\u202a-\u202e\u2066-\u2069\ufeff\ud800-\udfff\U000e0000-\U000e007f]")


def terminal(text: str) -> str | None:
    """Return what is wrong with a text for a terminal, or None."""
    found = DRIVES.search(text)
    return None if found is None else f"{found[0]!r} at {found.start()}: {text[max(found.start() - 40, 0) : found.end() + 40]!r}"


def machine(text: str) -> str | None:
    """Return what is wrong with a JSON answer, or None."""
    try:
        json.loads(text)
    except ValueError as error:
        return str(error)
    return terminal(text)


def page(text: str) -> str | None:
    """Return what is active on a Markdown page, or None: HTML, images, links to anywhere that the page does not hold itself."""
    import mistune

    tokens = mistune.create_markdown(renderer=None, plugins=["table", "url", "strikethrough", "task_lists", "footnotes"])(text)
    assert isinstance(tokens, list)
    return next(_active(tokens), None) or terminal(text.replace("\u2060", ""))


def _active(tokens: list[dict[str, Any]]) -> Any:
    for token in tokens:
        kind = token["type"]
        if kind in {"block_html", "inline_html", "image", "footnote_ref"} or (kind == "link" and "evil" in str(token).casefold()):
            yield f"{kind}: {str(token)[:200]}"
        yield from _active(token.get("children") or [])


def headings(text: str) -> list[str]:
    """Return the headings of a Markdown page."""
    import mistune

    tokens = mistune.create_markdown(renderer=None, plugins=["table"])(text)
    assert isinstance(tokens, list)
    return [str(t["children"])[:60] for t in tokens if t["type"] == "heading"]


def prompt(text: str) -> str | None:
    """Return where data of a prompt leaves its fences, or None: between them every line has its prefix, and their nonce is nowhere else."""
    nonce = re.search(r"`<<<data ([0-9a-zA-Z]+)`", text)
    if nonce is None:
        return "the prompt names no nonce"
    begin, end = f"<<<data {nonce[1]}", f"data {nonce[1]}>>>"
    inside = False
    for number, row in enumerate(text.split("\n"), 1):
        if row == begin and not inside:
            inside = True
        elif row == end and inside:
            inside = False
        elif inside and not (row == "|" or row.startswith("| ")):
            return f"line {number} has no prefix: {row[:100]!r}"
        elif nonce[1] in row and (inside or not row.startswith("Text between")):
            return f"line {number} holds the nonce: {row[:100]!r}"
    return "a fence is not closed" if inside else terminal(text)
