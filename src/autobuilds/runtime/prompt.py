"""The prompt of an attempt, from its template; what the queue says is data in it."""

from __future__ import annotations

import secrets
from datetime import timedelta
from pathlib import Path

from autobuilds.domain.agents import SCRATCH
from autobuilds.domain.build import Attempt, Build
from autobuilds.domain.model import Task
from autobuilds.domain.times import format_duration
from autobuilds.runtime.context import Context
from autobuilds.runtime.prompt_values import prompt_values
from autobuilds.store.render import Renderer

#: Bytes of the last attempt's output that the next one is told.
TAIL = 4000


def scratch_of(context: Context, attempt: Attempt) -> Path:
    """Return the folder that the agent of an attempt may write to besides its clone."""
    return context.workspace.run_folder(attempt.id) / SCRATCH


def progress_of(context: Context, attempt: Attempt) -> Path:
    """Return the progress log as the agent of an attempt sees it; the supervisor brings it to the owner's."""
    return scratch_of(context, attempt) / "progress.md"


def prompt_for(
    context: Context,
    task: Task,
    build: Build | None,
    attempt: Attempt,
    *,
    continues: bool,
    timeout: timedelta,
    may_change_nothing: bool,
    resumed: bool = False,
) -> tuple[str, tuple[str, ...]]:
    """Return what the agent is told: the task, its criteria, the rules, and on a retry how the last attempt failed.

    An agent that goes on in the session of an interrupted attempt (`resumed`) knows all that, and is told only what happened.

    Besides it what is wrong with the workspace's own template, in which case the packaged one was used.
    """
    last = build.last if build is not None else None
    values = prompt_values(
        task,
        build,
        attempt=attempt.number,
        nonce=secrets.token_hex(8),
        branch=f"build/{task.label}",
        progress_file=str(progress_of(context, attempt)),
        timeout=format_duration(timeout),
        continues=continues,
        resumed=resumed,
        may_change_nothing=may_change_nothing,
        tail=context.runner.logs(last.id, TAIL) if last is not None else "",
    )
    renderer = Renderer(context.workspace.root)
    return renderer.render("prompt.md.j2", values), tuple(renderer.problems)
