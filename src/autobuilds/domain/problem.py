"""Problems: what is wrong with a person's text, as data with a place and a suggestion, never as an exception."""

from __future__ import annotations

from enum import StrEnum

from autobuilds.records import dataclass


class Severity(StrEnum):
    """How much a problem holds up."""

    #: Holds the task that it belongs to.
    ERROR = "error"
    #: Mentioned, holds nothing.
    WARNING = "warning"


@dataclass(frozen=True, slots=True, kw_only=True)
class Problem:
    """One thing in a person's file that can't be read as meant; `line` and `column` count from 1."""

    file: str
    line: int
    column: int
    kind: str
    severity: Severity
    message: str
    label: str | None = None

    def __str__(self) -> str:
        """Return `FILE:LINE:COLUMN: message`, the form that editors jump to."""
        return f"{self.file}:{self.line}:{self.column}: {self.message}"
