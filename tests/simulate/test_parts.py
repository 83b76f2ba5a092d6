"""The parts of a simulation: what the owner does to a text, the script, the weather, the zone of a configuration, the watch."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from random import Random
from types import SimpleNamespace
from typing import Any, cast
from zoneinfo import ZoneInfo

import pytest

from autobuilds.adapters.simulated.machine import SimulatedHost, SimulatedProofs
from autobuilds.domain.build import Approval, Ledger, Outcome
from autobuilds.domain.model import Priority
from autobuilds.errors import BadInput
from autobuilds.ports import Job
from autobuilds.ports.staging import Run
from autobuilds.runtime.simulation import hands, watch
from autobuilds.runtime.simulation.sample import contents, with_zone
from autobuilds.runtime.simulation.script import SeededScript, length_of
from autobuilds.runtime.simulation.values import Wish
from autobuilds.runtime.simulation.weather import weather
from autobuilds.store.config import read_settings
from autobuilds.store.queue.reader import read_queue
from tests.builders import a_build, a_task, an_attempt

START = datetime(2026, 3, 6, 18, tzinfo=ZoneInfo("America/Chicago"))


def test_the_sample_holds_no_problem_and_its_edits_neither() -> None:
    files = contents(START, "America/Chicago")
    text = files["BUILD_QUEUE.md"]
    queue = read_queue(text.encode(), zone=UTC).queue
    assert not queue.problems and len(queue.active) >= 20
    assert not read_settings(files["HEARTBEAT.md"].encode()).problems
    task = next(t for t in queue.active if t.priority is Priority.MEDIUM)
    text = hands.with_priority(text, task, Priority.HIGH)
    text = hands.approved(text, task)
    text, name = hands.with_idea(text, Random(1), START, 1)
    text = hands.ticked(text, queue.active[0])
    after = read_queue(text.encode(), zone=UTC).queue
    found = after.find(task.label)
    assert not after.problems and found is not None
    assert (found.priority, found.approved) == (Priority.HIGH, True)
    assert any(t.name == name for t in after.active) and after.active[0].name == name
    assert [t.name for t in after.active if t.checked] == [queue.active[0].name]


def test_a_queue_without_sections_is_left_as_it_is() -> None:
    assert hands.with_idea("# Nothing\n", Random(1), START, 1)[0] == "# Nothing\n"


@pytest.mark.parametrize(
    "text", ["", "# Heartbeat\n", "---\ninterval: 30m\n---\n# H\n", "---\r\ntimezone: UTC\r\ninterval: 1h\r\n---\r\n# H\r\n"]
)
def test_a_zone_is_put_into_any_configuration(text: str) -> None:
    found = read_settings(with_zone(text, "Europe/Berlin").encode())
    assert found.settings.timezone == "Europe/Berlin" and not found.problems


def job(label: str, number: int = 1) -> Job:
    return cast("Job", SimpleNamespace(label=label, number=number))


def test_the_script_depends_on_seed_label_and_attempt_alone() -> None:
    script = SeededScript(seed=1, calm=False, task=lambda _: None)
    turns = [script(job(f"a{n}")) for n in range(300)]
    assert turns == [script(job(f"a{n}")) for n in range(300)]
    assert script(job("a1", 2)) != script(job("a1", 3))
    assert turns != [replace(script, seed=2)(job(f"a{n}")) for n in range(300)]
    passed = sum(t.outcome is Outcome.PASSED and t.silent_after is None for t in turns)
    assert 220 <= passed <= 265 and any(t.silent_after for t in turns) and any(t.failure for t in turns)
    calm = replace(script, calm=True)
    assert calm(job("a1")).length == length_of(None) and calm(job("a1")).outcome is Outcome.PASSED


def test_weather_is_by_the_seed_and_none_where_it_is_calm() -> None:
    wish = Wish(start=START, days=60, seed=1)
    spells = weather(wish)
    assert spells == weather(wish) != weather(replace(wish, seed=2))
    assert weather(replace(wish, calm=True)) == ()
    assert {s.kind for s in spells} == {"off", "full"} and all(timedelta() < s.end - s.start <= timedelta(hours=7) for s in spells)
    by_night = [s for s in spells if (s.start.astimezone(START.tzinfo).hour + 2) % 24 < 8]
    assert len(by_night) >= len(spells) // 3


def test_a_staged_clock_is_told_in_any_zone() -> None:
    host = SimulatedHost(clock=START, zone=ZoneInfo("Europe/Berlin"))
    assert host.now("UTC").hour == 0 and host.now(None).hour == 1
    host.fill_disk(97)
    assert host.resources(Path("/")).disk_percent == 97
    with pytest.raises(BadInput, match="no time zone"):
        host.now("Mars/Base")


def test_an_approval_counts_as_given_and_no_other() -> None:
    begun = datetime(2026, 10, 25, 2, 30, fold=1, tzinfo=ZoneInfo("Europe/Berlin"))
    given = Approval(label="a", fingerprint="f", by="owner", at=begun)
    proofs = SimulatedProofs()
    proofs.give(given)
    assert proofs.proven([replace(given, at=datetime.fromisoformat(begun.isoformat()))]) == {"a"}
    assert proofs.proven([replace(given, fingerprint="g")]) == frozenset()
    proofs.withdraw("a")
    assert proofs.proven([given]) == frozenset()


def a_run(**changes: Any) -> Run:
    values = {"attempt": "a1", "label": "x", "number": 1, "agent": "command", "begun": an_attempt().started, "ends": an_attempt().started}
    return Run(**{**values, "outcome": Outcome.PASSED, **changes})


def test_the_watch_compares_what_ran_with_what_the_ledger_says() -> None:
    ledger = Ledger(builds=(a_build(a_task(name="X", label="x")),))
    assert list(watch.at_the_end(ledger, [a_run()], frozenset())) == []
    assert "never run" in next(watch.at_the_end(ledger, [], frozenset()))
    assert list(watch.at_the_end(ledger, [], frozenset({"a1"}))) == []
    assert "not settled" in next(watch.at_the_end(ledger, [a_run(over=True)], frozenset()))
    assert "not in the ledger" in next(watch.at_the_end(Ledger(), [a_run()], frozenset()))
    late = a_run(begun=an_attempt().started + timedelta(minutes=1))
    assert "the ledger says" in next(watch.at_the_end(ledger, [late], frozenset()))
