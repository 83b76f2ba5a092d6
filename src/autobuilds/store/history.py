"""Commit messages of transitions: written with trailers that a program can read, and read back into the ledger."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from typing import Any

from autobuilds.domain.build import Approval, Build, Ledger, Pause
from autobuilds.domain.day import Day
from autobuilds.domain.patterns import pattern
from autobuilds.records import replace
from autobuilds.store.ledger import NotALedger, decode, encode_line

_TRAILER = pattern(r"([A-Za-z][A-Za-z0-9-]*):[ \t]+(.*)")


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
    day: Day | None = None,
    approvals: Sequence[Approval] = (),
    body: str = "",
) -> str:
    """Return the commit message of one transition.

    `record`, `approval` (or several, `approvals`), `pause` and `day` are as they stand after it; `revoked` names the label whose approval is gone,
    `resumed` says that the pause is. `inputs` (for a start) are the clock, resources and configuration it was decided on.
    """
    lines = [f"Build: {label}"] if label else []
    lines += [f"Attempt: {attempt}"] if attempt is not None else []
    lines.append(f"Event: {event}")
    lines += [f"Inputs: {encode_line(dict(inputs))}"] if inputs is not None else []
    lines += [f"Record: {encode_line(record)}"] if record is not None else []
    lines += [f"Approval: {encode_line(one)}" for one in (*approvals, *([approval] if approval is not None else ()))]
    lines += [f"Approval: {encode_line({'label': revoked, 'revoked': True})}"] if revoked is not None else []
    lines += [f"Pause: {encode_line(pause)}"] if pause is not None else []
    lines += ["Pause: null"] if resumed else []
    lines += [f"Day: {encode_line(day)}"] if day is not None else []
    scope = f"({one_line(label)})" if label else ""
    middle = f"{body.strip()}\n\n" if body.strip() else ""
    return f"autobuilds{scope}: {one_line(subject)}\n\n{middle}" + "\n".join(lines) + "\n"


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
    for line in _values(known, "Day"):
        ledger = replace(ledger, day=decode(line, Day))
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
    except (ValueError, RecursionError) as error:
        raise NotALedger(f"not JSON: {error}") from error
