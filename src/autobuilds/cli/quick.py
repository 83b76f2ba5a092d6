"""Answers that were kept, given again while nothing that they depend on has changed: heartbeat, status, list, next.

Imports nothing but what a bare interpreter has loaded, and one small module of the store.
"""

from __future__ import annotations

import os
import sys

#: For the type checker alone: what it names takes as long to import as all the rest.
TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

#: The commands, and their options besides --json and --workspace.
COMMANDS = {"heartbeat": (), "status": (), "list": ("--all",), "next": ()}
#: The exit status of a kept answer, where it is not 0: what `next` says is kept where nothing is ready.
STATUS = {"next": 1}
_QUEUE = "BUILD_QUEUE.md"
_WORKSPACE = "AUTOBUILDS_WORKSPACE"


def answer(words: list[str]) -> str | None:
    """Return the answer to a command line that can be given at once, or None."""
    if not words or words[0] not in COMMANDS or another(os.environ):
        return None
    asked = read(words, COMMANDS)
    if asked is None:
        return None
    command, given, as_json = asked
    root = _root(given)
    if root is None:
        return None
    from autobuilds.store.standstill import recall

    return recall(root, form(command, as_json=as_json))


def another(names: Iterable[str]) -> bool:
    """Whether the variables of the environment make it another question: a build's own, a duty's, one at another time."""
    return any(name.startswith("AUTOBUILDS_") and name != _WORKSPACE for name in names)


def form(command: str, *, as_json: bool) -> str:
    """Return the name of an answer in the form it has here; on a terminal it is coloured, unless that is not wanted."""
    if as_json:
        return f"{command}-json"
    plain = "NO_COLOR" in os.environ or os.environ.get("TERM") == "dumb" or not sys.stdout.isatty()
    return f"{command}-{'text' if plain else 'colour'}"


def read(words: list[str], commands: Mapping[str, tuple[str, ...]]) -> tuple[str, str | None, bool] | None:
    """Return command, workspace (None: the one around) and whether JSON is asked for; None for any other question."""
    command, given, as_json = words[0], os.environ.get(_WORKSPACE) or None, False
    rest = iter(words[1:])
    for word in rest:
        if word == "--json":
            as_json = True
        elif word == "--workspace":
            given = next(rest, "")
        elif word.startswith("--workspace="):
            given = word.partition("=")[2]
        elif word in commands[words[0]] and command == words[0]:
            command += word[1:]
        else:
            return None
    return None if given == "" else (command, given, as_json)


def _root(given: str | None) -> str | None:
    """Return the nearest folder upwards with a queue, links resolved, or None."""
    try:
        folder = os.path.realpath(given if given is not None else os.curdir)
    except OSError:
        return None  # the current folder was removed; that is told where all errors are
    while not os.path.exists(f"{folder}/{_QUEUE}"):  # noqa: PTH110 - pathlib costs as much as all the rest
        above = os.path.dirname(folder)  # noqa: PTH120
        if above == folder:
            return None
        folder = above
    return folder
