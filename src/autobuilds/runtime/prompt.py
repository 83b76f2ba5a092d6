"""The prompt of an attempt, from its template; what the queue says is data in it."""

from __future__ import annotations

import secrets
from datetime import timedelta

from autobuilds.domain.build import Attempt, Build
from autobuilds.domain.model import Task
from autobuilds.domain.times import format_duration
from autobuilds.runtime.context import Context
from autobuilds.runtime.prompt_values import prompt_values
from autobuilds.store.render import Renderer

#: Bytes of the last attempt's output that the next one is told.
TAIL = 4000


def prompt_for(
    context: Context, task: Task, build: Build | None, attempt: Attempt, *, continues: bool, timeout: timedelta, may_change_nothing: bool
) -> tuple[str, tuple[str, ...]]:
    """Return what the agent is told: the task, its criteria, the rules, and on a retry how the last attempt failed.

    Besides it what is wrong with the workspace's own template, in which case the packaged one was used.
    """
    last = build.last if build is not None else None
    values = prompt_values(
        task,
        build,
        attempt=attempt.number,
        nonce=secrets.token_hex(8),
        branch=f"build/{task.label}",
        progress_file=str(context.workspace.progress_file(task.label)),
        timeout=format_duration(timeout),
        continues=continues,
        may_change_nothing=may_change_nothing,
        tail=context.runner.logs(last.id, TAIL) if last is not None else "",
    )
    renderer = Renderer(context.workspace.root)
    return renderer.render("prompt.md.j2", values), tuple(renderer.problems)
