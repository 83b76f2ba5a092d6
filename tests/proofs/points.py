"""Which of a number of calls a sweep aims at."""

from __future__ import annotations

import random


def points_of(calls: int, wanted: int, rng: random.Random) -> list[int]:
    """Return the calls to aim at, from 1: all of them, or `wanted` of them drawn from as many equal parts."""
    if wanted >= calls:
        return list(range(1, calls + 1))
    return sorted({rng.randint(1 + calls * n // wanted, max(1 + calls * n // wanted, calls * (n + 1) // wanted)) for n in range(wanted)})
