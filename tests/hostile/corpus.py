"""The hostile inputs of tests/data/hostile; their README says how they are written."""

from __future__ import annotations

import json
import os
import socket
from collections.abc import Iterator
from pathlib import Path
from typing import Any

FOLDER = Path(__file__).parents[1] / "data" / "hostile"
SECRET = "---\nstatus: done\npercent: 100\n---\nevil secret\n"


def _read(name: str) -> Any:
    return json.loads((FOLDER / f"{name}.json").read_bytes())


def text_of(written: str | list[str | list[Any]]) -> str:
    """Return the text that is written as itself, or as pieces of which [TEXT, NUMBER] is one so often."""
    if isinstance(written, str):
        return written
    return "".join(piece if isinstance(piece, str) else piece[0] * piece[1] for piece in written)


def labels() -> list[str]:
    """Return what wants to be a label."""
    return [text_of(one) for one in _read("labels")]


def payloads() -> list[str]:
    """Return what wants to be active where text is shown."""
    return [text_of(one) for one in _read("payloads")]


def front_matters() -> dict[str, bytes]:
    """Return files with hostile YAML by name."""
    found = {}
    for one in _read("yaml"):
        text = text_of(one["file"]) if "file" in one else f"---\n{text_of(one['fields'])}\n---\n# Heartbeat\n"
        found[one["name"]] = text.encode("utf-8", "surrogatepass")
    return found


def templates() -> dict[str, bytes]:
    """Return hostile Jinja templates by name; a surrogate stands for its byte."""
    return {one["name"]: text_of(one["text"]).encode("utf-8", "surrogateescape") for one in _read("templates")}


def progress_pieces() -> dict[str, list[str]]:
    """Return what hostile progress logs are made of: `claims`, `active` text, front `matters`."""
    found: dict[str, list[str]] = _read("progress")
    return found


def odd_files(path: Path) -> Iterator[tuple[str, str | None]]:
    """Make `path` something that is no honest text file, one kind after the other; yield each kind, and why it can't be made here."""
    secret = path.parent / "secret.txt"
    secret.write_text(SECRET, encoding="utf-8")
    for one in _read("files"):
        try:
            _make(path, one, secret)
        except OSError as error:
            yield one["name"], error.strerror or str(error)
        else:
            yield one["name"], None
        _remove(path)
    secret.unlink()


def _make(path: Path, one: dict[str, Any], secret: Path) -> None:
    match one["how"]:
        case "pipe":
            os.mkfifo(path)
        case "link":
            path.symlink_to({"secret": secret, "nothing": path.parent / "nothing", "itself": path}.get(one["to"], one["to"]))
        case "hard link":
            path.hardlink_to(secret)
        case "folder":
            path.mkdir()
            if "holds" in one:
                (path / one["holds"]).touch()
        case "socket":
            _listen(path)
        case "device":
            os.mknod(path, 0o020644, os.makedev(1, 5))
        case "sparse":
            path.touch()
            os.truncate(path, one["bytes"])
        case how:
            path.write_bytes(bytes.fromhex(one["hex"]) * one["times"])
            if how == "locked":
                path.chmod(0)
                if os.access(path, os.R_OK):
                    raise PermissionError(1, "who runs this may read everything")


def _listen(path: Path) -> None:
    """Make a socket; its name is bound from within its folder, since such names are short."""
    here = Path.cwd()
    os.chdir(path.parent)
    try:
        with socket.socket(socket.AF_UNIX) as made:
            made.bind(path.name)
    finally:
        os.chdir(here)


def _remove(path: Path) -> None:
    if path.is_dir() and not path.is_symlink():
        for inner in path.iterdir():
            inner.unlink()
        path.rmdir()
    else:
        path.unlink(missing_ok=True)
