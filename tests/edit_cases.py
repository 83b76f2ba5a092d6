"""The edit cases of tests/data/edits: a queue, command lines, and what may be different afterwards."""

from __future__ import annotations

import json
import re
import shlex
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

FOLDER = Path(__file__).parent / "data" / "edits"
NEWLINES = {"crlf": "\r\n", "cr": "\r"}
_ESCAPES = {r"\t": "\t", r"\r": "\r", r"\n": "\n", r"\s": " ", r"\u00a0": "\u00a0", r"\\": "\\"}


@dataclass(kw_only=True)
class EditCase:
    """One case; `rows` are the sign and the text of each line of the file."""

    name: str
    commands: list[list[str]] = field(default_factory=list)
    flags: set[str] = field(default_factory=set)
    claims: list[tuple[str, str, Any]] = field(default_factory=list)
    rows: list[tuple[str, str]] = field(default_factory=list)

    @property
    def status(self) -> int:
        """The exit status of the last command."""
        return next((int(flag.split()[1]) for flag in self.flags if flag.startswith("exit")), 0)

    @property
    def before(self) -> bytes:
        """The file as the owner left it."""
        text = "".join(row + self._newline for sign, row in self.rows if sign in " -")
        text = text.removesuffix(self._newline) if "nofinal" in self.flags else text
        return (b"\xef\xbb\xbf" if "bom" in self.flags else b"") + text.encode()

    @property
    def after(self) -> re.Pattern[str]:
        """What the file must match afterwards, its byte order mark left out."""
        end = re.escape(self._newline)
        parts = []
        for sign, row in self.rows:
            if sign == "~" and row in {"?", "*"}:
                parts.append(rf"(?:[ \t]*{end})?" if row == "?" else rf"(?:[^\r\n]*{end})*")
            elif sign == "~":
                parts.append(f"(?:{row}){end}")
            elif sign in " +":
                parts.append(re.escape(row) + end)
        pattern = "".join(parts)
        return re.compile(pattern.removesuffix(end) if "nofinal" in self.flags else pattern)

    def wrong(self, data: bytes) -> str:
        """Return what is not as it must be, with the file as it is, or nothing."""
        bom = data.startswith(b"\xef\xbb\xbf")
        if bom is not ("bom" in self.flags):
            return "the byte order mark"
        text = data.decode().removeprefix("\ufeff")
        if "nofinal" in self.flags and text.endswith(("\n", "\r")):
            return f"a final line end: {text!r}"
        return "" if self.after.fullmatch(text) else text

    @property
    def _newline(self) -> str:
        return next((NEWLINES[flag] for flag in self.flags if flag in NEWLINES), "\n")


def _plain(text: str) -> str:
    return re.sub(r"\\(?:u00a0|[trns\\])", lambda match: _ESCAPES[match[0]], text)


def _claim(text: str) -> tuple[str, str, Any]:
    label, key, value = text.split(" ", 2)
    try:
        return label, key, json.loads(value)
    except ValueError:
        return label, key, value


def cases() -> list[EditCase]:
    """Return all cases, named by their file and title."""
    found: list[EditCase] = []
    for path in sorted(FOLDER.glob("*.txt")):
        for line in path.read_text(encoding="utf-8").split("\n"):
            sign, rest = line[:1], line[1:]
            if line.startswith("=== "):
                found.append(EditCase(name=f"{path.stem}: {line[4:]}"))
            elif sign == "$":
                found[-1].commands.append([_plain(word) for word in shlex.split(re.sub(r"\\(?=[ntrsu])", r"\\\\", rest))])
            elif sign == "?":
                found[-1].flags.add(rest.strip())
            elif sign == "!":
                found[-1].claims.append(_claim(rest.strip()))
            elif sign in {" ", "-", "+"} and sign:
                found[-1].rows.append((sign, _plain(rest)))
            elif sign == "~":
                found[-1].rows.append((sign, rest))
    return found


def said(tasks: list[dict[str, Any]], label: str, path: str) -> Any:
    """Return what `list --json` says at a path such as `criteria.0.checked` of the active task of a label, else the completed one."""
    own = [task for task in tasks if task["label"] == label]
    at: Any = next((task for task in own if task["section"] == "active"), own[0] if own else {})
    for step in path.split("."):
        at = at[int(step)] if step.isdigit() else at.get(step)
    return at
