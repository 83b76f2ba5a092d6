"""The reference of the commands says what the commands say."""

from __future__ import annotations

import re

import click
import pytest

from autobuilds.cli.historical import SCRIPTS
from tests.cli.reference_page import BLOCK, PAGE, block, commands, renewed

FOLDER = PAGE.parent
COMMANDS = dict(commands())


@pytest.mark.parametrize("name", COMMANDS)
def test_a_commands_block_is_its_help(name: str) -> None:
    """Mend it with `python3 -m tests.cli.reference_page`."""
    found = {match["name"]: match["text"] for match in BLOCK.finditer(PAGE.read_text(encoding="utf-8"))}
    assert found.get(name) == block(name, COMMANDS[name])


def test_every_command_stands_there_once_in_the_order_of_the_help_page() -> None:
    page = PAGE.read_text(encoding="utf-8")
    assert [match["name"] for match in BLOCK.finditer(page)] == list(COMMANDS)
    assert re.findall(r"^### ([a-z-]+)$", page, re.MULTILINE) == list(COMMANDS)
    assert renewed(page) == page


def test_the_page_does_not_depend_on_how_a_command_was_used_before() -> None:
    for command in COMMANDS.values():
        command.get_help_option(click.Context(command))
    assert renewed(PAGE.read_text(encoding="utf-8")) == PAGE.read_text(encoding="utf-8")


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_has_a_help_text_and_its_exit_statuses(name: str) -> None:
    page = PAGE.read_text(encoding="utf-8")
    after = page.partition(f"<!-- end {name} -->\n")[2]
    assert re.match(r"\nExit status: 0 [a-z].*; [123].*\.\n", after)
    assert COMMANDS[name].help
    undocumented = [p.name for p in COMMANDS[name].params if isinstance(p, click.Option) and not p.help and not p.hidden]
    assert undocumented == []


def test_every_command_but_two_answers_as_json() -> None:
    inner = {f"{name} {sub}": c for name, group in COMMANDS.items() if isinstance(group, click.Group) for sub, c in group.commands.items()}
    every = {name: c for name, c in COMMANDS.items() if not isinstance(c, click.Group)} | inner
    without = [name for name, command in every.items() if not any("--json" in p.opts for p in command.params)]
    assert without == ["demo", "completion"]


def test_the_historical_scripts_are_listed() -> None:
    page = (FOLDER / "historical-scripts.md").read_text(encoding="utf-8")
    assert re.findall(r"^\| `([a-z_-]+)\.py`", page, re.MULTILINE) == list(SCRIPTS)
