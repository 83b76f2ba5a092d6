"""What a sub-agent says of its own build: read from the progress log, never trusted."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum

from autobuilds.records import dataclass

#: A criterion longer than this may stand in the log cut short with an ellipsis.
_CUT = 150


class ProgressStatus(StrEnum):
    """What the sub-agent says that it is doing; nothing is decided by it."""

    STARTING = "starting"
    WORKING = "working"
    BLOCKED = "blocked"
    DONE = "done"
    FAILED = "failed"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True, kw_only=True)
class Question:
    """A question to the owner and the default that is taken without an answer (None: none named)."""

    text: str
    default: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """One step of the task breakdown."""

    text: str
    checked: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Progress:
    """One progress log as read: every text is one clean line, every list is bounded, `percent` is 0 to 100."""

    label: str
    #: Whether there was a file that could be read.
    found: bool = True
    attempt: int | None = None
    status: ProgressStatus = ProgressStatus.UNKNOWN
    percent: int | None = None
    updated: datetime | None = None
    blockers: tuple[str, ...] = ()
    questions: tuple[Question, ...] = ()
    deliverables: tuple[str, ...] = ()
    breakdown: tuple[Step, ...] = ()
    #: The newest lines of the log, the newest last.
    log: tuple[str, ...] = ()
    #: (text, evidence) of every ticked criterion or step that names evidence.
    evidence: tuple[tuple[str, str], ...] = ()
    problems: tuple[str, ...] = ()

    def evidence_for(self, criterion: str) -> str | None:
        """Return the evidence named for a ticked criterion, or None; case, Markdown marks and spacing do not matter."""
        wanted = _bare(criterion)
        return next((evidence for text, evidence in self.evidence if _matches(text, wanted)), None)

    @property
    def current_step(self) -> str | None:
        """The first open step, or None."""
        return next((s.text for s in self.breakdown if not s.checked), None)


def _matches(text: str, wanted: str) -> bool:
    bare = _bare(text)
    cut = len(bare) > _CUT and bare.endswith("…") and wanted.startswith(bare[:-1].rstrip())
    return bare == wanted or cut


def _bare(text: str) -> str:
    """Return only the letters, digits and signs that an agent keeps when it copies a criterion."""
    kept = "".join(c for c in text if c not in "`*_\\\u2060")
    return " ".join(kept.split()).rstrip(".").casefold()
