"""Finding the build that broke a check: bisect."""

from __future__ import annotations

import shlex
from pathlib import Path

import click

from autobuilds.cli.options import json_option, workspace_option
from autobuilds.cli.session import open_context, refuse_in_build, say, say_json, style, tell

_AFTER = "autobuilds.after_dashes"


class DashedCommand(click.Command):
    """A command that tells what stands behind `--` from what stands before it."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Keep what follows the first `--` for itself."""
        if "--" in args:
            at = args.index("--")
            ctx.meta[_AFTER] = tuple(args[at + 1 :])
            args = args[:at]
        return super().parse_args(ctx, args)

    def collect_usage_pieces(self, ctx: click.Context) -> list[str]:
        """Return the pieces of the usage line, both forms."""
        return ["[OPTIONS]", "(LABEL | CRITERION | -- COMMAND...)"]


@click.command(cls=DashedCommand)
@click.argument("wanted", required=False)
@click.option(
    "--good",
    metavar="COMMIT",
    help="Where the check still passed; default: for a LABEL where its own build was merged, else before the first build that was merged.",
)
@click.option("--bad", metavar="COMMIT", default="HEAD", show_default=True, help="Where it fails.")
@click.option(
    "--repository",
    metavar="DIR",
    type=click.Path(path_type=Path, file_okay=False, exists=True),
    help="The repository; default: the workspace's.",
)
@workspace_option
@json_option
@click.pass_context
def bisect(
    ctx: click.Context, wanted: str | None, good: str | None, bad: str, repository: Path | None, workspace: Path | None, as_json: bool
) -> int:
    """Find the build that broke a check: the checks of LABEL, one CRITERION by its text, or a COMMAND behind `--`.

    The check is run at the merges of builds, each in a scratch clone that is removed again, with the limits of a completion check;
    a command of one word may be a whole line of shell.
    """
    from autobuilds.cli.formatters import bisect_text
    from autobuilds.domain.model import Criterion
    from autobuilds.errors import BadInput
    from autobuilds.records import replace
    from autobuilds.runtime import bisecting
    from autobuilds.runtime.named_checks import named_check, passed_at

    refuse_in_build("bisect")
    command: tuple[str, ...] = ctx.meta.get(_AFTER, ())
    if bool(command) == bool(wanted):
        raise click.UsageError("name one thing to check: a LABEL, a CRITERION, or -- COMMAND", ctx)
    context = open_context(workspace)
    if wanted is not None:
        criteria = named_check(context.load().snapshot.queue, context.workspace.ledger(), wanted)
    else:
        line = command[0] if len(command) == 1 else shlex.join(command)
        criteria = (Criterion(text=line, commands=(line,)),)
    search = bisecting.Search(criteria=criteria, good=good, bad=bad, repository=repository.resolve() if repository else None)
    since = passed_at(context.workspace.ledger(), wanted) if wanted is not None and good is None and repository is None else None
    try:
        answer = bisecting.bisect(context, replace(search, good=since or good), tell)
    except BadInput:
        # The branch may have been rewritten since.
        if since is None:
            raise
        answer = bisecting.bisect(context, search, tell)
    if as_json:
        say_json(bisect_text.bisect_json(answer))
    else:
        say(bisect_text.bisect_text(answer, style()))
    return 0 if answer.finding in {bisecting.Finding.BUILD, bisecting.Finding.COMMIT} else 1
