"""What can be told of the agents on this machine: found, its version, signed in; only versions are asked of the programs themselves."""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path

from autobuilds.adapters.agents.preset import Preset
from autobuilds.domain.inert import line
from autobuilds.domain.moment import AgentStatus
from autobuilds.domain.patterns import pattern

#: Seconds a program is given to say its version: a Node program on a slow, busy disk takes many.
VERSION_SECONDS = 30
_MAX_OUTPUT = 4096
_FIRST_VERSION = pattern(r"(?<![\d.])\d{1,9}(?:\.\d{1,9}){1,3}(?!\.?\d)")
#: What a version command is given of the environment; no key, and no home of the owner.
_PASSED = ("PATH", "LANG", "LC_ALL", "TMPDIR")
#: Variables of version managers, and what they mean below the home where they are not set.
_MANAGERS = (
    ("PYENV_ROOT", ".pyenv"),
    ("ASDF_DATA_DIR", ".asdf"),
    ("VOLTA_HOME", ".volta"),
    ("MISE_DATA_DIR", ".local/share/mise"),
    ("RUSTUP_HOME", ".rustup"),
)


def statuses(
    table: Mapping[str, Preset], wanted: Sequence[str] | None, environment: Mapping[str, str], *, versions: bool
) -> tuple[AgentStatus, ...]:
    """Return what is known of each agent of a table (or of those wanted); with `versions` the programs are asked for theirs."""
    names = list(table) if wanted is None else list(dict.fromkeys(wanted))
    if not versions:
        return tuple(_status(name, table.get(name), environment, versions=False) for name in names)
    from concurrent.futures import ThreadPoolExecutor

    with ThreadPoolExecutor(max_workers=4) as pool:
        return tuple(pool.map(lambda name: _status(name, table.get(name), environment, versions=True), names))


def _status(name: str, preset: Preset | None, environment: Mapping[str, str], *, versions: bool) -> AgentStatus:
    if preset is None:
        return AgentStatus(name=name, found=False, detail="no agent of this name is known; add it to agents.toml")
    program = which(preset.argv[0], environment.get("PATH"))
    version = _version(preset, environment) if versions and program is not None else None
    return AgentStatus(
        name=name,
        found=program is not None,
        detail=program or f"{preset.argv[0]} is not on the PATH",
        version=version,
        install=preset.install,
        minimum=preset.min_version if versions else None,
        outdated=version is not None and preset.min_version is not None and older(version, preset.min_version),
        signed_in=signed_in(preset, environment),
        verified=preset.verified,
        reserve_mib=preset.reserve_mib,
        nests=preset.nests,
    )


def which(program: str, path: str | None) -> str | None:
    """Return where a program is found, as `shutil.which` does, whose module takes longer to import than all agents to be looked for."""
    if path is None:
        import shutil

        return shutil.which(program)
    named = bool(os.path.dirname(program))  # noqa: PTH120 - a name may end in a slash
    for folder in ("",) if named else path.split(os.pathsep) if path else ():
        found = os.path.join(folder, program)  # noqa: PTH118 - a folder without a name is the current one
        if os.access(found, os.F_OK | os.X_OK) and not os.path.isdir(found):  # noqa: PTH112
            return found
    return None


def signed_in(preset: Preset, environment: Mapping[str, str]) -> bool | None:
    """Return whether an agent is signed in, None where that can't be told: it needs no sign-in, or a keychain may hold it."""
    if not preset.signed_in:
        return None
    home = Path(environment.get("HOME") or os.path.expanduser("~"))  # noqa: PTH111 - total without a home
    if any((home / s[2:]).is_file() if s.startswith("~/") else environment.get(s) for s in preset.signed_in):
        return True
    return None if sys.platform == "darwin" else False


def older(version: str, minimum: str) -> bool:
    """Whether a version is older than another, number by number; what is missing counts as 0."""
    have, need = _numbers(version), _numbers(minimum)
    width = max(len(have), len(need))
    return have + (0,) * (width - len(have)) < need + (0,) * (width - len(need))


def _numbers(version: str) -> tuple[int, ...]:
    return tuple(int(part) for part in version.split("."))


def _version(preset: Preset, environment: Mapping[str, str]) -> str | None:
    if not preset.version:
        return None
    program = which(preset.version[0], environment.get("PATH"))
    if program is None:
        return None
    import tempfile

    kept = {name: environment[name] for name in _PASSED if name in environment}
    with tempfile.TemporaryDirectory(prefix="autobuilds-version-", ignore_cleanup_errors=True) as folder:
        home = Path(folder, "home")
        home.mkdir(mode=0o700)
        said = _said([program, *preset.version[1:]], Path(folder), {**kept, "HOME": str(home), **_found_at(environment)})
    match = _FIRST_VERSION.search(line(said.decode("utf-8", "replace")))
    return match[0] if match is not None else None


def _found_at(environment: Mapping[str, str]) -> dict[str, str]:
    """Return where version managers that start programs by a shim keep them; usually in the owner's home, which is not told."""
    home = environment.get("HOME")
    usual = {name: str(Path(home, place)) for name, place in _MANAGERS} if home else {}
    return {
        name: environment.get(name, usual.get(name, ""))
        for name, _ in _MANAGERS
        if environment.get(name) or Path(usual.get(name, "/nonexistent")).is_dir()
    }


def _said(argv: list[str], folder: Path, environment: dict[str, str]) -> bytes:
    """Return the first bytes that a program prints in its time; into a file, so that nothing it leaves behind can hold us up."""
    import signal
    import subprocess

    with (folder / "version").open("w+b") as output:
        try:
            process = subprocess.Popen(
                argv, cwd=folder, env=environment, stdin=subprocess.DEVNULL, stdout=output, stderr=output, start_new_session=True
            )
        except (OSError, ValueError):
            return b""
        try:
            process.wait(VERSION_SECONDS)
        except subprocess.TimeoutExpired:
            return b""
        finally:
            with suppress(ProcessLookupError, PermissionError):
                os.killpg(process.pid, signal.SIGKILL)
            process.wait()
        output.seek(0)
        return output.read(_MAX_OUTPUT)
