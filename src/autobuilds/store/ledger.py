"""The ledger `subagents/active.json`: read strictly, written atomically, the same state as the same bytes."""

from __future__ import annotations

import json
import stat
from collections.abc import Collection
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, TypeVar

from autobuilds.domain.build import Approval, Build, BuildState, Ledger, Pause
from autobuilds.domain.day import Day
from autobuilds.domain.labels import is_label
from autobuilds.errors import CorruptLedger, NewerLedger, StorageFailure
from autobuilds.records import replace
from autobuilds.store.ledger_times import times_of

VERSION = 1
SCHEMA_ID = f"urn:autobuilds:ledger:{VERSION}"
#: How long a finished build stays in the ledger.
KEEP = timedelta(days=30)
#: A ledger larger than this many bytes is not ours.
_LIMIT = 256 * 1024 * 1024

_T = TypeVar("_T", Build, Approval, Pause, Day, Ledger)


class NotALedger(ValueError):
    """A text is not what the ledger's schema describes; the message says where."""


def decode(text: str | bytes, kind: type[_T]) -> _T:
    """Return a value of the ledger from its JSON.

    Raises NotALedger with what is wrong and, for a wrong value, its path (`$.builds[0].state`).
    """
    import msgspec

    try:
        value = msgspec.json.decode(text, type=kind)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise NotALedger(str(error)) from error
    for path, at in times_of(value):
        if at.tzinfo is None:
            raise NotALedger(f"Expected a time with its offset from UTC - at `{path}`")
    return value


def encode_line(value: Build | Approval | Pause | Day | dict[str, Any] | None) -> str:
    """Return a value as JSON on one line, keys sorted; what is no Unicode text in it becomes `?`."""
    import msgspec

    plain = msgspec.to_builtins(value)
    text = json.dumps(plain, ensure_ascii=False, sort_keys=True, separators=(",", ":"))
    return text.encode("utf-8", "replace").decode()


def dumps(ledger: Ledger) -> bytes:
    """Return the ledger as the bytes of its file: sorted keys, two spaces, one final newline."""
    import msgspec

    plain = {"$schema": SCHEMA_ID, **msgspec.to_builtins(ledger)}
    return (json.dumps(plain, ensure_ascii=False, sort_keys=True, indent=2) + "\n").encode("utf-8", "replace")


def loads(data: bytes, name: str = "subagents/active.json") -> Ledger:
    """Return the ledger from the bytes of its file.

    Raises CorruptLedger with line and column when it is not one, NewerLedger when it is of a newer version.
    """
    cure = f"Nothing was changed. Run `autobuilds fsck --rebuild` to make it again from Git, or take it back with {_checkout(name)}"
    try:
        plain = json.loads(data.decode("utf-8"))
    except UnicodeDecodeError as error:
        line, column = _position(data, error.start)
        raise CorruptLedger(f"{name}:{line}:{column}: not UTF-8. {cure}") from error
    except (ValueError, RecursionError) as error:
        line, column = getattr(error, "lineno", 1), getattr(error, "colno", 1)
        why = getattr(error, "msg", "too deeply nested")
        raise CorruptLedger(f"{name}:{line}:{column}: not JSON ({why}). {cure}") from error
    version = plain.get("version") if isinstance(plain, dict) else None
    if isinstance(version, int) and version > VERSION:
        raise NewerLedger(
            f"{name}: written by a newer autobuilds (version {version}, this one knows {VERSION}). Update autobuilds; nothing was changed"
        )
    if version != VERSION or isinstance(version, bool):
        raise CorruptLedger(f"{name}:1:1: no ledger of version {VERSION} (`version` is {version!r}). {cure}")
    try:
        ledger = decode(data, Ledger)
        _check_values(ledger)
    except NotALedger as error:
        what, _, path = str(error).partition(" - at `")
        line, column = _position(data, _find(data.decode("utf-8"), path.rstrip("`")))
        raise CorruptLedger(f"{name}:{line}:{column}: {what} (at {path.rstrip('`') or '$'}). {cure}") from error
    _check_unique(ledger, name, cure)
    return ledger


def _checkout(path: str) -> str:
    """Return the command, in backticks, that takes a file back from the last commit; it is right in every folder of its repository."""
    from shlex import quote

    return f"`git checkout -- {quote(path)}`"


def _check_values(ledger: Ledger) -> None:
    """Raise NotALedger, as `decode` does, for a number or a label that can't be: folders and branches are named after them."""
    for place, build in enumerate(ledger.builds):
        if not is_label(build.label):
            raise NotALedger(f"Expected a label (small letters, digits, `-`) - at `$.builds[{place}].label`")
        for row, attempt in enumerate(build.attempts):
            if attempt.number < 1:
                raise NotALedger(f"Expected a number >= 1 - at `$.builds[{place}].attempts[{row}].number`")
    for place, approval in enumerate(ledger.approvals):
        if not is_label(approval.label):
            raise NotALedger(f"Expected a label (small letters, digits, `-`) - at `$.approvals[{place}].label`")


def _check_unique(ledger: Ledger, name: str, cure: str) -> None:
    seen: set[object] = set()
    for build in ledger.builds:
        for key in ((build.label, build.created), *(attempt.id for attempt in build.attempts)):
            if key in seen:
                what = f"attempt {key}" if isinstance(key, str) else f"build {build.label} of {build.created.isoformat()}"
                raise CorruptLedger(f"{name}: {what} is there twice. {cure}")
            seen.add(key)


def _position(data: bytes, offset: int) -> tuple[int, int]:
    before = data[:offset].decode("utf-8", "replace").split("\n")
    return len(before), len(before[-1]) + 1


def _find(text: str, path: str) -> int:
    """Return the byte offset of the value at a path such as `$.builds[0].state`; the nearest one above it where it is missing."""
    import re

    at = _skip(text, 0)
    scan = json.JSONDecoder().raw_decode
    for key, number in re.findall(r"\.([^.\[\]]+)|\[(\d+|\.\.\.)\]", path):
        inside, count = _skip(text, at + 1), 0
        while inside < len(text) and text[inside] not in "]}":
            name = None
            if text[at] == "{":
                name, end = scan(text, inside)
                inside = _skip(text, _skip(text, end) + 1)
            if (key and name == key) or (number and str(count) == number):
                break
            _, end = scan(text, inside)
            inside, count = _skip(text, end), count + 1
            if inside < len(text) and text[inside] == ",":
                inside = _skip(text, inside + 1)
        else:
            break
        at = inside
    return len(text[:at].encode())


def _skip(text: str, at: int) -> int:
    while at < len(text) and text[at] in " \t\r\n":
        at += 1
    return at


def read_ledger(path: Path) -> Ledger | None:
    """Return the ledger in a file, None where there is no file; whether that means an empty one, the workspace knows.

    Raises CorruptLedger where it can't be read, with line, column and the way out.
    """
    try:
        if path.exists() and not path.is_file():
            raise CorruptLedger(f"{path}: not a regular file; remove what stands there and run `autobuilds fsck --rebuild`")
        if path.is_file() and path.stat().st_size > _LIMIT:
            raise CorruptLedger(f"{path}: larger than {_LIMIT} bytes; this is no ledger of autobuilds. Nothing was changed")
        data = path.read_bytes()
    except FileNotFoundError:
        if path.is_symlink():
            raise CorruptLedger(f"{path}: a symbolic link to a file that is not there; mend or remove the link") from None
        return None
    except OSError as error:
        raise CorruptLedger(f"{path}: can't be read ({error.strerror}); mend its permissions. Nothing was changed") from error
    return loads(data, str(path))


def standing(path: Path) -> bytes | None:
    """Return what a ledger's file holds, or None where there is none that can be read: a folder or a pipe is not waited for."""
    try:
        return path.read_bytes() if stat.S_ISREG(path.stat().st_mode) else None
    except OSError:
        return None


def write_ledger(path: Path, ledger: Ledger) -> bool:
    """Write the ledger atomically unless the file already says just that; return whether it was written.

    Raises StorageFailure when it can't be written; the old content is still there then.
    """
    from autobuilds.store.files import make_folder, write_atomic

    data = dumps(ledger)
    if standing(path) == data:
        return False
    make_folder(path.parent)
    write_atomic(path, data)
    return True


def archive(ledger: Ledger, now: datetime, *, keep: Collection[str] = ()) -> tuple[Ledger, dict[int, tuple[str, ...]]]:
    """Return the ledger without the builds that ended more than 30 days ago, and those as JSON lines by year.

    Completed and cancelled builds go; labels in `keep` (tasks still in Active Queue) stay, so that nothing that was
    built already is taken for new.
    """
    old = [
        build
        for build in ledger.builds
        if build.state in {BuildState.COMPLETED, BuildState.CANCELLED} and now - build.updated > KEEP and build.label not in keep
    ]
    years: dict[int, tuple[str, ...]] = {}
    for build in old:
        years[build.updated.year] = (*years.get(build.updated.year, ()), encode_line(build))
    gone = {(build.label, build.created) for build in old}
    kept = tuple(build for build in ledger.builds if (build.label, build.created) not in gone)
    return (replace(ledger, builds=kept) if old else ledger), years


def write_archive(folder: Path, years: dict[int, tuple[str, ...]]) -> tuple[Path, ...]:
    """Add archived builds to `archive-YYYY.jsonl` and return the files; a line that is there already is not added again.

    To be called before the shorter ledger is written: a crash in between then loses nothing and repeats nothing.
    """
    from autobuilds.store.files import write_atomic

    written = []
    for year, lines in sorted(years.items()):
        path = folder / f"archive-{year}.jsonl"
        try:
            old = path.read_bytes() if path.exists() else b""
        except OSError as error:
            raise StorageFailure(f"{path}: can't be read ({error.strerror}); mend its permissions. Nothing was changed") from error
        known = set(old.split(b"\n"))
        new = [line.encode() for line in lines if line.encode() not in known]
        if new:
            if old and not old.endswith(b"\n"):
                old += b"\n"
            write_atomic(path, old + b"".join(line + b"\n" for line in new))
        written.append(path)
    return tuple(written)


def read_archive(folder: Path) -> tuple[Build, ...]:
    """Return every archived build, oldest file first.

    Raises CorruptLedger with the line when a file can't be read.
    """
    builds = []
    for path in sorted(folder.glob("archive-*.jsonl")):
        for number, line in enumerate(path.read_bytes().split(b"\n"), start=1):
            if not line.strip():
                continue
            try:
                builds.append(decode(line, Build))
            except NotALedger as error:
                raise CorruptLedger(
                    f"{path}:{number}:1: {error}. Take the file back with {_checkout(str(path))}, or mend the line"
                ) from error
    return tuple(builds)


def schema() -> dict[str, Any]:
    """Return the JSON Schema of the file, made from the types; `docs/reference/ledger.schema.json` is kept equal to it."""
    import msgspec

    made = json.loads(msgspec.json.encode(msgspec.json.schema(Ledger)))
    parts = made["$defs"]
    top = parts.pop("Ledger")
    top["properties"]["$schema"] = {"const": SCHEMA_ID}
    top["properties"]["version"] = {"const": VERSION}
    top["required"] = sorted({*top.get("required", ()), "version"})
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "$id": SCHEMA_ID,
        "title": "autobuilds ledger (subagents/active.json)",
        **top,
        "$defs": parts,
    }
