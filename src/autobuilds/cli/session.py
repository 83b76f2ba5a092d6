"""What every command shares: the workspace it works on, and how it answers."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

from autobuilds.cli.formatters.style import Style
from autobuilds.cli.guard import refuse_builds_of
from autobuilds.cli.guard import refuse_in_build as refuse_in_build
from autobuilds.errors import BadInput
from autobuilds.records import replace

if TYPE_CHECKING:
    from autobuilds.runtime.context import Context

#: DEL, C1, and the controls of direction.
_DRIVING = (*range(0x7F, 0xA0), 0x200E, 0x200F, *range(0x202A, 0x202F), *range(0x2066, 0x206A))


def find_workspace(given: Path | None, acting: str | None = None) -> Path:
    """Return the workspace's root; raises NoWorkspace where there is none, Refused for an act of one of its builds."""
    from autobuilds.store.workspace import find_root

    start = (given or Path.cwd()).resolve()
    if given is not None and not start.is_dir():
        raise BadInput(f"--workspace {given}: there is no such folder")
    root = find_root(start)
    refuse_builds_of(root, acting)
    return root


def open_context(given: Path | None, *, no_commit: bool = False, acting: str | None = None) -> Context:
    """Return the context of the workspace; raises NoWorkspace where there is none, Refused where `acting` is not for this process to do."""
    if (inside := _given()) is not None:
        return inside if not no_commit else replace(inside, no_commit=True)
    from autobuilds.wiring import make_context

    return make_context(find_workspace(given, acting), no_commit=no_commit)


def _given() -> Context | None:
    """Return the context that a program gave which runs commands within itself (`cli.inside`); None for commands as people type them."""
    click = sys.modules.get("click")
    called = click.get_current_context(silent=True) if click is not None else None
    found = None if called is None else called.find_root().obj
    return found if getattr(found, "workspace", None) is not None else None


def style() -> Style:
    """Return how to colour: only on a terminal, and never with NO_COLOR."""
    plain = "NO_COLOR" in os.environ or os.environ.get("TERM") == "dumb"
    return Style(colour=sys.stdout.isatty() and not plain)


def say(text: str) -> None:
    """Print an answer to stdout, whole even through a slow pipe."""
    sys.stdout.write(text if text.endswith("\n") or not text else text + "\n")


def page(text: str, style: Style, *, wanted: bool = True) -> None:
    """Print an answer; on a terminal that it does not fit on, through the person's pager, colours kept."""
    import shutil

    rows = text.count("\n") + 1
    if not wanted or not sys.stdout.isatty() or rows <= shutil.get_terminal_size().lines or os.environ.get("TERM") == "dumb":
        return say(text)
    # None leaves it to click, which tells `less` to pass colours on and takes them out for a pager that would show their signs.
    import click

    return click.echo_via_pager(text, color=None if style.colour else False)


def say_json(value: dict[str, Any]) -> None:
    """Print a JSON answer to stdout."""
    sys.stdout.write(json_text(value))


def json_text(value: dict[str, Any]) -> str:
    """Return a JSON answer as it is printed."""
    import json

    text = json.dumps(value, ensure_ascii=False, indent=2)
    # JSON escapes C0 by itself; DEL, C1 and bidi controls would drive a terminal just as well.
    return text.translate({n: f"\\u{n:04x}" for n in _DRIVING}) + "\n"


def tell(text: str) -> None:
    """Print a message beside the answer to stderr."""
    from autobuilds.domain import inert

    sys.stderr.write(inert.clean(text if text.endswith("\n") else text + "\n"))
    sys.stderr.flush()
