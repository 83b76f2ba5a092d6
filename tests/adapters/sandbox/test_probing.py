"""The probe: says what works, notices a sandbox that does not hold, says why and what mends it."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from autobuilds.adapters.sandbox import MachineSandbox, remedies
from autobuilds.adapters.sandbox.launcher import landlock
from autobuilds.domain.sandbox import STRENGTH, Tier, TierProbe

_REPORT = """
import json
from autobuilds.adapters.sandbox import MachineSandbox
print(json.dumps([[p.tier, p.works, p.why, p.fix] for p in MachineSandbox().probe()]))
"""


def by_tier(probes: tuple[TierProbe, ...]) -> dict[Tier, TierProbe]:
    return {probe.tier: probe for probe in probes}


def test_tiers_come_the_strongest_first() -> None:
    probes = MachineSandbox().probe()
    assert [probe.tier for probe in probes] == sorted(Tier, key=STRENGTH.__getitem__, reverse=True)
    assert probes[-1] == TierProbe(tier=Tier.NONE, works=True)
    for probe in probes:
        assert probe.works or (probe.why and probe.fix)
        assert MachineSandbox().probe_one(probe.tier).works == probe.works


def test_bubblewrap_missing(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for name in ("sh", "apt-get"):
        (tmp_path / name).symlink_to("/bin/sh")
    monkeypatch.setenv("PATH", str(tmp_path))
    probes = by_tier(MachineSandbox().probe())
    for tier in (Tier.BWRAP_LANDLOCK, Tier.BWRAP):
        assert probes[tier].why == "bubblewrap is not installed (no program bwrap in PATH)"
        assert probes[tier].fix == "sudo apt-get install -y bubblewrap"
        assert probes[tier].wants_program
    assert probes[Tier.LANDLOCK].works == (landlock.version() >= landlock.TRUNCATES)


@pytest.mark.parametrize(
    ("program", "command"),
    [("dnf", "sudo dnf install -y bubblewrap"), ("pacman", "sudo pacman -S --needed bubblewrap"), ("brew", "brew install bubblewrap")],
)
def test_the_command_is_the_systems_own(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, program: str, command: str) -> None:
    (tmp_path / program).symlink_to("/bin/sh")
    monkeypatch.setenv("PATH", str(tmp_path))
    assert remedies.no_bubblewrap()[1] == command


def test_a_wrapper_that_contains_nothing_does_not_work(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    fake = tmp_path / "bwrap"
    fake.write_text('#!/bin/sh\nwhile [ "$1" != -- ]; do shift; done; shift; exec "$@"\n')
    fake.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:/usr/bin:/bin")
    for tier in (Tier.BWRAP, Tier.BWRAP_LANDLOCK):
        probe = MachineSandbox().probe_one(tier)
        assert not probe.works
        assert "a secret outside could be read" in probe.why
        assert "a file outside could be written" in probe.why


def test_a_wrapper_that_hangs_does_not_work(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    fake = tmp_path / "bwrap"
    fake.write_text("#!/bin/sh\nexec sleep 60\n")
    fake.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:/usr/bin:/bin")
    monkeypatch.setattr("autobuilds.adapters.sandbox.probing._TIMEOUT", 0.3)
    probe = MachineSandbox().probe_one(Tier.BWRAP)
    assert not probe.works
    assert "did not end" in probe.why


def test_user_namespaces_forbidden() -> None:
    """Simulated: the probe runs in a sandbox in which no further user namespace can be made."""
    if not MachineSandbox().probe_one(Tier.BWRAP).works:
        pytest.skip("bubblewrap does not work here")
    options = [str(shutil.which("bwrap")), "--dev-bind", "/", "/", "--unshare-user", "--uid", "1234", "--disable-userns", "--"]
    if subprocess.run([*options, "true"], capture_output=True, check=False).returncode:
        pytest.skip("this bubblewrap has no --disable-userns")
    done = subprocess.run([*options, sys.executable, "-c", _REPORT], capture_output=True, text=True, check=True)
    said = {tier: (works, why, fix) for tier, works, why, fix in json.loads(done.stdout)}
    works, why, fix = said["bubblewrap"]
    assert not works
    assert "user namespace" in why
    assert fix
    assert said["bubblewrap+landlock"] == said["bubblewrap"]
    assert said["landlock"][0] == (landlock.version() >= landlock.TRUNCATES)


@pytest.mark.parametrize(
    ("setting", "value", "word", "command"),
    [
        ("kernel/apparmor_restrict_unprivileged_userns", "1", "AppArmor", "/etc/apparmor.d/bwrap"),
        ("kernel/unprivileged_userns_clone", "0", "plain users", "sysctl -w kernel.unprivileged_userns_clone=1"),
        ("user/max_user_namespaces", "0", "allows none", "sysctl -w user.max_user_namespaces"),
    ],
)
def test_why_no_namespace(tmp_path: Path, setting: str, value: str, word: str, command: str) -> None:
    path = tmp_path / "sys" / setting
    path.parent.mkdir(parents=True)
    path.write_text(value + "\n")
    why, fix = remedies.no_namespace("bwrap: No permissions to create new namespace\n", proc=tmp_path)
    assert word in why
    assert command in fix


def test_an_unknown_reason_is_quoted_in_one_bounded_line(tmp_path: Path) -> None:
    why, fix = remedies.no_namespace("\n\x1b[31mbwrap: odd " + "x" * 1000 + "\nmore\n", proc=tmp_path)
    assert "bwrap: odd" in why
    assert "\x1b" not in why
    assert len(why) < 300
    assert fix


def test_a_kernel_without_landlock(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(landlock, "version", lambda: 0)
    probes = by_tier(MachineSandbox().probe())
    assert not probes[Tier.BWRAP_LANDLOCK].works
    assert not probes[Tier.LANDLOCK].works
    assert "Landlock" in probes[Tier.LANDLOCK].why
    assert probes[Tier.BWRAP].wants_program == (shutil.which("bwrap") is None)
    if shutil.which("bwrap"):
        assert "Landlock" in probes[Tier.BWRAP_LANDLOCK].why
        assert probes[Tier.BWRAP].works


@pytest.mark.parametrize(
    ("version", "works", "word"), [(1, False, "6.2"), (3, True, "before Linux 6.7"), (4, True, "before Linux 6.12"), (6, True, "")]
)
def test_an_older_landlock_is_weaker_and_says_so(monkeypatch: pytest.MonkeyPatch, version: int, works: bool, word: str) -> None:
    if landlock.version() < landlock.SCOPES:
        pytest.skip("this kernel's Landlock is older than what is tried")
    monkeypatch.setattr(landlock, "version", lambda: version)
    probe = MachineSandbox().probe_one(Tier.LANDLOCK)
    assert probe.works is works
    assert word in probe.why
    both = MachineSandbox().probe_one(Tier.BWRAP_LANDLOCK)
    assert both.works is (version >= landlock.CONNECTS and shutil.which("bwrap") is not None)


@pytest.mark.parametrize(("system", "word"), [("darwin", "macOS"), ("win32", "win32"), ("freebsd14", "freebsd14")])
def test_other_systems_say_so(monkeypatch: pytest.MonkeyPatch, system: str, word: str) -> None:
    monkeypatch.setattr(remedies, "_SYSTEM", system)
    probes = by_tier(MachineSandbox().probe())
    assert [tier for tier, probe in probes.items() if probe.works] == [Tier.NONE]
    assert word in probes[Tier.BWRAP].why
    assert probes[Tier.BWRAP].fix
    assert MachineSandbox().probe_one(Tier.LANDLOCK) == probes[Tier.LANDLOCK]


def test_nothing_is_left_behind(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    MachineSandbox().probe()
    assert list(tmp_path.iterdir()) == []
