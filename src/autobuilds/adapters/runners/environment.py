"""The environment of a supervisor."""

from __future__ import annotations

from collections.abc import Mapping

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
_BUILD_VARIABLES = (processes.MARKER, "AUTOBUILDS_LABEL", "AUTOBUILDS_PROGRESS")


def supervisor_environment(source: Mapping[str, str], passed: frozenset[str]) -> dict[str, str]:
    """Return the environment of a supervisor: an allow-list, since a build can read it where nothing contains the build."""

    def keeps(name: str) -> bool:
        return name not in _BUILD_VARIABLES and (name in _KEPT or name in passed or name.startswith(_KEPT_BEGINNINGS))

    return {name: value for name, value in source.items() if keeps(name)}
