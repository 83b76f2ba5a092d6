"""What the tool wrote into the ledger and left uncommitted (`commits: none`, `--no-commit`): the proof that there was one, and which.

Where the ledger is committed, Git is that proof and nothing is kept here.
"""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path

from autobuilds.store.files.vault import digest

#: In `.autobuilds`: the digests of the ledger that was written last and of the one before it, a line each.
NAME = "ledger-uncommitted"


def expect(private: Path, new: bytes, old: bytes | None) -> None:
    """Keep that the ledger becomes `new`; to be called before it is written over `old`, and after it where there was none.

    A kill in between leaves a mark that fits what stands there.
    """
    from autobuilds.store.files import write_atomic

    lines = [digest(data) for data in (new, old) if data is not None]
    write_atomic(private / NAME, "".join(f"{line}\n" for line in lines).encode(), durable=False)


def known(private: Path) -> frozenset[str] | None:
    """Return the digests that are kept, or None where the last ledger was committed, or there was none."""
    try:
        return frozenset((private / NAME).read_text(encoding="ascii", errors="replace").split())
    except OSError:
        return None


def forget(private: Path) -> None:
    """Drop the mark: the ledger is committed from now on."""
    mark = private / NAME
    if mark.exists():
        with suppress(OSError):
            mark.unlink()
