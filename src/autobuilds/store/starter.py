"""The files that turn a repository into a workspace: their first texts, and writing them without ever writing over one."""

from __future__ import annotations

import os
import re
from contextlib import suppress
from datetime import datetime
from pathlib import Path

from autobuilds.domain.patterns import pattern
from autobuilds.domain.times import format_when
from autobuilds.errors import BadInput
from autobuilds.store import files
from autobuilds.store.files.writing import sync_folder, temporary_name, write_new
from autobuilds.store.render import packaged_templates

GUIDE = "AUTONOMOUS_BUILDS.md"
ATTRIBUTES = ".gitattributes"
#: What .gitattributes says, and the name of the driver in Git's configuration.
DRIVER = "autobuilds-queue"
MERGE_LINE = f"BUILD_QUEUE.md merge={DRIVER}"
_MERGE_RULE = pattern(r"(?m)^[ \t]*/?BUILD_QUEUE\.md[ \t].*?\bmerge=(\S+)")

_NAME = "Describe the layout of the repository"
_QUEUE = """# Build Queue

What should be built. A line under *Active Queue* is a task, what it means stands under its name in *Task Details*;
`autobuilds check` names every line that can't be read, `autobuilds why` what holds a task. AUTONOMOUS_BUILDS.md tells the rest.

## Active Queue
- [ ] {name} - Added: {now} - Priority: High

## Task Details

### {name}
- **Description:** `{target}` lists every top-level folder of the repository, `docs` included and those of autobuilds left out: one line a folder, its name and what it holds.
- **Completion Criteria:**
  - [ ] `{target}` names every top-level folder: `{check}`
{tests}- **Estimated Time:** 15 min
- **Category:** Documentation
- **Touches:** {target}
{steps}
## Completed
"""
#: The folders that autobuilds itself may add between a build and its merge; the task is not about them.
_OURS = "-e subagents -e build-reports -e memory"
_CHECK = 'test -s {target} && git -c core.quotePath=false ls-tree -d --name-only HEAD | grep -vx {ours} | while read -r d; do grep -qF -- "$d" {target} || exit 1; done'
_STEPS = """- **Steps:**
  ```sh
  mkdir -p docs
  {{
    printf '# Layout\\n\\n- `docs`: what is written about the rest, this page included\\n'
    git -c core.quotePath=false ls-tree -d --name-only HEAD | grep -vx -e docs {ours} | while read -r d; do
      printf -- '- `%s`: %s files\\n' "$d" "$(git ls-files -- "$d" | wc -l | tr -d ' ')"
    done
  }} > {target}
  ```
"""


#: What stands in a new workspace in place of the tables of rules.
_TABLES = (
    "The tables in force are the packaged ones: `autobuilds config --rules` prints them. To change one, copy it into this section",
    "together with its heading, and edit it there: it then replaces the packaged one.",
)


def packaged(name: str) -> str:
    """Return the text of a shipped file."""
    folder = packaged_templates()
    place = folder / name if (folder / name).exists() else folder.parent / name
    return place.read_text(encoding="utf-8")


def policy_text() -> str:
    """Return the first DECISION_FRAMEWORK.md: the categories, and for risk and requirements how to change the packaged tables."""
    kept: list[str] = []
    skipping = False
    for line in packaged("DECISION_FRAMEWORK.md").split("\n"):
        if line.startswith("## "):
            skipping = False
        elif line.startswith("### "):
            if not skipping:
                kept += [*_TABLES, ""]
            skipping = True
        if not skipping:
            kept.append(line)
    return "\n".join(kept).rstrip("\n") + "\n"


def queue_text(root: Path, now: datetime, *, tests: str | None, steps: bool) -> str:
    """Return the first queue: one small harmless task, checked by a command and by the repository's own tests.

    `steps` adds the commands that do it, for a machine without an agent. Raises BadInput for a test command that can't stand in a
    code span.
    """
    if tests is not None and not re.fullmatch(r"[^`\x00-\x1f\x7f\u2028\u2029]+", tests):
        raise BadInput(f"{tests!r} can't be a criterion: a command of one line without backticks is meant")
    target = next((n for n in ("docs/layout.md", "docs/repository-layout.md") if not (root / n).exists()), "docs/folders.md")
    criterion = f"  - [ ] Tests pass: `{tests}`\n" if tests else ""
    made = _STEPS.format(target=target, ours=_OURS) if steps else ""
    check = _CHECK.format(target=target, ours=_OURS)
    return _QUEUE.format(name=_NAME, now=format_when(now), target=target, check=check, tests=criterion, steps=made)


def config_text(*, zone: str | None, agent: str | None) -> str:
    """Return the packaged HEARTBEAT.md with the zone and the agent filled in; None leaves the default in force."""
    text = packaged("HEARTBEAT.md")
    if zone is not None:
        text = re.sub(r"(?m)^# timezone:.*$", lambda _: f"timezone: {zone}", text, count=1)
    if agent is not None:
        text = re.sub(r"(?m)^# agent:.*$", lambda _: f"agent: {agent}", text, count=1)
    return text


def attributes_line(path: Path) -> str | None:
    """Return what must be appended to .gitattributes for the queue's merge driver, or None where it says how the queue is merged.

    Raises BadInput where the file is a symbolic link, which Git does not follow, or no text.
    """
    if path.is_symlink():
        raise BadInput(f"{path} is a symbolic link, which Git does not follow; make it a file and add the line `{MERGE_LINE}`")
    if not path.exists():
        return MERGE_LINE + "\n"
    try:
        text = files.read_stable(path).decode()
    except UnicodeDecodeError as error:
        raise BadInput(f"{path} is not UTF-8; add the line `{MERGE_LINE}` by hand") from error
    if _MERGE_RULE.search(text):
        return None
    newline = "\r\n" if "\r\n" in text else "\n"
    return ("" if not text or text.endswith("\n") else newline) + MERGE_LINE + newline


def append(path: Path, text: str) -> None:
    """Append whole lines to a file of the owner's; raises StorageFailure."""
    files.write_atomic(path, (files.read_stable(path) if path.exists() else b"") + text.encode())


def create(path: Path, text: str) -> bool:
    """Write a file that is not there yet, whole or not at all; return False, and leave it, where something has that name."""
    temporary = path.with_name(temporary_name(path.name))
    try:
        write_new(temporary, text.encode())
        try:
            os.link(temporary, path, follow_symlinks=False)
        except FileExistsError:
            return False
        except OSError:
            if os.path.lexists(path):
                return False
            temporary.rename(path)
        sync_folder(path.parent)
    except OSError as error:
        raise files.storage_failure(path, error) from error
    finally:
        with suppress(OSError):
            temporary.unlink(missing_ok=True)
    return True
