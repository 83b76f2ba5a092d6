"""Labels: the slug of a task's name, unique in the workspace and safe as a file, branch and folder name."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence
from typing import TYPE_CHECKING

from autobuilds.domain.patterns import pattern

if TYPE_CHECKING:
    from autobuilds.domain.model import Task

MAX_LABEL = 64
#: A file name holds 255 bytes on every common file system; `-progress.md` and an attempt's number need room too.
MAX_LABEL_BYTES = 200
_ASCII_WORD = pattern(r"[a-z0-9]+")
#: How the labels of tasks begin whose names hold no letter or digit: they only say in which line these stand, and change with it.
_PREFIX = "task-at-line-"
#: Names that some file system takes for a device (a clone may be made on one).
_DEVICES = frozenset(["con", "prn", "aux", "nul", *(f"com{n}" for n in range(1, 10)), *(f"lpt{n}" for n in range(1, 10))])


def slugify(name: str) -> str:
    """Return the label of a name: NFKC, lower case, runs of anything but letters, digits and marks become `-`.

    At most 64 characters, cut at a `-` where one is near; empty when the name holds no letter or digit.
    """
    if name.isascii():
        slug = "-".join(_ASCII_WORD.findall(name.lower().replace("'", "")))
    else:
        text = unicodedata.normalize("NFKC", name).lower()
        text = unicodedata.normalize("NFC", text)
        text = text.replace("'", "").replace("\u2019", "")
        kept = [c if unicodedata.category(c)[0] in "LN" or unicodedata.category(c) in {"Mn", "Mc"} else "-" for c in text]
        slug = re.sub(r"-+", "-", "".join(kept)).strip("-")
    if len(slug) > MAX_LABEL:
        cut = slug[:MAX_LABEL]
        head, _, _ = cut.rpartition("-")
        slug = (head if len(head) > MAX_LABEL // 2 else cut).strip("-")
    while len(slug) * 4 > MAX_LABEL_BYTES and len(slug.encode()) > MAX_LABEL_BYTES:
        slug = slug[:-1].rstrip("-")
    return f"{slug}-task" if slug in _DEVICES else slug


def slugify_all(names: Sequence[str]) -> list[str]:
    """Return the labels of many names, which must hold no line end: the same as one by one, in a fraction of the time."""
    text = "\n".join(names)
    if not text.isascii():
        return [slugify(name) for name in names]
    text = text.translate(_TABLE)
    while "--" in text:
        text = text.replace("--", "-")
    slugs = text.replace("\n-", "\n").replace("-\n", "\n").strip("-").split("\n") if names else []
    return [slug if len(slug) <= MAX_LABEL and slug not in _DEVICES else slugify(slug) for slug in slugs]


#: For names in ASCII: small letters, nothing for an apostrophe, a hyphen for any other sign but the line end.
_TABLE = {n: chr(n).lower() if chr(n).isalnum() else "" if chr(n) == "'" else "-" for n in range(128) if chr(n) != "\n"}


def is_label(text: str) -> bool:
    """Whether a text is a label in its own right, so that it may name a file, a branch and a folder."""
    return bool(text) and len(text) <= MAX_LABEL and slugify(text) == text


def label_at(line: int) -> str:
    """Return the label of a task without a name in a line (from 1)."""
    return f"{_PREFIX}{line}"


def tells_line(label: str) -> bool:
    """Whether a label has the form of those that say a line; a task may have such a name, too."""
    return label.startswith(_PREFIX)


def is_nameless(task: Task) -> bool:
    """Whether a task goes by its line, as neither its name nor a Label of its own gives it a label."""
    if not task.label.startswith(_PREFIX) or slugify(task.name):
        return False
    line = task.label.removeprefix(_PREFIX)
    return line.isdecimal() and task.line <= int(line) <= task.end_line


def known_as(task: Task) -> str:
    """Return what a task is known by in every version of the file: its label, else its name as it stands, which is no label."""
    return f"{_PREFIX}{task.name}" if is_nameless(task) else task.label
