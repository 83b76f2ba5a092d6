"""All agents known in a workspace, and how each is run."""

from __future__ import annotations

import os
import stat
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from autobuilds import errors, kept
from autobuilds.adapters.agents import detect
from autobuilds.adapters.agents.events import SESSION
from autobuilds.adapters.agents.preset import Preset
from autobuilds.adapters.agents.rules import parse_rules
from autobuilds.adapters.agents.schema import BUDGET_PLACE, MODEL_PLACE, PLACE, parse, read_tables
from autobuilds.adapters.agents.values import Table, near
from autobuilds.domain.agents import SCRATCH, ReportRules
from autobuilds.domain.moment import AgentStatus
from autobuilds.ports import Invocation
from autobuilds.records import dataclass, replace

__all__ = ["COMMAND", "MAX_ITEM_BYTES", "OWN_FILE", "Preset", "Presets", "parse"]

#: The owner's own presets, at the root of the workspace.
OWN_FILE = "agents.toml"
#: The embedded agent that runs a task's Steps.
COMMAND = "command"
#: One item of a command line holds 128 KiB less one byte on Linux.
MAX_ITEM_BYTES = 120_000
#: Passed on to every build where they are set; `LC_` stands for all that begin so.
ALWAYS_PASSED = ("PATH", "LANG", "TERM", "TZ", "SSL_CERT_FILE", "SSL_CERT_DIR", "NODE_EXTRA_CA_CERTS")
#: The least in USD that an agent is told it may cost; of nothing it would not begin.
_LEAST_MONEY = 0.01
_MAX_FILE_BYTES = 1024 * 1024
_SHIPPED = "presets.toml"


@dataclass(frozen=True, slots=True)
class Presets:
    """All agents known in a workspace by name, the preferred first; implements `ports.Agents`."""

    table: Mapping[str, Preset]

    @classmethod
    def load(cls, workspace: Path | None) -> Presets:
        """Return the shipped presets with the owner's own (agents.toml) in front; raises BadInput for a preset that can't be read."""
        text = _read(_SHIPPED)
        shipped = parse(text, _SHIPPED, own=False, tables=_shipped(text))
        written = _own(workspace / OWN_FILE) if workspace is not None else None
        own = {} if written is None else parse(written, OWN_FILE, own=True, bases=lambda name: _whole(text, name))
        rest = {name: preset for name, preset in shipped.items() if name not in own}
        return cls({**own, **rest})

    def find(self, name: str) -> Preset:
        """Return a preset with its rules, which those in `table` lack if they are shipped.

        Raises BadInput, with a suggestion, for a name that is not known.
        """
        preset = self.table.get(name)
        if preset is None:
            hint = near(name, self.table)
            raise errors.BadInput(f"unknown agent {name!r}{hint}; known are {', '.join(self.table)}; add your own to {OWN_FILE}")
        return preset if preset.own else replace(preset, rules=_stream(name))

    def invocation(
        self,
        name: str,
        *,
        run_folder: Path,
        steps: str | None,
        passed: Sequence[str] = (),
        model: str | None = None,
        resume: str | None = None,
        clone: Path | None = None,
        prompt: str | None = None,
        money: float | None = None,
    ) -> Invocation:
        """Return how an agent is run for the attempt of `run_folder`; the environment is an allow-list over this process's.

        Raises BadInput for an unknown agent, for Steps that are missing, for Steps or a prompt too long for a command line.
        """
        preset = self.find(name)
        resumes = resume is not None and bool(preset.resume) and SESSION.fullmatch(resume) is not None
        session = resume if resumes else _session(run_folder) if preset.session == "preset" else None
        clone = clone or run_folder.parent.parent / "clones" / run_folder.name
        prompt_file = str(run_folder / "prompt.md")
        values = {
            "repo": str(clone),
            "gitdir": str(clone / ".git"),
            "prompt_file": prompt_file,
            "prompt": _prompt(preset, prompt, prompt_file),
            "steps": _steps(preset, steps),
            "session": session or "",
            "scratch": str(run_folder / SCRATCH),
            "out": str(run_folder / SCRATCH / "agent-out"),
        }
        line = preset.resume if resumes else preset.argv
        argv = tuple(_fill(item, values) for item in _with_options(preset, line, model, money))
        environment = _environment(preset, passed, os.environ)
        home = Path(os.environ.get("HOME") or Path.home())
        return Invocation(
            argv=argv,
            environment=environment,
            prompt_on_stdin=preset.prompt == "stdin",
            rules=_rules(preset, values),
            stop=preset.stop,
            session=session,
            resumes=resumes,
            credentials=preset.credentials,
            network=preset.network,
            ports=_ports(preset, environment),
            readable=tuple(str(home / path) for path in preset.readable),
            nests=preset.nests,
        )

    def detect(self, wanted: Sequence[str] | None, environment: Mapping[str, str]) -> tuple[AgentStatus, ...]:
        """Return what is known of each agent (or of those wanted) without running anything."""
        return detect.statuses(self.table, wanted, environment, versions=False)

    def examine(self, wanted: Sequence[str] | None, environment: Mapping[str, str]) -> tuple[AgentStatus, ...]:
        """Return the same with the version of each that is found, which runs its version command, all at the same time."""
        return detect.statuses(self.table, wanted, environment, versions=True)


def _session(run_folder: Path) -> str:
    """Return a session's id that is always the same for an attempt."""
    import uuid

    return str(uuid.uuid5(uuid.NAMESPACE_URL, str(run_folder)))


def _read(*parts: str) -> str:
    return Path(__file__).parent.joinpath(*parts).read_text(encoding="utf-8")


def _shipped(text: str) -> dict[str, Any]:
    """Return the tables of the shipped file, from what an earlier command kept of it."""
    found: dict[str, Any] = kept.made("presets", text, lambda: read_tables(text, _SHIPPED))
    return found


def _stream(name: str) -> ReportRules:
    """Return how a shipped agent's output is read."""
    given = _stream_table(name)
    return ReportRules() if given is None else parse_rules(Table(given, f"streams/{name}.toml: [{name}]"))


def _stream_table(name: str) -> dict[str, Any] | None:
    try:
        return read_tables(_read("streams", f"{name}.toml"), f"streams/{name}.toml")
    except FileNotFoundError:
        return None


def _whole(text: str, name: str) -> dict[str, Any] | None:
    """Return a shipped table with its rules, to base another on; None for a name that is not shipped."""
    table = read_tables(text, _SHIPPED).get(name)
    return None if table is None else {**table, **(_stream_table(name) or {})}


def _with_options(preset: Preset, line: tuple[str, ...], model: str | None, money: float | None) -> list[str]:
    """Return a command line with its model and limit of money in place, or without where none is set; each is one item, whatever it holds."""
    items: list[str] = []
    for item in line:
        if item == BUDGET_PLACE:
            items += [] if money is None else [part.replace("{budget}", f"{max(money, _LEAST_MONEY):.2f}") for part in preset.budget]
        elif item != MODEL_PLACE:
            items.append(item)
        elif model is not None:
            items += [part.replace("{model}", _escaped(model)) for part in preset.model]
    return items


def _escaped(model: str) -> str:
    """Return a model's name, refused where it could be taken for an option or a place."""
    if not model or model.startswith("-") or "{" in model or not model.isprintable():
        raise errors.BadInput(f"{model!r} is no name of a model")
    return model


def _fill(item: str, values: Mapping[str, str]) -> str:
    return PLACE.sub(lambda m: values.get(m[1], m[0]), item)


def _steps(preset: Preset, steps: str | None) -> str:
    if not any("{steps}" in item for item in preset.argv):
        return ""
    if steps is None or not steps.strip():
        raise errors.BadInput(
            f"the agent {preset.name!r} runs a task's Steps, but the task has none; add a Steps field or name another agent"
        )
    if _size(steps) > MAX_ITEM_BYTES:
        raise errors.BadInput(f"the task's Steps are longer than {MAX_ITEM_BYTES} bytes; put them into a script of the repository")
    return steps


def _prompt(preset: Preset, prompt: str | None, prompt_file: str) -> str:
    """Return what stands for {prompt}; where the prompt is not known yet, it is the agent's to read the file."""
    if preset.prompt != "arg":
        return ""
    if prompt is None:
        return f"Read the file {prompt_file} and carry out the task that it describes."
    if _size(prompt) > MAX_ITEM_BYTES:
        raise errors.BadInput(
            f"the prompt has {_size(prompt)} bytes, but {preset.name!r} takes it as an argument, which holds {MAX_ITEM_BYTES}; "
            "shorten the task, or name an agent that reads its prompt from standard input"
        )
    if "\0" in prompt:
        raise errors.BadInput(
            f"the prompt holds a NUL character, which {preset.name!r} can't be given as an argument; remove it from the task"
        )
    return prompt


def _size(text: str) -> int:
    return len(text.encode("utf-8", "surrogatepass"))


def _rules(preset: Preset, values: Mapping[str, str]) -> ReportRules:
    rules = preset.rules
    return rules if rules.result_file is None else replace(rules, result_file=_fill(rules.result_file, values))


def _environment(preset: Preset, passed: Sequence[str], source: Mapping[str, str]) -> dict[str, str]:
    names = {*ALWAYS_PASSED, *preset.variables, *passed, *(n for n in source if n.startswith("LC_"))}
    kept = {n: source[n] for n in sorted(names) if n in source and not n.startswith("AUTOBUILDS_")}
    return {**kept, "GIT_TERMINAL_PROMPT": "0", **dict(preset.set)}


def _ports(preset: Preset, environment: Mapping[str, str]) -> tuple[int, ...]:
    """Return the ports that it must reach: its own and those of its base URLs; a URL that can't be read opens nothing."""
    from urllib.parse import urlsplit

    ports = dict.fromkeys(preset.ports)
    for name in preset.base_urls:
        try:
            url = urlsplit(environment.get(name, ""))
            port = url.port or {"http": 80, "https": 443}.get(url.scheme)
        except ValueError:
            continue
        if port:
            ports.setdefault(port)
    return tuple(ports)


def _own(path: Path) -> str | None:
    """Return the text of the owner's file, None where there is none; raises BadInput for one that can't be read."""
    try:
        fd = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    except FileNotFoundError:
        return None
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
        return content.decode("utf-8")
    except UnicodeDecodeError as error:
        raise errors.BadInput(f"{OWN_FILE} is not UTF-8 (byte {error.start})") from error
