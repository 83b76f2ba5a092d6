"""What the machine's answers depend on: by these traces a heartbeat knows that none of them can have changed."""

from __future__ import annotations

import os
import sys
import zoneinfo
from collections.abc import Iterable, Iterator
from pathlib import Path

from autobuilds.errors import AutobuildsError
from autobuilds.ports import Traces

#: Where the machine's zone is written down, by the systems' different customs.
_ZONE = ("/etc/localtime", "/etc/timezone", "/etc/sysconfig/clock", "/etc/conf.d/clock", "/etc/TZ", "/var/db/zoneinfo")
#: Switches of the kernel, and the standing of this process, by which a sandbox works or does not.
SWITCHES = (
    "/proc/sys/kernel/apparmor_restrict_unprivileged_userns",
    "/proc/sys/kernel/unprivileged_userns_clone",
    *(f"/proc/sys/user/max_{kind}_namespaces" for kind in ("user", "mnt", "pid", "net", "ipc", "uts", "cgroup")),
    "/sys/kernel/security/lsm",
    "/sys/kernel/security/apparmor/.revision",
    "/proc/self/attr/current",
    "/proc/self/uid_map",
)
_ZONE_VARIABLES = ("TZ", "TZDIR", "PYTHONTZPATH")
_VARIABLES = (*_ZONE_VARIABLES, "PATH", "HOME", "XDG_CONFIG_HOME", "XDG_STATE_HOME")
#: Programs besides the agents' that are asked after.
_PROGRAMS = ("bwrap", "git")


def of_zone() -> Traces | None:
    """Return what the machine's zone depends on; None where that can't be told."""
    return Traces(paths=(*_ZONE, *zoneinfo.TZPATH), variables=_ZONE_VARIABLES) if sys.platform.startswith("linux") else None


def traces(root: Path) -> Traces | None:
    """Return what agents, sandbox, proofs of approvals, zone and the place of HEAD depend on; None where that can't be told."""
    from autobuilds.adapters.agents.presets import Presets
    from autobuilds.adapters.proofs import KeyedProofs, state_folder

    folders = os.environ.get("PATH", "").split(os.pathsep)
    if not sys.platform.startswith("linux") or not all(os.path.isabs(folder) for folder in folders):  # noqa: PTH117
        return None
    try:
        presets = tuple(Presets.load(root).table.values())
        git = tuple(_of_git(root))
        proofs = KeyedProofs(root=root, folder=state_folder())
    except (AutobuildsError, OSError, ValueError):
        return None
    if not git:
        return None
    home = Path(os.environ.get("HOME") or os.path.expanduser("~"))  # noqa: PTH111 - as agents are looked for
    signs = {sign for preset in presets for sign in preset.signed_in}
    programs = {*_PROGRAMS, *(preset.argv[0] for preset in presets)}
    return Traces(
        paths=tuple(
            dict.fromkeys(
                (
                    *folders,
                    *_found(programs, folders),
                    *(str(home / sign[2:]) for sign in sorted(signs) if sign.startswith("~/")),
                    *git,
                    *map(str, proofs.files),
                    *_ZONE,
                    *zoneinfo.TZPATH,
                )
            )
        ),
        quotes=SWITCHES,
        variables=_VARIABLES,
        given=tuple(sorted(sign for sign in signs if not sign.startswith("~/"))),
    )


def _found(programs: Iterable[str], folders: Iterable[str]) -> Iterator[str]:
    """Yield every file that a program's name leads to, dangling links too; what appears later changes its folder."""
    for program in sorted(programs):
        if os.path.dirname(program):  # noqa: PTH120 - a name may end in a slash
            yield os.path.abspath(program)  # noqa: PTH100
        else:
            yield from (path for folder in folders if os.path.lexists(path := f"{folder}/{program}"))


def _of_git(root: Path) -> Iterator[str]:
    """Yield what says where HEAD stands; nothing where that is not in plain files."""
    from autobuilds.adapters.git import place

    found = place.find(root)
    if not place.refs_in_files(found):
        return
    target = place.symbolic(found.git_dir)
    if target is not None:
        if (place.read_small(found.common / target) or "").startswith("ref:"):
            return
        yield str(found.common / target)
        yield str(found.common / f"{target}.lock")  # a killed command's, which a heartbeat removes
    if not (root / ".git").is_dir():
        yield str(root / ".git")  # it says where the Git folder is; the folder itself changes with every look of Git's
    yield from (str(found.git_dir / name) for name in ("HEAD", "commondir", "index.lock", *place.SIGNS))
    yield from (str(found.common / name) for name in ("packed-refs", "config"))
