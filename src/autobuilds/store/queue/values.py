"""Values as the owner meant them: priorities, dates, lists, criteria and commands."""

from __future__ import annotations

import re

from autobuilds.domain.model import Criterion, Priority
from autobuilds.domain.patterns import pattern
from autobuilds.store.markdown.blocks import Blocks
from autobuilds.store.markdown.inline import code_text, fold_space, mask, pieces, plain_text
from autobuilds.store.queue.document import CriterionSpan, Span
from autobuilds.store.queue.given import BOX, Given, code_lines, fences, is_none, list_items, soft

_WORDS = {
    **dict.fromkeys(("p0", "p1", "1", "urgent", "critical", "asap", "highest", "very high", "hi", "important"), "High"),
    **dict.fromkeys(("p2", "2", "normal", "moderate", "med", "mid", "default", "average"), "Medium"),
    **dict.fromkeys(("p3", "p4", "3", "minor", "lowest", "very low", "someday", "lo", "trivial"), "Low"),
}
_PRIORITIES = {priority.value: priority for priority in Priority}
#: A text with one code span and nothing else that is opaque.
_ONE_SPAN = pattern(r"([^`\\<\[]*)`([^`\s](?:[^`\r\n]*[^`\s])?)`[^`]*")
#: A single bare word with the ending of a document names a file; it could not be run in any case.
_FILE = pattern(r"[^\s/]+\.[A-Za-z]{1,5}|[^\s]+/|[^\s]+\.(?:md|txt|json|ya?ml|toml|html?|css|csv|png|svg|jpe?g|pdf|ini|cfg|lock|xml|rst)")


def parse_priority(text: str) -> Priority | None:
    """Return the priority that a value names, whatever its case, or None."""
    return _PRIORITIES.get(plain_text(text).casefold())


def suggest_priority(text: str) -> str:
    """Return a question with the priority that was probably meant, or the list of those there are."""
    from difflib import get_close_matches

    folded = plain_text(text).casefold()
    word = re.match(r"[a-z]+", folded)
    guess = _WORDS.get(folded) or (_WORDS.get(word[0]) if word else None)
    if guess is None:
        close = get_close_matches(folded, _PRIORITIES, 1, 0.5) or get_close_matches(word[0] if word else "", _PRIORITIES, 1, 0.6)
        guess = close[0].capitalize() if close else None
    return f'did you mean "{guess}"?' if guess else "High, Medium or Low"


def split_list(given: Given, blocks: Blocks) -> list[str]:
    """Return the parts of a value that lists things with commas or as list items; `None` gives an empty list."""
    texts = [given.text, *(item.text for item in list_items(given, blocks))]
    return [part for text in texts for part in split_text(text)]


def split_text(text: str) -> list[str]:
    """Return what one text names, with commas between; `None` gives an empty list."""
    return [part for part in _commas(_boxless(soft(text))) if not is_none(part)]


def _boxless(text: str) -> str:
    box = BOX.match(text)
    return text[box.end() :] if box else text


def _commas(text: str) -> list[str]:
    """Split at commas outside code, links and braces."""
    masked = mask(text, [(piece.start, piece.end) for piece in pieces(text) if piece.kind in {"code", "link", "wiki"}])
    masked = re.sub(r"\{[^{}]*\}", lambda match: "\0" * len(match[0]), masked)
    parts, at = [], 0
    for match in re.finditer(r",", masked):
        parts.append(text[at : match.start()].strip())
        at = match.end()
    return [part for part in [*parts, text[at:].strip()] if part]


def reference_name(text: str) -> str:
    """Return the name that a dependency refers to: the target of `[[Name#heading|shown]]`, else the text."""
    match = re.fullmatch(r"!?\[\[([^\[\]|#]+)(?:#[^\[\]|]*)?(?:\|[^\[\]]*)?\]\]", text.strip())
    return fold_space(match[1]) if match else plain_text(text)


def glob_text(text: str) -> str:
    """Return a path pattern as written, without the backticks around it."""
    found = pieces(text)
    if len(found) == 1 and found[0].kind == "code" and (found[0].start, found[0].end) == (0, len(text)):
        return code_text(found[0].text).strip()
    return text


def _leads(before: str) -> bool:
    """Whether what stands before a code span makes it a command: nothing, or a colon right before it."""
    before = before.rstrip().rstrip("*_").rstrip()
    return not before or before[-1] == ":"


def commands(text: str) -> tuple[str, ...]:
    """Return the commands in a criterion: code spans that begin it or directly follow a colon."""
    if "`" not in text:
        return ()
    simple = _ONE_SPAN.fullmatch(text)
    if simple is not None:
        before, command = simple.groups()
        return (command,) if _leads(before) and (" " in command or not _FILE.fullmatch(command)) else ()
    found = []
    for piece in pieces(text):
        if piece.kind == "code":
            command = code_text(piece.text).strip()
            if _leads(text[: piece.start]) and command and not _FILE.fullmatch(command):
                found.append(command)
    return tuple(found)


def criteria(given: Given, blocks: Blocks) -> tuple[list[Criterion], list[CriterionSpan]]:
    """Return the criteria of a value and where they stand; prose counts as one unless it only introduces the list."""
    items = list_items(given, blocks)
    values: list[Criterion] = []
    spans: list[CriterionSpan] = []
    sentence = soft(given.text)
    if not is_none(sentence) and not (items and sentence.endswith(":")):
        box = BOX.match(sentence)
        text = sentence[box.end() :] if box else sentence
        checked = box is not None and box[1] in "xX"
        values.append(Criterion(text=text, checked=checked, commands=commands(text)))
        mark = Span(given.at + 1, given.at + 2) if box else None
        spans.append(CriterionSpan(lines=given.lines, mark=mark, text=Span(given.at, given.at + len(given.text)), item=False))
    for item in items:
        if is_none(item.text) and not item.details:
            continue
        values.append(Criterion(text=item.text, checked=item.checked, commands=commands(item.text), details=item.details))
        mark = Span(item.mark, item.mark + 1) if item.mark is not None else None
        end = max(item.at, item.lines.end)
        spans.append(CriterionSpan(lines=item.lines, mark=mark, text=Span(item.at, _line_end(blocks.text, item.at, end))))
    return values, spans


def _line_end(text: str, at: int, end: int) -> int:
    stops = [i for i in (text.find("\n", at, end), text.find("\r", at, end)) if i >= 0]
    stop = min(stops, default=end)
    while stop > at and text[stop - 1] in " \t":
        stop -= 1
    return stop


def blockers(given: Given, blocks: Blocks) -> list[str]:
    """Return what blocks: prose, and every item that is not ticked; prose above a checklist is its title."""
    items = list_items(given, blocks)
    text = soft(given.text)
    box = BOX.match(text)
    found: list[str] = []
    boxed = any(item.mark is not None for item in items)
    if box:
        found += [] if box[1] in "xX" else [text[box.end() :]]
    elif not is_none(text) and not (items and (boxed or text.endswith(":"))):
        found.append(text)
    found += [item.text for item in items if not item.checked]
    return [plain_text(blocker) for blocker in found if not is_none(blocker)]


def steps(given: Given, blocks: Blocks) -> str | None:
    """Return shell text: the fenced blocks of the value, else its list items, else its code span or text."""
    code = fences(given)
    if code:
        return "".join(code_lines(block, blocks) for block in code)
    rows = [shell(soft(text)) for text in (given.text, *(item.text for item in list_items(given, blocks)))]
    rows = [row for row in rows if not is_none(row)]
    return "\n".join(rows) if rows else None


def shell(text: str) -> str:
    """Return what a line of steps says to the shell: its code spans where there is nothing else, else its text."""
    spans = [piece for piece in pieces(text) if piece.kind == "code"]
    if spans and not text[: spans[0].start].strip("*_ ") and not text[spans[-1].end :].strip("*_ .;"):
        return "\n".join(code_text(piece.text).strip() for piece in spans)
    return text
