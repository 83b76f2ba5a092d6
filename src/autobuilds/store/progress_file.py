"""Writing into a progress log that a sub-agent owns: never through a link, never over what can't be read."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path

from autobuilds.errors import BadInput
from autobuilds.store import files
from autobuilds.store.guarded import read_guarded
from autobuilds.store.progress_text import append_log


def add_answer(path: Path, text: str, when: datetime) -> bool:
    """Append the owner's answer to the log's entries and return whether there was a log to write into.

    Raises BadInput where the log is not a plain file.
    """
    log = log_to_answer(path)
    if log is None:
        return False
    entry = f"Answer of the owner: {' '.join(text.split())}"
    return files.write_atomic(path, append_log(log, entry, when).encode())


def log_to_answer(path: Path) -> str | None:
    """Return the text of the log that an answer goes into, None where there is none; raises BadInput as `add_answer` does."""
    if not path.exists() and not path.is_symlink():
        return None
    found = read_guarded(path)
    if found.problem is not None:
        raise BadInput(f"{path} {found.problem}; remove it, the next attempt makes a new one")
    return found.text or ""
