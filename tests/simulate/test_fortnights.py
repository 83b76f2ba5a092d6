"""Days round each night when the clocks change, a sample: no rule is broken, and a product that breaks one is caught."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from autobuilds import planning
from autobuilds.domain import gates
from autobuilds.domain.build import Outcome
from autobuilds.domain.gates.answers import go
from autobuilds.domain.situation import Situation
from autobuilds.domain.verdicts import GateResult
from autobuilds.runtime import effects, night_view
from autobuilds.runtime.effects import Effects
from tests.proofs import fortnights
from tests.proofs.figures import Options
from tests.simulate.fortnights import FORTNIGHTS

pytestmark = [pytest.mark.slow, pytest.mark.timeout(900)]


def test_no_rule_is_broken_round_the_nights_when_clocks_change(tmp_path: Path) -> None:
    figures = fortnights.run(Options(folder=tmp_path))
    assert figures.held, figures.table()


def says_go(name: str) -> Callable[[Situation], GateResult]:
    return lambda _: go(name, "broken")


def test_gates_that_always_say_go_and_a_night_that_forgets_are_caught(monkeypatch: pytest.MonkeyPatch) -> None:
    belongs = night_view.belongs
    monkeypatch.setattr(night_view, "belongs", lambda a, night, end: a.outcome is not Outcome.PASSED and belongs(a, night, end))
    for name in ("window", "priority", "capacity"):
        monkeypatch.setitem(gates.GATES, name, says_go(name))
    _, oracle = FORTNIGHTS["an hour lost"].play(seed=2, days=1)
    faults = oracle.faults()
    for words in ("names the window", "is of medium priority", "at once at", "completed is 0, the runner saw"):
        assert any(words in fault for fault in faults), (words, faults)


def test_a_start_that_is_recorded_twice_is_caught(monkeypatch: pytest.MonkeyPatch) -> None:
    def twice(self: Effects, action: planning.Start) -> None:
        Effects.start(self, action)
        Effects.start(self, action)

    monkeypatch.setitem(effects.HANDLERS, planning.Start, twice)
    played, oracle = FORTNIGHTS["an hour lost"].play(seed=2, days=1)
    assert any("at once" in fault for fault in oracle.faults()), oracle.faults()
    assert any("twice at once" in fault for fault in played.told["violations"]), played.told["violations"]
