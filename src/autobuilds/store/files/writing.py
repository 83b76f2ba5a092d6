"""Writing files whole or not at all, and lines at the end of logs."""

from __future__ import annotations

import errno
import fcntl
import os
import stat
from contextlib import suppress
from pathlib import Path

from autobuilds.errors import BadInput, NotDurable, StorageFailure

_REASONS = {
    errno.ENOSPC: "the disk is full. Free some space and try again",
    errno.EDQUOT: "the disk quota is used up. Free some space and try again",
    errno.EFBIG: "it would be larger than this file system or the process's limit allows. Raise the limit (ulimit -f) and try again",
    errno.EROFS: "the file system is read-only. Mount it writable, or use a copy of the workspace elsewhere",
    errno.EACCES: "permission denied. Make the file and its folder readable and writable for you",
    errno.EPERM: "the operation is not permitted. Check the owner and the attributes of the file and its folder",
    errno.EIO: "the disk reports an input/output error. Check the disk",
    errno.EMFILE: "this process has too many open files. Raise the limit (ulimit -n) and try again",
    errno.ENFILE: "the machine has too many open files. Close programs and try again",
    errno.EAGAIN: "the machine can't start another process now. Try again in a moment",
    errno.ENOMEM: "there is too little memory. Close programs and try again",
    errno.ENAMETOOLONG: "the name is too long for this file system",
    errno.ELOOP: "its symbolic links lead round in a circle. Mend the link",
    errno.EISDIR: "it is a folder. Move the folder away",
    errno.ENOTDIR: "a part of its path is a file, not a folder",
}


def storage_failure(path: Path, error: OSError, verb: str = "write") -> StorageFailure:
    """Return the exception that says in words why a file could not be written (or read, or locked)."""
    reason = _REASONS.get(error.errno or 0) or f"{error.strerror or error}"
    kept = "; what stood there before is untouched" if verb == "write" else ""
    return StorageFailure(f"can't {verb} {path}: {reason}{kept}")


def machine_failure(error: OSError) -> StorageFailure | None:
    """Return the exception for an error of the machine that nobody foresaw at its place; None for one that only a bug explains."""
    if error.errno not in _REASONS:
        return None
    if error.filename is None:
        return StorageFailure(f"can't go on: {_REASONS[error.errno]}")
    return storage_failure(Path(str(error.filename)), error, "use")


def target_of(path: Path) -> Path:
    """Return where a path leads through symbolic links; raises StorageFailure for links in a circle."""
    try:
        return path.resolve(strict=False) if path.is_symlink() else path
    except (OSError, RuntimeError) as error:
        raise storage_failure(path, OSError(errno.ELOOP, str(error))) from error


def write_atomic(path: Path, data: bytes, *, durable: bool = True) -> bool:
    """Replace a file's content as one step that survives a power cut, and return whether it was other than `data`.

    Not `durable` is for what is checked when it is read, and can be made again. Keeps the file's mode and owner and writes through a symbolic link; the folder must be there. Raises StorageFailure
    with the old content in place and no temporary file left, NotDurable with the new one in place, BadInput where something
    other than a regular file stands.
    """
    target = target_of(path)
    try:
        if _holds(target, data):
            return False
        temporary = target.with_name(temporary_name(target.name))
        try:
            write_new(temporary, data, like=target, sync=durable)
            temporary.replace(target)
        except BaseException:
            with suppress(OSError):
                temporary.unlink()
            raise
    except OSError as error:
        raise storage_failure(path, error) from error
    if durable:
        confirm(target)
    return True


def confirm(written: Path) -> None:
    """Make the name of a file that was put in place survive a power cut; raises NotDurable where the disk does not say so."""
    try:
        sync_folder(written.parent)
    except OSError as error:
        reason = _REASONS.get(error.errno or 0) or f"{error.strerror or error}"
        raise NotDurable(f"{written} is written, but the disk did not confirm that it survives a power cut: {reason}") from error


def temporary_name(name: str) -> str:
    """Return a name beside a file for what is being written; `debris` knows it by its form."""
    return f".{name[:100]}.{os.getpid()}-{os.urandom(4).hex()}.tmp"


def _holds(target: Path, data: bytes) -> bool:
    """Whether the file is there with exactly this content; raises BadInput where it is no regular file."""
    try:
        info = target.lstat()
    except FileNotFoundError:
        return False
    if not stat.S_ISREG(info.st_mode):
        raise BadInput(f"{target} is not a regular file; it was not written. Move it away")
    return info.st_size == len(data) and target.read_bytes() == data


def write_new(path: Path, data: bytes, *, like: Path | None = None, sync: bool = True) -> int:
    """Write a file that must not be there yet, with the mode and owner of `like`, to disk; return its inode number. Raises OSError."""
    fd = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC | os.O_NOFOLLOW, 0o666)
    try:
        if like is not None:
            _keep_mode(fd, like)
        write_all(fd, data)
        if sync:
            os.fsync(fd)
        return os.fstat(fd).st_ino
    finally:
        os.close(fd)


def _keep_mode(fd: int, like: Path) -> None:
    try:
        info = like.stat()
    except FileNotFoundError:
        return
    ours = os.fstat(fd)
    if (ours.st_uid, ours.st_gid) != (info.st_uid, info.st_gid):
        with suppress(PermissionError):
            os.fchown(fd, info.st_uid, info.st_gid)
    os.fchmod(fd, stat.S_IMODE(info.st_mode))


def write_all(fd: int, data: bytes) -> None:
    """Write every byte, however many calls it takes. Raises OSError."""
    rest = memoryview(data)
    while rest:
        rest = rest[os.write(fd, rest) :]


def sync_folder(folder: Path) -> None:
    """Make a folder's names survive a power cut, where its file system can. Raises OSError."""
    fd = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(fd)
    except OSError as error:
        if error.errno not in {errno.EINVAL, errno.ENOTSUP}:
            raise
    finally:
        os.close(fd)


def make_folder(folder: Path) -> None:
    """Make a folder and those above it where they are missing, so that a power cut does not take them away again.

    Raises StorageFailure.
    """
    if folder.is_dir():
        return
    make_folder(folder.parent)
    try:
        folder.mkdir(exist_ok=True)
        sync_folder(folder.parent)
    except OSError as error:
        raise storage_failure(folder, error) from error


def append_line(path: Path, line: str) -> None:
    """Append one line to a log that many processes write, to disk; a line torn by a crash before stays a line of its own.

    Raises BadInput for a text with a line end, StorageFailure where it can't be written.
    """
    if "\n" in line or "\r" in line:
        raise BadInput(f"a line for {path} may not hold a line end: {line[:80]!r}")
    try:
        fd = os.open(path, os.O_RDWR | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW, 0o666)
        try:
            fcntl.flock(fd, fcntl.LOCK_EX)  # a write over two pages can be seen half done
            size = os.fstat(fd).st_size
            torn = size > 0 and os.pread(fd, 1, size - 1) != b"\n"
            write_all(fd, (b"\n" if torn else b"") + line.encode() + b"\n")
            os.fsync(fd)
        finally:
            os.close(fd)
        if size == 0:
            sync_folder(path.parent)
    except OSError as error:
        raise storage_failure(path, error) from error


PRIVATE = ".autobuilds"


def private_folder(root: Path) -> Path:
    """Return `.autobuilds` of a workspace, made on first use with a `.gitignore` that keeps all of it out of commits."""
    folder = root / PRIVATE
    if folder.is_symlink():
        raise BadInput(f"{folder} is a symbolic link; autobuilds keeps its locks in a folder of the workspace. Remove the link")
    ignore = folder / ".gitignore"
    if not ignore.exists():
        make_folder(folder)
        write_atomic(ignore, b"*\n")
    return folder
