"""The guard: what a process inside a build may ask of autobuilds, command by command."""

from __future__ import annotations

import os
import sys
from enum import Enum
from pathlib import Path
from typing import Any

from autobuilds.errors import Refused

#: Set for every process of a build by its supervisor.
MARKER = "AUTOBUILDS_ATTEMPT"
#: Where the context of a command line keeps that it acts for the owner, and by what name.
_ACTING = "autobuilds.acting"


class Inside(Enum):
    """What a command may do inside a build."""

    #: It only looks, whatever its options.
    LOOKS = "looks"
    #: It looks with some options and acts with others; it refuses the latter by itself.
    PARTLY = "partly"
    #: It acts for the owner, or could add authority.
    REFUSED = "refused"


#: Every command there is; one that is missing is refused, and a test says so.
INSIDE: dict[str, Inside] = {
    "init": Inside.REFUSED,
    "demo": Inside.REFUSED,
    "doctor": Inside.LOOKS,
    "config": Inside.LOOKS,
    "install": Inside.REFUSED,
    "uninstall": Inside.REFUSED,
    "completion": Inside.LOOKS,
    "agents": Inside.PARTLY,
    "add": Inside.REFUSED,
    "list": Inside.LOOKS,
    "show": Inside.LOOKS,
    "set": Inside.REFUSED,
    "tick": Inside.REFUSED,
    "approve": Inside.REFUSED,
    "block": Inside.REFUSED,
    "unblock": Inside.REFUSED,
    "cancel": Inside.REFUSED,
    "reopen": Inside.REFUSED,
    "check": Inside.LOOKS,
    "assess": Inside.LOOKS,
    "import": Inside.PARTLY,
    "heartbeat": Inside.PARTLY,
    "spawn": Inside.REFUSED,
    "status": Inside.LOOKS,
    "why": Inside.LOOKS,
    "plan": Inside.LOOKS,
    "next": Inside.LOOKS,
    "context": Inside.PARTLY,
    "schedule": Inside.LOOKS,
    "stats": Inside.LOOKS,
    "overnight": Inside.PARTLY,
    "weekend": Inside.PARTLY,
    "log": Inside.LOOKS,
    "watch": Inside.LOOKS,
    "answer": Inside.REFUSED,
    "retry": Inside.REFUSED,
    "stop": Inside.REFUSED,
    "complete": Inside.REFUSED,
    "fail": Inside.REFUSED,
    "review": Inside.LOOKS,
    "pr": Inside.REFUSED,
    "accept": Inside.REFUSED,
    "reject": Inside.REFUSED,
    "undo": Inside.REFUSED,
    "bisect": Inside.REFUSED,
    "pause": Inside.REFUSED,
    "resume": Inside.REFUSED,
    "report": Inside.PARTLY,
    "fsck": Inside.PARTLY,
    # Git runs it on three files that it names, wherever it merges.
    "merge-driver": Inside.LOOKS,
    "probe": Inside.REFUSED,
    "simulate": Inside.REFUSED,
    "brief": Inside.PARTLY,
    "memory": Inside.PARTLY,
    "problems": Inside.PARTLY,
}


def inside_build() -> bool:
    """Whether this process says of itself, by its environment, that it runs inside a build."""
    return MARKER in os.environ


def guard(command: str) -> None:
    """Refuse a command inside a build unless it only looks, or refuses by itself what acts; raises Refused."""
    if INSIDE.get(command, Inside.REFUSED) is Inside.REFUSED:
        refuse_in_build(command)


def refuse_in_build(command: str) -> None:
    """Raise Refused inside a build: no sub-agent may act for the owner (chapter 3).

    A build that took its marker away is found out once the workspace is known (`refuse_builds_of`).
    """
    if inside_build():
        raise Refused(_words(command))
    kept = _kept()
    if kept is not None:
        kept[_ACTING] = command


def refuse_builds_of(root: Path, acting: str | None = None) -> None:
    """Raise Refused where the command acts for the owner and this process descends from a build of that very workspace.

    It is the command `acting`, or the one of which `refuse_in_build` was asked.

    Workspaces that a build made for itself, as the tests of this program do, are the build's own.
    """
    command = acting or (_kept() or {}).get(_ACTING)
    if command is None:
        return
    from autobuilds.wiring import build_above

    if build_above(root) is not None:
        raise Refused(_words(command))


def _kept() -> dict[str, Any] | None:
    """Return what the context of the command line keeps; None for a command that was asked for without click (`cli.looks`)."""
    click = sys.modules.get("click")
    context = click.get_current_context(silent=True) if click is not None else None
    return None if context is None else context.meta


def _words(command: str) -> str:
    return f"`autobuilds {command}` is refused inside a build: only the owner may do this, outside of it"
