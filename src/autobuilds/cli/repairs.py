"""Printing what `fsck` found, and what it made again."""

from __future__ import annotations

from autobuilds.cli.formatters.columns import way
from autobuilds.cli.formatters.json_ import envelope
from autobuilds.cli.formatters.style import Style
from autobuilds.cli.session import say, say_json
from autobuilds.domain.inert import terminal
from autobuilds.domain.problem import Severity
from autobuilds.runtime import fsck
from autobuilds.runtime.context import Context


def check(context: Context, *, as_json: bool, style: Style) -> int:
    """Print the findings and return the exit status: 1 where one is an error."""
    from autobuilds.wiring import survey

    found = fsck.check(context, survey())
    wrong = any(f.severity is Severity.ERROR for f in found)
    if as_json:
        say_json(envelope("fsck", findings=found, ok=not wrong))
    else:
        for finding in found:
            mark = style.bad("error") if finding.severity is Severity.ERROR else style.warn("warning")
            say(f"{mark}: {terminal(finding.message)}\n  {way(finding.fix)}{terminal(finding.fix)}")
        if not found:
            say("ledger, queue, history, branches and run folders agree")
    return 1 if wrong else 0


def rebuild(context: Context, *, as_json: bool) -> None:
    """Make the ledger again from the history and print what came of it."""
    made = fsck.rebuild(context)
    if as_json:
        say_json(
            envelope(
                "fsck",
                rebuilt=True,
                builds=len(made.ledger.builds),
                transitions=made.transitions,
                problems=made.problems,
                kept=str(made.kept) if made.kept else None,
            )
        )
        return
    for problem in made.problems:
        say(f"warning: {terminal(problem)}")
    say(f"subagents/active.json made again: {len(made.ledger.builds)} builds from {made.transitions} transitions of the history")
    if made.kept is not None:
        say(f"the file that stood there is kept as {terminal(str(made.kept))}")
