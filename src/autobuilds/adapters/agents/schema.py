"""Presets from a text of TOML: every table is checked key by key, so that a mistake is a message and not a failed build."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from autobuilds import errors
from autobuilds.adapters.agents import rules
from autobuilds.adapters.agents.preset import Preset
from autobuilds.adapters.agents.values import Table, inside, near
from autobuilds.domain.patterns import pattern
from autobuilds.domain.sandbox import Network
from autobuilds.ports import StopStep

PROMPTS = ("arg", "file", "none", "stdin")
SESSIONS = ("none", "preset", "reported")
SIGNALS = ("SIGHUP", "SIGINT", "SIGKILL", "SIGQUIT", "SIGTERM")
#: What is filled in within an item of a command line.
PLACES = ("gitdir", "out", "prompt", "prompt_file", "repo", "scratch", "session", "steps")
#: An item that stands for all of `model`, or for nothing where no model is set.
MODEL_PLACE = "{model...}"
#: The same for `budget`, where no limit of money is set.
BUDGET_PLACE = "{budget...}"
PLACE = pattern(r"\{([a-z_]+)\}")
_NAME = pattern(r"[a-z0-9][a-z0-9_-]{0,63}")
_VERSION = pattern(r"\d{1,9}(?:\.\d{1,9}){0,3}")
_MAX_STEPS = 8
KEYS = rules.KEYS | {
    "argv", "base_urls", "based_on", "budget", "credentials", "install", "min_version", "model", "nests", "network", "ports", "prompt", "readable",
    "reserve_mib", "resume", "session", "set", "signed_in", "stop", "variables", "verified", "version",
}  # fmt: skip

#: Finds a table by its name.
Bases = Callable[[str], dict[str, Any] | None]


def _no_base(_: str) -> None:
    return None


def read_tables(text: str, file: str) -> dict[str, Any]:
    """Return the tables of a TOML text as they are; raises BadInput that names the file and the place in it."""
    import tomllib

    try:
        return tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise errors.BadInput(f"{file}: {error}") from error
    except RecursionError as error:
        raise errors.BadInput(f"{file}: nested too deep to be read") from error
    except ValueError as error:
        raise errors.BadInput(f"{file}: a number has too many digits to be read") from error


def parse(text: str, file: str, *, own: bool, bases: Bases = _no_base, tables: dict[str, Any] | None = None) -> dict[str, Preset]:
    """Return the presets of a TOML text; `bases` finds the tables that `based_on` may name besides those above in the text.

    `tables` are those of the text where they are known already.

    Raises BadInput that names file, table and key.
    """
    known: dict[str, Any] = {}
    made = {}
    for name, given in (read_tables(text, file) if tables is None else tables).items():
        known[name] = table = _based(name, given, file, known, bases)
        made[name] = _preset(name, table, file, own=own)
    return made


def _based(name: str, given: Any, file: str, known: dict[str, Any], bases: Bases) -> Any:
    """Return a table with the keys of the one that it is based on where it has none of its own."""
    if not isinstance(given, dict) or "based_on" not in given:
        return given
    wanted = given["based_on"]
    base = (known.get(wanted) or bases(wanted)) if isinstance(wanted, str) else None
    if not isinstance(base, dict):
        raise errors.BadInput(f"{file}: [{name}] based_on: {wanted!r} is neither a shipped agent nor one above in this file")
    return {**base, **given}


def _preset(name: str, given: Any, file: str, *, own: bool) -> Preset:
    if not isinstance(given, dict):
        raise errors.BadInput(f"{file}: {name!r} stands outside a table; an agent is a table such as [my-agent] with argv = [...]")
    table = Table(given, f"{file}: [{name}]")
    if not _NAME.fullmatch(name):
        raise errors.BadInput(f"{table.where}: a name has small letters, digits, - and _")
    table.only(KEYS)
    places = {MODEL_PLACE: table.texts("model"), BUDGET_PLACE: table.texts("budget")}
    argv, resume = _argv(table, "argv", places), _argv(table, "resume", places)
    if not argv or not argv[0]:
        raise errors.BadInput(f"{table.where}: argv must be a list of texts that begins with the program")
    session = table.one_of("session", SESSIONS, "none")
    if resume and session == "none":
        raise table.bad("resume", 'without a session there is nothing to resume; set session = "preset" or "reported"')
    version = table.texts("version") if "version" in table else (argv[0], "--version")
    return Preset(
        name=name,
        argv=argv,
        resume=resume,
        model=places[MODEL_PLACE],
        budget=places[BUDGET_PLACE],
        prompt=_prompt(table, argv),
        session=session,
        variables=tuple(dict.fromkeys((*table.variables("variables"), *table.variables("base_urls")))),
        set=table.assignments("set"),
        credentials=table.below_home("credentials"),
        readable=table.below_home("readable"),
        network=_network(table),
        base_urls=table.variables("base_urls"),
        ports=_ports(table),
        nests=table.flag("nests", default=False),
        stop=_stop(table),
        min_version=_min_version(table),
        version=version,
        signed_in=_signed_in(table),
        reserve_mib=table.number("reserve_mib", 0, 1_048_576),
        install=table.text("install"),
        verified=table.flag("verified", default=True),
        rules=rules.parse_rules(table),
        own=own,
    )


def _argv(table: Table, key: str, places: dict[str, tuple[str, ...]]) -> tuple[str, ...]:
    argv = table.texts(key)
    for item in argv:
        if item in places and not places[item]:
            name = item[1:-4]
            raise table.bad(key, f'{item} needs a key {name}, such as {name} = ["--{name}", "{{{name}}}"]')
        for place in PLACE.findall(item):
            if place not in PLACES:
                raise table.bad(
                    key, f"unknown place {{{place}}}{near(place, PLACES)}; known are {', '.join(PLACES)}, {MODEL_PLACE} and {BUDGET_PLACE}"
                )
    return argv


def _prompt(table: Table, argv: tuple[str, ...]) -> str:
    prompt = table.one_of("prompt", PROMPTS, "stdin")
    if (prompt == "arg") != any("{prompt}" in item for item in argv):
        raise table.bad("prompt", '{prompt} stands in argv where prompt = "arg", and only there')
    return prompt


def _network(table: Table) -> Network | None:
    if "network" not in table:
        return None
    return Network(table.one_of("network", [n.value for n in Network], Network.OPEN.value))


def _ports(table: Table) -> tuple[int, ...]:
    given = table.raw("ports") or []
    if not isinstance(given, list) or not all(isinstance(p, int) and not isinstance(p, bool) and 0 < p < 65536 for p in given):
        raise table.bad("ports", "a list of TCP ports is meant, such as [11434]")
    return tuple(given)


def _stop(table: Table) -> tuple[StopStep, ...]:
    given = table.raw("stop") or []
    if not isinstance(given, list) or len(given) > _MAX_STEPS:
        raise table.bad("stop", f'a list of at most {_MAX_STEPS} steps is meant, such as [["SIGINT", 5], ["SIGKILL", 0]]')
    steps = []
    for step in given:
        match step:
            case [str(signal), int() | float() as seconds] if signal in SIGNALS and not isinstance(seconds, bool) and 0 <= seconds <= 600:
                steps.append(StopStep(signal=signal, seconds=float(seconds)))
            case _:
                raise table.bad("stop", f"{step!r} is no step; one of {', '.join(SIGNALS)} and 0 to 600 seconds are meant")
    if steps and steps[-1].signal != "SIGKILL":
        raise table.bad("stop", "the last step is SIGKILL, else an agent could stay")
    return tuple(steps)


def _min_version(table: Table) -> str | None:
    version = table.text("min_version")
    if version is not None and not _VERSION.fullmatch(version):
        raise table.bad("min_version", f"{version!r} is no version such as 1.20.3")
    return version


def _signed_in(table: Table) -> tuple[str, ...]:
    shown = table.texts("signed_in")
    for one in shown:
        if one.startswith("~/") and not inside(one[2:]):
            raise table.bad("signed_in", f"{one!r} is not a file below the home, such as ~/.agent/auth.json")
        if not one.startswith("~/") and (not one.isidentifier() or not one.isascii()):
            raise table.bad("signed_in", f"{one!r} is neither a variable nor a file below the home (~/…)")
    return shown
