"""The health phase of a night: what is wrong with the house is found, what is safe to fix is fixed, what is critical is told."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING

from autobuilds.domain.house import Urgency
from autobuilds.domain.inert import line
from autobuilds.records import dataclass
from autobuilds.runtime import house
from autobuilds.runtime.view_values import count

if TYPE_CHECKING:
    from collections.abc import Sequence

    from autobuilds.runtime.context import Context

#: Critical problems that are named in the line of the phase.
_NAMED = 3
#: Characters of one of them.
_LONGEST = 200


@dataclass(frozen=True, slots=True, kw_only=True)
class Health:
    """What the health phase found and fixed, in figures and in one line."""

    found: int
    fixed: int
    said: str
    #: Critical problems that are left, in words.
    critical: tuple[str, ...] = ()


def look_after(context: Context, now: datetime) -> Health:
    """Look for problems and fix the safe ones.

    Done again after a crash it finds what is left. Raises Busy where another process is at it, StorageFailure.
    """
    seen = house.scan(context, now)
    before = seen.problems
    fixes = house.fix_safe(context, now, found=seen) if any(trouble.safe for trouble in before) else ()
    fixed = sum(one.result.done for one in fixes)
    left = house.look(context, now).problems if fixes else before
    critical = tuple(line(f"{t.where}: {t.said}", _LONGEST) for t in left if t.urgency is Urgency.CRITICAL)
    return Health(found=len(before), fixed=fixed, said=_said(len(before), fixed, critical), critical=critical[:_NAMED])


def _said(found: int, fixed: int, critical: Sequence[str]) -> str:
    if not found:
        return "no problem found"
    named = "; ".join(critical[:_NAMED])
    more = f" and {len(critical) - _NAMED} more" if len(critical) > _NAMED else ""
    said = f"{count(found, 'problem')} found, {fixed} fixed"
    return f"{said}; critical: {named}{more} (autobuilds problems scan)" if critical else said
