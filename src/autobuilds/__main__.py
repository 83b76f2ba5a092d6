"""The entry point; what can be answered at once is, before anything heavy is imported."""

from __future__ import annotations

import sys

#: Objects that are made before Python looks for cycles among them: a queue that is read makes many that stay, and next to no cycles.
# (At Python's own 700 a heartbeat over 10,000 tasks spends a fifth of its time in that search.)
_BETWEEN_COLLECTIONS = 50_000


def main() -> None:
    """Run the command line."""
    if sys.stdin is None or sys.stdout is None or sys.stderr is None:
        _open_closed()
    found = _at_once(sys.argv[1:])
    if found is None:
        import gc

        gc.set_threshold(_BETWEEN_COLLECTIONS, 20, 20)
        from autobuilds.cli.plain import run

        sys.exit(run(sys.argv[1:]))
    try:
        sys.stdout.write(found[0])
        sys.stdout.flush()
    except BrokenPipeError:
        import os

        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    if found[1]:
        sys.exit(found[1])


def _open_closed() -> None:
    """Put the null device where a standard stream was closed: else the next file opened would take its place, and be written to."""
    import os

    for number, name in enumerate(("stdin", "stdout", "stderr")):
        if getattr(sys, name) is not None:
            continue
        null = os.open(os.devnull, os.O_RDWR)
        os.dup2(null, number)
        if null != number:
            os.close(null)
        os.set_inheritable(number, True)
        setattr(sys, name, open(number, "r" if number == 0 else "w", encoding="utf-8", closefd=False))  # noqa: SIM115


def _at_once(args: list[str]) -> tuple[str, int] | None:
    """Return the answer to what needs no look at the workspace, and the exit status, or None."""
    if args == ["--version"]:
        from autobuilds import __version__

        return f"autobuilds {__version__}\n", 0
    from autobuilds.cli.quick import STATUS, answer

    known = answer(args)
    return None if known is None else (known, STATUS.get(args[0], 0))


if __name__ == "__main__":
    main()
