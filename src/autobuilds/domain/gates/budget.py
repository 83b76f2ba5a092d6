"""The gate on money, tokens, attempts and hours: what is set as a limit of the task, of the night and of the day."""

from __future__ import annotations

from autobuilds.domain.budgets import of_task
from autobuilds.domain.gates.answers import ask, go, wait
from autobuilds.domain.situation import Situation
from autobuilds.domain.verdicts import OR, GateResult


def budget(s: Situation) -> GateResult:
    """Go while no limit is reached; the task's own asks, the night's and the day's wait until they count anew."""
    label = s.task.label
    found = (*of_task(s.build, s.snapshot.settings, s.shared.live), *s.shared.spent)
    over = [spent for spent in found if spent.over]
    own = [spent for spent in over if spent.until is None]
    if own:
        keys = " and ".join(spent.key for spent in own)
        return ask("budget", "; ".join(map(str, over)), f"raise {keys} in HEARTBEAT.md{OR}autobuilds cancel {label}")
    times = [spent.until for spent in over if spent.until is not None]
    if times:
        keys = " and ".join(spent.key for spent in over)
        return wait("budget", "; ".join(map(str, over)), until=max(times), fix=f"raise {keys} in HEARTBEAT.md")
    return go("budget", "; ".join(map(str, found)) or "no limit is set")
