"""The mark of a ledger that was left uncommitted (`commits: none`, `--no-commit`): the proof that there was one, and which.

Where the ledger is committed, Git is that proof and there is no mark. It holds the digests of the ledger that was written last and of
the one before it, a line each.
"""

from __future__ import annotations

from pathlib import Path

from autobuilds.store.files import write_atomic
from autobuilds.store.files.vault import digest


def expect(mark: Path, new: bytes, old: bytes | None) -> None:
    """Keep that the ledger becomes `new`; to be called before it is written over `old`, and after it where there was none.

    A kill in between leaves a mark that fits what stands there. Raises StorageFailure.
    """
    lines = [digest(data) for data in (new, old) if data is not None]
    write_atomic(mark, "".join(f"{line}\n" for line in lines).encode(), durable=False)


def matches(mark: Path, ledger: bytes) -> bool:
    """Whether a ledger's text is one that the tool left uncommitted."""
    try:
        return digest(ledger) in mark.read_text(encoding="ascii", errors="replace").split()
    except OSError:
        return False
