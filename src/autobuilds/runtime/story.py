"""The story of a build: what was asked, each attempt, what the agent did, what was checked, what changed, what follows."""

from __future__ import annotations

from pathlib import Path

from autobuilds.domain.build import Attempt, Build, BuildState, DeliverMode
from autobuilds.domain.labels import slugify
from autobuilds.domain.model import Task
from autobuilds.domain.progress import Progress
from autobuilds.errors import AutobuildsError, NotSo
from autobuilds.ports import FileStat
from autobuilds.records import dataclass
from autobuilds.runtime.context import Context
from autobuilds.runtime.refusals import insist_known
from autobuilds.store.guarded import read_guarded
from autobuilds.store.progress import read_progress

#: Bytes of the end of an attempt's output that are told.
LOG_TAIL = 4000


@dataclass(frozen=True, slots=True, kw_only=True)
class Prompt:
    """What the agent was told; `file` is below the workspace, `text` None where it is gone (`why`)."""

    file: str
    text: str | None
    why: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Story:
    """One build as it is shown to the owner, with `attempt` the one that is told in full. Its texts are as hostile as their authors."""

    build: Build
    attempt: Attempt
    task: Task | None
    prompt: Prompt
    #: What the agent said and was seen doing, the newest last; empty for an attempt whose progress log was overwritten.
    did: tuple[str, ...]
    files: tuple[FileStat, ...]
    diff: str
    log_tail: str
    #: The progress log as it stands in its file.
    progress: str
    #: What the owner may do now.
    commands: tuple[str, ...]
    #: Why change or log can't be told.
    faults: tuple[str, ...] = ()


def story_of(context: Context, label: str, number: int | None = None) -> Story:
    """Return the story of a build, told of attempt `number` (None: the last); raises NotSo where there is nothing to tell."""
    label = slugify(label) or label
    ledger = context.workspace.ledger()
    build = ledger.find(label)
    if build is None or build.last is None:
        insist_known(context, label)
        raise NotSo(f"{label} has no build to review; autobuilds review lists what waits, autobuilds why {label} says what holds a task")
    attempt = next((a for a in build.attempts if a.number == number), None) if number is not None else build.last
    if attempt is None:
        known = ", ".join(str(a.number) for a in build.attempts)
        raise NotSo(f"{label} has no attempt {number}; there are {known}")
    files, diff, faults = _change(context, attempt)
    loaded = context.load()
    progress = read_progress(context.workspace.progress_file(build.label), label=build.label, zone=loaded.zone)
    is_its = attempt is build.last and progress.attempt in {None, attempt.number}
    # A sub-agent may have put anything there: a link to a secret, a pipe, a file without end.
    text = read_guarded(context.workspace.progress_file(build.label)).text if is_its else None
    return Story(
        build=build,
        attempt=attempt,
        task=loaded.snapshot.queue.find(build.label),
        prompt=_prompt(context, attempt),
        did=_did(progress) if is_its else (),
        files=files,
        diff=diff,
        log_tail=context.runner.logs(attempt.id, LOG_TAIL),
        progress=text or "",
        commands=commands_for(build),
        faults=faults,
    )


def _did(progress: Progress) -> tuple[str, ...]:
    return progress.log


def _change(context: Context, attempt: Attempt) -> tuple[tuple[FileStat, ...], str, tuple[str, ...]]:
    """Return what an attempt changed, file by file and line by line; what Git can't tell any more is said."""
    base, head = attempt.base_commit, attempt.head_commit
    if not base or not head or base == head:
        return (), "", ()
    try:
        repo = context.open_repo(Path(attempt.repository))
        return repo.file_stats(base, head), repo.diff_text(base, head), ()
    except AutobuildsError as gone:
        return (), "", (f"the change can't be shown: {gone}",)


def _prompt(context: Context, attempt: Attempt) -> Prompt:
    path = context.workspace.run_folder(attempt.id) / "prompt.md"
    found = read_guarded(path, head=4 * 1024 * 1024)
    file = path.relative_to(context.workspace.root).as_posix()
    why = found.problem if found.text is None else None
    return Prompt(file=file, text=found.text, why=why or (None if found.text is not None else "is gone (kept for 30 days)"))


def commands_for(build: Build) -> tuple[str, ...]:
    """Return what the owner may do with a build as it stands, the likeliest first."""
    label = build.label
    log = f"autobuilds log {label}"
    if build.state is BuildState.REVIEW:
        opened = build.last is not None and build.last.pull_request is not None
        propose = (f"autobuilds pr {label}",) if build.deliver is DeliverMode.PR and not opened else ()
        return (*propose, f"autobuilds accept {label}", f'autobuilds reject {label} --because "..."', log)
    if build.state is BuildState.BUILDING:
        return (f"autobuilds log -f {label}", f"autobuilds stop {label}")
    if build.state is BuildState.COMPLETED:
        return (f"autobuilds undo {label}", log) if build.delivered_commit else (f"autobuilds reopen {label}", log)
    if build.state is BuildState.CANCELLED:
        return (f"autobuilds retry {label}", log)
    return (f"autobuilds retry {label}", f"autobuilds complete {label}", f"autobuilds cancel {label}", log)


def waiting(context: Context) -> tuple[Build, ...]:
    """Return the builds that wait for the owner's review, the oldest first."""
    newest = {b.label: b for b in context.workspace.ledger().builds}
    ready = [b for b in newest.values() if b.state is BuildState.REVIEW]
    return tuple(sorted(ready, key=lambda b: b.updated.timestamp()))
