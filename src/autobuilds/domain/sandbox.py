"""What contains a build: the tiers, what a build may do, and which tier is chosen. Pure."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum


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


@dataclass(frozen=True, slots=True, kw_only=True)
class Choice:
    """The tier for a build, what is weaker than it could be in words, or (tier None) why nothing may start, with what mends it."""

    tier: Tier | None
    words: str = ""
    fix: str = ""
