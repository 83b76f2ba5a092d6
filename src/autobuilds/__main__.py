"""The entry point; `--version` is answered before anything heavy is imported."""

from __future__ import annotations

import sys


def main() -> None:
    """Run the command line."""
    if sys.argv[1:] == ["--version"]:
        from autobuilds import __version__

        sys.stdout.write(f"autobuilds {__version__}\n")
        return
    from autobuilds.cli.app import run

    sys.exit(run(sys.argv[1:]))


if __name__ == "__main__":
    main()
