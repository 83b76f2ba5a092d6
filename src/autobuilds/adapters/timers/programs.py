"""Running the schedulers' own programs: argument lists, a fixed language, a time limit."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Sequence

from autobuilds.errors import TimerFailure

#: Seconds that one call may take.
TIMEOUT = 60.0


def found(program: str) -> bool:
    """Whether a program is on the PATH."""
    return shutil.which(program) is not None


def run(arguments: Sequence[str], *, data: bytes = b"", ok: Sequence[int] | None = (0,)) -> subprocess.CompletedProcess[bytes]:
    """Run a program and return its status and output; `ok` None takes any status. Raises TimerFailure with its words."""
    said = " ".join(arguments)
    try:
        done = subprocess.run(
            list(arguments), input=data, capture_output=True, timeout=TIMEOUT, check=False, env={**os.environ, "LC_ALL": "C"}
        )
    except FileNotFoundError as error:
        raise TimerFailure(f"{arguments[0]} is not on the PATH") from error
    except OSError as error:
        raise TimerFailure(f"`{said}` could not be run: {error.strerror}") from error
    except subprocess.TimeoutExpired as error:
        raise TimerFailure(f"`{said}` took longer than {TIMEOUT:.0f} s and was stopped") from error
    if ok is not None and done.returncode not in ok:
        raise TimerFailure(f"`{said}` failed ({done.returncode}): {words(done.stderr) or words(done.stdout) or 'no message'}")
    return done


def words(output: bytes) -> str:
    """Return what a program said, on one line without control characters, at most 500 characters."""
    text = " ".join(output.decode("utf-8", "replace").split())
    return "".join(c for c in text if c.isprintable())[:500]
