"""Scenarios: what the model does, chosen by a word in the prompt such as `stub-ok-1f2e3d`, wherever in the conversation it stands."""

from __future__ import annotations

import re
import secrets
from collections.abc import Callable
from enum import StrEnum

from tests.agents.stub_model.talk import Call, Fault, Reply, Say, Silence, Talk, Tool

#: What the happy path writes, and the command that checks it.
FILE, CONTENT = "hello.txt", "hello"
_SUBMIT = "COMPLETE_TASK_AND_SUBMIT_FINAL_OUTPUT"
_SHELLS = ("bash", "shell", "shell_command", "run_shell_command", "exec_command", "exec", "local_shell", "execute_command", "terminal")
_COMMANDS = ("command", "cmd", "script", "input")
_READ = re.compile(r"Read the file (\S+) and carry out")


class Scenario(StrEnum):
    """What the model does."""

    #: Writes the file through a tool of the agent, then says that it is done.
    OK = "ok"
    #: Refuses the key, always.
    AUTH = "auth"
    #: Answers the first request of a prompt with a rate limit, then as `ok`.
    LIMIT_ONCE = "limitonce"
    #: Says that it is done, and does nothing.
    NOOP = "noop"
    #: Runs a command that does not end, and never answers where an agent gives it up; as `ok` once the test lets go.
    HANG = "hang"
    #: Never answers.
    MUTE = "mute"
    #: Declines the task.
    REFUSE = "refuse"
    #: Writes a wrong file and says that the check passed.
    WRONG = "wrong"
    #: Runs `env` and writes what it shows into the file.
    SPILL = "spill"


_MARKER = re.compile(rf"stub-({'|'.join(Scenario)})-([0-9a-f]{{6,16}})\b")


def marker(scenario: Scenario) -> str:
    """Return a word that makes the model follow a scenario; a new one each time, so that no fault is counted twice."""
    return f"stub-{scenario}-{secrets.token_hex(4)}"


def hang_number(word: str) -> int:
    """Return the number by which the command of `hang` is found in a list of processes; no `sleep`, which some agents refuse to run."""
    return 100_000_000 + int(word.rpartition("-")[2][:6], 16)


def found(talk: Talk) -> tuple[Scenario, str, int] | None:
    """Return the scenario, its marker and how many tools have answered since the marker was first seen: agents repeat prompts."""
    first: tuple[Scenario, str, int] | None = None
    for entry in talk.entries:
        match = _MARKER.search(entry.text)
        if first is not None:
            first = (first[0], first[1], first[2] + entry.result)
        elif match is not None:
            first = (Scenario(match[1]), match[0], 0)
    return first


def shell_of(talk: Talk) -> Tool | None:
    """Return the tool that runs commands, if the agent offers one."""
    by_name = {tool.name.casefold().rpartition(".")[2]: tool for tool in reversed(talk.tools)}
    return next((by_name[name] for name in _SHELLS if name in by_name), None)


def reply(talk: Talk, count: Callable[[str], int], let_go: dict[str, int | None] | None = None) -> Reply:
    """Return what the model answers; `count` tells how often it was asked about a marker, this time included.

    Markers in `let_go` of scenarios that do not end go the happy path, from as many results on as are noted for them there; at the
    first question after that, what has been answered so far is noted.
    """
    if talk.shaped:
        return Say(text='{"reasoning": "it is done", "next_speaker": "user", "title": "stub", "complexity_score": 1}')
    what = found(talk)
    if what is None:
        return _unknown(talk)
    scenario, word, done = what
    if let_go is not None and word in let_go:
        if let_go[word] is None and talk.tools:
            let_go[word] = done
        before = let_go[word] or 0
        return _work(talk, Scenario.OK, word, max(0, done - before))
    match scenario:
        case Scenario.AUTH:
            return Fault(status=401, kind="authentication_error", message="invalid api key: the stub knows none")
        case Scenario.LIMIT_ONCE if count(word) == 1:
            return Fault(status=429, kind="rate_limit_error", message="rate limit reached, try again in 1 s", retry_after=1)
        case Scenario.MUTE:
            return Silence()
        case Scenario.REFUSE:
            return Say(text="I'm sorry, but I can't help with that request.", refusal=True)
    return _work(talk, scenario, word, done)


def _work(talk: Talk, scenario: Scenario, word: str, done: int) -> Reply:
    commands = {
        Scenario.NOOP: (),
        Scenario.HANG: (f"python3 -c 'import signal; signal.pause(); {hang_number(word)}'",),
        Scenario.WRONG: (f"echo something else > {FILE}",),
        Scenario.SPILL: (f"env > {FILE}",),
    }.get(scenario, (f"echo {CONTENT} > {FILE}",))
    final = "Done. The file is written and the check passes."
    shell = shell_of(talk)
    if scenario is Scenario.HANG and done:
        return Silence()
    if any(_SUBMIT in entry.text for entry in talk.entries):
        commands = (*commands, f"echo {_SUBMIT}")
    if done < len(commands) and shell is not None:
        return _call(shell, commands[done], f"{word}-{done}")
    if shell is None and not talk.tools and commands:
        content = "something else" if scenario is Scenario.WRONG else CONTENT
        return Say(text=f"{FILE}\n```\n{content}\n```\n")
    return Say(text=final)


def _unknown(talk: Talk) -> Reply:
    """Without a marker: read the file that the prompt names, else say something harmless (titles, summaries)."""
    shell = shell_of(talk)
    for entry in talk.entries:
        match = _READ.search(entry.text)
        if match is not None and shell is not None and not entry.result:
            return _call(shell, f"cat {match[1]}", f"read-{secrets.token_hex(4)}")
    return Say(text="OK")


def _call(shell: Tool, command: str, ident: str) -> Call:
    key = next((k for k in _COMMANDS if k in shell.properties), "command")
    shape = shell.properties.get(key) or {}
    arguments: dict[str, object] = {key: ["bash", "-lc", command] if shape.get("type") == "array" else command}
    for name in shell.required:
        if name not in arguments:
            arguments[name] = _filler(shell.properties.get(name) or {})
    # A number of its own: agents drop the second of two calls of one id, which a resumed session would have.
    return Call(id=f"call_{ident.replace('-', '_')}_{secrets.token_hex(3)}", tool=shell, arguments=arguments)


def _filler(shape: object) -> object:
    """Return a value for an argument that a tool demands besides the command."""
    kind = shape.get("type") if isinstance(shape, dict) else None
    if isinstance(shape, dict) and shape.get("enum"):
        return shape["enum"][0]
    return {"boolean": False, "number": 600_000, "integer": 600_000, "array": [], "object": {}}.get(str(kind), "run a scripted command")
