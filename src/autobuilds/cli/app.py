"""The command `autobuilds`: the table of its commands, each imported when it is used."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from importlib import import_module
from typing import Any

import click

from autobuilds import __version__
from autobuilds.cli.boundary import PipeClosed, ended
from autobuilds.cli.guard import guard
from autobuilds.domain import inert
from autobuilds.domain.spelling import either, near

#: Every command: where it is, in the groups and the order of the help page.
COMMANDS: dict[str, dict[str, str]] = {
    "Start": {
        "init": "start_init:init",
        "demo": "start_demo:demo",
        "doctor": "start_doctor:doctor",
        "agents": "agents:agents",
        "config": "start_config:config",
        "install": "start_install:install",
        "uninstall": "start_install:uninstall",
        "completion": "start_completion:completion",
    },
    "Queue": {
        "add": "queue_add:add",
        "list": "queue_read:list_",
        "show": "queue_read:show",
        "set": "queue_edit:set_",
        "tick": "queue_edit:tick",
        "approve": "words:approve",
        "block": "queue_edit:block",
        "unblock": "queue_edit:unblock",
        "cancel": "words:cancel",
        "reopen": "words:reopen",
        "check": "queue_read:check",
        "assess": "queue_assess:assess",
        "import": "queue_import:import_",
    },
    "Builds": {
        "heartbeat": "beat:heartbeat",
        "spawn": "beat:spawn",
        "status": "beat:status",
        "why": "beat:why",
        "plan": "beat:plan",
        "watch": "watching:watch",
        "log": "watching:log",
        "answer": "watching:answer",
        "retry": "words:retry",
        "stop": "words:stop",
        "complete": "words:complete",
        "fail": "words:fail",
        "review": "reviewing:review",
        "pr": "reviewing:pr",
        "accept": "reviewing:accept",
        "reject": "reviewing:reject",
        "undo": "reviewing:undo",
        "bisect": "bisecting:bisect",
        "pause": "words:pause",
        "resume": "words:resume",
        "fsck": "watching:fsck",
    },
    "The day": {
        "context": "day_context:context",
        "schedule": "day_schedule:schedule",
        "next": "beat:next_",
        "overnight": "day_overnight:overnight",
        "report": "watching:report",
        "stats": "day_schedule:stats",
        "weekend": "day_weekend:weekend",
        "brief": "day_brief:brief",
        "memory": "day_memory:memory",
        "problems": "day_problems:problems",
        "simulate": "day_simulate:simulate",
    },
}
#: Commands that programs run (Git, the scheduler), not people; they are on no help page.
HIDDEN = {"merge-driver": "start_hidden:merge_driver", "probe": "start_hidden:probe"}
_LISTED = {name: place for group in COMMANDS.values() for name, place in group.items()}
_PLACES = {**_LISTED, **HIDDEN}


class LazyGroup(click.Group):
    """A group that imports a command's module when the command is used, and suggests what was meant by a misspelt one."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Return every command's name in the order of the help page."""
        return list(_LISTED)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Import and return a command, or None for an unknown one."""
        place = _PLACES.get(cmd_name)
        if place is None:
            return None
        module, _, name = place.partition(":")
        found = getattr(import_module(f"autobuilds.cli.commands.{module}"), name)
        assert isinstance(found, click.Command)
        return found

    def resolve_command(self, ctx: click.Context, args: list[str]) -> tuple[str | None, click.Command | None, list[str]]:
        """Resolve a command; the message for an unknown one names the nearest."""
        if args and args[0] not in _PLACES and not args[0].startswith("-"):
            if args[0] == "help":
                raise click.UsageError(f'no command "help"; see {_page(args[1:])}')
            found_near = near(args[0], _LISTED)
            hint = f" Did you mean {either(found_near)}?" if found_near else " `autobuilds --help` lists them."
            raise click.UsageError(f'no command "{args[0]}".{hint}', ctx)
        found = super().resolve_command(ctx, args)
        if found[0] is not None and args[1:] not in (["--help"], ["-h"]):
            guard(found[0])
        return found

    def invoke(self, ctx: click.Context) -> Any:
        """Run the command; click would end a closed pipe with a status of its own."""
        try:
            return super().invoke(ctx)
        except BrokenPipeError as closed:
            raise PipeClosed from closed

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write the commands in their groups."""
        for title, places in COMMANDS.items():
            rows = [(name, self._short_help(ctx, name)) for name in places]
            with formatter.section(title):
                formatter.write_dl(rows)

    def _short_help(self, ctx: click.Context, name: str) -> str:
        command = self.get_command(ctx, name)
        return command.get_short_help_str(100) if command else ""


def _page(wanted: Sequence[str]) -> str:
    """Return the command line that shows what `help` was asked for."""
    return f"autobuilds {wanted[0]} --help" if wanted and wanted[0] in _LISTED else "autobuilds --help"


@click.group(cls=LazyGroup, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
@click.version_option(__version__, prog_name="autobuilds", message="%(prog)s %(version)s")
def cli() -> None:
    """Write what should be built into BUILD_QUEUE.md and leave.

    A heartbeat starts what may start, an agent builds it in an isolated clone, its completion criteria are run, and you
    come back to reviewable branches and a report. `autobuilds demo` shows it in a minute.
    """


def run(args: Sequence[str]) -> int:
    """Run a command line and return its exit status: 0 done, 1 not so, 2 wrong usage or bad input, 3 not possible now."""
    return ended(args, lambda: _called(args))


def _called(args: Sequence[str]) -> int:
    try:
        status = cli.main(args=list(args), prog_name="autobuilds", standalone_mode=False)
        return status if isinstance(status, int) else 0
    except click.exceptions.Exit as leave:
        return leave.exit_code
    except click.exceptions.NoArgsIsHelpError as bare:
        bare.show()
        return 2
    except click.ClickException as wrong:
        sys.stderr.write(f"autobuilds: {_usage(wrong)}\n")
        return 2
    except click.Abort:
        sys.stderr.write("aborted\n")
        return 130


def _usage(wrong: click.ClickException) -> str:
    """Return what is wrong with a command line, in one line that names the help page."""
    said = inert.line(wrong.format_message())
    place = wrong.ctx.command_path if isinstance(wrong, click.UsageError) and wrong.ctx is not None else None
    return f"{said} ({place} --help shows how)" if place else said
