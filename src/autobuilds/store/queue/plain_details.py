"""Plainly written details, taken apart by patterns: the quick way of `plain` through what stands under a task's heading."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

from autobuilds.domain.model import Criterion, Estimate
from autobuilds.domain.times import parse_estimate
from autobuilds.store.queue.values import commands

_WORDS = r"[^\s\\`<\[*_~&](?:[^\n\\`<\[*_~&]*[^\s\\`<\[*_~&])?"
_DETAIL = re.compile(
    rf"- \*\*(?:(Description|Notes):\*\* (\S[^\n]*[^\s\\]|\S)|(Tech Stack|Category|Estimated Time|Blockers):\*\* ({_WORDS})|Completion Criteria:(\*\*))\n"
    r"|  - \[([ xX])\] (\S[^\n]*[^\s\\]|\S)\n"
)
_CRITERION = r"(?:[A-Za-z(][^\n`<\\]*)?(?:`[^`\n]+`[^\n`<\\]*)?"
_CRITERIA = re.compile(rf"  - \[([ xX])\] ({_CRITERION})\n")
#: Details in the order in which `add` writes them.
_USUAL = re.compile(
    r"(?:- \*\*Description:\*\* (\S[^\n]*[^\s\\])\n)?"
    rf"(?:- \*\*Completion Criteria:\*\*\n((?:  - \[[ xX]\] {_CRITERION}\n)+))?"
    rf"(?:- \*\*Tech Stack:\*\* ({_WORDS})\n)?(?:- \*\*Estimated Time:\*\* ({_WORDS})\n)?"
    rf"(?:- \*\*Category:\*\* ({_WORDS})\n)?(?:- \*\*Blockers:\*\* (None)\n)?"
)
_NONE = frozenset(["none", "n/a", "no", "nothing", "nil", "-", "none.", "–", "—"])


class Doubt(Exception):
    """The text, or a piece of it, has to be read the thorough way."""


class PlainDetails:
    """The details of one text; `parts` counts the headings and items that were taken."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.parts = 0
        self.estimates: dict[str, Estimate | None] = {}

    def _estimate(self, text: str) -> Estimate:
        estimate = self.estimates.get(text)
        if estimate is None:
            estimate = self.estimates[text] = parse_estimate(text)
            if estimate is None:
                raise Doubt
        return estimate

    def fields(self, start: int, end: int) -> dict[str, Any] | None:
        """Return the values of plain details, None where they are not plain."""
        text = self.text
        end = self._last(start, end)
        usual = _USUAL.match(text, start, min(end + 1, len(text)))
        if usual is not None and usual.end() == end + 1:
            found = self._usual(usual)
            if found is not None:
                return found
        values: dict[str, Any] = {}
        criteria: list[Criterion] | None = None
        listing = False
        at, stop, parts = start, min(end + 1, len(text)), 1
        while at < stop:
            match = _DETAIL.match(text, at, stop)
            if match is None:
                return None
            at = match.end()
            parts += 1
            prose, long, key, short, opens, mark, criterion = match.groups()
            if criterion is not None:
                if not listing or criteria is None:
                    return None
                criteria.append(self._criterion(mark, criterion))
                continue
            listing = opens is not None
            if listing:
                if criteria is not None:
                    return None
                criteria = []
            elif not _keep(values, prose or key, long or short, self._estimate):
                return None
        if criteria is not None:
            values["criteria"] = tuple(criteria)
        self.parts += parts
        return values

    def _last(self, start: int, end: int) -> int:
        """Return where details end, without the empty lines and the rule after them."""
        while end > start and self.text[end - 1] == "\n":
            end -= 1
        return end - 5 if self.text.endswith("\n\n---", start, end) else end

    def _usual(self, match: re.Match[str]) -> dict[str, Any] | None:
        """Return the values of details in the usual order."""
        description, listed, stack, time, category, blockers = match.groups()
        if (
            "  " in match[0].replace("\n  - [", "\n")
            or "<!--" in match[0]
            or not (match[0].isascii() or match[0].replace("\n", "").isprintable())
        ):
            return None
        values: dict[str, Any] = {}
        if description is not None:
            values["description"] = description
        for name, text in (("tech_stack", stack), ("category", category)):
            if text is not None:
                if len(text) < 9 and text.casefold().rstrip(".") in _NONE:
                    return None
                values[name] = text
        if time is not None:
            values["estimate"], values["estimate_text"] = self.estimates.get(time) or self._estimate(time), time
        parts = 1 + (description is not None) + (stack is not None) + (time is not None) + (category is not None) + (blockers is not None)
        if listed is not None:
            criteria = []
            for mark, text in _CRITERIA.findall(listed):
                if not text or text[-1] == " " or (len(text) < 9 and text.casefold().rstrip(".") in _NONE):
                    return None
                criteria.append(Criterion(text=text, checked=mark != " ", commands=commands(text) if "`" in text else ()))
            values["criteria"] = tuple(criteria)
            parts += 1 + len(criteria)
        self.parts += parts
        return values

    def _criterion(self, mark: str, text: str) -> Criterion:
        if "<!--" in text or text.casefold().rstrip(".") in _NONE or (text[0] in "-*+>#0123456789|=<~`" and not text[0] == "`"):
            raise Doubt
        found: tuple[str, ...] = ()
        if "`" in text:
            found = commands(text)
        return Criterion(text=text, checked=mark != " ", commands=found)


def _keep(values: dict[str, Any], key: str, text: str, estimate: Callable[[str], Estimate]) -> bool:
    """Put one plain field into the values; False where it is not plain after all."""
    name = _FIELDS[key]
    if name in values or "<!--" in text or "  " in text or not text.isprintable():
        return False
    folded = text.casefold()
    if folded in _NONE or folded.endswith("."):
        if name in ("description", "notes"):
            values[name] = text
            return True
        if name == "blockers" and folded == "none":
            values[name] = ()
            return True
        return False
    if name == "estimate":
        values["estimate"], values["estimate_text"] = estimate(text), text
    elif name == "blockers":
        return False
    else:
        values[name] = text
    return True


_FIELDS = {
    "Description": "description",
    "Notes": "notes",
    "Tech Stack": "tech_stack",
    "Category": "category",
    "Estimated Time": "estimate",
    "Blockers": "blockers",
}
