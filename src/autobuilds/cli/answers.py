"""Answering: the result of a use case, printed as text or as JSON."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from autobuilds.cli.formatters import human, json_
from autobuilds.cli.formatters.style import Style
from autobuilds.cli.session import say, say_json, tell
from autobuilds.domain.inert import terminal
from autobuilds.domain.labels import slugify
from autobuilds.domain.moment import as_json as plain
from autobuilds.domain.spelling import did_you_mean
from autobuilds.domain.verdicts import Assessment
from autobuilds.errors import NotSo
from autobuilds.planning.forecast import Forecast, Slot
from autobuilds.runtime.heartbeat import Beat


def heartbeat(beat: Beat, *, as_json: bool, style: Style) -> None:
    """Print what a heartbeat did; its last line is HEARTBEAT_OK or what needs the owner."""
    for run in beat.duties:
        if not as_json:
            say(f"duty: {run}")
    if as_json:
        say_json(json_.heartbeat_json(beat.transitions, beat.needs_you, ok=beat.ok, faults=list(beat.faults), duties=list(beat.duties)))
    else:
        say(human.heartbeat(beat.transitions, beat.needs_you, style, beat.faults))


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
        say_json({**json_.why_json(beat.assessments), "kind": "heartbeat", "check": True})
    else:
        say(human.why(beat.assessments, beat.moment.now, style, all_gates=False) or "no task waits")


def status(beat: Beat, *, as_json: bool, style: Style) -> None:
    """Print the status."""
    if as_json:
        say_json(json_.status_json(beat.view))
    else:
        say(human.status(beat.view, beat.moment.now, style))


def why(beat: Beat, label: str | None, *, as_json: bool, style: Style) -> None:
    """Print every gate of one task, or what holds each task; raises NotSo for an unknown label, or one that needs no gate."""
    chosen = beat.assessments if label is None else (_assessment(beat, label),)
    if as_json:
        say_json(json_.why_json(chosen))
    else:
        say(human.why(chosen, beat.moment.now, style, all_gates=label is not None) or "no task waits")


def _assessment(beat: Beat, label: str) -> Assessment:
    wanted = slugify(label)
    found = next((a for a in beat.assessments if a.label == wanted), None)
    if found is not None:
        return found
    running = next((b for b in beat.view.building if b.label == wanted), None)
    if running is not None:
        raise NotSo(f"{wanted} is running: attempt {running.attempt} with {running.agent} since {running.started:%Y-%m-%d %H:%M}")
    if any(b.label == wanted for b in beat.view.review):
        raise NotSo(f"{wanted} is finished and waits for your review; autobuilds review {wanted} shows it")
    task = beat.loaded.snapshot.queue.find(wanted)
    if task is not None:
        raise NotSo(f"{wanted} is completed; autobuilds reopen {wanted} builds it again")
    guess = did_you_mean(wanted, [a.label for a in beat.assessments])
    raise NotSo(f'no task "{label}" waits in the queue{guess}; autobuilds list shows them')


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
