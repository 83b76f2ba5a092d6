"""What every sandbox promises of what it keeps, the fake one included."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from pathlib import Path

import pytest

from autobuilds.adapters import sandbox as real
from autobuilds.domain.sandbox import Tier, TierProbe
from autobuilds.ports import Sandbox
from autobuilds.wiring import LateSandbox
from tests.fakes.sandbox import FakeSandbox, tiers


@dataclass
class Machine:
    """A sandbox, what works on its machine, and how often that was tried out."""

    fake: FakeSandbox | None
    sandbox: Sandbox
    now: tuple[TierProbe, ...] = field(default_factory=tiers)
    tried_out: int = 0

    def probe(self) -> tuple[TierProbe, ...]:
        self.tried_out += 1
        return self.now

    @property
    def trials(self) -> int:
        return self.tried_out if self.fake is None else self.fake.trials

    def breaks(self, *tier: Tier) -> None:
        """Let these tiers work no more, and all others."""
        self.now = tiers(*tier)
        if self.fake is not None:
            self.fake.now = self.now

    def wants(self, *tier: Tier) -> None:
        """Let these tiers want a program."""
        self.now = tuple(replace(probe, works=False, wants_program=True) if probe.tier in tier else probe for probe in tiers())
        if self.fake is not None:
            self.fake.now = self.now

    def next_process(self) -> None:
        """Ask from another process from now on."""
        if self.fake is not None:
            self.fake.next_process()
        else:
            self.sandbox = LateSandbox()


@pytest.fixture(params=["fake", "late"])
def machine(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Machine:
    monkeypatch.setenv("HOME", str(tmp_path))
    fake = FakeSandbox() if request.param == "fake" else None
    made = Machine(fake=fake, sandbox=fake or LateSandbox())
    monkeypatch.setattr(real, "MachineSandbox", lambda: made)
    return made


def test_what_works_is_tried_out_once_for_all_who_look(machine: Machine) -> None:
    for _ in range(3):
        assert machine.sandbox.tried() == tiers()
        machine.next_process()
    assert machine.trials == 1


def test_looking_and_acting_in_one_process_try_it_out_once(machine: Machine) -> None:
    assert machine.sandbox.tried() == machine.sandbox.probe() == machine.sandbox.probe() == tiers()
    assert machine.trials == 1


def test_what_is_kept_is_no_answer_to_whoever_acts(machine: Machine) -> None:
    machine.sandbox.tried()
    machine.next_process()
    machine.breaks(Tier.BWRAP)
    assert machine.sandbox.tried() == tiers(), "nothing tells that it is otherwise"
    assert machine.sandbox.probe() == tiers(Tier.BWRAP)
    assert machine.sandbox.tried() == tiers(Tier.BWRAP), "and from then on whoever looks sees it"
    machine.next_process()
    assert machine.sandbox.tried() == tiers(Tier.BWRAP)
    assert machine.trials == 3


def test_a_failure_is_not_kept(machine: Machine) -> None:
    machine.breaks(Tier.LANDLOCK)
    assert machine.sandbox.tried() == tiers(Tier.LANDLOCK)
    machine.next_process()
    machine.breaks()
    assert machine.sandbox.tried() == tiers()


def test_a_program_that_is_missing_is_a_failure_that_is_kept(machine: Machine) -> None:
    machine.wants(Tier.BWRAP)
    wanting = machine.now
    for _ in range(3):
        assert machine.sandbox.tried() == wanting
        machine.next_process()
    assert machine.trials == 1


def test_whoever_acts_finds_what_was_missing_and_so_do_all_who_look_later(machine: Machine) -> None:
    machine.wants(Tier.BWRAP)
    machine.sandbox.tried()
    machine.next_process()
    machine.breaks()
    assert machine.sandbox.probe() == tiers()
    machine.next_process()
    assert machine.sandbox.tried() == tiers()


def test_what_was_found_a_while_ago_is_not_kept_anew(machine: Machine) -> None:
    machine.wants(Tier.BWRAP)
    wanting = machine.sandbox.probe()
    machine.breaks()
    assert machine.sandbox.tried() == wanting, "one trial counts for this process"
    machine.next_process()
    assert machine.sandbox.tried() == tiers()


def test_what_is_forgotten_is_tried_out_anew_in_this_process_and_in_others(machine: Machine) -> None:
    machine.sandbox.forget()
    for change in (lambda: None, machine.next_process):
        machine.breaks()
        machine.sandbox.tried()
        machine.breaks(Tier.BWRAP)
        machine.sandbox.forget()
        change()
        assert machine.sandbox.tried() == tiers(Tier.BWRAP)
        machine.sandbox.forget()
