"""The view of the files that bubblewrap gives a build: what is read-only, hidden, bound again, in an order that nests."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from enum import IntEnum
from pathlib import Path

from autobuilds.domain.sandbox import Confinement
from autobuilds.errors import BadInput
from autobuilds.records import dataclass

#: Folders that are fresh and writable for each build; what the owner's programs keep there (sockets, other builds) is out of reach.
_FRESH = ("/tmp", "/var/tmp")  # noqa: S108 - the build's own, not ours
#: Folders of sockets and of services' own state: the container engines, the message bus, agents of keys.
_RUNTIME = ("/run", "/var/run")
#: What programs need although it may lie below /run: the resolver's configuration, the system's own programs on NixOS.
_RUNTIME_NEEDED = ("/etc/resolv.conf", "/run/current-system", "/run/booted-system", "/run/opengl-driver", "/run/wrappers")
#: Sockets with power over the machine outside /run.
_MASKED = (
    "/var/lib/lxd/unix.socket",
    "/var/lib/incus/unix.socket",
    "/var/snap/lxd/common/lxd/unix.socket",
    "/var/lib/mysql/mysql.sock",
)
#: Secrets that the user root may read even without a capability.
_MASKED_FOR_ROOT = (
    "/etc/shadow",
    "/etc/shadow-",
    "/etc/gshadow",
    "/etc/gshadow-",
    "/etc/ssh/ssh_host_rsa_key",
    "/etc/ssh/ssh_host_ecdsa_key",
    "/etc/ssh/ssh_host_ed25519_key",
    "/var/spool/cron",
)
#: Variables that name a socket of the owner's.
_SOCKET_VARIABLES = ("SSH_AUTH_SOCK", "DOCKER_HOST", "CONTAINER_HOST", "DBUS_SESSION_BUS_ADDRESS", "GPG_AGENT_INFO", "TMUX")
#: How many parts a path with all its links may have.
_MOST_STEPS = 1000
#: Controls of the whole machine in the file system of processes.
_KERNEL = ("/proc/sys", "/proc/sysrq-trigger", "/proc/irq", "/proc/bus", "/proc/acpi", "/proc/scsi", "/proc/fs", "/proc/mtrr")


class _Kind(IntEnum):
    """What stands at a path, the later winning where two claim the same one."""

    EMPTY = 0
    FRESH = 1
    MASK = 2
    LINK = 3
    READ = 4
    WRITE = 5


@dataclass(frozen=True, slots=True, kw_only=True)
class _Mount:
    place: str
    kind: _Kind
    #: What a symbolic link says.
    target: str = ""


def arguments(confinement: Confinement, environment: Mapping[str, str]) -> tuple[str, ...]:
    """Return bubblewrap's options for the files; raises BadInput for a path that is not absolute or for hiding `/`."""
    said: list[str] = ["--ro-bind", "/", "/", "--dev", "/dev", "--proc", "/proc"]
    if os.geteuid() == 0:
        # Without any capability too, the user root may write these.
        said += [word for path in _KERNEL if Path(path).exists() for word in ("--ro-bind", path, path)]
    mounts = _in_order(confinement, environment)
    for mount in mounts:
        said += _option(mount)
    # Last, when everything below stands: a write to a hidden place fails instead of vanishing with the build.
    for mount in mounts:
        if mount.kind is _Kind.EMPTY:
            said += ["--remount-ro", mount.place]
    return tuple(said)


def _option(mount: _Mount) -> list[str]:
    if mount.kind in {_Kind.EMPTY, _Kind.FRESH}:
        return ["--tmpfs", mount.place]
    if mount.kind is _Kind.MASK:
        return ["--ro-bind", "/dev/null", mount.place]
    if mount.kind is _Kind.LINK:
        return ["--symlink", mount.target, mount.place]
    return ["--bind" if mount.kind is _Kind.WRITE else "--ro-bind", mount.place, mount.place]


class _Plan:
    """What stands where, the stronger claim winning."""

    def __init__(self) -> None:
        self.standing: dict[str, _Mount] = {}

    def put(self, mount: _Mount) -> None:
        present = self.standing.get(mount.place)
        if present is None or present.kind < mount.kind:
            self.standing[mount.place] = mount

    def hide(self, place: Path) -> None:
        """Hide a folder or a file, if it is there."""
        if os.path.lexists(place):
            self.put(_Mount(place=str(place), kind=_Kind.EMPTY if place.is_dir() else _Kind.MASK))

    def show(self, path: str, kind: _Kind) -> None:
        """Bind a path again, with the links on the way to it that are hidden."""
        place = _real(path)
        # Not Path.exists: it fails for what this user may not look at, and neither may the build then.
        if not os.path.exists(place):  # noqa: PTH110
            return
        self.put(_Mount(place=str(place), kind=kind))
        for link in _links(path):
            self.put(link)

    def in_order(self) -> list[_Mount]:
        """Return every folder before what lies in it, without what is hidden or there already by what its folder is."""
        found: list[_Mount] = []
        for mount in sorted(self.standing.values(), key=lambda mount: (len(Path(mount.place).parts), mount.place)):
            within = self._within(mount.place)
            # In a fresh folder there is nothing to hide, but what is written to a hidden one has to fail instead of vanishing.
            if within is _Kind.EMPTY and mount.kind in {_Kind.EMPTY, _Kind.MASK}:
                continue
            if within is _Kind.FRESH and mount.kind is _Kind.MASK:
                continue
            if mount.kind is _Kind.LINK and within > _Kind.FRESH:
                continue
            if mount.kind is _Kind.READ and within is _Kind.READ:
                continue
            found.append(mount)
        return found

    def _within(self, place: str) -> _Kind:
        parents = (self.standing.get(str(parent)) for parent in Path(place).parents)
        return next((mount.kind for mount in parents if mount is not None and mount.kind is not _Kind.LINK), _Kind.READ)


def _in_order(confinement: Confinement, environment: Mapping[str, str]) -> list[_Mount]:
    """Return the mounts, every folder before what lies in it; what isn't there is left out."""
    plan = _Plan()
    hidden = sorted({_real(path) for path in confinement.hidden}, key=lambda place: len(place.parts))
    for name in _FRESH:
        if Path(name).is_dir() and _real(name) == Path(name):
            plan.put(_Mount(place=name, kind=_Kind.FRESH))
    for name in _RUNTIME:
        plan.hide(_real(name))
    for place in hidden:
        if len(place.parts) == 1:
            raise BadInput("the whole machine can't be hidden from a build; hide folders of it")
        plan.hide(place)
    for name in (*_MASKED, *(_MASKED_FOR_ROOT if os.geteuid() == 0 else ()), *_sockets(environment)):
        plan.hide(_real(name))
    for name in (*_RUNTIME_NEEDED, *confinement.readable):
        plan.show(name, _Kind.READ)
    for name in (*confinement.writable, *((confinement.home,) if confinement.home else ())):
        plan.show(name, _Kind.WRITE)
    return plan.in_order()


def _real(path: str) -> Path:
    if not path.startswith("/") or "\0" in path:
        raise BadInput(f"{path!r} is not an absolute path; a sandbox needs those")
    return Path(os.path.realpath(path))


def _links(path: str) -> Iterator[_Mount]:
    """Yield the symbolic links on the way to a path, each at its real place."""
    here, left = Path("/"), [part for part in path.split("/") if part]
    for _ in range(_MOST_STEPS):
        if not left:
            return
        part = left.pop(0)
        here = here.parent if part == ".." else here / part
        if here.is_symlink():
            target = str(here.readlink())
            yield _Mount(place=str(here), kind=_Kind.LINK, target=target)
            left = [part for part in target.split("/") if part] + left
            here = Path("/") if target.startswith("/") else here.parent


def _sockets(environment: Mapping[str, str]) -> Iterator[str]:
    for name in _SOCKET_VARIABLES:
        value = environment.get(name, "")
        for part in value.replace(";", ",").split(","):
            path = part.partition("=")[2] if part.startswith("unix:path=") else part.removeprefix("unix://")
            if path.startswith("/") and path != "/":
                yield path
