"""The keys that a task may carry, on its line or in its details, and the spellings that are read as them."""

from __future__ import annotations

from enum import StrEnum

from autobuilds.domain.patterns import pattern


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
    WINDOW = "Window"
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


_JOINERS = pattern(r"[\s_\-]+")
_CAMEL = pattern(r"(?<=[a-z])(?=[A-Z])")


def fold_key(text: str) -> str:
    """Return a key without its case and with one space for every run of `_`, `-` and white space."""
    return _JOINERS.sub(" ", text).strip().casefold()


#: Every known key by its folded spelling.
KEYS: dict[str, Key] = {fold_key(key): key for key in Key}

#: Keys that Obsidian's plug-ins write in brackets and that mean one of ours.
_OBSIDIAN = {
    "id": Key.LABEL,
    "created": Key.ADDED,
    "completion": Key.COMPLETED,
    "start": Key.NOT_BEFORE,
    "scheduled": Key.NOT_BEFORE,
    "estimate": Key.ESTIMATE,
}


def inline_key(text: str) -> Key | None:
    """Return the key that `[text:: value]` names, camel case and Obsidian's own names included, or None."""
    folded = fold_key(_CAMEL.sub(" ", text))
    return KEYS.get(folded) or _OBSIDIAN.get(folded)


#: Words that people use for one of the keys; they are suggested, never read.
_MEANT = {
    "criteria": Key.CRITERIA,
    "acceptance criteria": Key.CRITERIA,
    "done when": Key.CRITERIA,
    "definition of done": Key.CRITERIA,
    "estimate": Key.ESTIMATE,
    "time": Key.ESTIMATE,
    "effort": Key.ESTIMATE,
    "dependencies": Key.DEPENDS_ON,
    "depends": Key.DEPENDS_ON,
    "requires": Key.DEPENDS_ON,
    "after": Key.DEPENDS_ON,
    "blocked by": Key.BLOCKERS,
    "tech": Key.TECH_STACK,
    "stack": Key.TECH_STACK,
    "technology": Key.TECH_STACK,
    "files": Key.TOUCHES,
    "paths": Key.TOUCHES,
    "start": Key.NOT_BEFORE,
    "repo": Key.REPOSITORY,
    "prio": Key.PRIORITY,
    "desc": Key.DESCRIPTION,
    "summary": Key.DESCRIPTION,
    "created": Key.ADDED,
    "done": Key.COMPLETED,
    "id": Key.LABEL,
    "slug": Key.LABEL,
    "note": Key.NOTES,
    "output": Key.DELIVERABLES,
}


def suggest(text: str) -> Key | None:
    """Return the known key that a text was probably meant to be, or None."""
    if fold_key(text) in _MEANT:
        return _MEANT[fold_key(text)]
    from difflib import get_close_matches

    found = get_close_matches(fold_key(text), KEYS, n=1, cutoff=0.75)
    return KEYS[found[0]] if found else None
