"""Where a calendar is: a file, a folder of files, or an address; and reading one, however it came to be there."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

from autobuilds.errors import AutobuildsError, BadInput
from autobuilds.records import dataclass
from autobuilds.store.files import read_stable
from autobuilds.store.workspace import PRIVATE

#: Bytes of a calendar, or of all files of a folder together.
LIMIT = 16 * 1024 * 1024
#: Files of a folder.
_MOST_FILES = 5000
#: Where fetched copies and what was worked out of calendars stand, below the workspace.
FOLDER = f"{PRIVATE}/calendar"
#: What a folder without a calendar is read as.
EMPTY = b"BEGIN:VCALENDAR\r\nEND:VCALENDAR\r\n"
_MARK = b"\xef\xbb\xbf"
_SECURE = {"https": "https", "webcal": "https", "webcals": "https"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Source:
    """One calendar as HEARTBEAT.md names it: `address` for one of the network, else `path`."""

    #: As messages call it: without what of an address may be secret.
    name: str
    path: Path
    address: str | None = None

    @property
    def record(self) -> Path:
        """What is known of the copy of an address, beside it."""
        return self.path.with_suffix(".json")


def source_of(text: str, root: Path, number: int) -> Source:
    """Return the calendar that the configuration names at place `number`; raises BadInput where it can't be one."""
    scheme, separator, rest = text.partition("://")
    if separator:
        secure = _SECURE.get(scheme.casefold())
        host = urlsplit(f"//{rest}").hostname if secure else None
        if secure is None or not host:
            raise BadInput(f"calendar {number} of HEARTBEAT.md is no https address and no path; write https://… or the path of an ICS file")
        address = f"{secure}://{rest}"
        key = hashlib.sha256(address.encode()).hexdigest()[:16]
        return Source(name=f"calendar {number} (https://{host}/…)", path=root / FOLDER / f"{key}.ics", address=address)
    try:
        path = Path(text).expanduser()
    except RuntimeError as error:
        raise BadInput(f"calendar {number} ({text}) names a home that is not known; write the whole path") from error
    return Source(name=f"calendar {number} ({text})", path=Path(os.path.normpath(root / path)))


def read(source: Source, root: Path, faults: list[str]) -> bytes:
    """Return the text of a calendar, that of a folder as all its files one after the other; `faults` gets what of those is left out.

    Raises BadInput for what is not there, too long or no file, and for a link that leads out of the workspace; Busy; StorageFailure; OSError.
    """
    contained(source.path, root)
    if not source.path.is_dir():
        return read_stable(source.path, limit=LIMIT, wait=1.0)
    names = list(files(source.path))
    if len(names) > _MOST_FILES:
        raise BadInput(f"it is a folder of more than {_MOST_FILES:,} files; name those that count, or another folder")
    parts: list[bytes] = []
    size = 0
    for name in names:
        try:
            contained(source.path / name, root)
            part = read_stable(source.path / name, limit=LIMIT, wait=1.0).removeprefix(_MARK)
            why = complete(part)
        except (AutobuildsError, OSError) as error:
            why = said(error)
        if why is not None:
            faults.append(f"{source.name}: {name} is left out: {why}")
            continue
        parts.append(part)
        size += len(part) + 1
        if size > LIMIT:
            raise BadInput(f"its files hold more than {LIMIT:,} bytes together; name those that count, or another folder")
    return b"\n".join(parts) or EMPTY


def files(folder: Path) -> Iterator[str]:
    """Yield the names of the calendars in a folder, in their order."""
    yield from (name for name in sorted(os.listdir(folder)) if name.casefold().endswith(".ics") and not name.startswith("."))  # noqa: PTH208


def contained(where: Path, root: Path) -> None:
    """Raise BadInput where a path of the workspace is a link that leads out of it: a build could have made that one."""
    if not where.is_relative_to(root):
        return
    try:
        real = where.resolve()
    except (OSError, RuntimeError) as error:
        raise BadInput(f"{where} is a link in a circle. Remove it") from error
    if not real.is_relative_to(root):
        raise BadInput(f"{where} is a link that leads out of the workspace, so it is not followed. Name the file that it leads to")


def complete(data: bytes) -> str | None:
    """Return why a text is no whole calendar, or None where it begins and ends like one."""
    text = data.removeprefix(_MARK).strip()
    if not text:
        return "it is empty"
    if text[:15].upper() != b"BEGIN:VCALENDAR":
        return "it is no calendar (it does not begin with BEGIN:VCALENDAR)"
    if text[-13:].upper() != b"END:VCALENDAR":
        return "it ends in the middle (without END:VCALENDAR)"
    return None


def said(error: Exception) -> str:
    """Return an error in words for a message, without its final full stop."""
    if isinstance(error, OSError) and not isinstance(error, AutobuildsError):
        return error.strerror or type(error).__name__
    return str(error).rstrip(".")
