"""Lines that a person saved and that are owed to them: whoever saves next may not have seen them, and means no deletion.

They were put back from a displaced file, into which their writer's editor saved them, or they were not there for the
instant in which a write of ours was taken back.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable

from autobuilds.store.files.merge import WORD, bare
from autobuilds.store.files.reading import Stable
from autobuilds.store.files.stale import Clues, Name, counted, reworded
from autobuilds.store.files.vault import Debt, Held, Vault, digest


def owe(vault: Vault, before: bytes, after: bytes, seconds: int) -> None:
    """Remember the lines of `after` that `before` lacks. Raises OSError."""
    lines = [line for line in (counted(after) - counted(before)).elements() if WORD.search(line)]
    if lines:
        vault.owe(before, after, lines, seconds)


def repaid(vault: Vault, found: Stable, merge: Callable[[bytes, bytes, bytes], bytes], clues: Clues) -> bytes | None:
    """Return a text that was just read with the lines that are owed and missing in it; None if there are none.

    A text of ours, one that Git put there, and one that lacks much else stays as it is.
    """
    debts = [debt for debt in vault.owed() if abs(found.landed - debt.at) <= debt.seconds * 1e9]
    if not debts:
        return None
    writes = vault.writes()
    if writes and digest(found.data) == writes[-1].ours:
        return None
    text = found.data
    for debt in debts:
        missing = _missing(vault, debt, text, writes[-1] if writes else None, clues.name)
        if missing is None or (clues.restored is not None and clues.restored(found.data, debt.at)):
            continue
        before, after = missing
        text = merge(before, after, text)
    return text if text != found.data else None


def _missing(vault: Vault, debt: Debt, text: bytes, newest: Held | None, name: Name | None) -> tuple[bytes, bytes] | None:
    """Return the text before the lines of a debt that are missing came, and with them; None if none is, or much else is.

    What our newest write lacks as well was changed by an edit of ours, or taken out before it.
    """
    there = counted(text)
    missing = Counter(debt.lines()) - there
    if not missing:
        return None
    if newest is not None and newest.at > debt.at:
        missing &= counted(vault.text(newest.ours) or b"")
    before, after = vault.text(debt.before), vault.text(debt.after)
    if before is None or after is None:
        return None
    was, now = counted(before), counted(after)
    if (was - there).total() > max(1, was.total() // 4):
        return None
    missing -= Counter(line for line, _ in reworded(missing, there - now, name))
    if not missing:
        return None
    from autobuilds.store.files.beyond import with_only

    return before, with_only(before, after, missing, bare)
