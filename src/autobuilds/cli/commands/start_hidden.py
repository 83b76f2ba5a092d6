"""Commands that programs run, not people: Git's merge driver, the scheduler's probe."""

from __future__ import annotations

from pathlib import Path

import click

from autobuilds.cli.options import workspace_option
from autobuilds.cli.session import open_context, tell
from autobuilds.errors import StorageFailure


@click.command(name="merge-driver", hidden=True)
@click.argument("base", type=click.Path(path_type=Path))
@click.argument("ours", type=click.Path(path_type=Path))
@click.argument("theirs", type=click.Path(path_type=Path))
def merge_driver(base: Path, ours: Path, theirs: Path) -> int:
    """Merge the queue task by task as Git's merge driver: the result goes to OURS; exit status 1 where something clashes."""
    from datetime import UTC

    from autobuilds.store.files import write_atomic
    from autobuilds.store.queue.merging import merge_queue

    try:
        found = merge_queue(base.read_bytes(), ours.read_bytes(), theirs.read_bytes(), UTC)
    except OSError as error:
        raise StorageFailure(f"can't read {error.filename}: {error.strerror}") from error
    write_atomic(ours, found.data)
    if found.conflicts:
        tell(
            f"BUILD_QUEUE.md: {_clashes(found.conflicts - found.deletions, found.deletions)}; mend what is marked, then git add and commit"
        )
    return 1 if found.conflicts else 0


def _clashes(changes: int, deletions: int) -> str:
    """Return what clashes, and in how many places."""
    told = [("both sides changed the same lines", changes), ("one side deleted what the other changed", deletions)]
    return ", and ".join(f"{what} in {'one place' if n == 1 else f'{n} places'}" for what, n in told if n)


@click.command(hidden=True)
@click.argument("nonce")
@workspace_option
def probe(nonce: str, workspace: Path | None) -> None:
    """Write down what a process that the scheduler started can find."""
    from autobuilds.runtime.installing import record_probe

    context = open_context(workspace)
    record_probe(context.workspace.root, nonce, context.host.now(None), context.host.agents())
