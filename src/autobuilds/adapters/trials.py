"""What was tried out of the sandbox tiers, kept in the owner's state folder for as long as nothing changes by which they work or not.

To try them takes 50 ms and several processes. What is kept is for looking: nothing is started on it, and a build's own tier is tried out
again by its supervisor right before it starts (docs/decisions/0292-a-trial-of-the-sandbox-counts-while-nothing-changed.md).
"""

from __future__ import annotations

import os
import stat
import sys
import time
from collections.abc import Sequence
from pathlib import Path

from autobuilds import __version__
from autobuilds.adapters.agents.detect import which
from autobuilds.adapters.proofs import state_folder
from autobuilds.adapters.traces import SWITCHES
from autobuilds.domain.sandbox import Tier, TierProbe
from autobuilds.errors import Refused, StorageFailure
from autobuilds.store.files import write_atomic
from autobuilds.store.files.debris import remove_debris
from autobuilds.store.standstill import LONGEST, quoted, stamp

#: Below the state folder; in a folder of its own, since its writing must not change the other, which answers depend on.
_FILE = Path("machine/sandbox")
#: What stands between the fields of a tier, and between tiers; no message holds them.
_FIELD, _ROW = "\x1f", "\x1e"
#: What is kept of a tier.
_WORKS, _WANTS_PROGRAM = "yes", "no-program"
_SPACES = ("cgroup", "mnt", "net", "pid", "user")
#: What this process may do, and in which group of processes it is; a container, or a build, has others.
_STANDING = ("NoNewPrivs:", "Seccomp:", "CapEff:", "CapBnd:", "Groups:")


def recall() -> tuple[TierProbe, ...] | None:
    """Return what was found in the last hour on a machine that is the same in all that counts, or None."""
    try:
        path = state_folder() / _FILE
        found = path.stat()
        if found.st_uid != os.geteuid() or found.st_mode & (stat.S_IWGRP | stat.S_IWOTH) or not 0 <= time.time() - found.st_mtime < LONGEST:
            return None
        key, *rows = path.read_text(encoding="utf-8").split(_ROW)
        if key != standing():
            return None
        fields = [row.split(_FIELD) for row in rows]
        if any(word not in (_WORKS, _WANTS_PROGRAM) for _, word, _, _ in fields):
            return None
        return tuple(
            TierProbe(tier=Tier(tier), works=word == _WORKS, wants_program=word == _WANTS_PROGRAM, why=why, fix=fix)
            for tier, word, why, fix in fields
        )
    except (OSError, ValueError, Refused):
        return None


def keep(tried: Sequence[TierProbe], before: str | None = None) -> None:
    """Keep what was found where every tier works or wants a program: another failure may pass, and is tried again next time.

    `before` is what `standing` gave before the trial: what changed meanwhile may have come too late for it. Default: as it is now.
    """
    if not all(probe.lasts for probe in tried):
        return
    rows = [(probe.tier.value, _WORKS if probe.works else _WANTS_PROGRAM, probe.why, probe.fix) for probe in tried]
    key = standing()
    if key is None or before not in (None, key) or any(sign in text for row in rows for text in row for sign in (_FIELD, _ROW)):
        return
    try:
        path = state_folder() / _FILE
        if not Path.home().is_dir():
            return  # a service's /nonexistent is not to be made
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        remove_debris((path.parent,))
        write_atomic(path, _ROW.join((key, *map(_FIELD.join, rows))).encode())
        # The same text is not written again; that it was found again counts.
        os.utime(path)
    except (OSError, ValueError, Refused, StorageFailure):
        return


def forget() -> None:
    """Remove what is kept: a tier was found not to work any more, whatever the machine's standing says."""
    try:
        (state_folder() / _FILE).unlink(missing_ok=True)
    except (OSError, Refused):
        return


def standing() -> str | None:
    """Return what tells this machine, and the standing of this process on it, from another; None where that can't be told."""
    if not sys.platform.startswith("linux"):
        return None
    try:
        standing = [line for line in Path("/proc/self/status").read_text(encoding="ascii").split("\n") if line.startswith(_STANDING)]
        spaces = [os.readlink(f"/proc/self/ns/{name}") for name in _SPACES]  # noqa: PTH115
    except OSError:
        return None
    # Without a PATH programs are found where Python's own search finds them.
    path = os.environ.get("PATH", os.defpath)
    bubblewrap = which("bwrap", path)
    parts = (__version__, sys.version, path, f"{os.geteuid()} {os.getegid()}", *os.uname(), *standing, *spaces)
    files = ("/proc/sys/kernel/random/boot_id", "/proc/self/cgroup", *SWITCHES)
    return "\n".join((*parts, *map(quoted, files), bubblewrap or "-", stamp(bubblewrap) if bubblewrap else "-"))
