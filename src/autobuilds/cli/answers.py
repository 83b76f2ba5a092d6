"""Answering: the result of a use case, printed as text or as JSON."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from datetime import datetime
from typing import TYPE_CHECKING, Any

from autobuilds.cli.formatters import human, json_
from autobuilds.cli.session import json_text, say, say_json, tell
from autobuilds.domain.inert import terminal
from autobuilds.domain.labels import slugify
from autobuilds.domain.lifecycle import Event
from autobuilds.domain.moment import as_json as plain

if TYPE_CHECKING:
    from autobuilds.cli.formatters.style import Style
    from autobuilds.domain.build import Build
    from autobuilds.domain.verdicts import Assessment
    from autobuilds.planning.forecast import Forecast, Slot
    from autobuilds.runtime.became import Became
    from autobuilds.runtime.looking import Beat
    from autobuilds.runtime.upcoming import Upcoming


def heartbeat(beat: Beat, *, as_json: bool, style: Style) -> None:
    """Print what a heartbeat did; its last line is HEARTBEAT_OK or what needs the owner."""
    if not as_json:
        for run in beat.duties:
            say(f"duty: {run}")
        if any(t["event"] == Event.START for t in beat.transitions):
            tell_sandbox(beat)
    say(heartbeat_text(beat, as_json=as_json, style=style))


def heartbeat_text(beat: Beat, *, as_json: bool, style: Style) -> str:
    """Return the answer of a heartbeat without its duties."""
    if as_json:
        more = {"faults": list(beat.faults), "duties": list(beat.duties), "sandbox": beat.sandbox}
        return json_text(json_.heartbeat_json(beat.transitions, beat.needs_you, ok=beat.ok, **more))
    return human.heartbeat(beat.transitions, beat.needs_you, style, beat.faults)


def tell_sandbox(beat: Beat) -> None:
    """Say on stderr, in one line, what is weaker about the sandbox in force than it could be; what is demanded and missing, the gate says."""
    choice = beat.sandbox
    if choice is None or choice.tier is None or not choice.words or beat.loaded.settings.sandbox is not None:
        return
    mend = f" To mend it: {choice.fix}" if choice.fix else ""
    tell(terminal(f"sandbox: {choice.tier.value}, weaker than it could be: {choice.words}{mend}"))


def left_to_another(busy: str) -> None:
    """Answer as JSON for a heartbeat that left because another one is at work; `busy` says which, so nothing is known to be well."""
    say_json(json_.heartbeat_json((), (), ok=False, busy=busy))


def tell_transitions(transitions: Iterable[Mapping[str, Any]]) -> None:
    """Tell on stderr what a heartbeat did, while the command goes on."""
    for transition in transitions:
        tell(terminal(f"{transition['label'] or 'workspace'}: {transition['event']}: {transition['reason']}"))


def check_beat(beat: Beat, *, as_json: bool, style: Style) -> None:
    """Print what a heartbeat would do."""
    if as_json:
        say_json({**json_.why_json(beat.assessments), "kind": "heartbeat", "check": True, "sandbox": plain(beat.sandbox)})
    else:
        tell_sandbox(beat)
        say(human.why(beat.assessments, beat.moment.now, style, all_gates=False) or "no task waits")


def status(beat: Beat, *, as_json: bool, style: Style) -> None:
    """Print the status."""
    say(status_text(beat, beat.moment.now, as_json=as_json, style=style))


def status_text(beat: Beat, now: datetime, *, as_json: bool, style: Style) -> str:
    """Return the status as it is said at a time."""
    return json_text(json_.status_json(beat.view)) if as_json else human.status(beat.view, now, style)


def why(beat: Beat, label: str | None, archived: Callable[[], Iterable[Build]], *, as_json: bool, style: Style) -> None:
    """Print every gate of one task, what became of it, or what holds each task; raises NotSo for an unknown label.

    `archived` gives the builds of the archives, for a task whose build is not in the ledger any more.
    """
    if label is None:
        chosen: tuple[Assessment, ...] = beat.assessments
    else:
        wanted = slugify(label)
        found = next((a for a in beat.assessments if a.label == wanted), None)
        over = _over(beat, wanted, archived) if found is None else None
        if over is not None:
            _became(over, as_json=as_json, style=style)
            return
        if found is None:
            from autobuilds.runtime.refusals import unknown

            raise unknown(beat.loaded, label)
        chosen = (found,)
    if as_json:
        say_json({**json_.why_json(chosen), "sandbox": plain(beat.sandbox)})
    else:
        tell_sandbox(beat)
        say(human.why(chosen, beat.moment.now, style, all_gates=label is not None) or "no task waits")


def _over(beat: Beat, label: str, archived: Callable[[], Iterable[Build]]) -> Became | None:
    from autobuilds.runtime.became import became, with_build

    snapshot = beat.loaded.snapshot
    if snapshot.ledger.find(label) is None:
        old = max((b for b in archived() if b.label == label), key=lambda b: b.updated, default=None)
        snapshot = with_build(snapshot, old) if old is not None else snapshot
    return became(snapshot, label, beat.moment.runs)


def _became(over: Became, *, as_json: bool, style: Style) -> None:
    if as_json:
        say_json({**json_.why_json(()), "became": plain(over)})
    else:
        say(human.became(over, style))


def upcoming_text(found: Upcoming, *, as_json: bool, style: Style) -> str:
    """Return what could be started now."""
    return json_text(json_.next_json(found.ready)) if as_json else human.next_tasks(found.ready, found.now, style)


def forecast(found: Forecast, *, as_json: bool, style: Style) -> None:
    """Print the coming hours."""
    if as_json:
        held = json_.why_json(found.not_reached)["tasks"]
        say_json(
            {
                "schema": 1,
                "kind": "plan",
                "from": plain(found.start),
                "to": plain(found.end),
                "slots": plain(found.slots),
                "not_reached": held,
            }
        )
        return
    text = human.timeline([_entry(s) for s in found.slots], found.start, style)
    held = human.why(found.not_reached, found.start, style, all_gates=False)
    say(text + (f"\nNot reached in these hours:\n{held}" if found.not_reached else ""))


def _entry(slot: Slot) -> human.TimelineEntry:
    words = "running" if slot.running else "starts"
    return human.TimelineEntry(at=slot.start, label=slot.label, what=f"{words}; length unknown" if slot.guessed else words, until=slot.end)
