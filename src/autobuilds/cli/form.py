"""The interactive form of `add`: questions on stderr, so that stdout holds the answer alone."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import click

from autobuilds.cli.drafting import ESTIMATES
from autobuilds.domain.times import parse_estimate
from autobuilds.store.queue.values import parse_priority


def ask(given: Mapping[str, Any]) -> tuple[str, dict[str, Any]]:
    """Return the name and what the person answered beside what the options gave; raises click.Abort when they leave."""
    values = dict(given)
    name: str = click.prompt("What should be built (a few words)", err=True)
    if not values["description"]:
        values["description"] = click.prompt("Describe it so that nobody needs to ask", default="", show_default=False, err=True)
    if not values["criteria"]:
        values["criteria"] = _criteria()
    if not values["priority"]:
        values["priority"] = _until("Priority: high, medium or low", "medium", lambda t: parse_priority(t) is not None)
    if not values["estimate"]:
        values["estimate"] = _until(f"How long ({ESTIMATES}; empty: unknown)", "", lambda t: not t or parse_estimate(t) is not None)
    if not values["category"]:
        values["category"] = click.prompt("Category of DECISION_FRAMEWORK.md (empty: none)", default="", show_default=False, err=True)
    return name, values


def _criteria() -> tuple[str, ...]:
    click.echo("How will one see that it is done? One criterion a line, such as: tests pass: `pytest -q`; an empty line ends.", err=True)
    found: list[str] = []
    while text := click.prompt(f"  {len(found) + 1}.", default="", show_default=False, prompt_suffix=" ", err=True).strip():
        found.append(text)
    return tuple(found)


def _until(question: str, default: str, is_good: Callable[[str], bool]) -> str:
    while True:
        text: str = click.prompt(question, default=default, show_default=bool(default), err=True)
        if is_good(text.strip()):
            return text.strip()
        click.echo(f'"{text}" can\'t be read', err=True)
