"""Writing the queue by command: each an edit of the file and one commit, without waiting for a heartbeat that is at work."""

from __future__ import annotations

from collections.abc import Sequence

from autobuilds.domain.labels import slugify
from autobuilds.domain.model import Section, Task
from autobuilds.errors import BadInput, NotSo
from autobuilds.records import dataclass
from autobuilds.runtime.context import Context
from autobuilds.runtime.record import recorder_for
from autobuilds.store.queue.document import Document
from autobuilds.store.queue.edit import apply, first_refused
from autobuilds.store.queue.operations import Add, Block, NewTask, Operation, Reopen, SetField, Tick, Unblock
from autobuilds.store.queue.reader import read_queue

#: So many labels are named in the subject of a commit that adds many tasks.
_NAMED = 4


@dataclass(frozen=True, slots=True, kw_only=True)
class Written:
    """Tasks as they are read after an edit, and why the commit had to be left to the next heartbeat (empty when it was made)."""

    tasks: tuple[Task, ...]
    trouble: str = ""
    #: False where everything was so already; then there is no commit either.
    changed: bool = True

    @property
    def task(self) -> Task:
        """The first task."""
        return self.tasks[0]


def add(context: Context, tasks: Sequence[NewTask], places: Sequence[str] = ()) -> Written:
    """Add tasks to the queue in one edit and one commit, all or none; `places` say where each came from, for messages.

    Raises BadInput for a task that can't be written, or whose name is there already; then nothing is written.
    """
    if not tasks:
        raise BadInput("there is no task to add")
    operations = [Add(task=_with_label(task, place)) for task, place in _placed(tasks, places)]
    labels = [operation.task.slug() for operation in operations]
    recorder = recorder_for(context)
    try:
        with recorder.transaction(f"add {labels[0]}"):
            if len(labels) == 1:
                recorder.note("added", labels[0], "added to the queue")
            else:
                more = f" and {len(labels) - _NAMED} more" if len(labels) > _NAMED else ""
                recorder.note("added", "", f"{len(labels)} tasks added: {', '.join(labels[:_NAMED])}{more}")
            document = recorder.edit(*operations)
    except (BadInput, NotSo) as refused:
        raise _with_place(refused, context, operations, places) from refused
    return Written(tasks=_found(document, operations), trouble=recorder.trouble)


def rehearse(context: Context, tasks: Sequence[NewTask]) -> tuple[Task, ...]:
    """Return the tasks as they would be read after `add`, which is verified but not written; raises what `add` raises."""
    zone = recorder_for(context).zone
    operations = [Add(task=task) for task in tasks]
    queue = context.queue_file(zone)
    return _found(apply(queue.read(), operations, lambda data: read_queue(data, zone=zone), zone), operations)


def _placed(tasks: Sequence[NewTask], places: Sequence[str]) -> list[tuple[NewTask, str]]:
    return list(zip(tasks, places or [""] * len(tasks), strict=True))


def _with_label(task: NewTask, place: str) -> NewTask:
    """Return the task, which has a label; raises BadInput with the place where it has none."""
    try:
        task.slug()
    except BadInput as wrong:
        raise BadInput(f"{place}{wrong}") from wrong
    return task


def _with_place(refused: BadInput | NotSo, context: Context, operations: Sequence[Add], places: Sequence[str]) -> BadInput | NotSo:
    """Return the refusal with the place of the task that it is about, found by trying them anew."""
    if not places:
        return refused
    zone = recorder_for(context).zone
    try:
        document = context.queue_file(zone).read()
        found = first_refused(document, operations, lambda data: read_queue(data, zone=zone), zone)
    except BadInput:
        return refused
    return refused if found is None else BadInput(f"{places[found[0]]}{found[1]}")


def _found(document: Document, operations: Sequence[Add]) -> tuple[Task, ...]:
    sections = {True: Section.COMPLETED, False: Section.ACTIVE}
    known = {(task.label, task.section): task for task in reversed(document.queue.tasks)}
    return tuple(known[operation.task.slug(), sections[operation.task.done]] for operation in operations)


def set_field(context: Context, label: str, field: str, value: str | tuple[str, ...]) -> Written:
    """Set a field of a task, or take it away with an empty value; raises NotSo, BadInput."""
    label = slugify(label)
    shown = "; ".join(value) if isinstance(value, tuple) else " ".join(value.split())
    said = f"{field} set to {shown[:80]}" if shown else f"{field} taken away"
    return _edit(context, label, said, SetField(label=label, field=field, value=value))


def tick(context: Context, label: str, n: int, *, checked: bool) -> Written:
    """Tick or untick a completion criterion, counted from 1; raises NotSo where there is none of that number."""
    label = slugify(label)
    return _edit(context, label, f"criterion {n} {'ticked' if checked else 'unticked'}", Tick(label=label, n=n, checked=checked))


def untick_task(context: Context, label: str) -> Written:
    """Take back the tick on a task's own box in Active Queue; raises NotSo for a completed one."""
    label = slugify(label)
    task = context.load().snapshot.queue.find(label)
    if task is not None and not task.is_active:
        raise NotSo(f"{label} stands under Completed; autobuilds reopen {label} puts it back into Active Queue")
    return _edit(context, label, "unticked", Reopen(label=label))


def block(context: Context, label: str, text: str) -> Written:
    """Add an open blocker to a task."""
    label = slugify(label)
    return _edit(context, label, f"blocked: {text[:80]}", Block(label=label, text=text))


def unblock(context: Context, label: str, n: int | None) -> Written:
    """Settle the open blocker number `n`, counted from 1, or all of them (None)."""
    label = slugify(label)
    return _edit(context, label, "unblocked" if n is None else f"blocker {n} settled", Unblock(label=label, n=n))


def _edit(context: Context, label: str, said: str, operation: Operation) -> Written:
    recorder = recorder_for(context)
    try:
        with recorder.transaction(f"edit {label}"):
            before = context.queue_file(recorder.zone).read().data
            recorder.note("edited", label, said)
            document = recorder.edit(operation)
            changed = document.data != before
            if not changed:
                recorder.withdraw()
    except NotSo:
        from autobuilds.runtime.refusals import insist_known

        insist_known(context, label)
        raise
    task = document.queue.find(label)
    assert task is not None, "the operation found the task"
    return Written(tasks=(task,), trouble=recorder.trouble, changed=changed)
