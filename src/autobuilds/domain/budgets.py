"""Budgets: what was used of the limits of a task, a night and a day. Pure."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from datetime import UTC, datetime, time, timedelta

from autobuilds.domain.build import Attempt, Build, Ledger, Usage
from autobuilds.domain.settings import Settings, Window
from autobuilds.domain.times import at_clock, elapsed, in_window, local_day, reached, window_closes
from autobuilds.records import dataclass, replace


@dataclass(frozen=True, slots=True, kw_only=True)
class Spending:
    """What was used of one limit; `until` is when it counts anew, None for a task's own limit."""

    #: The key of the configuration.
    key: str
    used: float
    limit: float
    unit: str
    #: `today`, `tonight` or `by this task`.
    span: str
    until: datetime | None = None

    @property
    def over(self) -> bool:
        """Whether the limit is reached."""
        return self.used >= self.limit

    @property
    def rest(self) -> float:
        """What is left of the limit, never less than nothing."""
        return max(self.limit - self.used, 0.0)

    def __str__(self) -> str:
        """Return `3.20 of 10.00 USD used today`."""
        return f"{_figure(self.used, self.unit)} of {_figure(self.limit, self.unit)} {self.unit} used {self.span}"


def _figure(value: float, unit: str) -> str:
    if unit == "USD":
        return f"{value:.2f}"
    return f"{value:,.0f}" if value == int(value) else f"{value:.1f}"


def night_began(now: datetime, off_hours: Window) -> datetime | None:
    """Return when the span of off_hours in which `now` stands began, in the zone of `now`; None outside of it.

    Where off_hours are the whole day, a night is 24 hours on the clock from their beginning.
    """
    if not in_window(now, off_hours):
        return None
    zone = now.tzinfo or UTC
    begins = (at_clock(local_day(now) - timedelta(days=back), off_hours.start, zone) for back in (0, 1))
    return next((moment for moment in begins if reached(moment, now)), None)


def spendings(
    ledger: Ledger, build: Build | None, settings: Settings, now: datetime, live: Mapping[str, Usage] | None = None
) -> tuple[Spending, ...]:
    """Return what was used of every limit that is set: of the task (`build`) first, then of the night and of the day.

    `live` is what open attempts have used so far, by their ids.
    """
    return (*of_task(build, settings, live or {}), *of_all(ledger, settings, now, live or {}))


def of_all(ledger: Ledger, settings: Settings, now: datetime, live: Mapping[str, Usage]) -> tuple[Spending, ...]:
    """Return what all builds used of the limits of the night and of the day.

    A day has the attempts that began on it; a night, cautiously, has those that began or ended in it.
    """
    attempts = [_lived(a, live) for b in ledger.builds for a in b.attempts]
    found: list[Spending] = []
    began = night_began(now, settings.off_hours)
    if began is not None:
        whole_day = settings.off_hours.start == settings.off_hours.end
        opens = at_clock(local_day(began) + timedelta(days=1), settings.off_hours.start, now.tzinfo or UTC)
        until = opens if whole_day else window_closes(now, settings.off_hours)
        night = [a for a in attempts if reached(began, a.started) or (a.ended is not None and reached(began, a.ended))]
        found += _measured("night", night, settings, "tonight", until)
    today = [a for a in attempts if local_day(a.started.astimezone(now.tzinfo)) == local_day(now)]
    midnight = at_clock(local_day(now) + timedelta(days=1), time(), now.tzinfo or UTC)
    found += _measured("day", today, settings, "today", midnight)
    found += _counted(today, settings, now, midnight)
    return tuple(found)


def of_task(build: Build | None, settings: Settings, live: Mapping[str, Usage]) -> tuple[Spending, ...]:
    """Return what a build used of the limits of one task; one that is about to begin used nothing, and has the limits all the same."""
    own = [_lived(a, live) for a in build.attempts] if build is not None else []
    return tuple(_measured("task", own, settings, "by this task", None))


def _lived(attempt: Attempt, live: Mapping[str, Usage]) -> Attempt:
    return replace(attempt, usage=live[attempt.id]) if attempt.is_open and attempt.id in live else attempt


_REPORTED: tuple[tuple[str, str, Callable[[Attempt], float]], ...] = (
    ("cost", "USD", lambda a: a.usage.cost_usd or 0.0),
    ("tokens", "tokens", lambda a: float((a.usage.tokens_in or 0) + (a.usage.tokens_out or 0))),
)


def _measured(per: str, attempts: Iterable[Attempt], settings: Settings, span: str, until: datetime | None) -> Iterator[Spending]:
    """Yield what agents reported against the limits `cost_per_...` and `tokens_per_...`."""
    kept = tuple(attempts)
    for what, unit, of in _REPORTED:
        limit: float | None = getattr(settings, f"{what}_per_{per}")
        if limit is not None:
            yield Spending(key=f"{what}_per_{per}", used=sum(map(of, kept)), limit=float(limit), unit=unit, span=span, until=until)


def _counted(today: list[Attempt], settings: Settings, now: datetime, midnight: datetime) -> Iterator[Spending]:
    """Yield what this program itself counts: attempts and hours."""
    if settings.attempts_per_day is not None:
        limit = float(settings.attempts_per_day)
        yield Spending(key="attempts_per_day", used=float(len(today)), limit=limit, unit="attempts", span="today", until=midnight)
    if settings.hours_per_day is not None:
        hours = sum((elapsed(a.started, a.ended or now) for a in today), timedelta()) / timedelta(hours=1)
        limit = settings.hours_per_day
        yield Spending(key="hours_per_day", used=hours, limit=limit, unit="hours of building", span="today", until=midnight)


def reported(found: Iterable[Spending]) -> tuple[Spending, ...]:
    """Return the limits of money and tokens among some, which an agent's own reports count against while it runs."""
    units = {unit for _, unit, _ in _REPORTED}
    return tuple(spent for spent in found if spent.unit in units)


def overspent(limits: Iterable[Spending], usage: Usage) -> Spending | None:
    """Return the first of the limits that a run goes over which has used so much since they were measured; None where it keeps them."""
    amounts = {"USD": usage.cost_usd or 0.0, "tokens": float((usage.tokens_in or 0) + (usage.tokens_out or 0))}
    grown = (replace(limit, used=limit.used + amounts.get(limit.unit, 0.0)) for limit in limits)
    return next((limit for limit in grown if limit.used > limit.limit), None)


def money_left(limits: Iterable[Spending]) -> float | None:
    """Return the USD that the strictest of the limits leaves, None where none is set."""
    return min((limit.rest for limit in limits if limit.unit == "USD"), default=None)
