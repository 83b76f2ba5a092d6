"""Presets: tables of TOML, an agent each, and the reader that fills in their command lines."""

from __future__ import annotations

import os
import shutil
import stat
import tomllib
import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from importlib.resources import files
from pathlib import Path
from typing import Any

from autobuilds import errors
from autobuilds.domain.moment import AgentStatus
from autobuilds.domain.patterns import pattern
from autobuilds.ports import Invocation

#: The owner's own presets, at the root of the workspace.
OWN_FILE = "agents.toml"
#: The embedded agent that runs a task's Steps.
COMMAND = "command"
#: One item of a command line holds 128 KiB less one byte on Linux.
MAX_ITEM_BYTES = 120_000
#: Passed on to every build where they are set; `LC_` stands for all that begin so.
ALWAYS_PASSED = ("PATH", "LANG", "TERM", "TZ")
_MAX_FILE_BYTES = 1024 * 1024
_KEYS = {"argv", "prompt", "variables", "set", "install"}
_PROMPTS = {"stdin", "file", "none"}
_PLACES = {"repo", "gitdir", "prompt_file", "steps", "session", "out"}
_PLACE = pattern(r"\{([a-z_]+)\}")
_NAME = pattern(r"[a-z0-9][a-z0-9_-]{0,63}")
_VARIABLE = pattern(r"[A-Za-z_][A-Za-z0-9_]*")


@dataclass(frozen=True, slots=True, kw_only=True)
class Preset:
    """One agent: command line, how the prompt gets in (`stdin`, `file`, `none`), variables it needs, variables it is given."""

    name: str
    argv: tuple[str, ...]
    prompt: str = "stdin"
    variables: tuple[str, ...] = ()
    set: tuple[tuple[str, str], ...] = ()
    install: str | None = None
    #: The owner's own, not a shipped one.
    own: bool = False


@dataclass(frozen=True, slots=True)
class Presets:
    """All agents known in a workspace by name, the preferred first; implements `ports.Agents`."""

    table: Mapping[str, Preset]

    @classmethod
    def load(cls, workspace: Path | None) -> Presets:
        """Return the shipped presets with the owner's own (agents.toml) in front; raises BadInput for a preset that can't be read."""
        shipped = parse(files(__package__).joinpath("presets.toml").read_text(encoding="utf-8"), "presets.toml", own=False)
        own = _own(workspace / OWN_FILE) if workspace is not None else {}
        rest = {name: preset for name, preset in shipped.items() if name not in own}
        return cls({**own, **rest})

    def find(self, name: str) -> Preset:
        """Return a preset; raises BadInput, with a suggestion, for a name that is not known."""
        preset = self.table.get(name)
        if preset is None:
            near = get_close_matches(name, list(self.table), 1)
            hint = f" (did you mean {near[0]!r}?)" if near else ""
            raise errors.BadInput(f"unknown agent {name!r}{hint}; known are {', '.join(self.table)}; add your own to {OWN_FILE}")
        return preset

    def invocation(
        self,
        name: str,
        *,
        run_folder: Path,
        steps: str | None,
        passed: Sequence[str] = (),
        model: str | None = None,  # noqa: ARG002
        resume: str | None = None,  # noqa: ARG002
        clone: Path | None = None,
    ) -> Invocation:
        """Return how an agent is run for the attempt of `run_folder`; the environment is an allow-list over this process's.

        Raises BadInput for an unknown agent, for Steps that are missing or too long.
        """
        preset = self.find(name)
        if any("{steps}" in item for item in preset.argv):
            if steps is None or not steps.strip():
                raise errors.BadInput(
                    f"the agent {name!r} runs a task's Steps, but the task has none; add a Steps field or name another agent"
                )
            if len(steps.encode("utf-8", "surrogatepass")) > MAX_ITEM_BYTES:
                raise errors.BadInput(f"the task's Steps are longer than {MAX_ITEM_BYTES} bytes; put them into a script of the repository")
        clone = clone or run_folder.parent.parent / "clones" / run_folder.name
        values = {
            "repo": str(clone),
            "gitdir": str(clone / ".git"),
            "prompt_file": str(run_folder / "prompt.md"),
            "steps": steps or "",
            "session": str(uuid.uuid5(uuid.NAMESPACE_URL, str(run_folder))),
            "out": str(run_folder / "agent-out"),
        }
        argv = tuple(_PLACE.sub(lambda m: values.get(m[1], m[0]), item) for item in preset.argv)
        return Invocation(argv=argv, environment=self._environment(preset, passed, os.environ), prompt_on_stdin=preset.prompt == "stdin")

    def _environment(self, preset: Preset, passed: Sequence[str], source: Mapping[str, str]) -> dict[str, str]:
        names = {*ALWAYS_PASSED, *preset.variables, *passed, *(n for n in source if n.startswith("LC_"))}
        kept = {n: source[n] for n in sorted(names) if n in source and not n.startswith("AUTOBUILDS_")}
        return {**kept, "GIT_TERMINAL_PROMPT": "0", **dict(preset.set)}

    def detect(self, wanted: Sequence[str] | None, environment: Mapping[str, str]) -> tuple[AgentStatus, ...]:
        """Return whether the program of each agent (or of those wanted) is on the PATH; nothing is run."""
        names = list(self.table) if wanted is None else list(dict.fromkeys(wanted))
        return tuple(self._detect(name, environment.get("PATH")) for name in names)

    def _detect(self, name: str, search: str | None) -> AgentStatus:
        preset = self.table.get(name)
        if preset is None:
            return AgentStatus(name=name, found=False, detail=f"no agent of this name is known; add it to {OWN_FILE}")
        program = shutil.which(preset.argv[0], path=search)
        if program is None:
            return AgentStatus(name=name, found=False, detail=f"{preset.argv[0]} is not on the PATH", install=preset.install)
        return AgentStatus(name=name, found=True, detail=program, install=preset.install)


def _own(path: Path) -> dict[str, Preset]:
    try:
        fd = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    except FileNotFoundError:
        return {}
    except OSError as error:
        raise errors.BadInput(f"{OWN_FILE} can't be read: {error.strerror}") from error
    try:
        content = os.read(fd, _MAX_FILE_BYTES + 1) if stat.S_ISREG(os.fstat(fd).st_mode) else None
    except OSError as error:
        raise errors.BadInput(f"{OWN_FILE} can't be read: {error.strerror}") from error
    finally:
        os.close(fd)
    if content is None:
        raise errors.BadInput(f"{OWN_FILE} is not a regular file. Put a file of that name there, or remove it")
    if len(content) > _MAX_FILE_BYTES:
        raise errors.BadInput(f"{OWN_FILE} is longer than {_MAX_FILE_BYTES} bytes")
    try:
        return parse(content.decode("utf-8"), OWN_FILE, own=True)
    except UnicodeDecodeError as error:
        raise errors.BadInput(f"{OWN_FILE} is not UTF-8 (byte {error.start})") from error


def parse(text: str, file: str, *, own: bool) -> dict[str, Preset]:
    """Return the presets of a TOML text; raises BadInput that names file, table and key."""
    try:
        tables = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise errors.BadInput(f"{file}: {error}") from error
    except RecursionError as error:
        raise errors.BadInput(f"{file}: nested too deep to be read") from error
    return {name: _preset(name, table, file, own=own) for name, table in tables.items()}


def _preset(name: str, table: Any, file: str, *, own: bool) -> Preset:
    where = f"{file}: [{name}]"
    if not isinstance(table, dict):
        raise errors.BadInput(f"{file}: {name!r} stands outside a table; an agent is a table such as [my-agent] with argv = [...]")
    if not _NAME.fullmatch(name):
        raise errors.BadInput(f"{where}: a name has small letters, digits, - and _")
    for key in table:
        if key not in _KEYS:
            near = get_close_matches(key, sorted(_KEYS), 1)
            hint = f" (did you mean {near[0]!r}?)" if near else ""
            raise errors.BadInput(f"{where}: unknown key {key!r}{hint}; known are {', '.join(sorted(_KEYS))}")
    prompt = table.get("prompt", "stdin")
    if prompt not in _PROMPTS:
        raise errors.BadInput(f"{where} prompt: {prompt!r} is none of {', '.join(sorted(_PROMPTS))}")
    install = table.get("install")
    if install is not None and not isinstance(install, str):
        raise errors.BadInput(f"{where} install: a text is meant")
    variables, given = _variables(table, where)
    return Preset(name=name, argv=_argv(table, where), prompt=prompt, variables=variables, set=given, install=install, own=own)


def _argv(table: Mapping[str, Any], where: str) -> tuple[str, ...]:
    argv = _texts(table.get("argv"), f"{where} argv")
    if not argv or not argv[0]:
        raise errors.BadInput(f"{where}: argv must be a list of texts that begins with the program")
    for item in argv:
        for place in _PLACE.findall(item):
            if place not in _PLACES:
                raise errors.BadInput(f"{where} argv: unknown place {{{place}}}; known are {', '.join(sorted(_PLACES))}")
    return argv


def _variables(table: Mapping[str, Any], where: str) -> tuple[tuple[str, ...], tuple[tuple[str, str], ...]]:
    """Return the names of variables that are passed on, and those that are set."""
    variables = _texts(table.get("variables", []), f"{where} variables")
    given = table.get("set", {})
    if not isinstance(given, dict) or not all(isinstance(v, str) for v in given.values()):
        raise errors.BadInput(f'{where} set: a table of texts is meant, such as {{ NAME = "value" }}')
    for variable in (*variables, *given):
        if not _VARIABLE.fullmatch(variable) or variable.startswith("AUTOBUILDS_"):
            raise errors.BadInput(f"{where}: {variable!r} can't be passed as an environment variable")
    return variables, tuple(given.items())


def _texts(value: Any, where: str) -> tuple[str, ...]:
    if not isinstance(value, list) or not all(isinstance(v, str) for v in value):
        raise errors.BadInput(f"{where}: a list of texts is meant")
    return tuple(value)
