"""Whether the ledger holds what the tool did not write: one look at its last commit, without a walk through the history."""

from __future__ import annotations

from autobuilds.runtime.context import Context, same_text
from autobuilds.store import uncommitted
from autobuilds.store.files.vault import digest
from autobuilds.store.ledger import standing
from autobuilds.store.workspace import LEDGER, PRIVATE


def edited_ledger(context: Context) -> tuple[str, ...]:
    """Return what to say of a ledger that is neither as committed nor as left uncommitted by the tool; nothing of one that is.

    To be asked when no commit of ours waits, and commits are made.
    """
    path = context.workspace.path(LEDGER)
    now, then = standing(path), context.ledger_on_record()
    if now is None or then is None or same_text(now, then):
        return ()
    if digest(now) in (uncommitted.known(context.workspace.root / PRIVATE) or ()) or context.repo.head().busy is not None:
        return ()
    told = (
        f"{LEDGER} is not as autobuilds left it: edited by hand, or its last commit was taken back. "
        f"`git diff -- {LEDGER}` shows the difference; `autobuilds fsck --rebuild` makes it again from the history"
    )
    return (told,)
