"""docs/reference/commands.md: the blocks that say what `--help` says, made from the commands themselves.

`python3 -m tests.cli.reference_page` writes them anew between their marks; everything else on the page is written by hand.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import click

from autobuilds.cli.app import COMMANDS, cli

PAGE = Path(__file__).resolve().parents[2] / "docs" / "reference" / "commands.md"
BLOCK = re.compile(r"<!-- begin (?P<name>[a-z-]+) -->\n(?P<text>.*?)<!-- end (?P=name) -->\n", re.DOTALL)


def commands() -> Iterator[tuple[str, click.Command]]:
    """Yield every command of the help page in its order."""
    context = click.Context(cli, info_name="autobuilds")
    for group in COMMANDS.values():
        for name in group:
            found = cli.get_command(context, name)
            assert found is not None
            yield name, found


def block(name: str, command: click.Command) -> str:
    """Return what stands between the marks of a command: its usage, its help, a row for each argument and option."""
    parent = click.Context(cli, info_name="autobuilds", help_option_names=["-h", "--help"])
    context = click.Context(command, info_name=name, parent=parent)
    usage = command.get_usage(context).removeprefix("Usage: ")
    rows = [record for parameter in _parameters(command, context) if (record := _row(parameter, context)) is not None]
    table = ["| option | meaning |", "|---|---|", *(f"| `{_cell(form)}` | {_cell(text)} |" for form, text in rows)]
    own = ["```text", " ".join(usage.split()), "```", "", *_paragraphs(command.help or ""), *table, ""]
    return "\n".join(own) + "".join(_subcommand(name, inner, context) for name, inner in _inner(command))


def _parameters(command: click.Command, context: click.Context) -> Iterator[click.Parameter]:
    """Yield a command's parameters with a help option of this page's: click keeps the one that the first use of the command made."""
    yield from (p for p in command.get_params(context) if "--help" not in p.opts)
    own = click.Command(None).get_help_option(context)
    assert own is not None
    yield own


def _inner(command: click.Command) -> list[tuple[str, click.Command]]:
    return sorted(command.commands.items()) if isinstance(command, click.Group) else []


def _subcommand(name: str, command: click.Command, parent: click.Context) -> str:
    """Return what is said of a command of a group: its usage, its help, and the options that are its own."""
    context = click.Context(command, info_name=name, parent=parent)
    usage = " ".join(command.get_usage(context).removeprefix("Usage: ").split())
    given = [(p, _row(p, context)) for p in command.get_params(context) if not {"--workspace", "--json", "--help"} & set(p.opts)]
    rows = [f"| `{_cell(row[0])}` | {_cell(row[1])} |" for _, row in given if row is not None]
    table = ["| option | meaning |", "|---|---|", *rows, ""] if rows else []
    return "\n".join(["", f"`{usage}`", "", *_paragraphs(command.help or "")]) + ("\n" + "\n".join(table) if table else "")


def _row(parameter: click.Parameter, context: click.Context) -> tuple[str, str] | None:
    if isinstance(parameter, click.Argument):
        return None
    return parameter.get_help_record(context)


def _paragraphs(text: str) -> Iterator[str]:
    for paragraph in text.replace("\b", "").split("\n\n"):
        yield " ".join(paragraph.split())
        yield ""


def _cell(text: str) -> str:
    return " ".join(text.split()).replace("|", "\\|")


def renewed(page: str) -> str:
    """Return the page with every block made anew; a command without a block is left for the test to find."""
    known = dict(commands())

    def fresh(found: re.Match[str]) -> str:
        name = found["name"]
        text = block(name, known[name]) if name in known else found["text"]
        return f"<!-- begin {name} -->\n{text}<!-- end {name} -->\n"

    return BLOCK.sub(fresh, page)


if __name__ == "__main__":
    PAGE.write_text(renewed(PAGE.read_text(encoding="utf-8")), encoding="utf-8")
