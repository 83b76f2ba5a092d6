"""Installs the rivals into `.rivals/`, each in the version that the figures name; what can't be installed is skipped with a word.

`python -m benchmarks.rivals [--heavy]` installs them alone. `.rivals/bin` then holds `backlog` and `task`, for the proofs.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from benchmarks import peers_files, peers_lines
from benchmarks.runner import Failed
from benchmarks.tools import Tool

FOLDER = Path(__file__).resolve().parents[1] / ".rivals"
#: Seconds that one installation may take.
PATIENCE = 900


def _call(*argv: str | Path, cwd: Path) -> None:
    """Run an installer. Raises `Failed` with the end of what it said."""
    name = Path(argv[0]).name
    if shutil.which(str(argv[0])) is None:
        raise Failed(f"there is no {name} here")
    try:
        done = subprocess.run([str(word) for word in argv], cwd=cwd, check=False, capture_output=True, text=True, timeout=PATIENCE)
    except subprocess.TimeoutExpired:
        raise Failed(f"{name} was not ready after {PATIENCE} s") from None
    if done.returncode:
        said = (done.stderr.strip() or done.stdout.strip()).splitlines()
        raise Failed(f"{name} ended with status {done.returncode}: {said[-1] if said else 'no word'}")


def _npm(folder: Path, package: str, program: str) -> Path:
    found = folder / "node_modules" / program
    if not found.exists():
        folder.mkdir(parents=True, exist_ok=True)
        _call("npm", "install", "--prefix", ".", "--no-audit", "--no-fund", "--no-save", package, cwd=folder)
    if not found.exists():
        raise Failed(f"{package} holds no {program} for this machine")
    return found


def _deb(folder: Path, package: str, program: str) -> Path:
    """Unpack a Debian package of the release in use; nothing is installed into the system."""
    found = folder / "root" / program
    if not found.exists():
        folder.mkdir(parents=True, exist_ok=True)
        _call("apt-get", "download", package, cwd=folder)
        for archive in folder.glob(f"{package}_*.deb"):
            _call("dpkg", "-x", archive, folder / "root", cwd=folder)
    if not found.exists():
        raise Failed(f"the package {package} holds no {program}")
    return found


def _python(*, newer: bool) -> Path:
    """Return an interpreter: this one, or one of Python 3.13 or newer where it is found. Raises `Failed`."""
    if not newer or sys.version_info >= (3, 13):
        return Path(sys.executable)
    names = [Path(found) for name in ("python3.14", "python3.13") if (found := shutil.which(name))]
    versions = Path.home() / ".pyenv" / "versions"
    for candidate in [*names, *sorted(versions.glob("3.1[3-9]*/bin/python3"), reverse=True)]:
        asked = [str(candidate), "-c", "import sys; sys.exit(sys.version_info < (3, 13))"]
        if subprocess.run(asked, check=False, capture_output=True).returncode == 0:
            return candidate
    raise Failed("it needs Python 3.13 or newer, and none was found")


def _pip(folder: Path, package: str, *, newer: bool = False) -> Path:
    found = folder / "bin" / package.partition("==")[0]
    if not found.exists():
        _call(_python(newer=newer), "-m", "venv", folder, cwd=folder.parent)
        pip = [str(folder / "bin" / "python"), "-m", "pip", "--disable-pip-version-check", "install", "-q"]
        _call(*pip, *(["--ignore-requires-python"] if newer else []), package, cwd=folder.parent)
    return found


def _first_line(*argv: str | Path) -> str:
    done = subprocess.run(
        [str(word) for word in argv], check=False, capture_output=True, text=True, env={**os.environ, "TASKRC": os.devnull}
    )
    return (done.stdout.strip() or done.stderr.strip()).splitlines()[0]


def _backlog(folder: Path) -> Tool:
    version = "1.52.0"
    kind = {"linux": "linux", "darwin": "darwin"}.get(sys.platform, sys.platform)
    machine = {"x86_64": "x64", "aarch64": "arm64", "arm64": "arm64"}.get(_machine(), _machine())
    program = _npm(folder / "node", f"backlog.md@{version}", f"backlog.md-{kind}-{machine}/backlog")
    _link(folder, "backlog", program)
    return peers_files.backlog(program, version)


def _machine() -> str:
    import platform

    return platform.machine()


def _taskwarrior(folder: Path) -> Tool:
    own = shutil.which("task")
    program = Path(own) if own and _first_line(own, "--version").startswith("2.") else _deb(folder / "apt", "taskwarrior", "usr/bin/task")
    version = _first_line(program, "--version")
    if not version.startswith("2."):
        raise Failed(f"Taskwarrior {version} keeps its tasks in a database; the benchmark writes those of 2")
    _link(folder, "task", program)
    return peers_lines.taskwarrior(program, version)


def _todotxt(folder: Path) -> Tool:
    program = _deb(folder / "apt", "todotxt-cli", "usr/bin/todo-txt")
    return peers_lines.todotxt(program, "2.11.0")


def _topydo(folder: Path) -> Tool:
    return peers_lines.topydo(_pip(folder / "topydo", "topydo==0.14"), "0.14")


def _todoing(folder: Path) -> Tool:
    return peers_files.todoing(_pip(folder / "todoing", "todoing==1.1.0"), "1.1.0")


def _mdtodo(folder: Path) -> Tool:
    return peers_lines.mdtodo(_pip(folder / "mdtodo", "mdtodo==0.5.0", newer=True), "0.5.0")


def _task_master(folder: Path) -> Tool:
    version = "0.43.1"
    program = _npm(folder / "task-master", f"task-master-ai@{version}", "task-master-ai/dist/task-master.js")
    return peers_files.task_master(program, version)


def _tk(_: Path) -> Tool:
    program = shutil.which("tk")
    if program is None:
        raise Failed("not on PATH; it is a script in a repository (wedow/ticket), and nothing is downloaded from forges")
    if "minimal ticket system" not in _first_line(program, "help"):
        raise Failed(f"{program} is another program of that name")
    return peers_files.tk(Path(program), lists=shutil.which("ticket-ls") is not None or shutil.which("tk-ls") is not None)


def _link(folder: Path, name: str, program: Path) -> None:
    """Put a program at a place that stays, for those who drive it from elsewhere."""
    link = folder / "bin" / name
    link.parent.mkdir(exist_ok=True)
    if link.resolve() != program.resolve():
        link.unlink(missing_ok=True)
        link.symlink_to(program)


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """The rivals that are there, and why the others are not."""

    tools: list[Tool]
    skipped: list[str]


#: Every rival, and whether it is too large to be installed without being asked for (1.4 GB).
RIVALS: dict[str, tuple[Callable[[Path], Tool], bool]] = {
    "taskwarrior": (_taskwarrior, False),
    "todo.txt-cli": (_todotxt, False),
    "topydo": (_topydo, False),
    "todoing": (_todoing, False),
    "mdtodo": (_mdtodo, False),
    "backlog.md": (_backlog, False),
    "tk": (_tk, False),
    "task-master-ai": (_task_master, True),
}


#: Tools of the same kind that are never measured here, and why.
NOT_DRIVEN = (
    "dstask, beans, kanban-md: have to be built with Go",
    "beads: its package downloads a program from a forge while it is installed",
)


def find(*, heavy: bool, say: Callable[[str], None]) -> Found:
    """Install what is not there yet and return what can be measured."""
    FOLDER.mkdir(exist_ok=True)
    tools, skipped = [], []
    for name, (make, large) in RIVALS.items():
        if large and not heavy:
            skipped.append(f"{name}: 1.4 GB and seconds a command; measured with `--heavy`")
            continue
        say(f"{name}: finding or installing it")
        try:
            tools.append(make(FOLDER))
        except Failed as word:
            skipped.append(f"{name}: {word}")
            say(f"{name}: skipped: {word}")
    return Found(tools=tools, skipped=[*skipped, *NOT_DRIVEN])


def main() -> None:
    """Install the rivals and say what is there."""
    found = find(heavy="--heavy" in sys.argv, say=lambda line: print(line, file=sys.stderr, flush=True))
    for tool in found.tools:
        print(f"{tool.name} {tool.version}")
    for line in found.skipped:
        print(f"skipped: {line}")


if __name__ == "__main__":
    main()
