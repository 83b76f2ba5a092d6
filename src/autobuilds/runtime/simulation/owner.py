"""The owner of a simulation: reviews twice a day, answers what waits for an answer, changes his mind, edits the queue by hand."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, time, timedelta, tzinfo
from random import Random

from autobuilds.domain.duties import DutyCommand
from autobuilds.domain.model import Priority, Task
from autobuilds.domain.times import at_clock
from autobuilds.errors import AutobuildsError
from autobuilds.records import dataclass, field
from autobuilds.runtime import deliver
from autobuilds.runtime import owner as word
from autobuilds.runtime.context import Context
from autobuilds.runtime.simulation import hands
from autobuilds.runtime.simulation.values import Tale, Wish
from autobuilds.runtime.view_values import NeedsYou
from autobuilds.store.workspace import QUEUE

#: When the owner looks, by the clock on the wall: on working days, and on the others.
_LOOKS, _LATE_LOOKS = (time(8, 10), time(19, 40)), (time(10, 25), time(20, 5))
#: Chances of what is done at a look.
_ACCEPTS, _APPROVES, _RETRIES, _BY_HAND = 0.9, 0.6, 0.7, 0.4
_NEW, _RISES, _TICKS, _GOES_OUT, _CHOOSES = 0.5, 0.2, 0.1, 0.12, 0.6
#: Days on which a weekend is chosen: Friday evening and Saturday morning.
_CHOOSING = {4: 17, 5: 8}


def looks(wish: Wish, zone: tzinfo) -> tuple[datetime, ...]:
    """Return when the owner looks during a simulation; never where it is to be calm."""
    if wish.calm:
        return ()
    first = wish.start.astimezone(zone).date()
    days = [first + timedelta(days=n) for n in range(wish.days + 1)]
    return tuple(at_clock(day, clock, zone) for day in days for clock in (_LOOKS if day.weekday() < 5 else _LATE_LOOKS))


@dataclass(slots=True, kw_only=True)
class SimulatedOwner:
    """Acts through the same functions as the commands, and through an editor."""

    context: Context
    luck: Random
    tale: Tale
    #: Approvals that are never given: the owner has his doubts.
    _refused: set[str] = field(default_factory=set)
    _ideas: int = 0

    def look(self, now: datetime, needs: tuple[NeedsYou, ...]) -> None:
        """Look once at what waits, as the last status page says it."""
        for need in needs:
            if need.label is not None:
                self._answer(now, need.kind, need.label)
        for chance, act in (
            (_NEW, self._add),
            (_RISES, self._raise),
            (_TICKS, self._tick),
            (_GOES_OUT, self._go_out),
            (_CHOOSES, self._choose),
        ):
            if self.luck.random() < chance:
                act(now)

    def _answer(self, now: datetime, kind: str, label: str) -> None:
        if kind == "review":
            if self.luck.random() < _ACCEPTS:
                self._accept(now, label)
            else:
                self._reject(now, label, "not quite what was meant (simulated)")
        elif kind == "ask" and label not in self._refused:
            self._approve(now, label)
        elif kind == "escalated":
            if self.luck.random() < _RETRIES:
                self._do(now, "retried", label, "you have it tried again", lambda: word.retry(self.context, label))
            else:
                self._do(now, "cancelled", label, "you give it up", lambda: word.cancel(self.context, label))

    def _accept(self, now: datetime, label: str) -> None:
        """Accept a build; what can't be merged is sent back, to be built again."""
        if not self._do(now, "accepted", label, "you accept it", lambda: deliver.accept(self.context, label, lambda _: None)):
            self._reject(now, label, "it does not go together with the rest any more (simulated)")

    def _reject(self, now: datetime, label: str, because: str) -> None:
        self._do(now, "rejected", label, f"you reject it: {because}", lambda: deliver.reject(self.context, label, because))

    def _approve(self, now: datetime, label: str) -> None:
        if self.luck.random() >= _APPROVES:
            self._refused.add(label)
        elif self.luck.random() < _BY_HAND:
            self._edit(now, "approved", label, "you type Approved: yes into the queue", hands.approved)
        else:
            self._do(now, "approved", label, "you approve it", lambda: word.approve(self.context, label, "owner"))

    def _do(self, now: datetime, what: str, label: str, text: str, act: Callable[[], object]) -> bool:
        try:
            act()
        except AutobuildsError as refused:
            self.tale.tell(now, "refused", f"{text}; refused: {refused}", label)
            return False
        self.tale.tell(now, f"owner-{what}", text, label)
        return True

    def _command(self, now: datetime, what: str, text: str, *args: str) -> None:
        """Type a command."""
        typed = DutyCommand(text=" ".join(("autobuilds", *args)), argv=("autobuilds", *args), line=0)
        if self.context.duty is None:
            return
        done = self.context.duty(typed, timedelta(minutes=10))
        if done.ok:
            self.tale.tell(now, f"owner-{what}", f"{text} (`{typed.text}`)")
        else:
            self.tale.tell(now, "refused", f"{text}; refused: {done.tail.rpartition(chr(10))[2]}")

    def _edit(self, now: datetime, what: str, label: str, text: str, change: Callable[[str, Task], str]) -> None:
        task = self.context.queue().find(label)
        path = self.context.workspace.path(QUEUE)
        before = path.read_text(encoding="utf-8")
        after = change(before, task) if task is not None else before
        if after != before:
            hands.save(path, after)
            self.tale.tell(now, f"owner-{what}", text, label)

    def _add(self, now: datetime) -> None:
        self._ideas += 1
        path = self.context.workspace.path(QUEUE)
        before = path.read_text(encoding="utf-8")
        after, name = hands.with_idea(before, self.luck, now, self._ideas)
        if after != before:
            hands.save(path, after)
            self.tale.tell(now, "owner-added", f"you type a task into the queue: {name}")

    def _raise(self, now: datetime) -> None:
        found = [t for t in self._open() if t.priority is not Priority.HIGH]
        if found:
            task = self.luck.choice(found)
            self._edit(
                now,
                "raised",
                task.label,
                "you set its priority to High by hand",
                lambda text, t: hands.with_priority(text, t, Priority.HIGH),
            )

    def _tick(self, now: datetime) -> None:
        if found := self._open():
            self._edit(now, "ticked", self.luck.choice(found).label, "you did it yourself and tick it off", hands.ticked)

    def _go_out(self, now: datetime) -> None:
        hours = self.luck.randrange(2, 12)
        self._command(now, "away", f"you go out for {hours} hours", "context", "set", "away", "--for", f"{hours}h")

    def _choose(self, now: datetime) -> None:
        """Choose the first project that is proposed for the weekend."""
        first = _CHOOSING.get(now.weekday())
        if first is None or now.hour < first or self.context.duty is None:
            return
        self._command(now, "chose", "you choose the first project for the weekend", "weekend", "start", "1", "--yes")

    def _open(self) -> list[Task]:
        """Return the tasks that wait and were never begun."""
        ledger = self.context.workspace.ledger()
        return [t for t in self.context.queue().active if not t.checked and ledger.find(t.label) is None]
