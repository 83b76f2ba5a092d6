"""The environment of a supervisor."""

from __future__ import annotations

import json
import os
import stat
from collections.abc import Iterator, Mapping
from contextlib import contextmanager

from autobuilds.adapters import processes

#: What a supervisor, and the heartbeat that it runs at the end, need of the environment besides what agents are given.
_KEPT = frozenset(
    [
        "PATH",
        "HOME",
        "USER",
        "LOGNAME",
        "SHELL",
        "LANG",
        "TERM",
        "TZ",
        "TMPDIR",
        "VIRTUAL_ENV",
        "SSL_CERT_FILE",
        "NO_COLOR",
        "GIT_CONFIG_NOSYSTEM",
    ]
)
_KEPT_BEGINNINGS = ("LC_", "XDG_", "PYTHON", "AUTOBUILDS_")
#: What the pipe of every system holds without a reader.
_PIPE_BYTES = 16 * 1024
_BUILD_VARIABLES = (processes.MARKER, "AUTOBUILDS_LABEL", "AUTOBUILDS_PROGRESS")


def supervisor_environment(source: Mapping[str, str], passed: frozenset[str]) -> tuple[dict[str, str], dict[str, str]]:
    """Return the environment of a supervisor, and what is handed over to it besides, for the heartbeat that it runs at the end.

    The environment is an allow-list, since a build can read it where nothing contains the build; the variables `passed`, which
    hold agents' keys, are not in it.
    """

    def keeps(name: str) -> bool:
        return name not in _BUILD_VARIABLES and (name in _KEPT or name.startswith(_KEPT_BEGINNINGS))

    kept = {name: value for name, value in source.items() if keeps(name) and name not in passed - _KEPT}
    handed = {name: source[name] for name in sorted(passed) if name in source and name not in kept and name not in _BUILD_VARIABLES}
    return kept, handed


@contextmanager
def handing_over(values: Mapping[str, str]) -> Iterator[int | None]:
    """Yield the end of a pipe that holds the values as JSON, for a process to be started; None where there are none, or too many."""
    content = json.dumps(dict(values)).encode()
    if not values or len(content) > _PIPE_BYTES:
        yield None
        return
    reader, writer = os.pipe()
    try:
        os.write(writer, content)
        os.close(writer)
        yield reader
    finally:
        os.close(reader)


def handed_over() -> dict[str, str]:
    """Return what the starting process handed over on the standard input, which is empty afterwards; for a new process alone."""
    try:
        if not stat.S_ISFIFO(os.fstat(0).st_mode):
            return {}
        with os.fdopen(os.dup(0), "rb") as source:
            content = source.read(4 * _PIPE_BYTES)
        null = os.open(os.devnull, os.O_RDONLY)
        os.dup2(null, 0)
        os.close(null)
        values = json.loads(content or b"{}")
    except (OSError, ValueError):
        return {}
    return {str(name): str(value) for name, value in values.items()} if isinstance(values, dict) else {}
