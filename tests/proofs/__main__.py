"""Run proofs from the command line: `python -m tests.proofs NAME... [--scale sample|full] [--tool TOOL] [--seed N] [--part K/N] [--json] [--keep]`.

Without a name all of them run, one after the other; with `--tool` or `--part` all that can. Exit status 1 where a goal is missed or
something went wrong.
"""

from __future__ import annotations

import argparse
import importlib
import json
import pkgutil
import re
import sys
import tempfile
import time
from dataclasses import asdict
from pathlib import Path
from typing import TextIO

import tests.proofs
from tests.proofs._record import keep
from tests.proofs.figures import Figures, Options
from tests.proofs.tools import TOOLS

OURS = "autobuilds"


def names() -> list[str]:
    """Return the names of all proofs: the modules here that can be run."""
    found = [info.name for info in pkgutil.iter_modules(tests.proofs.__path__) if not info.name.startswith(("_", "test_"))]
    return [name for name in found if hasattr(importlib.import_module(f"tests.proofs.{name}"), "run")]


def prove(name: str, options: Options) -> Figures:
    """Run one proof."""
    run = importlib.import_module(f"tests.proofs.{name}").run
    figures = run(options)
    assert isinstance(figures, Figures)
    return figures


def takes(name: str, what: str) -> bool:
    """Return whether a proof's module says that it heeds an option: ANY_TOOL for `--tool`, IN_PARTS for `--part`."""
    return getattr(importlib.import_module(f"tests.proofs.{name}"), what, False) is True


def told(name: str) -> str:
    """Return what a proof shows, in one line."""
    return " ".join((importlib.import_module(f"tests.proofs.{name}").__doc__ or "").split("\n\n")[0].split())


def _say(stream: TextIO, line: str) -> None:
    stream.write(line + "\n")
    stream.flush()


def _part(text: str) -> tuple[int, int]:
    found = re.fullmatch(r"([0-9]{1,6})/([0-9]{1,6})", text)
    if found is None or not 1 <= int(found[1]) <= int(found[2]):
        raise argparse.ArgumentTypeError(f"{text!r} is no part: write K/N with 1 <= K <= N, such as 2/4")
    return int(found[1]), int(found[2])


def _chosen(parser: argparse.ArgumentParser, given: argparse.Namespace, known: list[str]) -> list[str]:
    """Return the proofs to run: those that are named, or all that heed the options; ends with 2 where a named one does not."""
    wanted = {"ANY_TOOL": f"--tool {given.tool}" if given.tool != OURS else "", "IN_PARTS": "--part" if given.part != (1, 1) else ""}
    able = known
    for what, option in wanted.items():
        if option:
            able = [name for name in able if takes(name, what)]
    options = " ".join(filter(None, wanted.values()))
    if unable := [name for name in given.names if name not in able]:
        parser.error(f"{', '.join(unable)}: not with {options}; proofs that can: {', '.join(able) or 'none'}")
    if not able:
        parser.error(f"no proof can be run with {options}")
    return given.names or able


def _parser(known: list[str]) -> argparse.ArgumentParser:
    def proof(text: str) -> str:
        if text not in known:
            raise argparse.ArgumentTypeError(f"no proof is called {text!r}; there are {', '.join(known)}")
        return text

    about = "Without a name all of them run, one after the other; with --tool or --part all that can."
    status = "Exit status 1 where a goal is missed or something went wrong."
    proofs = "\n".join(f"  {name:<11} {told(name)}" for name in known)
    parser = argparse.ArgumentParser(
        prog="python3 tasks.py prove",
        description=f"Run proofs from the outside, on autobuilds or another tool. {about} {status}",
        epilog=f"the proofs:\n{proofs}",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("names", nargs="*", metavar="NAME", type=proof, help="a proof; they are listed below")
    parser.add_argument(
        "--scale", choices=["sample", "full"], default="sample", help="a sample of minutes, or as many points as the goals name"
    )
    able = {what: ", ".join(name for name in known if takes(name, what)) for what in ("ANY_TOOL", "IN_PARTS")}
    parser.add_argument(
        "--tool",
        default=OURS,
        choices=sorted(TOOLS),
        metavar="TOOL",
        help=f"the tool that is tried ({able['ANY_TOOL']}): {', '.join(TOOLS)}",
    )
    parser.add_argument("--seed", type=int, default=1, help="of all that is random")
    parser.add_argument("--part", type=_part, default=(1, 1), metavar="K/N", help=f"every N-th point from the K-th on ({able['IN_PARTS']})")
    parser.add_argument("--json", action="store_true", help="one object a proof in place of a table")
    parser.add_argument("--keep", action="store_true", help="keep the counts in tests/proofs/results/ and in docs/reliability.md")
    return parser


def main(argv: list[str]) -> int:
    """Run what the arguments name, print each table as soon as it is there, and return the exit status."""
    known = names()
    parser = _parser(known)
    given = parser.parse_args(argv)
    if given.keep and given.part != (1, 1):
        parser.error("--keep: a part is not kept, its counts would stand for those of the whole; leave --part or --keep out")
    held = True
    for name in _chosen(parser, given, known):
        began = time.monotonic()
        with tempfile.TemporaryDirectory(prefix=f"proof-{name}-") as folder:
            options = Options(
                folder=Path(folder).resolve(),
                full=given.scale == "full",
                tool=given.tool,
                seed=given.seed,
                part=given.part,
                say=lambda line: _say(sys.stderr, line),
            )
            figures = prove(name, options)
        held = held and figures.held
        if given.keep:
            keep(figures, scale=given.scale, seed=given.seed, tool=given.tool, seconds=time.monotonic() - began)
        if given.json:
            _say(sys.stdout, json.dumps({**asdict(figures), "held": figures.held, "seconds": round(time.monotonic() - began, 1)}))
        else:
            _say(sys.stdout, f"{figures.table()}\n\n{given.scale}, {time.monotonic() - began:.0f} s, seed {given.seed}\n")
    return 0 if held else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
