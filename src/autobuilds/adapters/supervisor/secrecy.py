"""Keeping the values of an agent's secrets out of what its supervisor writes down."""

from __future__ import annotations

import os
import stat
from pathlib import Path
from typing import Any, TypeVar

from autobuilds.domain.inert import clean
from autobuilds.domain.redaction import Secret, redact, secrets_of
from autobuilds.ports import Job
from autobuilds.records import fields, is_dataclass, replace

_CHUNK = 1 << 20
_T = TypeVar("_T")


def secrets_of_job(job: Job) -> tuple[Secret, ...]:
    """Return the secrets among the variables that an agent is given."""
    return secrets_of(job.environment)


def redacted(value: _T, secrets: tuple[Secret, ...]) -> _T:
    """Return a record with every secret in its texts replaced, however deep they lie."""
    return _redacted(value, secrets) if secrets else value


def _redacted(value: Any, secrets: tuple[Secret, ...]) -> Any:
    if type(value) is str:
        return redact(value, secrets, cut=True)
    if isinstance(value, tuple):
        return tuple(_redacted(v, secrets) for v in value)
    if is_dataclass(value) and not isinstance(value, type):
        return replace(value, **{f.name: _redacted(getattr(value, f.name), secrets) for f in fields(value)})
    return value


def redacted_bytes(content: bytes, secrets: tuple[Secret, ...]) -> bytes:
    """Return a text file's content with every secret replaced."""
    if not secrets:
        return content
    return redact(clean(content.decode("utf-8", "replace")), secrets).encode("utf-8", "replace")


def redact_file(path: Path, secrets: tuple[Secret, ...]) -> int:
    """Overwrite every secret in a plain file with as many asterisks, so that who follows the file loses no place; return how many.

    Nothing is done to a link, a file with a second name, or anything else; never raises.
    """
    values = [os.fsencode(s.value) for s in secrets]
    if not values:
        return 0
    try:
        fd = os.open(path, os.O_RDWR | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    except OSError:
        return 0
    found = 0
    try:
        info = os.fstat(fd)
        if stat.S_ISREG(info.st_mode) and info.st_nlink == 1:
            found = sum(_overwrite(fd, value) for value in values)
    except OSError:
        pass
    finally:
        os.close(fd)
    return found


def _overwrite(fd: int, value: bytes) -> int:
    found, offset = 0, 0
    while data := os.pread(fd, _CHUNK + len(value) - 1, offset):
        at = data.find(value)
        while at >= 0:
            os.pwrite(fd, b"*" * len(value), offset + at)
            found += 1
            at = data.find(value, at + len(value))
        offset += _CHUNK
    return found
