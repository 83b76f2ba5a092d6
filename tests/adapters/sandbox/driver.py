"""A supervisor in small: starts one program contained, as it is told by a line of JSON on standard input, and says how it ended.

Run by an interpreter that the wanted user can execute; the answer is one line of JSON: exit status, output, errors, seconds.
"""

from __future__ import annotations

import ctypes
import json
import os
import subprocess
import sys
import time

from autobuilds.adapters.sandbox import prepare, wrap
from autobuilds.domain.sandbox import Confinement, Network, Quota, Tier


def confinement(said: dict[str, object]) -> Confinement:
    values: dict[str, object] = {key: tuple(value) if isinstance(value, list) else value for key, value in said.items()}
    values["tier"] = Tier(str(values["tier"]))
    values["network"] = Network(str(values.get("network", "open")))
    values["quota"] = Quota(**values.get("quota", {}))  # type: ignore[arg-type]
    return Confinement(**values)  # type: ignore[arg-type]


def main() -> None:
    asked = json.loads(sys.stdin.readline())
    contained = confinement(asked["confinement"])
    if key := asked.get("key"):
        # A key in the session of this process, as an owner's might hold one.
        ctypes.CDLL(None).syscall(250, 1, b"owner", 0, 0, 0)
        ctypes.CDLL(None).syscall(248, b"user", key.encode(), b"canary-key", 10, -3)
    how = {
        "stdin": subprocess.DEVNULL,
        "stdout": subprocess.PIPE,
        "stderr": subprocess.PIPE,
        "env": asked["environment"],
        "cwd": asked["cwd"],
    }
    argv = [str(os.getpid()) if part == "@pid" else part.replace('"@pid"', str(os.getpid())) for part in asked["argv"]]
    began = time.monotonic()
    if asked["quick"]:
        with prepare(contained) as prepared:
            process = prepared.popen(argv, **how)
            out, err = process.communicate(timeout=60)
    else:
        process = subprocess.Popen(wrap(contained, argv), **how)
        out, err = process.communicate(timeout=60)
    said = {"status": process.returncode, "out": out.decode(errors="replace"), "err": err.decode(errors="replace")}
    sys.stdout.write(json.dumps({**said, "seconds": time.monotonic() - began}) + "\n")
    sys.stdout.flush()
    sys.stdin.readline()


if __name__ == "__main__":
    main()
