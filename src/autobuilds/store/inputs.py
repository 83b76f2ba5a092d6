"""What a start was decided on, as the `Inputs:` of its commit keep it, so that the decision can be made again from Git alone.

Files are kept by their digests, since the commit before holds them; what the owner had not committed is kept as the part that differs.
"""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Iterable, Mapping
from datetime import datetime, timedelta, tzinfo
from typing import Any, TypeVar

from autobuilds import __version__
from autobuilds.domain.build import Ledger, Usage
from autobuilds.domain.day import Busy
from autobuilds.domain.moment import AgentStatus, Moment, Resources, RunState, RunStatus, as_json
from autobuilds.domain.sandbox import TierProbe
from autobuilds.domain.settings import Settings
from autobuilds.domain.times import elapsed
from autobuilds.records import MISSING, dataclass, field, fields, replace
from autobuilds.store.ledger import NotALedger

#: Of an agent, what a gate may look at.
_AGENT = ("limited_until", "reserve_mib", "nests")
#: Characters of an uncommitted text that a commit's message carries at most.
_MOST_TEXT = 16_384

#: How far ahead the events of the calendar are kept.
_BUSY_AHEAD = timedelta(days=2)

_T = TypeVar("_T")


@dataclass(frozen=True, slots=True, kw_only=True)
class Inputs:
    """The inputs of one decision as recorded; an empty text or None stands for what was not recorded."""

    #: The world at that instant, but for what the ledger of that instant says of open attempts.
    moment: Moment
    #: The zone's name, or its offset.
    zone: str = ""
    #: The autobuilds that decided.
    version: str = ""
    #: Digests of the texts that were read, by file name.
    digests: Mapping[str, str] = field(default_factory=dict)
    #: What differed from the commit, by file name: characters kept at its beginning and at its end, and the text between.
    changes: Mapping[str, tuple[int, int, str]] = field(default_factory=dict)
    #: The commit that the owner's files were compared with, where the tool's commits go to a branch of their own.
    head: str | None = None
    #: Settings that were not at their defaults, as JSON.
    settings: Mapping[str, Any] | None = None
    #: Started at the owner's word, with this agent in place of the task's.
    at_once: bool = False
    agent: str | None = None
    #: What each gate said of the task that was started.
    gates: Mapping[str, str] = field(default_factory=dict)
    #: What the autobuilds of that time did not record, in words.
    missing: tuple[str, ...] = ()


def digest(text: bytes | None) -> str:
    """Return a short digest of a text, the same for LF and CRLF; empty for no file."""
    return "" if text is None else hashlib.sha256(text.replace(b"\r\n", b"\n")).hexdigest()[:16]


def digest_of_ledger(ledger: Ledger) -> str:
    """Return a short digest of a ledger as a value."""
    import msgspec

    return hashlib.sha256(msgspec.json.encode(ledger)).hexdigest()[:16]


def difference(old: bytes | None, new: bytes | None) -> tuple[int, int, str] | None:
    """Return what makes `new` of `old` (`Inputs.changes`); None where nothing differs, it is too much, or one is no text or not there."""
    if new is None or digest(old) == digest(new):
        return None
    try:
        before, after = _text(old or b""), _text(new)
    except UnicodeDecodeError:
        return None
    most = min(len(before), len(after))
    start = next((n for n in range(most) if before[n] != after[n]), most)
    end = next((n for n in range(most - start) if before[-1 - n] != after[-1 - n]), most - start)
    middle = after[start : len(after) - end]
    return (start, end, middle) if len(middle) <= _MOST_TEXT else None


def changed(old: bytes | None, change: tuple[int, int, str]) -> bytes | None:
    """Return the text that `difference` told of, or None where `old` is no text."""
    try:
        before = _text(old or b"")
    except UnicodeDecodeError:
        return None
    start, end, middle = change
    return (before[:start] + middle + before[len(before) - end :]).encode()


def _text(data: bytes) -> str:
    return data.decode("utf-8").replace("\r\n", "\n")


def encode(
    moment: Moment,
    settings: Settings,
    *,
    wanted: Collection[str],
    digests: Mapping[str, str],
    changes: Mapping[str, tuple[int, int, str]],
    gates: Mapping[str, str],
    head: str | None = None,
    at_once: bool = False,
    agent: str | None = None,
) -> dict[str, object]:
    """Return the inputs as JSON data, what is at its default left out; `wanted` are the agents that tasks and settings name.

    An agent that is neither found nor wanted is kept as its name alone: no gate says more of it.
    """
    parts: dict[str, object] = {
        "now": moment.now.isoformat(),
        "zone": _zone_name(moment.now.tzinfo),
        "version": __version__,
        "digests": dict(digests),
        "changes": {name: list(change) for name, change in changes.items()},
        "head": head,
        "settings": told_settings(settings),
        "resources": _told(moment.resources),
        "agents": [_agent(a, wanted) for a in moment.agents],
        "agents_fault": moment.agents_fault,
        "tiers": [_told(replace(probe, wants_program=False)) for probe in moment.tiers],
        "usage": {attempt: _told(run.usage) for attempt, run in moment.runs.items() if run.usage is not None},
        "hand": sorted(moment.hand_approved),
        "proven": sorted(moment.proven),
        "doubted": sorted(moment.doubted),
        "stop": moment.stop_file,
        "busy": [_event(b) for b in moment.busy if _counts(b, moment.now)],
        "at_once": at_once,
        "agent": agent,
        "gates": dict(gates),
    }
    return {key: value for key, value in parts.items() if value not in (None, "", False, [], {}) or key == "settings"}


def told_settings(settings: Settings) -> dict[str, Any]:
    """Return the settings that are not at their defaults as JSON data."""
    defaults = as_json(Settings())
    return {key: value for key, value in as_json(settings).items() if value != defaults[key]}


def _zone_name(zone: tzinfo | None) -> str:
    return str(getattr(zone, "key", "") or zone or "")


def _told(value: Any) -> dict[str, Any]:
    """Return a value's fields as JSON data without those at their defaults."""
    found = {}
    for part in fields(value):
        mine = getattr(value, part.name)
        default = part.default_factory() if part.default_factory is not MISSING else part.default
        if mine != default:
            found[part.name] = as_json(mine)
    return found


def _agent(agent: AgentStatus, wanted: Collection[str]) -> dict[str, Any] | str:
    if not agent.found and agent.name not in wanted:
        return agent.name
    told = _told(agent)
    kept = ("name", "found", *_AGENT, *(() if agent.found else ("install",)))
    found = {key: told[key] for key in kept if key in told}
    if agent.limited_until is not None:
        found["limited_until"] = agent.limited_until.isoformat()
    return found


def _counts(event: Busy, now: datetime) -> bool:
    """Whether an event of the calendar may steer what is decided now."""
    return elapsed(now, event.end) > timedelta() and elapsed(now, event.start) < _BUSY_AHEAD


def _event(event: Busy) -> dict[str, Any]:
    """Return an event without its title: a commit is read by more people than a calendar, and no gate says it."""
    return _told(replace(event, summary=""))


def decode(plain: Mapping[str, Any]) -> Inputs:
    """Return inputs from their JSON data; raises NotALedger where they are not what `encode` makes, then or in an older version."""
    try:
        return _decoded(plain)
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise NotALedger(f"inputs that can't be read ({error})") from error


def _decoded(plain: Mapping[str, Any]) -> Inputs:
    now = datetime.fromisoformat(plain["now"])
    if now.tzinfo is None:
        raise ValueError("`now` has no offset")
    version = str(plain.get("version", ""))
    # Before versions were recorded the names were those of the installed agents; now a name alone is one that is not.
    agents = tuple(_agent_of(a, found=not version) for a in plain.get("agents", ()))
    moment = Moment(
        now=now,
        resources=_made(plain.get("resources", {}), Resources),
        runs={str(a): RunStatus(state=RunState.RUNNING, usage=_made(u, Usage)) for a, u in plain.get("usage", {}).items()},
        agents=agents,
        agents_fault=plain.get("agents_fault"),
        tiers=tuple(_made(probe, TierProbe) for probe in plain.get("tiers", ())),
        stop_file=plain.get("stop") is True,
        hand_approved=_labels(plain.get("hand", ())),
        proven=_labels(plain.get("proven", ())),
        doubted=_labels(plain.get("doubted", ())),
        busy=tuple(_made({"summary": "", **event}, Busy) for event in plain.get("busy", ())),
    )
    return Inputs(
        moment=moment,
        zone=str(plain.get("zone", "")),
        version=version,
        digests={str(k): str(v) for k, v in plain.get("digests", {}).items()},
        changes={str(k): (int(v[0]), int(v[1]), str(v[2])) for k, v in plain.get("changes", {}).items()},
        head=plain.get("head"),
        settings=plain.get("settings") if version else None,
        at_once=plain.get("at_once") is True,
        agent=plain.get("agent"),
        gates={str(k): str(v) for k, v in plain.get("gates", {}).items()},
        missing=()
        if version
        else ("sandbox tiers", "agents that were not installed", "approvals", "usage of running builds", "file digests"),
    )


def _agent_of(told: Mapping[str, Any] | str, *, found: bool) -> AgentStatus:
    return AgentStatus(name=told, found=found) if isinstance(told, str) else _made({"found": False, **told}, AgentStatus)


def _labels(given: Iterable[Any]) -> frozenset[str]:
    return frozenset(str(label) for label in given)


def _made(plain: Any, kind: type[_T]) -> _T:
    import msgspec

    try:
        return msgspec.convert(plain, type=kind)
    except msgspec.ValidationError as error:
        raise ValueError(str(error)) from error
