"""Writing a file that people edit at the same time: what they save is never displaced unseen."""

from __future__ import annotations

import os
from contextlib import suppress
from pathlib import Path

from autobuilds.store.files.exchange import NoExchange, exchange
from autobuilds.store.files.owed import owe
from autobuilds.store.files.reading import glance
from autobuilds.store.files.vault import Held, Vault
from autobuilds.store.files.writing import confirm, storage_failure, sync_folder, target_of, temporary_name, write_new

#: Seconds within which somebody saves who read a text of ours that was taken back at once (`sed -i` does not look again).
_INSTANT = 2


def replace_guarded(path: Path, expect: bytes, data: bytes, *, private: Path) -> bool:
    """Put `data` in the place of `expect`, and return False, with nothing changed, where something else stands there.

    Only for the holder of the write lock; `private` is the workspace's `.autobuilds`. The new file is swapped with the old
    one in one step, what came out is compared with `expect` and given back if it differs. The old file stays in
    `private/retired`, where `rescue_late_saves` finds what is still saved into it. Where names can't be swapped the file is
    compared and renamed at once (see `exchange_supported`). Keeps mode, owner and symbolic link.
    Raises StorageFailure with the old content in place, NotDurable with the new one.
    """
    target = target_of(path)
    vault = Vault(private, path.name)
    if not _stands(target, expect):
        return False
    if data == expect:
        return True
    try:
        held = vault.prepare(expect, data, target)
    except OSError as error:
        raise storage_failure(path, error) from error
    try:
        if not _stands(target, expect):
            held.path.unlink()
            return False
        exchange(held.path, target)
    except NoExchange:
        return _replace_compared(target, expect, data, held)
    except BaseException as error:
        gone = isinstance(error, FileNotFoundError) and held.path.exists()
        with suppress(OSError):
            held.path.unlink()
        if gone:
            return False  # moved away by an editor that is going to write it anew
        if isinstance(error, OSError):
            raise storage_failure(path, error) from error
        raise
    return _settle(vault, held, target, expect)


def _stands(target: Path, expect: bytes) -> bool:
    found = glance(target)
    return found is not None and found.data == expect


def _settle(vault: Vault, held: Held, target: Path, expect: bytes) -> bool:
    """Look at what came out of the exchange: keep it if it is what was expected, else give it back.

    Ours must not stand there longer than it takes to look: whoever reads it meanwhile does not see what came out.
    """
    try:
        out = glance(held.path)
        if out is not None and out.data == expect:
            with suppress(OSError):  # else it is looked at once more
                vault.seen(held, held.base, out.stamp)
            confirm(target)
            return True
        # Said first: a writer killed right after giving back must not take its file for one that was never there.
        with suppress(OSError):
            held = vault.withdraw(held)
        _give_back(held, target)
        if out is not None and out.data.endswith((b"\n", b"\r")):
            with suppress(OSError):
                owe(vault, expect, out.data, _INSTANT)
        sync_folder(target.parent)
    except (OSError, NoExchange) as error:
        raise storage_failure(target, error if isinstance(error, OSError) else OSError(str(error))) from error
    return False


def _give_back(held: Held, target: Path) -> None:
    """Put what came out back in its place, also where an editor has moved ours away to write the file anew."""
    try:
        exchange(held.path, target)
    except FileNotFoundError:
        with suppress(FileExistsError):
            os.link(held.path, target, follow_symlinks=False)


def _replace_compared(target: Path, expect: bytes, data: bytes, held: Held) -> bool:
    """Rename over the old file right after a last comparison; the old file itself is kept where a second name can be given."""
    temporary = target.with_name(temporary_name(target.name))
    try:
        write_new(temporary, data, like=target)
        held.path.unlink()
        with suppress(OSError):
            os.link(target, held.path, follow_symlinks=False)
        if not _stands(target, expect):
            temporary.unlink()
            held.path.unlink(missing_ok=True)
            return False
        temporary.replace(target)
    except BaseException as error:
        for path in (temporary, held.path):
            with suppress(OSError):
                path.unlink(missing_ok=True)
        if isinstance(error, OSError):
            raise storage_failure(target, error) from error
        raise
    confirm(target)
    return True
