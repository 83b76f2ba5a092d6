"""The proof that a tier works here and now: a harmless program is run in it and tries what it must not be able to do."""

from __future__ import annotations

import os
import secrets
import socket
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from autobuilds.adapters.sandbox import remedies
from autobuilds.adapters.sandbox.launcher import landlock, limits, sockets
from autobuilds.adapters.sandbox.launcher.landlock import Rules
from autobuilds.adapters.sandbox.prepared import Restrained
from autobuilds.adapters.sandbox.wrapping import BUBBLED, enclosed, program
from autobuilds.domain.sandbox import STRENGTH, Confinement, Network, Tier, TierProbe
from autobuilds.records import dataclass, replace

#: Says, in one line, what it could do; `outside` is a folder of the canaries, `mine` one that may be written, `pid` a process outside.
_PROGRAM = r"""
outside=$1 mine=$2 pid=$3
{ echo canary > "$outside/written"; } 2>/dev/null && echo write
{ read -r secret < "$outside/secret"; } 2>/dev/null && echo read
kill -0 "$pid" 2>/dev/null && echo signal
{ read -r name < "/proc/$pid/comm"; } 2>/dev/null && [ "$name" = "$4" ] && echo see
[ -w /var ] && echo root
echo work > "$mine/work" && echo done
"""
_SAYS = {
    "write": "a file outside could be written",
    "read": "a secret outside could be read",
    "signal": "a process outside could be signalled",
    "see": "a process outside could be seen",
    "root": "the system's folders could be written",
    "connect": "a service on loopback could be reached",
    "around": "a service on loopback could be reached by MPTCP",
    "abstract": "an abstract socket could be reached",
}
_MPTCP = 262
_TIMEOUT = 10.0


@dataclass(frozen=True, slots=True, kw_only=True)
class _Scene:
    """The canaries of one probe."""

    folder: Path
    port: int
    socket_name: str

    @property
    def outside(self) -> Path:
        return self.folder / "outside"

    @property
    def mine(self) -> Path:
        return self.folder / "mine"


@contextmanager
def _scene() -> Iterator[_Scene]:
    with (
        tempfile.TemporaryDirectory(prefix="autobuilds-probe-") as name,
        socket.socket(socket.AF_INET, socket.SOCK_STREAM) as service,
        socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as abstract,
    ):
        scene_name = f"autobuilds-probe-{secrets.token_hex(8)}"
        for listener, where in ((service, ("127.0.0.1", 0)), (abstract, "\0" + scene_name)):
            listener.bind(where)
            listener.listen(4)
        scene = _Scene(folder=Path(os.path.realpath(name)), port=service.getsockname()[1], socket_name=scene_name)
        for folder in (scene.outside, scene.mine):
            folder.mkdir()
        (scene.outside / "secret").write_text("canary\n", encoding="ascii")
        yield scene


class MachineSandbox:
    """The sandbox tiers of this machine (port `Sandbox`)."""

    def probe(self) -> tuple[TierProbe, ...]:
        """Try out every tier and return what works now, the strongest first; about 50 ms."""
        missing = remedies.elsewhere()
        tiers = sorted(Tier, key=STRENGTH.__getitem__, reverse=True)
        if missing is not None:
            return tuple(_none() if tier is Tier.NONE else _failed(tier, *missing) for tier in tiers)
        with _scene() as scene:
            both = _try(Tier.BWRAP_LANDLOCK, scene)
            # What bubblewrap stops in the first tier it stops without Landlock's help: Landlock rules no files there.
            bubble = TierProbe(tier=Tier.BWRAP, works=True, why=_caveat(Tier.BWRAP)) if both.works else _try(Tier.BWRAP, scene)
            return (both, bubble, _try(Tier.LANDLOCK, scene), _none())

    def probe_one(self, tier: Tier) -> TierProbe:
        """Try out one tier right before something is started in it; about 15 ms."""
        missing = remedies.elsewhere()
        if tier is Tier.NONE:
            return _none()
        if missing is not None:
            return _failed(tier, *missing)
        with _scene() as scene:
            return _try(tier, scene)


def _none() -> TierProbe:
    return TierProbe(tier=Tier.NONE, works=True)


def _failed(tier: Tier, why: str, fix: str) -> TierProbe:
    return TierProbe(tier=tier, works=False, why=why, fix=fix)


def _try(tier: Tier, scene: _Scene) -> TierProbe:
    version = landlock.version()
    needed = {Tier.BWRAP_LANDLOCK: landlock.CONNECTS, Tier.LANDLOCK: landlock.TRUNCATES}.get(tier, 0)
    if tier in BUBBLED and program("bwrap") is None:
        return replace(_failed(tier, *remedies.no_bubblewrap()), wants_program=True)
    if version < needed:
        return _failed(tier, *remedies.no_landlock(version, needed))
    try:
        said, errors = _run(tier, scene, version)
    except subprocess.TimeoutExpired:
        return _failed(tier, f"a harmless program did not end within {_TIMEOUT:.0f} seconds", "autobuilds doctor")
    except (OSError, landlock.Uncontained) as error:
        return _failed(tier, f"a harmless program could not be started: {error}", "autobuilds doctor")
    if "done" not in said and tier in BUBBLED:
        return _failed(tier, *remedies.no_namespace(errors))
    if "done" not in said:
        return _failed(tier, f"a harmless program could not work in it: {remedies.first_line(errors)}", "autobuilds doctor")
    broken = [words for word, words in _SAYS.items() if word in said and word not in _may(tier, version)]
    if (scene.outside / "written").exists():
        broken.append(_SAYS["write"])
    if broken:
        return _failed(tier, f"it does not contain: {', '.join(dict.fromkeys(broken))}", "autobuilds doctor")
    return TierProbe(tier=tier, works=True, why=_caveat(tier, version))


def _may(tier: Tier, version: int) -> set[str]:
    """Return the words of what a tier lets through by its nature, or on a kernel of this age."""
    if tier is Tier.BWRAP:
        return {"connect", "around", "abstract"}
    old = {"abstract"} if version < landlock.SCOPES else set()
    if not sockets.known():
        old.add("around")
    if tier is Tier.BWRAP_LANDLOCK:
        return old
    if version < landlock.CONNECTS:
        old |= {"connect", "around"}
    return {"see", "root", *old, *({"signal"} if version < landlock.SCOPES else ())}


def _run(tier: Tier, scene: _Scene, version: int) -> tuple[set[str], str]:
    """Run the program in a tier and return its words and what went to standard error."""
    confinement = Confinement(tier=tier, writable=(str(scene.mine),), hidden=(str(scene.outside),), network=Network.WEB)
    harmless = ("/bin/sh", "-c", _PROGRAM, "sh", str(scene.outside), str(scene.mine), str(os.getpid()), _own_name())
    argv = enclosed(confinement, harmless)

    def rules() -> Rules:
        made = Rules(version, files=tier is Tier.LANDLOCK, network=True)
        made.allow_ports(landlock.reachable(confinement.network.value, ()))
        if tier is Tier.LANDLOCK:
            made.allow_files(read=(), write=confinement.writable, hide=confinement.hidden)
        return made

    def work() -> tuple[set[str], str]:
        reached = set() if tier is Tier.BWRAP else _reached(scene)
        done = subprocess.run(
            argv, cwd="/", stdin=subprocess.DEVNULL, capture_output=True, text=True, errors="replace", timeout=_TIMEOUT, check=False
        )
        return reached | set(done.stdout.split()), done.stderr

    restrained = Restrained(None if tier is Tier.BWRAP else rules)
    try:
        return restrained.call(work)
    finally:
        restrained.close()


def _reached(scene: _Scene) -> set[str]:
    """Return what the calling thread, which is as restricted as a build, reaches of this machine."""
    found: set[str] = set()
    service = ("127.0.0.1", scene.port)
    tried: tuple[tuple[str, int, int, Any], ...] = (
        ("connect", socket.AF_INET, 0, service),
        ("around", socket.AF_INET, _MPTCP, service),
        ("abstract", socket.AF_UNIX, 0, "\0" + scene.socket_name),
    )
    for word, family, protocol, where in tried:
        try:
            with socket.socket(family, socket.SOCK_STREAM, protocol) as client:
                client.connect(where)
        except OSError:
            continue
        found.add(word)
    return found


def _own_name() -> str:
    try:
        return Path("/proc/self/comm").read_text(encoding="utf-8", errors="replace").strip()
    except OSError:
        return "-"


def _caveat(tier: Tier, version: int | None = None) -> str:
    """Return what a tier that works lets through on this machine besides what it does everywhere; empty for nothing."""
    version = landlock.version() if version is None else version
    found: list[str] = []
    if tier in {Tier.BWRAP_LANDLOCK, Tier.LANDLOCK} and version < landlock.SCOPES:
        found.append("connect to abstract sockets" + ("" if tier in BUBBLED else "; signal your other processes") + " (before Linux 6.12)")
    if tier is Tier.LANDLOCK and version < landlock.CONNECTS:
        found.append("connect to services on this machine's loopback (before Linux 6.7)")
    elif tier in {Tier.BWRAP_LANDLOCK, Tier.LANDLOCK} and not sockets.known():
        found.append("connect to services on this machine's loopback by MPTCP (the filter is not written for this processor)")
    if os.geteuid() == 0 and limits.group_root() is None:
        found.append("start any number of processes (the limit does not bind root, and control groups can't be made)")
    return "; ".join(found)
