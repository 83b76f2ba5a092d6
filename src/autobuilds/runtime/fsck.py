"""Making the ledger again from the history, and what the history and the rest of the workspace do not agree on."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path

from autobuilds.domain.build import Build, Ledger
from autobuilds.domain.model import Queue
from autobuilds.domain.problem import Severity
from autobuilds.errors import AutobuildsError, BadInput, CorruptLedger, NewerLedger
from autobuilds.ports import Survey
from autobuilds.records import dataclass, replace
from autobuilds.runtime import disagreements
from autobuilds.runtime.context import Context
from autobuilds.runtime.disagreements import Finding, odd, wrong
from autobuilds.runtime.record import holding
from autobuilds.store import files, history, uncommitted
from autobuilds.store.ledger import NotALedger, dumps, loads, read_archive, standing
from autobuilds.store.workspace import LEDGER, PRIVATE, STATUS, UNCOMMITTED

_CUT_OFF, _UNSHALLOW = "the history is cut off here (a shallow clone)", "`git fetch --unshallow`"


@dataclass(frozen=True, slots=True, kw_only=True)
class Rebuilt:
    """A ledger made again: from how many transitions, and what of the history could not be read."""

    ledger: Ledger
    transitions: int
    problems: tuple[str, ...] = ()
    #: Where the file is kept that was replaced; None where there was none, or it said the same.
    kept: Path | None = None


def replay(messages: Iterable[tuple[str, Mapping[str, str]]], archived: Iterable[Build] = ()) -> Rebuilt:
    """Return the ledger that transitions lead to; `messages` are (where, trailers), oldest first, `archived` builds are left out."""
    ledger, count, problems = Ledger(), 0, []
    for where, trailers in messages:
        try:
            ledger = history.apply(ledger, trailers)
        except NotALedger as error:
            problems.append(f"{where}: {error}")
        else:
            count += 1
    gone = {(build.label, build.created) for build in archived}
    kept = tuple(build for build in ledger.builds if (build.label, build.created) not in gone)
    return Rebuilt(ledger=replace(ledger, builds=kept), transitions=count, problems=tuple(problems))


def from_history(context: Context) -> Rebuilt:
    """Return the ledger as the history tells it, with what waits to be committed; writes nothing."""
    workspace = context.workspace
    messages = [(commit.sha[:12], commit.trailers) for commit in context.repo.history()]
    messages += [(path.name, history.trailers(message)) for path, message in _waiting(workspace.root / PRIVATE)]
    return replay(messages, read_archive(workspace.path(LEDGER).parent))


def _waiting(private: Path) -> Iterator[tuple[Path, str]]:
    for path in sorted((private / "outbox").glob("*.json")):
        try:
            message = json.loads(path.read_bytes())["message"]
        except (OSError, ValueError, KeyError, TypeError, RecursionError):
            continue
        yield path, str(message)


def rebuild(context: Context) -> Rebuilt:
    """Make the ledger again from the history and write it; the file that stood there is kept in `.autobuilds/replaced`.

    It is called `active-N.before` there, or `active-N.corrupt` where it was no ledger.

    Raises BadInput, with nothing changed, where the history holds no transition or not all of them, where something other than a
    file of this workspace stands in its place, and NewerLedger where a newer version wrote it: its history may hold what is not known here.
    """
    workspace = context.workspace
    _check_place(workspace.root)
    if context.repo.cut_off():
        raise BadInput(f"{_CUT_OFF}, so the ledger can't be made from it: {_UNSHALLOW} brings the rest. Nothing was changed")
    with holding(context, "fsck --rebuild") as recorder:
        made = from_history(context)
        if not made.transitions:
            raise BadInput(
                "the history holds no transition of a build, so there is nothing to make the ledger from (commits: none?). "
                f"Take {LEDGER} from a backup. To begin with an empty one, remove it and {PRIVATE}/{UNCOMMITTED}, "
                "and commit the removal where it was committed. Nothing was changed"
            )
        with recorder.transaction("fsck --rebuild"):
            path = workspace.path(LEDGER)
            old = standing(path)
            if old is not None and old != dumps(made.ledger):
                kept = _place_for(workspace.private / "replaced", old)
                files.write_atomic(kept, old)
                made = replace(made, kept=kept)
            if old != dumps(made.ledger):
                recorder.note("rebuilt", "", f"ledger made again from {made.transitions} transitions")
                recorder.put(made.ledger)
    return made


def _check_place(root: Path) -> None:
    """Raise where the ledger's place may not be written: links, whatever is no file, a ledger of a newer version."""
    path = root / LEDGER
    for place in (path.parent, path):
        if place.is_symlink():
            raise BadInput(
                f"{place}: a symbolic link; the ledger is made again in the workspace alone. Remove the link. Nothing was changed"
            )
    if path.parent.exists() and not path.parent.is_dir():
        raise BadInput(f"{path.parent}: not a folder; remove what stands there. Nothing was changed")
    if path.exists() and not path.is_file():
        raise BadInput(
            f"{path}: not a regular file; remove what stands there and run `autobuilds fsck --rebuild` again. Nothing was changed"
        )
    try:
        loads(standing(path) or b"", str(path))
    except NewerLedger:
        raise
    except CorruptLedger:
        pass


def _place_for(folder: Path, old: bytes) -> Path:
    """Return a name that nothing has yet."""
    try:
        loads(old)
        kind = "before"
    except CorruptLedger:
        kind = "corrupt"
    folder.mkdir(exist_ok=True)
    taken = {path.name.split(".")[0] for path in folder.iterdir()}
    number = next(n for n in range(1, len(taken) + 2) if f"active-{n}" not in taken)
    return folder / f"active-{number}.{kind}"


def check(context: Context, survey: Survey | None = None) -> tuple[Finding, ...]:
    """Return everything that does not agree, errors first; changes nothing. `survey` also looks for lock files of Git."""
    found: list[Finding] = []
    cure: str | None = None  # of the ledger, before which nothing can be committed
    try:
        ledger: Ledger | None = context.workspace.ledger()
    except CorruptLedger as error:
        ledger = None
        cure = "update autobuilds" if isinstance(error, NewerLedger) else "autobuilds fsck --rebuild"
        found.append(wrong("corrupt-ledger", str(error), cure))
    try:
        queue = context.load().snapshot.queue if ledger is not None else None
    except AutobuildsError as error:
        queue = None
        found.append(wrong("files", str(error), "mend what the message names"))
    if queue is not None and queue.fatal:
        found.append(wrong("queue", str(queue.problems[0]) if queue.problems else "the queue can't be read", "autobuilds check"))
    if ledger is not None:
        found += disagreements.in_ledger(context, ledger)
        if queue is not None and not queue.fatal:
            found += disagreements.with_queue(ledger, queue)
        found += disagreements.with_commits(context, ledger)
        found += disagreements.leftovers(context, ledger)
        if context.repo.cut_off():
            found.append(odd("history", f"{_CUT_OFF}; whether the ledger agrees with it was not asked", _UNSHALLOW))
        else:
            found += _agreement(context, ledger, queue)
    found += disagreements.damaged_copies(context)
    found += _uncommitted(context, cure)
    found += disagreements.locks(context, survey) if survey is not None else ()
    return tuple(sorted(found, key=lambda finding: finding.severity is not Severity.ERROR))


def _agreement(context: Context, ledger: Ledger, queue: Queue | None) -> Iterator[Finding]:
    try:
        made = from_history(context)
    except AutobuildsError as error:
        yield odd("history", f"the history can't be read: {error}", "run `git fsck`")
        return
    for problem in made.problems:
        yield odd("history", f"a transition in the history can't be read: {problem}", "none is needed while the ledger is whole")
    if not made.transitions:
        return
    expected = "expected after `commits: none` or --no-commit; else autobuilds fsck --rebuild"
    silent = _left_uncommitted(context)
    theirs = {(build.label, build.created): build for build in made.ledger.builds}
    for build in ledger.builds:
        other = theirs.pop((build.label, build.created), None)
        if other == build:
            continue
        if silent or (other is not None and _gist(other) == _gist(build)):
            yield odd("history", f"{build.label}: the ledger and the history do not agree", expected, build.label)
        else:
            said = f"{build.label}: the ledger says {_told(build)}, the history {_told(other)}"
            yield wrong("history", said, "autobuilds fsck --rebuild takes the history's word", build.label)
    for label, _ in theirs:
        if queue is not None and queue.find(label) is not None and ledger.find(label) is None:
            said = f"{label} stands in the queue, but its build is only in the history, not in the ledger"
            yield wrong("no-build", said, "autobuilds fsck --rebuild", label)
        else:
            said = f"{label}: the history has a build that the ledger has not"
            yield odd("history", said, "expected on a branch made from older files; else autobuilds fsck --rebuild", label)
    if {a.label: a for a in ledger.approvals} != {a.label: a for a in made.ledger.approvals}:
        yield odd("history", "the approvals of the ledger and of the history do not agree", expected)
    if ledger.pause != made.ledger.pause:
        yield odd("history", "the ledger and the history do not agree on whether starts are paused", expected)
    if ledger.day != made.ledger.day:
        yield odd("history", "the ledger and the history do not agree on the owner's word or the nights", expected)


def _left_uncommitted(context: Context) -> bool:
    """Whether the ledger is ahead of the history by the owner's word: commits are off, or were for what was written last."""
    now = standing(context.workspace.path(LEDGER))
    if now is not None and uncommitted.matches(context.workspace.root / PRIVATE / UNCOMMITTED, now):
        return True
    return context.workspace.config().settings.commits == "none"


def _gist(build: Build) -> tuple[object, ...]:
    """Return what of a build decides over what happens next."""
    tries = tuple((attempt.number, attempt.id, attempt.outcome, attempt.head_commit) for attempt in build.attempts)
    return (build.state, build.retry_at, build.counted_from, build.deliver, build.delivered_commit, tries)


def _told(build: Build | None) -> str:
    if build is None:
        return "has no such build"
    last = build.last
    return build.state.value if last is None else f"{build.state.value}, attempt {last.number} {last.outcome or 'open'}"


def _uncommitted(context: Context, cure: str | None) -> Iterator[Finding]:
    workspace = context.workspace
    for name in (LEDGER, STATUS):
        text = standing(workspace.path(name))
        if text is not None and context.committed(name) != text:
            fix = "autobuilds heartbeat commits it, unless commits are off"
            if cure is not None:
                fix = cure if name == LEDGER else f"{cure}; then autobuilds heartbeat commits it"
            yield odd("uncommitted", f"{name} differs from its last commit", fix)
    outbox = workspace.root / PRIVATE / "outbox"
    readable = {path for path, _ in _waiting(workspace.root / PRIVATE)}
    if readable:
        yield odd("uncommitted", f"{len(readable)} transitions wait to be committed", "autobuilds heartbeat commits them once Git can")
    for path in sorted(set(outbox.glob("*.json")) - readable):
        yield wrong(
            "outbox", f"{path} can't be read as a commit that waits; nothing is committed behind it", f"rm {path}  (the files are right)"
        )
