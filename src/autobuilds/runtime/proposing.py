"""Proposing: finished work is pushed and offered as a pull request, with the build's story as its text."""

from __future__ import annotations

from pathlib import Path

from autobuilds.domain import inert
from autobuilds.domain.build import Attempt, Build, Evidence
from autobuilds.domain.labels import slugify
from autobuilds.domain.lifecycle import Event, move
from autobuilds.domain.model import Task
from autobuilds.errors import AutobuildsError, NotSo, Refused
from autobuilds.ports import FileStat, Proposal, Proposed
from autobuilds.records import replace
from autobuilds.runtime.context import Context
from autobuilds.runtime.merging import Tell, work_of
from autobuilds.runtime.pages import refresh
from autobuilds.runtime.record import Recorder, holding
from autobuilds.runtime.refusals import for_review, insisting
from autobuilds.store.render import Renderer

TEMPLATE = "pull-request.md.j2"
#: Files that are named in the text, characters of the agent's last words and of the title.
MAX_FILES, MAX_SAID, MAX_TITLE = 100, 6000, 200
#: Forges take 65,536 characters or more; a longer text is cut.
MAX_BODY = 60_000


def propose(context: Context, label: str, tell: Tell) -> tuple[Build, Proposed]:
    """Open a pull request for a build that waits for review, or find the one that is open, and record its address.

    Raises NotSo where there is nothing to offer, ForgeFailure or Refused with what stands in the way; the build stays in review.
    """
    label = slugify(label) or label
    with holding(context, f"pr {label}") as recorder:
        with insisting(context, label):
            build, _ = for_review(context.workspace.ledger(), label, "offered as a pull request")
        try:
            proposed, attempt = offer(context, build, tell)
        except AutobuildsError as fault:
            held(context, recorder, build, str(fault))
            refresh(context, recorder)
            raise
        opened = record(context, recorder, build, attempt, proposed)
        refresh(context, recorder)
        return opened, proposed


def offer(context: Context, build: Build, tell: Tell) -> tuple[Proposed, Attempt]:
    """Push the work and open the pull request; return where it is, and the attempt with what the owner added to its branch."""
    attempt = build.last
    if attempt is None or attempt.head_commit is None or attempt.head_commit == attempt.base_commit:
        raise NotSo(f"{build.label} changed nothing; there is nothing to offer. autobuilds complete {build.label} closes it")
    if attempt.base_branch is None or attempt.branch is None:
        raise Refused(f"{build.label} was built on a detached HEAD: push its work by hand, then autobuilds complete {build.label}")
    repo = context.open_repo(Path(attempt.repository))
    attempt = replace(attempt, head_commit=work_of(context, repo, build.label, attempt))
    loaded = context.load()
    files = repo.file_stats(attempt.base_commit or "", attempt.head_commit or "")
    # The name at the forge is the build's own, whatever the work had to be called here.
    branch = f"build/{build.label}"
    earlier = tuple(a.head_commit for a in build.attempts if a.head_commit is not None)
    tell(f"pushing {branch} and asking the forge for a pull request")
    proposed = context.forge.propose(
        Proposal(
            repository=repo.root,
            branch=branch,
            commit=attempt.head_commit or "",
            base=attempt.base_branch or "",
            title=inert.line(build.name, MAX_TITLE) or build.label,
            body=body_of(context, build, attempt, loaded.snapshot.queue.find(build.label), files),
            replaces=earlier,
            command=loaded.settings.forge,
        )
    )
    return proposed, replace(attempt, pull_request=proposed.address)


def record(context: Context, recorder: Recorder, build: Build, attempt: Attempt, proposed: Proposed) -> Build:
    """Record where the work is offered, once."""
    before = build.last
    if before is not None and before.pull_request == proposed.address and before.head_commit == attempt.head_commit:
        return build
    opened = move(build, Event.PROPOSED, recorder.now, attempt=attempt)
    with recorder.transaction(f"propose {build.label}", hold=True):
        said = f"pull request {'found' if proposed.found else 'opened'}: {proposed.address}"
        recorder.note(Event.PROPOSED, build.label, said, attempt=attempt.number, record=opened)
        recorder.put(context.workspace.ledger().with_build(opened))
    return opened


def held(context: Context, recorder: Recorder, build: Build, why: str) -> None:
    """Record why there is no pull request, where that is news; the build waits for review all the same."""
    reason = f"no pull request yet: {inert.line(why, 600)}. autobuilds pr {build.label} tries again"
    if build.reason == reason or (build.last is not None and build.last.pull_request is not None):
        return
    told = replace(build, reason=reason, updated=recorder.now)
    with recorder.transaction(f"propose {build.label}", hold=True):
        recorder.note(Event.PROPOSED, build.label, reason, attempt=build.last.number if build.last else None, record=told)
        recorder.put(context.workspace.ledger().with_build(told))


def body_of(context: Context, build: Build, attempt: Attempt, task: Task | None, files: tuple[FileStat, ...]) -> str:
    """Return the text of the pull request; whatever an agent or a queue wrote in it is inert."""
    values = {
        "label": build.label,
        "name": build.name,
        "attempt": attempt.number,
        "agent": attempt.agent,
        "model": attempt.model,
        "description": task.description if task else "",
        "criteria": [c.text for c in task.criteria] if task else [],
        "evidence": (attempt.evidence or Evidence.CLAIMED).value,
        "checks": [{"text": c.text, "command": c.command, "passed": c.passed, "seconds": c.seconds} for c in attempt.checks],
        "files": [{"path": f.path, "added": f.added, "removed": f.removed} for f in files[:MAX_FILES]],
        "more_files": max(len(files) - MAX_FILES, 0),
        "said": inert.shorten(attempt.said, MAX_SAID) if attempt.said else "",
        "notes": list(attempt.notes),
        "cost": cost_words(build),
    }
    text = Renderer(context.workspace.root).render(TEMPLATE, values)
    return text if len(text) <= MAX_BODY else text[:MAX_BODY].rsplit("\n", 1)[0] + "\n\n(cut here: the text is longer)\n"


def cost_words(build: Build) -> str:
    """Return what a build took so far, as far as its agents reported it."""
    costs = [a.usage.cost_usd for a in build.attempts if a.usage.cost_usd is not None]
    tokens = sum((a.usage.tokens_in or 0) + (a.usage.tokens_out or 0) for a in build.attempts)
    number = len(build.attempts)
    tries = f"{number} {'attempt' if number == 1 else 'attempts'}"
    parts = [tries, *([f"{sum(costs):.2f} USD"] if costs else []), *([f"{tokens:,} tokens"] if tokens else [])]
    return ", ".join(parts) + ("" if costs or tokens else "; no cost reported")
