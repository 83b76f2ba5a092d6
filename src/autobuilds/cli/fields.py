"""The value of a field as `set` takes it: checked with what is allowed, several where the field is a list."""

from __future__ import annotations

from collections.abc import Sequence

from autobuilds.domain.spelling import quoted
from autobuilds.domain.times import parse_duration, parse_estimate
from autobuilds.errors import BadInput
from autobuilds.store.queue.keys import Key
from autobuilds.store.queue.wording import one_line

_LISTS = frozenset([Key.CRITERIA, Key.BLOCKERS, Key.DEPENDS_ON, Key.TOUCHES, Key.DELIVERABLES])
_YES, _NO = frozenset(["yes", "true"]), frozenset(["no", "false"])


def value_of(key: Key | None, values: Sequence[str]) -> str | tuple[str, ...]:
    """Return what is to be written for a key (None: the task's name); raises BadInput for a value that can't be meant.

    An empty value takes the field away. Only a field that is a list takes several values.
    """
    if key in _LISTS:
        texts = tuple(one_line(str(key), text) for text in values if text.strip())
        return texts if len(texts) > 1 or (texts and key is Key.CRITERIA) else "".join(texts)
    if len(values) > 1:
        raise BadInput(f"{key or 'a name'} is one value, not {len(values)}; put it in quotes")
    text = values[0]
    if not text.strip():
        if key in {None, Key.LABEL}:
            raise BadInput("a name can't be empty" if key is None else "a label can't be taken away: branch and history go by it")
        return ""
    if key is Key.ESTIMATE and parse_estimate(text) is None:
        raise BadInput(f"{quoted(text)} is no estimate: write it as 4 hours, 90 min, 1h30m, 4-6 hours or 2 days")
    if key is Key.TIMEOUT and not parse_duration(text):
        raise BadInput(f"{quoted(text)} is no length of time: write it as 90 min, 4 hours or 1h30m")
    if key is Key.APPROVED:
        return _approved(text)
    return text


def _approved(text: str) -> str:
    word = text.strip().casefold()
    if word not in _YES | _NO:
        raise BadInput(f'Approved is {quoted(text)}: write yes, or no (or "") to take it back')
    return "yes" if word in _YES else ""
