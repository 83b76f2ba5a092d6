"""Which tier is chosen: never weaker than demanded, never weaker in silence."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from autobuilds.domain.sandbox import GETS_THROUGH, STRENGTH, Choice, Tier, TierProbe, choose

NO_BWRAP = ("bubblewrap is not installed", "sudo apt-get install -y bubblewrap")


def machine(*working: Tier) -> tuple[TierProbe, ...]:
    return tuple(
        TierProbe(tier=tier, works=True)
        if tier in {*working, Tier.NONE}
        else TierProbe(tier=tier, works=False, why=NO_BWRAP[0], fix=NO_BWRAP[1])
        for tier in Tier
    )


ALL = machine(*Tier)


def test_the_strongest_that_works_needs_no_words() -> None:
    assert choose(None, Tier.NONE, ALL, nests=False) == Choice(tier=Tier.BWRAP_LANDLOCK)
    assert choose(None, Tier.BWRAP_LANDLOCK, ALL, nests=True) == Choice(tier=Tier.BWRAP_LANDLOCK)


def test_a_weaker_tier_says_why_what_gets_through_and_what_mends_it() -> None:
    choice = choose(None, Tier.NONE, machine(Tier.LANDLOCK), nests=False)
    assert choice.tier is Tier.LANDLOCK
    assert choice.words.startswith("bubblewrap+landlock does not work here: bubblewrap is not installed. With landlock a build can: ")
    assert "connect to sockets that are files" in choice.words
    assert choice.fix == NO_BWRAP[1]


def test_landlock_alone_is_not_for_agents_with_a_sandbox_of_their_own() -> None:
    assert choose(None, Tier.NONE, machine(Tier.LANDLOCK), nests=True).tier is Tier.NONE
    choice = choose(Tier.LANDLOCK, Tier.NONE, ALL, nests=True)
    assert choice.tier is None
    assert "the agent's own sandbox" in choice.words
    assert choice.fix


def test_a_tier_that_is_set_and_does_not_work_starts_nothing() -> None:
    choice = choose(Tier.BWRAP, Tier.NONE, machine(Tier.LANDLOCK), nests=False)
    assert choice == Choice(
        tier=None, words=f"sandbox is set to bubblewrap, but bubblewrap does not work here: {NO_BWRAP[0]}", fix=NO_BWRAP[1]
    )


def test_what_is_demanded_is_never_undercut() -> None:
    choice = choose(None, Tier.BWRAP, machine(Tier.LANDLOCK), nests=False)
    assert choice.tier is None
    assert choice.words == f"bubblewrap is demanded (require_sandbox), but bubblewrap does not work here: {NO_BWRAP[0]}"
    assert choice.fix == NO_BWRAP[1]
    set_weaker = choose(Tier.NONE, Tier.LANDLOCK, ALL, nests=False)
    assert set_weaker.tier is None
    assert "sandbox is set to none" in set_weaker.words
    assert set_weaker.fix


def test_none_names_what_a_build_can_do() -> None:
    choice = choose(Tier.NONE, Tier.NONE, (), nests=False)
    assert choice.tier is Tier.NONE
    assert choice.words.startswith("Without a sandbox a build can: read and change all your files")


def test_a_caveat_of_the_machine_is_said() -> None:
    probes = (TierProbe(tier=Tier.BWRAP_LANDLOCK, works=True, why="connect to abstract sockets (before Linux 6.12)"),)
    assert (
        choose(None, Tier.NONE, probes, nests=False).words
        == "With bubblewrap+landlock a build can: connect to abstract sockets (before Linux 6.12)."
    )


def test_what_was_not_tried_is_not_taken_for_working() -> None:
    assert choose(None, Tier.NONE, (), nests=False).tier is Tier.NONE
    assert choose(Tier.BWRAP, Tier.NONE, (), nests=False).tier is None
    assert choose(None, Tier.LANDLOCK, (), nests=False).tier is None


tiers = st.sampled_from(list(Tier))
probes = st.lists(st.builds(TierProbe, tier=tiers, works=st.booleans(), why=st.just("odd"), fix=st.just("mend")), max_size=6)


@given(st.none() | tiers, tiers, probes, st.booleans())
def test_never_weaker_in_silence(setting: Tier | None, demanded: Tier, found: list[TierProbe], nests: bool) -> None:
    choice = choose(setting, demanded, found, nests=nests)
    last = {probe.tier: probe for probe in found}
    if choice.tier is None:
        assert choice.words
        return
    assert STRENGTH[choice.tier] >= STRENGTH[demanded]
    assert setting in {None, choice.tier}
    assert choice.tier is Tier.NONE or last[choice.tier].works
    assert not (nests and choice.tier is Tier.LANDLOCK)
    assert bool(choice.words) == bool(GETS_THROUGH[choice.tier] or last.get(choice.tier, TierProbe(tier=Tier.NONE, works=True)).why)


@pytest.mark.parametrize("tier", list(Tier))
def test_every_tier_has_its_words(tier: Tier) -> None:
    assert (tier is Tier.BWRAP_LANDLOCK) == (not GETS_THROUGH[tier])


def test_a_weaker_one_that_is_set_names_the_way_to_the_better_one() -> None:
    choice = choose(Tier.NONE, Tier.NONE, ALL, nests=False)
    assert choice.tier is Tier.NONE
    assert choice.words.startswith("sandbox is set to none, and bubblewrap+landlock works here. Without a sandbox a build can: ")
    assert choice.fix == "write `sandbox: auto` in the front matter of HEARTBEAT.md"
    assert choose(Tier.NONE, Tier.NONE, (), nests=False).fix == ""


def test_what_works_or_wants_a_program_is_found_again_and_any_other_failure_may_pass() -> None:
    assert TierProbe(tier=Tier.BWRAP, works=True).lasts
    assert TierProbe(tier=Tier.BWRAP, works=False, wants_program=True).lasts
    assert not TierProbe(tier=Tier.BWRAP, works=False, why="no memory").lasts
