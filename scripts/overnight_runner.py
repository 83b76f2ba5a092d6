#!/usr/bin/env python3
"""The overnight session: start, report, brief, is-overnight (docs/reference/historical-scripts.md)."""

import sys

try:
    from autobuilds.cli.historical import run_script
except ModuleNotFoundError as missing:
    sys.exit(f"{missing}; install autobuilds for this Python: {sys.executable} -m pip install autobuilds")

if __name__ == "__main__":
    sys.exit(run_script("overnight_runner", sys.argv[1:], __file__))
