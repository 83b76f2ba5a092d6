"""Who besides the owner of a file may use what is made in a repository: Git's `core.sharedRepository`, followed as Git does."""

from __future__ import annotations

import contextlib
import os
import re
import stat
from pathlib import Path

_GROUP, _ALL = 0o660, 0o664
_WORDS = {"umask": 0, "group": _GROUP, "all": _ALL, "world": _ALL, "everybody": _ALL, "true": _GROUP, "yes": _GROUP, "on": _GROUP}
_NUMBERS = {0: 0, 1: _GROUP, 2: _ALL}


def sharing_of(git_dir: Path) -> int:
    """Return what a repository's own configuration (the only one of which Git takes it) says of sharing.

    0 leaves all to the umask, bits above 0 are added to a mode, bits below 0 take its place. Raises OSError.
    """
    try:
        text = (git_dir / "config").read_bytes()
    except FileNotFoundError:
        return 0
    found = re.findall(rb"(?im)^[ \t]*(?:\[core\])?[ \t]*sharedrepository[ \t]*(=?)[ \t]*\"?([^\s\"#;]*)", text)
    if not found:
        return 0
    assigned, value = found[-1][0], found[-1][1].decode("ascii", "replace").casefold()
    if not assigned:
        return _GROUP
    if re.fullmatch("[0-7]{1,6}", value) is None:
        return _WORDS.get(value, 0)
    number = int(value, 8)
    return _NUMBERS.get(number, -(number & 0o666))


def shared_mode(mode: int, sharing: int) -> int:
    """Return the mode that a file or folder is to have that came into being with `mode` (with the bits of its type)."""
    if not sharing:
        return stat.S_IMODE(mode)
    bits = abs(sharing)
    if not mode & stat.S_IWUSR:
        bits &= ~0o222
    if mode & stat.S_IXUSR:
        bits |= (bits & 0o444) >> 2
    wanted = stat.S_IMODE(mode) & ~0o777 | bits if sharing < 0 else stat.S_IMODE(mode) | bits
    if stat.S_ISDIR(mode):
        wanted |= (wanted & 0o444) >> 2
        wanted |= stat.S_ISGID if wanted & 0o060 else 0
    return wanted


def share(path: Path | int, sharing: int) -> None:
    """Give a file or folder that was made just now, by its path or descriptor, to those with whom the repository is shared."""
    if not sharing:
        return
    # A file system without modes refuses, and needs none.
    with contextlib.suppress(OSError):
        mode = os.stat(path).st_mode  # noqa: PTH116
        wanted = shared_mode(mode, sharing)
        if wanted != stat.S_IMODE(mode):
            os.chmod(path, wanted)  # noqa: PTH101
