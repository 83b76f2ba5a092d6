"""Keeping an answer, so that the same question can be answered at once while nothing has changed (`cli.quick`)."""

from __future__ import annotations

import os
from datetime import datetime
from typing import TYPE_CHECKING

from autobuilds.cli.quick import another, form

if TYPE_CHECKING:
    from collections.abc import Callable

    from autobuilds.runtime.context import Context
    from autobuilds.runtime.heartbeat import Beat
    from autobuilds.runtime.standstill import Watch


def before_all(context: Context) -> Watch | None:
    """Return every input before a heartbeat or a status; None where the answer is none to be kept."""
    from autobuilds.runtime.standstill import watch

    return None if another(os.environ) else watch(context)


def before_reading(context: Context) -> Watch | None:
    """Return the inputs before the queue is read; None where the answer is none to be kept."""
    from autobuilds.runtime.standstill import watch_queue

    return None if another(os.environ) else watch_queue(context)


def keep(context: Context, before: Watch | None, beat: Beat, command: str, said: Callable[[datetime], str], *, as_json: bool) -> None:
    """Keep what a command said of a heartbeat, or a look, that found nothing to do."""
    if before is not None:
        from autobuilds.runtime.standstill import keep

        keep(context, before, beat, form(command, as_json=as_json), said)


def standing(context: Context) -> tuple[str, tuple[str, ...]] | None:
    """Return the note of a heartbeat or a status that holds now, by its form and its lines; None where there is none."""
    from autobuilds.store import standstill

    if another(os.environ):
        return None
    for command, as_json in (("heartbeat", False), ("status", False), ("heartbeat", True), ("status", True)):
        name = form(command, as_json=as_json)
        found = standstill.holding(str(context.workspace.root), name)
        if found is not None:
            return name, tuple(found[0])
    return None


def keep_beside(
    context: Context,
    before: tuple[str, tuple[str, ...]] | None,
    command: str,
    said: Callable[[datetime], str],
    now: datetime,
    *,
    as_json: bool,
) -> None:
    """Keep what a command said while the note of a heartbeat or a status held, for as long as that one holds."""
    if before is not None:
        from autobuilds.runtime.standstill import keep_beside

        keep_beside(context, before, form(command, as_json=as_json), said, now)


def keep_reading(context: Context, before: Watch | None, command: str, answer: str, *, as_json: bool) -> None:
    """Keep what a command said of the queue alone."""
    if before is not None:
        from autobuilds.runtime.standstill import keep_reading

        keep_reading(context, before, form(command, as_json=as_json), answer)
