"""The answer of a heartbeat while nothing has changed since the last one, without a look at what the files say.

Imports nothing but what a bare interpreter has loaded, and one small module of the store.
"""

from __future__ import annotations

import os
import sys

_QUEUE = "BUILD_QUEUE.md"
#: With any of them the question is another one: a build's own, a duty's, one at another time.
_OURS = "AUTOBUILDS_"
_WORKSPACE = "AUTOBUILDS_WORKSPACE"


def heartbeat(words: list[str]) -> str | None:
    """Return the answer to `autobuilds heartbeat WORDS` that can be given at once, or None."""
    if any(name.startswith(_OURS) and name != _WORKSPACE for name in os.environ):
        return None
    asked = _asked(words)
    root = None if asked is None else _root(asked[0])
    if asked is None or root is None:
        return None
    from autobuilds.store.standstill import recall

    return recall(root, form(as_json=asked[1]))


def form(*, as_json: bool) -> str:
    """Return in which form a heartbeat answers here; those on a terminal are coloured, unless that is not wanted."""
    if as_json:
        return "json"
    plain = "NO_COLOR" in os.environ or os.environ.get("TERM") == "dumb" or not sys.stdout.isatty()
    return "text" if plain else "colour"


def _asked(words: list[str]) -> tuple[str | None, bool] | None:
    """Return the workspace that is named (None: the one around) and whether JSON is asked for; None for any other question."""
    given, as_json = os.environ.get(_WORKSPACE) or None, False
    rest = iter(words)
    for word in rest:
        if word == "--json":
            as_json = True
        elif word == "--workspace":
            given = next(rest, "")
        elif word.startswith("--workspace="):
            given = word.partition("=")[2]
        else:
            return None
    return None if given == "" else (given, as_json)


def _root(given: str | None) -> str | None:
    """Return the nearest folder upwards with a queue, links resolved, or None."""
    folder = os.path.realpath(given if given is not None else os.curdir)
    while not os.path.exists(f"{folder}/{_QUEUE}"):  # noqa: PTH110 - pathlib costs as much as all the rest
        above = os.path.dirname(folder)  # noqa: PTH120
        if above == folder:
            return None
        folder = above
    return folder
