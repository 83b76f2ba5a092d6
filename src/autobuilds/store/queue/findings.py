"""Problems as they are found while a queue is read, turned into values with line and column at the end."""

from __future__ import annotations

from collections.abc import Callable

from autobuilds.domain.problem import Problem, Severity


class Findings:
    """Collects the problems of one file; `position` turns an offset into line and column, both from 1."""

    def __init__(self, file: str, position: Callable[[int], tuple[int, int]]) -> None:
        self.file = file
        self.position = position
        self.problems: list[Problem] = []
        #: 1-based lines at which something was found: what conservation counts as a problem.
        self.lines: set[int] = set()

    def error(self, kind: str, at: int, message: str, label: str | None = None) -> None:
        """Note what holds a task."""
        self._add(kind, at, message, label, Severity.ERROR)

    def warn(self, kind: str, at: int, message: str, label: str | None = None) -> None:
        """Note what is only mentioned."""
        self._add(kind, at, message, label, Severity.WARNING)

    def missing(self, kind: str, message: str) -> None:
        """Note the absence of something: told at the first line, which is not to blame for it."""
        self.problems.append(Problem(file=self.file, line=1, column=1, kind=kind, severity=Severity.WARNING, message=message))

    def _add(self, kind: str, at: int, message: str, label: str | None, severity: Severity) -> None:
        line, column = self.position(at)
        self.lines.add(line)
        self.problems.append(Problem(file=self.file, line=line, column=column, kind=kind, severity=severity, message=message, label=label))
