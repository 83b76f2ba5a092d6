"""What a contained agent must be able to read although it lies in a hidden place: its program, the PATH, borrowed objects."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path

from autobuilds import errors
from autobuilds.adapters.git.place import find

#: What of a folder with `bin` in it programs need; never `share`, where other programs keep secrets.
_OF_A_PREFIX = ("bin", "lib", "lib64", "libexec", "include", "pyvenv.cfg")
#: Tool chains that live in a home: by a folder of the PATH what else they need, and the variable that tells them where.
_TOOL_CHAINS = (
    (".cargo/bin", (".rustup/toolchains", ".rustup/settings.toml"), "RUSTUP_HOME", ".rustup"),
    (".pyenv/shims", (".pyenv",), "PYENV_ROOT", ".pyenv"),
    (".pyenv/bin", (".pyenv",), "PYENV_ROOT", ".pyenv"),
    (".asdf/shims", (".asdf",), "ASDF_DATA_DIR", ".asdf"),
    (".volta/bin", (".volta/bin", ".volta/tools"), "VOLTA_HOME", ".volta"),
    (".local/share/mise/shims", (".local/share/mise",), "MISE_DATA_DIR", ".local/share/mise"),
)
_MOST_LINKS = 8
_ALTERNATES = 5
_FIRST_LINE = 256


def borrowed(repository: Path) -> tuple[str, ...]:
    """Return the folders of objects that a private clone of a repository reads; empty where there is no repository."""
    try:
        queue = [find(repository).objects.resolve()]
    except (errors.AutobuildsError, OSError):
        return ()
    found: list[Path] = []
    while queue and len(found) < _ALTERNATES:
        objects = queue.pop(0)
        found.append(objects)
        try:
            rows = os.fsdecode((objects / "info" / "alternates").read_bytes()).split("\n")
        except OSError:
            continue
        queue += [(objects / row).resolve() for row in rows if row and not row.startswith("#")]
    return tuple(str(p) for p in found)


def programs(argv: Iterable[str], environment: Mapping[str, str], hidden: Iterable[str]) -> tuple[str, ...]:
    """Return what has to be readable in the hidden folders so that the program of a command line and those on the PATH run."""
    search = environment.get("PATH", os.defpath)
    tops = [Path(os.path.realpath(folder)) for folder in hidden]
    found: dict[str, None] = {}
    candidates = [*_of_path(search, tops)]
    for name in tuple(argv)[:1]:
        program = shutil.which(name, path=search)
        candidates += _of_program(Path(program)) if program is not None else ()
    for candidate in candidates:
        # A whole hidden folder that is a virtual environment, as by `python -m venv .`, stays hidden but for its programs.
        parts = [candidate / name for name in _OF_A_PREFIX] if _holds(candidate, tops) else [candidate]
        for path in parts:
            if _below(path, tops) and path.exists():
                found.setdefault(str(path))
    return tuple(found)


def tool_chains(environment: Mapping[str, str], home: Path) -> tuple[tuple[str, ...], dict[str, str]]:
    """Return what the tool chains on the PATH need of the owner's home, and the variables that tell them where it is."""
    search = {os.path.realpath(p) for p in environment.get("PATH", os.defpath).split(os.pathsep) if p.startswith("/")}
    readable: list[str] = []
    told: dict[str, str] = {}
    for folder, needs, variable, where in _TOOL_CHAINS:
        if os.path.realpath(home / folder) in search and (home / where).is_dir():
            readable += [str(home / need) for need in needs if (home / need).exists()]
            told.setdefault(variable, str(home / where))
    return tuple(dict.fromkeys(readable)), {name: value for name, value in told.items() if name not in environment}


def _below(path: Path, tops: list[Path]) -> bool:
    real = Path(os.path.realpath(path))
    return any(top in real.parents or top in path.parents for top in tops)


def _holds(path: Path, tops: list[Path]) -> bool:
    """Whether a path is one of the hidden folders, or has one of them in it."""
    return any(top.is_relative_to(os.path.realpath(path)) for top in tops)


def _of_path(search: str, tops: list[Path]) -> Iterator[Path]:
    for entry in search.split(os.pathsep):
        folder = Path(entry)
        if not folder.is_absolute() or not _below(folder, tops):
            continue
        yield folder
        if folder.name == "bin":
            yield from _prefix(folder.parent)


def _prefix(prefix: Path) -> Iterator[Path]:
    """Yield what of a folder that holds `bin` its programs need; all of it where it is a virtual environment."""
    if (prefix / "pyvenv.cfg").is_file():
        yield prefix
        yield from _interpreter(prefix)
        return
    for name in _OF_A_PREFIX:
        yield prefix / name


def _interpreter(venv: Path) -> Iterator[Path]:
    """Yield the installation of the interpreter that a virtual environment was made with."""
    real = (venv / "bin" / "python").resolve()
    yield from (real.parent.parent / name for name in _OF_A_PREFIX if real.parent.name == "bin")


def _of_program(program: Path) -> Iterator[Path]:
    """Yield a program, what its links lead to, and the package that it belongs to."""
    yield program
    seen = program
    for _ in range(_MOST_LINKS):
        yield from _package(seen)
        if not seen.is_symlink():
            break
        seen = Path(os.path.normpath(seen.parent / seen.readlink()))
        yield seen
    real = program.resolve()
    yield real
    yield from _package(real)
    interpreter = _shebang(real)
    if interpreter is not None:
        yield interpreter
        yield from _package(interpreter)
        yield interpreter.resolve()
        yield from _package(interpreter.resolve())


def _package(program: Path) -> Iterator[Path]:
    modules = [p for p in program.parents if p.name == "node_modules"]
    if modules:
        yield modules[-1]
    venv = next((p for p in program.parents if (p / "pyvenv.cfg").is_file()), None)
    if venv is not None:
        yield venv
        yield from _interpreter(venv)
    elif program.parent.name == "bin":
        yield from _prefix(program.parent.parent)


def _shebang(program: Path) -> Path | None:
    try:
        with program.open("rb") as file:
            first = file.read(_FIRST_LINE).split(b"\n", 1)[0]
    except OSError:
        return None
    words = first[2:].split() if first.startswith(b"#!") else []
    return Path(os.fsdecode(words[0])) if words and words[0].startswith(b"/") else None
