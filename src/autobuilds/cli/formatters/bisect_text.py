"""What `bisect` found, for people and for programs."""

from __future__ import annotations

from typing import Any

from autobuilds.cli.formatters.json_ import envelope
from autobuilds.cli.formatters.style import Style
from autobuilds.domain.inert import terminal, terminal_block
from autobuilds.domain.times import format_when
from autobuilds.runtime.bisecting import Answer, Finding

#: Lines of the failing output.
TAIL_LINES = 20


def bisect_json(answer: Answer) -> dict[str, Any]:
    """Return `bisect --json`."""
    culprit = answer.culprit
    return envelope(
        "bisect",
        finding=answer.finding,
        label=answer.label,
        commit=culprit.sha if culprit else None,
        before=answer.before,
        subject=culprit.subject if culprit else None,
        when=culprit.when if culprit else None,
        good=answer.good,
        bad=answer.bad,
        commands=answer.commands,
        runs=answer.runs,
        tail=answer.tail,
        reason=headline(answer),
    )


def headline(answer: Answer) -> str:
    """Return what was found in one sentence."""
    good, bad = answer.good[:12], answer.bad[:12]
    commit = answer.culprit.sha[:12] if answer.culprit else ""
    match answer.finding:
        case Finding.BUILD:
            return f"The build {answer.label} broke it, with commit {commit}."
        case Finding.COMMIT:
            trailers = answer.culprit.trailers if answer.culprit else {}
            undone = trailers["Build"].partition("\n")[0] if trailers.get("Event") == "undone" and "Build" in trailers else None
            what = f"undoing the build {undone} did" if undone else "a commit outside of builds did"
            return f"No build broke it: {what}, {commit}."
        case Finding.NOT_BROKEN:
            return f"It is not broken: the check passes at {bad}."
        case Finding.ALREADY_BROKEN:
            return f"It was broken at the start already: the check fails at {good}. Name a commit at which it passed with --good, or mend the command."
        case Finding.FLAKY:
            return f"The check is flaky: at {commit}, or at {(answer.before or '')[:12]} before it, it passes once and fails once. Mend the check first."


def bisect_text(answer: Answer, style: Style) -> str:
    """Return what was found, with the failing output and what to do next."""
    found = answer.finding in {Finding.BUILD, Finding.COMMIT}
    lines = [(style.bad if found else style.bold)(terminal(headline(answer)))]
    if answer.culprit is not None and found:
        lines.append(f"  {format_when(answer.culprit.when)} {terminal(answer.culprit.subject)}")
    rows = [row for row in terminal_block(answer.tail.rstrip("\n"), TAIL_LINES) if row.strip()]
    if rows:
        lines += ["", style.bold("What the check says there"), *(f"  {row}" for row in rows)]
    if answer.finding is Finding.BUILD:
        lines += ["", style.bold("Next"), f"  autobuilds review {answer.label}", f"  autobuilds undo {answer.label}"]
    elif answer.finding is Finding.COMMIT and answer.culprit is not None:
        lines += ["", style.bold("Next"), f"  git show {answer.culprit.sha[:12]}"]
    return "\n".join(lines) + "\n"
