"""What goes wrong with the machine of a simulation, by the seed: it is switched off, and its disk runs full for some hours."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from random import Random

from autobuilds.records import dataclass
from autobuilds.runtime.simulation.values import Wish

#: Use of the disk in percent while it is full, and while it is not.
FULL, USUAL = 97.0, 41.0
_OFF_A_DAY, _FULL_A_DAY = 0.35, 0.2


@dataclass(frozen=True, slots=True, kw_only=True)
class Spell:
    """A time in which something is wrong, in UTC: `off` or `full`, half-open."""

    kind: str
    start: datetime
    end: datetime


def weather(wish: Wish) -> tuple[Spell, ...]:
    """Return the spells of a simulation in the order of their starts; none where it is to be calm."""
    if wish.calm:
        return ()
    luck = Random(f"{wish.seed}/weather")
    found: list[Spell] = []
    for day in range(wish.days):
        begins = wish.start.astimezone(UTC) + timedelta(days=day)
        for kind, chance, longest in (("off", _OFF_A_DAY, 420), ("full", _FULL_A_DAY, 360)):
            if luck.random() < chance:
                start = begins + timedelta(minutes=luck.randrange(24 * 60))
                # Most reboots are short; now and then a machine sleeps through the night.
                most = longest if kind == "full" or luck.random() < 0.3 else 20
                found.append(Spell(kind=kind, start=start, end=start + timedelta(minutes=luck.randrange(3, most + 1))))
    return tuple(sorted(found, key=lambda s: s.start))
