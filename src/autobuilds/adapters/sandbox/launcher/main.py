"""The launcher itself: options in, containment in force, then the program in its place."""

from __future__ import annotations

import os
import sys

from .landlock import Rules, Uncontained, reachable, version

#: The exit status when the program was not started; `env`, `timeout` and `docker run` use the same.
NOT_STARTED, NOT_FOUND = 125, 127
_SIGPIPE, _SIGXFSZ, _DEFAULT = 13, 25, 0
_MOST_FILES = 65536


def main(arguments: list[str]) -> int:
    """Contain this process and become the program after `--`; return only when that can't be.

    Options are `KEY=VALUE`: processes, memory, file (numbers), powerless, landlock, files, inherited (flags), network (open, web or
    none), port, read, write, hide (any number of each), tmp (a folder for temporary files),
    keep (folders that TMPDIR may be in as it is).
    """
    options: dict[str, list[str]] = {}
    while arguments and arguments[0] != "--":
        key, _, value = arguments.pop(0).partition("=")
        options.setdefault(key, []).append(value)
    program = arguments[1:]
    if not program:
        return NOT_STARTED
    try:
        _contain(options)
        os.execvp(program[0], program)  # noqa: S606 - an argument list is just what is wanted
    except FileNotFoundError as error:
        return _say(program[0], error.strerror or "it is not there", NOT_FOUND)
    except (OSError, Uncontained, ValueError) as error:
        return _say(program[0], str(error), NOT_STARTED)


def _say(program: str, why: str, status: int) -> int:
    sys.stderr.write(f"autobuilds: {program} was not started: {why}\n")
    return status


def _contain(options: dict[str, list[str]]) -> None:
    from . import limits

    def number(key: str) -> int | None:
        return int(options[key][0]) if key in options else None

    os.closerange(3, _MOST_FILES)
    _restore_signals()
    limits.leave_keyring()
    processes = number("processes")
    if processes is not None:
        limits.join_group(processes)
    limits.set_limits(limits.bounds(processes=processes, memory=number("memory"), file=number("file")))
    for folder in options.get("tmp", []):
        os.environ["TMPDIR"] = limits.temporary_folder(os.environ.get("TMPDIR"), folder, options.get("keep", []))
    if "powerless" in options:
        if os.geteuid() == 0:
            limits.drop_capabilities()
        limits.no_new_privileges()
    if "landlock" in options:
        from . import sockets

        limits.no_new_privileges()
        _restrict(options)
        sockets.restrict()


def _restore_signals() -> None:
    # Python ignores these two, and a program inherits that; the module `signal` would double the time of the start.
    import _signal  # type: ignore[import-not-found]

    _signal.signal(_SIGPIPE, _DEFAULT)
    _signal.signal(_SIGXFSZ, _DEFAULT)


def _restrict(options: dict[str, list[str]]) -> None:
    abi = version()
    if not abi:
        raise Uncontained("this kernel has no Landlock, or it is switched off")
    network = options.get("network", [""])[0]
    rules = Rules(abi, files="files" in options, network=bool(network))
    if "files" in options:
        rules.allow_files(read=options.get("read", []), write=options.get("write", []), hide=options.get("hide", []))
    if network:
        rules.allow_ports(reachable(network, map(int, options.get("port", []))))
    rules.enforce()
