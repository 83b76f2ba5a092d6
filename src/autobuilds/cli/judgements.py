"""Judgements of the risk and requirements rules, for programs and for people."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from autobuilds.cli.drafting import read_source
from autobuilds.cli.formatters.columns import wrap
from autobuilds.cli.formatters.style import Style
from autobuilds.cli.session import tell
from autobuilds.domain.inert import terminal
from autobuilds.domain.verdicts import Verdict
from autobuilds.runtime.assessing import Judged, assess, policy_of, read_subjects


def of_lines(source: str, root: Path | None) -> str:
    """Return one judgement a line for the tasks of a file or of standard input (`-`); raises BadInput that names the line."""
    policy = policy_of(root)
    for problem in policy.problems:
        tell(f"warning: {problem}")
    subjects = read_subjects(read_source(source, "--jsonl"), "stdin" if source == "-" else source)
    return "".join(json.dumps(as_object(assess(subject, policy))) + "\n" for subject in subjects)


def as_object(judged: Judged) -> dict[str, Any]:
    """Return one judgement as a line of `assess --jsonl` gives it."""
    risk, clarity = judged.risk, judged.requirements
    return {
        "id": judged.subject.id,
        "risk": {"verdict": risk.verdict.value, "kinds": list(risk.kinds), "matched": list(risk.matched)},
        "requirements": {"verdict": clarity.verdict.value, "missing": list(clarity.missing)},
    }


def in_words(judged: Judged) -> dict[str, Any]:
    """Return one judgement as `assess --json` gives it: the same, and in words why something is missing."""
    plain = as_object(judged)
    plain["requirements"]["why"] = list(judged.requirements.why)
    return plain


def as_text(judged: Judged, style: Style) -> str:
    """Return both judgements in words."""
    risk, clarity = judged.risk, judged.requirements
    rows = [style.bold(terminal(f"{judged.subject.id}: {judged.subject.name}"))]
    rows.append(
        f"  risk          {style.verdict(risk.verdict.value)}{_because(risk.kinds) if risk.verdict is Verdict.ASK else ': nothing risky found'}"
    )
    for reason in risk.matched:
        rows += wrap(reason, style.width, first="    - ")
    missing = _because(clarity.missing) if clarity.verdict is Verdict.ASK else ": clear enough to start"
    rows.append(f"  requirements  {style.verdict(clarity.verdict.value)}{missing}")
    for reason in clarity.why:
        rows += wrap(reason, style.width, first="    - ")
    return "\n".join(rows) + "\n"


def _because(words: tuple[str, ...]) -> str:
    return f": {', '.join(words)}" if words else ""
