"""What contains a build: the tiers, what a build may do, and which tier is chosen. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from enum import StrEnum

from autobuilds.records import dataclass, field


class Tier(StrEnum):
    """What is in force round a build, the strongest first."""

    #: bubblewrap (no home, own processes, the rest read-only) with Landlock rules for network and signals inside.
    BWRAP_LANDLOCK = "bubblewrap+landlock"
    #: bubblewrap alone: services on loopback and abstract sockets can be reached.
    BWRAP = "bubblewrap"
    #: Landlock alone: nothing outside can be written, but files can be read and daemons left.
    LANDLOCK = "landlock"
    #: The build runs with the owner's rights.
    NONE = "none"


#: The strongest last.
STRENGTH = {Tier.NONE: 0, Tier.LANDLOCK: 1, Tier.BWRAP: 2, Tier.BWRAP_LANDLOCK: 3}


class Network(StrEnum):
    """What a build may reach over TCP."""

    #: Everything but what listened on this machine when it started, and the ports of the agent's own base URLs.
    OPEN = "open"
    #: Ports 443, 80, 53, 22 and those of the agent's own base URLs; nothing else, loopback included.
    WEB = "web"
    #: Nothing.
    NONE = "none"


@dataclass(frozen=True, slots=True, kw_only=True)
class Quota:
    """What one build may use; None means no limit. Bytes."""

    processes: int | None = 4096
    memory_bytes: int | None = None
    file_bytes: int | None = 8 * 1024**3


@dataclass(frozen=True, slots=True, kw_only=True)
class Confinement:
    """What one spawned program may see and do; every path is absolute."""

    tier: Tier = Tier.NONE
    #: Folders and files that it may change: its clone, its scratch folder.
    writable: tuple[str, ...] = ()
    #: What it may read although it lies in a hidden place: the objects it borrows, its own program.
    readable: tuple[str, ...] = ()
    #: Folders that are empty for it: the owner's home, the workspace.
    hidden: tuple[str, ...] = ()
    #: Its home folder, private and writable.
    home: str | None = None
    network: Network = Network.OPEN
    #: TCP ports it may reach besides.
    ports: tuple[int, ...] = ()
    quota: Quota = field(default_factory=Quota)


@dataclass(frozen=True, slots=True, kw_only=True)
class TierProbe:
    """Whether a tier works on this machine now, tried out; `why` it does not, and the one command that mends it."""

    tier: Tier
    works: bool
    why: str = ""
    fix: str = ""
    #: It fails for want of a program, which nothing but installing that can end; a want of memory, say, may pass.
    wants_program: bool = False

    @property
    def lasts(self) -> bool:
        """Whether the next trial on a machine of the same standing finds the same."""
        return self.works or self.wants_program


@dataclass(frozen=True, slots=True, kw_only=True)
class Choice:
    """The tier for a build, what is weaker than it could be in words, or (tier None) why nothing may start, with what mends it."""

    tier: Tier | None
    words: str = ""
    fix: str = ""


#: What a build can still do in each tier, by name.
GETS_THROUGH: dict[Tier, tuple[str, ...]] = {
    Tier.BWRAP_LANDLOCK: (),
    Tier.BWRAP: ("connect to services on this machine's loopback (dashboards, databases)", "connect to abstract sockets"),
    Tier.LANDLOCK: (
        "read your files outside your home and the workspace",
        "connect to sockets that are files (a container engine, the message bus, an agent of keys)",
        "see your other processes",
        "change permissions and times of your files",
        "leave processes running (they are looked for by their mark and ended)",
    ),
    Tier.NONE: (
        "read and change all your files, the queue and your keys among them",
        "reach every service on this machine and in your network",
        "signal and trace your other processes",
        "leave processes running",
    ),
}


_AUTO = "write `sandbox: auto` in the front matter of HEARTBEAT.md"


def choose(setting: Tier | None, demanded: Tier, tiers: Sequence[TierProbe], *, nests: bool) -> Choice:
    """Return the tier for one build: the strongest that works (setting None), or the one that is set, never weaker than demanded.

    `tiers` is what was tried out on this machine; Tier.NONE needs no trying. An agent that brings a sandbox of its own (`nests`) can't
    work inside Landlock alone.
    """
    found = {probe.tier: probe for probe in tiers}
    found[Tier.NONE] = TierProbe(tier=Tier.NONE, works=True)

    def refusal(tier: Tier) -> tuple[str, str]:
        probe = found.get(tier)
        if probe is None:
            return f"{tier} was not tried out on this machine", "autobuilds doctor"
        if not probe.works:
            return f"{tier} does not work here: {probe.why}", probe.fix
        if nests and tier is Tier.LANDLOCK:
            return f"{tier} does not let the agent's own sandbox work", _AUTO
        return "", ""

    strongest = sorted(Tier, key=STRENGTH.__getitem__, reverse=True)
    if setting is None:
        usable = next(tier for tier in strongest if not refusal(tier)[0])
        refused = [refusal(tier) for tier in strongest if STRENGTH[tier] > STRENGTH[usable]]
    else:
        usable = setting
        refused = [refusal(setting)] if refusal(setting)[0] else []
        if refused:
            return Choice(tier=None, words=f"sandbox is set to {setting}, but {refused[0][0]}", fix=refused[0][1])
    why, fix = refused[0] if refused else ("", "")
    if STRENGTH[usable] < STRENGTH[demanded]:
        why, fix = refusal(demanded) if refusal(demanded)[0] else (why, fix)
        if setting is not None and not why:
            why, fix = f"sandbox is set to {setting}", _AUTO
        return Choice(tier=None, words=f"{demanded} is demanded (require_sandbox), but {why}", fix=fix)
    better = next((t for t in strongest if STRENGTH[t] > STRENGTH[usable] and not refusal(t)[0]), None)
    if setting is not None and better is not None:
        why, fix = f"sandbox is set to {setting}, and {better} works here", _AUTO
    return Choice(tier=usable, words=_in_force(usable, why, found[usable].why), fix=fix)


def _in_force(tier: Tier, stronger: str, caveat: str) -> str:
    """Say what is weaker than it could be, by name; empty for the strongest tier without a caveat."""
    through = (*GETS_THROUGH[tier], *((caveat,) if caveat else ()))
    if not through:
        return ""
    because = f"{stronger}. " if stronger else ""
    name = "Without a sandbox" if tier is Tier.NONE else f"With {tier}"
    return f"{because}{name} a build can: {'; '.join(through)}."
