"""A task's name out of a foreign cell, heading or list item: its box, its marks of state and priority, its links."""

from __future__ import annotations

import re

from autobuilds.domain.patterns import pattern
from autobuilds.records import replace
from autobuilds.store.importers.outline import BOX
from autobuilds.store.importers.sense import Account, clean_name, noted, priority_of
from autobuilds.store.markdown.inline import pieces, plain_text
from autobuilds.store.queue.compose import NewTask

_STRUCK = pattern(r"~~(?P<text>.+)~~")
_DONE = pattern(r"^(?:✅|✔️?|☑️?)\s*|\s*(?:✅|✔️?|☑️?|\((?:done|completed|finished)\))$", re.IGNORECASE)
_TAG = pattern(r"\s*(?:\((?P<round>[^()]{1,20})\)|\[(?P<square>[^\[\]]{1,20})\]|(?<!\S)[!#](?P<mark>[A-Za-z]\w{1,15}))(?=\s|$)")
_LEAD = pattern(r"^(?P<word>P[0-5]|critical|urgent|high|medium|low)\s*:\s+", re.IGNORECASE)
_TARGET = pattern(r"\]\(\s*<?([^\s()<>]+)")


def named(text: str, where: str, account: Account) -> NewTask | None:
    """Return a new task with the name that a text gives, and what else stands with the name; None without a name."""
    done = False
    box = BOX.match(text)
    if box:
        done = box["mark"] in "xX"
        text = text[box.end() :]
    struck = _STRUCK.fullmatch(text.strip())
    if struck:
        account.remarks.append(f"{where}: struck-out text was taken as done")
        done, text = True, struck["text"]
    if _DONE.search(text.strip()):
        done, text = True, _DONE.sub("", text.strip())
    text, word = _priority(text)
    links = [found[1] for piece in pieces(text) if piece.kind == "link" and (found := _TARGET.search(text, piece.start, piece.end))]
    name = clean_name(plain_text(text), where, account)
    if not name:
        return None
    task = NewTask(name=name, done=done)
    if word is not None:
        priority, own = priority_of(word)
        if not own:
            account.remarks.append(f"{where}: the priority {word!r} was taken as {priority.value.capitalize() if priority else 'Medium'}")
        task = replace(task, priority=priority)
    return noted(task, "Link", ", ".join(links)) if links else task


def _priority(text: str) -> tuple[str, str | None]:
    """Return the text without a mark that names a priority, and that mark's word."""
    lead = _LEAD.match(text)
    if lead:
        return text[lead.end() :], lead["word"]
    for match in _TAG.finditer(text):
        word = match["round"] or match["square"] or match["mark"]
        if priority_of(word)[0] is not None:
            return text[: match.start()] + text[match.end() :], word
    return text, None
