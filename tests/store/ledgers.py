"""Ledgers for tests: one full of everything, and any one by hypothesis."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone

from hypothesis import strategies as st

from autobuilds.domain.build import (
    Approval,
    Attempt,
    Build,
    BuildState,
    Check,
    DeliverMode,
    Evidence,
    Ledger,
    Outcome,
    Pause,
    Usage,
)

NOW = datetime(2026, 3, 8, 23, 0, tzinfo=timezone(timedelta(hours=-6)))


def attempt(label: str = "x", number: int = 1, **more: object) -> Attempt:
    return Attempt(number=number, id=f"{label}-{number}", agent="command", started=NOW, **more)  # type: ignore[arg-type]


def build(label: str = "x", **more: object) -> Build:
    values: dict[str, object] = {"name": label.upper(), "state": BuildState.BUILDING, "created": NOW, "updated": NOW}
    return Build(label=label, **{**values, "attempts": (attempt(label),), **more})  # type: ignore[arg-type]


def full() -> Ledger:
    ended = attempt(
        outcome=Outcome.CHECKS_FAILED,
        ended=NOW + timedelta(hours=1),
        checks=(Check(text="Tests — pass\n", passed=False, command="pytest", exit_code=1, seconds=1.5, tail="E  \u2028 \x1b[31m"),),
        usage=Usage(cpu_seconds=1.25, tokens_in=10, cost_usd=0.02),
        evidence=Evidence.CHECKED,
    )
    return Ledger(
        builds=(build(attempts=(ended, attempt(number=2)), deliver=DeliverMode.MERGE, reason="trailer: \nno"), build("ünï")),
        approvals=(Approval(label="x", fingerprint="f" * 64, by="olive@example.org", at=NOW),),
        pause=Pause(since=NOW, until=NOW + timedelta(days=1), reason="holiday"),
    )


_times = st.integers(1_600_000_000, 2_200_000_000).map(lambda seconds: datetime.fromtimestamp(seconds, UTC))
_texts = st.text(max_size=30)
_checks = st.builds(Check, text=_texts, passed=st.booleans(), command=st.none() | _texts, tail=_texts)


@st.composite
def builds(draw: st.DrawFn, label: str) -> Build:
    numbers = range(1, draw(st.integers(1, 3)) + 1)
    made = tuple(attempt(label, n, reason=draw(st.none() | _texts), checks=tuple(draw(st.lists(_checks, max_size=2)))) for n in numbers)
    state = draw(st.sampled_from(BuildState))
    return build(label, name=draw(_texts), state=state, updated=draw(_times), attempts=made, reason=draw(st.none() | _texts))
