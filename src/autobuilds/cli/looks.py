"""The commands that look, and the heartbeat: what they do, whoever read their command line (`cli.plain`, `cli.commands`)."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from autobuilds.cli.session import json_text, open_context, refuse_in_build, say, style, tell
from autobuilds.errors import BadInput, Busy, FatalQueue
from autobuilds.records import replace

if TYPE_CHECKING:
    from datetime import datetime

    from autobuilds.domain.model import Queue
    from autobuilds.runtime.context import Context
    from autobuilds.runtime.looking import Beat

#: Seconds that the heartbeat of an ended build waits for a running heartbeat, since it must not be missed.
PATIENT = 120.0
#: How many tasks `next` names, where that is not said.
NEXT = 3


def heartbeat(
    workspace: Path | None,
    *,
    as_json: bool,
    checking: bool = False,
    monitor: bool = False,
    waiting: bool = False,
    patient: bool = False,
    no_commit: bool = False,
) -> None:
    """Run a heartbeat and say what it did, or with `checking` what it would do; raises Refused inside a build."""
    from autobuilds.cli import answers, keeping
    from autobuilds.runtime import heartbeat as beats

    if not checking:
        refuse_in_build("heartbeat")
    context = open_context(workspace, no_commit=no_commit, acting=None if checking else "heartbeat")
    if checking:
        answers.check_beat(beats.look(context), as_json=as_json, style=style())
        return
    if waiting:
        context = replace(context, heartbeat_argv=())
    before = None if monitor or waiting or no_commit else keeping.before_all(context)
    try:
        beat = beats.beat(context, start=not monitor, patience=PATIENT if patient else beats.PATIENCE)
    except Busy as busy:
        tell(f"{busy}\nanother heartbeat is at work; this one has nothing to add")
        if as_json:
            answers.left_to_another(str(busy))
        return
    if waiting:
        beat = _stay(context, beat, as_json=as_json)
    answers.heartbeat(beat, as_json=as_json, style=style())
    keeping.keep(
        context, before, beat, "heartbeat", lambda _: answers.heartbeat_text(beat, as_json=as_json, style=style()), as_json=as_json
    )


def _stay(context: Context, beat: Beat, *, as_json: bool) -> Beat:
    """Stay until every build that was started has ended; what happens meanwhile is told, or kept for the answer in JSON."""
    from autobuilds.cli import answers
    from autobuilds.runtime import heartbeat as beats

    earlier: list[dict[str, Any]] = []
    tell_each = earlier.extend if as_json else answers.tell_transitions
    last = beats.stay(context, beat, lambda b: tell_each(b.transitions))
    return replace(last, transitions=(*earlier, *last.transitions))


def status(workspace: Path | None, *, as_json: bool) -> None:
    """Say what is going on."""
    from autobuilds.cli import answers, keeping
    from autobuilds.runtime.looking import look

    context, how = open_context(workspace), style()
    before = keeping.before_all(context)
    found = look(context)
    say(answers.status_text(found, found.moment.now, as_json=as_json, style=how))
    keeping.keep(context, before, found, "status", lambda at: answers.status_text(found, at, as_json=as_json, style=how), as_json=as_json)


def plan(workspace: Path | None, *, as_json: bool, hours: int = 12) -> None:
    """Say what would start when in the coming hours."""
    from autobuilds.cli import answers
    from autobuilds.runtime.ahead import look_ahead

    ahead = look_ahead(open_context(workspace), hours)
    for note in ahead.notes:
        tell(note)
    answers.forecast(ahead.forecast, as_json=as_json, style=style())


def upcoming(workspace: Path | None, *, as_json: bool, time: str | None = None, limit: int = NEXT) -> int:
    """Say what could be started now, in `time` if given; return 0, or 1 where nothing is ready. Raises BadInput for what is no time."""
    from autobuilds.cli import answers, keeping
    from autobuilds.runtime.upcoming import upcoming as look_ahead

    context, how = open_context(workspace), style()
    minutes = None if time is None else _minutes(time)
    before = keeping.standing(context) if (time, limit) == (None, NEXT) else None
    found = look_ahead(context, minutes, limit)

    def said(at: datetime) -> str:
        return answers.upcoming_text(replace(found, now=at), as_json=as_json, style=how)

    say(said(found.now))
    if found.ready.candidates:
        return 0 if found.ready.any_go else 1
    keeping.keep_beside(context, before, "next", said, found.now, as_json=as_json)
    return 1


def _minutes(text: str) -> int:
    from autobuilds.domain.spelling import quoted
    from autobuilds.domain.times import parse_duration

    span = parse_duration(text)
    if span is None or span.total_seconds() < 60:
        raise BadInput(f"--for {quoted(text, 40)} is no time of a minute or more; write 90m, 2h or 1h30m")
    return int(span.total_seconds() // 60)


def list_tasks(workspace: Path | None, *, as_json: bool, everything: bool = False) -> None:
    """Say what is in the queue; raises FatalQueue."""
    from autobuilds.cli import keeping

    context = open_context(workspace)
    before = keeping.before_reading(context)
    said = _listed(context.queue(), everything=everything, as_json=as_json)
    say(said)
    keeping.keep_reading(context, before, "list-all" if everything and not as_json else "list", said, as_json=as_json)


def _listed(queue: Queue, *, everything: bool, as_json: bool) -> str:
    if as_json:
        from autobuilds.cli.formatters import json_

        return json_text(json_.list_json(queue))
    if queue.fatal:
        from autobuilds.runtime.owner import fatal_message

        raise FatalQueue(fatal_message(queue))
    from autobuilds.cli.formatters.queue_text import task_list

    waiting = task_list(queue, style())
    if not everything or not queue.completed:
        return waiting
    lines = waiting if waiting.endswith("\n") or not waiting else waiting + "\n"
    return f"{lines}\n{task_list(queue, style(), completed=True)}"
