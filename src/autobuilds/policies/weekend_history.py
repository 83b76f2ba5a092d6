"""What the record says of weekends: how much was finished on each, and how often builds of a category are. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta

from autobuilds.domain.build import Build, BuildState, Outcome
from autobuilds.domain.times import elapsed
from autobuilds.domain.weekend import Rate, Record, category_key, weekend_of
from autobuilds.domain.windows import Span

#: How far back is looked: eight weekends, and a quarter of a year for the rates.
_WEEKENDS, _RATES = timedelta(weeks=8), timedelta(days=90)
_FINISHED = frozenset({BuildState.REVIEW, BuildState.COMPLETED})
_FAILED = frozenset({BuildState.ESCALATED, BuildState.CANCELLED})


def record_of(builds: Iterable[Build], span: Span, now: datetime, estimates: Mapping[str, int]) -> Record:
    """Return what was finished on the last weekends, and how many builds of each category were; of the ledger and the archives.

    A build counts to the weekend in which its last attempt ended, with the running time of all its attempts. The current weekend does not
    count: it is not over. `estimates` are minutes by label.
    """
    weekends: dict[str, int] = {}
    rates: dict[str, Rate] = {}
    current = weekend_of(now, span)
    for build in builds:
        ran = [a for a in build.attempts if a.ended is not None and a.outcome is not Outcome.NOT_STARTED]
        ended = max((a.ended for a in ran if a.ended is not None), key=datetime.timestamp, default=None)
        if ended is None or build.state not in _FINISHED | _FAILED:
            continue
        age = elapsed(ended, now)
        done = build.state in _FINISHED
        took = sum((max(elapsed(a.started, a.ended), timedelta()) for a in ran if a.ended is not None), timedelta())
        minutes, estimate = int(took.total_seconds() // 60), estimates.get(build.label, 0) if done else 0
        if age <= _RATES:
            key = category_key(build.category)
            rate = rates.get(key, Rate())
            rates[key] = Rate(
                ended=rate.ended + 1,
                finished=rate.finished + done,
                estimated=rate.estimated + estimate,
                took=rate.took + (minutes if estimate else 0),
            )
        weekend = weekend_of(ended.astimezone(now.tzinfo), span)
        if done and age <= _WEEKENDS and weekend not in {None, current}:
            weekends[str(weekend)] = weekends.get(str(weekend), 0) + minutes
    return Record(weekends=weekends, rates=rates)
