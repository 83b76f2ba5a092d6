"""What a forecast says: which build when, on which slot, in which context; and what is not reached, and why."""

from __future__ import annotations

from datetime import datetime, timedelta

from autobuilds.domain.day import Context
from autobuilds.domain.lengths import Basis
from autobuilds.domain.verdicts import Assessment, Verdict
from autobuilds.records import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Slot:
    """One build of the forecast; `running` for one that has begun already, `guessed` when nothing tells its length."""

    label: str
    name: str
    start: datetime
    end: datetime
    running: bool = False
    guessed: bool = False
    #: Which of the concurrent slots it takes, from 1.
    slot: int = 1
    #: What the owner is doing when it starts, the window that it falls into, and whether a night is on.
    context: Context | None = None
    window: str | None = None
    night: bool = False
    #: Where its length comes from, in a word and in words.
    basis: Basis = Basis.GUESS
    why: str = ""
    #: It runs longer than expected already: the end is what is left if it takes twice as long, or four times.
    overdue: bool = False
    #: The wall-clock limit that would stop it before it is through, None where it fits.
    stopped_after: timedelta | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Span:
    """A part of the forecast in which the context and the number of slots are the same."""

    start: datetime
    end: datetime
    context: Context
    slots: int
    night: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Reach:
    """A task that is not reached but for words of the owner's: these commands, and when it would start if he gave them now.

    None where it would not, as every slot is taken, say.
    """

    label: str
    words: tuple[str, ...]
    start: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Forecast:
    """The builds of the coming hours in the order of their start, and what is not reached with its verdicts at the end."""

    start: datetime
    end: datetime
    slots: tuple[Slot, ...]
    not_reached: tuple[Assessment, ...]
    #: Labels of those that were kept out by others at some time when every gate but capacity was open.
    kept_out: frozenset[str] = frozenset()
    #: Contexts and slots, without a gap from start to end.
    spans: tuple[Span, ...] = ()
    #: False where it gave up after MAX_STEPS; what came after the last slot is not known then.
    complete: bool = True

    @property
    def asking(self) -> tuple[str, ...]:
        """Return the labels of those that only the owner can let start."""
        return tuple(a.label for a in self.not_reached if a.verdict is Verdict.ASK)

    @property
    def crowded(self) -> tuple[str, ...]:
        """Return the labels of those for which no slot is free: others take every one."""
        return tuple(a.label for a in self.not_reached if self._is_crowded(a))

    def _is_crowded(self, found: Assessment) -> bool:
        held = [g.gate for g in found.obstacles]
        return held == ["capacity"] or (found.label in self.kept_out and "review" not in held)
