"""Proofs of approvals in the owner's home: a key that no build is given, and a MAC for every approval in force."""

from __future__ import annotations

import os
import stat
from collections.abc import Sequence
from contextlib import suppress
from datetime import UTC
from pathlib import Path
from typing import Any

from autobuilds.adapters.supervisor.records import write_bytes
from autobuilds.domain.build import Approval
from autobuilds.domain.digests import sha256
from autobuilds.errors import Refused, StorageFailure
from autobuilds.records import dataclass
from autobuilds.store.files import storage_failure, write_atomic
from autobuilds.store.files.debris import remove_debris

#: Below the home folder. XDG_STATE_HOME is left aside: a timer does not have it, and approvals would be unknown to its heartbeats.
STATE = Path(".local/state/autobuilds")
_KEY_BYTES = 32
_LIMIT = 16 * 1024 * 1024
_OTHERS_WRITE = stat.S_IWGRP | stat.S_IWOTH


def state_folder() -> Path:
    """Return the owner's folder for what must not lie in any repository; raises Refused where the owner has no home."""
    try:
        home = Path.home()
    except RuntimeError as error:
        raise Refused(f"HOME is not set, and user {os.geteuid()} has no home on this machine; set HOME to a folder of your own") from error
    if not home.is_absolute():
        raise Refused(f"HOME is {str(home)!r}, which is no absolute path; set HOME to a folder of your own")
    return home / STATE


@dataclass(frozen=True, slots=True, kw_only=True)
class KeyedProofs:
    """Implements `ports.Proofs` for the workspace at `root` (absolute, links resolved)."""

    root: Path
    folder: Path

    def proven(self, approvals: Sequence[Approval]) -> frozenset[str]:
        """Return the labels of the approvals whose MAC stands in the owner's folder."""
        if not approvals:
            return frozenset()
        import hmac

        try:
            key = self._key(make=False)
        except (Refused, StorageFailure):
            return frozenset()
        known = self._read()["approvals"] if key is not None else {}
        return frozenset(
            a.label for a in approvals if key is not None and hmac.compare_digest(str(known.get(a.label, "")).encode(), self._mac(key, a))
        )

    def give(self, approval: Approval) -> None:
        """Write the MAC of an approval; the key is made on first use."""
        key = self._key(make=True)
        assert key is not None, "it was made"
        kept = self._read()
        kept["approvals"][approval.label] = self._mac(key, approval).decode()
        kept["doubted"] = [label for label in kept["doubted"] if label != approval.label]
        self._write(kept)

    def withdraw(self, label: str) -> None:
        """Forget a MAC, so that the same approval put back by somebody else counts for nothing."""
        kept = self._read()
        if kept["approvals"].pop(label, None) is not None:
            self._write(kept)

    def doubted(self) -> frozenset[str]:
        """Return the doubted labels."""
        return frozenset(self._read()["doubted"])

    def doubt(self, labels: frozenset[str]) -> None:
        """Write the doubted labels where they changed."""
        kept = self._read()
        if set(kept["doubted"]) != labels:
            kept["doubted"] = sorted(labels)
            self._write(kept)

    @property
    def files(self) -> tuple[Path, ...]:
        """The folders and files that its answers come from."""
        return (self.folder, self.folder / "key", self._file)

    @property
    def _file(self) -> Path:
        return self.folder / "workspaces" / f"{sha256(os.fsencode(self.root))[:32]}.json"

    def _mac(self, key: bytes, approval: Approval) -> bytes:
        import hashlib
        import hmac
        import json

        at = approval.at.astimezone(UTC).isoformat()
        said = [1, str(self.root), approval.label, approval.fingerprint, approval.by, at, approval.how]
        text = "autobuilds approval\n" + json.dumps(said, ensure_ascii=True)
        return hmac.new(key, text.encode(), hashlib.sha256).hexdigest().encode()

    def _read(self) -> dict[str, Any]:
        """Return what is kept of this workspace; what can't be read, or could be somebody else's, is nothing."""
        kept: dict[str, Any] = {}
        with suppress(OSError, ValueError, RecursionError, _NotOurs):
            written = _guarded(self._file, _OTHERS_WRITE)
            import json

            kept = json.loads(written)
        approvals = kept.get("approvals") if isinstance(kept, dict) and kept.get("workspace") == str(self.root) else None
        doubted = kept.get("doubted") if approvals is not None else None
        return {
            "workspace": str(self.root),
            "approvals": {k: v for k, v in approvals.items() if isinstance(v, str)} if isinstance(approvals, dict) else {},
            "doubted": [v for v in doubted if isinstance(v, str)] if isinstance(doubted, list) else [],
        }

    def _write(self, kept: dict[str, Any]) -> None:
        import json

        self._make_folders()
        write_atomic(self._file, (json.dumps(kept, sort_keys=True, indent=1) + "\n").encode())
        with suppress(OSError):
            self._file.chmod(0o600)

    def _make_folders(self) -> None:
        if self.folder.resolve().is_relative_to(self.root):
            raise Refused(
                f"{self.folder} lies inside the workspace {self.root}, where builds and commits could write it; set HOME elsewhere"
            )
        try:
            self.folder.parent.mkdir(parents=True, exist_ok=True)
            for folder in (self.folder, self._file.parent):
                folder.mkdir(mode=0o700, exist_ok=True)
        except OSError as error:
            raise storage_failure(self.folder, error) from error
        # Half a key that could not be taken away when the disk failed, or the second name of one whose maker was killed right after.
        remove_debris((self.folder, self._file.parent))

    def _key(self, *, make: bool) -> bytes | None:
        """Return the key; None where there is none. Raises Refused for one that others could know or replace."""
        path = self.folder / "key"
        if self.folder.resolve().is_relative_to(self.root):
            raise Refused(f"{path} lies inside the workspace {self.root}; set HOME elsewhere")
        try:
            if make:
                self._make_folders()
            _check(self.folder.stat(), _OTHERS_WRITE, self.folder)
            if make:
                self._make_key(path)
            text = _guarded(path, stat.S_IRWXG | stat.S_IRWXO)
        except FileNotFoundError as error:
            if make:
                raise storage_failure(path, error, "read") from error
            return None
        except _NotOurs as open_:
            raise Refused(
                f"{open_}. It proves that approvals are yours: remove it (rm {path}) and approve again what you had approved"
            ) from open_
        except OSError as error:
            raise storage_failure(path, error, "read") from error
        with suppress(ValueError):
            key = bytes.fromhex(text.decode("ascii", "replace").strip())
            if len(key) == _KEY_BYTES:
                return key
        raise Refused(f"{path} is no key of autobuilds; remove it and approve again what you had approved")

    def _make_key(self, path: Path) -> None:
        """Make the key where there is none, whole or not at all; of two processes at once one wins."""
        if os.path.lexists(path):
            return
        import secrets

        write_bytes(path, secrets.token_hex(_KEY_BYTES).encode() + b"\n", once=True)


class _NotOurs(Exception):
    """A file that somebody else could have written or read; the message says which and why."""


def _guarded(path: Path, forbidden: int) -> bytes:
    """Return the content of a plain file of this user's with one name; raises OSError, or _NotOurs with what is wrong."""
    try:
        handle = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    except OSError as error:
        if path.is_symlink():
            raise _NotOurs(f"{path} is a symbolic link") from error
        raise
    try:
        info = os.fstat(handle)
        if not stat.S_ISREG(info.st_mode):
            raise _NotOurs(f"{path} is no plain file")
        if info.st_nlink != 1:
            raise _NotOurs(f"{path} has a second name")
        _check(info, forbidden, path)
        return os.read(handle, _LIMIT)
    finally:
        os.close(handle)


def _check(info: os.stat_result, forbidden: int, path: Path) -> None:
    if hasattr(os, "geteuid") and info.st_uid != os.geteuid():
        raise _NotOurs(f"{path} belongs to another user")
    if os.name == "posix" and info.st_mode & forbidden:
        raise _NotOurs(f"{path} is open to other users (mode {stat.S_IMODE(info.st_mode):o})")
