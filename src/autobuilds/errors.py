"""One tree of exceptions, an exit status each; every message says what happened, where, and what to do."""

from __future__ import annotations


class AutobuildsError(Exception):
    """Something went wrong that autobuilds can name. Run `autobuilds doctor` for a check of everything."""

    exit_code = 1

    def __init__(self, message: str | None = None) -> None:
        super().__init__(message or (type(self).__doc__ or "").strip())


class NotSo(AutobuildsError):
    """The thing asked about is not so (a failing check, a task that is not there)."""

    exit_code = 1


class BadInput(AutobuildsError):
    """The arguments or a file's content can't be used as they are; the message says where and what is allowed."""

    exit_code = 2


class Refused(BadInput):
    """The operation is possible but not allowed here; the message says what would allow it."""


class NoWorkspace(BadInput):
    """No BUILD_QUEUE.md here or in a parent folder. Run `autobuilds init` in a Git repository, or pass --workspace DIR."""


class FatalQueue(BadInput):
    """BUILD_QUEUE.md can't be trusted as a whole; nothing was touched. Mend the line named and run `autobuilds check`."""


class CorruptLedger(BadInput):
    """subagents/active.json can't be read; it is never taken for an empty one. Run `autobuilds fsck --rebuild`."""


class MissingLedger(CorruptLedger):
    """subagents/active.json is gone, though there was one; it is never taken for an empty one. Run `autobuilds fsck --rebuild`."""


class NewerLedger(CorruptLedger):
    """subagents/active.json was written by a newer autobuilds. Update autobuilds; nothing was changed."""


class Busy(AutobuildsError):
    """Another autobuilds process holds the lock; try again in a moment."""

    exit_code = 3


class GitBusy(Busy):
    """Git can't commit now (a merge or rebase in progress, or a held lock); files are right, the next heartbeat catches up."""


class StorageFailure(AutobuildsError):
    """A file could not be written (disk full, read-only, no permission); the old content is still there."""

    exit_code = 3


class NotDurable(StorageFailure):
    """A file was written, but the disk did not confirm that it survives a power cut. Check the disk."""


class MissingExtra(AutobuildsError):
    """A part of autobuilds that is installed on demand is not there; the message names the command that installs it."""

    exit_code = 3


class GitFailure(AutobuildsError):
    """Git answered with an error; its words follow."""


class TimerFailure(AutobuildsError):
    """The system's scheduler answered with an error; its words follow."""


class ForgeFailure(AutobuildsError):
    """The pull request could not be opened; the words of Git or of the forge's command follow."""
