"""The private home of an agent: a folder of its own with copies of its credentials, and refreshed tokens brought back."""

from __future__ import annotations

import hashlib
import json
import os
import re
import secrets
import shutil
import stat
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from autobuilds import errors
from autobuilds.adapters.supervisor import records
from autobuilds.adapters.supervisor.run_folder import RunFolder
from autobuilds.domain.patterns import pattern
from autobuilds.ports import Job
from autobuilds.records import dataclass, field

#: A credentials file is a few KiB; what is larger is something else.
MAX_CREDENTIAL_BYTES = 1 << 20
#: Variables that move a folder of the home elsewhere, and which folder that is.
_XDG = (
    ("XDG_CONFIG_HOME", ".config"),
    ("XDG_DATA_HOME", ".local/share"),
    ("XDG_CACHE_HOME", ".cache"),
    ("XDG_STATE_HOME", ".local/state"),
)
_MOVED = (
    *_XDG,
    ("CLAUDE_CONFIG_DIR", ".claude"),
    ("CODEX_HOME", ".codex"),
    ("COPILOT_HOME", ".copilot"),
    ("OPENCLAW_STATE_DIR", ".openclaw"),
    ("PI_CODING_AGENT_DIR", ".pi/agent"),
    ("QWEN_HOME", ".qwen"),
)
_LEFT_OUT = ("XDG_RUNTIME_DIR", "XDG_CONFIG_DIRS", "XDG_DATA_DIRS", "ZDOTDIR", "BASH_ENV", "ENV")
#: Leaves of a credentials file that a refresh may change.
_REFRESHED = pattern(r"token|refresh|access|expir", re.IGNORECASE)
#: Files that hold a sign-in; settings may hold a token too, but no agent refreshes that (and a gateway of the owner's may rest on it).
_SIGN_IN = pattern(r"auth|cred|secret", re.IGNORECASE)
#: What a token or a time can be: nothing that a program may take for a command, a path or a variable.
_TOKEN = pattern(r"[A-Za-z0-9][A-Za-z0-9._~+/=|:-]{0,16383}", re.ASCII)
_GIT_CONFIG = """[user]
\tname = autobuilds
\temail = autobuilds@localhost
[commit]
\tgpgSign = false
[tag]
\tgpgSign = false
[gc]
\tauto = 0
[init]
\tdefaultBranch = main
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Given:
    """What the agent was given: by its path in the home, the SHA-256 of the owner's file."""

    digests: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Home:
    """An agent's private home; `owner` is the owner's environment, which says where credentials lie."""

    path: Path
    credentials: tuple[str, ...]
    owner: Mapping[str, str]

    @classmethod
    def of(cls, job: Job, owner: Mapping[str, str]) -> Home | None:
        """Return the home of a job, or None where it keeps the owner's."""
        if job.home is None:
            return None
        return cls(path=Path(job.home), credentials=job.credentials, owner={**owner, **_locations(job.environment)})

    def environment(self, given: Mapping[str, str]) -> dict[str, str]:
        """Return an agent's environment with everything that names a home pointed here."""
        dropped = {*_LEFT_OUT, *(name for name, _ in _MOVED)}
        kept = {name: value for name, value in given.items() if name not in dropped}
        return {**kept, "HOME": str(self.path), **{name: str(self.path / place) for name, place in _XDG}}

    def prepare(self, folder: RunFolder) -> None:
        """Make the home and copy the owner's credentials into it; raises StorageFailure where that can't be done."""
        try:
            self._make()
            digests = {}
            for relative in self.credentials:
                content = _owners(self._source(relative))
                if content is None:
                    _remove(self.path, relative)
                else:
                    _write(self.path, relative, content)
                    digests[relative] = hashlib.sha256(content).hexdigest()
            _write(self.path, ".gitconfig", _GIT_CONFIG.encode(), mode=0o644)
        except OSError as error:
            raise errors.StorageFailure(f"the agent's home {self.path} could not be made: {error.strerror or error}") from error
        records.write_record(folder.credentials, Given(digests=digests))

    def bring_back(self, folder: RunFolder) -> tuple[str, ...]:
        """Copy refreshed tokens back to the owner and return which files; nothing that the owner has changed meanwhile is touched.

        A file comes back only when it differs from the owner's in nothing but tokens and times of expiry.
        """
        try:
            given = records.read_record(folder.credentials, Given)
        except errors.BadInput:
            return ()
        if given is None:
            return ()
        back = []
        for relative, digest in given.digests.items():
            source = self._source(relative)
            before, after = _owners(source), _read(self.path, relative)
            if before is None or after is None or after == before or hashlib.sha256(before).hexdigest() != digest:
                continue
            if _SIGN_IN.search(Path(relative).name) and refreshed(before, after) and source is not None:
                with suppress(errors.StorageFailure):
                    records.write_bytes(source.resolve(), after)
                    back.append(relative)
        return tuple(back)

    def _make(self) -> None:
        self.path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        if self.path.is_symlink():
            self.path.unlink()
        try:
            self.path.mkdir(mode=0o700)
        except FileExistsError:
            self.path.chmod(0o700)
        for _, place in _XDG:
            with _folder(self.path, Path(place), make=True):
                pass

    def _source(self, relative: str) -> Path | None:
        """Return where the owner keeps a file of the home."""
        home = self.owner.get("HOME")
        for variable, place in _MOVED:
            moved = self.owner.get(variable)
            if moved and relative.startswith(place + "/"):
                return Path(moved) / relative.removeprefix(place + "/")
        return Path(home) / relative if home else None


def _locations(environment: Mapping[str, str]) -> dict[str, str]:
    return {name: environment[name] for name, _ in _MOVED if name in environment}


def refreshed(before: bytes, after: bytes) -> bool:
    """Whether one JSON object differs from another in tokens and times of expiry alone, each of which looks like one."""
    try:
        old, new = json.loads(before), json.loads(after, object_pairs_hook=_once, parse_constant=_no_number)
        return isinstance(old, dict) and isinstance(new, dict) and set(old) == set(new) and all(_alike(old[k], new[k], k) for k in old)
    except (ValueError, RecursionError):
        return False


def _alike(old: Any, new: Any, name: str) -> bool:
    if isinstance(old, dict) and isinstance(new, dict):
        added = set(new) - set(old)
        fine = set(old) <= set(new) and all(_REFRESHED.search(k) and _is_token(new[k]) for k in added)
        return fine and all(_alike(old[k], new[k], k) for k in old)
    if type(old) is not type(new) and not {type(old), type(new)} <= {int, float}:
        return False
    return bool(old == new) or (_REFRESHED.search(name) is not None and _is_token(new))


def _is_token(value: Any) -> bool:
    return isinstance(value, int | float) or (isinstance(value, str) and _TOKEN.fullmatch(value) is not None)


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    made = dict(pairs)
    if len(made) != len(pairs):
        raise ValueError("a key stands twice")
    return made


def _no_number(word: str) -> float:
    raise ValueError(word)


def _owners(path: Path | None) -> bytes | None:
    """Return a file of the owner's, whose links are his own; None unless it is a regular file of a sensible size."""
    if path is None:
        return None
    try:
        fd = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    except OSError:
        return None
    try:
        return _content(fd)
    finally:
        os.close(fd)


def _content(fd: int) -> bytes | None:
    info = os.fstat(fd)
    if not stat.S_ISREG(info.st_mode) or info.st_size > MAX_CREDENTIAL_BYTES:
        return None
    return os.pread(fd, MAX_CREDENTIAL_BYTES, 0)


@contextmanager
def _folder(home: Path, relative: Path, *, make: bool) -> Iterator[int]:
    """Open a folder below the home, following no link that an agent may have left; with `make` what is in the way goes."""
    flags = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
    fd = os.open(home, flags)
    try:
        for part in relative.parts:
            if make:
                _clear_way(fd, part)
            below = os.open(part, flags, dir_fd=fd)
            os.close(fd)
            fd = below
        yield fd
    finally:
        os.close(fd)


def _clear_way(fd: int, name: str) -> None:
    try:
        info = os.stat(name, dir_fd=fd, follow_symlinks=False)
    except FileNotFoundError:
        os.mkdir(name, 0o700, dir_fd=fd)
        return
    if not stat.S_ISDIR(info.st_mode):
        os.unlink(name, dir_fd=fd)
        os.mkdir(name, 0o700, dir_fd=fd)


def _plain(relative: str) -> Path:
    """Return a relative path that stays below where it begins; raises OSError for any other."""
    path = Path(relative)
    if path.is_absolute() or ".." in path.parts:
        raise OSError(f"{relative!r} is no path below the home")
    return path


def _write(home: Path, relative: str, content: bytes, *, mode: int = 0o600) -> None:
    path = _plain(relative)
    temporary = f".{secrets.token_hex()}"
    with _folder(home, path.parent, make=True) as fd:
        out = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC, mode, dir_fd=fd)
        try:
            with os.fdopen(out, "wb") as file:
                file.write(content)
            with suppress(OSError):
                if stat.S_ISDIR(os.stat(path.name, dir_fd=fd, follow_symlinks=False).st_mode):
                    shutil.rmtree(path.name, dir_fd=fd)
            os.rename(temporary, path.name, src_dir_fd=fd, dst_dir_fd=fd)
        except OSError:
            os.unlink(temporary, dir_fd=fd)
            raise


def _read(home: Path, relative: str) -> bytes | None:
    try:
        path = _plain(relative)
        with _folder(home, path.parent, make=False) as fd:
            file = os.open(path.name, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC, dir_fd=fd)
    except OSError:
        return None
    try:
        return _content(file) if os.fstat(file).st_nlink == 1 else None
    finally:
        os.close(file)


def _remove(home: Path, relative: str) -> None:
    with suppress(OSError):
        path = _plain(relative)
        with _folder(home, path.parent, make=False) as fd:
            os.unlink(path.name, dir_fd=fd)
