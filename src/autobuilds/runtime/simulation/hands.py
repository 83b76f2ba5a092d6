"""What the owner of a simulation does by hand: the edits of an ordinary editor in BUILD_QUEUE.md, by text alone."""

from __future__ import annotations

import os
import re
from datetime import datetime
from pathlib import Path
from random import Random

from autobuilds.domain.model import Priority, Task
from autobuilds.domain.times import format_when

_SAVED_AGO = 60.0
_IDEAS = (
    ("Explain the {} module", "Documentation", "README.md"),
    ("Speed up the {} report", "Performance optimization", "reports"),
    ("Mend the {} export", "Bug fixes", "export"),
    ("Cache the {} lookups", "Performance optimization", "lookup"),
    ("Renew the {} build script", "Infrastructure", "build"),
)
_THINGS = ("invoice", "calendar", "search", "session", "image", "mail", "order", "login", "price", "stock")
_ENTRY = """### {name}
- **Description:** `{path}/{label}.txt` holds one line that names the {thing}, as the tests of the project read it.
- **Completion Criteria:**
  - [ ] The line is there: `grep -q {thing} {path}/{label}.txt`
- **Estimated Time:** {minutes} min
- **Category:** {category}
- **Steps:**
  ```sh
  mkdir -p {path} && echo {thing} > {path}/{label}.txt
  ```

"""


def save(path: Path, text: str) -> None:
    """Write a file as an editor does that saved it a minute ago."""
    path.write_bytes(text.encode())
    ago = path.stat().st_mtime - _SAVED_AGO
    os.utime(path, (ago, ago))


def ticked(text: str, task: Task) -> str:
    """Return the queue with a task's box ticked."""
    return text.replace(f"- [ ] {task.name} - ", f"- [x] {task.name} - ", 1)


def approved(text: str, task: Task) -> str:
    """Return the queue with `Approved: yes` typed under a task's name."""
    return re.sub(rf"(?m)^### {re.escape(task.name)}[ \t]*\n", lambda found: f"{found[0]}- **Approved:** yes\n", text, count=1)


def with_priority(text: str, task: Task, priority: Priority) -> str:
    """Return the queue with another priority in a task's line."""
    line = rf"(?m)^(- \[ \] {re.escape(task.name)} - .*Priority: ){task.priority.value}"
    return re.sub(line, lambda found: found[1] + priority.value.capitalize(), text, count=1, flags=re.IGNORECASE)


def with_idea(text: str, luck: Random, now: datetime, number: int) -> tuple[str, str]:
    """Return the queue with a task that came to the owner's mind, and the task's name; the same text where it has no such section."""
    pattern, category, path = luck.choice(_IDEAS)
    thing = luck.choice(_THINGS)
    name = f"{pattern.format(thing)} {number}"
    priority = luck.choice(("High", "Medium", "Medium", "Medium", "Low"))
    minutes = luck.choice((30, 45, 60, 90, 120, 240))
    label = re.sub(r"[^a-z0-9]+", "-", name.lower())
    folder = path if "." not in path else "docs"
    entry = _ENTRY.format(name=name, path=folder, label=label, thing=thing, minutes=minutes, category=category)
    row = f"- [ ] {name} - Added: {format_when(now)} - Priority: {priority}\n"
    with_row, rows = re.subn(r"(?m)^## Active Queue[ \t]*\n+", lambda found: found[0] + row, text, count=1)
    with_entry, entries = re.subn(r"(?m)^## Task Details[ \t]*\n+", lambda found: found[0] + entry, with_row, count=1)
    return (with_entry, name) if rows and entries else (text, name)
