"""What a check of the doctor is: whom it examines, and what it says."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from enum import StrEnum
from pathlib import Path

from autobuilds.domain.settings import Settings
from autobuilds.ports import Host, Sandbox, Survey, Timer
from autobuilds.records import dataclass
from autobuilds.runtime.context import Context


class Level(StrEnum):
    """How a check came out."""

    OK = "ok"
    WARNING = "warning"
    PROBLEM = "problem"


@dataclass(frozen=True, slots=True, kw_only=True)
class Diagnosis:
    """One check: what was found on one line, and the command (or the words) that mends it."""

    check: str
    level: Level = Level.OK
    said: str
    fix: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Patient:
    """What is examined; `context` None outside a workspace, then `folder` is where the question was asked."""

    folder: Path
    context: Context | None
    host: Host
    survey: Survey
    timers: Mapping[str, Timer]
    sandbox: Sandbox

    @property
    def settings(self) -> Settings:
        """The configuration in force: all defaults outside a workspace."""
        return self.context.workspace.config().settings if self.context else Settings()


Check = Callable[[Patient], Iterable[Diagnosis]]
