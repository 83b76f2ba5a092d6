"""Commit messages of transitions: written with trailers that a program can read, and read back into the ledger."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import Any

from autobuilds.domain.build import Approval, Build, Ledger, Pause
from autobuilds.store.ledger import NotALedger, decode, encode_line

_TRAILER = re.compile(r"([A-Za-z][A-Za-z0-9-]*):[ \t]+(.*)")
#: The event of a commit that makes up for those that Git could not take.
CAUGHT_UP = "caught-up"


def one_line(text: str) -> str:
    """Return a text on one line, white space folded and control characters gone."""
    return "".join(c for c in " ".join(text.split()) if c.isprintable())


def message(
    event: str,
    label: str | None,
    attempt: int | None,
    subject: str,
    *,
    record: Build | None = None,
    inputs: Mapping[str, Any] | None = None,
    approval: Approval | None = None,
    revoked: str | None = None,
    pause: Pause | None = None,
    resumed: bool = False,
    body: str = "",
) -> str:
    """Return the commit message of one transition.

    `record`, `approval` and `pause` are as they stand after it; `revoked` names the label whose approval is gone,
    `resumed` says that the pause is. `inputs` (for a start) are the clock, resources and configuration it was decided on.
    """
    lines = [f"Build: {label}"] if label else []
    lines += [f"Attempt: {attempt}"] if attempt is not None else []
    lines.append(f"Event: {event}")
    lines += [f"Inputs: {encode_line(dict(inputs))}"] if inputs is not None else []
    lines += [f"Record: {encode_line(record)}"] if record is not None else []
    lines += [f"Approval: {encode_line(approval)}"] if approval is not None else []
    lines += [f"Approval: {encode_line({'label': revoked, 'revoked': True})}"] if revoked is not None else []
    lines += [f"Pause: {encode_line(pause)}"] if pause is not None else []
    lines += ["Pause: null"] if resumed else []
    return _whole(label, subject, body, lines)


def _whole(label: str | None, subject: str, body: str, lines: Iterable[str]) -> str:
    scope = f"({one_line(label)})" if label else ""
    middle = f"{body.strip()}\n\n" if body.strip() else ""
    return f"autobuilds{scope}: {one_line(subject)}\n\n{middle}" + "\n".join(lines) + "\n"


def catch_up(before: Ledger, after: Ledger) -> str | None:
    """Return the message of a commit that takes the ledger from one state to another in one step, or None if they agree.

    For transitions that were recorded in files while Git could not commit.
    """
    old = {(b.label, b.created): b for b in before.builds}
    builds = [b for b in after.builds if old.get((b.label, b.created)) != b]
    approvals = [a for a in after.approvals if before.approval(a.label) != a]
    gone = [a.label for a in before.approvals if after.approval(a.label) is None]
    if not (builds or approvals or gone or before.pause != after.pause):
        return None
    labels = list(dict.fromkeys([*(b.label for b in builds), *(a.label for a in approvals), *gone]))
    lines = [*(f"Build: {label}" for label in labels), f"Event: {CAUGHT_UP}"]
    lines += [f"Record: {encode_line(b)}" for b in builds]
    lines += [f"Approval: {encode_line(a)}" for a in approvals]
    lines += [f"Approval: {encode_line({'label': label, 'revoked': True})}" for label in gone]
    lines += [f"Pause: {encode_line(after.pause)}"] if before.pause != after.pause else []
    what = f"{len(builds)} builds, {len(approvals) + len(gone)} approvals" if labels else "the pause"
    return _whole(labels[0] if len(labels) == 1 else None, f"caught up with what Git could not take: {what}", "", lines)


def trailers(text: str) -> dict[str, str]:
    """Return the trailers of a commit message: those of its last paragraph, if that holds nothing else.

    A key given several times has its values joined by line feeds, in their order.
    """
    paragraphs = re.split(r"\n[ \t]*\n", text.replace("\r\n", "\n").strip("\n"))
    if len(paragraphs) < 2:
        return {}
    found: dict[str, list[str]] = {}
    last = ""
    for line in paragraphs[-1].split("\n"):
        match = _TRAILER.fullmatch(line)
        if match:
            last = match.group(1)
            found.setdefault(last, []).append(match.group(2).strip())
        elif last and line[:1] in " \t":
            found[last][-1] += " " + line.strip()
        elif line.strip():
            return {}
    return {key: "\n".join(values) for key, values in found.items()}


def apply(ledger: Ledger, known: Mapping[str, str]) -> Ledger:
    """Return the ledger after the transition whose trailers these are.

    Raises NotALedger when one of them can't be read; the message says which.
    """
    for line in _values(known, "Record"):
        ledger = ledger.with_build(decode(line, Build))
    for line in _values(known, "Approval"):
        plain = _plain(line)
        if isinstance(plain, dict) and plain.get("revoked") is True:
            ledger = ledger.without_approval(str(plain.get("label")))
        else:
            ledger = ledger.with_approval(decode(line, Approval))
    for line in _values(known, "Pause"):
        ledger = replace(ledger, pause=None if line == "null" else decode(line, Pause))
    return ledger


def inputs(known: Mapping[str, str]) -> dict[str, Any] | None:
    """Return the inputs of a start's decision as recorded with it, or None.

    Raises NotALedger when they can't be read.
    """
    lines = _values(known, "Inputs")
    plain = _plain(lines[-1]) if lines else None
    return plain if isinstance(plain, dict) else None


def _values(known: Mapping[str, str], key: str) -> list[str]:
    return [line for line in known.get(key, "").split("\n") if line]


def _plain(line: str) -> Any:
    try:
        return json.loads(line)
    except ValueError as error:
        raise NotALedger(f"not JSON: {error}") from error
