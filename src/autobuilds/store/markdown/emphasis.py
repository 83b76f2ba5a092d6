"""Emphasis: which `*`, `_` and `~` are marks rather than text, by CommonMark's rules of delimiter runs."""

from __future__ import annotations

import re
import unicodedata

from autobuilds.domain.patterns import pattern
from autobuilds.records import dataclass

_RUN = pattern(r"\*+|_+|~+")


@dataclass(slots=True)
class _Run:
    """One run of marks, of which `left` characters are still text."""

    char: str
    start: int
    length: int
    left: int
    opens: bool
    closes: bool


def strip_emphasis(text: str) -> str:
    """Return a text without the marks of its emphasis; marks that stand for themselves stay."""
    runs = [_run(text, match) for match in _RUN.finditer(text)]
    if not runs:
        return text
    _pair(runs)
    parts: list[str] = []
    at = 0
    for run in runs:
        parts += (text[at : run.start], run.char * run.left)
        at = run.start + run.length
    return "".join(parts) + text[at:]


def _class(char: str) -> str:
    if not char or char.isspace():
        return "space"
    if char == "\0":
        return "letter"
    return "mark" if unicodedata.category(char)[0] in "PS" else "letter"


def _run(text: str, match: re.Match[str]) -> _Run:
    before = _class(text[match.start() - 1 : match.start()])
    after = _class(text[match.end() : match.end() + 1])
    left = after != "space" and (after != "mark" or before != "letter")
    right = before != "space" and (before != "mark" or after != "letter")
    char = match[0][0]
    length = len(match[0])
    if char == "_":
        opens, closes = left and (not right or before == "mark"), right and (not left or after == "mark")
    elif char == "~" and length > 2:
        opens = closes = False
    else:
        opens, closes = left, right
    return _Run(char, match.start(), length, length, opens, closes)


def _pair(runs: list[_Run]) -> None:
    """Match closing runs with opening ones; `floor` remembers per kind of run where none was found, which keeps it linear."""
    stack: list[_Run] = []
    floor: dict[tuple[str, bool, int], int] = {}
    for run in runs:
        while run.closes and run.left:
            key = (run.char, run.opens, run.length % 3)
            lowest = floor.get(key, 0)
            at = len(stack) - 1
            while at >= lowest and not _matches(stack[at], run):
                at -= 1
            if at < lowest:
                floor[key] = len(stack)
                break
            opener = stack[at]
            del stack[at + 1 :]
            floor = {kind: min(low, at + 1) for kind, low in floor.items()}
            used = opener.length if run.char == "~" else min(2, opener.left, run.left)
            opener.left -= used
            run.left -= used
            if not opener.left:
                stack.pop()
        if run.opens and run.left:
            stack.append(run)


def _matches(opener: _Run, closer: _Run) -> bool:
    if opener.char != closer.char:
        return False
    if opener.char == "~":
        return opener.length == closer.length
    if (opener.closes or closer.opens) and (opener.length + closer.length) % 3 == 0:
        return opener.length % 3 == 0 and closer.length % 3 == 0
    return True
