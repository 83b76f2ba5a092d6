"""What a build must still be able to do in every tier."""

from __future__ import annotations

import shutil

import pytest

from autobuilds.domain.sandbox import Tier
from tests.adapters.sandbox.scene import Scene, made
from tests.adapters.sandbox.test_attacks import attackable

_WORK = """
set -eu
echo new > made.txt
git add -A
git -c user.name=Build -c user.email=build@example.org commit -q -m 'inside'
git log --oneline | wc -l
git fsck --no-dangling
echo step >> ../../scratch/progress.md
echo keep > "$HOME/.state"
tmp=$(mktemp) && echo ok > "$tmp"
head -c 4 /dev/urandom > /dev/null
python3 - <<'PYTHON'
import socket, subprocess, threading
server = socket.create_server(("127.0.0.1", 0))
threading.Thread(target=lambda: server.accept()[0].sendall(b"served"), daemon=True).start()
print(socket.create_connection(server.getsockname(), timeout=5).recv(10).decode())
print(subprocess.run(["sh", "-c", "kill -USR1 $$"]).returncode)
path = "s.sock"
unix = socket.socket(socket.AF_UNIX); unix.bind(path); unix.listen()
socket.socket(socket.AF_UNIX).connect(path)
PYTHON
if command -v node > /dev/null; then node -e 'console.log("node", require("os").userInfo().uid >= 0)'; fi
yes | head -n 1
"""


def worked(scene: Scene, tier: Tier, *, quick: bool) -> list[str]:
    done = scene.run(scene.confinement(tier.value), ["/bin/sh", "-c", _WORK], quick=quick)
    assert done["status"] == 0, done
    assert (scene.private / ".state").read_text() == "keep\n"
    assert (scene.workspace / ".autobuilds" / "scratch" / "progress.md").read_text() == "step\n"
    return str(done["out"]).split("\n")


@pytest.mark.parametrize(
    ("user", "quick"),
    [("plain", True), pytest.param("plain", False, marks=pytest.mark.slow), pytest.param("root", True, marks=pytest.mark.slow)],
)
@pytest.mark.parametrize("tier", [Tier.BWRAP_LANDLOCK, pytest.param(Tier.BWRAP, marks=pytest.mark.slow), Tier.LANDLOCK])
def test_a_build_can_work(user: str, tier: Tier, quick: bool) -> None:
    attackable(user, tier)
    with made(user) as scene:
        said = worked(scene, tier, quick=quick)
    assert said[0] == "2"
    assert "served" in said
    assert "-10" in said
    assert said[-2] == "y"
    assert shutil.which("node") is None or "node true" in said


@pytest.mark.parametrize("user", ["plain", pytest.param("root", marks=pytest.mark.slow)])
@pytest.mark.parametrize("tier", [Tier.BWRAP_LANDLOCK, pytest.param(Tier.BWRAP, marks=pytest.mark.slow)])
def test_an_agents_own_bubblewrap_works_inside(user: str, tier: Tier) -> None:
    attackable(user, tier)
    # The file system of processes can't be made anew where the kernel's controls are covered, which root's must be.
    processes = ["--proc", "/proc"] if user == "plain" else []
    nested = [
        "bwrap",
        "--ro-bind",
        "/",
        "/",
        "--dev",
        "/dev",
        *processes,
        "--unshare-user",
        "--unshare-pid",
        "--unshare-net",
        "echo",
        "inner",
    ]
    with made(user) as scene:
        done = scene.run(scene.confinement(tier.value, network="web"), nested)
    assert (done["status"], done["out"]) == (0, "inner\n"), done


@pytest.mark.parametrize("tier", [Tier.BWRAP_LANDLOCK, pytest.param(Tier.LANDLOCK, marks=pytest.mark.slow)])
@pytest.mark.parametrize("network", [pytest.param("open", marks=pytest.mark.slow), pytest.param("web", marks=pytest.mark.slow), "none"])
def test_an_allowed_port_can_be_reached(tier: Tier, network: str) -> None:
    attackable("plain", tier)
    with made("plain") as scene:
        port = scene.facts["dashboard"]
        script = f"import socket; print(socket.create_connection(('127.0.0.1', {port}), timeout=5).recv(99).decode())"
        argv = [scene.facts["python"], "-c", script]
        allowed = scene.run(scene.confinement(tier.value, network=network, ports=[port]), argv)
        refused = scene.run(scene.confinement(tier.value, network=network), argv)
    assert allowed["status"] == 0, allowed
    assert refused["status"] == 1
    assert "PermissionError" in refused["err"] or "ConnectionRefused" in refused["err"]


@pytest.mark.slow
@pytest.mark.parametrize("tier", [Tier.BWRAP_LANDLOCK, Tier.BWRAP])
def test_without_a_network_there_is_only_its_own_loopback(tier: Tier) -> None:
    attackable("plain", tier)
    with made("plain") as scene:
        done = scene.run(scene.confinement(tier.value, network="none"), ["cat", "/proc/net/dev"])
    names = [line.partition(":")[0].strip() for line in done["out"].split("\n") if ":" in line]
    assert names == ["lo"], done


@pytest.mark.parametrize("quick", [True, False])
def test_the_exit_status_is_the_programs(quick: bool) -> None:
    with made("plain") as scene:
        for tier in Tier:
            attackable("plain", tier)
            done = scene.run(scene.confinement(tier.value, network="web"), ["/bin/sh", "-c", "echo said >&2; exit 41"], quick=quick)
            assert (done["status"], done["err"]) == (41, "said\n"), tier
