"""Answering a sub-agent: the owner's words in its progress log, and in the prompt of the next attempt."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import replace

from autobuilds.domain.build import Build
from autobuilds.domain.labels import slugify
from autobuilds.errors import BadInput, NotSo
from autobuilds.runtime.context import Context
from autobuilds.runtime.prompt import progress_of
from autobuilds.runtime.record import recording
from autobuilds.store.progress_file import add_answer


def answer(context: Context, label: str, text: str) -> Build:
    """Write the owner's answer into the progress log, for a running agent to read, and into the feedback of the next attempt."""
    label = slugify(label)
    with recording(context, f"answer {label}") as (recorder, ledger):
        build = ledger.find(label)
        if build is None:
            raise NotSo(f"{label} has no build that could ask; autobuilds status shows what there is")
        path = context.workspace.progress_file(label)
        add_answer(path, text, recorder.now)
        if build.is_active and build.last is not None:
            with suppress(BadInput):
                add_answer(progress_of(context, build.last), text, recorder.now)
        told = f"The owner answered: {text}"
        answered = replace(build, feedback=f"{build.feedback}\n{told}" if build.feedback else told)
        paths = [path.relative_to(context.workspace.root).as_posix()] if path.exists() else []
        recorder.note("answered", label, "the owner answered a question", record=answered, paths=paths)
        recorder.put(ledger.with_build(answered))
        return answered
