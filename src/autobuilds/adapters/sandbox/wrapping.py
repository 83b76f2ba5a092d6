"""The command line that runs a program contained: the launcher's options, then bubblewrap's, then the program."""

from __future__ import annotations

import os
import shutil
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

from autobuilds.adapters.sandbox import mounts
from autobuilds.domain.sandbox import Confinement, Network, Tier

#: What the launcher's interpreter is given; the folder is an argument, so that no path is ever read as a program.
_BOOT = "import sys;sys.path.append(sys.argv.pop(1));from launcher.main import main;raise SystemExit(main(sys.argv[1:]))"
#: A user that every system knows, without any rights: agents refuse to work as root, and a sandbox in the sandbox needs another user.
_NOBODY = "65534"
_NAMESPACES = ("--unshare-pid", "--unshare-ipc", "--unshare-uts", "--unshare-cgroup-try")
BUBBLED = frozenset({Tier.BWRAP_LANDLOCK, Tier.BWRAP})


def wrap(confinement: Confinement, argv: Sequence[str], *, environment: Mapping[str, str] | None = None) -> tuple[str, ...]:
    """Return the command line that runs `argv` contained by the confinement's tier; it ends with the program's own exit status.

    It is to be run with the environment, the working folder and the standard streams of the program; HOME is the
    caller's; TMPDIR is kept where the program may write it, else it is one of the program's own. Exit status 125 with one line on standard error means that the program was not
    started. `environment` (default: this process's) names sockets of the owner's that must be out of reach.

    Raises BadInput for a path that is not absolute.
    """
    return (*launcher(), *options(confinement), "--", *enclosed(confinement, argv, environment=environment))


def launcher() -> tuple[str, ...]:
    """Return the command line of the launcher, without options."""
    interpreter = str(getattr(sys, "_base_executable", "") or sys.executable)
    return (interpreter, "-I", "-S", "-c", _BOOT, str(Path(__file__).resolve().parent))


def options(confinement: Confinement) -> tuple[str, ...]:
    """Return the launcher's options."""
    quota = confinement.quota
    limits = (("processes", quota.processes), ("memory", quota.memory_bytes), ("file", quota.file_bytes))
    said = [f"{name}={value}" for name, value in limits if value is not None]
    if confinement.tier is Tier.NONE:
        return (*said, "powerless")
    own = temporary(confinement)
    if own is not None:
        said += [f"tmp={own}", *(f"keep={path}" for path in written(confinement))]
    if confinement.tier is Tier.BWRAP:
        return tuple(said)
    said.append("landlock")
    if not cut_off(confinement):
        said += [f"network={confinement.network.value}", *(f"port={port}" for port in confinement.ports)]
    if confinement.tier is Tier.LANDLOCK:
        said += ["powerless", "files", *(f"write={path}" for path in written(confinement))]
        said += [f"read={path}" for path in confinement.readable]
        said += [f"hide={path}" for path in confinement.hidden]
    return tuple(said)


def written(confinement: Confinement) -> tuple[str, ...]:
    """Return what a build may change: its writable places and its home."""
    return (*confinement.writable, *((confinement.home,) if confinement.home else ()))


def temporary(confinement: Confinement) -> str | None:
    """Return the folder for temporary files that is a build's own in its tier; None where there is none, or the owner's is as good."""
    if confinement.tier in BUBBLED:
        return "/tmp"  # noqa: S108 - the build's own, empty when it begins
    if confinement.tier is Tier.LANDLOCK and confinement.home:
        return f"{confinement.home}/.tmp"
    return None


def cut_off(confinement: Confinement) -> bool:
    """Whether the build gets a network of its own without any way out: bubblewrap, and nothing that it may reach."""
    if confinement.network is not Network.NONE:
        return False
    return confinement.tier is Tier.BWRAP or (confinement.tier is Tier.BWRAP_LANDLOCK and not confinement.ports)


def enclosed(confinement: Confinement, argv: Sequence[str], *, environment: Mapping[str, str] | None = None) -> tuple[str, ...]:
    """Return the program's command line with bubblewrap round it where the tier has that, otherwise as it is."""
    if confinement.tier not in BUBBLED:
        return tuple(argv)
    said = [program("bwrap") or "bwrap", *_NAMESPACES, *_user(), "--die-with-parent", "--new-session", "--cap-drop", "ALL"]
    if cut_off(confinement):
        said.append("--unshare-net")
    said += mounts.arguments(confinement, os.environ if environment is None else environment)
    return (*said, "--", *argv)


def program(name: str) -> str | None:
    """Return the absolute path of a program by this process's PATH, never by that of the build; None where it is not there."""
    found = shutil.which(name)
    return None if found is None else str(Path(found).absolute())


def _user() -> tuple[str, ...]:
    if os.geteuid() != 0:
        return ("--unshare-user",)
    if _no_user_namespaces():
        return ()
    return ("--unshare-user", "--uid", _NOBODY, "--gid", _NOBODY)


def _no_user_namespaces() -> bool:
    try:
        return Path("/proc/sys/user/max_user_namespaces").read_text(encoding="ascii").strip() == "0"
    except OSError:
        return True
