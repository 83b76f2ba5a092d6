"""The port of housekeeping: what can be read and mended of the machine, its logs, databases, repositories and leavings."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, datetime
from typing import Protocol

from autobuilds.domain.house import Fix, Mended, Readings, Restored, Scope


class House(Protocol):
    """The machine as far as it is to be kept in order."""

    def read(self, scope: Scope, tell: Callable[[str], None]) -> Readings:
        """Read everything in bounded time and change nothing; `tell` gets a line now and then where it takes long."""
        ...

    def mend(self, fix: Fix, scope: Scope) -> Mended:
        """Do one fix if what it was decided on still stands; what can't be done is said, nothing is raised."""
        ...

    def days(self, scope: Scope) -> tuple[date, ...]:
        """Return the days of which something lies in the trash, the newest first."""
        ...

    def restore(self, day: date, scope: Scope, span: tuple[datetime, datetime] | None = None) -> tuple[Restored, ...]:
        """Put what was moved into the trash on a day (of it, in a span: both ends included) back, unless something else stands there now."""
        ...
