"""The one error boundary: how a command ends, and what is said where it can't."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Sequence

from autobuilds import __version__
from autobuilds.errors import AutobuildsError, BadInput


class PipeClosed(Exception):
    """Who reads the answer has had enough."""


def ended(args: Sequence[str], command: Callable[[], int]) -> int:
    """Run a command and return its exit status: 0 done, 1 not so, 2 wrong usage or bad input, 3 not possible now; `args` are for reports."""
    try:
        status = command()
        sys.stdout.flush()
        return status
    except KeyboardInterrupt:
        sys.stderr.write("interrupted\n")
        return 130
    except AutobuildsError as known:
        return _say(known)
    except (BrokenPipeError, PipeClosed):
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    except OSError as error:
        return _report_machine(error, args)
    except Exception as bug:
        return _report_bug(bug, args)


def _say(known: AutobuildsError) -> int:
    from autobuilds.domain import inert

    sys.stderr.write(f"autobuilds: {inert.clean(str(known))}\n")
    return known.exit_code


def _report_machine(error: OSError, args: Sequence[str]) -> int:
    """Say what the machine refused (a full disk, no permission, too many open files), wherever it did; anything else is a bug."""
    from autobuilds.store.files.writing import machine_failure

    if isinstance(error, FileNotFoundError) and _nowhere():
        return _say(BadInput("the current folder does not exist any more; go to one that does (`cd`) and try again"))
    if error.filename is None:
        error.filename = _file_of(error)
    known = machine_failure(error)
    if known is None:
        return _report_bug(error, args)
    return _say(known)


def _file_of(error: OSError) -> str | None:
    """Return the path that the innermost call dealt with which knew one: an error of reading and writing does not name the file."""
    from pathlib import Path
    from traceback import walk_tb

    frames = [frame for frame, _ in walk_tb(error.__traceback__)]
    known = (value for frame in reversed(frames) for value in frame.f_locals.values() if isinstance(value, Path))
    return next(map(str, known), None)


def _nowhere() -> bool:
    """Whether the current folder was removed."""
    try:
        os.getcwd()  # noqa: PTH109 - pathlib may not be needed
    except FileNotFoundError:
        return True
    return False


def _report_bug(bug: Exception, args: Sequence[str]) -> int:
    """Leave a ready-made bug report and say where it is."""
    import platform
    import tempfile
    import traceback

    from autobuilds.domain import inert

    lines = "".join(traceback.format_exception(bug))
    text = (
        f"# autobuilds {__version__} failed\n\n- Command: `autobuilds {' '.join(args)}`\n"
        f"- Python {platform.python_version()} on {platform.platform()}\n\n```text\n{lines}```\n"
    )
    try:
        handle, name = tempfile.mkstemp(prefix="autobuilds-bug-", suffix=".md")
        with os.fdopen(handle, "w", encoding="utf-8", errors="replace") as file:
            file.write(text)
        place = f"a report stands in {name}"
    except OSError as error:
        place = f"its report could not be written ({error.strerror})"
    sys.stderr.write(f"autobuilds: unexpected {type(bug).__name__}: {inert.line(str(bug))}\nThis is a bug in autobuilds; {place}\n")
    return 1
