"""A Git repository with one commit, written file by file: what `git init`, `git add -A` and `git commit` leave, without their processes.

A thousand tests begin with one, and three processes took each of them longer than what it tests. `tests/test_repositories.py` has Git compare both.
"""

from __future__ import annotations

import hashlib
import struct
import time
import zlib
from collections.abc import Mapping
from pathlib import Path

_CONFIG = "[core]\n\trepositoryformatversion = 0\n\tfilemode = true\n\tbare = false\n\tlogallrefupdates = true\n"
_FOLDERS = ("branches", "hooks", "info", "logs/refs/heads", "objects/info", "objects/pack", "refs/heads", "refs/tags")
_NONE = "0" * 40


def is_plain(files: Mapping[str, str]) -> bool:
    """Whether Git would take exactly these files as they are: nothing ignores or converts one of them."""
    if ".gitattributes" in files or any(path.endswith("/.gitignore") for path in files):
        return False
    ignored = files.get(".gitignore", "").split("\n")
    folders = all(line.endswith("/") and line.strip("/").replace(".", "").isalnum() for line in ignored if line)
    return folders and not any(f"/{line}" in f"/{path}" for line in ignored if line for path in files)


def make(root: Path, files: Mapping[str, str], who: str, message: str = "first") -> None:
    """Make the repository in an empty folder; `who` is the name and address of its author."""
    for path, text in files.items():
        target = root / path
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(text.encode())
    git = root / ".git"
    for folder in _FOLDERS:
        (git / folder).mkdir(parents=True)
    (git / "config").write_text(_CONFIG)
    (git / "description").write_text("Unnamed repository; edit this file 'description' to name the repository.\n")
    (git / "info" / "exclude").write_text("# local\n")
    (git / "HEAD").write_text("ref: refs/heads/main\n")
    blobs = {path: _stored(git, "blob", text.encode()) for path, text in files.items()}
    when = f"{who} {int(time.time())} +0000"
    commit = _stored(git, "commit", f"tree {_tree(git, blobs)}\nauthor {when}\ncommitter {when}\n\n{message}\n".encode())
    (git / "refs" / "heads" / "main").write_text(f"{commit}\n")
    (git / "COMMIT_EDITMSG").write_text(f"{message}\n")
    for log in ("HEAD", "refs/heads/main"):
        (git / "logs" / log).write_text(f"{_NONE} {commit} {when}\tcommit (initial): {message}\n")
    (git / "index").write_bytes(_index(root, blobs))


def _stored(git: Path, kind: str, data: bytes) -> str:
    """Write an object and return its id."""
    whole = f"{kind} {len(data)}\0".encode() + data
    name = hashlib.sha1(whole).hexdigest()
    path = git / "objects" / name[:2] / name[2:]
    if not path.exists():
        path.parent.mkdir(exist_ok=True)
        path.write_bytes(zlib.compress(whole, 1))
        path.chmod(0o444)
    return name


def _tree(git: Path, blobs: Mapping[str, str]) -> str:
    """Write the tree of these files, and those below it, and return its id."""
    below: dict[str, dict[str, str]] = {}
    entries: dict[bytes, tuple[str, str]] = {}
    for path, name in blobs.items():
        first, slash, rest = path.partition("/")
        if slash:
            below.setdefault(first, {})[rest] = name
        else:
            entries[first.encode()] = ("100644", name)
    for folder, inner in below.items():
        entries[f"{folder}/".encode()] = ("40000", _tree(git, inner))
    rows = (f"{mode} ".encode() + key.rstrip(b"/") + b"\0" + bytes.fromhex(name) for key, (mode, name) in sorted(entries.items()))
    return _stored(git, "tree", b"".join(rows))


def _index(root: Path, blobs: Mapping[str, str]) -> bytes:
    """Return the index (version 2) that holds these files as they stand on disk."""
    parts = [b"DIRC", struct.pack(">II", 2, len(blobs))]
    for path in sorted(blobs, key=str.encode):
        info, name = (root / path).stat(), path.encode()
        times = (info.st_ctime_ns, info.st_mtime_ns)
        seconds = [part for moment in times for part in divmod(moment, 10**9)]
        numbers = (*seconds, info.st_dev, info.st_ino, 0o100644, info.st_uid, info.st_gid, info.st_size)
        entry = struct.pack(">10I", *(number & 0xFFFFFFFF for number in numbers)) + bytes.fromhex(blobs[path])
        entry += struct.pack(">H", min(len(name), 0xFFF)) + name
        parts.append(entry + b"\0" * (8 - len(entry) % 8))
    data = b"".join(parts)
    return data + hashlib.sha1(data).digest()
