"""A sandbox in memory: the test says which tiers work, and sees how often they were tried out."""

from __future__ import annotations

from dataclasses import dataclass

from autobuilds.domain.sandbox import Tier, TierProbe


def tiers(*broken: Tier) -> tuple[TierProbe, ...]:
    """Return every tier as found, all but these working."""
    return tuple(TierProbe(tier=tier, works=tier not in broken, why="it is gone" if tier in broken else "") for tier in Tier)


@dataclass(slots=True)
class FakeSandbox:
    """Implements `ports.Sandbox`; what is kept outlives the process, as what `now` is found in one does not."""

    now: tuple[TierProbe, ...] = tiers()
    kept: tuple[TierProbe, ...] | None = None
    #: How often it was tried out.
    trials: int = 0
    held: tuple[TierProbe, ...] | None = None

    def probe(self) -> tuple[TierProbe, ...]:
        """Return what works, tried out once in a process."""
        if self.held is None:
            self.trials += 1
            self.held = self.now
            if not all(probe.lasts for probe in self.held) or self.kept not in (None, self.held):
                self.kept = None
        return self.held

    def tried(self) -> tuple[TierProbe, ...]:
        """Return what is kept, or try it out and keep what works."""
        if self.held is not None:
            return self.held
        if self.kept is None:
            found = self.probe()
            if all(probe.lasts for probe in found):
                self.kept = found
            return found
        return self.kept

    def forget(self) -> None:
        """Drop what is held and kept."""
        self.held = self.kept = None

    def next_process(self) -> None:
        """Drop what is held, as with the end of a process."""
        self.held = None
