"""Answering a sub-agent: the owner's words in its progress log, and in the prompt of the next attempt."""

from __future__ import annotations

from contextlib import suppress

from autobuilds.domain.asking import ANSWERED, asks
from autobuilds.domain.build import Build, Outcome
from autobuilds.domain.labels import slugify
from autobuilds.domain.lifecycle import Event, legal, move, new_tries
from autobuilds.errors import BadInput, NotSo
from autobuilds.records import replace
from autobuilds.runtime.context import Context
from autobuilds.runtime.prompt import progress_of
from autobuilds.runtime.record import recording
from autobuilds.runtime.refusals import insist_known
from autobuilds.store.progress_file import add_answer, log_to_answer


def answer(context: Context, label: str, text: str) -> Build:
    """Write the owner's answer into the progress log, for a running agent to read, and into the feedback of the next attempt.

    A build that stopped for the answer starts again with the next heartbeat.
    """
    label = slugify(label)
    with recording(context, f"answer {label}") as (recorder, ledger):
        build = ledger.find(label)
        if build is None:
            insist_known(context, label)
            raise NotSo(f"{label} has no build that could ask; autobuilds status shows what there is")
        path = context.workspace.progress_file(label)
        logged = log_to_answer(path) is not None
        told = f"{ANSWERED}{' '.join(text.split())}"
        answered = replace(build, feedback=f"{build.feedback}\n{told}" if build.feedback else told)
        if asks(build) and legal(build, Event.RETRY):
            keep = build.last is not None and build.last.outcome is Outcome.CHECKS_FAILED
            moved = move(answered, Event.RETRY, recorder.now, reason="answered by you", retry_at=recorder.now)
            answered = new_tries(moved, fresh=not keep)
        # Announced and in the ledger before it is in the log: a kill in between leaves nothing that no commit will hold.
        paths = [path.relative_to(context.workspace.root).as_posix()] if logged else []
        recorder.note("answered", label, "the owner answered a question", record=answered, paths=paths)
        recorder.put(ledger.with_build(answered))
        add_answer(path, text, recorder.now)
        if build.is_active and build.last is not None:
            with suppress(BadInput):
                add_answer(progress_of(context, build.last), text, recorder.now)
        return answered
