"""Spawning: start one task at once by the owner's word, past priority and window, never past risk or approval."""

from __future__ import annotations

from autobuilds.domain import gates
from autobuilds.domain.gates.machine import COMMAND, choose_agent
from autobuilds.domain.labels import is_label
from autobuilds.domain.model import Priority, Task
from autobuilds.domain.verdicts import Assessment, Verdict
from autobuilds.errors import BadInput, Busy, FatalQueue, NotSo, Refused
from autobuilds.planning import Start, situate
from autobuilds.records import replace
from autobuilds.runtime.context import Context
from autobuilds.runtime.observe import observe, proved
from autobuilds.runtime.owner import fatal_message, find_task
from autobuilds.runtime.record import Recorder, recorder_for
from autobuilds.runtime.starting import start
from autobuilds.store.queue.operations import Add, NewTask
from autobuilds.store.workspace import WRITE_WAIT, Loaded


def spawn(context: Context, label: str, spec: str | None, agent: str | None) -> Start:
    """Start a task now; with `spec` a task that is not in the queue yet is written into it first, as the owner's.

    With the agent `command`, `spec` is taken as the task's Steps. Raises Refused with every obstacle where a gate asks,
    Busy where one waits.
    """
    with context.workspace.lock("heartbeat", f"spawn {label}", WRITE_WAIT):
        recorder = recorder_for(context)
        loaded = context.load()
        if loaded.snapshot.queue.fatal:
            raise FatalQueue(fatal_message(loaded.snapshot.queue))
        if not loaded.snapshot.may_start:
            raise Refused("; ".join(str(p) for p in loaded.snapshot.problems))
        known = loaded.snapshot.queue.find(label)
        if known is None and spec is not None:
            _add(recorder, label, spec, agent)
            loaded = context.load()
            try:
                return _start(context, recorder, loaded, find_task(loaded, label), agent)
            except (Refused, Busy) as held:
                raise type(held)(f"{held}\nIt stands in the queue now; a heartbeat starts it when these are settled") from held
        elif known is not None and spec is not None:
            raise BadInput(f'"{label}" is in the queue already; leave the specification out to start it as it stands there')
        task = find_task(loaded, label)
        return _start(context, recorder, loaded, replace(task, agent=agent or task.agent), agent)


def _add(recorder: Recorder, label: str, spec: str, agent: str | None) -> None:
    if not is_label(label):
        raise BadInput(f'"{label}" is no label: lower-case letters, digits and hyphens, at most 64 characters')
    is_command = agent == COMMAND
    new = NewTask(
        name=label,
        priority=Priority.HIGH,
        added=recorder.now,
        description="" if is_command else spec,
        steps=spec if is_command else None,
        agent=agent,
    )
    with recorder.transaction(f"add {label}"):
        recorder.note("added", label, "added, to be started at once by the owner's word")
        recorder.edit(Add(task=new))


def _start(context: Context, recorder: Recorder, loaded: Loaded, task: Task, asked: str | None) -> Start:
    if not task.is_active:
        raise NotSo(f"{task.label} is completed; autobuilds reopen {task.label} builds it again")
    moment = observe(context, loaded, acting=True)
    assessment = gates.assess(situate(task, loaded.snapshot, moment, at_once=True))
    if assessment.verdict is Verdict.GO:
        moment = proved(context, moment)
        assessment = gates.assess(situate(task, loaded.snapshot, moment, at_once=True))
    if assessment.verdict is not Verdict.GO:
        raise _obstacle(task, assessment)
    agent = choose_agent(task, loaded.settings, moment.agents)
    assert agent is not None, "the agent gate said go"
    action = Start(label=task.label, agent=agent.name, assessment=assessment, at_once=True, asked=asked)
    start(context, recorder, loaded, moment, action)
    return action


def _obstacle(task: Task, assessment: Assessment) -> Refused | Busy:
    lines = [f"{g.gate}: {g.reason}" + (f" ({g.fix})" if g.fix else "") for g in assessment.obstacles]
    text = f"{task.label} can't start now:\n  " + "\n  ".join(lines)
    return Refused(text) if assessment.verdict is Verdict.ASK else Busy(text)
