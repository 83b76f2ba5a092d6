"""What launch.c does, where no C compiler is there: run a program, write what the kernel accounts for it.

Usage: launch.py RESULT PROGRAM [ARGUMENT...]. Processes that the program leaves behind are not waited for.
"""

from __future__ import annotations

import os
import sys
import time


def main() -> None:
    """Run what the command line names and write one line into RESULT."""
    result, program, *rest = sys.argv[1:]
    began = time.monotonic()
    pid = os.posix_spawnp(program, [program, *rest], os.environ)
    _, status, use = os.wait4(pid, 0)
    wall, cpu = time.monotonic() - began, use.ru_utime + use.ru_stime
    code = os.waitstatus_to_exitcode(status)
    line = f"{code if code >= 0 else 128 - code} {wall:.6f} {wall:.6f} {cpu:.6f} {cpu:.6f} {use.ru_maxrss} {use.ru_maxrss}\n"
    with open(result, "w", encoding="ascii") as file:  # noqa: PTH123 - pathlib would double this program's memory
        file.write(line)


if __name__ == "__main__":
    main()
