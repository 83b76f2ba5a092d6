"""One seeded list of tasks, the same for every tool, and the queue that autobuilds reads it from."""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import dataclass

#: Priorities as the list has them; each tool spells them in its own way.
PRIORITIES = ("high", "medium", "low")
VERBS = ("Add", "Show", "Sort", "Export", "Cache", "Parse", "Rename", "Document", "Split", "Check")
NOUNS = (
    "reports",
    "settings",
    "invoices",
    "search results",
    "session list",
    "theme",
    "parser",
    "index page",
    "weekly digest",
    "table view",
)
PLACES = ("in the app", "on the page", "for guests", "in the log", "on start", "by month", "in the menu", "for the team")
LABELS = ("backend", "frontend", "docs", "cli", "tests", "design")
WORDS = [
    "page",
    "list",
    "view",
    "table",
    "column",
    "filter",
    "reader",
    "writer",
    "label",
    "entry",
    "month",
    "week",
    "total",
    "name",
    "order",
    "field",
    "menu",
    "colour",
    "text",
    "button",
    "result",
    "folder",
    "file",
    "title",
    "summary",
    "chart",
    "row",
    "cell",
    "unit",
    "word",
    "letter",
    "number",
    "value",
]


@dataclass(frozen=True, slots=True, kw_only=True)
class Item:
    """One task of the list; `number` counts from 1."""

    number: int
    key: str
    title: str
    description: str
    criteria: tuple[str, ...]
    priority: str
    labels: tuple[str, str]
    #: "todo", "doing" or "done".
    state: str
    #: The number of the task that must be done first.
    depends_on: int | None

    @property
    def slug(self) -> str:
        """Return the title as a label: lower case, a hyphen for each space."""
        return self.title.lower().replace(" ", "-")


def key(number: int) -> str:
    """Return the word that a title begins with, by which a task is found in any output."""
    return f"Q{number:06}"


def _sentence(pick: random.Random) -> str:
    """Return one sentence of a description, clear enough for somebody to start."""
    file, part, other, number = f"docs/{pick.choice(WORDS)}.md", pick.choice(WORDS), pick.choice(WORDS), pick.randrange(2, 90)
    return f"In `{file}` the {part} stands in line {number}; write the {other} of the {pick.choice(WORDS)} behind it, in one short line."


def items(count: int, *, seed: int = 7) -> list[Item]:
    """Return so many tasks: 20 % done, 5 % doing, 10 % of the open ones waiting for another open one.

    A title has about 45 characters, a description about 400, and each of the 4 criteria about 55.
    """
    pick = random.Random(seed)
    found = []
    for number in range(1, count + 1):
        title = f"{key(number)} {pick.choice(VERBS)} {pick.choice(NOUNS)} {pick.choice(PLACES)} {pick.choice(WORDS)}"
        description = " ".join(_sentence(pick) for _ in range(4))
        criteria = tuple(
            f"`docs/{pick.choice(WORDS)}.md` names the {pick.choice(WORDS)} and the {pick.choice(WORDS)}: {n} lines" for n in range(4)
        )
        one, two = pick.sample(LABELS, 2)
        found.append(
            Item(
                number=number,
                key=key(number),
                title=title,
                description=description,
                criteria=criteria,
                priority=pick.choice(PRIORITIES),
                labels=(one, two),
                state="done" if number % 5 == 0 else "doing" if number % 20 == 1 else "todo",
                depends_on=number - 1 if number % 20 in {3, 13} else None,
            )
        )
    return found


def free(count: int, turn: int, *, digit: int) -> int:
    """Return the number of an open task in no dependency; another one for every turn, from the end, ending in `digit` (7 or 8)."""
    return count - 10 * (turn % (count // 10)) - 10 + digit


def ready(count: int) -> int:
    """Return how many tasks are open and wait for no other."""
    return sum(item.state != "done" and item.depends_on is None for item in items(count))


def queue_text(tasks: Sequence[Item]) -> str:
    """Return the list as BUILD_QUEUE.md.

    Nothing of it may start for now, so that a heartbeat can be measured that starts nothing: medium priority waits for the window, low
    priority for an approval, and a time long ahead holds what has high priority.
    """
    lines, details, done = ["# Build Queue", "", "## Active Queue"], ["", "## Task Details"], ["", "## Completed"]
    by_number = {item.number: item for item in tasks}
    for item in tasks:
        day = f"2026-{1 + item.number % 9:02}-{1 + item.number % 28:02} {item.number % 24:02}:00"
        priority = item.priority.capitalize()
        if item.state == "done":
            done.append(f"- [x] {item.title} - Added: {day} - Priority: {priority} - Completed: 2026-10-01 12:00")
        else:
            lines.append(f"- [ ] {item.title} - Added: {day} - Priority: {priority}")
        details += ["", f"### {item.title}", f"- **Description:** {item.description}", "- **Completion Criteria:**"]
        details += [f"  - [ ] {criterion}" for criterion in item.criteria]
        details += [f"- **Tech Stack:** {', '.join(item.labels)}", "- **Estimated Time:** 2 hours", "- **Category:** Documentation"]
        if item.priority == "high":
            details.append("- **Not Before:** 2099-01-01 00:00")
        if item.depends_on is not None:
            details.append(f"- **Depends On:** {by_number[item.depends_on].title}")
        details.append("- **Steps:** `true`")
    return "\n".join([*lines, *details, *done, ""])
