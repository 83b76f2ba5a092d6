"""Install real agent programs into `.agents/` of the checkout by the ordinary clients: `python -m tests.agents.installing [TIER | NAME ...]`.

Only the standard library; the versions stand in versions.toml. What can't be installed is said and counted, never hidden.
"""

from __future__ import annotations

import fcntl
import os
import re
import shutil
import subprocess
import sys
import time
import tomllib
import venv
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
PLACE = Path(os.environ.get("AGENTS_DIR") or ROOT / ".agents")
VERSIONS = Path(__file__).with_name("versions.toml")
#: One try of one program; measured: 5 to 140 s.
SECONDS = 420
TRIES = 2


@dataclass(frozen=True, slots=True, kw_only=True)
class Program:
    """One line of the table: what is installed, by which client, and which Node it runs on (None: needs none)."""

    name: str
    tier: int
    source: str
    package: str
    version: str
    program: str
    needs: tuple[str, ...] = ()
    node: int | None = None

    @property
    def folder(self) -> Path:
        """Where it is installed."""
        return PLACE / self.name

    @property
    def bin(self) -> Path:
        """The folder of its commands."""
        return self.folder / ("node_modules/.bin" if self.source == "npm" else "bin")

    @property
    def wanted(self) -> str:
        """What the stamp of a whole installation says."""
        return " ".join((f"{self.package}@{self.version}", *self.needs))

    @property
    def installed(self) -> bool:
        """Whether this very version is there."""
        stamp = self.folder / "installed"
        return stamp.exists() and stamp.read_text() == self.wanted and (self.bin / self.program).exists()

    def path(self) -> tuple[str, ...]:
        """Return the folders to be put before PATH for it."""
        own = (str(self.bin),)
        if self.node is None or self.node <= machine_node():
            return own
        return (*own, str(NODE_BIN))


NODE_BIN = PLACE / "node" / "node_modules" / "node" / "bin"


def table() -> tuple[dict[str, Program], str]:
    """Return every program by name, and the pinned version of Node as npm names it."""
    tables = tomllib.loads(VERSIONS.read_text())
    node = tables.pop("node")
    programs = {
        name: Program(
            name=name,
            tier=row["tier"],
            source=row["from"],
            package=row["package"],
            version=row["version"],
            program=row["program"],
            needs=tuple(row.get("needs", ())),
            node=row.get("node"),
        )
        for name, row in tables.items()
    }
    return programs, f"{node['package']}@{node['version']}"


def machine_node() -> int:
    """Return the major version of the machine's own Node, 0 where there is none."""
    found = shutil.which("node")
    if found is None:
        return 0
    said = subprocess.run([found, "--version"], capture_output=True, text=True, check=False, timeout=30).stdout
    numbers = re.match(r"v(\d+)\.", said)
    return int(numbers[1]) if numbers else 0


def _npm(folder: Path, *packages: str, first: tuple[str, ...] = ()) -> str | None:
    """Install packages into a folder; `first` are folders put before PATH, since packages look at the Node that installs them."""
    npm = shutil.which("npm")
    if npm is None:
        return "npm is not on the PATH (it comes with Node 20 or newer)"
    argv = [npm, "install", "--prefix", str(folder), "--no-audit", "--no-fund", "--no-save", "--loglevel=error", *packages]
    return _try(argv, {**os.environ, "PATH": os.pathsep.join((*first, os.environ["PATH"]))})


def _pip(folder: Path, *packages: str) -> str | None:
    if not (folder / "bin" / "python").exists():
        venv.create(folder, with_pip=True)
    return _try([str(folder / "bin" / "python"), "-m", "pip", "--disable-pip-version-check", "install", "--quiet", *packages])


def _try(argv: list[str], environment: dict[str, str] | None = None) -> str | None:
    """Run a client, once more where it fails, and return why it failed."""
    why = ""
    for _ in range(TRIES):
        try:
            done = subprocess.run(
                argv,
                env=environment,
                capture_output=True,
                text=True,
                errors="replace",
                check=False,
                stdin=subprocess.DEVNULL,
                timeout=SECONDS,
            )
        except subprocess.TimeoutExpired:
            why = f"not done after {SECONDS} s"
            continue
        if done.returncode == 0:
            return None
        lines = [one.strip() for one in re.split(r"\r\n|\r|\n", done.stderr + done.stdout) if one.strip()]
        why = " / ".join(lines[:3] or ["no message"])[:300]
    return why


def install(program: Program) -> str | None:
    """Install one program unless it is there, and return why it could not be."""
    if program.installed:
        return None
    shutil.rmtree(program.folder, ignore_errors=True)
    program.folder.mkdir(parents=True)
    if program.source == "npm":
        why = _npm(program.folder, f"{program.package}@{program.version}", *program.needs, first=program.path()[1:])
    else:
        why = _pip(program.folder, f"{program.package}=={program.version}", *program.needs)
    if why is None and not (program.bin / program.program).exists():
        why = f"the package came without the command {program.program}"
    if why is None:
        (program.folder / "installed").write_text(program.wanted)
    return why


def install_node(spec: str) -> str | None:
    """Install the pinned Node, for programs that the machine's own is too old for."""
    stamp = PLACE / "node" / "installed"
    if stamp.exists() and stamp.read_text() == spec and (NODE_BIN / "node").exists():
        return None
    (PLACE / "node").mkdir(parents=True, exist_ok=True)
    why = _npm(PLACE / "node", spec)
    if why is None:
        stamp.write_text(spec)
    return why


def main(arguments: list[str]) -> int:
    """Install a tier (and those below), or the programs named; returns 1 when one could not be installed."""
    programs, node = table()
    words = arguments or ["1"]
    unknown = [w for w in words if not w.isdigit() and w not in programs]
    if unknown:
        _say(f"no agent is called {unknown[0]}; known are {', '.join(programs)}, or a tier: 1, 2")
        return 2
    wanted = [p for p in programs.values() if p.name in words or any(w.isdigit() and p.tier <= int(w) for w in words)]
    PLACE.mkdir(parents=True, exist_ok=True)
    with (PLACE / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        return _install_all(wanted, node)


def _install_all(wanted: list[Program], node: str) -> int:
    """Install programs, two at a time, and say of each what became of it; returns 1 when one could not be installed."""
    have = machine_node()
    if any(p.node is not None and p.node > have for p in wanted):
        why = install_node(node)
        _say(f"agents: {node}: {why or 'installed'}")
    failed = 0
    with ThreadPoolExecutor(max_workers=2) as pool:
        for program, (why, seconds) in zip(wanted, pool.map(_timed, wanted), strict=True):
            failed += why is not None
            word = "could not be installed: " + why if why else f"installed ({seconds:.0f} s)"
            _say(f"agents: {program.name} {program.version}: {word}")
    if failed:
        _say(f"agents: {failed} of {len(wanted)} are missing; the tests that need them are skipped and counted")
    return 1 if failed else 0


def _say(words: str) -> None:
    sys.stdout.write(f"{words}\n")
    sys.stdout.flush()


def _timed(program: Program) -> tuple[str | None, float]:
    begun = time.monotonic()
    return install(program), time.monotonic() - begun


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
