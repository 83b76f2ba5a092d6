"""Commands within this process: what a duty's line says is run as the command line would, in a context that is given."""

from __future__ import annotations

import io
from contextlib import redirect_stderr, redirect_stdout
from datetime import timedelta

import click

from autobuilds.cli.app import cli
from autobuilds.cli.boundary import ended
from autobuilds.domain.duties import DutyCommand
from autobuilds.runtime.context import Context
from autobuilds.runtime.duties import DutyOutcome, DutyRun, outcome_of
from autobuilds.runtime.simulation.values import LEFT_OUT

#: Characters of an answer that are kept.
_TAIL = 4096


def run_duty(context: Context, command: DutyCommand, _timeout: timedelta) -> DutyRun:
    """Run a duty's command of ours in the context; any other program is left alone, and said to be."""
    if command.argv[0] != "autobuilds":
        return DutyRun(duty="", command=command.text, line=command.line, outcome=DutyOutcome.OK, exit_code=0, tail=LEFT_OUT)
    said = io.StringIO()
    with redirect_stdout(said), redirect_stderr(said):
        code = ended(command.argv[1:], lambda: _called(context, command.argv[1:]))
    tail = said.getvalue().strip()[-_TAIL:]
    outcome = outcome_of(command, code, tail)
    return DutyRun(duty="", command=command.text, line=command.line, outcome=outcome, exit_code=code, tail=tail)


def _called(context: Context, args: tuple[str, ...]) -> int:
    try:
        status = cli.main(args=list(args), prog_name="autobuilds", standalone_mode=False, obj=context)
    except click.exceptions.Exit as leave:
        return leave.exit_code
    except click.ClickException as wrong:
        click.echo(wrong.format_message())
        return 2
    return status if isinstance(status, int) else 0
