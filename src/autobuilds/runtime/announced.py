"""The announcement of a commit, as it waits in the outbox."""

from __future__ import annotations

import json
import os
from collections.abc import Iterable, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

from autobuilds.errors import BadInput
from autobuilds.store import files

#: By path within the workspace: inode, size and time of change in nanoseconds; None where nothing stands.
Stamps = dict[str, list[int] | None]


def read(path: Path) -> dict[str, Any]:
    """Return an announcement as it was written; raises BadInput for a file that is none."""
    try:
        entry = json.loads(path.read_bytes())
        return {
            "message": str(entry["message"]),
            "paths": [str(p) for p in entry["paths"]],
            "owner": bool(entry["owner"]),
            "before": dict(entry.get("before", {})),
            "diary": [
                {"at": str(e["at"]), "title": str(e["title"]), "facts": [str(f) for f in e["facts"]]} for e in entry.get("diary", [])
            ],
        }
    except (ValueError, KeyError, TypeError, RecursionError) as error:
        raise BadInput(f"{path} can't be read as a commit that waits ({error}); remove it, the files are right") from error


def announce(outbox: Path, root: Path, message: str, paths: Sequence[str], *, owner: bool, diary: Sequence[dict[str, Any]] = ()) -> Path:
    """Announce a commit, and what goes into the diary with it, behind those that wait; raises StorageFailure, NotDurable, with nothing announced."""
    try:
        if not outbox.is_dir():
            outbox.mkdir(exist_ok=True)
            files.sync_folder(outbox.parent)
    except OSError as error:
        raise files.storage_failure(outbox, error) from error
    path = outbox / f"{len(list(outbox.glob('*.json'))):06d}-{os.urandom(4).hex()}.json"
    paths = list(dict.fromkeys(paths))
    entry = {"message": message, "paths": paths, "owner": owner, "before": stamps(root, paths), **({"diary": list(diary)} if diary else {})}
    try:
        files.write_atomic(path, json.dumps(entry, ensure_ascii=False).encode())
    except BaseException:  # also where it is written, and the disk does not confirm it
        with suppress(OSError):
            path.unlink(missing_ok=True)
        raise
    return path


def add_diary(path: Path, diary: Sequence[dict[str, Any]]) -> None:
    """Have the announced commit take entries of the diary along."""
    entry = json.loads(path.read_bytes())
    entry["diary"] = [*entry.get("diary", []), *diary]
    files.write_atomic(path, json.dumps(entry, ensure_ascii=False).encode())


def add_paths(path: Path, paths: Sequence[str]) -> None:
    """Have the announced commit take more files along."""
    entry = json.loads(path.read_bytes())
    entry["paths"] = list(dict.fromkeys([*entry["paths"], *paths]))
    files.write_atomic(path, json.dumps(entry, ensure_ascii=False).encode())


def stamps(root: Path, paths: Iterable[str]) -> Stamps:
    """Return what tells later whether a file was written since: each write of ours makes a new one."""
    found: Stamps = {}
    for path in paths:
        try:
            info = (root / path).stat()
            found[path] = [info.st_ino, info.st_size, info.st_mtime_ns]
        except (FileNotFoundError, NotADirectoryError):
            found[path] = None
    return found


def idle(root: Path, entry: dict[str, Any]) -> bool:
    """Whether none of the files was written since a change was announced, so that it was never made; the owner's own are committed."""
    before = entry["before"]
    return bool(before) and not entry["owner"] and stamps(root, before) == before
