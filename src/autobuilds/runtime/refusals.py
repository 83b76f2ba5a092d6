"""What is said of an owner's word that has nothing to act on: a label that there is not, a build that was taken back."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from autobuilds.domain.build import Attempt, Build, BuildState, Ledger
from autobuilds.domain.labels import slugify
from autobuilds.domain.spelling import did_you_mean
from autobuilds.errors import NotSo
from autobuilds.runtime.context import Context
from autobuilds.store.workspace import LEDGER, Loaded

#: The reason of a build that the owner took back.
_UNDONE = "undone by you"
#: Where a build stands, and what can be done about it; `{}` is its label.
_STANDS = {
    BuildState.BUILDING: ("is being built", "autobuilds stop {} stops it"),
    BuildState.RETRYING: ("is about to be tried again", "autobuilds why {} says when"),
    BuildState.REVIEW: ("waits for your review", 'autobuilds accept {} merges it, autobuilds reject {} --because "..." sends it back'),
    BuildState.COMPLETED: ("is completed", "autobuilds reopen {} has it built again"),
    BuildState.ESCALATED: ("was handed over to you", "autobuilds retry {} tries it again"),
    BuildState.CANCELLED: ("is cancelled", "autobuilds retry {} tries it again"),
}


def unfit(build: Build, why: str) -> NotSo:
    """Return the refusal of a word that does not fit where a build stands: where that is, why not, and what can be done."""
    stands, way = _STANDS[build.state]
    if build.state is BuildState.COMPLETED and build.delivered_commit:
        stands, way = "is merged", "autobuilds undo {} takes it back"
    return NotSo(f"{build.label} {stands}; {why}. {way.replace('{}', build.label)}")


def for_review(ledger: Ledger, label: str, done: str) -> tuple[Build, Attempt]:
    """Return a build that waits for the review, with its last attempt; raises NotSo for any other."""
    build, why = ledger.find(label), f"only a build that is ready for review can be {done}"
    if build is None or build.last is None:
        raise NotSo(f"{label} is not built; {why}")
    if build.state is not BuildState.REVIEW:
        raise unfit(build, why)
    return build, build.last


def unknown(loaded: Loaded, label: str) -> NotSo:
    """Return the refusal of a label that neither the queue nor the ledger knows, with the nearest that they do."""
    labels = dict.fromkeys([*(t.label for t in loaded.snapshot.queue.tasks), *(b.label for b in loaded.snapshot.ledger.builds)])
    hint = did_you_mean(slugify(label) or label, labels) or "; autobuilds list shows them"
    return NotSo(f'no task or build "{label}"{hint}')


def insist_known(context: Context, label: str) -> None:
    """Raise NotSo where neither the queue nor the ledger knows a label; a queue that can't be read may know any."""
    loaded = context.load()
    queue, ledger = loaded.snapshot.queue, loaded.snapshot.ledger
    if queue.fatal or any(queue.find(name) or ledger.find(name) for name in (label, slugify(label))):
        return
    from autobuilds.store.ledger import read_archive

    if any(b.label == slugify(label) for b in read_archive(context.workspace.path(LEDGER).parent)):
        raise NotSo(
            f"the build of {label} is in the archive, and its task no longer in the queue; autobuilds why {label} says what became of it"
        )
    raise unknown(loaded, label)


@contextmanager
def insisting(context: Context, label: str) -> Iterator[None]:
    """Have the refusal of a label that there is not say that, whatever else would be said of it."""
    try:
        yield
    except NotSo:
        insist_known(context, label)
        raise


@contextmanager
def telling_of_undone(context: Context, label: str) -> Iterator[None]:
    """Have the refusal to undo a build that was taken back already say that."""
    try:
        yield
    except NotSo as refused:
        build = context.workspace.ledger().find(label)
        if build is None or build.state is not BuildState.ESCALATED or build.reason != _UNDONE:
            raise
        raise NotSo(f"{label} was taken back already; autobuilds retry {label} has it built again") from refused
