"""Secrets as canaries: what the owner has, a build never sees; what it was given, is never written down."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from autobuilds.adapters.sandbox import MachineSandbox
from autobuilds.cli.app import run
from autobuilds.domain.sandbox import Tier
from tests.conftest import git
from tests.runtime.loop import Loop, details, make_loop

OWNERS = {"OWNERS_SECRET": "canary-owners-0123456789", "AWS_SECRET_ACCESS_KEY": "canary-aws-0123456789", "PLAIN": "canary-plain-0123456789"}
GIVEN = "canary-given-0123456789"
HOME = "canary-home-0123456789"
#: What a curious agent looks at, and says wherever it can.
CURIOUS = r"""
echo hello > a.txt
env > environment.txt
{look} > looked.txt 2>/dev/null || true
cat environment.txt looked.txt
echo "the key is $GIVEN_API_KEY" >&2
printf '%s' "$GIVEN_API_KEY" | base64
grep -c canary-owners environment.txt looked.txt > found.txt || true
printf -- '---\nstatus: working\npercent: 5\n---\n## Log\n- the key is %s\n## Questions\n- May I mail %s? - Default: no\n' \
    "$GIVEN_API_KEY" "$GIVEN_API_KEY" > "$AUTOBUILDS_PROGRESS"
sleep 1.2
rm environment.txt looked.txt
"""
#: Everything of other processes and of the home that can be read.
EVERYWHERE = "cat /proc/[0-9]*/environ /proc/[0-9]*/cmdline {home}/.ssh/* {home}/.local/state/autobuilds/* {home}/.gitconfig $HOME/.ssh/*"


def heartbeat(loop: Loop) -> str:
    """Run a heartbeat as a program whose environment holds the owner's secrets, and return all that it says."""
    environment = {**os.environ, **OWNERS, "GIVEN_API_KEY": GIVEN}
    call = [sys.executable, "-P", "-m", "autobuilds", "heartbeat", "--wait", "--workspace", str(loop.root)]
    done = subprocess.run(call, env=environment, capture_output=True, text=True, stdin=subprocess.DEVNULL, timeout=90)
    return done.stdout + done.stderr


def everything(loop: Loop, capsys: pytest.CaptureFixture[str]) -> dict[str, str]:
    """Return all that stands in the workspace and in its history, by where it stands."""
    found = {}
    for folder, _, names in os.walk(loop.root):
        for name in names:
            path = Path(folder) / name
            if path.is_file() and not path.is_symlink() and ".git/objects" not in str(path):
                found[str(path.relative_to(loop.root))] = path.read_bytes().decode("utf-8", "replace")
    found["history"] = git(loop.root, "log", "--all", "-p", "--format=%an %ae %cn %B")
    for words in (["status", "--json"], ["why", "--json"], ["log", "say-hello"], ["review", "say-hello"], ["report", "--stdout"], ["fsck"]):
        run([*words, "--workspace", str(loop.root)])
        said = capsys.readouterr()
        found[" ".join(words)] = said.out + said.err
    return found


def where(found: dict[str, str], canary: str) -> list[str]:
    return sorted(place for place, text in found.items() if canary in text)


def build(make_repo: Callable[..., Path], capsys: pytest.CaptureFixture[str], look: str, tier: str) -> tuple[Loop, dict[str, str]]:
    home = Path(os.environ["HOME"])
    (home / ".ssh").mkdir()
    (home / ".ssh" / "id_canary").write_text(f"{HOME}\n")
    (home / "curious.sh").write_text(CURIOUS.format(look=look.replace("{home}", str(home))))
    work = make_work(make_repo, (home / "curious.sh").read_text(), tier)
    said = heartbeat(work)
    assert work.context.workspace.ledger().builds and work.state() == "review", said
    found = everything(work, capsys)
    found["heartbeat"] = said
    return work, found


def make_work(make_repo: Callable[..., Path], script: str, tier: str) -> Loop:
    """Return a workspace whose task runs a script that stands in its repository."""
    steps = details("Say hello", steps="sh tools/curious.sh")
    loop = make_loop(make_repo, steps, more="environment: [GIVEN_API_KEY]\n", **{"tools/curious.sh": script})
    settings = loop.root / "HEARTBEAT.md"
    settings.write_text(settings.read_text().replace("sandbox: none", f"sandbox: {tier}"))
    return loop


@pytest.mark.parametrize("tier", [pytest.param("none", marks=pytest.mark.slow), "auto"])
def test_no_canary_leaves_its_cage(make_repo: Callable[..., Path], capsys: pytest.CaptureFixture[str], tier: str) -> None:
    contained = tier == "auto" and any(t.works and t.tier in {Tier.BWRAP, Tier.BWRAP_LANDLOCK} for t in MachineSandbox().probe())
    if tier == "auto" and not contained:
        pytest.skip("bubblewrap does not work here")
    loop, found = build(make_repo, capsys, EVERYWHERE if contained else "true", tier)
    for canary in (*OWNERS.values(), HOME):
        assert where(found, canary) == [], canary
    counted = git(loop.root, "show", "build/say-hello:found.txt")
    assert counted == "environment.txt:0\nlooked.txt:0", "grep did not run, so that this test shows nothing"
    # The attempt's specification is what its supervisor gives the variable from: private, and gone with the run folder.
    places = [p for p in where(found, GIVEN) if not p.endswith("spec.json")]
    assert places == []
    assert "[value of GIVEN_API_KEY]" in found["subagents/say-hello-progress.md"]
    logs = [text for place, text in found.items() if place.startswith("subagents/logs/")]
    assert any("the key is ***" in text for text in logs)
    spec = next(p for p in loop.root.glob(".autobuilds/runs/*/spec.json"))
    assert spec.stat().st_mode & 0o077 == 0
