"""Running a program that talks to a remote: no terminal, nothing asked, an end to waiting, and nothing left of it."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path

from autobuilds.errors import ForgeFailure
from autobuilds.records import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """What a program answered."""

    status: int
    out: bytes
    err: bytes


def call(argv: Sequence[str], *, folder: Path, environment: Mapping[str, str], data: bytes = b"", seconds: float, what: str) -> Answer:
    """Run a program in a session of its own, so that it finds no terminal to ask on; `what` names it in messages.

    Raises ForgeFailure where it can't be run or takes longer than `seconds`; then its whole group is ended.
    """
    try:
        process = subprocess.Popen(
            argv,
            cwd=folder,
            env=dict(environment),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            start_new_session=True,
        )
    except OSError as error:
        raise ForgeFailure(f"{what} can't be run: {error.strerror or error}") from error
    try:
        out, err = process.communicate(data, timeout=seconds)
    except subprocess.TimeoutExpired as error:
        raise ForgeFailure(f"{what} took longer than {seconds:.0f} s and was stopped") from error
    finally:
        if process.poll() is None:
            with contextlib.suppress(OSError):
                os.killpg(process.pid, signal.SIGKILL)
            process.communicate()
    return Answer(status=process.returncode, out=out, err=err)
