"""What may be written into a queue: names and values of one line, times, and the shell text of Steps."""

from __future__ import annotations

import re
from datetime import UTC, datetime, tzinfo

from autobuilds.domain.labels import is_label, slugify
from autobuilds.domain.patterns import pattern
from autobuilds.domain.times import format_when, parse_when
from autobuilds.errors import BadInput
from autobuilds.store.queue.taskline import read_line

_BREAKS = pattern("[\n\r\x0b\x0c\x1c-\x1e\x85\u2028\u2029]")
_CONTROL = pattern("[\x00-\x08\x0e-\x1f\x7f-\x9f\ud800-\udfff]")
_MARKUP = pattern(r"([\\`*_\[\]<>~&])")
_BACKTICKS = pattern("`+")


def one_line(what: str, text: str) -> str:
    """Return a value without white space around it; raises BadInput for a line break or a control character in it."""
    if _BREAKS.search(text.strip()):
        raise BadInput(f"{what} may not hold a line break: {text.strip()[:60]!r}. Write it in one line, or edit BUILD_QUEUE.md by hand")
    if _CONTROL.search(text):
        raise BadInput(f"{what} holds a control character: {text[:60]!r}. Take it out")
    return text.strip()


def task_name(text: str) -> str:
    """Return a task's name with single spaces; raises BadInput for what would not be read as a name."""
    name = " ".join(one_line("a name", text).split())
    if not name:
        raise BadInput("a task needs a name")
    found = next((part for part in read_line(name).parts if part.key is not None), None)
    if found is not None:
        raise BadInput(
            f"the name {name!r} holds {name[found.whole.start : found.whole.end].strip()!r}, which would be read as the task's "
            f"{found.key}. Leave it out of the name and give it as an option"
        )
    return name


def task_label(name: str, label: str | None) -> str:
    """Return the label that a task of this name will have; raises BadInput where it has none."""
    if label is not None:
        if not is_label(label):
            raise BadInput(f"{label!r} is no label; {slugify(label)!r} would be one" if slugify(label) else f"{label!r} is no label")
        return label
    slug = slugify(name)
    if not slug:
        raise BadInput(f"the name {name!r} has neither letters nor digits to make a label of. Give a label as well")
    return slug


def escaped(text: str) -> str:
    """Return a text with its Markdown made plain by backslashes."""
    return _MARKUP.sub(r"\\\1", text)


def stamp(moment: datetime, zone: tzinfo) -> str:
    """Return a time as people write it in the zone, or with its offset where that would be read as another moment."""
    local = to_minute(moment, zone)
    text = format_when(local)
    read = parse_when(text, zone)
    same = read is not None and read.astimezone(UTC) == local.astimezone(UTC)
    return text if same else local.isoformat(timespec="seconds")


def to_minute(moment: datetime, zone: tzinfo) -> datetime:
    """Return a moment in the zone without its seconds, as it is written."""
    return moment.astimezone(zone).replace(second=0, microsecond=0)


def fenced(text: str) -> list[str]:
    """Return shell text as the lines of a fenced block whose fence is longer than any in it; raises BadInput for control characters."""
    lines = re.split("\r\n|\r|\n", text.strip("\r\n"))
    if any(_CONTROL.search(line) for line in lines):
        raise BadInput("the steps hold a control character. Take it out")
    fence = "`" * max(3, 1 + max((len(run) for run in _BACKTICKS.findall(text)), default=0))
    return [f"{fence}sh", *lines, fence]
