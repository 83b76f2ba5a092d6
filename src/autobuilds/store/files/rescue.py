"""Putting back what someone saved into a file that was just displaced, or saved over a write of ours without having seen it."""

from __future__ import annotations

import time
from collections import Counter
from contextlib import suppress
from pathlib import Path

from autobuilds.errors import BadInput, Busy
from autobuilds.records import dataclass, replace
from autobuilds.store.files.merge import distance, merge_late, split_lines
from autobuilds.store.files.owed import owe, repaid
from autobuilds.store.files.reading import Stable, Stamp, read_stamped
from autobuilds.store.files.shared import replace_guarded
from autobuilds.store.files.stale import UNSEEN, Clues, Merge, apart_from, begun_from, counted, differing, explaining, united
from autobuilds.store.files.vault import Held, Vault, digest
from autobuilds.store.files.writing import target_of

#: Seconds without a change after which a late save counts as finished.
_SETTLED = 0.1
#: Seconds for which a text that is empty, or ends in the middle of a line, may be half a save.
_BROKEN_OFF = 0.5
#: How often a rescue begins anew because the file changes under it; what is left waits for the next time.
_TRIES = 5
#: Seconds for which a file must have been left alone before lines are put back that are missing in it: it may be half saved.
_LEFT_ALONE = 0.5
#: What is known where nobody says more.
_NO_CLUES = Clues()


@dataclass(frozen=True, slots=True, kw_only=True)
class Rescued:
    """One save that was put back: `late` into a displaced file, or `over` a write that it had not seen."""

    how: str
    #: The bytes of words that differ between the text the person began from and the text they saved.
    size: int


def rescue_late_saves(path: Path, *, private: Path, merge: Merge = merge_late, clues: Clues = _NO_CLUES) -> tuple[Rescued, ...]:
    """Merge saves that missed the file, or our last writes, into it, and return what was put back.

    Only for the holder of the write lock, at the start of every edit and heartbeat; costs one `stat` a displaced file, and
    reads no text where nothing changed since the last time. A save still in progress is left for the next time.
    Raises StorageFailure where the file can't be written.
    """
    vault = Vault(private, path.name)
    if not vault.all():
        return ()
    rescued = rescue_displaced(path, private=private, merge=merge, clues=clues)
    over = _saved_over(path, private, vault, merge, clues)
    vault.prune(vault.all())
    return (*rescued, over) if over else rescued


def rescue_displaced(path: Path, *, private: Path, merge: Merge = merge_late, clues: Clues = _NO_CLUES) -> tuple[Rescued, ...]:
    """Do the part of `rescue_late_saves` that looks at displaced files: for an edit that tries again."""
    vault = Vault(private, path.name)
    rescued: list[Rescued] = []
    with suppress(OSError):
        for held in vault.all():
            late = _late(vault, held)
            if late is not None:
                base, rest = _meant(vault, held, late, merge, clues)
                if _put_back(path, private, vault, held, late, base, rest, merge, clues):
                    rescued.append(Rescued(how="late", size=distance(base or b"", late.data)))
    return tuple(rescued)


def unite_stale(path: Path, found: Stable, *, private: Path, merge: Merge = merge_late, clues: Clues = _NO_CLUES) -> bool | None:
    """Merge what was just read with our last writes if it is a stale save over them: None if it is not, else whether it was written.

    An edit asks this of the very bytes that it is going to change. Only for the holder of the write lock.
    """
    made = united(Vault(private, path.name), found, merge, clues)
    return None if made is None else replace_guarded(path, found.data, made[0], private=private)


def repay(path: Path, found: Stable, *, private: Path, merge: Merge = merge_late, clues: Clues = _NO_CLUES) -> bool | None:
    """Put back what a person is owed and what was just read lacks: None if that is nothing, else whether it was written.

    For a text that is believed. Only for the holder of the write lock.
    """
    whole = repaid(Vault(private, path.name), found, merge, clues)
    return None if whole is None else replace_guarded(path, found.data, whole, private=private)


def _late(vault: Vault, held: Held) -> Stable | None:
    """Return what a displaced file holds now if that is a finished save that nobody has seen, else None."""
    info = held.path.stat()
    if held.seen == (info.st_size, info.st_mtime_ns):
        return None
    if held.seen is None and info.st_ino == held.inode:
        held.path.unlink()  # never swapped: its writer was killed
        return None
    if abs(time.time() - info.st_mtime) < _SETTLED:
        return None
    try:
        found = read_stamped(held.path, wait=0)
    except (Busy, BadInput):
        return None
    # By its digest: of the kept texts a power cut can take any.
    holds = digest(found.data)
    if held.seen is None and holds == held.ours:
        held.path.unlink()  # never swapped either: it lies here as a copy, of a backup say, and has another inode
        return None
    if holds == held.holds:
        vault.seen(held, held.holds, found.stamp)
        return None
    return found


def _meant(vault: Vault, held: Held, late: Stable, merge: Merge, clues: Clues) -> tuple[bytes | None, bytes | None]:
    """Return the text that a late save was begun from, None where that is gone, and the save with what it had not seen, if that is gone too.

    A save that goes on where the displaced text ends was begun from it; if that was half a save, which we took for the whole,
    the rest of what it had emptied may be newer than the buffer. Any other was begun from what stood there, from what was
    saved there before, or from an older version that a buffer held.
    """
    stood, later = vault.text(held.ours if held.withdrawn else held.base), vault.text(held.holds)
    if stood is None or later is None:
        return later or stood, None
    if late.data.startswith(stood):
        made = united(vault, late, merge, clues, [write for write in vault.writes() if write.at < held.at])
        grown = late.data.startswith(later) and later.startswith(stood)
        return later if grown else stood, made[0] if made else None
    before = [write for write in vault.all() if write.at <= held.at]
    if late.data.startswith(later):  # half of this very save
        before, later = [replace(write, later=None) if write == held else write for write in before], stood
    last = min((later, stood), key=lambda text: apart_from(*differing(text, late.data), clues.name))
    versions = vault.versions(before, explaining(late.data, last, clues.name))
    return begun_from(late.data, last, versions, clues.name) or last, None


def _put_back(
    path: Path, private: Path, vault: Vault, held: Held, late: Stable, base: bytes | None, rest: bytes | None, merge: Merge, clues: Clues
) -> bool:
    """Merge a late save into what stands there now, then what `rest` has beyond it, and return whether that changed anything.

    Of the rest much may have been put back by an edit of ours already: that stays as it is now. What stands there may be a stale
    save over our last writes: what is put back becomes our last write, so what that save lacks is put back with it, or nobody
    would look for it again.
    """
    for _ in range(_TRIES):
        try:
            found = read_stamped(path)
        except (Busy, BadInput):
            return False
        current = found.data
        if _half_saved(vault, current) and abs(time.time() - found.landed / 1e9) < _BROKEN_OFF:
            return False  # somebody is writing it; the save that is to be put back waits for the next time
        made = united(vault, found, merge, clues)
        whole = made[0] if made else current
        merged = merge(_shared(late.data, whole) if base is None else base, late.data, whole)
        if rest is not None:
            merged = merge(late.data, _unseen(vault, held, late.data, rest, merged), merged)
        if replace_guarded(path, current, merged, private=private):
            if merged != current:
                owe(vault, whole, merged, int(UNSEEN))
            vault.seen(held, vault.keep(late.data), late.stamp)
            return merged != current
    return False


def _unseen(vault: Vault, held: Held, late: bytes, rest: bytes, current: bytes) -> bytes:
    """Return a late save with what `rest` has beyond it, and neither stands there now nor stood in our write that displaced its file.

    What that one put back already, later writes may have changed.
    """
    from autobuilds.store.files.beyond import placed, with_only

    there, ours, save, more = (Counter(placed(split_lines(text))) for text in (current, vault.text(held.ours) or b"", late, rest))
    return with_only(late, rest, more - (there | ours | save), placed)


def _half_saved(vault: Vault, text: bytes) -> bool:
    """Whether a text of somebody else's is empty, or ends in the middle of a line."""
    writes = vault.writes()
    return not text.endswith((b"\r", b"\n")) and not (writes and writes[-1].ours == digest(text))


def _shared(text: bytes, current: bytes) -> bytes:
    """Return the lines of a text that stand in another one too: what it must have been begun from, if nothing is to be deleted."""
    left = counted(current)
    kept: list[bytes] = []
    for line in split_lines(text):
        bare = line.rstrip(b"\r\n")
        if left[bare] > 0:
            left[bare] -= 1
            kept.append(line)
    return b"".join(kept)


def _saved_over(path: Path, private: Path, vault: Vault, merge: Merge, clues: Clues) -> Rescued | None:
    """Merge a stale save over our last writes, or what it lacks of what is owed; any other is noted, so that it is looked at once."""
    for _ in range(_TRIES):
        writes = vault.writes()
        try:
            info = target_of(path).stat()
            untouched = not writes or (info.st_ino == writes[-1].inode and info.st_mtime_ns <= writes[-1].at)
            if untouched or vault.judged(Stamp.of(info)):
                return None
            found = read_stamped(path)
        except (OSError, Busy, BadInput):
            return None
        made = united(vault, found, merge, clues)
        if made is None:
            whole = repaid(vault, found, merge, clues)
            if whole is None:
                vault.judge(found.stamp)
                return None
            alone = abs(time.time() - found.landed / 1e9)
            if alone < _LEFT_ALONE:
                time.sleep(_LEFT_ALONE - alone)
                continue
            made = whole, whole
        if replace_guarded(path, found.data, made[0], private=private):
            return Rescued(how="over", size=distance(made[1], found.data))
    return None
