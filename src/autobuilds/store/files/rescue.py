"""Putting back what someone saved into a file that was just displaced, or saved over a write of ours without having seen it."""

from __future__ import annotations

import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from autobuilds.errors import BadInput, Busy
from autobuilds.store.files.merge import descends, distance, merge_late
from autobuilds.store.files.reading import Stable, read_stamped
from autobuilds.store.files.shared import replace_guarded
from autobuilds.store.files.vault import Held, Vault
from autobuilds.store.files.writing import target_of

#: A three-way merge of (base, theirs, current).
Merge = Callable[[bytes, bytes, bytes], bytes]

#: Seconds without a change after which a late save counts as finished.
_SETTLED = 0.1
#: Seconds after a write of ours within which a save that does not know of it was begun before it.
_UNSEEN = 0.04
#: How often a rescue begins anew because the file changes under it; what is left waits for the next time.
_TRIES = 5


@dataclass(frozen=True, slots=True, kw_only=True)
class Rescued:
    """One save that was put back: `late` into a displaced file, or `over` a write that it had not seen."""

    how: str
    #: The lines that differ between the text the person began from and the text they saved.
    lines: int


def rescue_late_saves(path: Path, *, private: Path, merge: Merge = merge_late) -> tuple[Rescued, ...]:
    """Merge saves that missed the file into it, and return what was put back.

    Only for the holder of the write lock, at the start of every edit and heartbeat; costs one `stat` a displaced file.
    A save still in progress is left for the next time. Raises StorageFailure where the file can't be written.
    """
    vault = Vault(private, path.name)
    remembered = vault.all()
    if not remembered:
        return ()
    target = target_of(path)
    rescued: list[Rescued] = []
    with suppress(OSError):
        for held in remembered:
            late = _late(vault, held)
            if late is not None and _put_back(path, private, vault, held, late, merge):
                rescued.append(Rescued(how="late", lines=distance(vault.text(held.base) or b"", late.data)))
    over = _saved_over(path, target, private, vault, merge)
    remembered = vault.all()
    vault.prune(remembered)
    return (*rescued, over) if over else tuple(rescued)


def _late(vault: Vault, held: Held) -> Stable | None:
    """Return what a displaced file holds now if that is a finished save that nobody has seen, else None."""
    info = held.path.stat()
    if held.seen == (info.st_size, info.st_mtime_ns):
        return None
    if held.seen is None and info.st_ino == held.inode:
        held.path.unlink()  # never swapped: its writer was killed
        return None
    if time.time() - info.st_mtime < _SETTLED:
        return None
    try:
        found = read_stamped(held.path, wait=0)
    except (Busy, BadInput):
        return None
    if found.data == vault.text(held.base):
        vault.seen(held, held.base, found.stamp)
        return None
    return found


def _put_back(path: Path, private: Path, vault: Vault, held: Held, late: Stable, merge: Merge) -> bool:
    base = vault.text(held.base)
    for _ in range(_TRIES):
        try:
            current = read_stamped(path).data
        except (Busy, BadInput):
            return False
        merged = merge(base if base is not None else current, late.data, current)
        if replace_guarded(path, current, merged, private=private):
            vault.seen(held, vault.keep(late.data), late.stamp)
            return merged != current
    return False


def _saved_over(path: Path, target: Path, private: Path, vault: Vault, merge: Merge) -> Rescued | None:
    """Merge a save that was begun before our last writes and landed after them; a plain return to an old text is meant so."""
    for _ in range(_TRIES):
        writes = [held for held in vault.all() if held.base != held.ours]
        if not writes:
            return None
        try:
            changed = target.stat().st_ctime_ns
            recent = [held for held in writes if abs(changed - held.at) < _UNSEEN * 1e9]
            if not recent:
                return None
            current = read_stamped(path).data
        except (OSError, Busy, BadInput):
            return None
        newest = vault.text(writes[-1].ours)
        bases = [text for held in recent if (text := vault.text(held.base)) is not None]
        if newest is None or current == newest or current in bases:
            return None
        base = min((newest, *bases), key=lambda text: distance(text, current))
        if base == newest or not descends(current, base):
            return None
        merged = merge(base, current, newest)
        if merged == current:
            return None
        if replace_guarded(path, current, merged, private=private):
            return Rescued(how="over", lines=distance(base, current))
    return None
