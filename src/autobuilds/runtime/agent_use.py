"""What each agent used in a span of time: attempts, time, tokens, cost, and how long its usage limit held it. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import UTC, datetime, timedelta

from autobuilds.domain.agents import FailureClass
from autobuilds.domain.build import Attempt, Build
from autobuilds.domain.times import elapsed
from autobuilds.records import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class AgentUse:
    """What one agent used; None where none of its attempts told."""

    agent: str
    attempts: int
    passed: int
    minutes: int
    tokens_in: int | None = None
    tokens_out: int | None = None
    cost_usd: float | None = None
    #: How long a usage limit held it.
    limited_minutes: int = 0


def uses(ended: Sequence[tuple[Build, Attempt]], start: datetime, end: datetime, passed: frozenset[str]) -> tuple[AgentUse, ...]:
    """Return the use of each agent by attempts that ended between `start` and `end`, by name; `passed` holds the ids of those that passed.

    A usage limit counts from the attempt that ran into it to the next attempt of its build, at most to its reset and to `end`.
    """
    found = []
    for agent in sorted({a.agent for _, a in ended}):
        own = [(b, a) for b, a in ended if a.agent == agent]
        attempts = [a for _, a in own]
        spans = [span for b, a in own if (span := _limited(b, a, end)) is not None]
        cost = _sum(a.usage.cost_usd for a in attempts)
        found.append(
            AgentUse(
                agent=agent,
                attempts=len(attempts),
                passed=sum(a.id in passed for a in attempts),
                minutes=_minutes(sum((elapsed(a.started, a.ended) for a in attempts if a.ended), timedelta())),
                tokens_in=_whole(a.usage.tokens_in for a in attempts),
                tokens_out=_whole(a.usage.tokens_out for a in attempts),
                cost_usd=None if cost is None else round(cost, 4),
                limited_minutes=_minutes(_length(spans, start)),
            )
        )
    return tuple(found)


def _sum(values: Iterable[float | None]) -> float | None:
    told = [v for v in values if v is not None]
    return sum(told) if told else None


def _whole(values: Iterable[int | None]) -> int | None:
    told = [v for v in values if v is not None]
    return sum(told) if told else None


def _minutes(span: timedelta) -> int:
    return round(span.total_seconds() / 60)


def _limited(build: Build, attempt: Attempt, end: datetime) -> tuple[datetime, datetime] | None:
    if attempt.failure is not FailureClass.RATE_LIMIT or attempt.ended is None:
        return None
    following = next((a.started for a in build.attempts if a.number > attempt.number), None)
    ends = [t.astimezone(UTC) for t in (following, attempt.resets_at or build.retry_at, end) if t is not None]
    return attempt.ended.astimezone(UTC), min(ends)


def _length(spans: Sequence[tuple[datetime, datetime]], start: datetime) -> timedelta:
    """Return how long at least one of the spans lasted."""
    total, reached = timedelta(), start.astimezone(UTC)
    for begins, ends in sorted(spans):
        if ends > max(begins, reached):
            total += ends - max(begins, reached)
            reached = ends
    return total
