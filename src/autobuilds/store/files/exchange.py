"""Swapping two names in one step, so that whatever was displaced can be looked at before it is gone."""

from __future__ import annotations

import errno
import os
import sys
from contextlib import suppress
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

_AT_FDCWD = -100
_RENAME_EXCHANGE = 2
#: macOS names the same flag RENAME_SWAP.
_RENAME_SWAP = 2
#: What the kernel or a file system answers when it cannot exchange.
_MISSING = frozenset([errno.EINVAL, errno.ENOSYS, errno.ENOTSUP, errno.EOPNOTSUPP, errno.EXDEV])


class NoExchange(Exception):
    """This system or this file system cannot swap two names in one step."""


@lru_cache(maxsize=1)
def _call() -> Callable[[bytes, bytes], int] | None:
    """Return the system's exchange as a function of two paths, or None where the C library has none."""
    import ctypes

    library = ctypes.CDLL(None, use_errno=True)
    if sys.platform == "darwin":
        swap = getattr(library, "renamex_np", None)
        return None if swap is None else lambda one, other: int(swap(one, other, _RENAME_SWAP))
    rename = getattr(library, "renameat2", None)
    if rename is None:
        return None
    rename.argtypes = [ctypes.c_int, ctypes.c_char_p, ctypes.c_int, ctypes.c_char_p, ctypes.c_uint]
    return lambda one, other: int(rename(_AT_FDCWD, one, _AT_FDCWD, other, _RENAME_EXCHANGE))


def exchange(one: Path, other: Path) -> None:
    """Swap what two names of one file system stand for. Raises NoExchange where that is not offered, else OSError."""
    call = _call()
    if call is None:
        raise NoExchange
    import ctypes

    if call(os.fsencode(one), os.fsencode(other)) == 0:
        return
    number = ctypes.get_errno()
    if number in _MISSING:
        raise NoExchange
    raise OSError(number, os.strerror(number), str(other))


def exchange_supported(folder: Path) -> bool:
    """Whether files of a folder can be swapped, tried with two empty files; without it a save in the wrong microsecond could be lost.

    Raises OSError where the folder can't be written.
    """
    names = [folder / f".exchange-{os.getpid()}-{os.urandom(4).hex()}-{n}.tmp" for n in "ab"]
    try:
        for name in names:
            name.touch(exist_ok=False)
        exchange(*names)
    except NoExchange:
        return False
    finally:
        for name in names:
            with suppress(OSError):
                name.unlink(missing_ok=True)
    return True
