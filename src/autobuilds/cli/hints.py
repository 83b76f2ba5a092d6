"""Notes on what a task names and nothing knows: a category, an agent, a window, a repository."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from autobuilds.domain.inert import terminal
from autobuilds.domain.model import Task
from autobuilds.domain.moment import Snapshot
from autobuilds.domain.policy import Policy
from autobuilds.domain.spelling import did_you_mean, quoted
from autobuilds.errors import AutobuildsError
from autobuilds.runtime.context import Context


def hints(context: Context, task: Task, snapshot: Snapshot, field: str | None = None) -> Iterator[str]:
    """Yield a note on each name of a task that nothing knows, with the nearest that is known or with all; of one field (`Agent`), if given."""
    looks: dict[str, Callable[[], str | None]] = {
        "Category": lambda: _category(task, snapshot.policy),
        "Agent": lambda: _agent(context, task),
        "Window": lambda: _window(task, snapshot),
        "Repository": lambda: _repository(context, task),
    }
    for name, look in looks.items():
        note = look() if field in {None, name} else None
        if note is not None:
            yield terminal(note)


def _category(task: Task, policy: Policy) -> str | None:
    if task.category is None or not policy.categories:
        return None
    wanted = " ".join(task.category.split()).casefold()
    if any(rule.category.casefold() == wanted for rule in policy.categories):
        return None
    names = [rule.category for rule in policy.categories if rule.category not in {"*", "No category"}]
    hint = did_you_mean(task.category, names) or f"; it knows {', '.join(names)}"
    return f'DECISION_FRAMEWORK.md has no category "{task.category}"{hint}'


def _agent(context: Context, task: Task) -> str | None:
    if task.agent is None:
        return None
    try:
        names = [agent.name for agent in context.host.agents()]
    except AutobuildsError:
        return None  # agents.toml can't be read, which the gate says
    if task.agent in names:
        return None
    return f"there is no agent {quoted(task.agent)}{did_you_mean(task.agent, names) or '; autobuilds agents lists them'}"


def _window(task: Task, snapshot: Snapshot) -> str | None:
    from autobuilds.domain.gates.timing import no_window
    from autobuilds.domain.week import window_named

    windows = snapshot.settings.windows
    return no_window(task.window, windows) if task.window is not None and window_named(task.window, windows) is None else None


def _repository(context: Context, task: Task) -> str | None:
    if task.repository is None:
        return None
    from autobuilds.runtime.starting import repository_of

    place = repository_of(context, task)
    try:
        context.open_repo(place)
    except AutobuildsError:
        return f"{place} is no Git repository; the task waits for you when its turn comes"
    return None
