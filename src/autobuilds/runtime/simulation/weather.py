"""What goes wrong with the machine of a simulation, by the seed: it is switched off, and its disk runs full for some hours."""

from __future__ import annotations

from datetime import UTC, datetime, time, timedelta
from random import Random

from autobuilds.domain.times import at_clock
from autobuilds.records import dataclass
from autobuilds.runtime.simulation.values import Wish

#: Use of the disk in percent while it is full, and while it is not.
FULL, USUAL = 97.0, 41.0
_OFF_A_DAY, _FULL_A_DAY = 0.5, 0.2
#: The share of the times off that begin at night, when nobody looks: hours after 22:00 by the clock on the wall.
_BY_NIGHT, _NIGHT = 0.5, 8


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
        for kind, chance, longest in (("off", _OFF_A_DAY, 420), ("full", _FULL_A_DAY, 360)):
            if luck.random() < chance:
                start = _at(wish, day, luck)
                # Most reboots are short; now and then a machine sleeps through the night.
                most = longest if kind == "full" or luck.random() < 0.3 else 20
                found.append(Spell(kind=kind, start=start, end=start + timedelta(minutes=luck.randrange(3, most + 1))))
    return tuple(sorted(found, key=lambda s: s.start))


def _at(wish: Wish, day: int, luck: Random) -> datetime:
    """Return a moment of a simulation's day: at any time, or with some chance by night."""
    begins = wish.start.astimezone(UTC) + timedelta(days=day)
    if luck.random() >= _BY_NIGHT or wish.start.tzinfo is None:
        return begins + timedelta(minutes=luck.randrange(24 * 60))
    evening = at_clock(begins.astimezone(wish.start.tzinfo).date(), time(22), wish.start.tzinfo)
    return evening.astimezone(UTC) + timedelta(minutes=luck.randrange(_NIGHT * 60))
