"""The keys that a task may carry, on its line or in its details, and the spellings that are read as them."""

from __future__ import annotations

import re
from enum import StrEnum


class Key(StrEnum):
    """A known key; its value is the spelling that writers use."""

    ADDED = "Added"
    PRIORITY = "Priority"
    COMPLETED = "Completed"
    DESCRIPTION = "Description"
    CRITERIA = "Completion Criteria"
    TECH_STACK = "Tech Stack"
    ESTIMATE = "Estimated Time"
    CATEGORY = "Category"
    BLOCKERS = "Blockers"
    DEPENDS_ON = "Depends On"
    TOUCHES = "Touches"
    NOT_BEFORE = "Not Before"
    APPROVED = "Approved"
    REPOSITORY = "Repository"
    BASE = "Base"
    AGENT = "Agent"
    ROLE = "Role"
    TIMEOUT = "Timeout"
    STEPS = "Steps"
    DELIVERABLES = "Deliverables"
    LABEL = "Label"
    SOURCE = "Source"
    NOTES = "Notes"


_JOINERS = re.compile(r"[\s_\-\u00a0]+")


def fold_key(text: str) -> str:
    """Return a key without its case and with one space for every run of `_`, `-` and white space."""
    return _JOINERS.sub(" ", text).strip().casefold()


#: Every known key by its folded spelling.
KEYS: dict[str, Key] = {fold_key(key): key for key in Key}
