"""The phases of a night: what is due when, what is remembered, how a night is closed."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from autobuilds.domain.day import Night, Phase
from autobuilds.domain.verdicts import Assessment, GateResult, Verdict
from autobuilds.policies import overnight_runner as runner

EVENING = datetime(2026, 2, 6, 23, 0, tzinfo=UTC)
NIGHT = Night(id="2026-02-06", started=EVENING, ends=EVENING + timedelta(hours=8))
MORNING = NIGHT.ends


def at(hours: float) -> datetime:
    return EVENING + timedelta(hours=hours)


def phase(name: str, state: str = "done") -> Phase:
    return Phase(name=name, state=state, at=EVENING)


def test_a_night_begins_with_health_and_patterns_and_then_opens_builds() -> None:
    assert runner.due(NIGHT, EVENING) == ("health", "patterns", "builds", "monitor")


def test_what_was_carried_out_is_not_carried_out_again_also_where_it_failed() -> None:
    night = runner.recorded(NIGHT, phase("health", "failed"))
    assert runner.due(night, at(1)) == ("patterns", "builds", "monitor")
    night = runner.opened(runner.recorded(night, phase("patterns", "skipped")), at(1), 3)
    assert runner.due(night, at(2)) == ("monitor",)
    assert [p.name for p in night.phases] == ["health", "patterns", "builds", "monitor"]


def test_a_night_that_is_over_is_reported_whatever_came_of_its_phases() -> None:
    assert runner.due(NIGHT, MORNING) == ("report",)
    assert runner.due(NIGHT, at(-20)) == ("report",)
    assert runner.due(replace(NIGHT, ended=MORNING), MORNING) == ()
    assert runner.due(None, MORNING) == ()


def test_a_phase_is_recorded_in_its_place_and_once() -> None:
    night = runner.recorded(runner.recorded(NIGHT, phase("monitor", "running")), phase("health"))
    night = runner.recorded(night, phase("health", "failed"))
    assert [(p.name, p.state) for p in night.phases] == [("health", "failed"), ("monitor", "running")]
    assert runner.phase_of(night, "health") == phase("health", "failed")
    assert runner.phase_of(night, "report") is None


def held(*gates: str) -> Assessment:
    found = tuple(GateResult(gate=name, verdict=Verdict.WAIT, reason=f"{name} holds it") for name in gates)
    return Assessment(label="x", gates=(GateResult(gate="state", verdict=Verdict.GO, reason="fine"), *found))


@pytest.mark.parametrize(
    ("gates", "why"),
    [((), None), (("resources",), "resources holds it"), (("capacity",), None), (("capacity", "resources"), None)],
)
def test_a_night_is_under_pressure_where_means_alone_hold_a_task(gates: tuple[str, ...], why: str | None) -> None:
    assert runner.pressed([held(*gates)]) == why
    assert runner.pressed([]) is None
    assert runner.pressed([held("priority"), held("resources")]) == "resources holds it"


def test_pressure_is_noted_once_and_its_time_is_kept() -> None:
    assert runner.throttled(NIGHT, None, at(1)) is NIGHT
    pressed = runner.throttled(NIGHT, "disk", at(1))
    assert pressed.throttled == at(1)
    assert runner.throttled(pressed, "memory", at(1.5)) is pressed
    assert runner.throttled_seconds(pressed, at(1.5)) == 1800
    resumed = runner.throttled(pressed, None, at(2))
    assert (resumed.throttled, resumed.throttled_seconds) == (None, 3600)
    again = runner.throttled(resumed, "load", at(3))
    assert runner.throttled_seconds(again, at(3.5)) == 5400
    assert runner.throttled_seconds(again, at(20)) == 3600 + 5 * 3600


def test_a_night_is_closed_with_an_outcome_of_every_phase() -> None:
    night = runner.opened(runner.recorded(runner.recorded(NIGHT, phase("health")), phase("patterns", "skipped")), EVENING, 3)
    closed = runner.closed(runner.throttled(night, "disk", at(6.5)), at(7.5), "2 spawned")
    assert [(p.name, p.state) for p in closed.phases] == [
        ("health", "done"),
        ("patterns", "skipped"),
        ("builds", "done"),
        ("monitor", "done"),
        ("report", "done"),
    ]
    assert closed.ended == at(7.5) and closed.throttled is None and closed.throttled_seconds == 3600
    notes = {p.name: p.note for p in closed.phases}
    assert notes["builds"] == "2 spawned" and notes["monitor"] == "throttled for 1 h"
    assert runner.phase_of(runner.closed(night, at(7), ""), "monitor") == Phase(
        name="monitor", state="done", at=at(7), note="never throttled"
    )


def test_a_night_that_the_machine_slept_through_says_so_and_ends_when_its_time_was_over() -> None:
    closed = runner.closed(NIGHT, at(12), "nothing was spawned", failed={"report"})
    assert closed.ended == MORNING
    assert [(p.name, p.state) for p in closed.phases] == [
        ("health", "skipped"),
        ("patterns", "skipped"),
        ("builds", "skipped"),
        ("monitor", "skipped"),
        ("report", "failed"),
    ]
