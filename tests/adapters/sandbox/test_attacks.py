"""Attacks from inside a build, tier by tier: what each stops, as root and as a plain user, and what gets through by name."""

from __future__ import annotations

import pytest

from autobuilds.adapters.sandbox import MachineSandbox
from autobuilds.domain.sandbox import Tier
from tests.adapters.sandbox.attacks import ATTACKS, MORE
from tests.adapters.sandbox.scene import CANARY, made, missing

#: What a tier lets through; everything else it must stop. The reference (docs/reference/sandbox.md) names the same.
THROUGH: dict[Tier, set[str]] = {
    Tier.BWRAP_LANDLOCK: set(),
    Tier.BWRAP: {"reach the dashboard", "reach the dashboard by MPTCP", "reach an abstract socket"},
    Tier.LANDLOCK: {
        "reach a socket that is a file",
        "reach a socket named in the environment",
        "leave a daemon",
        "change permissions outside",
        "see another process",
    },
    # The limits are in force without a sandbox too.
    Tier.NONE: set(ATTACKS) | set(MORE) - {"fork bomb"},
}
#: How many of the twenty-five are stopped.
FIGURES = {Tier.BWRAP_LANDLOCK: 25, Tier.BWRAP: 23, Tier.LANDLOCK: 22}
#: Would change the machine where nothing stops it, or says nothing about it there.
_NOT_WITHOUT = {"mount over", "open a device", "use capabilities", "change the kernel's settings", "gain rights by setuid"}


def attackable(user: str, tier: Tier) -> None:
    """Skip, with the reason, where a tier or a user is not to be had."""
    if why := missing(user):
        pytest.skip(why)
    probe = MachineSandbox().probe_one(tier)
    if not probe.works:
        pytest.skip(f"{tier}: {probe.why}")


def names_for(user: str) -> list[str]:
    return [name for name in (*ATTACKS, *MORE) if not (user == "root" and name == "gain rights by setuid")]


@pytest.mark.parametrize(
    ("user", "tier", "quick"),
    [
        ("plain", Tier.BWRAP_LANDLOCK, True),
        ("plain", Tier.LANDLOCK, True),
        pytest.param("plain", Tier.BWRAP, True, marks=pytest.mark.slow),
        pytest.param("plain", Tier.BWRAP_LANDLOCK, False, marks=pytest.mark.slow),
        pytest.param("plain", Tier.LANDLOCK, False, marks=pytest.mark.slow),
        pytest.param("root", Tier.BWRAP_LANDLOCK, True, marks=pytest.mark.slow),
        pytest.param("root", Tier.BWRAP_LANDLOCK, False, marks=pytest.mark.slow),
        pytest.param("root", Tier.BWRAP, True, marks=pytest.mark.slow),
        pytest.param("root", Tier.LANDLOCK, True, marks=pytest.mark.slow),
        pytest.param("root", Tier.LANDLOCK, False, marks=pytest.mark.slow),
    ],
)
def test_a_tier_stops_all_but_what_it_names(user: str, tier: Tier, quick: bool) -> None:
    attackable(user, tier)
    names = names_for(user)
    with made(user) as scene:
        got = scene.attack(scene.confinement(tier.value), names, quick=quick)
    through = {name for name, (succeeded, _) in got.items() if succeeded}
    assert through == THROUGH[tier], {name: got[name][1] for name in through ^ THROUGH[tier]}
    assert sum(not got[name][0] for name in ATTACKS) == FIGURES[tier]


@pytest.mark.slow
def test_the_attacks_work_where_nothing_stops_them() -> None:
    """Otherwise the figures say nothing: every attack that the tiers stop succeeds without a tier, but for the limits."""
    attackable("plain", Tier.NONE)
    names = [name for name in names_for("plain") if name not in _NOT_WITHOUT]
    with made("plain") as scene:
        loose = {"processes": 4096, "memory_bytes": None, "file_bytes": None}
        got = scene.attack(scene.confinement("none", quota=loose), names)
    stopped = {name for name, (succeeded, _) in got.items() if not succeeded}
    # What the launcher takes away in every tier, and a terminal that a test does not have.
    assert stopped == {"read a key of the session", "leave a core file", "type into the terminal"}, {n: got[n][1] for n in stopped}


def test_no_secret_of_the_owners_is_in_the_environment() -> None:
    with made("plain") as scene:
        for tier in Tier:
            attackable("plain", tier)
            done = scene.run(scene.confinement(tier.value, network="web"), ["/usr/bin/env"])
            assert done["status"] == 0, done
            assert "HOME=" in done["out"]
            assert CANARY not in done["out"]
