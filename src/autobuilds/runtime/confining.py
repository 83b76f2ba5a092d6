"""What contains a build: the tier that the settings allow and the machine offers, what is hidden, what may be changed."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from autobuilds.domain.sandbox import Confinement, Network, Quota, TierProbe, choose
from autobuilds.domain.settings import Settings
from autobuilds.errors import BadInput
from autobuilds.ports import Invocation

_MIB = 1024 * 1024
#: The least that a build may reach first.
_REACH = (Network.NONE, Network.WEB, Network.OPEN)
#: Folders that can't be hidden as a home without hiding the system.
_SYSTEM = frozenset({"/", "/usr", "/bin", "/sbin", "/etc", "/lib", "/var", "/opt", "/nonexistent"})


def confinement(
    settings: Settings, tiers: Sequence[TierProbe], invocation: Invocation, *, hidden: Sequence[Path], writable: Sequence[Path] = ()
) -> Confinement:
    """Return what contains a build in the strongest tier that is allowed and works; raises BadInput, with what mends it, where none is."""
    choice = choose(settings.sandbox, settings.require_sandbox, tiers, nests=invocation.nests)
    if choice.tier is None:
        raise BadInput(f"{choice.words}. {choice.fix}".rstrip(". "))
    home = Path.home()
    places = [home, *hidden] if str(home) not in _SYSTEM else list(hidden)
    return Confinement(
        tier=choice.tier,
        writable=tuple(str(p) for p in writable),
        readable=invocation.readable,
        hidden=tuple(dict.fromkeys(str(p) for p in places)),
        network=_stricter(settings.network, invocation.network),
        ports=invocation.ports,
        quota=Quota(
            processes=settings.process_limit,
            memory_bytes=settings.build_memory * _MIB if settings.build_memory is not None else None,
            file_bytes=settings.file_limit * _MIB,
        ),
    )


def _stricter(owners: Network, presets: Network | None) -> Network:
    return owners if presets is None else min(owners, presets, key=_REACH.index)
